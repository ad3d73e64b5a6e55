using System.Runtime.CompilerServices;

namespace Pruning.Data.Simulation;

/// <summary>
/// Energy of an event by cell and by particle. Particles deposit one after another: either energy, or *spots*, the
/// quanta of electromagnetic showers whose energies are independent gamma numbers of shape 1/3. The sum of n of those is
/// one gamma number of shape n/3, so a cell counts its spots and draws once, when its particle ends. Keeps its arrays
/// between events and serves one thread.
/// </summary>
internal sealed class DepositGrid
{
    /// <summary>Mean energy of a spot, GeV: it makes 22 %/√E of sampling fluctuation.</summary>
    public const double SpotEnergy = 0.012;

    private const double SpotShape = 1.0 / 3;
    private const double InnerSquare = DetectorGeometry.InnerRadius * DetectorGeometry.InnerRadius;
    private const double OuterSquare = DetectorGeometry.OuterRadius * DetectorGeometry.OuterRadius;
    private const double FineSquare = DetectorGeometry.FineRadius * DetectorGeometry.FineRadius;
    private const double ScintillatorSquare = DetectorGeometry.ScintillatorRadius * DetectorGeometry.ScintillatorRadius;
    private const int Empty = -1;
    private readonly double _finePitch = 1 / DetectorGeometry.Pitch[0], _coarsePitch = 1 / DetectorGeometry.Pitch[1], _tilePitch =
        1 / DetectorGeometry.Pitch[2];

    // Open addressing; the slots hold numbers of cells.
    private int[] _slots = new int[1 << 13];
    private int _shift = 32 - 13;
    private int[] _keys = new int[1 << 12];
    private int[] _spots = new int[1 << 12];
    private double[] _deposit = new double[1 << 12];
    private int[] _touchedBy = new int[1 << 12];
    private double[] _energy = new double[1 << 12];
    private int[] _touched = new int[1 << 12];
    private int _touchedCount;
    private int[] _truthCell = new int[1 << 13];
    private int[] _truthParticle = new int[1 << 13];
    private double[] _truthEnergy = new double[1 << 13];
    private int _particle;

    /// <summary>Cells with a deposit.</summary>
    public int CellCount { get; private set; }

    /// <summary>[cells] where each is: see <see cref="LayerOf"/>.</summary>
    public ReadOnlySpan<int> Keys => _keys.AsSpan(0, CellCount);

    /// <summary>[cells] energy of all particles, GeV.</summary>
    public ReadOnlySpan<double> Energy => _energy.AsSpan(0, CellCount);

    /// <summary>Pairs of a cell and a particle.</summary>
    public int TruthCount { get; private set; }

    /// <summary>[pairs] cell.</summary>
    public ReadOnlySpan<int> TruthCell => _truthCell.AsSpan(0, TruthCount);

    /// <summary>[pairs] particle, never falling.</summary>
    public ReadOnlySpan<int> TruthParticle => _truthParticle.AsSpan(0, TruthCount);

    /// <summary>[pairs] energy, GeV.</summary>
    public ReadOnlySpan<double> TruthEnergy => _truthEnergy.AsSpan(0, TruthCount);

    /// <summary>Layer of a cell, from 0.</summary>
    public static int LayerOf(int key) => key >>> 22;

    /// <summary>Sensor of a cell.</summary>
    public static CellZone ZoneOf(int key) => (CellZone)((key >>> 20) & 3);

    /// <summary>x of the centre of a cell, cm.</summary>
    public static double XOf(int key) => (((key >>> 10) & 1023) - 512 + 0.5) * DetectorGeometry.Pitch[(key >>> 20) & 3];

