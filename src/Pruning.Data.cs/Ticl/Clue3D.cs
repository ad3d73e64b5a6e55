namespace Pruning.Data.Ticl;

/// <summary>
/// CLUE3D: layer clusters become tracksters by density. Each gets a density from its neighbourhood and a link to the
/// nearest layer cluster of higher density; one that is dense and far from any higher one is a seed, one that is not
/// dense and far an outlier, and every other follows its link. The reference is CMSSW's
/// <c>PatternRecognitionbyCLUE3D</c>; its lower layer bound in the endcap at positive z, one too high, is not copied.
/// An instance keeps its arrays between events and serves one thread.
/// </summary>
public sealed class Clue3D
{
    /// <summary>Layers count from 1 to this at most: TICL reserves 52 an endcap.</summary>
    public const int MaxLayer = 52;

    private readonly TileIndex _tiles = new();
    private int[] _points = [];
    private Point[] _sorted = [];
    private int[] _placeOf = [];

    /// <summary>Runs one pass.</summary>
    /// <param name="clusters">Layer clusters of both endcaps.</param>
    /// <param name="takesPart">[clusters] or empty: those of value false are left out, as by the mask of a pass before.</param>
    /// <param name="options">Parameters; checked here.</param>
    /// <param name="criticalDistances">
    /// [clusters] or empty: a value above 0 replaces the critical distance of that layer cluster (CMSSW since 2022 takes
    /// the radius of the layer cluster in scintillator), cm.
    /// </param>
    /// <exception cref="ArgumentException">A span of another length, a layer out of range, or options out of range.</exception>
    public Clue3DResult Run(
        LayerClusterColumns clusters, ReadOnlySpan<bool> takesPart, Clue3DOptions options,
        ReadOnlySpan<float> criticalDistances = default)
    {
        ArgumentNullException.ThrowIfNull(clusters);
        options.Check();
        bool fits = takesPart.Length is 0 || takesPart.Length == clusters.Count;
        fits &= criticalDistances.Length is 0 || criticalDistances.Length == clusters.Count;
        if (!fits)
            throw new ArgumentException(
                $"The mask and the critical distances must be empty or have a value for each of the {clusters.Count} layer clusters; "
                    + $"they have {takesPart.Length} and {criticalDistances.Length}.");
        int wrong = clusters.Layer.AsSpan().IndexOfAnyExceptInRange(1, MaxLayer);
        if (wrong >= 0)
            throw new ArgumentException(
                $"Layers count from 1 to {MaxLayer}, and layer cluster {wrong} lies on layer {clusters.Layer[wrong]}: "
                    + "take the columns of an event that was checked.");
        Clue3DResult result = new(clusters.Count);
        Reserve(clusters.Count);
        for (int side = -1; side <= 1; side += 2)
        {
            int count = Collect(clusters, takesPart, options.MinHits, side);
            if (count == 0)
                continue;
            Sort(clusters, count, criticalDistances, options.CriticalDistance);
            Densities(count, options);
            NearestHigher(count, options);
            Classify(count, options, result);
        }

        Assign(clusters, options.MinLayerClusters, result);
        return result;
    }

    /// <summary>Squared distance by which the nearest higher is chosen: of another layer cluster as seen from one, cm².</summary>
    internal static double Distance(LayerClusterColumns clusters, int one, int other, NearestBy by)
    {
        double z = Math.Abs((double)clusters.Z[one]), otherZ = Math.Abs((double)clusters.Z[other]);
        Point here = new() { Slope = Slope(clusters, one, z), Z = z, Phi = Angle(clusters, one) };
        Point there = new() { Slope = Slope(clusters, other, otherZ), Phi = Angle(clusters, other) };
        double along = by == NearestBy.DistanceInSpace ? z - otherZ : 0;
        return Transverse(here, there) + (along * along);
    }

    private static double Slope(LayerClusterColumns clusters, int i, double z) =>
        Math.Sqrt(((double)clusters.X[i] * clusters.X[i]) + ((double)clusters.Y[i] * clusters.Y[i])) / z;

    private static double Angle(LayerClusterColumns clusters, int i) => Math.IEEERemainder(clusters.Phi[i], 2 * Math.PI);

    private void Reserve(int clusters)
    {
        if (_points.Length >= clusters)
            return;
        int size = Math.Max(clusters, 2 * _points.Length);
        _points = new int[size];
        _sorted = new Point[size];
        _placeOf = new int[size];
    }

