namespace Pruning.Data.Simulation;

/// <summary>Which particles an event has: close-by primaries of the hard scatter, and pile-up around them.</summary>
internal static class ParticleGun
{
    private const double PileUpMargin = 7; // cm beyond the farthest primary
    private const double LeastPileUpEnergy = 0.5; // GeV
    private const double BeamPipe = 15; // cm: who is closer to the beam at the front goes past the sensors
    private static readonly int[] s_species = [22, 11, 211, 130];

    /// <summary>Draws the particles; those of the hard scatter do not depend on the pile-up.</summary>
    /// <param name="random">Source for the hard scatter.</param>
    /// <param name="pileUp">Source for pile-up.</param>
    /// <param name="options">Options.</param>
    /// <param name="side">Sign of z.</param>
    public static SimulatedParticles Draw(EventRandom random, EventRandom pileUp, ToyOptions options, out int side)
    {
        PrimaryOptions primaries = options.Primaries;
        Columns columns = new();
        side = random.Uniform() < 0.5 ? 1 : -1;
        int count = 1 + random.Choose([primaries.One, primaries.Two, primaries.Three]);
        double eta = random.Uniform(primaries.MinEta, primaries.MaxEta);
        double radius = DetectorGeometry.Z[0] / Math.Sinh(eta);
        random.Direction(out double x, out double y);
        x *= radius;
        y *= radius;
        double time = options.TimeSpread * random.Normal();
        for (int i = 0; i < count; i++)
        {
            double atX = x, atY = y;
            if (i > 0)
            {
                double distance = random.Uniform(primaries.MinDistance, primaries.MaxDistance);
                random.Direction(out double dx, out double dy);
                (atX, atY) = (x + (distance * dx), y + (distance * dy));
            }

            double energy = primaries.MinEnergy * Math.Pow(primaries.MaxEnergy / primaries.MinEnergy, random.Uniform());
            int species = random.Choose([primaries.Photons, primaries.Electrons, primaries.ChargedPions, primaries.NeutralHadrons]);
            columns.Add(s_species[species], energy, atX, atY, time);
        }

        double window = primaries.MaxDistance + PileUpMargin;
        // A circle on the front face, as an area in eta x phi: dr = radius / tanh(eta) deta.
        double area = Math.PI * window * window * Math.Tanh(eta) / (radius * radius);
        foreach ((int pdgId, double density, double momentum) in (ReadOnlySpan<(int, double, double)>)[(211, 6.5, 0.30), (22, 6.5, 0.17),
            (130, 1.0, 0.35)])
        {
            int number = pileUp.Poisson(options.PileUp * density / (2 * Math.PI) * area);
            for (int i = 0; i < number; i++)
            {
                pileUp.Disc(out double dx, out double dy);
                double atX = x + (window * dx), atY = y + (window * dy);
                double transverse = momentum * pileUp.Gamma(2);
                // cosh(eta) = √(1 + sinh²(eta)), sinh(eta) = z / r
                double distance = Math.Sqrt((atX * atX) + (atY * atY));
                double sinh = DetectorGeometry.Z[0] / distance;
                double energy = transverse * Math.Sqrt(1 + (sinh * sinh));
                double when = options.TimeSpread * pileUp.Normal();
                if (energy > LeastPileUpEnergy && distance > BeamPipe)
                    columns.Add(pdgId, energy, atX, atY, when);
            }
        }

        return columns.Take(count);
    }

    private sealed class Columns
    {
        private readonly List<int> _pdgId = [];
        private readonly List<float> _energy = [], _x = [], _y = [], _time = [];

        public void Add(int pdgId, double energy, double x, double y, double time)
        {
            _pdgId.Add(pdgId);
            _energy.Add((float)energy);
            _x.Add((float)x);
            _y.Add((float)y);
            _time.Add((float)time);
        }

        public SimulatedParticles Take(int hardScatter) => new()
        {
            HardScatterCount = hardScatter,
            PdgId = [.. _pdgId],
            Energy = [.. _energy],
            X = [.. _x],
            Y = [.. _y],
            Time = [.. _time],
            Deposited = new float[_pdgId.Count],
        };
    }
}
