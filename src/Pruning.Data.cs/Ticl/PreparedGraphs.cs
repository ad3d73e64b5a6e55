using Pruning.Data.Tracksters;

namespace Pruning.Data.Ticl;

/// <summary>
/// Graphs of one or many events as columns, ready for the trees <c>Tracksters</c>, <c>Edges</c> and <c>Graphs</c> of a
/// prepared file: graph g owns the nodes <c>[NodeOffsets[g], NodeOffsets[g + 1])</c> and the links
/// <c>[LinkOffsets[g], LinkOffsets[g + 1])</c>.
/// </summary>
public sealed record PreparedGraphs
{
    /// <summary>[graphs + 1] where the nodes of each graph begin.</summary>
    public required long[] NodeOffsets { get; init; }

    /// <summary>[graphs + 1] where the links of each graph begin.</summary>
    public required long[] LinkOffsets { get; init; }

    /// <summary>[graphs] number of the event.</summary>
    public required long[] Event { get; init; }

    /// <summary>[graphs] run of the event; 0 where nobody knows.</summary>
    public required uint[] Run { get; init; }

    /// <summary>[graphs] luminosity block of the event; 0 where nobody knows.</summary>
    public required uint[] Lumi { get; init; }

    /// <summary>[graphs] number of the trackster within its collection of the event.</summary>
    public required int[] Trackster { get; init; }

    /// <summary>[graphs] CLUE3D pass that found it.</summary>
    public required int[] Pass { get; init; }

    /// <summary>[graphs] particle that owns it, an index within the event; -1 without one.</summary>
    public required int[] Particle { get; init; }

    /// <summary>[graphs] its PDG number; 0 without one.</summary>
    public required int[] PdgId { get; init; }

    /// <summary>[graphs] its generated energy, GeV.</summary>
    public required float[] GeneratedEnergy { get; init; }

    /// <summary>[graphs] its energy in all layer clusters of the event, GeV.</summary>
    public required float[] SimEnergy { get; init; }

    /// <summary>[graphs] particles of the hard scatter with more than 1 % of the trackster's energy.</summary>
    public required int[] Contributors { get; init; }

    /// <summary>[graphs] reco-to-sim score of the associator: 0 when every layer cluster is the particle's, 1 when none is.</summary>
    public required float[] RecoToSimScore { get; init; }

    /// <summary>[graphs] 1 where the links are those of CLUE3D, 0 where they were repaired.</summary>
    public required int[] IsExact { get; init; }

    /// <summary>[nodes] id: index of the layer cluster in its event.</summary>
    public required int[] Id { get; init; }

    /// <summary>[nodes] x, cm.</summary>
    public required float[] X { get; init; }

    /// <summary>[nodes] y, cm.</summary>
    public required float[] Y { get; init; }

    /// <summary>[nodes] z, cm.</summary>
    public required float[] Z { get; init; }

    /// <summary>[nodes] energy, GeV.</summary>
    public required float[] Energy { get; init; }

    /// <summary>[nodes] time, ns; -99 where there is none.</summary>
    public required float[] Time { get; init; }

    /// <summary>[nodes] pseudorapidity.</summary>
    public required float[] Eta { get; init; }

    /// <summary>[nodes] azimuth, rad.</summary>
    public required float[] Phi { get; init; }

    /// <summary>[nodes] 1 on the seed of a trackster of the pass High.</summary>
    public required int[] IsSeedHigh { get; init; }

    /// <summary>[nodes] 1 on the seed of a trackster of the pass Low.</summary>
    public required int[] IsSeedLow { get; init; }

    /// <summary>[nodes] 1 = prune, 0 = keep.</summary>
    public required int[] Label { get; init; }

    /// <summary>[nodes] share of the energy that the trackster's particle owns.</summary>
    public required float[] Fraction { get; init; }

    /// <summary>[nodes] layer, from 1.</summary>
    public required int[] Layer { get; init; }

    /// <summary>[nodes] hits.</summary>
    public required int[] HitCount { get; init; }

    /// <summary>[links] id of the nearest higher.</summary>
    public required int[] Origin { get; init; }