    private int Collect(LayerClusterColumns clusters, ReadOnlySpan<bool> takesPart, int minHits, int side)
    {
        int count = 0;
        for (int i = 0; i < clusters.Count; i++)
        {
            if ((clusters.Z[i] > 0 ? 1 : -1) == side && clusters.HitCount[i] >= minHits && (takesPart.Length == 0 || takesPart[i]))
                _points[count++] = i;
        }

        return count;
    }

    private void Sort(LayerClusterColumns clusters, int count, ReadOnlySpan<float> criticalDistances, double criticalDistance)
    {
        _tiles.Fill(_points.AsSpan(0, count), clusters.Layer, clusters.Eta, clusters.Phi);
        ReadOnlySpan<int> members = _tiles.Members;
        for (int place = 0; place < count; place++)
        {
            int i = members[place];
            double z = Math.Abs((double)clusters.Z[i]);
            (int etaBin, int phiBin) = _tiles.BinsAt(place);
            _sorted[place] = new Point
            {
                Index = i,
                Layer = clusters.Layer[i],
                EtaBin = etaBin,
                PhiBin = phiBin,
                Slope = Slope(clusters, i, z),
                Z = z,
                Phi = Angle(clusters, i),
                Eta = Math.Abs(clusters.Eta[i]),
                Energy = clusters.Energy[i],
                Critical = criticalDistances.Length > 0 && criticalDistances[i] > 0 ? criticalDistances[i] : criticalDistance,
            };
        }
    }

    private void Densities(int count, Clue3DOptions options)
    {
        Span<(int First, int End)> runs = stackalloc (int, int)[2 * TileIndex.EtaBins];
        double reach = Math.Sqrt(options.DensityDistanceSquared);
        for (int place = 0; place < count; place++)
        {
            ref Point one = ref _sorted[place];
            TileWindow window = options.Window is null
                ? TileWindow.Around(one.EtaBin, one.PhiBin, options.DensityBins)
                : Covering(one, reach);
            double others = 0;
            for (int layer = one.Layer - options.SiblingLayers; layer <= one.Layer + options.SiblingLayers; layer++)
            {
                if (layer == one.Layer)
                    continue; // others of its own layer are CLUE's business
                int found = _tiles.Find(layer, window, runs);
                foreach ((int first, int end) in runs[..found])
                {
                    for (int at = first; at < end; at++)
                    {
                        ref Point other = ref _sorted[at];
                        if (Transverse(one, other) < options.DensityDistanceSquared && window.Has(other.EtaBin, other.PhiBin))
                            others += other.Energy;
                    }
                }
            }

            one.Density = one.Energy + (options.Kernel * others);
        }
    }

    private void NearestHigher(int count, Clue3DOptions options)
    {
        Span<(int First, int End)> runs = stackalloc (int, int)[2 * TileIndex.EtaBins];
        bool inSpace = options.NearestBy == NearestBy.DistanceInSpace;
        double limit = options.Window ?? double.PositiveInfinity;
        for (int place = 0; place < count; place++)
        {
            ref Point one = ref _sorted[place];
            TileWindow window = options.Window is double reach
                ? TileWindow.Covering(one.Eta - reach, one.Eta + reach, one.Phi, reach)
                : TileWindow.Around(one.EtaBin, one.PhiBin, options.NearestBins);
            int nearest = -1;
            double shortest = double.PositiveInfinity;
            for (int layer = one.Layer - options.SiblingLayers; layer <= one.Layer + options.SiblingLayers; layer++)
            {
                if (layer == one.Layer && !options.NearestOnSameLayer)
                    continue;
                int found = _tiles.Find(layer, window, runs);
                foreach ((int first, int end) in runs[..found])
                {
                    for (int at = first; at < end; at++)
                    {
                        ref Point other = ref _sorted[at];
                        if (!IsHigher(other, one) || !window.Has(other.EtaBin, other.PhiBin))
                            continue;
                        if (Math.Abs(other.Eta - one.Eta) >= limit || Math.Abs(Turn(one.Phi - other.Phi)) >= limit)
                            continue;
                        double distance = Transverse(one, other);
                        if (inSpace)
                            distance += (one.Z - other.Z) * (one.Z - other.Z);
                        if (distance < shortest || (distance == shortest && IsHigher(other, _sorted[nearest])))
                        {
                            shortest = distance;
                            nearest = at;
                        }
                    }
                }
            }

            one.Nearest = nearest;
        }
    }

