using System.Text;
using Pruning.Root.Columns;
using Pruning.Root.Ntuples.Metadata;

namespace Pruning.Root.Writing.Ntuples;

/// <summary>
/// A top-level field of an RNTuple that is being written: numbers or texts, in no list or in lists within lists. It creates
/// the data for <see cref="NtupleWriter.Append"/>.
/// </summary>
public abstract class NtupleFieldWriter
{
    private protected NtupleFieldWriter(NtupleWriter ntuple, string name, int lists, IReadOnlyList<FieldRecord> records,
        IReadOnlyList<NtupleColumnWriter> columns)
    {
        Ntuple = ntuple;
        Name = name;
        Lists = lists;
        Records = records;
        Columns = columns;
    }

    /// <summary>Name of the field.</summary>
    public string Name { get; }

    /// <summary>C++ type: <c>float</c>, <c>std::vector&lt;std::string&gt;</c>.</summary>
    public string TypeName => Records[0].TypeName;

    /// <summary>Lists that the values are in: 0 for one value an entry, 1 for a vector, 2 for a vector of vectors.</summary>
    public int Lists { get; }

    /// <summary>The RNTuple that it belongs to.</summary>
    internal NtupleWriter Ntuple { get; }

    /// <summary>This field, and those of the lists' items below it.</summary>
    internal IReadOnlyList<FieldRecord> Records { get; }

    /// <summary>The ends of each list from the outside in, then the values; texts have two: their ends and their bytes.</summary>
    internal IReadOnlyList<NtupleColumnWriter> Columns { get; }

    // Invalid offsets are refused before anything is written.
    private protected void Check(IReadOnlyList<ReadOnlyMemory<long>> levels, long values)
    {
        if (levels.Count != Lists)
            throw new ArgumentException(
                $"Cannot write field '{Name}': it is {TypeName} and needs {Lists} arrays of offsets, not {levels.Count}.");
        for (int i = 0; i < levels.Count; i++)
        {
            ReadOnlySpan<long> offsets = levels[i].Span;
            if (offsets.IsEmpty)
                throw new ArgumentException($"Cannot write field '{Name}': there are no offsets. Give one for each list and one more.");
            long below = i + 1 < levels.Count ? levels[i + 1].Length - 1 : values;
            if (offsets[0] < 0 || offsets[^1] > below)
                throw new ArgumentException(
                    $"Cannot write field '{Name}': the offsets {offsets[0]} to {offsets[^1]} are outside of its {below} items.");
            for (int k = 1; k < offsets.Length; k++)
            {
                if (offsets[k] < offsets[k - 1])
                    throw new ArgumentException(
                        $"Cannot write field '{Name}': its offsets decrease after list {k - 1}, from {offsets[k - 1]} to {offsets[k]}.");
            }
        }
    }
}

/// <inheritdoc/>
/// <typeparam name="T">Type of the numbers.</typeparam>
public sealed class NumberFieldWriter<T> : NtupleFieldWriter
    where T : unmanaged
{
    internal NumberFieldWriter(NtupleWriter ntuple, string name, int lists, IReadOnlyList<FieldRecord> records,
        IReadOnlyList<NtupleColumnWriter> columns)
        : base(ntuple, name, lists, records, columns)
    {
    }

    /// <summary>One number an entry, for a field without lists.</summary>
    public NtupleData Values(ReadOnlyMemory<T> values) => Nested([], values);

    /// <summary>One list an entry: entry e has the values [offsets[e], offsets[e + 1]).</summary>
    /// <param name="offsets">[entries + 1]; need not begin with 0.</param>
    /// <param name="values">The values that the offsets refer to.</param>
    public NtupleData List(ReadOnlyMemory<long> offsets, ReadOnlyMemory<T> values) => Nested([offsets], values);

    /// <summary>Lists within lists, as <see cref="RootColumn.Levels"/> gives them.</summary>
    /// <param name="levels">From the outside in: each array has one element more than its level has lists, and counts items of
    /// the next.</param>
    /// <param name="values">The values that the last level refers to.</param>
    /// <exception cref="ArgumentException">Another number of levels than the field has, or offsets that fit nothing.</exception>
    public NtupleData Nested(IReadOnlyList<ReadOnlyMemory<long>> levels, ReadOnlyMemory<T> values)
    {
        Check(levels, values.Length);
        return new NtupleData<T>(this, levels, values);
    }
}

/// <inheritdoc/>
public sealed class TextFieldWriter : NtupleFieldWriter
{
    internal TextFieldWriter(NtupleWriter ntuple, string name, int lists, IReadOnlyList<FieldRecord> records,
        IReadOnlyList<NtupleColumnWriter> columns)
        : base(ntuple, name, lists, records, columns)
    {
    }

    /// <summary>One text an entry, for a field without lists.</summary>
    public NtupleData Values(IReadOnlyList<string> texts) => Nested([], texts);

    /// <summary>One list an entry: entry e has the texts [offsets[e], offsets[e + 1]).</summary>
    /// <param name="offsets">[entries + 1]; need not begin with 0.</param>
    /// <param name="texts">The values that the offsets refer to.</param>
    public NtupleData List(ReadOnlyMemory<long> offsets, IReadOnlyList<string> texts) => Nested([offsets], texts);

    /// <summary>Lists within lists, as <see cref="RootColumn.Levels"/> gives them. The texts are copied, as UTF-8.</summary>
    /// <param name="levels">From the outside in: each array has one element more than its level has lists, and counts items of
    /// the next.</param>
    /// <param name="texts">The values that the last level refers to.</param>
    /// <exception cref="ArgumentException">Another number of levels than the field has, or offsets that fit nothing.</exception>
    public NtupleData Nested(IReadOnlyList<ReadOnlyMemory<long>> levels, IReadOnlyList<string> texts)
    {
        Check(levels, texts.Count);
        long[] starts = new long[texts.Count + 1];
        for (int i = 0; i < texts.Count; i++)
            starts[i + 1] = starts[i] + Encoding.UTF8.GetByteCount(texts[i]);
        byte[] bytes = new byte[starts[^1]];
        for (int i = 0; i < texts.Count; i++)
            Encoding.UTF8.GetBytes(texts[i], bytes.AsSpan((int)starts[i]));
        return new NtupleData<byte>(this, [.. levels, starts], bytes);
    }
}
