namespace Pruning.Root.Compression.Xz;

/// <summary>Finds earlier occurrences of the next bytes of a block, with chains of equal hashes.</summary>
internal sealed class LzmaMatches(int level)
{
    /// <summary>Shorter matches save nothing.</summary>
    public const int Shortest = 3;

    /// <summary>LZMA's longest match.</summary>
    public const int Longest = 273;

    private const int HashBits = 16;

    private readonly int _depth = 4 << Math.Min(level, 7); // places that are tried
    private readonly int[] _newest = new int[1 << HashBits]; // place + 1 of the newest of each hash, 0 for none
    private int[] _older = [];

    /// <summary>Forgets the last block.</summary>
    public void Begin(ReadOnlySpan<byte> block)
    {
        Array.Clear(_newest);
        if (_older.Length < block.Length)
            _older = new int[block.Length];
    }

    /// <summary>Makes a place known.</summary>
    public void Add(ReadOnlySpan<byte> block, int at)
    {
        if (at + Shortest > block.Length)
            return;
        ref int newest = ref _newest[Hash(block, at)];
        _older[at] = newest;
        newest = at + 1;
    }

    /// <summary>The longest match for the bytes at a place, of equal ones the nearest; its distance less one.</summary>
    public (int Length, int Distance) Find(ReadOnlySpan<byte> block, int at, int most)
    {
        if (most < Shortest)
            return (0, 0);
        int best = Shortest - 1;
        int distance = 0;
        int place = _newest[Hash(block, at)];
        for (int i = 0; i < _depth && place != 0; i++, place = _older[place - 1])
        {
            int from = place - 1;
            if (block[from + best] != block[at + best])
                continue;
            int length = Common(block, from, at, most);
            if (length <= best)
                continue;
            (best, distance) = (length, at - from - 1);
            if (best == most)
                break;
        }
        return best < Shortest ? (0, 0) : (best, distance);
    }

    /// <summary>How many bytes at two places agree.</summary>
    public static int Common(ReadOnlySpan<byte> block, int from, int at, int most) =>
        block.Slice(from, most).CommonPrefixLength(block.Slice(at, most));

    private static uint Hash(ReadOnlySpan<byte> block, int at) =>
        ((uint)(block[at] | (block[at + 1] << 8) | (block[at + 2] << 16)) * 0x9E3779B1u) >> (32 - HashBits);
}
