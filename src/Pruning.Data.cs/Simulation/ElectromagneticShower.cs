namespace Pruning.Data.Simulation;

/// <summary>
/// Showers of photons and electrons: the profiles of Grindhammer and Peters (hep-ex/0001020) with their fluctuations
/// from shower to shower. The number of spots is a Poisson number; spread over slices of depth of at most 1.1 radiation
/// lengths, and there over the core and the tail of the radial profile, it is one independent Poisson number for each
/// part, which is the same distribution and leaves nothing but a position to draw for each spot. Within a slice the
/// radial profile is that of its mean depth.
/// </summary>
internal static class ElectromagneticShower
{
    private const double CriticalEnergy = 0.0096; // GeV
    private const double MoliereRadius = 2.8; // cm, air gaps included
    private const double MaxRadius = 25; // cm
    private const double Charge = 74; // effective Z of the absorber
    private const double MaxSlice = 1.1; // radiation lengths
    private const double Gauss = 0.57735026918962576; // abscissa of two points on [-1, 1]

    /// <summary>Deposits a shower.</summary>
    /// <param name="random">Source of randomness.</param>
    /// <param name="grid">Takes the spots.</param>
    /// <param name="energy">GeV.</param>
    /// <param name="axis">Where it goes.</param>
    /// <param name="depth">Radiation lengths in front of its beginning, at normal incidence.</param>
    /// <param name="isPhoton">A photon converts after an exponential path of 9/7 radiation lengths.</param>
    public static void Deposit(EventRandom random, DepositGrid grid, double energy, in ShowerAxis axis, double depth, bool isPhoton)
    {
        Profile profile = new(random, energy);
        double cosine = axis.Cosine;
        double start = isPhoton ? random.Exponential() * (9.0 / 7.0) : 0;
        double spots = energy / DepositGrid.SpotEnergy;
        Radial radial = new(energy);
        ReadOnlySpan<double> depths = DetectorGeometry.RadiationLengths;
        ReadOnlySpan<double> planes = DetectorGeometry.Z;

        double from = 0; // path since the start
        double below = 0; // share of the shower up to there
        for (int layer = DetectorGeometry.LayerBehind(depths, depth + (start * cosine)); layer < DetectorGeometry.LayerCount; layer++)
        {
            double end = ((depths[layer] - depth) / cosine) - start;
            int slices = Math.Max(1, (int)Math.Ceiling((end - from) / MaxSlice));
            double step = (end - from) / slices;
            double x = axis.XAt(planes[layer]), y = axis.YAt(planes[layer]);
            for (int slice = 0; slice < slices; slice++)
            {
                double to = slice == slices - 1 ? end : from + step;
                double share = profile.Share(from, to, ref below, out double mean);
                double expected = spots * share;
                Radii radii = radial.At(Math.Min(mean / profile.Maximum, 4));
                Scatter(random, grid, layer, x, y, radii.Core, random.Poisson(expected * radii.CoreShare));
                Scatter(random, grid, layer, x, y, radii.Tail, random.Poisson(expected * (1 - radii.CoreShare)));
                from = to;
                if (from > profile.Maximum && spots * (1 - below) < 1e-3)
                    return; // nothing is to come
            }
        }
    }

    /// <summary>Spots with the radial density 2 r R² / (r² + R²)²: r = R √(u / (1 - u)) for a uniform u.</summary>
    private static void Scatter(EventRandom random, DepositGrid grid, int layer, double x, double y, double radius, int count)
    {
        double limit = MaxRadius * MaxRadius / (radius * radius);
        for (int i = 0; i < count; i++)
        {
            double square = random.Disc(out double dx, out double dy);
            double rest = 1 - square;
            double scale = square > limit * rest ? MaxRadius / Math.Sqrt(square) : radius / Math.Sqrt(rest);
            grid.AddSpot(layer, x + (scale * dx), y + (scale * dy));
        }
    }

    /// <summary>Longitudinal profile: a gamma distribution of depth, in radiation lengths.</summary>
    private readonly struct Profile
    {
        private readonly double _alpha;
        private readonly double _beta;
        private readonly double _logNorm; // of the density
        private readonly double _logGammaOfNext;

        public Profile(EventRandom random, double energy)
        {
            double logY = Math.Log(Math.Max(energy / CriticalEnergy, 8));
            double spreadT = Math.Min(1 / Math.Max(-1.4 + (1.26 * logY), 1), 0.6);
            double spreadA = Math.Min(1 / Math.Max(-0.58 + (0.86 * logY), 1), 0.5);
            double correlation = Math.Max(0.705 - (0.023 * logY), 0);
            double first = random.Normal(), second = random.Normal();
            Maximum = Math.Max(logY - 0.858, 0.4) * Math.Exp(spreadT * first);
            double shift = spreadA * ((correlation * first) + (Math.Sqrt(1 - (correlation * correlation)) * second));
            _alpha = Math.Max((0.21 + ((0.492 + (2.38 / Charge)) * logY)) * Math.Exp(shift), 1.1);
            _beta = (_alpha - 1) / Maximum;
            double logGamma = SpecialFunctions.LogGamma(_alpha);
            _logNorm = (_alpha * Math.Log(_beta)) - logGamma;
            _logGammaOfNext = logGamma + Math.Log(_alpha);
        }

        /// <summary>Depth of the maximum.</summary>
        public double Maximum { get; }

        /// <summary>Share of the energy between two depths, and its mean depth; `below` goes on to the second.</summary>
        public double Share(double from, double to, ref double below, out double mean)
        {
            double half = 0.5 * (to - from), middle = 0.5 * (from + to);
            double share;
            if (_beta * to < 1.5 || from == 0)
            {
                // Near its beginning the density is not smooth; the series needs few terms there.
                double until = SpecialFunctions.GammaShareBelow(_alpha, _logGammaOfNext, _beta * to);
                share = Math.Max(0, until - below);
                below = until;
                mean = middle;
            }
            else
            {
                double first = middle - (Gauss * half), second = middle + (Gauss * half);
                double atFirst = Density(first), atSecond = Density(second);
                share = half * (atFirst + atSecond);
                below += share;
                mean = atFirst + atSecond > 0 ? ((atFirst * first) + (atSecond * second)) / (atFirst + atSecond) : middle;
            }

            return share;
        }

        private double Density(double depth) => Math.Exp(_logNorm + ((_alpha - 1) * Math.Log(depth)) - (_beta * depth));
    }

    private readonly record struct Radii(double Core, double Tail, double CoreShare);

    /// <summary>Radial profile by depth in units of the maximum's.</summary>
    private readonly struct Radial
    {
        private readonly double _core;
        private readonly double _tailSlope;
        private readonly double _mixWidth;

        public Radial(double energy)
        {
            double log = Math.Log(Math.Max(energy, 0.05));
            _core = 0.0251 + (0.00319 * log);
            _tailSlope = 0.3585 + (0.0421 * log);
            _mixWidth = Math.Max(1.313 - (0.0686 * log), 0.4);
        }

        public Radii At(double tau)
        {
            double core = _core + ((0.1162 - (0.000381 * Charge)) * tau);
            double tail = (0.659 - (0.00309 * Charge)) * (Math.Exp(-2.59 * (tau - 0.645)) + Math.Exp(_tailSlope * (tau - 0.645)));
            double w = (0.401 + (0.00187 * Charge) - tau) / _mixWidth;
            double share = (2.632 - (0.00094 * Charge)) * Math.Exp(w - Math.Exp(w));
            return new(core * MoliereRadius, tail * MoliereRadius, Math.Clamp(share, 0, 1));
        }
    }
}
