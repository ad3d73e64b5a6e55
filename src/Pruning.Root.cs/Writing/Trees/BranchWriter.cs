using Pruning.Root.Columns;
using Pruning.Root.Writing.Records;

namespace Pruning.Root.Writing.Trees;

/// <summary>A basket that is in the file.</summary>
/// <param name="FirstEntry">Its first entry.</param>
/// <param name="Seek">Where its record is.</param>
/// <param name="RecordBytes">Bytes of the record.</param>
/// <param name="ObjectBytes">Bytes of key and payload before compression.</param>
internal readonly record struct WrittenBasket(long FirstEntry, long Seek, int RecordBytes, int ObjectBytes);

/// <summary>The leaf of a branch in ROOT's terms.</summary>
/// <param name="ClassName">TLeafF, TLeafI, ...</param>
/// <param name="Letter">Type letter of leaf lists; 0 where there is none.</param>
/// <param name="Dimensions">Behind the name in titles: <c>[3]</c>, <c>[nJet]</c>.</param>
/// <param name="Length">fLen: product of the constant dimensions.</param>
/// <param name="ValueBytes">fLenType: bytes of a value.</param>
/// <param name="IsUnsigned">fIsUnsigned.</param>
/// <param name="TypeCode">ROOT's code of the type of a member of a split object; -1 for others.</param>
internal sealed record LeafShape(string ClassName, char Letter, string Dimensions, int Length, int ValueBytes, bool IsUnsigned,
    int TypeCode = -1)
{
    /// <summary>The leaf of a member of a split object.</summary>
    public static LeafShape OfMember(int typeCode, int bytes) =>
        new("TLeafElement", '\0', "", 1, bytes, typeCode is > 10 and < 18, typeCode);

    /// <summary>The leaf of a branch of objects: the branch has the class, the leaf says nothing.</summary>
    public static LeafShape OfObjects { get; } = new("TLeafElement", '\0', "", 1, 0, false);

    /// <summary>The leaf of a number type.</summary>
    public static LeafShape Of(RootElementType type, string dimensions, int length)
    {
        (string name, char letter) = type switch
        {
            RootElementType.Bool => ("TLeafO", 'O'),
            RootElementType.Int8 => ("TLeafB", 'B'),
            RootElementType.UInt8 => ("TLeafB", 'b'),
            RootElementType.Int16 => ("TLeafS", 'S'),
            RootElementType.UInt16 => ("TLeafS", 's'),
            RootElementType.Int32 => ("TLeafI", 'I'),
            RootElementType.UInt32 => ("TLeafI", 'i'),
            RootElementType.Int64 => ("TLeafL", 'L'),
            RootElementType.UInt64 => ("TLeafL", 'l'),
            RootElementType.Float32 => ("TLeafF", 'F'),
            _ => ("TLeafD", 'D'),
        };
        return new LeafShape(name, letter, dimensions, length, type.Bytes(), char.IsAsciiLetterLower(letter));
    }
}

/// <summary>
/// A branch of a tree that is being written. The values of an entry are given to its <c>Set</c>, and
/// <see cref="TreeWriter.Fill"/> ends the entry. <see cref="TreeWriter.Append"/> adds many entries at once.
/// </summary>
public abstract class BranchWriter
{
    private const int BasketHeaderBytes = 19;

    private protected BranchWriter(TreeWriter tree, string name, LeafShape leaf, string? className, bool isJagged)
    {
        Tree = tree;
        Name = name;
        Leaf = leaf;
        ClassName = className;
        IsJagged = isJagged;
        BasketKeyBytes = new RecordKey("TBasket", name, tree.Name, 0, Wide: true).Bytes + BasketHeaderBytes;
        Basket = new BasketBuffer(BasketKeyBytes, isJagged);
    }

    /// <summary>Name of the branch.</summary>
    public string Name { get; }

    internal TreeWriter Tree { get; }

    /// <summary>The split object that the branch is a member of, or null.</summary>
    internal SplitObject? Owner { get; private protected init; }

    /// <summary>Place among the members of the owner.</summary>
    internal int MemberId { get; private protected init; }

    internal LeafShape Leaf { get; }

    /// <summary>C++ class of the entries of a branch of objects; null for plain branches.</summary>
    internal string? ClassName { get; }

    /// <summary>Entries vary in size.</summary>
    internal bool IsJagged { get; }

    internal int BasketKeyBytes { get; }

    internal BasketBuffer Basket { get; }

    /// <summary>The current entry has its values.</summary>
    internal bool IsSet { get; private set; }

    /// <summary>Baskets that are in the file, in order.</summary>
    internal List<WrittenBasket> Written { get; } = [];

    /// <summary>Baskets that are full, including those that are not written yet.</summary>
    internal int FullBaskets { get; private set; }

    /// <summary>The branch that counts the elements of this one.</summary>
    internal virtual BranchWriter? Counter => null;

    /// <summary>The largest count of a counter, or the length of the longest text with its end byte; 0 for others.</summary>
    internal long Largest { get; private protected set; }

    /// <summary>Begins the values of the current entry, and discards values that were set before.</summary>
    private protected BasketBuffer Begin()
    {
        Tree.CheckOpen();
        Forget();
        return Basket;
    }

    /// <summary>Discards the values of an entry that was not filled.</summary>
    internal void Forget()
    {
        Basket.Restart();
        IsSet = false;
    }

    private protected void End() => IsSet = true;

    /// <summary>Ends the current entry.</summary>
    internal void Commit()
    {
        Basket.Commit();
        IsSet = false;
    }

    /// <summary>Writes the basket that is being filled.</summary>
    internal void Flush()
    {
        Forget();
        if (Basket.EntryCount == 0)
            return;
        FullBaskets++;
        Tree.Add(Basket.Finish(this, Tree.EntryCount - Basket.EntryCount));
    }
}
