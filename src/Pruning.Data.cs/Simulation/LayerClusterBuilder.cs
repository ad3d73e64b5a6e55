using Pruning.Data.Ticl;

namespace Pruning.Data.Simulation;

/// <summary>
/// Layer clusters of an event from its clustered cells: energy, position by logarithmic weights, time, and the fraction
/// of each particle. Keeps its arrays between events and serves one thread.
/// </summary>
internal sealed class LayerClusterBuilder
{
    private const double LightSpeed = 29.9792458; // cm/ns
    private const double TimeNoise = 0.10; // ns, of a cell at its threshold
    private const double TimeFloor = 0.020; // ns
    private const double WindowHalf = 6; // cm around the centre, for clusters of noise
    private Sums[] _sums = [];
    private int[] _numberOf = [];
    private int[] _clusterOfCell = [];
    private int[] _truthStart = [];
    private int[] _truthOrder = [];
    private double[] _energyOf = [];
    private readonly List<int> _hardParticle = [], _pileUpParticle = [];
    private readonly List<float> _hardFraction = [], _pileUpFraction = [];

    /// <summary>Builds the layer clusters and their truth.</summary>
    /// <param name="times">Source of the errors of times.</param>
    /// <param name="noise">Source of clusters of noise.</param>
    /// <param name="grid">Deposits by particle.</param>
    /// <param name="clustering">Clustered cells.</param>
    /// <param name="particles">Particles; their deposits are written.</param>
    /// <param name="side">Sign of z.</param>
    /// <param name="options">Options.</param>
    public (LayerClusterColumns Clusters, EventTruth Truth) Build(
        EventRandom times, EventRandom noise, DepositGrid grid, LayerClustering clustering, SimulatedParticles particles, int side, ToyOptions options)
    {
        int found = clustering.ClusterCount;
        Reserve(found, grid);
        int kept = Sum(clustering, options.Clue);
        int extra = kept > 0 ? noise.Poisson(options.NoiseClusters) : 0;
        LayerClusterColumns columns = Allocate(kept + extra);
        SortTruth(grid, clustering, kept);
        int[] hardOffsets = new int[kept + extra + 1], pileUpOffsets = new int[kept + extra + 1];
        _hardParticle.Clear();
        _hardFraction.Clear();
        _pileUpParticle.Clear();
        _pileUpFraction.Clear();
        _energyOf = _energyOf.Length < particles.Count ? new double[particles.Count] : _energyOf;

        for (int cluster = 0; cluster < found; cluster++)
        {
            int number = _numberOf[cluster];
            if (number < 0)
                continue;
            double start = AddTruth(grid, particles, number);
            hardOffsets[number + 1] = _hardParticle.Count;
            pileUpOffsets[number + 1] = _pileUpParticle.Count;
            Write(columns, number, _sums[cluster], side, start, times, options);
        }

        AddNoise(columns, kept, side, noise);
        for (int i = kept; i < kept + extra; i++)
        {
            hardOffsets[i + 1] = _hardParticle.Count;
            pileUpOffsets[i + 1] = _pileUpParticle.Count;
        }

        AddDeposits(grid, particles);
        int hard = particles.HardScatterCount;
        EventTruth truth = new()
        {
            HardScatter = new TruthFractions(hard, hardOffsets, [.. _hardParticle], [.. _hardFraction]),
            PileUp = new TruthFractions(particles.Count - hard, pileUpOffsets, [.. _pileUpParticle], [.. _pileUpFraction]),
            PdgId = particles.PdgId[..hard],
            GeneratedEnergy = particles.Energy[..hard],
        };
        return (columns, truth);
    }

    private void Reserve(int clusters, DepositGrid grid)
    {
        if (_truthStart.Length < clusters + 1)
        {
            _sums = new Sums[2 * clusters];
            _numberOf = new int[2 * clusters];
            _truthStart = new int[(2 * clusters) + 1];
        }

        if (_clusterOfCell.Length < grid.CellCount)
            _clusterOfCell = new int[2 * grid.CellCount];
        if (_truthOrder.Length < grid.TruthCount)
            _truthOrder = new int[2 * grid.TruthCount];
    }

