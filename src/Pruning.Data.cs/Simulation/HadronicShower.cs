namespace Pruning.Data.Simulation;

/// <summary>
/// Showers of hadrons as a cascade of interactions: a hadron travels an exponential number of interaction lengths,
/// leaves the energy of a minimum ionising particle in each layer it crosses when it is charged, and breaks up into
/// neutral pions (electromagnetic showers from there) and hadrons. Soft ones stop and ionise where they are. Keeps its
/// stack between showers and serves one thread.
/// </summary>
internal sealed class HadronicShower
{
    private const double StopEnergy = 1.2; // GeV: below it stops
    private const double LeastEnergy = 0.05; // GeV: below it is nothing
    private const double VisibleShare = 0.6; // of the energy that stops
    private const double NeutralPionShare = 1.0 / 3;
    private const double ChargedUntil = 0.85; // of the same uniform number: 77 % of the hadrons are charged
    private readonly Stack<Hadron> _stack = new();
    private double[] _shares = new double[64];

    /// <summary>Deposits a shower.</summary>
    /// <param name="random">Source of randomness.</param>
    /// <param name="grid">Takes the energy.</param>
    /// <param name="energy">GeV.</param>
    /// <param name="axis">Where it goes, from the front.</param>
    /// <param name="isCharged">It ionises before it interacts.</param>
    public void Deposit(EventRandom random, DepositGrid grid, double energy, in ShowerAxis axis, bool isCharged)
    {
        ReadOnlySpan<double> lengths = DetectorGeometry.InteractionLengths;
        _stack.Push(new Hadron(energy, axis, isCharged, 0));
        while (_stack.TryPop(out Hadron hadron))
        {
            double cosine = hadron.Axis.Cosine;
            double depth = hadron.Depth + (random.Exponential() * cosine);
            double left = hadron.Energy;
            if (hadron.IsCharged && !Ionise(random, grid, hadron, depth, cosine, ref left))
                continue;
            if (depth >= lengths[^1] || left <= LeastEnergy)
                continue;
            double z = DetectorGeometry.AtInteractionDepth(DetectorGeometry.Z, depth, DetectorGeometry.Z[0]);
            ShowerAxis vertex = hadron.Axis with { X = hadron.Axis.XAt(z), Y = hadron.Axis.YAt(z), Z = z };
            if (left < StopEnergy)
                Stop(random, grid, left, vertex, depth);
            else
                BreakUp(random, grid, left, vertex, depth);
        }
    }

    /// <summary>Energy along the path. Answers whether it gets to the end of it.</summary>
    private static bool Ionise(EventRandom random, DepositGrid grid, in Hadron hadron, double depth, double cosine, ref double left)
    {
        ReadOnlySpan<double> lengths = DetectorGeometry.InteractionLengths;
        int first = DetectorGeometry.LayerBehind(lengths, hadron.Depth), end = DetectorGeometry.LayerBehind(lengths, depth);
        for (int layer = first; layer < end; layer++)
        {
            double deposit = DetectorGeometry.MipEnergy(layer) * random.Gamma(6) / 6 / cosine;
            if (deposit >= left)
                return false;
            double z = DetectorGeometry.Z[layer];
            grid.AddEnergy(layer, hadron.Axis.XAt(z), hadron.Axis.YAt(z), deposit);
            left -= deposit;
        }

        return true;
    }

    private static void Stop(EventRandom random, DepositGrid grid, double energy, in ShowerAxis vertex, double depth)
    {
        int count = random.Poisson(energy * VisibleShare / 0.03);
        for (int i = 0; i < count; i++)
        {
            int layer = DetectorGeometry.LayerBehind(DetectorGeometry.InteractionLengths, depth + (0.12 * random.Exponential()));
            double radius = 1.6 * random.Exponential();
            random.Direction(out double x, out double y);
            double normal = random.Normal();
            double deposit = 0.03 * normal * normal; // a gamma number of shape 1/2 and mean 0.03
            grid.AddEnergy(Math.Min(layer, DetectorGeometry.LayerCount - 1), vertex.X + (radius * x), vertex.Y + (radius * y), deposit);
        }
    }

    private void BreakUp(EventRandom random, DepositGrid grid, double energy, in ShowerAxis vertex, double depth)
    {
        double visible = energy * (1 - random.Beta(2, 10)); // the rest frees nucleons
        int count = 2 + random.Poisson(1.1 * Math.Log(Math.Max(visible, 1)));
        if (_shares.Length < count)
            _shares = new double[2 * count];
        Span<double> shares = _shares.AsSpan(0, count);
        random.Dirichlet(0.8, shares);
        double radiationDepth = DetectorGeometry.AtInteractionDepth(DetectorGeometry.RadiationLengths, depth, 0);
        foreach (double share in shares)
        {
            double own = share * visible;
            if (own < LeastEnergy)
                continue;
            double transverse = 0.35 * Math.Sqrt(2 * random.Exponential()); // GeV, Rayleigh
            random.Direction(out double x, out double y);
            double slope = Math.Min(transverse / own, 0.6);
            ShowerAxis axis = vertex with { SlopeX = vertex.SlopeX + (slope * x), SlopeY = vertex.SlopeY + (slope * y) };
            double kind = random.Uniform();
            if (kind < NeutralPionShare)
                ElectromagneticShower.Deposit(random, grid, own, axis, radiationDepth, true);
            else
                _stack.Push(new Hadron(own, axis, kind < ChargedUntil, depth));
        }
    }

    private readonly record struct Hadron(double Energy, ShowerAxis Axis, bool IsCharged, double Depth);
}
