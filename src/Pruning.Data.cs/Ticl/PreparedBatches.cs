using Pruning.Data.Tracksters;

namespace Pruning.Data.Ticl;

/// <summary>Graphs that were simulated or prepared, as <see cref="TracksterWriter"/> takes them.</summary>
public static class PreparedBatches
{
    /// <summary>
    /// The same graphs with their truth. Numbers of single precision and offsets are the arrays of the graphs; ids become
    /// 64-bit numbers and flags booleans, 11 bytes a layer cluster and 16 a link.
    /// </summary>
    /// <param name="graphs">The graphs.</param>
    /// <param name="pileUp">Mean number of simultaneous interactions in all of them; null where nobody knows.</param>
    public static TracksterBatch Of(PreparedGraphs graphs, double? pileUp = null) => new()
    {
        Nodes = graphs.NodeOffsets,
        Id = Long(graphs.Id),
        PosX = graphs.X,
        PosY = graphs.Y,
        PosZ = graphs.Z,
        Energy = graphs.Energy,
        Time = graphs.Time,
        Eta = graphs.Eta,
        Phi = graphs.Phi,
        IsSeedHigh = Flags(graphs.IsSeedHigh),
        IsSeedLow = Flags(graphs.IsSeedLow),
        Layer = graphs.Layer,
        HitCount = graphs.HitCount,
        Label = Flags(graphs.Label),
        Fraction = graphs.Fraction,
        Links = graphs.LinkOffsets,
        Origin = Long(graphs.Origin),
        Target = Long(graphs.Target),
        Truth = new TruthBatch
        {
            Event = graphs.Event,
            Run = graphs.Run,
            Lumi = graphs.Lumi,
            Trackster = graphs.Trackster,
            PdgId = graphs.PdgId,
            GeneratedEnergy = graphs.GeneratedEnergy,
            SimEnergy = graphs.SimEnergy,
            PileUp = pileUp is double mean ? Enumerable.Repeat((float)mean, graphs.GraphCount).ToArray() : default(ReadOnlyMemory<float>),
        },
    };

    private static long[] Long(int[] values) => Array.ConvertAll(values, static value => (long)value);

    private static bool[] Flags(int[] values) => Array.ConvertAll(values, static value => value != 0);
}