    private void Classify(int count, Clue3DOptions options, Clue3DResult result)
    {
        for (int place = 0; place < count; place++)
        {
            ref Point one = ref _sorted[place];
            double distance = double.PositiveInfinity;
            int layers = int.MaxValue;
            if (one.Nearest >= 0)
            {
                ref Point higher = ref _sorted[one.Nearest];
                distance = Math.Sqrt(Transverse(one, higher));
                layers = Math.Abs(one.Layer - higher.Layer);
                result.NearestHigher[one.Index] = higher.Index;
            }

            bool dense = one.Density >= options.CriticalDensity;
            bool seed = dense && (distance > one.Critical || layers > options.CriticalLayers) && one.Energy / one.Density > options.CriticalSelfDensity;
            bool outlier = !dense && distance > options.OutlierMultiplier * one.Critical;
            result.Density[one.Index] = one.Density;
            result.IsSeed[one.Index] = seed;
            result.IsFollower[one.Index] = !seed && !outlier && one.Nearest >= 0;
        }
    }

    // Links lead to higher densities, so every chain ends, in a seed or in one that belongs nowhere.
    private void Assign(LayerClusterColumns clusters, int minimum, Clue3DResult result)
    {
        int[] trackster = result.Trackster;
        int seeds = NumberSeeds(clusters, result);
        const int Unknown = -2;
        for (int i = 0; i < clusters.Count; i++)
        {
            if (result.IsFollower[i])
                trackster[i] = Unknown;
        }

        int[] sizes = new int[seeds];
        for (int i = 0; i < clusters.Count; i++)
        {
            int end = i;
            while (trackster[end] == Unknown)
                end = result.NearestHigher[end];
            int number = trackster[end];
            for (int at = i; trackster[at] == Unknown; at = result.NearestHigher[at])
                trackster[at] = number;
            if (number >= 0)
                sizes[number]++;
        }

        int kept = 0;
        int[] numbers = new int[seeds];
        for (int t = 0; t < seeds; t++)
            numbers[t] = sizes[t] >= minimum ? kept++ : -1;
        foreach (ref int number in trackster.AsSpan())
        {
            if (number >= 0)
                number = numbers[number];
        }

        result.TracksterCount = kept;
    }

    private int NumberSeeds(LayerClusterColumns clusters, Clue3DResult result)
    {
        int count = 0;
        for (int i = 0; i < clusters.Count; i++)
        {
            if (result.IsSeed[i])
            {
                _points[count] = i;
                _placeOf[count] = clusters.Z[i] > 0 ? clusters.Layer[i] + MaxLayer : clusters.Layer[i];
                count++;
            }
        }

        // By layer, then by index: keys that differ, since Array.Sort keeps no order among equals.
        long[] keys = new long[count];
        for (int s = 0; s < count; s++)
            keys[s] = ((long)_placeOf[s] << 32) | (uint)_points[s];
        Array.Sort(keys);
        for (int s = 0; s < count; s++)
            result.Trackster[(int)(keys[s] & 0xFFFFFFFF)] = s;
        return count;
    }

    /// <summary>Squared distance across the shower, the other one projected to this one's plane; not symmetric.</summary>
    private static double Transverse(in Point one, in Point other)
    {
        double there = other.Slope * one.Z;
        double across = (one.Slope * one.Z) - there;
        double around = there * Turn(one.Phi - other.Phi);
        return (across * across) + (around * around);
    }

    private static bool IsHigher(in Point other, in Point one) =>
        other.Density > one.Density || (other.Density == one.Density && other.Index > one.Index);

    /// <summary>A difference of two angles within [-π, π], brought there too.</summary>
    private static double Turn(double angle) => angle > Math.PI ? angle - (2 * Math.PI) : angle < -Math.PI ? angle + (2 * Math.PI) : angle;

    // Everything within a projected distance, in bins: the slope, sqrt(x²+y²)/z = 1/sinh(eta), differs by no more than distance/z.
    private static TileWindow Covering(in Point one, double distance)
    {
        double reach = distance / one.Z;
        double inner = one.Slope - reach, outer = one.Slope + reach;
        if (inner <= 0)
            return TileWindow.Covering(Math.Asinh(1 / outer), double.MaxValue, 0, Math.PI);
        return TileWindow.Covering(Math.Asinh(1 / outer), Math.Asinh(1 / inner), one.Phi, Math.Min(reach / inner, Math.PI));
    }

    private struct Point
    {
        public double Slope;
        public double Z;
        public double Phi;
        public double Eta;
        public double Energy;
        public double Density;
        public double Critical;
        public int Index;
        public int Layer;
        public int EtaBin;
        public int PhiBin;
        public int Nearest;
    }
}
