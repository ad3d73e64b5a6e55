namespace Pruning.Data.Ticl;

/// <summary>
/// What a CLUE3D pass found. Arrays have one value per layer cluster of the event; those that took no part have density
/// 0, no nearest higher and no trackster.
/// </summary>
public sealed class Clue3DResult
{
    internal Clue3DResult(int clusters)
    {
        Density = new double[clusters];
        NearestHigher = new int[clusters];
        IsSeed = new bool[clusters];
        IsFollower = new bool[clusters];
        Trackster = new int[clusters];
        NearestHigher.AsSpan().Fill(-1);
        Trackster.AsSpan().Fill(-1);
    }

    /// <summary>[clusters] density rho, GeV.</summary>
    public double[] Density { get; }

    /// <summary>[clusters] nearest layer cluster of higher density, or -1.</summary>
    public int[] NearestHigher { get; }

    /// <summary>[clusters] is a seed, of a trackster that was dropped for its size, too.</summary>
    public bool[] IsSeed { get; }

    /// <summary>[clusters] follows its nearest higher: neither seed nor outlier, and there is one.</summary>
    public bool[] IsFollower { get; }

    /// <summary>[clusters] number of the trackster, or -1.</summary>
    public int[] Trackster { get; }

    /// <summary>Tracksters, numbered by their seeds: endcap at negative z first, then by layer, then by index.</summary>
    public int TracksterCount { get; internal set; }

    /// <summary>The one that a layer cluster follows, or -1.</summary>
    public int ParentOf(int cluster) => IsFollower[cluster] ? NearestHigher[cluster] : -1;

    /// <summary>
    /// Layer clusters of each trackster in the order of their indices: trackster t owns
    /// <c>Clusters[Offsets[t] .. Offsets[t + 1])</c>.
    /// </summary>
    public (int[] Offsets, int[] Clusters) Members()
    {
        int[] offsets = new int[TracksterCount + 1];
        foreach (int trackster in Trackster)
        {
            if (trackster >= 0)
                offsets[trackster + 1]++;
        }

        for (int t = 0; t < TracksterCount; t++)
            offsets[t + 1] += offsets[t];
        int[] next = offsets.AsSpan(0, TracksterCount).ToArray();
        int[] clusters = new int[offsets[^1]];
        for (int i = 0; i < Trackster.Length; i++)
        {
            if (Trackster[i] >= 0)
                clusters[next[Trackster[i]]++] = i;
        }

        return (offsets, clusters);
    }
}
