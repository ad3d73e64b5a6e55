namespace Pruning.Data.Simulation;

/// <summary>
/// Cells and CLUE: measures the deposits of an event (noise, threshold) and clusters the cells of each layer by density,
/// as CMSSW's <c>HGCalCLUEAlgo</c> does. A density is the cell's energy and half of that of the cells within the critical
/// distance; a cell belongs to the cluster of its nearest cell of higher density, a dense one without any in reach is a
/// seed, one without density and reach an outlier. Equal distances are common on a grid: then the cell of smaller x, and of
/// smaller y, counts. Keeps its arrays between events and serves one thread.
/// </summary>
internal sealed class LayerClustering
{
    private readonly int[] _layerStart = new int[DetectorGeometry.LayerCount + 1];
    private Cell[] _measured = [];
    private Cell[] _cells = [];
    private int[] _clusterOf = [];
    private int[] _binStart = [];
    private int[] _binOf = [];

    // What the searches look at, of the cells of one layer: side by side, so that they stay in the cache.
    private double[] _x = [];
    private double[] _y = [];
    private double[] _energy = [];
    private double[] _density = [];

    /// <summary>Clusters found, numbered layer by layer.</summary>
    public int ClusterCount { get; private set; }

    /// <summary>Cells above threshold, layer by layer.</summary>
    public ReadOnlySpan<Cell> Cells => _cells.AsSpan(0, _layerStart[^1]);

    /// <summary>[cells] cluster of each, or -1.</summary>
    public ReadOnlySpan<int> ClusterOf => _clusterOf.AsSpan(0, _layerStart[^1]);

    /// <summary>Measures and clusters the cells of an event.</summary>
    public void Run(EventRandom random, DepositGrid grid, ClueOptions options)
    {
        Measure(random, grid, options.CellThreshold);
        ClusterCount = 0;
        for (int layer = 0; layer < DetectorGeometry.LayerCount; layer++)
        {
            int first = _layerStart[layer], end = _layerStart[layer + 1];
            if (first < end)
                Cluster(first, end, options);
        }
    }

    private void Measure(EventRandom random, DepositGrid grid, double threshold)
    {
        Reserve(grid.CellCount);
        Span<int> counts = stackalloc int[DetectorGeometry.LayerCount];
        counts.Clear();
        int kept = 0;
        ReadOnlySpan<int> keys = grid.Keys;
        ReadOnlySpan<double> energies = grid.Energy;
        for (int i = 0; i < keys.Length; i++)
        {
            int layer = DepositGrid.LayerOf(keys[i]);
            double x = DepositGrid.XOf(keys[i]), y = DepositGrid.YOf(keys[i]);
            double noise = DetectorGeometry.Noise(layer, Math.Sqrt((x * x) + (y * y)));
            double energy = energies[i] + (noise * random.Normal());
            if (!(energy > threshold * noise))
                continue;
            _measured[kept++] =
                new Cell { Number = i, Layer = layer, Zone = DepositGrid.ZoneOf(keys[i]), X = x, Y = y, Energy = energy, Noise = noise };
            counts[layer]++;
        }

        int sum = 0;
        for (int layer = 0; layer < counts.Length; layer++)
        {
            _layerStart[layer] = sum;
            sum += counts[layer];
            counts[layer] = _layerStart[layer];
        }

        _layerStart[^1] = sum;
        for (int i = 0; i < kept; i++)
            _cells[counts[_measured[i].Layer]++] = _measured[i];
    }

    private void Cluster(int first, int end, ClueOptions options)
    {
        Span<Cell> cells = _cells.AsSpan(first, end - first);
        bool tiles = false;
        foreach (ref Cell cell in cells)
            tiles |= cell.Zone == CellZone.Scintillator;
        Bins bins = Sort(cells, tiles ? Math.Max(options.SiliconDistance, options.ScintillatorDistance) : options.SiliconDistance);
        for (int i = 0; i < cells.Length; i++)
            _density[i] = Density(i, Critical(cells[i], options), bins);

        for (int i = 0; i < cells.Length; i++)
        {
            double critical = Critical(cells[i], options);
            int nearest = Nearest(cells, i, 1, bins, out double square);
            bool near = nearest >= 0 && square <= critical * critical;
            bool dense = _density[i] >= options.CriticalDensity * cells[i].Noise;
            // Farther than the critical distance only cells that are not dense follow: nobody else needs the wider search.
            if (!near && !dense)
            {
                nearest = Nearest(cells, i, (int)Math.Ceiling(options.OutlierMultiplier), bins, out square);
                double limit = options.OutlierMultiplier * critical;
                near = nearest >= 0 && square <= limit * limit;
            }

            _clusterOf[first + i] = near ? -2 - nearest : dense ? ClusterCount++ : -1;
        }

        Follow(_clusterOf.AsSpan(first, cells.Length));
    }

    // Links are written as -2 - nearest; they lead to higher densities, so every chain ends.
    private static void Follow(Span<int> cluster)
    {
        for (int i = 0; i < cluster.Length; i++)
        {
            int end = i;
            while (cluster[end] < -1)
                end = -2 - cluster[end];
            int number = cluster[end];
            int at = i;
            while (cluster[at] < -1)
            {
                int next = -2 - cluster[at];
                cluster[at] = number;
                at = next;
            }
        }
    }

    private static double Critical(in Cell cell, ClueOptions options) =>
        cell.Zone == CellZone.Scintillator ? options.ScintillatorDistance : options.SiliconDistance;