    /// <summary>Sums over cells; numbers the clusters that have enough of them.</summary>
    private int Sum(LayerClustering clustering, ClueOptions options)
    {
        ReadOnlySpan<LayerClustering.Cell> cells = clustering.Cells;
        ReadOnlySpan<int> clusterOf = clustering.ClusterOf;
        Span<Sums> sums = _sums.AsSpan(0, clustering.ClusterCount);
        sums.Clear();
        for (int i = 0; i < cells.Length; i++)
        {
            if (clusterOf[i] < 0)
                continue;
            ref Sums sum = ref sums[clusterOf[i]];
            ref readonly LayerClustering.Cell cell = ref cells[i];
            sum.Energy += cell.Energy;
            sum.Hits++;
            sum.Layer = cell.Layer;
            if (cell.Energy > sum.HottestEnergy)
            {
                sum.HottestEnergy = cell.Energy;
                sum.Hottest = i;
            }

            if (cell.Zone == CellZone.Scintillator)
                continue;
            double threshold = DetectorGeometry.TimeThreshold(cell.Layer, Math.Sqrt((cell.X * cell.X) + (cell.Y * cell.Y)));
            if (cell.Energy > threshold)
            {
                double ratio = TimeNoise * threshold / cell.Energy;
                sum.TimedHits++;
                sum.TimeWeight += 1 / ((ratio * ratio) + (TimeFloor * TimeFloor));
            }
        }

        double limit = options.PositionRadius * options.PositionRadius;
        for (int i = 0; i < cells.Length; i++)
        {
            if (clusterOf[i] < 0)
                continue;
            ref Sums sum = ref sums[clusterOf[i]];
            double dx = cells[i].X - cells[sum.Hottest].X, dy = cells[i].Y - cells[sum.Hottest].Y;
            if ((dx * dx) + (dy * dy) >= limit)
                continue;
            double weight = Math.Max(options.LogWeight + Math.Log(cells[i].Energy / sum.Energy), 0);
            sum.Weight += weight;
            sum.X += weight * cells[i].X;
            sum.Y += weight * cells[i].Y;
        }

        int kept = 0;
        for (int cluster = 0; cluster < sums.Length; cluster++)
        {
            ref Sums sum = ref sums[cluster];
            bool weighted = sum.Weight > 0;
            sum.X = weighted ? sum.X / sum.Weight : cells[sum.Hottest].X;
            sum.Y = weighted ? sum.Y / sum.Weight : cells[sum.Hottest].Y;
            _numberOf[cluster] = sum.Hits >= options.MinHits ? kept++ : -1;
        }

        return kept;
    }

    /// <summary>Pairs of cell and particle, sorted by layer cluster; particles still rise within each.</summary>
    private void SortTruth(DepositGrid grid, LayerClustering clustering, int kept)
    {
        Span<int> ofCell = _clusterOfCell.AsSpan(0, grid.CellCount);
        ofCell.Fill(-1);
        ReadOnlySpan<LayerClustering.Cell> cells = clustering.Cells;
        for (int i = 0; i < cells.Length; i++)
        {
            int cluster = clustering.ClusterOf[i];
            if (cluster >= 0)
                ofCell[cells[i].Number] = _numberOf[cluster];
        }

        Span<int> starts = _truthStart.AsSpan(0, kept + 1);
        starts.Clear();
        ReadOnlySpan<int> cell = grid.TruthCell;
        for (int t = 0; t < cell.Length; t++)
        {
            int number = ofCell[cell[t]];
            if (number >= 0)
                starts[number]++;
        }

        int sum = 0;
        foreach (ref int start in starts)
        {
            sum += start;
            start = sum;
        }

        for (int t = cell.Length - 1; t >= 0; t--)
        {
            int number = ofCell[cell[t]];
            if (number >= 0)
                _truthOrder[--starts[number]] = t;
        }
    }

