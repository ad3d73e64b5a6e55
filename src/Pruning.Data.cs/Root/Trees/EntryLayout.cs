using System.Globalization;

namespace Pruning.Data.Root;

/// <summary>How the values of one entry stand in a basket.</summary>
internal enum EntryKind
{
    /// <summary>Every entry has the same number of values.</summary>
    Fixed,

    /// <summary>Values back to back; the basket's offset table says where entries begin.</summary>
    Counted,

    /// <summary>As <see cref="Counted"/>, behind one byte that says whether there are any.</summary>
    CountedPointer,

    /// <summary>A collection with a header of ten bytes: byte count, version, number of values.</summary>
    Collection,
}

/// <summary>The shape of a branch: what an entry looks like in a basket and what becomes of it.</summary>
/// <param name="Kind">How entries are laid out.</param>
/// <param name="Element">How one value is laid out.</param>
/// <param name="Inner">Values per element: all of a fixed entry, or the constant dimensions behind a counted one.</param>
/// <param name="TypeName">C++ spelling with dimensions.</param>
/// <param name="Counter">Name of the branch that counts the elements, where it is needed to find entries.</param>
internal sealed record EntryLayout(EntryKind Kind, ElementEncoding Element, int Inner, string TypeName, string? Counter)
{
    /// <summary>Bytes before the values of an entry.</summary>
    public int HeaderBytes => Kind switch
    {
        EntryKind.CountedPointer => 1,
        EntryKind.Collection => 10,
        _ => 0,
    };

    /// <summary>Bytes that one element takes: entries hold whole elements only.</summary>
    public long ElementBytes => (long)Inner * Element.DiskBytes;

    /// <summary>Reads a branch's layout; null and a reason when its type is not one of those decoded here.</summary>
    public static (EntryLayout? Layout, string? Reason) Of(BranchRecord branch, ObjectMap objects, RootFile file)
    {
        if (branch.Unsupported is not null)
            return (null, branch.Unsupported);
        if (branch.Leaves.Count != 1)
            return (null, branch.Leaves.Count == 0 ? "it has no leaf" : $"leaf lists are not decoded, this one has {branch.Leaves.Count} leaves");
        return branch.Element is null ? OfPlain(branch.Leaves[0], objects) : OfElement(branch.Element, branch.Leaves[0], objects, file);
    }

    private static (EntryLayout? Layout, string? Reason) OfPlain(LeafRecord leaf, ObjectMap objects)
    {
        if (ElementEncoding.OfLeaf(leaf) is not ElementEncoding element)
            return (null, leaf.ClassName == "TLeafC" ? "text is not decoded" : $"leaves of class {leaf.ClassName} are not decoded");
        if (leaf.Counter == 0)
            return (Fixed(element, leaf), null);
        string counter = objects.Find<LeafRecord>(leaf.Counter)?.Name ?? Dimensions(leaf.Title).FirstOrDefault() ?? "";
        string dimensions = $"[{counter}]{Brackets(Dimensions(leaf.Title).Skip(1), Math.Max(1, leaf.Length))}";
        return (new EntryLayout(EntryKind.Counted, element, Math.Max(1, leaf.Length), element.Name + dimensions, counter), null);
    }

    private static (EntryLayout? Layout, string? Reason) OfElement(ElementRecord member, LeafRecord leaf, ObjectMap objects, RootFile file)
    {
        if (member.Type is 3 or 4)
            return (new EntryLayout(EntryKind.Fixed, ElementEncoding.Plain(RootElementType.Int32), 1, "int", null), null);
        if (member.Id < 0)
        {
            return ClassNames.NumberCollection(member.ClassName) is (ElementEncoding element, string name)
                ? (new EntryLayout(EntryKind.Collection, element, 1, name, null), null)
                : (null, $"objects of class {member.ClassName} are not decoded");
        }
        int code = member.StreamerType;
        if (code is 300 or 500 && member.Type == 0)
            return OfCollectionMember(member, file);
        if (code is < 0 or >= 60 || NumberMember(member, code % 20, file) is not ElementEncoding number)
            return (null, $"members of type {code.ToString(CultureInfo.InvariantCulture)} of class {member.ClassName} are not decoded");
        int length = Math.Max(1, leaf.Length);
        if (member.Type is 31 or 41)
        {
            if (code >= 40)
                return (null, $"counted arrays inside collections of {member.ClassName} are not decoded");
            string counter = objects.Find<BranchRecord>(member.Counter)?.Name ?? "";
            return (new EntryLayout(EntryKind.Counted, number, code >= 20 ? length : 1, $"{number.Name}[{counter}]{(code >= 20 ? Brackets([], length) : "")}", null), null);
        }
        if (member.Type != 0)
            return (null, $"branches of type {member.Type} of class {member.ClassName} are not decoded");
        if (code < 40)
            return (Fixed(number, leaf with { Length = code >= 20 ? length : 1 }), null);
        return (new EntryLayout(EntryKind.CountedPointer, number, 1, $"{number.Name}[{Dimensions(leaf.Title).FirstOrDefault() ?? ""}]", null), null);
    }

    // A packed float's range stands in the comment of the member, which only the class description has.
    private static ElementEncoding? NumberMember(ElementRecord member, int code, RootFile file) => code switch
    {
        9 => Described(member, file) is StreamerElement element ? ElementEncoding.Double32(element.Title) : null,
        19 => Described(member, file) is StreamerElement element ? ElementEncoding.Float16(element.Title) : null,
        _ => ElementEncoding.OfStreamerType(code),
    };

    private static (EntryLayout? Layout, string? Reason) OfCollectionMember(ElementRecord member, RootFile file)
    {
        if (Described(member, file) is not StreamerElement element)
            return (null, file.Classes.Problem ?? $"member {member.Id} of class {member.ClassName} is not described in the file");
        return ClassNames.NumberCollection(element.TypeName) is (ElementEncoding number, string name)
            ? (new EntryLayout(EntryKind.Collection, number, 1, name, null), null)
            : (null, $"members of class {element.TypeName} are not decoded");
    }

    private static StreamerElement? Described(ElementRecord member, RootFile file) =>
        file.Classes.Member(member.ClassName, member.Checksum, member.Version, member.Id);

    private static EntryLayout Fixed(ElementEncoding element, LeafRecord leaf)
    {
        int length = Math.Max(1, leaf.Length);
        string dimensions = length == 1 && !leaf.Title.Contains('[') ? "" : Brackets(Dimensions(leaf.Title), length);
        return new EntryLayout(EntryKind.Fixed, element, length, element.Name + dimensions, null);
    }

    // The title's dimensions where they make sense (they must multiply to the length), else the length alone.
    private static string Brackets(IEnumerable<string> dimensions, int length)
    {
        long product = 1;
        string text = "";
        foreach (string dimension in dimensions)
        {
            if (!int.TryParse(dimension, NumberStyles.None, CultureInfo.InvariantCulture, out int size) || size <= 0 || product * size > length)
                return length == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"[{length}]");
            product *= size;
            text += $"[{dimension}]";
        }
        return product == length ? text : string.Create(CultureInfo.InvariantCulture, $"[{length}]");
    }

    private static List<string> Dimensions(string title)
    {
        var found = new List<string>();
        for (int open = title.IndexOf('['); open >= 0; open = title.IndexOf('[', open + 1))
        {
            int close = title.IndexOf(']', open);
            if (close < 0)
                break;
            found.Add(title[(open + 1)..close]);
        }
        return found;
    }
}
