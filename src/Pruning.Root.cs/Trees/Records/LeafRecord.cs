using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Sources;
using Pruning.Root.Streamers;

namespace Pruning.Root.Trees.Records;

/// <summary>ROOT's TLeaf: the type and shape of what a branch stores per entry.</summary>
/// <param name="ClassName">TLeafF, TLeafI, TLeafElement and so on: the class says the type.</param>
/// <param name="Name">fName.</param>
/// <param name="Title">fTitle: the name with its dimensions, <c>x[3][4]</c> or <c>Jet_Px[NJet]</c>.</param>
/// <param name="Length">fLen: product of the constant dimensions.</param>
/// <param name="IsUnsigned">fIsUnsigned.</param>
/// <param name="Counter">fLeafCount: reference to the leaf that counts, 0 for none.</param>
internal sealed record LeafRecord(string ClassName, string Name, string Title, int Length, bool IsUnsigned, long Counter)
{
    private const int FixedBytes = 4 + 4 + 4 + 1 + 1; // fLen to fIsUnsigned

    /// <summary>How its values are stored in a basket; null for leaves that are not numbers.</summary>
    public ElementEncoding? Encoding() => ClassName switch
    {
        "TLeafO" => ElementEncoding.Plain(RootElementType.Bool),
        "TLeafB" => ElementEncoding.Plain(IsUnsigned ? RootElementType.UInt8 : RootElementType.Int8),
        "TLeafS" => ElementEncoding.Plain(IsUnsigned ? RootElementType.UInt16 : RootElementType.Int16),
        "TLeafI" => ElementEncoding.Plain(IsUnsigned ? RootElementType.UInt32 : RootElementType.Int32),
        "TLeafL" or "TLeafG" => ElementEncoding.Plain(IsUnsigned ? RootElementType.UInt64 : RootElementType.Int64),
        "TLeafF" => ElementEncoding.Plain(RootElementType.Float32),
        "TLeafD" => ElementEncoding.Plain(RootElementType.Float64),
        "TLeafF16" => ElementEncoding.Float16(Title),
        "TLeafD32" => ElementEncoding.Double32(Title),
        _ => null,
    };

    /// <summary>Reads fLeaves. Slots of other classes and dangling references are left out.</summary>
    public static List<LeafRecord> DecodeList(ref RootBuffer buffer, ObjectMap map)
    {
        (_, int count) = StreamedBases.OpenArray(ref buffer);
        var leaves = new List<LeafRecord>(Math.Min(count, 64));
        for (int i = 0; i < count; i++)
        {
            int at = buffer.Position;
            ObjectSlot slot = map.Open(ref buffer);
            if (IsLeaf(slot))
                leaves.Add(DecodeBody(ref buffer, slot.ClassName!, map));
            else if (slot is { ClassName: null, Reference: > 0 } && DecodeAt(ref buffer, slot.Reference, at, map) is LeafRecord leaf)
                leaves.Add(leaf);
            ObjectMap.Close(ref buffer, slot);
        }
        return leaves;
    }

    /// <summary>Reads a slot that should hold a leaf; null when it does not.</summary>
    public static LeafRecord? DecodeSlot(ref RootBuffer buffer, ObjectMap map)
    {
        ObjectSlot slot = map.Open(ref buffer);
        return IsLeaf(slot) ? DecodeBody(ref buffer, slot.ClassName!, map) : null;
    }

    /// <summary>Skips fLeaves, and keeps the class names in it.</summary>
    public static void WalkList(ref RootBuffer buffer, ObjectMap map, int depth)
    {
        (Frame frame, int count) = StreamedBases.OpenArray(ref buffer);
        for (int i = 0; i < count; i++)
            WalkSlot(ref buffer, map, depth);
        frame.Close(ref buffer);
    }

    private static void WalkSlot(ref RootBuffer buffer, ObjectMap map, int depth)
    {
        if (depth > BranchWalk.MaxDepth)
            throw buffer.Error(RootErrorKind.CorruptObject, $"leaves are nested deeper than {BranchWalk.MaxDepth}");
        ObjectSlot slot = map.Open(ref buffer);
        if (slot.ClassName is null)
            return;
        if (IsLeaf(slot))
        {
            Frame outer = Frame.Open(ref buffer, slot.ClassName);
            Frame frame = Frame.Open(ref buffer, "TLeaf");
            StreamedBases.WalkNamed(ref buffer);
            buffer.Skip(FixedBytes);
            WalkSlot(ref buffer, map, depth + 1); // the counter leaf may be stored here
            frame.Close(ref buffer);
            outer.Close(ref buffer);
        }
        else if (slot.End < 0)
        {
            throw buffer.Error(RootErrorKind.CorruptObject, $"wanted a leaf but found a {slot.ClassName}");
        }
        ObjectMap.Close(ref buffer, slot);
    }

    private static LeafRecord DecodeBody(ref RootBuffer buffer, string className, ObjectMap map)
    {
        Frame outer = Frame.Open(ref buffer, className);
        Frame frame = Frame.Open(ref buffer, "TLeaf");
        (string name, string title) = StreamedBases.ReadNamed(ref buffer);
        int length = buffer.ReadInt32();
        buffer.Skip(4 + 4 + 1); // fLenType and fOffset are unreliable; fIsRange
        bool isUnsigned = buffer.ReadByte() != 0;
        long counter = map.Open(ref buffer).Reference;
        frame.Close(ref buffer);
        outer.Close(ref buffer); // skips minimum and maximum
        return new LeafRecord(className, name, title, length, isUnsigned, counter);
    }

    // The leaf that a reference points to; only leaves before the reference are accepted.
    private static LeafRecord? DecodeAt(ref RootBuffer buffer, long reference, int before, ObjectMap map)
    {
        long position = buffer.PositionOf(reference);
        if (position < 0 || position >= before)
            return null;
        int here = buffer.Position;
        try
        {
            buffer.Seek((int)position);
            return DecodeSlot(ref buffer, map);
        }
        catch (RootFormatException)
        {
            return null; // old writers left dangling references
        }
        finally
        {
            buffer.Seek(here);
        }
    }

    private static bool IsLeaf(ObjectSlot slot) => slot.ClassName?.StartsWith("TLeaf", StringComparison.Ordinal) == true;
}
