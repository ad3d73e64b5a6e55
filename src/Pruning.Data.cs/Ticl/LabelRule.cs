using System.Globalization;
using Pruning.Data.Errors;

namespace Pruning.Data.Ticl;

/// <summary>When a layer cluster is to be pruned from its trackster (label 1).</summary>
public abstract record LabelRule
{
    private LabelRule()
    {
    }

    /// <summary>
    /// The default: less than half of its energy belongs to the simulated particle with the largest shared energy. Of all
    /// rules this one leaves the least energy on the wrong side.
    /// </summary>
    public static LabelRule Majority { get; } = new ByFraction(0.5);

    /// <summary>
    /// The original research: the particle in question is the one that most layer clusters have, by count, among their
    /// three largest; label 1 is for those that do not have it among theirs.
    /// </summary>
    public static LabelRule Any { get; } = new ByCount();

    /// <summary>Less than a fraction of its energy belongs to the simulated particle with the largest shared energy.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not within 0 and 1.</exception>
    public static LabelRule Cut(double fraction) => new ByFraction(Ranges.Within(fraction, 0, 1, "cut", ""));

    /// <summary>The rule of a name: <c>majority</c>, <c>any</c> or <c>cut=x</c>.</summary>
    /// <exception cref="ArgumentException">Another text.</exception>
    public static LabelRule Parse(string text) => text switch
    {
        "majority" => Majority,
        "any" => Any,
        _ when text.StartsWith("cut=", StringComparison.Ordinal) && double.TryParse(text.AsSpan(4), NumberStyles.Float, CultureInfo.InvariantCulture, out double cut) => Cut(cut),
        _ => throw new ArgumentException($"A label mode is 'majority', 'any' or 'cut=x' with x between 0 and 1, and this one is '{text}': give one of those."),
    };

    /// <summary>Label 1 below this fraction in the particle with the largest shared energy.</summary>
    public sealed record ByFraction : LabelRule
    {
        internal ByFraction(double cut) => Limit = cut;

        /// <summary>Fractions below it are pruned.</summary>
        public double Limit { get; }

        /// <inheritdoc/>
        public override string ToString() => Limit == 0.5 ? "majority" : string.Create(CultureInfo.InvariantCulture, $"cut={Limit:R}");
    }

    /// <summary>Label 1 without the particle that most layer clusters have.</summary>
    public sealed record ByCount : LabelRule
    {
        internal ByCount()
        {
        }

        /// <summary>Particles of a layer cluster that count: its largest.</summary>
        public const int LargestCount = 3;

        /// <inheritdoc/>
        public override string ToString() => "any";
    }
}
