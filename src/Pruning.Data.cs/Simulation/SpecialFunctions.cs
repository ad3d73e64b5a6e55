namespace Pruning.Data.Simulation;

/// <summary>The gamma function and its incomplete integral, for the profiles of showers.</summary>
public static class SpecialFunctions
{
    /// <summary>
    /// Logarithm of the gamma function for x above 0, to a relative error below 1e-12: Stirling's series from 8 on,
    /// reached from below with Γ(x + 1) = x Γ(x).
    /// </summary>
    public static double LogGamma(double x)
    {
        double product = 1;
        while (x < 8)
        {
            product *= x;
            x += 1;
        }

        double r = 1 / x, r2 = r * r;
        double series = r * ((1.0 / 12) - (r2 * ((1.0 / 360) - (r2 * ((1.0 / 1260) - (r2 * ((1.0 / 1680) - (r2 * (1.0 / 1188)))))))));
        return ((x - 0.5) * Math.Log(x)) - x + 0.91893853320467274178 + series - Math.Log(product);
    }

    /// <summary>
    /// Share of a gamma distribution of the given shape and scale 1 below x: the regularised lower incomplete gamma
    /// function P(shape, x) by its power series, all of whose terms are positive. Absolute error below 1e-12 for x up to
    /// 100; about x + 10 terms.
    /// </summary>
    /// <param name="shape">Above 0.</param>
    /// <param name="logGammaOfNext"><see cref="LogGamma"/> of shape + 1, given because it is the same for many x.</param>
    /// <param name="x">0 or below gives 0.</param>
    public static double GammaShareBelow(double shape, double logGammaOfNext, double x)
    {
        if (!(x > 0))
            return 0;
        double term = 1, sum = 1, n = shape;
        do
        {
            n += 1;
            term *= x / n;
            sum += term;
        }
        while (term > sum * 1e-15);
        return Math.Min(1, sum * Math.Exp((shape * Math.Log(x)) - x - logGammaOfNext));
    }
}
