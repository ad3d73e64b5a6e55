namespace Pruning.Data.Ticl;

/// <summary>Bins of the tiles that a search looks at: a rectangle that may run over the end of phi.</summary>
internal readonly record struct TileWindow(int EtaFirst, int EtaLast, int PhiFirst, int PhiCount)
{
    /// <summary>Bins around one, so many on each side.</summary>
    public static TileWindow Around(int etaBin, int phiBin, int reach)
    {
        int count = Math.Min((2 * reach) + 1, TileIndex.PhiBins);
        return new(Math.Max(etaBin - reach, 0), Math.Min(etaBin + reach, TileIndex.EtaBins - 1), (phiBin - reach + TileIndex.PhiBins) % TileIndex.PhiBins, count);
    }

    /// <summary>Bins that cover ranges of |eta| and phi, and a little more.</summary>
    public static TileWindow Covering(double etaLow, double etaHigh, double phi, double phiReach)
    {
        const double Slack = 1e-4; // the columns are in single precision
        int first = TileIndex.PhiBinOf(phi - phiReach - Slack);
        int count = (int)Math.Min((2 * (phiReach + Slack) / TileIndex.PhiWidth) + 2, TileIndex.PhiBins);
        return new(TileIndex.EtaBinOf(Math.Max(etaLow - Slack, 0)), TileIndex.EtaBinOf(etaHigh + Slack), first, count);
    }

    /// <summary>A bin belongs to it.</summary>
    public bool Has(int etaBin, int phiBin)
    {
        int turn = phiBin - PhiFirst;
        return etaBin >= EtaFirst && etaBin <= EtaLast && (turn < 0 ? turn + TileIndex.PhiBins : turn) < PhiCount;
    }
}

/// <summary>
/// The tiles of TICL: points of one endcap sorted by layer, bin of |eta| and bin of phi, so that a window is a few runs
/// of neighbours. Refilled for every event; keeps its arrays. Time n log n to fill; a window costs two binary searches a
/// row, or nothing in a layer of few points, which is given whole.
/// </summary>
internal sealed class TileIndex
{
    /// <summary>Bins of |eta| from 1.5 to 3.2; what lies outside goes to the first or last.</summary>
    public const int EtaBins = 34;

    /// <summary>Bins of phi from -π to π.</summary>
    public const int PhiBins = 126;

    private const double EtaMin = 1.5;
    private const double EtaMax = 3.2;
    private const int SmallLayer = 64;
    private readonly int[] _layerStart = new int[Clue3D.MaxLayer + 2];
    private int[] _keys = [];
    private int[] _members = [];

    /// <summary>Width of a bin of phi, rad.</summary>
    public static double PhiWidth => 2 * Math.PI / PhiBins;

    /// <summary>[points] indices of the points, sorted.</summary>
    public ReadOnlySpan<int> Members => _members.AsSpan(0, Count);

    /// <summary>Points in it.</summary>
    public int Count { get; private set; }

    /// <summary>Bin of a pseudorapidity.</summary>
    public static int EtaBinOf(double eta) => (int)Math.Clamp((Math.Abs(eta) - EtaMin) * (EtaBins / (EtaMax - EtaMin)), 0, EtaBins - 1);

    /// <summary>Bin of an azimuth, of any number of turns.</summary>
    public static int PhiBinOf(double phi)
    {
        double turns = (phi + Math.PI) / (2 * Math.PI);
        return Math.Min((int)((turns - Math.Floor(turns)) * PhiBins), PhiBins - 1);
    }

    /// <summary>Sorts the points. Points of one bin are in the order of their indices.</summary>
    /// <param name="points">Indices, rising.</param>
    /// <param name="layers">[clusters] layers, from 1.</param>
    /// <param name="eta">[clusters] pseudorapidities.</param>
    /// <param name="phi">[clusters] azimuths.</param>
    public void Fill(ReadOnlySpan<int> points, ReadOnlySpan<int> layers, ReadOnlySpan<float> eta, ReadOnlySpan<float> phi)
    {
        Count = points.Length;
        if (_keys.Length < Count)
        {
            _keys = new int[Math.Max(Count, 2 * _keys.Length)];
            _members = new int[_keys.Length];
        }

        for (int i = 0; i < Count; i++)
        {
            int point = points[i];
            _members[i] = point;
            _keys[i] = KeyOf(layers[point], EtaBinOf(eta[point]), PhiBinOf(phi[point]));
        }

        SortStable();
        int next = 0;
        for (int layer = 0; layer < _layerStart.Length; layer++)
        {
            int first = KeyOf(layer, 0, 0);
            while (next < Count && _keys[next] < first)
                next++;
            _layerStart[layer] = next;
        }
    }

    /// <summary>Bins of the point at a sorted place.</summary>
    public (int Eta, int Phi) BinsAt(int place)
    {
        int bin = _keys[place] % (EtaBins * PhiBins);
        return (bin / PhiBins, bin % PhiBins);
    }

    /// <summary>Runs [first, end) of sorted places that hold every point of a layer within a window, and possibly others.</summary>
    /// <param name="layer">Layer, from 1; there is nothing on others.</param>
    /// <param name="window">Bins that are wanted.</param>
    /// <param name="runs">Room for them: two for each row of a window, <c>2 · EtaBins</c> always suffice.</param>
    /// <returns>How many runs were written.</returns>
    public int Find(int layer, in TileWindow window, Span<(int First, int End)> runs)
    {
        if (layer < 1 || layer > Clue3D.MaxLayer)
            return 0;
        int start = _layerStart[layer], end = _layerStart[layer + 1];
        if (start == end)
            return 0;
        if (end - start <= SmallLayer)
        {
            runs[0] = (start, end);
            return 1;
        }

        int count = 0;
        int phiEnd = window.PhiFirst + window.PhiCount;
        for (int row = window.EtaFirst; row <= window.EtaLast; row++)
        {
            int cut = Math.Min(phiEnd, PhiBins);
            count = Append(runs, count, Below(start, end, KeyOf(layer, row, window.PhiFirst)), Below(start, end, KeyOf(layer, row, 0) + cut));
            if (phiEnd > PhiBins)
                count = Append(runs, count, Below(start, end, KeyOf(layer, row, 0)), Below(start, end, KeyOf(layer, row, phiEnd - PhiBins)));
        }

        return count;
    }

    private static int Append(Span<(int First, int End)> runs, int count, int first, int end)
    {
        if (first == end)
            return count;
        runs[count] = (first, end);
        return count + 1;
    }

    private static int KeyOf(int layer, int etaBin, int phiBin) => (((layer * EtaBins) + etaBin) * PhiBins) + phiBin;

    private int Below(int start, int end, int key)
    {
        while (start < end)
        {
            int middle = (start + end) >>> 1;
            if (_keys[middle] < key)
                start = middle + 1;
            else
                end = middle;
        }

        return start;
    }

    // Array.Sort is not stable: equal keys are put in order of their members afterwards.
    private void SortStable()
    {
        Array.Sort(_keys, _members, 0, Count);
        for (int first = 0; first < Count;)
        {
            int end = first + 1;
            while (end < Count && _keys[end] == _keys[first])
                end++;
            if (end - first > 1)
                Array.Sort(_members, first, end - first);
            first = end;
        }
    }
}
