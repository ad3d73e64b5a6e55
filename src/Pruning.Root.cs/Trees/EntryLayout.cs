using Pruning.Root.Columns;
using Pruning.Root.Streamers;
using Pruning.Root.Trees.Records;

namespace Pruning.Root.Trees;

/// <summary>How the values of one entry are stored in a basket.</summary>
internal enum EntryKind
{
    /// <summary>Every entry has the same number of values.</summary>
    Fixed,

    /// <summary>Values back to back; the basket's offset table says where entries begin.</summary>
    Counted,

    /// <summary>As <see cref="Counted"/>, after one byte that says whether there are any.</summary>
    CountedPointer,

    /// <summary>A collection with a header of ten bytes: byte count, version, number of values.</summary>
    Collection,
}

/// <summary>The shape of a branch: what an entry looks like in a basket and what becomes of it.</summary>
/// <param name="Kind">How entries are laid out.</param>
/// <param name="Element">How one value is laid out.</param>
/// <param name="Dimensions">Constant dimensions: all of a fixed entry, or those after a counted one; empty for single values.</param>
/// <param name="TypeName">C++ spelling with dimensions.</param>
/// <param name="Counter">Name of the branch that counts the elements, where it is needed to find entries.</param>
internal sealed record EntryLayout(EntryKind Kind, ElementEncoding Element, int[] Dimensions, string TypeName, string? Counter)
{
    /// <summary>Values per element: the product of the constant dimensions.</summary>
    public int Inner { get; } = Dimensions.Aggregate(1, (product, size) => checked(product * size));

    /// <summary>Bytes before the values of an entry.</summary>
    public int HeaderBytes => Kind switch
    {
        EntryKind.CountedPointer => 1,
        EntryKind.Collection => 10,
        _ => 0,
    };

    /// <summary>Bytes of one element. Entries hold whole elements only.</summary>
    public long ElementBytes => (long)Inner * Element.DiskBytes;

    /// <summary>Reads a branch's layout; null and a reason when its type is not one of those decoded here.</summary>
    public static (EntryLayout? Layout, string? Reason) Of(BranchRecord branch, TreeFile file)
    {
        if (branch.Unsupported is not null)
            return (null, branch.Unsupported);
        List<LeafRecord> leaves = branch.DecodeLeaves();
        if (leaves.Count != 1)
            return (null, leaves.Count == 0 ? "it has no leaf" : "it is a leaf list");
        return branch.DecodeElement() is ElementRecord element ? OfElement(element, leaves[0], branch, file) : OfPlain(leaves[0], branch);
    }

    private static (EntryLayout? Layout, string? Reason) OfPlain(LeafRecord leaf, BranchRecord branch)
    {
        if (leaf.Encoding() is not ElementEncoding element)
            return (null, leaf.ClassName == "TLeafC" ? "text is not decoded" : $"leaves of class {leaf.ClassName} are not decoded");
        if (leaf.Counter == 0)
            return (Fixed(element, LeafDimensions.Constant(leaf.Title, leaf.Length)), null);
        string counter = branch.LeafNameOf(leaf.Counter) ?? LeafDimensions.Of(leaf.Title).FirstOrDefault() ?? "";
        int[] inner = LeafDimensions.Constant(leaf.Title, leaf.Length, skip: 1);
        return (new EntryLayout(EntryKind.Counted, element, inner, $"{element.Name}[{counter}]{LeafDimensions.Text(inner)}", counter),
            null);
    }

    private static (EntryLayout? Layout, string? Reason) OfElement(ElementRecord member, LeafRecord leaf, BranchRecord branch,
        TreeFile file)
    {
        if (member.Type is 3 or 4)
            return (new EntryLayout(EntryKind.Fixed, ElementEncoding.Plain(RootElementType.Int32), [], "int", null), null);
        if (member.Id < 0)
        {
            return ClassNames.NumberCollection(member.ClassName) is (ElementEncoding element, string name)
                ? (new EntryLayout(EntryKind.Collection, element, [], name, null), null)
                : (null, $"objects of class {member.ClassName} are not decoded");
        }
        int code = member.StreamerType;
        if (code is 300 or 500 && member.Type == 0)
            return OfCollectionMember(member, file);
        if (code == ElementEncoding.ObjectBits)
            return (null, "the bits of objects vary in size");
        if (code is < 0 or >= 60 || NumberMember(member, code % 20, file) is not ElementEncoding number)
            return (null, $"members of type {code} of class {member.ClassName} are not decoded");
        if (member.Type is 31 or 41)
        {
            if (code >= 40)
                return (null, $"counted arrays inside collections of {member.ClassName} are not decoded");
            string counter = branch.NameOf(member.Counter) ?? "";
            int[] inner = code >= 20 ? DimensionsOf(member, leaf, file) : [];
            return (new EntryLayout(EntryKind.Counted, number, inner, $"{number.Name}[{counter}]{LeafDimensions.Text(inner)}", null), null);
        }
        if (member.Type != 0)
            return (null, $"branches of type {member.Type} of class {member.ClassName} are not decoded");
        if (code < 40)
            return (Fixed(number, code >= 20 ? DimensionsOf(member, leaf, file) : []), null);
        return (new EntryLayout(EntryKind.CountedPointer, number, [],
            $"{number.Name}[{LeafDimensions.Of(leaf.Title).FirstOrDefault() ?? ""}]", null), null);
    }

    // The range of a packed float is in the comment of the member, which only the class description has.
    private static ElementEncoding? NumberMember(ElementRecord member, int code, TreeFile file) => code switch
    {
        9 => Described(member, file) is StreamerElement element ? ElementEncoding.Double32(element.Title) : null,
        19 => Described(member, file) is StreamerElement element ? ElementEncoding.Float16(element.Title) : null,
        _ => ElementEncoding.OfStreamerType(code),
    };

    private static (EntryLayout? Layout, string? Reason) OfCollectionMember(ElementRecord member, TreeFile file)
    {
        if (Described(member, file) is not StreamerElement element)
            return (null, file.Classes.Missing($"member {member.Id} of class {member.ClassName}"));
        return ClassNames.NumberCollection(element.TypeName) is (ElementEncoding number, string name)
            ? (new EntryLayout(EntryKind.Collection, number, [], name, null), null)
            : (null, $"members of class {element.TypeName} are not decoded");
    }

    private static StreamerElement? Described(ElementRecord member, TreeFile file) =>
        file.Classes.Member(member.ClassName, member.Checksum, member.Version, member.Id);

    // The title of the leaf has them except inside collections, where the class description does.
    private static int[] DimensionsOf(ElementRecord member, LeafRecord leaf, TreeFile file)
    {
        int[] titled = LeafDimensions.Constant(leaf.Title, leaf.Length);
        if (titled.Length > 1 || !leaf.Title.Contains("][", StringComparison.Ordinal)
            || Described(member, file) is not StreamerElement element)
            return titled;
        return element.Dimensions.Aggregate(1L, (product, size) => product * size) == Math.Max(1, leaf.Length) ? [.. element.Dimensions]
            : titled;
    }

    private static EntryLayout Fixed(ElementEncoding element, int[] dimensions) =>
        new(EntryKind.Fixed, element, dimensions, element.Name + LeafDimensions.Text(dimensions), null);
}
