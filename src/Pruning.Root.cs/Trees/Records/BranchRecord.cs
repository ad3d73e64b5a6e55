using Pruning.Root.Sources;
using Pruning.Root.Streamers;

namespace Pruning.Root.Trees.Records;

/// <summary>What TBranchElement adds to TBranch: which member of which class the branch stores.</summary>
/// <param name="ClassName">fClassName: class of the object, or class that the member belongs to.</param>
/// <param name="Checksum">fCheckSum: which layout of the class.</param>
/// <param name="Version">fClassVersion.</param>
/// <param name="Id">fID: number of the member, -1 for a whole object, -2 for a split one.</param>
/// <param name="Type">fType: 0 object or member, 1 and 2 nodes, 3 and 4 counters, 31 and 41 columns of a collection.</param>
/// <param name="StreamerType">fStreamerType: type code of the member, -1 when the branch is not a member.</param>
/// <param name="Counter">fBranchCount: reference to the branch that counts, 0 for none.</param>
internal sealed record ElementRecord(string ClassName, uint Checksum, int Version, int Id, int Type, int StreamerType, long Counter);

/// <summary>
/// ROOT's TBranch or a class derived from it: its numbers, and the positions of its lists and tables in the tree's description.
/// </summary>
internal sealed class BranchRecord(TreePayload tree, string className, BranchRecord? parent)
{
    private const int Absent = -1;

    private string? _name;

    /// <summary>The description that the positions count in.</summary>
    public TreePayload Tree => tree;

    /// <summary>TBranch, TBranchElement, TBranchObject and so on.</summary>
    public string ClassName => className;

    /// <summary>The branch above, null at the top.</summary>
    public BranchRecord? Parent => parent;

    /// <summary>True when there are branches below.</summary>
    public bool HasChildren { get; set; }

    /// <summary>fCompress.</summary>
    public int Compression { get; set; }

    /// <summary>fWriteBasket: baskets before this one are records in the file.</summary>
    public int WriteBasket { get; set; }

    /// <summary>fMaxBaskets: length of the basket tables.</summary>
    public int MaxBaskets { get; set; }

    /// <summary>fEntryNumber: entries, counted up to the last one.</summary>
    public long EntryNumber { get; set; }

    /// <summary>fFirstEntry.</summary>
    public long FirstEntry { get; set; }

    /// <summary>fTotBytes: bytes of all baskets once decompressed.</summary>
    public long TotalBytes { get; set; }

    /// <summary>fID and fType of a TBranchElement; 0 of others.</summary>
    public (int Id, int Type) Member { get; set; }

    /// <summary>Why the branch cannot be read although the tree can.</summary>
    public string? Unsupported { get; set; }

    /// <summary>Where name and title begin.</summary>
    public (int Name, int Title) Texts { get; set; }

    /// <summary>Where fLeaves and fBaskets begin.</summary>
    public (int Leaves, int Baskets) Lists { get; set; } = (Absent, Absent);

    /// <summary>Where fBasketBytes, fBasketEntry and fBasketSeek begin, flag first.</summary>
    public (int Bytes, int Entry, int Seek) Tables { get; set; } = (Absent, Absent, Absent);

    /// <summary>
    /// Descriptions of the tables' elements in versions of which only the file knows whether they are 4 or 8 bytes; null for
    /// known versions.
    /// </summary>
    public (StreamerElement? Bytes, StreamerElement? Entry, StreamerElement? Seek)? Described { get; set; }

    /// <summary>Where fFileName begins.</summary>
    public int FileNameAt { get; set; } = Absent;

    /// <summary>Where the members of TBranchElement begin, and its version; absent for other classes.</summary>
    public (int At, int Version) ElementAt { get; set; } = (Absent, 0);

    /// <summary>fName.</summary>
    public string Name => _name ??= tree.Text(Texts.Name);

    /// <summary>fName as the file has it.</summary>
    public ReadOnlySpan<byte> NameBytes => tree.TextBytes(Texts.Name);

    /// <summary>fTitle: often the leaf list, sometimes a sentence.</summary>
    public string Title => tree.Text(Texts.Title);

    /// <summary>fFileName: another file that holds the baskets, empty for this one.</summary>
    public string FileName => FileNameAt == Absent ? "" : tree.Text(FileNameAt);

    /// <summary>True for branches that only hold other branches.</summary>
    public bool IsNode => ElementAt.At != Absent
        ? Member is { Type: 1 or 2 } or { Type: 0, Id: -2 } || (HasChildren && Member.Type == 0)
        : HasChildren;

    /// <summary>What TBranchElement adds, else null.</summary>
    public ElementRecord? DecodeElement() => ElementAt.At == Absent
        ? null
        : tree.Decode(ElementAt.At, (ref RootBuffer buffer, ObjectMap map) =>
            BranchWalk.ReadElement(ref buffer, map, ElementAt.Version, 0));

    /// <summary>fLeaves.</summary>
    public List<LeafRecord> DecodeLeaves() => Lists.Leaves == Absent ? [] : tree.Decode(Lists.Leaves, LeafRecord.DecodeList);

    /// <summary>fBaskets by index; null where the basket is a record.</summary>
    public List<EmbeddedBasket?> DecodeBaskets() => Lists.Baskets == Absent ? [] : tree.Decode(Lists.Baskets, EmbeddedBasket.DecodeList);

    /// <summary>fBasketBytes of the first fWriteBasket + 1 baskets.</summary>
    public long[] DecodeBytes() => DecodeTable(Tables.Bytes, sizeof(int), Described?.Bytes);

    /// <summary>fBasketEntry: first entry of each basket.</summary>
    public long[] DecodeEntries() => DecodeTable(Tables.Entry, sizeof(long), Described?.Entry);

    /// <summary>fBasketSeek: record of each basket.</summary>
    public long[] DecodeSeeks() => DecodeTable(Tables.Seek, sizeof(long), Described?.Seek);

    /// <summary>Name of the branch that a reference means; null when it means none.</summary>
    public string? NameOf(long reference) => tree.DecodeReference(reference, static (ref RootBuffer buffer, ObjectMap map) =>
    {
        ObjectSlot slot = map.Open(ref buffer);
        if (slot.ClassName?.StartsWith("TBranch", StringComparison.Ordinal) != true)
            return null;
        if (slot.ClassName != "TBranch")
            Frame.Open(ref buffer, slot.ClassName);
        Frame.Open(ref buffer, "TBranch");
        return StreamedBases.ReadNamed(ref buffer).Name;
    });

    /// <summary>Name of the leaf that a reference means; null when it means none.</summary>
    public string? LeafNameOf(long reference) => tree.DecodeReference(reference, LeafRecord.DecodeSlot)?.Name;

    // The tables are as long as fMaxBaskets; only the baskets that exist are kept. A zero flag means "no values".
    private long[] DecodeTable(int at, int width, StreamerElement? described)
    {
        if (at == Absent)
            return [];
        return tree.Decode(at, (ref RootBuffer buffer, ObjectMap _) =>
        {
            if (buffer.ReadByte() == 0)
                return [];
            long[] values = new long[Math.Min(MaxBaskets, WriteBasket + 1)];
            for (int i = 0; i < values.Length; i++)
                values[i] = described is not null ? DescribedMembers.ReadNumber(ref buffer, described) : width == sizeof(int)
                    ? buffer.ReadInt32() : buffer.ReadInt64();
            return values;
        });
    }
}
