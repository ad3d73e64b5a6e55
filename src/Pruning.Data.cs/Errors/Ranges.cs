using System.Globalization;
using System.Numerics;

namespace Pruning.Data.Errors;

/// <summary>Refuses options outside their ranges, in one sentence.</summary>
internal static class Ranges
{
    /// <summary>The value, when it lies between two bounds, both allowed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It does not, or is not a number.</exception>
    public static T Within<T>(T value, T low, T high, string name, string unit)
        where T : INumber<T>
    {
        if (value >= low && value <= high)
            return value;
        string after = unit.Length == 0 ? "" : " " + unit;
        string message =
            string.Create(CultureInfo.InvariantCulture,
            $"{name} must lie between {low} and {high}{after}, and is {value}: give one within.");
        throw new ArgumentOutOfRangeException(name, message);
    }
}
