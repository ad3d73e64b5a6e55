namespace Pruning.Data.Batching;

/// <summary>
/// Random-looking numbers that depend on their arguments alone: the same on every machine, in every version of .NET.
/// </summary>
public static class StableHash
{
    /// <summary>The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64 bits.</summary>
    public static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15UL;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBUL;
        return x ^ (x >> 31);
    }

    /// <summary>Mixes two numbers; for a fixed first one it is a bijection of the second.</summary>
    public static ulong Mix(ulong a, ulong b) => Mix(Mix(a) ^ b);
}
