using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Pruning.Root.Writing.Trees;

/// <summary>
/// The basket that a branch is filling: whole entries, then the entry that is being set. It begins with room for the key,
/// so that an uncompressed basket is written without a copy.
/// </summary>
/// <param name="keyBytes">Bytes of the key.</param>
/// <param name="hasTable">Entries vary in size, so their offsets are kept.</param>
internal sealed class BasketBuffer(int keyBytes, bool hasTable)
{
    /// <summary>Bytes that a basket may have: sizes and offsets have to fit 31 bits with room to spare.</summary>
    public const int MaxBytes = 1 << 30;

    private byte[] _bytes = [];
    private int[] _ends = [];
    private int _committed; // bytes of whole entries
    private int _written; // and of the entry that is being set

    /// <summary>Whole entries.</summary>
    public int EntryCount { get; private set; }

    /// <summary>Bytes of the whole entries and of their table.</summary>
    public long CommittedBytes => _committed + (hasTable ? (long)sizeof(int) * EntryCount : 0);

    /// <summary>Bytes of the entry that is being set.</summary>
    public int EntryBytes => _written - _committed;

    /// <summary>Discards the values of the current entry.</summary>
    public void Restart() => _written = _committed;

    /// <summary>Room for the next bytes of the entry, or of several.</summary>
    public Span<byte> Take(long count)
    {
        long end = _written + count;
        if (end > MaxBytes)
            throw new ArgumentException(
                $"Cannot write an entry or basket of {end} bytes: it may have at most {MaxBytes}. Split the entry.");
        Reserve(end);
        Span<byte> room = _bytes.AsSpan(keyBytes + _written, (int)count);
        _written = (int)end;
        return room;
    }

    /// <summary>Ends the entry.</summary>
    public void Commit()
    {
        if (hasTable)
            EndsFor(1)[0] = _written;
        _committed = _written;
        EntryCount++;
    }

    /// <summary>Ends several entries at once.</summary>
    /// <param name="count">How many.</param>
    /// <returns>For a branch with a table: room for the end of each entry, counted from <see cref="CommittedData"/>, which the
    /// caller fills in.</returns>
    public Span<int> CommitMany(int count)
    {
        Span<int> ends = hasTable ? EndsFor(count) : [];
        _committed = _written;
        EntryCount += count;
        return ends;
    }

    /// <summary>Bytes of the whole entries alone.</summary>
    public int CommittedData => _committed;

    /// <summary>Returns the full basket and begins the next.</summary>
    public FilledBasket Finish(BranchWriter branch, long firstEntry)
    {
        int objectBytes = _committed;
        if (hasTable)
        {
            objectBytes = checked(_committed + (sizeof(int) * (EntryCount + 2)));
            Reserve(objectBytes);
            WriteTable(_bytes.AsSpan(keyBytes + _committed, objectBytes - _committed));
        }
        var basket =
            new FilledBasket(branch, _bytes.Length == 0 ? ArrayPool<byte>.Shared.Rent(keyBytes)
            : _bytes, _committed, objectBytes, firstEntry, EntryCount);
        _bytes = [];
        (_committed, _written, EntryCount) = (0, 0, 0);
        return basket;
    }

    /// <summary>Returns the memory.</summary>
    public void Release()
    {
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes);
        if (_ends.Length > 0)
            ArrayPool<int>.Shared.Return(_ends);
        (_bytes, _ends) = ([], []);
    }

    // Number of offsets, the offsets counted from the key's first byte, one filler.
    private void WriteTable(Span<byte> table)
    {
        BinaryPrimitives.WriteInt32BigEndian(table, EntryCount + 1);
        Span<int> offsets = MemoryMarshal.Cast<byte, int>(table[sizeof(int)..]);
        offsets[EntryCount] = 0;
        if (EntryCount == 0)
            return;
        offsets[0] = BinaryPrimitives.ReverseEndianness(keyBytes);
        Span<int> starts = offsets[1..EntryCount];
        for (int i = 0; i < starts.Length; i++)
            starts[i] = BinaryPrimitives.ReverseEndianness(_ends[i] + keyBytes);
    }

    private Span<int> EndsFor(int count)
    {
        int wanted = checked(EntryCount + count);
        if (wanted > _ends.Length)
        {
            int[] larger = ArrayPool<int>.Shared.Rent(Math.Max(wanted, 2 * _ends.Length));
            _ends.AsSpan(0, EntryCount).CopyTo(larger);
            if (_ends.Length > 0)
                ArrayPool<int>.Shared.Return(_ends);
            _ends = larger;
        }
        return _ends.AsSpan(EntryCount, count);
    }

    private void Reserve(long dataBytes)
    {
        long wanted = keyBytes + dataBytes;
        if (wanted <= _bytes.Length)
            return;
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Max(wanted, Math.Min(2L * _bytes.Length, MaxBytes)));
        _bytes.AsSpan(0, Math.Min(_bytes.Length, keyBytes + _written)).CopyTo(larger);
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
