using System.Buffers;
using Pruning.Root.Columns;
using Pruning.Root.Ntuples.Encoding;

namespace Pruning.Root.Writing.Ntuples;

/// <summary>A column of an RNTuple that is being written: the elements of its cluster so far.</summary>
/// <param name="field">Id of its field.</param>
/// <param name="code">Type on disk.</param>
internal sealed class NtupleColumnWriter(int field, int code) : IDisposable
{
    private byte[] _bytes = [];

    /// <summary>Id of its field.</summary>
    public int Field { get; } = field;

    /// <summary>Type on disk.</summary>
    public int Code { get; } = code;

    /// <summary>What the type means.</summary>
    public ColumnEncoding Encoding { get; } = ColumnEncoding.Of(code);

    /// <summary>Elements of the clusters before.</summary>
    public long FirstElement { get; private set; }

    /// <summary>Elements of the cluster so far.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of an element in memory.</summary>
    public int Width => Encoding.Type.Bytes();

    /// <summary>Bytes of the cluster's elements.</summary>
    public long Bytes => (long)Count * Width;

    /// <summary>Room for more elements, which the caller fills.</summary>
    public Span<byte> Take(int elements)
    {
        int begin = Count * Width;
        long end = begin + ((long)elements * Width);
        Reserve(end);
        Count += elements;
        return _bytes.AsSpan(begin, (int)(end - begin));
    }

    /// <summary>Elements [first, first + count) of the cluster.</summary>
    public Span<byte> Elements(int first, int count) => _bytes.AsSpan(first * Width, count * Width);

    /// <summary>Begins the next cluster.</summary>
    public void Restart()
    {
        FirstElement += Count;
        Count = 0;
    }

    public void Dispose()
    {
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }

    private void Reserve(long wanted)
    {
        if (wanted <= _bytes.Length)
            return;
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Max(wanted, Math.Min(2L * _bytes.Length, Array.MaxLength)));
        _bytes.AsSpan(0, Count * Width).CopyTo(larger);
        Dispose();
        _bytes = larger;
    }
}
