using System.Numerics;
using System.Runtime.CompilerServices;
using Pruning.Data.Batching;

namespace Pruning.Data.Simulation;

/// <summary>
/// Random numbers of one purpose within one event: xoshiro256++ 1.0 (Blackman and Vigna 2019), whose 256 bits of state
/// are the first four outputs of SplitMix64 started at <c>Mix(Mix(seed, event), stream)</c>, with
/// <see cref="StableHash.Mix(ulong, ulong)"/>, which is <c>Mix(a, b) = Mix(Mix(a) ^ b)</c>. For one seed no two events, and
/// for one event no two streams, begin alike. What
/// an event draws therefore depends on its number alone, never on the thread or on the events before it, and what one
/// stream draws never on how much another one used. Not safe to share between threads.
/// </summary>
public sealed class EventRandom
{
    private const ulong Golden = 0x9E3779B97F4A7C15UL;
    private ulong _a, _b, _c, _d;

    /// <summary>The generator at a state of its own, as the published vectors give it.</summary>
    /// <exception cref="ArgumentException">All zero: that state never changes.</exception>
    public EventRandom(ulong a, ulong b, ulong c, ulong d)
    {
        if ((a | b | c | d) == 0)
            throw new ArgumentException("A state of xoshiro256++ must have a bit set, and this one has none: give another one.");
        (_a, _b, _c, _d) = (a, b, c, d);
    }

    /// <summary>The generator of one stream of an event.</summary>
    /// <param name="seed">Seed of the whole run.</param>
    /// <param name="number">Number of the event.</param>
    /// <param name="stream">Which purpose: streams do not influence each other.</param>
    public EventRandom(ulong seed, ulong number, ulong stream) => Restart(seed, number, stream);

    /// <summary>Begins anew as the generator of another stream.</summary>
    public void Restart(ulong seed, ulong number, ulong stream)
    {
        ulong key = StableHash.Mix(StableHash.Mix(seed, number), stream);
        // Mix adds the constant itself: outputs 1 to 4 of SplitMix64 from `key`. At most one of them is zero.
        _a = StableHash.Mix(key);
        _b = StableHash.Mix(unchecked(key + Golden));
        _c = StableHash.Mix(unchecked(key + (2 * Golden)));
        _d = StableHash.Mix(unchecked(key + (3 * Golden)));
    }

    /// <summary>64 random bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Next()
    {
        ulong result = BitOperations.RotateLeft(_a + _d, 23) + _a;
        ulong t = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= t;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>Uniform in [0, 1), a multiple of 2^-53.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public double Uniform() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in (0, 1]: its logarithm is finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public double UniformPositive() => ((Next() >> 11) + 1) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [low, high).</summary>
    public double Uniform(double low, double high) => low + ((high - low) * Uniform());

    /// <summary>
    /// A point of the open unit disc, uniform by area, without its centre; found by rejection from the square.
    /// </summary>
    /// <returns>Squared distance from the centre, in (0, 1) and uniform there: it serves as one more random number.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public double Disc(out double x, out double y)
    {
        double square;
        do
        {
            ulong bits = Next();
            x = (int)(bits >> 32) * (1.0 / 2147483648.0);
            y = (int)bits * (1.0 / 2147483648.0);
            square = (x * x) + (y * y);
        }
        while (square >= 1 || square == 0);
        return square;
    }

    /// <summary>A unit vector of uniform direction.</summary>
    public void Direction(out double x, out double y)
    {
        double scale = 1 / Math.Sqrt(Disc(out x, out y));
        x *= scale;
        y *= scale;
    }
}
