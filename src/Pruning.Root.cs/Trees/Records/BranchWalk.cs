using Pruning.Root.Errors;
using Pruning.Root.Sources;
using Pruning.Root.Streamers;

namespace Pruning.Root.Trees.Records;

/// <summary>
/// Walks once over the branches of a tree's description and notes numbers and positions. It decodes no texts and no tables.
/// </summary>
internal sealed class BranchWalk(TreePayload tree)
{
    /// <summary>Branches nested deeper than any real tree are refused before they exhaust the stack.</summary>
    public const int MaxDepth = 64;

    /// <summary>Every branch; a branch precedes its children.</summary>
    public List<BranchRecord> Branches { get; } = [];

    /// <summary>Walks a list of branches: a member of TTree and of TBranch. Gives their number.</summary>
    public int WalkList(ref RootBuffer buffer, ObjectMap map, BranchRecord? parent, int depth)
    {
        if (depth > MaxDepth)
            throw buffer.Error(RootErrorKind.CorruptObject, $"branches are nested deeper than {MaxDepth}");
        (Frame frame, int count) = StreamedBases.OpenArray(ref buffer);
        int found = 0;
        for (int i = 0; i < count; i++)
        {
            // A reference to another branch is not a child: following references might never end.
            ObjectSlot slot = map.Open(ref buffer);
            if (slot.ClassName is null)
                continue;
            if (slot.ClassName.StartsWith("TBranch", StringComparison.Ordinal))
            {
                Walk(ref buffer, slot.ClassName, map, parent, depth);
                found++;
            }
            else if (slot.End < 0)
            {
                throw buffer.Error(RootErrorKind.CorruptObject, $"wanted a branch but found a {slot.ClassName}");
            }
            ObjectMap.Close(ref buffer, slot);
        }
        frame.Close(ref buffer);
        return found;
    }

    /// <summary>The members that TBranchElement adds after its TBranch.</summary>
    public static ElementRecord ReadElement(ref RootBuffer buffer, ObjectMap map, int version, int depth)
    {
        if (version is < 8 or > 10)
            return DescribedBranch.DecodeElement(ref buffer, map.Describe(ref buffer, "TBranchElement", version), map);
        string className = buffer.ReadString();
        buffer.ReadStringBytes(); // fParentName
        buffer.ReadStringBytes(); // fClonesName
        uint checksum = buffer.ReadUInt32();
        int classVersion = version >= 10 ? buffer.ReadInt16() : buffer.ReadInt32();
        int id = buffer.ReadInt32();
        int type = buffer.ReadInt32();
        int streamerType = buffer.ReadInt32();
        buffer.Skip(4); // fMaximum
        return new ElementRecord(className, checksum, classVersion, id, type, streamerType, map.Open(ref buffer).Reference);
    }

    private void Walk(ref RootBuffer buffer, string className, ObjectMap map, BranchRecord? parent, int depth)
    {
        var branch = new BranchRecord(tree, className, parent);
        Branches.Add(branch);
        if (className == "TBranch")
        {
            WalkBase(ref buffer, branch, map, depth);
            return;
        }
        Frame frame = Frame.Open(ref buffer, className);
        WalkBase(ref buffer, branch, map, depth);
        if (className == "TBranchElement" && branch.Unsupported is null)
            WalkElement(ref buffer, branch, frame.Version, map, depth);
        else
            branch.Unsupported ??= $"branches of class {className} are not decoded";
        frame.Close(ref buffer);
    }

    private void WalkElement(ref RootBuffer buffer, BranchRecord branch, int version, ObjectMap map, int depth)
    {
        branch.ElementAt = (buffer.Position, version);
        if (version is < 8 or > 10)
        {
            if (map.TryDescribe("TBranchElement", version) is StreamerInfo info)
            {
                ElementRecord element = DescribedBranch.DecodeElement(ref buffer, info, map);
                branch.Member = (element.Id, element.Type);
            }
            else
            {
                branch.Unsupported = ObjectMap.Unknown("TBranchElement", version);
            }
            return;
        }
        for (int i = 0; i < 3; i++)
            buffer.ReadStringBytes(); // fClassName, fParentName, fClonesName
        buffer.Skip(sizeof(uint) + (version >= 10 ? sizeof(short) : sizeof(int))); // fCheckSum, fClassVersion
        branch.Member = (buffer.ReadInt32(), buffer.ReadInt32());
        buffer.Skip(2 * sizeof(int)); // fStreamerType, fMaximum
        // Counters are usually references. A branch stored here instead may hold class names that others refer to.
        for (int i = 0; i < 2; i++)
            WalkSlot(ref buffer, map, depth);
    }

