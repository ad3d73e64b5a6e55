using System.Runtime.CompilerServices;

namespace Pruning.Root.Compression.Xz;

/// <summary>LZMA's range encoder: the counterpart of <see cref="LzmaRange"/>, for one chunk.</summary>
internal ref struct LzmaRangeEncoder
{
    private const int ProbabilityBits = 11;
    private const int MoveBits = 5;
    private const uint Top = 1u << 24;

    private readonly Span<byte> _output;
    private ulong _low;
    private uint _range;
    private byte _held; // the last byte that a carry may still change
    private int _pending; // this byte and the bytes 255 after it
    private int _made;

    /// <param name="output">Room for the chunk.</param>
    public LzmaRangeEncoder(Span<byte> output)
    {
        _output = output;
        _range = uint.MaxValue;
        _pending = 1;
    }

    /// <summary>Bytes that the chunk would have if it ended here.</summary>
    public readonly int Bytes => _made + _pending + 4;

    /// <summary>Writes what is held back; the chunk has <see cref="Bytes"/> bytes then.</summary>
    public void Finish()
    {
        for (int i = 0; i < 5; i++)
            Shift();
        _pending -= 5; // the bytes after the last one are never read
    }

    /// <summary>One bit of adaptive probability.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Bit(ref ushort probability, uint bit)
    {
        uint p = probability;
        uint bound = (_range >> ProbabilityBits) * p;
        if (bit == 0)
        {
            _range = bound;
            probability = (ushort)(p + (((1u << ProbabilityBits) - p) >> MoveBits));
        }
        else
        {
            _low += bound;
            _range -= bound;
            probability = (ushort)(p - (p >> MoveBits));
        }
        Normalise();
    }

    /// <summary>Bits that are 0 or 1 with equal probability, highest first.</summary>
    public void Direct(uint value, int count)
    {
        for (int i = count - 1; i >= 0; i--)
        {
            _range >>= 1;
            _low += _range & (0 - ((value >> i) & 1));
            Normalise();
        }
    }

    /// <summary>A number of <paramref name="bits"/> bits, highest first.</summary>
    public void Tree(Span<ushort> probabilities, int bits, uint value)
    {
        uint symbol = 1;
        for (int i = bits - 1; i >= 0; i--)
        {
            uint bit = (value >> i) & 1;
            Bit(ref probabilities[(int)symbol], bit);
            symbol = (symbol << 1) | bit;
        }
    }

    /// <summary>A number of <paramref name="bits"/> bits, lowest first.</summary>
    public void ReverseTree(Span<ushort> probabilities, int bits, uint value)
    {
        uint symbol = 1;
        for (int i = 0; i < bits; i++)
        {
            uint bit = (value >> i) & 1;
            Bit(ref probabilities[(int)symbol], bit);
            symbol = (symbol << 1) | bit;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Normalise()
    {
        while (_range < Top)
        {
            _range <<= 8;
            Shift();
        }
    }

    private void Shift()
    {
        if (_low < 0xFF000000u || _low > uint.MaxValue)
        {
            byte carry = (byte)(_low >> 32);
            for (; _pending > 0; _pending--)
            {
                _output[_made++] = (byte)(_held + carry);
                _held = 0xFF;
            }
            _held = (byte)(_low >> 24);
        }
        _pending++;
        _low = (_low << 8) & uint.MaxValue;
    }
}