    private double Density(int i, double critical, in Bins bins)
    {
        double x = _x[i], y = _y[i], limit = critical * critical, others = 0;
        (int left, int right, int top, int bottom) = bins.Around(_binOf[i], 1);
        for (int row = top; row <= bottom; row++)
        {
            int first = _binStart[(row * bins.Columns) + left], count = _binStart[(row * bins.Columns) + right + 1] - first;
            ReadOnlySpan<double> xs = _x.AsSpan(first, count), ys = _y.AsSpan(first, count), energies = _energy.AsSpan(first, count);
            for (int j = 0; j < xs.Length; j++)
            {
                double dx = xs[j] - x, dy = ys[j] - y;
                if ((dx * dx) + (dy * dy) <= limit)
                    others += energies[j];
            }
        }

        return 0.5 * (others + _energy[i]); // the cell itself is among the others
    }

    private int Nearest(ReadOnlySpan<Cell> cells, int i, int reach, in Bins bins, out double square)
    {
        double x = _x[i], y = _y[i], density = _density[i];
        int nearest = -1;
        square = double.PositiveInfinity;
        (int left, int right, int top, int bottom) = bins.Around(_binOf[i], reach);
        for (int row = top; row <= bottom; row++)
        {
            int first = _binStart[(row * bins.Columns) + left], count = _binStart[(row * bins.Columns) + right + 1] - first;
            ReadOnlySpan<double> densities = _density.AsSpan(first, count);
            for (int j = 0; j < densities.Length; j++)
            {
                int other = first + j;
                if (densities[j] < density || (densities[j] == density && cells[other].Number <= cells[i].Number))
                    continue;
                double dx = _x[other] - x, dy = _y[other] - y;
                double distance = (dx * dx) + (dy * dy);
                // Centres of cells are products of whole numbers: equal distances are equal to a few rounding errors.
                if (distance < square - 1e-9 || (distance < square + 1e-9 && IsBefore(cells[other], cells[nearest])))
                {
                    square = distance;
                    nearest = other;
                }
            }
        }

        return nearest;
    }

    private static bool IsBefore(in Cell one, in Cell other) => one.X < other.X - 1e-9 || (one.X < other.X + 1e-9 && one.Y < other.Y);

    /// <summary>Puts the cells of a layer in order of square bins, row by row.</summary>
    private Bins Sort(Span<Cell> cells, double pitch)
    {
        double left = double.MaxValue, right = double.MinValue, top = double.MaxValue, bottom = double.MinValue;
        foreach (ref Cell cell in cells)
        {
            left = Math.Min(left, cell.X);
            right = Math.Max(right, cell.X);
            top = Math.Min(top, cell.Y);
            bottom = Math.Max(bottom, cell.Y);
        }

        int columns = (int)((right - left) / pitch) + 1, rows = (int)((bottom - top) / pitch) + 1;
        int count = columns * rows;
        if (_binStart.Length < count + 1)
            _binStart = new int[2 * (count + 1)];
        Span<int> starts = _binStart.AsSpan(0, count + 1);
        starts.Clear();
        Span<Cell> copy = _measured.AsSpan(0, cells.Length); // free again since they were dealt to layers
        cells.CopyTo(copy);
        for (int i = 0; i < copy.Length; i++)
        {
            copy[i].Bin = ((int)((copy[i].Y - top) / pitch) * columns) + (int)((copy[i].X - left) / pitch);
            starts[copy[i].Bin]++;
        }

        int sum = 0;
        foreach (ref int start in starts)
        {
            sum += start;
            start = sum;
        }

        for (int i = copy.Length - 1; i >= 0; i--)
        {
            int place = --starts[copy[i].Bin];
            cells[place] = copy[i];
            _binOf[place] = copy[i].Bin;
            _x[place] = copy[i].X;
            _y[place] = copy[i].Y;
            _energy[place] = copy[i].Energy;
        }

        return new Bins(columns, rows);
    }

    private void Reserve(int cells)
    {
        if (_cells.Length >= cells)
            return;
        int size = Math.Max(cells, 2 * _cells.Length);
        _cells = new Cell[size];
        _measured = new Cell[size];
        _clusterOf = new int[size];
        _binOf = new int[size];
        _x = new double[size];
        _y = new double[size];
        _energy = new double[size];
        _density = new double[size];
    }

    /// <summary>A cell above threshold.</summary>
    internal struct Cell
    {
        /// <summary>x of its centre, cm.</summary>
        public double X;

        /// <summary>y of its centre, cm.</summary>
        public double Y;

        /// <summary>Energy with noise, GeV.</summary>
        public double Energy;

        /// <summary>Spread of its noise, GeV.</summary>
        public double Noise;

        /// <summary>Number of the cell in the grid of deposits.</summary>
        public int Number;

        /// <summary>Layer, from 0.</summary>
        public int Layer;

        /// <summary>Bin of the neighbour search.</summary>
        public int Bin;

        /// <summary>Its sensor.</summary>
        public CellZone Zone;
    }

    private readonly record struct Bins(int Columns, int Rows)
    {
        public (int Left, int Right, int Top, int Bottom) Around(int bin, int reach)
        {
            int row = bin / Columns, column = bin - (row * Columns);
            return (Math.Max(column - reach, 0), Math.Min(column + reach, Columns - 1), Math.Max(row - reach, 0),
                Math.Min(row + reach, Rows - 1));
        }
    }
}