    /// <summary>y of the centre of a cell, cm.</summary>
    public static double YOf(int key) => ((key & 1023) - 512 + 0.5) * DetectorGeometry.Pitch[(key >>> 20) & 3];

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _slots.AsSpan().Fill(Empty);
        CellCount = 0;
        TruthCount = 0;
        _touchedCount = 0;
        _particle = 0;
    }

    /// <summary>Adds a spot at a point of a layer; outside the sensors it is lost.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddSpot(int layer, double x, double y)
    {
        int cell = CellAt(layer, x, y);
        if (cell >= 0)
            _spots[cell]++;
    }

    /// <summary>Adds energy (GeV) at a point of a layer; outside the sensors it is lost.</summary>
    public void AddEnergy(int layer, double x, double y, double energy)
    {
        int cell = CellAt(layer, x, y);
        if (cell >= 0)
            _deposit[cell] += energy;
    }

    /// <summary>Ends the deposits of a particle: draws the energy of its spots, cell by cell as they were first hit.</summary>
    public void EndParticle(EventRandom random)
    {
        if (_truthCell.Length < TruthCount + _touchedCount)
        {
            int size = Math.Max(2 * _truthCell.Length, TruthCount + _touchedCount);
            Array.Resize(ref _truthCell, size);
            Array.Resize(ref _truthParticle, size);
            Array.Resize(ref _truthEnergy, size);
        }

        foreach (int cell in _touched.AsSpan(0, _touchedCount))
        {
            double energy = _deposit[cell];
            if (_spots[cell] > 0)
                energy += random.Gamma(_spots[cell] * SpotShape) * (SpotEnergy / SpotShape);
            _energy[cell] += energy;
            _truthCell[TruthCount] = cell;
            _truthParticle[TruthCount] = _particle;
            _truthEnergy[TruthCount++] = energy;
        }

        _touchedCount = 0;
        _particle++;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int CellAt(int layer, double x, double y)
    {
        double square = (x * x) + (y * y);
        if (!(square > InnerSquare && square < OuterSquare))
            return -1;
        int zone;
        double scale;
        if (layer >= DetectorGeometry.FirstScintillatorLayer && square > ScintillatorSquare)
            (zone, scale) = (2, _tilePitch);
        else if (square < FineSquare)
            (zone, scale) = (0, _finePitch);
        else
            (zone, scale) = (1, _coarsePitch);
        int column = (int)((x * scale) + 512), row = (int)((y * scale) + 512); // positive: truncation is the floor
        int key = (layer << 22) | (zone << 20) | (column << 10) | row;
        uint slot = ((uint)key * 2654435769u) >>> _shift;
        int[] slots = _slots;
        while (true)
        {
            int cell = slots[slot];
            if (cell == Empty)
                return Create(key, slot);
            if (_keys[cell] == key)
            {
                if (_touchedBy[cell] != _particle)
                    Touch(cell);
                return cell;
            }

            slot = (slot + 1) & (uint)(slots.Length - 1);
        }
    }

    private void Touch(int cell)
    {
        _touchedBy[cell] = _particle;
        _spots[cell] = 0;
        _deposit[cell] = 0;
        _touched[_touchedCount++] = cell;
    }

    private int Create(int key, uint slot)
    {
        if (CellCount == _keys.Length)
        {
            Grow();
            slot = ((uint)key * 2654435769u) >>> _shift;
            while (_slots[slot] != Empty)
                slot = (slot + 1) & (uint)(_slots.Length - 1);
        }

        int cell = CellCount++;
        _slots[slot] = cell;
        _keys[cell] = key;
        _energy[cell] = 0;
        Touch(cell);
        return cell;
    }

    // Slots are twice the cells.
    private void Grow()
    {
        int size = 2 * _keys.Length;
        Array.Resize(ref _keys, size);
        Array.Resize(ref _spots, size);
        Array.Resize(ref _deposit, size);
        Array.Resize(ref _touchedBy, size);
        Array.Resize(ref _energy, size);
        Array.Resize(ref _touched, size);
        _slots = new int[2 * size];
        _shift--;
        _slots.AsSpan().Fill(Empty);
        for (int cell = 0; cell < CellCount; cell++)
        {
            uint slot = ((uint)_keys[cell] * 2654435769u) >>> _shift;
            while (_slots[slot] != Empty)
                slot = (slot + 1) & (uint)(_slots.Length - 1);
            _slots[slot] = cell;
        }
    }
}
