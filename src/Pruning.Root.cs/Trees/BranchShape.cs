using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Streamers;
using Pruning.Root.Trees.Decoding;
using Pruning.Root.Trees.Records;

namespace Pruning.Root.Trees;

/// <summary>The shape of branches that are not plain columns of numbers, from their leaves and class descriptions.</summary>
/// <param name="Shape">What an entry holds.</param>
/// <param name="TypeName">C++ spelling.</param>
internal sealed record BranchShape(EntryShape Shape, string TypeName)
{
    /// <summary>Makes the shape; null and a reason where the type is not decoded.</summary>
    public static (BranchShape? Shape, string? Reason) Of(BranchRecord branch, TreeFile file)
    {
        if (branch.Unsupported is not null)
            return (null, branch.Unsupported);
        try
        {
            BranchShape made = branch.DecodeElement() is ElementRecord element ? OfElement(element, file) : OfLeaves(branch.DecodeLeaves());
            using var columns = new EntryColumns(new ReadBudget(long.MaxValue, new RootLocation(file.Path)));
            ValueReaders.Create(made.Shape, columns);
            return columns.Columns.Count > 0 ? (made, null) : (null, $"type {made.TypeName} has no members with values");
        }
        catch (UnsupportedShape e)
        {
            return (null, e.Message);
        }
    }

    private static BranchShape OfLeaves(List<LeafRecord> leaves)
    {
        if (leaves is [{ ClassName: "TLeafC" } text])
            return new BranchShape(new TextShape(TextForm.Leaf), text.Counter == 0 ? "char*" : "char*[]");
        if (leaves.Count == 0)
            throw new UnsupportedShape("it has no leaf");
        ShapeMember[] members = [.. leaves.Select(leaf => new ShapeMember(leaf.Name, OfLeaf(leaf, leaves)))];
        return new BranchShape(new RecordShape(members),
            $"struct {{{string.Join(", ", leaves.Select(leaf => $"{NameOf(leaf)} {leaf.Title}"))}}}");
    }

    private static EntryShape OfLeaf(LeafRecord leaf, List<LeafRecord> leaves)
    {
        if (leaf.ClassName == "TLeafC")
            return new TextShape(TextForm.Counted);
        if (leaf.Encoding() is not ElementEncoding number)
            throw new UnsupportedShape($"leaves of class {leaf.ClassName} are not decoded");
        EntryShape one = new NumberShape(number);
        if (leaf.Counter == 0)
            return ShapeBuilder.Dimensioned(one, LeafDimensions.Constant(leaf.Title, leaf.Length));
        string counter = LeafDimensions.Of(leaf.Title).FirstOrDefault() ?? "";
        if (!leaves.Any(other => other.Name == counter))
            throw new UnsupportedShape($"leaf '{leaf.Name}' of a leaf list is counted by '{counter}', which is not in the list");
        return new CountedShape(ShapeBuilder.Dimensioned(one, LeafDimensions.Constant(leaf.Title, leaf.Length, skip: 1)), counter,
            Flagged: false);
    }

    private static string NameOf(LeafRecord leaf) => leaf.Encoding()?.Name ?? "char*";

    private static BranchShape OfElement(ElementRecord member, TreeFile file)
    {
        var builder = new ShapeBuilder(file.Classes);
        if (member.Id < 0)
            return OfWhole(member, file, builder);
        if (member.Type is not (0 or 31 or 41))
            throw new UnsupportedShape($"branches of type {member.Type} of class {member.ClassName} are not decoded");
        if (member.StreamerType == ElementEncoding.ObjectBits)
            return member.Type == 0 ? new BranchShape(new BitsShape(), "unsigned int")
                : new BranchShape(new RestShape(new BitsShape()), "unsigned int[]");
        StreamerElement element = file.Classes.Member(member.ClassName, member.Checksum, member.Version, member.Id)
            ?? throw new UnsupportedShape(file.Classes.Missing($"member {member.Id} of class {member.ClassName}"));
        EntryShape shape = builder.OfElement(element, member.ClassName);
        if (member.Type == 0)
            return new BranchShape(shape, TypeOf(element));
        if (shape is CountedShape)
            throw new UnsupportedShape($"counted arrays inside collections of {member.ClassName} are not decoded");
        return new BranchShape(new RestShape(shape), $"{TypeOf(element)}[]");
    }

    private static BranchShape OfWhole(ElementRecord whole, TreeFile file, ShapeBuilder builder)
    {
        CppType type = CppType.Parse(whole.ClassName);
        if (ShapeBuilder.IsText(type.Name)) // bare, without an envelope
            return new BranchShape(new TextShape(TextForm.Counted), type.Name);
        if (type.Name is "bitset" || (type.Arguments.Count > 0 && (ClassNames.IsCollection(type.Name) || ClassNames.IsMap(type.Name))))
            return new BranchShape(builder.OfMember(whole.ClassName), CppType.Strip(whole.ClassName));
        // A class with its own streamer has an envelope. It usually follows its description; the byte count shows when it does
        // not. Other objects that are branches have no envelope: their members follow at once.
        if (whole.Type == -1)
            return new BranchShape(builder.OfObject(whole.ClassName), whole.ClassName);
        if (whole.Type != 0)
            throw new UnsupportedShape($"branches of type {whole.Type} of class {whole.ClassName} are not decoded");
        StreamerInfo info = file.Classes.Find(whole.ClassName, whole.Checksum, whole.Version)
            ?? throw new UnsupportedShape(file.Classes.Missing($"class {whole.ClassName} of version {whole.Version}"));
        return new BranchShape(builder.OfClass(info), whole.ClassName);
    }

    private static string TypeOf(StreamerElement element) =>
        CppType.Strip(element.TypeName) + string.Concat(element.Dimensions.Select(size => $"[{size}]"))
            + (element.CountName.Length > 0 ? $"[{element.CountName}]" : "");
}
