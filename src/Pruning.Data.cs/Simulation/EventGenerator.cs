using Pruning.Data.Ticl;

namespace Pruning.Data.Simulation;

/// <summary>Makes one event after another, with the arrays of the one before. Serves one thread.</summary>
internal sealed class EventGenerator(ToyOptions options)
{
    private readonly DepositGrid _grid = new();
    private readonly HadronicShower _hadrons = new();
    private readonly LayerClustering _clustering = new();
    private readonly LayerClusterBuilder _builder = new();
    private readonly Clue3D _clue3D = new();
    private readonly GraphMaker _graphs = new(options.Labels, options.Selection);

    /// <summary>Each purpose has its own numbers, so that more pile-up leaves the hard scatter as it is.</summary>
    private enum Stream : ulong
    {
        Primaries = 0,
        PileUp = 1,
        PrimaryShowers = 2,
        PileUpShowers = 3,
        CellNoise = 4,
        Times = 5,
        NoiseClusters = 6,
    }

    /// <summary>The event of a number.</summary>
    public SimulatedEvent Generate(long number)
    {
        SimulatedParticles particles =
            ParticleGun.Draw(Random(number, Stream.Primaries), Random(number, Stream.PileUp), options, out int side);
        _grid.Clear();
        EventRandom primaries = Random(number, Stream.PrimaryShowers), pileUp = Random(number, Stream.PileUpShowers);
        for (int i = 0; i < particles.Count; i++)
            Shower(i < particles.HardScatterCount ? primaries : pileUp, particles, i);
        _clustering.Run(Random(number, Stream.CellNoise), _grid, options.Clue);
        (LayerClusterColumns clusters, EventTruth truth) = _builder.Build(
            Random(number, Stream.Times), Random(number, Stream.NoiseClusters), _grid, _clustering, particles, side, options);
        return Reconstruct(number, side, particles, clusters, truth);
    }

    private EventRandom Random(long number, Stream stream) => new(options.Seed, (ulong)number, (ulong)stream);

    private void Shower(EventRandom random, SimulatedParticles particles, int i)
    {
        double front = DetectorGeometry.Z[0], x = particles.X[i], y = particles.Y[i];
        ShowerAxis axis = new(x, y, front, x / front, y / front); // from the collision, in a straight line
        int species = particles.PdgId[i];
        if (species is 22 or 11)
            ElectromagneticShower.Deposit(random, _grid, particles.Energy[i], axis, 0, species == 22);
        else
            _hadrons.Deposit(random, _grid, particles.Energy[i], axis, species == 211);
        _grid.EndParticle(random);
    }

    private SimulatedEvent Reconstruct(long number, int side, SimulatedParticles particles, LayerClusterColumns clusters, EventTruth truth)
    {
        List<TracksterCollection> collections = [];
        _graphs.Begin(number, clusters, truth);
        Clue3DResult high = _clue3D.Run(clusters, [], options.High);
        collections.Add(AddGraphs(TracksterPass.High, high));
        if (options.Low is Clue3DOptions second)
        {
            bool[] rest = Array.ConvertAll(high.Trackster, static trackster => trackster < 0);
            collections.Add(AddGraphs(TracksterPass.Low, _clue3D.Run(clusters, rest, second)));
        }

        return new SimulatedEvent
        {
            Number = number,
            Side = side,
            Particles = particles,
            Clusters = clusters,
            Truth = truth,
            Tracksters = collections,
            Graphs = _graphs.Take(),
        };
    }

    private TracksterCollection AddGraphs(TracksterPass pass, Clue3DResult result)
    {
        (int[] offsets, int[] members) = result.Members();
        TracksterCollection collection = new(pass, offsets, members);
        int[] parents = Array.ConvertAll(members, result.ParentOf);
        for (int t = 0; t < collection.Count; t++)
            _graphs.Add(pass, t, collection[t], parents.AsSpan(offsets[t], offsets[t + 1] - offsets[t]), true);
        return collection;
    }
}
