using static Pruning.Root.Compression.Xz.LzmaTables;

namespace Pruning.Root.Compression.Xz;

/// <summary>
/// LZMA with the output as the dictionary. Blocks of ROOT are decoded whole, so there is no window, and the dictionary size
/// that a file claims is never allocated.
/// </summary>
internal sealed class LzmaDecoder
{
    private readonly ushort[] _probabilities = new ushort[Size];
    private uint _state;
    private uint _rep0;
    private uint _rep1;
    private uint _rep2;
    private uint _rep3;
    private int _literalContext;
    private uint _literalMask;
    private uint _positionMask;

    /// <summary>Sets lc, lp and pb from their common byte; false when the byte is impossible.</summary>
    public bool TrySetProperties(byte properties)
    {
        if (properties > (4 * 5 + 4) * 9 + 8)
            return false;
        int literalContext = properties % 9;
        int literalPosition = properties / 9 % 5;
        if (literalContext + literalPosition > MaxLiteralBits)
            return false;
        _literalContext = literalContext;
        _literalMask = (1u << literalPosition) - 1;
        _positionMask = (1u << (properties / 45)) - 1;
        return true;
    }

    /// <summary>Resets everything except the properties.</summary>
    public void ResetState()
    {
        Array.Fill(_probabilities, LzmaRange.Even);
        (_state, _rep0, _rep1, _rep2, _rep3) = (0, 0, 0, 0, 0);
    }

    /// <summary>Decodes one chunk to its end.</summary>
    /// <param name="input">All bytes of the chunk, at least <see cref="LzmaRange.HeaderBytes"/>.</param>
    /// <param name="output">Everything since the dictionary began, and room for the chunk at its end.</param>
    /// <param name="at">Where the chunk begins in <paramref name="output"/>.</param>
    /// <returns>False when the chunk is damaged.</returns>
    public bool TryDecode(ReadOnlySpan<byte> input, Span<byte> output, int at)
    {
        if (input[0] != 0)
            return false;
        var range = new LzmaRange(input);
        ushort[] p = _probabilities;
        while (at < output.Length)
        {
            uint position = (uint)at & _positionMask;
            int match = (int)((_state * PositionStates) + position);
            if (range.Bit(ref p[IsMatch + match]) == 0)
            {
                if (_state >= 7 && _rep0 >= (uint)at)
                    return false;
                output[at] = Literal(ref range, output, at);
                at++;
                _state = _state < 4 ? 0 : _state < 10 ? _state - 3 : _state - 6;
                continue;
            }
            uint length;
            if (range.Bit(ref p[IsRep + _state]) == 0)
            {
                (_rep3, _rep2, _rep1) = (_rep2, _rep1, _rep0);
                length = ReadLength(ref range, Length, position);
                _state = _state < 7 ? 7u : 10u;
                _rep0 = ReadDistance(ref range, length);
            }
            else if (range.Bit(ref p[IsRep0 + _state]) == 0)
            {
                if (range.Bit(ref p[IsRep0Long + match]) == 0)
                {
                    if (_rep0 >= (uint)at)
                        return false;
                    output[at] = output[at - (int)_rep0 - 1];
                    at++;
                    _state = _state < 7 ? 9u : 11u;
                    continue;
                }
                length = ReadLength(ref range, RepeatLength, position);
                _state = _state < 7 ? 8u : 11u;
            }
            else
            {
                TakeOlderDistance(ref range);
                length = ReadLength(ref range, RepeatLength, position);
                _state = _state < 7 ? 8u : 11u;
            }
            int count = (int)length + 2;
            if (_rep0 >= (uint)at || count > output.Length - at)
                return false;
            Copy(output, at, (int)_rep0 + 1, count);
            at += count;
        }
        return range.Finish();
    }

    private byte Literal(ref LzmaRange range, ReadOnlySpan<byte> output, int at)
    {
        uint before = at > 0 ? output[at - 1] : 0u;
        uint context = (((uint)at & _literalMask) << _literalContext) + (before >> (8 - _literalContext));
        Span<ushort> table = _probabilities.AsSpan(Literals + ((int)context * LiteralSize), LiteralSize);
        uint symbol = 1;
        if (_state >= 7)
        {
            // After a match, the byte that would have continued it predicts the next byte.
            uint guess = output[at - (int)_rep0 - 1];
            uint same = 0x100;
            while (symbol < 0x100)
            {
                guess <<= 1;
                uint expected = guess & same;
                uint bit = range.Bit(ref table[(int)(same + expected + symbol)]);
                symbol = (symbol << 1) | bit;
                same &= bit == 0 ? ~expected : expected;
            }
            return (byte)symbol;
        }
        while (symbol < 0x100)
            symbol = (symbol << 1) | range.Bit(ref table[(int)symbol]);
        return (byte)symbol;
    }

    private uint ReadLength(ref LzmaRange range, int table, uint position)
    {
        Span<ushort> p = _probabilities.AsSpan(table, LengthSize);
        if (range.Bit(ref p[0]) == 0)
            return range.Tree(p.Slice(2 + ((int)position * 8), 8), 3);
        if (range.Bit(ref p[1]) == 0)
            return 8 + range.Tree(p.Slice(2 + ((PositionStates + (int)position) * 8), 8), 3);
        return 16 + range.Tree(p.Slice(2 + (2 * PositionStates * 8), 256), 8);
    }

    private uint ReadDistance(ref LzmaRange range, uint length)
    {
        uint slot = range.Tree(_probabilities.AsSpan(Slots + ((int)Math.Min(length, 3) * 64), 64), 6);
        if (slot < 4)
            return slot;
        int bits = (int)(slot >> 1) - 1;
        uint distance = (2 | (slot & 1)) << bits;
        if (slot < EndOfPositionModels)
            return distance + range.ReverseTree(_probabilities.AsSpan(Special + (int)(distance - slot), 1 << bits), bits);
        return distance + (range.Direct(bits - 4) << 4) + range.ReverseTree(_probabilities.AsSpan(Align, 16), 4);
    }

    private void TakeOlderDistance(ref LzmaRange range)
    {
        uint distance = _rep1;
        if (range.Bit(ref _probabilities[IsRep1 + _state]) != 0)
        {
            distance = _rep2;
            if (range.Bit(ref _probabilities[IsRep2 + _state]) != 0)
            {
                distance = _rep3;
                _rep3 = _rep2;
            }
            _rep2 = _rep1;
        }
        _rep1 = _rep0;
        _rep0 = distance;
    }

    // If the distance is smaller than the length, the copy repeats bytes that it writes.
    private static void Copy(Span<byte> output, int at, int distance, int count)
    {
        if (distance >= count)
        {
            output.Slice(at - distance, count).CopyTo(output[at..]);
            return;
        }
        if (distance == 1)
        {
            output.Slice(at, count).Fill(output[at - 1]);
            return;
        }
        for (int i = at; i < at + count; i++)
            output[i] = output[i - distance];
    }
}
