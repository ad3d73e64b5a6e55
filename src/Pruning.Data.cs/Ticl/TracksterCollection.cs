namespace Pruning.Data.Ticl;

/// <summary>
/// Tracksters of one collection of an event: trackster t owns the layer clusters <c>Clusters[Offsets[t] .. Offsets[t + 1])</c>.
/// </summary>
/// <param name="Pass">CLUE3D pass that made it.</param>
/// <param name="Offsets">[tracksters + 1]</param>
/// <param name="Clusters">[members] ids of layer clusters.</param>
public sealed record TracksterCollection(TracksterPass Pass, int[] Offsets, int[] Clusters)
{
    /// <summary>Number of tracksters.</summary>
    public int Count => Offsets.Length - 1;

    /// <summary>Layer clusters of a trackster.</summary>
    public ReadOnlySpan<int> this[int trackster] => Clusters.AsSpan(Offsets[trackster], Offsets[trackster + 1] - Offsets[trackster]);
}
