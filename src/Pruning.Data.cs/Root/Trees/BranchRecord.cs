namespace Pruning.Data.Root;

/// <summary>What TBranchElement adds to TBranch: which member of which class the branch stores.</summary>
/// <param name="ClassName">fClassName: class of the object, or class that the member belongs to.</param>
/// <param name="Checksum">fCheckSum: which layout of the class.</param>
/// <param name="Version">fClassVersion.</param>
/// <param name="Id">fID: number of the member, -1 for a whole object, -2 for a split one.</param>
/// <param name="Type">fType: 0 object or member, 1 and 2 nodes, 3 and 4 counters, 31 and 41 columns of a collection.</param>
/// <param name="StreamerType">fStreamerType: type code of the member, -1 when the branch is not a member.</param>
/// <param name="Counter">fBranchCount: reference to the branch that counts, 0 for none.</param>
internal sealed record ElementRecord(string ClassName, uint Checksum, int Version, int Id, int Type, int StreamerType, long Counter);

/// <summary>ROOT's TBranch or a class derived from it.</summary>
/// <param name="ClassName">TBranch, TBranchElement, TBranchObject and so on.</param>
/// <param name="Name">fName.</param>
/// <param name="Title">fTitle: often the leaf list, sometimes a sentence.</param>
/// <param name="Compression">fCompress.</param>
/// <param name="OffsetLength">fEntryOffsetLen: 0 means that all entries have the same size.</param>
/// <param name="WriteBasket">fWriteBasket: baskets before this one are records in the file.</param>
/// <param name="EntryNumber">fEntryNumber: entries, counted up to the last one.</param>
/// <param name="FirstEntry">fFirstEntry.</param>
/// <param name="TotalBytes">fTotBytes: bytes of all baskets once decompressed.</param>
/// <param name="Children">fBranches.</param>
/// <param name="Leaves">fLeaves.</param>
/// <param name="Embedded">fBaskets by index; null where the basket is a record.</param>
/// <param name="BasketBytes">fBasketBytes of the first fWriteBasket + 1 baskets.</param>
/// <param name="BasketEntry">fBasketEntry: first entry of each basket.</param>
/// <param name="BasketSeek">fBasketSeek: record of each basket.</param>
/// <param name="FileName">fFileName: another file that holds the baskets, empty for this one.</param>
/// <param name="Element">What TBranchElement adds, else null.</param>
/// <param name="Unsupported">Why the branch cannot be read although the tree can.</param>
internal sealed record BranchRecord(
    string ClassName,
    string Name,
    string Title,
    int Compression,
    int OffsetLength,
    int WriteBasket,
    long EntryNumber,
    long FirstEntry,
    long TotalBytes,
    IReadOnlyList<BranchRecord> Children,
    IReadOnlyList<LeafRecord> Leaves,
    IReadOnlyList<EmbeddedBasket?> Embedded,
    int[] BasketBytes,
    long[] BasketEntry,
    long[] BasketSeek,
    string FileName,
    ElementRecord? Element,
    string? Unsupported)
{
    /// <summary>Branches nested deeper than any real tree are refused before they exhaust the stack.</summary>
    public const int MaxDepth = 64;

    /// <summary>Reads a list of branches: a member of TTree and of TBranch.</summary>
    public static List<BranchRecord> DecodeList(ref RootBuffer buffer, ObjectMap map, int depth)
    {
        if (depth > MaxDepth)
            throw buffer.Error(RootErrorKind.CorruptObject, $"branches are nested deeper than {MaxDepth}");
        (Frame frame, int count) = StreamedBases.OpenArray(ref buffer);
        var branches = new List<BranchRecord>(Math.Min(count, 1024));
        for (int i = 0; i < count; i++)
        {
            // A reference to a branch that stands elsewhere is no child: following it could go on for ever.
            if (DecodeSlot(ref buffer, map, depth, out _) is BranchRecord branch)
                branches.Add(branch);
        }
        frame.Close(ref buffer);
        return branches;
    }

    /// <summary>Reads a slot that may hold a branch; null for nothing and for references.</summary>
    public static BranchRecord? DecodeSlot(ref RootBuffer buffer, ObjectMap map, int depth, out long reference)
    {
        if (depth > MaxDepth)
            throw buffer.Error(RootErrorKind.CorruptObject, $"branches are nested deeper than {MaxDepth}");
        ObjectSlot slot = map.Open(ref buffer);
        reference = slot.Reference;
        if (slot.ClassName is null)
            return null;
        BranchRecord? branch = null;
        if (slot.ClassName.StartsWith("TBranch", StringComparison.Ordinal))
        {
            branch = Decode(ref buffer, slot.ClassName, map, depth);
            map.Register(slot, branch);
        }
        else if (slot.End < 0)
        {
            throw buffer.Error(RootErrorKind.CorruptObject, $"wanted a branch but found a {slot.ClassName}");
        }
        else
        {
            buffer.Seek(slot.End);
        }
        ObjectMap.Close(ref buffer, slot);
        return branch;
    }

    private static BranchRecord Decode(ref RootBuffer buffer, string className, ObjectMap map, int depth)
    {
        if (className == "TBranch")
            return DecodeBase(ref buffer, className, map, depth);
        Frame frame = Frame.Open(ref buffer, className);
        BranchRecord branch = DecodeBase(ref buffer, className, map, depth);
        if (className != "TBranchElement")
            branch = branch with { Unsupported = branch.Unsupported ?? $"branches of class {className} are not decoded" };
        else if (branch.Unsupported is null && frame.Version is >= 8 and <= 10)
            branch = branch with { Element = DecodeElement(ref buffer, frame.Version, map, depth) };
        else if (branch.Unsupported is null)
            branch = branch with { Element = DescribedBranch.DecodeElement(ref buffer, map.Describe(ref buffer, "TBranchElement", frame.Version), map, depth) };
        frame.Close(ref buffer);
        return branch;
    }

    private static ElementRecord DecodeElement(ref RootBuffer buffer, int version, ObjectMap map, int depth)
    {
        string className = buffer.ReadString();
        buffer.ReadString(); // fParentName
        buffer.ReadString(); // fClonesName
        uint checksum = buffer.ReadUInt32();
        int classVersion = version >= 10 ? buffer.ReadInt16() : buffer.ReadInt32();
        int id = buffer.ReadInt32();
        int type = buffer.ReadInt32();
        int streamerType = buffer.ReadInt32();
        buffer.Skip(4); // fMaximum
        DecodeSlot(ref buffer, map, depth + 1, out long counter);
        return new ElementRecord(className, checksum, classVersion, id, type, streamerType, counter);
    }

    private static BranchRecord DecodeBase(ref RootBuffer buffer, string className, ObjectMap map, int depth)
    {
        Frame frame = Frame.Open(ref buffer, "TBranch");
        if (frame.Version is < 10 or > 13)
        {
            BranchRecord described = DescribedBranch.Decode(ref buffer, className, map.Describe(ref buffer, "TBranch", frame.Version), map, depth);
            frame.Close(ref buffer);
            return described;
        }
        (string name, string title) = StreamedBases.ReadNamed(ref buffer);
        Frame.Skip(ref buffer, "TAttFill");
        int compression = buffer.ReadInt32();
        buffer.Skip(4); // fBasketSize
        int offsetLength = buffer.ReadInt32();
        int writeBasket = buffer.ReadInt32();
        long entryNumber = buffer.ReadInt64();
        if (frame.Version >= 13)
            Frame.Skip(ref buffer, "ROOT::TIOFeatures");
        buffer.Skip(4); // fOffset
        int maxBaskets = buffer.ReadInt32();
        buffer.Skip(4); // fSplitLevel
        buffer.Skip(8); // fEntries: fEntryNumber is the bound that counts
        long firstEntry = frame.Version >= 11 ? buffer.ReadInt64() : 0;
        long totalBytes = buffer.ReadInt64();
        buffer.Skip(8); // fZipBytes
        List<BranchRecord> children = DecodeList(ref buffer, map, depth + 1);
        List<LeafRecord> leaves = DecodeLeaves(ref buffer, map, depth);
        List<EmbeddedBasket?> embedded = DecodeBaskets(ref buffer, map);
        int kept = KeptBaskets(ref buffer, name, maxBaskets, writeBasket);
        int[] basketBytes = ReadInts(ref buffer, maxBaskets, kept);
        long[] basketEntry = ReadLongs(ref buffer, maxBaskets, kept);
        long[] basketSeek = ReadLongs(ref buffer, maxBaskets, kept);
        string fileName = buffer.ReadString();
        frame.Close(ref buffer);
        return new BranchRecord(
            className, name, title, compression, offsetLength, writeBasket, entryNumber, firstEntry, totalBytes,
            children, leaves, embedded, basketBytes, basketEntry, basketSeek, fileName, null, null);
    }

    /// <summary>How many places of the basket tables are in use.</summary>
    public static int KeptBaskets(ref RootBuffer buffer, string name, long maxBaskets, long writeBasket)
    {
        if (maxBaskets is < 0 or > int.MaxValue || writeBasket is < 0 or >= int.MaxValue)
            throw buffer.Error(RootErrorKind.CorruptBranch, $"branch '{name}' claims {writeBasket} baskets in a table of {maxBaskets}");
        return (int)Math.Min(maxBaskets, writeBasket + 1);
    }

    /// <summary>Reads fLeaves.</summary>
    public static List<LeafRecord> DecodeLeaves(ref RootBuffer buffer, ObjectMap map, int depth)
    {
        (Frame frame, int count) = StreamedBases.OpenArray(ref buffer);
        var leaves = new List<LeafRecord>(Math.Min(count, 64));
        for (int i = 0; i < count; i++)
        {
            long reference = LeafRecord.DecodeSlot(ref buffer, map, depth);
            if (map.Find<LeafRecord>(reference) is LeafRecord leaf)
                leaves.Add(leaf);
        }
        frame.Close(ref buffer);
        return leaves;
    }

    /// <summary>Reads fBaskets.</summary>
    public static List<EmbeddedBasket?> DecodeBaskets(ref RootBuffer buffer, ObjectMap map)
    {
        (Frame frame, int count) = StreamedBases.OpenArray(ref buffer);
        var baskets = new List<EmbeddedBasket?>();
        for (int i = 0; i < count; i++)
        {
            ObjectSlot slot = map.Open(ref buffer);
            if (slot.ClassName == "TBasket")
            {
                while (baskets.Count < i)
                    baskets.Add(null);
                baskets.Add(EmbeddedBasket.Decode(ref buffer));
            }
            else if (slot.ClassName is not null)
            {
                throw buffer.Error(RootErrorKind.CorruptObject, $"wanted a TBasket but found a {slot.ClassName}");
            }
            ObjectMap.Close(ref buffer, slot);
        }
        frame.Close(ref buffer);
        return baskets;
    }

    // The tables are as long as fMaxBaskets; only the baskets that exist are kept. A zero flag means "no values".
    private static int[] ReadInts(ref RootBuffer buffer, int stored, int kept)
    {
        if (buffer.ReadByte() == 0)
            return [];
        RootBuffer table = Table(ref buffer, stored, sizeof(int));
        int[] values = new int[kept];
        for (int i = 0; i < kept; i++)
            values[i] = table.ReadInt32();
        return values;
    }

    private static long[] ReadLongs(ref RootBuffer buffer, int stored, int kept)
    {
        if (buffer.ReadByte() == 0)
            return [];
        RootBuffer table = Table(ref buffer, stored, sizeof(long));
        long[] values = new long[kept];
        for (int i = 0; i < kept; i++)
            values[i] = table.ReadInt64();
        return values;
    }

    private static RootBuffer Table(ref RootBuffer buffer, int count, int width)
    {
        if (count > buffer.Remaining / width)
            throw buffer.Error(RootErrorKind.CorruptBranch, $"a table of {count} baskets does not fit the {buffer.Remaining} bytes that remain");
        RootLocation at = buffer.At(buffer.Position);
        return RootBuffer.OfFile(buffer.Take(count * width), at);
    }
}
