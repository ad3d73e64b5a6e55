namespace Pruning.Data.Simulation;

/// <summary>
/// Distributions over an <see cref="EventRandom"/>, each by a published exact method. They use the machine's exp, log,
/// sqrt and pow; everything else is exact arithmetic, so that a run repeats to the bit wherever those four agree.
/// </summary>
public static class Distributions
{
    /// <summary>
    /// Standard normal: polar method of Marsaglia, the second number of each pair left out so that there is no hidden state.
    /// </summary>
    public static double Normal(this EventRandom random)
    {
        double square = random.Disc(out double x, out _);
        return x * Math.Sqrt(-2 * Math.Log(square) / square);
    }

    /// <summary>Exponential of mean 1: minus the logarithm of a uniform number.</summary>
    public static double Exponential(this EventRandom random) => -Math.Log(random.UniformPositive());

    /// <summary>
    /// Gamma of a shape above 0 and scale 1: Marsaglia and Tsang 2000. Below shape 1 a number of shape + 1 is multiplied
    /// by U^(1/shape); mean and variance are the shape.
    /// </summary>
    public static double Gamma(this EventRandom random, double shape)
    {
        if (shape < 1)
            return Gamma(random, shape + 1) * Math.Pow(random.UniformPositive(), 1 / shape);
        double d = shape - (1.0 / 3.0);
        double c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double x = random.Normal();
            double v = 1 + (c * x);
            if (v <= 0)
                continue;
            v = v * v * v;
            double u = random.UniformPositive();
            double x2 = x * x;
            if (u < 1 - (0.0331 * x2 * x2) || Math.Log(u) < (0.5 * x2) + (d * (1 - v + Math.Log(v))))
                return d * v;
        }
    }

    /// <summary>Beta: G(a) / (G(a) + G(b)) of two gamma numbers.</summary>
    public static double Beta(this EventRandom random, double a, double b)
    {
        double first = random.Gamma(a);
        return first / (first + random.Gamma(b));
    }

    /// <summary>Shares that add to 1, symmetric Dirichlet: gamma numbers over their sum.</summary>
    public static void Dirichlet(this EventRandom random, double shape, Span<double> shares)
    {
        double sum = 0;
        for (int i = 0; i < shares.Length; i++)
        {
            shares[i] = random.Gamma(shape);
            sum += shares[i];
        }

        for (int i = 0; i < shares.Length; i++)
            shares[i] /= sum;
    }

    /// <summary>
    /// Poisson: below mean 10 uniform numbers are multiplied until they fall below exp(-mean) (Knuth), above it
    /// transformed rejection (PTRS, Hörmann 1993). A mean of 0 or less gives 0.
    /// </summary>
    public static int Poisson(this EventRandom random, double mean)
    {
        if (!(mean > 0))
            return 0;
        if (mean < 10)
        {
            double limit = Math.Exp(-mean);
            double product = random.UniformPositive();
            int count = 0;
            while (product > limit)
            {
                count++;
                product *= random.UniformPositive();
            }

            return count;
        }

        double root = Math.Sqrt(mean), log = Math.Log(mean);
        double b = 0.931 + (2.53 * root);
        double a = -0.059 + (0.02483 * b);
        double inverse = 1.1239 + (1.1328 / (b - 3.4));
        double cut = 0.9277 - (3.6224 / (b - 2));
        while (true)
        {
            double u = random.Uniform() - 0.5;
            double v = random.UniformPositive();
            double us = 0.5 - Math.Abs(u);
            double k = Math.Floor((((2 * a / us) + b) * u) + mean + 0.43);
            if (us >= 0.07 && v <= cut)
                return (int)k;
            if (k < 0 || (us < 0.013 && v > us))
                continue;
            if (Math.Log(v) + Math.Log(inverse) - Math.Log((a / (us * us)) + b) <= (k * log) - mean - SpecialFunctions.LogGamma(k + 1))
                return (int)k;
        }
    }

    /// <summary>Index of one of some weights, each with the probability of its share.</summary>
    public static int Choose(this EventRandom random, ReadOnlySpan<double> weights)
    {
        double sum = 0;
        foreach (double weight in weights)
            sum += weight;
        double u = random.Uniform() * sum;
        int last = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            if (weights[i] <= 0)
                continue;
            last = i;
            u -= weights[i];
            if (u < 0)
                break;
        }

        return last;
    }
}
