using Pruning.Root.Columns;

namespace Pruning.Root.Streamers;

/// <summary>
/// How values of any C++ type are stored in the bytes of an entry: a tree of numbers, texts, lists and records. It is
/// made from type names and class descriptions once per branch, and walked once per entry.
/// </summary>
/// <param name="MinBytes">Smallest number of bytes of a value. Counts are checked against it before memory is allocated.</param>
internal abstract record EntryShape(int MinBytes);

/// <summary>One number.</summary>
internal sealed record NumberShape(ElementEncoding Encoding) : EntryShape(Encoding.DiskBytes);

/// <summary>One text.</summary>
internal sealed record TextShape(TextForm Form) : EntryShape(Form switch { TextForm.Leaf => 0, TextForm.Wide => 4, _ => 1 });

/// <summary>How a text says how long it is.</summary>
internal enum TextForm
{
    /// <summary>One length byte, or 255 and four.</summary>
    Counted,

    /// <summary>Four length bytes.</summary>
    Wide,

    /// <summary>As <see cref="Counted"/>, but an empty text may have no bytes at all.</summary>
    Leaf,
}

/// <summary>One constant dimension.</summary>
internal sealed record ConstantShape(EntryShape Item, int Length) : EntryShape((int)Math.Min(int.MaxValue, (long)Item.MinBytes * Length));

/// <summary>A count of four bytes, then the items.</summary>
internal sealed record ListShape(EntryShape Item) : EntryShape(sizeof(int));

/// <summary>Items that another member of the same record counts.</summary>
/// <param name="Item">One item.</param>
/// <param name="Counter">Name of the counting member.</param>
/// <param name="Flagged">One byte before the items says whether there are any.</param>
/// <param name="Triangular">The counter counts the rows of a symmetric matrix, of which one half is stored.</param>
internal sealed record CountedShape(EntryShape Item, string Counter, bool Flagged, bool Triangular = false) : EntryShape(Flagged ? 1 : 0);

/// <summary>Items up to the end of the entry: one member of all objects of a split collection.</summary>
internal sealed record RestShape(EntryShape Item) : EntryShape(0);

/// <summary>Members one after another.</summary>
internal sealed record RecordShape(IReadOnlyList<ShapeMember> Members)
    : EntryShape((int)Math.Min(int.MaxValue, Members.Sum(member => (long)member.Shape.MinBytes)));

/// <summary>A member of a record.</summary>
/// <param name="Name">Its name; empty for base classes, whose members belong to the record.</param>
/// <param name="Shape">What it holds.</param>
internal readonly record struct ShapeMember(string Name, EntryShape Shape);

/// <summary>
/// An envelope around a list, a text or a map. A column of many of them has one envelope. The envelope also says whether
/// the elements of a list of objects are stored member by member.
/// </summary>
/// <param name="Body">What is in it.</param>
/// <param name="OnlyInColumns">Only a column of them has an envelope, a single one has none: keys and values of maps.</param>
internal sealed record CollectionShape(EntryShape Body, bool OnlyInColumns = false) : EntryShape(OnlyInColumns ? Body.MinBytes : 6);

/// <summary>An object of a class in its envelope.</summary>
/// <param name="Info">The version of the class that the body belongs to; null for classes that need no description.</param>
/// <param name="Body">Its members.</param>
/// <param name="ClassName">Name of the class.</param>
internal sealed record ObjectShape(string ClassName, StreamerInfo? Info, EntryShape Body) : EntryShape(6);

/// <summary>The bits of a TObject. If others refer to the object, two bytes with the process number follow.</summary>
internal sealed record BitsShape() : EntryShape(sizeof(uint));

/// <summary>Bytes that are skipped.</summary>
internal sealed record SkippedShape(SkippedKind Kind) : EntryShape(Kind == SkippedKind.Pointer ? 4 : 10);

/// <summary>What is stepped over.</summary>
internal enum SkippedKind
{
    /// <summary>The identity of an object (TObject).</summary>
    Identity,

    /// <summary>A pointer to an object of any class.</summary>
    Pointer,
}
