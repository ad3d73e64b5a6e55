using static Pruning.Root.Compression.Xz.LzmaTables;

namespace Pruning.Root.Compression.Xz;

/// <summary>
/// LZMA with the block as the dictionary: greedy with one byte of lookahead, matches from
/// <see cref="LzmaMatches"/>. The counterpart of <see cref="LzmaDecoder"/>.
/// </summary>
internal sealed class LzmaEncoder(int level)
{
    /// <summary>lc = 3, lp = 0, pb = 2: xz's usual ones.</summary>
    public const byte Properties = ((2 * 5) + 0) * 9 + 3;

    private const int LiteralContext = 3;
    private const int PositionMask = 3;
    private const int LongestSymbol = 64; // bytes that one symbol may add, generously

    private readonly ushort[] _probabilities = new ushort[Size];
    private readonly LzmaMatches _matches = new(level);
    private readonly int[] _repeats = new int[4];
    private uint _state;

    /// <summary>Begins a block.</summary>
    public void Begin(ReadOnlySpan<byte> block) => _matches.Begin(block);

    /// <summary>Resets everything except the dictionary.</summary>
    public void ResetState()
    {
        Array.Fill(_probabilities, LzmaRange.Even);
        Array.Clear(_repeats);
        _state = 0;
    }

    /// <summary>Encodes a chunk.</summary>
    /// <param name="block">The whole block.</param>
    /// <param name="at">Where the chunk begins; moves to its end.</param>
    /// <param name="mostRead">The chunk holds no more bytes of the block.</param>
    /// <param name="output">The chunk; it ends before this is full.</param>
    /// <returns>Bytes of the chunk.</returns>
    public int EncodeChunk(ReadOnlySpan<byte> block, ref int at, int mostRead, Span<byte> output)
    {
        var range = new LzmaRangeEncoder(output);
        int end = Math.Min(block.Length, at + mostRead);
        while (at < end && range.Bytes + LongestSymbol <= output.Length)
        {
            (int length, int distance, int repeat) = Choose(block, at, end);
            if (length == 0)
                Literal(ref range, block, at);
            else if (repeat >= 0)
                Repeat(ref range, at, length, repeat);
            else
                Match(ref range, at, length, distance);
            int next = at + Math.Max(1, length);
            for (; at < next; at++)
                _matches.Add(block, at);
        }
        range.Finish();
        return range.Bytes;
    }

    // Length 0: a literal. Repeat >= 0: the match has one of the last four distances.
    private (int Length, int Distance, int Repeat) Choose(ReadOnlySpan<byte> block, int at, int end)
    {
        int most = Math.Min(LzmaMatches.Longest, end - at);
        int best = 0;
        int repeat = -1;
        for (int i = 0; i < 4; i++)
        {
            if (_repeats[i] >= at)
                continue;
            int length = LzmaMatches.Common(block, at - _repeats[i] - 1, at, most);
            if (length > best)
                (best, repeat) = (length, i);
        }
        (int found, int distance) = _matches.Find(block, at, most);
        bool near = best >= 2
            && (best + 1 >= found || (best + 2 >= found && distance >= 1 << 9) || (best + 3 >= found && distance >= 1 << 15));
        if (near)
            return (best, 0, repeat);
        if (found < LzmaMatches.Shortest || (found == LzmaMatches.Shortest && distance > 1 << 14))
            return best >= 1 && repeat == 0 ? (1, 0, 0) : (0, 0, -1);
        // A longer match may begin one byte later.
        if (found < 32 && at + 1 < end && _matches.Find(block, at + 1, Math.Min(LzmaMatches.Longest, end - at - 1)).Length > found)
            return (0, 0, -1);
        return (found, distance, -1);
    }

