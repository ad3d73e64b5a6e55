using System.Runtime.CompilerServices;

namespace Pruning.Root.Compression.Xz;

/// <summary>
/// LZMA's range decoder over the bytes of one chunk. Past the end it reads zeros and keeps counting, so that the inner
/// loop needs no check for damaged input: <see cref="Finish"/> checks afterwards.
/// </summary>
internal ref struct LzmaRange
{
    /// <summary>Bytes before the first coded bit.</summary>
    public const int HeaderBytes = 5;

    /// <summary>Probability of a bit about which nothing is known.</summary>
    public const ushort Even = 1 << (ProbabilityBits - 1);

    private const int ProbabilityBits = 11;
    private const int MoveBits = 5;
    private const uint Top = 1u << 24;

    private readonly ReadOnlySpan<byte> _input;
    private int _next;
    private uint _range;
    private uint _code;

    /// <param name="input">At least <see cref="HeaderBytes"/> bytes.</param>
    public LzmaRange(ReadOnlySpan<byte> input)
    {
        _input = input;
        _range = uint.MaxValue;
        _code = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(input[1..]);
        _next = HeaderBytes;
    }

    /// <summary>Call it after the last bit. True when exactly the whole chunk was used.</summary>
    public bool Finish()
    {
        Normalise();
        return _next == _input.Length && _code == 0;
    }

    /// <summary>One bit of adaptive probability.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Bit(ref ushort probability)
    {
        Normalise();
        uint p = probability;
        uint bound = (_range >> ProbabilityBits) * p;
        if (_code < bound)
        {
            _range = bound;
            probability = (ushort)(p + (((1u << ProbabilityBits) - p) >> MoveBits));
            return 0;
        }
        _range -= bound;
        _code -= bound;
        probability = (ushort)(p - (p >> MoveBits));
        return 1;
    }

    /// <summary>Bits that are 0 or 1 with equal probability, highest first.</summary>
    public uint Direct(int count)
    {
        uint value = 0;
        for (; count > 0; count--)
        {
            Normalise();
            _range >>= 1;
            uint bit = _code >= _range ? 1u : 0;
            _code -= _range & (0 - bit);
            value = (value << 1) | bit;
        }
        return value;
    }

    /// <summary>A number of <paramref name="bits"/> bits, highest first.</summary>
    public uint Tree(Span<ushort> probabilities, int bits)
    {
        uint symbol = 1;
        for (int i = 0; i < bits; i++)
            symbol = (symbol << 1) | Bit(ref probabilities[(int)symbol]);
        return symbol - (1u << bits);
    }

    /// <summary>A number of <paramref name="bits"/> bits, lowest first.</summary>
    public uint ReverseTree(Span<ushort> probabilities, int bits)
    {
        uint symbol = 1;
        uint value = 0;
        for (int i = 0; i < bits; i++)
        {
            uint bit = Bit(ref probabilities[(int)symbol]);
            symbol = (symbol << 1) | bit;
            value |= bit << i;
        }
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Normalise()
    {
        if (_range >= Top)
            return;
        _range <<= 8;
        _code = (_code << 8) | ((uint)_next < (uint)_input.Length ? _input[_next] : 0u);
        _next++;
    }
}
