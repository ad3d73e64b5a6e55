namespace Pruning.Data.Root;

/// <summary>ROOT's TLeaf: the type and shape of what a branch stores per entry.</summary>
/// <param name="ClassName">TLeafF, TLeafI, TLeafElement and so on: the class says the type.</param>
/// <param name="Name">fName.</param>
/// <param name="Title">fTitle: the name with its dimensions, <c>x[3][4]</c> or <c>Jet_Px[NJet]</c>.</param>
/// <param name="Length">fLen: product of the constant dimensions.</param>
/// <param name="IsUnsigned">fIsUnsigned.</param>
/// <param name="Counter">fLeafCount: reference to the leaf that counts, 0 for none.</param>
internal sealed record LeafRecord(string ClassName, string Name, string Title, int Length, bool IsUnsigned, long Counter)
{
    /// <summary>Reads a leaf behind its slot.</summary>
    public static LeafRecord Decode(ref RootBuffer buffer, string className, ObjectMap map, int depth)
    {
        Frame outer = Frame.Open(ref buffer, className);
        Frame frame = Frame.Open(ref buffer, "TLeaf");
        (string name, string title) = StreamedBases.ReadNamed(ref buffer);
        int length = buffer.ReadInt32();
        buffer.Skip(4 + 4 + 1); // fLenType and fOffset say nothing reliable; fIsRange
        bool isUnsigned = buffer.ReadByte() != 0;
        long counter = DecodeSlot(ref buffer, map, depth + 1);
        frame.Close(ref buffer);
        outer.Close(ref buffer); // steps over the minimum and maximum
        return new LeafRecord(className, name, title, length, isUnsigned, counter);
    }

    /// <summary>Reads a slot that may hold a leaf, makes it known, and gives its reference (0 for nothing).</summary>
    public static long DecodeSlot(ref RootBuffer buffer, ObjectMap map, int depth)
    {
        if (depth > BranchRecord.MaxDepth)
            throw buffer.Error(RootErrorKind.CorruptObject, $"leaves are nested deeper than {BranchRecord.MaxDepth}");
        ObjectSlot slot = map.Open(ref buffer);
        if (slot.ClassName is null)
            return slot.Reference;
        if (slot.ClassName.StartsWith("TLeaf", StringComparison.Ordinal))
            map.Register(slot, Decode(ref buffer, slot.ClassName, map, depth));
        else if (slot.End < 0)
            throw buffer.Error(RootErrorKind.CorruptObject, $"wanted a leaf but found a {slot.ClassName}");
        else
            buffer.Seek(slot.End);
        ObjectMap.Close(ref buffer, slot);
        return slot.Reference;
    }
}