    private void Literal(ref LzmaRangeEncoder range, ReadOnlySpan<byte> block, int at)
    {
        range.Bit(ref _probabilities[IsMatch + (_state * PositionStates) + (at & PositionMask)], 0);
        uint before = at > 0 ? block[at - 1] : 0u;
        Span<ushort> table = _probabilities.AsSpan(Literals + ((int)(before >> (8 - LiteralContext)) * LiteralSize), LiteralSize);
        uint value = block[at];
        if (_state < 7)
        {
            range.Tree(table, 8, value);
        }
        else
        {
            // After a match, the byte that would have continued it predicts the next byte.
            uint guess = block[at - _repeats[0] - 1];
            uint same = 0x100;
            uint symbol = 1;
            for (int i = 7; i >= 0; i--)
            {
                guess <<= 1;
                uint expected = guess & same;
                uint bit = (value >> i) & 1;
                range.Bit(ref table[(int)(same + expected + symbol)], bit);
                symbol = (symbol << 1) | bit;
                same &= bit == 0 ? ~expected : expected;
            }
        }
        _state = _state < 4 ? 0 : _state < 10 ? _state - 3 : _state - 6;
    }

    private void Match(ref LzmaRangeEncoder range, int at, int length, int distance)
    {
        range.Bit(ref _probabilities[IsMatch + (_state * PositionStates) + (at & PositionMask)], 1);
        range.Bit(ref _probabilities[IsRep + _state], 0);
        WriteLength(ref range, Length, at & PositionMask, (uint)length - 2);
        WriteDistance(ref range, (uint)distance, (uint)length - 2);
        (_repeats[3], _repeats[2], _repeats[1], _repeats[0]) = (_repeats[2], _repeats[1], _repeats[0], distance);
        _state = _state < 7 ? 7u : 10u;
    }

    private void Repeat(ref LzmaRangeEncoder range, int at, int length, int repeat)
    {
        int match = (int)(_state * PositionStates) + (at & PositionMask);
        range.Bit(ref _probabilities[IsMatch + match], 1);
        range.Bit(ref _probabilities[IsRep + _state], 1);
        range.Bit(ref _probabilities[IsRep0 + _state], repeat == 0 ? 0u : 1);
        if (repeat == 0)
        {
            range.Bit(ref _probabilities[IsRep0Long + match], length == 1 ? 0u : 1);
            if (length == 1)
            {
                _state = _state < 7 ? 9u : 11u;
                return;
            }
        }
        else
        {
            range.Bit(ref _probabilities[IsRep1 + _state], repeat == 1 ? 0u : 1);
            if (repeat > 1)
                range.Bit(ref _probabilities[IsRep2 + _state], repeat == 2 ? 0u : 1);
            int distance = _repeats[repeat];
            Array.Copy(_repeats, 0, _repeats, 1, repeat);
            _repeats[0] = distance;
        }
        WriteLength(ref range, RepeatLength, at & PositionMask, (uint)length - 2);
        _state = _state < 7 ? 8u : 11u;
    }

    private void WriteLength(ref LzmaRangeEncoder range, int table, int position, uint length)
    {
        Span<ushort> p = _probabilities.AsSpan(table, LengthSize);
        range.Bit(ref p[0], length < 8 ? 0u : 1);
        if (length < 8)
        {
            range.Tree(p.Slice(2 + (position * 8), 8), 3, length);
            return;
        }
        range.Bit(ref p[1], length < 16 ? 0u : 1);
        if (length < 16)
            range.Tree(p.Slice(2 + ((PositionStates + position) * 8), 8), 3, length - 8);
        else
            range.Tree(p.Slice(2 + (2 * PositionStates * 8), 256), 8, length - 16);
    }

    private void WriteDistance(ref LzmaRangeEncoder range, uint distance, uint length)
    {
        int top = distance == 0 ? 0 : System.Numerics.BitOperations.Log2(distance);
        uint slot = distance < 4 ? distance : (uint)(2 * top) + ((distance >> (top - 1)) & 1);
        range.Tree(_probabilities.AsSpan(Slots + ((int)Math.Min(length, 3) * 64), 64), 6, slot);
        if (slot < 4)
            return;
        int bits = (int)(slot >> 1) - 1;
        uint start = (2 | (slot & 1)) << bits;
        uint rest = distance - start;
        if (slot < EndOfPositionModels)
        {
            range.ReverseTree(_probabilities.AsSpan(Special + (int)(start - slot), 1 << bits), bits, rest);
            return;
        }
        range.Direct(rest >> 4, bits - 4);
        range.ReverseTree(_probabilities.AsSpan(Align, 16), 4, rest & 15);
    }
}
