using Pruning.Root.Errors;
using Pruning.Root.Sources;
using Pruning.Root.Streamers;

namespace Pruning.Root.Trees.Records;

/// <summary>ROOT's TTree as stored, up to its branches. Reading values needs nothing after them.</summary>
/// <param name="Name">fName.</param>
/// <param name="Title">fTitle.</param>
/// <param name="EntryCount">fEntries: the writer's count, which may differ from the branches.</param>
/// <param name="AutoFlush">fAutoFlush: entries of a cluster where positive.</param>
/// <param name="Clusters">fClusterRangeEnd and fClusterSize: up to which entry clusters have which size; empty for none.</param>
/// <param name="Branches">Every branch of every depth; a branch precedes its children.</param>
internal sealed record TreeRecord(string Name, string Title, long EntryCount, long AutoFlush,
    IReadOnlyList<(long Last, long Size)> Clusters, List<BranchRecord> Branches)
{
    /// <param name="payload">The tree's record.</param>
    /// <param name="className">TTree, or a class that wraps one: TNtuple, TNtupleD, TChain.</param>
    public static TreeRecord Decode(TreePayload payload, string className)
    {
        RootBuffer buffer = payload.Open();
        ObjectMap map = payload.Map;
        if (className != "TTree")
            Frame.Open(ref buffer, className);
        Frame frame = Frame.Open(ref buffer, "TTree");
        int version = frame.Version;
        if (version is < 16 or > 20)
            return DecodeDescribed(ref buffer, map.Describe(ref buffer, "TTree", version), payload);
        (string name, string title) = StreamedBases.ReadNamed(ref buffer);
        Frame.Skip(ref buffer, "TAttLine");
        Frame.Skip(ref buffer, "TAttFill");
        Frame.Skip(ref buffer, "TAttMarker");
        long entryCount = buffer.ReadInt64();
        if (entryCount < 0)
            throw buffer.Error(RootErrorKind.CorruptObject, $"the tree claims {entryCount} entries");
        buffer.Skip(3 * 8); // fTotBytes, fZipBytes, fSavedBytes
        if (version >= 18)
            buffer.Skip(8); // fFlushedBytes
        buffer.Skip(8 + (3 * 4)); // fWeight, fTimerInterval, fScanField, fUpdate
        if (version >= 17)
            buffer.Skip(4); // fDefaultEntryOffsetLen
        int clusterRanges = version >= 19 ? buffer.ReadInt32() : 0;
        buffer.Skip(4 * 8); // fMaxEntries, fMaxEntryLoop, fMaxVirtualSize, fAutoSave
        long autoFlush = version >= 18 ? buffer.ReadInt64() : 0;
        buffer.Skip(8); // fEstimate
        long[] clusterEnds = version >= 19 ? ReadClusterTable(ref buffer, clusterRanges) : []; // fClusterRangeEnd
        long[] clusterSizes = version >= 19 ? ReadClusterTable(ref buffer, clusterRanges) : []; // fClusterSize
        if (version >= 20)
            Frame.Skip(ref buffer, "ROOT::TIOFeatures");
        var walk = new BranchWalk(payload);
        walk.WalkList(ref buffer, map, null, 0);
        return new TreeRecord(name, title, entryCount, autoFlush, [.. clusterEnds.Zip(clusterSizes)], walk.Branches);
    }

    // Versions of ROOT 3 to 5.22, which other writers still produce, and future versions.
    private static TreeRecord DecodeDescribed(ref RootBuffer buffer, StreamerInfo info, TreePayload payload)
    {
        var members = new DescribedMembers(payload.Map);
        (string name, string title) = ("", "");
        var walk = new BranchWalk(payload);
        foreach (StreamerElement? element in info.Elements)
        {
            if (element is null)
                throw buffer.Error(RootErrorKind.UnsupportedVersion,
                    $"the description of TTree version {info.Version} has members of an unknown kind");
            if (element.Name == "TNamed")
            {
                (name, title) = StreamedBases.ReadNamed(ref buffer);
            }
            else if (element.Name == "fBranches")
            {
                walk.WalkList(ref buffer, payload.Map, null, 0);
                break; // reading values needs nothing after the branches
            }
            else
            {
                members.Take(ref buffer, element);
            }
        }
        if (members["fEntries"] < 0)
            throw buffer.Error(RootErrorKind.CorruptObject, $"the tree claims {members["fEntries"]} entries");
        return new TreeRecord(name, title, members["fEntries"], members["fAutoFlush"], [], walk.Branches);
    }

    private static long[] ReadClusterTable(ref RootBuffer buffer, int count)
    {
        if (buffer.ReadByte() == 0)
            return [];
        if (count < 0 || count > buffer.Remaining / 8)
            throw buffer.Error(RootErrorKind.CorruptObject,
                $"a table of {count} clusters does not fit the {buffer.Remaining} bytes that remain");
        long[] values = new long[count];
        for (int i = 0; i < count; i++)
            values[i] = buffer.ReadInt64();
        return values;
    }
}