    // A branch stored in the place of a reference: it is not a child, but its class names may be referred to.
    private void WalkSlot(ref RootBuffer buffer, ObjectMap map, int depth)
    {
        if (depth > MaxDepth)
            throw buffer.Error(RootErrorKind.CorruptObject, $"branches are nested deeper than {MaxDepth}");
        ObjectSlot slot = map.Open(ref buffer);
        if (slot.ClassName?.StartsWith("TBranch", StringComparison.Ordinal) == true)
            new BranchWalk(tree).Walk(ref buffer, slot.ClassName, map, null, depth + 1);
        else if (slot.ClassName is not null && slot.End < 0)
            throw buffer.Error(RootErrorKind.CorruptObject, $"wanted a branch but found a {slot.ClassName}");
        ObjectMap.Close(ref buffer, slot);
    }

    private void WalkBase(ref RootBuffer buffer, BranchRecord branch, ObjectMap map, int depth)
    {
        Frame frame = Frame.Open(ref buffer, "TBranch");
        if (frame.Version is < 10 or > 13)
        {
            if (map.TryDescribe("TBranch", frame.Version) is StreamerInfo info)
                DescribedBranch.Walk(ref buffer, branch, info, map, this, depth);
            else if (frame.End < 0)
                throw buffer.Error(RootErrorKind.UnsupportedVersion, ObjectMap.Unknown("TBranch", frame.Version));
            else
                (branch.Texts, branch.Unsupported) = (StreamedBases.WalkNamed(ref buffer), ObjectMap.Unknown("TBranch", frame.Version));
            frame.Close(ref buffer);
            return;
        }
        branch.Texts = StreamedBases.WalkNamed(ref buffer);
        Frame.Skip(ref buffer, "TAttFill");
        branch.Compression = buffer.ReadInt32();
        buffer.Skip(2 * sizeof(int)); // fBasketSize, fEntryOffsetLen
        branch.WriteBasket = buffer.ReadInt32();
        branch.EntryNumber = buffer.ReadInt64();
        if (frame.Version >= 13)
            Frame.Skip(ref buffer, "ROOT::TIOFeatures");
        buffer.Skip(sizeof(int)); // fOffset
        branch.MaxBaskets = buffer.ReadInt32();
        buffer.Skip(sizeof(int)); // fSplitLevel
        buffer.Skip(sizeof(long)); // fEntries: fEntryNumber is the bound that counts
        branch.FirstEntry = frame.Version >= 11 ? buffer.ReadInt64() : 0;
        branch.TotalBytes = buffer.ReadInt64();
        buffer.Skip(sizeof(long)); // fZipBytes
        branch.HasChildren = WalkList(ref buffer, map, branch, depth + 1) > 0;
        int leaves = buffer.Position;
        LeafRecord.WalkList(ref buffer, map, depth);
        branch.Lists = (leaves, buffer.Position);
        EmbeddedBasket.WalkList(ref buffer, map);
        CheckTables(ref buffer, branch);
        branch.Tables =
            (WalkTable(ref buffer, branch, sizeof(int)), WalkTable(ref buffer, branch, sizeof(long)),
            WalkTable(ref buffer, branch, sizeof(long)));
        branch.FileNameAt = buffer.Position;
        buffer.ReadStringBytes();
        frame.Close(ref buffer);
    }

    /// <summary>Refuses impossible lengths of the basket tables.</summary>
    public static void CheckTables(ref RootBuffer buffer, BranchRecord branch)
    {
        if (branch.MaxBaskets < 0 || branch.WriteBasket is < 0 or int.MaxValue)
            throw buffer.Error(RootErrorKind.CorruptBranch,
                $"branch '{branch.Name}' claims {branch.WriteBasket} baskets in a table of {branch.MaxBaskets}");
    }

    private static int WalkTable(ref RootBuffer buffer, BranchRecord branch, int width)
    {
        int at = buffer.Position;
        if (buffer.ReadByte() == 0)
            return at;
        if (branch.MaxBaskets > buffer.Remaining / width)
            throw buffer.Error(RootErrorKind.CorruptBranch,
                $"a table of {branch.MaxBaskets} baskets does not fit the {buffer.Remaining} bytes that remain");
        buffer.Skip(branch.MaxBaskets * width);
        return at;
    }
}
