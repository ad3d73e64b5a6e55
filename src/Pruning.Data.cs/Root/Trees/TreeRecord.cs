namespace Pruning.Data.Root;

/// <summary>ROOT's TTree as stored, up to its branches; what follows them does not concern a reader.</summary>
/// <param name="Name">fName.</param>
/// <param name="Title">fTitle.</param>
/// <param name="EntryCount">fEntries: the writer's count, which the branches may contradict.</param>
/// <param name="Branches">fBranches.</param>
/// <param name="Objects">Leaves and branches by their references.</param>
internal sealed record TreeRecord(string Name, string Title, long EntryCount, IReadOnlyList<BranchRecord> Branches, ObjectMap Objects)
{
    /// <param name="buffer">The payload of the tree's record.</param>
    /// <param name="className">TTree, or TNtuple and TNtupleD which wrap one.</param>
    public static TreeRecord Decode(ref RootBuffer buffer, string className)
    {
        if (className != "TTree")
            Frame.Open(ref buffer, className);
        Frame frame = Frame.Open(ref buffer, "TTree");
        int version = frame.Version;
        if (version is < 16 or > 20)
            throw buffer.Error(RootErrorKind.UnsupportedVersion, $"TTree version {version} is not known, only 16 to 20 (ROOT 5.23 to 6)");
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
        if (version >= 18)
            buffer.Skip(8); // fAutoFlush
        buffer.Skip(8); // fEstimate
        if (version >= 19)
        {
            SkipClusterTable(ref buffer, clusterRanges); // fClusterRangeEnd
            SkipClusterTable(ref buffer, clusterRanges); // fClusterSize
        }
        if (version >= 20)
            Frame.Skip(ref buffer, "ROOT::TIOFeatures");
        var map = new ObjectMap();
        List<BranchRecord> branches = BranchRecord.DecodeList(ref buffer, map, 0);
        return new TreeRecord(name, title, entryCount, branches, map);
    }

    private static void SkipClusterTable(ref RootBuffer buffer, int count)
    {
        if (buffer.ReadByte() == 0)
            return;
        if (count < 0 || count > buffer.Remaining / 8)
            throw buffer.Error(RootErrorKind.CorruptObject, $"a table of {count} clusters does not fit the {buffer.Remaining} bytes that remain");
        buffer.Skip(count * 8);
    }
}