    /// <summary>[links] id of the follower.</summary>
    public required int[] Target { get; init; }

    /// <summary>Number of graphs.</summary>
    public int GraphCount => Event.Length;

    /// <summary>Number of nodes of all graphs.</summary>
    public long NodeCount => NodeOffsets[^1];

    /// <summary>Number of links of all graphs.</summary>
    public long LinkCount => LinkOffsets[^1];

    /// <summary>The graphs as a table that datasets are made of, without a file in between. Copies most columns.</summary>
    /// <param name="name">Stands where the path of a file would, in errors and origins.</param>
    public TracksterTable ToTable(string name)
    {
        Jagged<float> Floats(int[] values) => new(Array.ConvertAll(values, static v => (float)v), NodeOffsets);
        Jagged<float> Same(float[] values) => new(values, NodeOffsets);
        return new TracksterTable(name, new TracksterArrays
        {
            Id = new(Array.ConvertAll(Id, static v => (long)v), NodeOffsets),
            PosX = Same(X),
            PosY = Same(Y),
            PosZ = Same(Z),
            Energy = Same(Energy),
            Time = Same(Time),
            Eta = Same(Eta),
            Phi = Same(Phi),
            IsSeedHigh = Floats(IsSeedHigh),
            IsSeedLow = Floats(IsSeedLow),
            Layer = Floats(Layer),
            HitCount = Floats(HitCount),
            Label = Floats(Label),
            Origin = new(Array.ConvertAll(Origin, static v => (long)v), LinkOffsets),
            Target = new(Array.ConvertAll(Target, static v => (long)v), LinkOffsets),
            Event = Event,
            Run = Array.ConvertAll(Run, static v => (long)v),
            Lumi = Array.ConvertAll(Lumi, static v => (long)v),
        });
    }

    /// <summary>Graphs of several, in order, as one.</summary>
    public static PreparedGraphs Concat(IEnumerable<PreparedGraphs> parts)
    {
        PreparedGraphs[] all = [.. parts];
        T[] Join<T>(Func<PreparedGraphs, T[]> column)
        {
            T[] joined = new T[all.Sum(part => (long)column(part).Length)];
            int next = 0;
            foreach (PreparedGraphs part in all)
            {
                column(part).CopyTo(joined, next);
                next += column(part).Length;
            }

            return joined;
        }

        long[] Offsets(Func<PreparedGraphs, long[]> offsets)
        {
            List<long> joined = [0];
            foreach (PreparedGraphs part in all)
            {
                long start = joined[^1];
                foreach (long offset in offsets(part).AsSpan(1))
                    joined.Add(start + offset);
            }

            return [.. joined];
        }

        return new PreparedGraphs
        {
            NodeOffsets = Offsets(p => p.NodeOffsets),
            LinkOffsets = Offsets(p => p.LinkOffsets),
            Event = Join(p => p.Event),
            Run = Join(p => p.Run),
            Lumi = Join(p => p.Lumi),
            Trackster = Join(p => p.Trackster),
            Pass = Join(p => p.Pass),
            Particle = Join(p => p.Particle),
            PdgId = Join(p => p.PdgId),
            GeneratedEnergy = Join(p => p.GeneratedEnergy),
            SimEnergy = Join(p => p.SimEnergy),
            Contributors = Join(p => p.Contributors),
            RecoToSimScore = Join(p => p.RecoToSimScore),
            IsExact = Join(p => p.IsExact),
            Id = Join(p => p.Id),
            X = Join(p => p.X),
            Y = Join(p => p.Y),
            Z = Join(p => p.Z),
            Energy = Join(p => p.Energy),
            Time = Join(p => p.Time),
            Eta = Join(p => p.Eta),
            Phi = Join(p => p.Phi),
            IsSeedHigh = Join(p => p.IsSeedHigh),
            IsSeedLow = Join(p => p.IsSeedLow),
            Label = Join(p => p.Label),
            Fraction = Join(p => p.Fraction),
            Layer = Join(p => p.Layer),
            HitCount = Join(p => p.HitCount),
            Origin = Join(p => p.Origin),
            Target = Join(p => p.Target),
        };
    }
}
