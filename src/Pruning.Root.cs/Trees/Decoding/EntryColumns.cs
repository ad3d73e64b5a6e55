using Pruning.Root.Columns;
using Pruning.Root.Files;

namespace Pruning.Root.Trees.Decoding;

/// <summary>One level of lists within the entries: of constant length, or with a count for each list.</summary>
/// <param name="Length">Items of every list, where that is constant; else -1.</param>
/// <param name="Index">Which array of counts, where lengths vary; else -1.</param>
internal readonly record struct ListLevel(int Length, int Index);

/// <summary>One column of a shape: where its values go while entries are read.</summary>
/// <param name="Field">Names of the records' members on the way, joined by dots.</param>
/// <param name="Levels">Lists on the way, the outermost first.</param>
/// <param name="Encoding">How a number is stored in the file; null for texts.</param>
/// <param name="Index">Which array of numbers, or of texts.</param>
internal sealed record ShapeColumn(string Field, IReadOnlyList<ListLevel> Levels, ElementEncoding? Encoding, int Index);

/// <summary>The growing columns of a group of entries: counts of lists, unconverted numbers, texts.</summary>
internal sealed class EntryColumns(ReadBudget budget) : IDisposable
{
    /// <summary>Item counts of the lists of each level of varying length.</summary>
    public List<GrowingArray<int>> Counts { get; } = [];

    /// <summary>Big-endian bytes of each column of numbers.</summary>
    public List<GrowingArray<byte>> Numbers { get; } = [];

    /// <summary>UTF-8 of each column of texts.</summary>
    public List<GrowingArray<byte>> Texts { get; } = [];

    /// <summary>Bytes of each text of each column of texts.</summary>
    public List<GrowingArray<int>> TextBytes { get; } = [];

    /// <summary>What the arrays belong to.</summary>
    public List<ShapeColumn> Columns { get; } = [];

    public GrowingArray<int> AddLevel() => Added(Counts);

    public GrowingArray<byte> AddNumbers() => Added(Numbers);

    public (GrowingArray<byte> Utf8, GrowingArray<int> Bytes) AddTexts() => (Added(Texts), Added(TextBytes));

    /// <summary>Discards what was read so far.</summary>
    public void Clear()
    {
        foreach (GrowingArray<int> array in Counts.Concat(TextBytes))
            array.Clear();
        foreach (GrowingArray<byte> array in Numbers.Concat(Texts))
            array.Clear();
    }

    public void Dispose()
    {
        foreach (GrowingArray<int> array in Counts.Concat(TextBytes))
            array.Dispose();
        foreach (GrowingArray<byte> array in Numbers.Concat(Texts))
            array.Dispose();
    }

    private GrowingArray<T> Added<T>(List<GrowingArray<T>> arrays)
        where T : unmanaged
    {
        var array = new GrowingArray<T>(budget);
        arrays.Add(array);
        return array;
    }
}