    /// <summary>Adds the fractions of one layer cluster; answers the mean time of its particles, ns.</summary>
    private double AddTruth(DepositGrid grid, SimulatedParticles particles, int number)
    {
        ReadOnlySpan<int> pairs = _truthOrder.AsSpan(_truthStart[number], _truthStart[number + 1] - _truthStart[number]);
        double total = 0, time = 0;
        foreach (int pair in pairs)
            total += grid.TruthEnergy[pair];
        for (int first = 0; first < pairs.Length && total > 0;)
        {
            int particle = grid.TruthParticle[pairs[first]];
            double energy = 0;
            int end = first;
            for (; end < pairs.Length && grid.TruthParticle[pairs[end]] == particle; end++)
                energy += grid.TruthEnergy[pairs[end]];
            first = end;
            double fraction = energy / total;
            time += fraction * particles.Time[particle];
            if ((float)fraction == 0)
                continue;
            bool hard = particle < particles.HardScatterCount;
            (hard ? _hardParticle : _pileUpParticle).Add(hard ? particle : particle - particles.HardScatterCount);
            (hard ? _hardFraction : _pileUpFraction).Add((float)fraction);
        }

        return time;
    }

    private static void Write(LayerClusterColumns columns, int number, in Sums sum, int side, double start, EventRandom times,
        ToyOptions options)
    {
        double z = DetectorGeometry.Z[sum.Layer];
        Place(columns, number, sum.X, sum.Y, z * side, sum.Layer);
        columns.Energy[number] = (float)sum.Energy;
        columns.HitCount[number] = sum.Hits;
        if (sum.TimedHits < options.Clue.MinTimedHits)
            return;
        double error = 1 / Math.Sqrt(sum.TimeWeight);
        double flight = options.Time == TimeConvention.Local ? Math.Sqrt((sum.X * sum.X) + (sum.Y * sum.Y) + (z * z)) / LightSpeed : 0;
        columns.Time[number] = (float)(start + flight + (error * times.Normal()));
        columns.TimeError[number] = (float)error;
    }

    private static void AddNoise(LayerClusterColumns columns, int kept, int side, EventRandom noise)
    {
        double energy = 0, x = 0, y = 0, z = 0;
        for (int i = 0; i < kept; i++)
        {
            energy += columns.Energy[i];
            x += columns.Energy[i] * (double)columns.X[i];
            y += columns.Energy[i] * (double)columns.Y[i];
            z += columns.Energy[i] * (double)Math.Abs(columns.Z[i]);
        }

        for (int i = kept; i < columns.Count; i++)
        {
            int layer = (int)(noise.Uniform() * DetectorGeometry.LayerCount);
            double plane = DetectorGeometry.Z[layer];
            double atX = (x / z * plane) + noise.Uniform(-WindowHalf, WindowHalf), atY = (y / z * plane)
                + noise.Uniform(-WindowHalf, WindowHalf);
            Place(columns, i, atX, atY, plane * side, layer);
            columns.Energy[i] = (float)(DetectorGeometry.MipEnergy(layer) * noise.Gamma(2));
            columns.HitCount[i] = 2;
        }
    }

    private static void Place(LayerClusterColumns columns, int number, double x, double y, double z, int layer)
    {
        columns.X[number] = (float)x;
        columns.Y[number] = (float)y;
        columns.Z[number] = (float)z;
        columns.Eta[number] = (float)Math.Asinh(z / Math.Max(Math.Sqrt((x * x) + (y * y)), 1e-6));
        columns.Phi[number] = (float)Math.Atan2(y, x);
        columns.Layer[number] = layer + 1;
    }

    private void AddDeposits(DepositGrid grid, SimulatedParticles particles)
    {
        Span<double> sums = _energyOf.AsSpan(0, particles.Count);
        sums.Clear();
        for (int t = 0; t < grid.TruthCount; t++)
            sums[grid.TruthParticle[t]] += grid.TruthEnergy[t];
        for (int particle = 0; particle < sums.Length; particle++)
            particles.Deposited[particle] = (float)sums[particle];
    }

    private static LayerClusterColumns Allocate(int count)
    {
        float[] time = new float[count], error = new float[count];
        time.AsSpan().Fill(-99);
        error.AsSpan().Fill(-1);
        return new LayerClusterColumns
        {
            X = new float[count],
            Y = new float[count],
            Z = new float[count],
            Energy = new float[count],
            Time = time,
            TimeError = error,
            Eta = new float[count],
            Phi = new float[count],
            Layer = new int[count],
            HitCount = new int[count],
        };
    }

    private struct Sums
    {
        public double Energy;
        public double HottestEnergy;
        public double Weight;
        public double X;
        public double Y;
        public double TimeWeight;
        public int Hits;
        public int TimedHits;
        public int Hottest;
        public int Layer;
    }
}
