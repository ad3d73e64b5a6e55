using System.Globalization;
using System.Reflection;
using Pruning.Data.Ticl;
using Pruning.Root.Errors;

namespace Pruning.Data.Options;

/// <summary>
/// Options as names and texts: <c>PileUp</c>, <c>Primaries.MinEnergy</c>. Every property of an options record is one, those
/// of the records within behind the name of theirs and a dot, so nothing can be forgotten here. For the command line
/// and for what files say about themselves; it works by reflection, in microseconds an option.
/// </summary>
public static class OptionTable
{
    /// <summary>What a record that may be left out is called when it is.</summary>
    public const string None = "none";

    /// <summary>Names and values in the order of the record. A value that is not there is <see cref="None"/>.</summary>
    /// <param name="options">A record of numbers, flags, choices, label rules and such records.</param>
    public static IReadOnlyList<KeyValuePair<string, string>> List(object options)
    {
        List<KeyValuePair<string, string>> all = [];
        Walk(options, "", all);
        return all;
    }

    /// <summary>The same, a line <c>name=value</c> each: what <c>--set</c> takes.</summary>
    public static string Text(object options) => string.Join('\n', List(options).Select(one => $"{one.Key}={one.Value}"));

    /// <summary>The options with another value for one of them.</summary>
    /// <param name="options">They stay as they are.</param>
    /// <param name="name">Name; capitals do not matter.</param>
    /// <param name="value">Value: numbers with a decimal point, <c>true</c> or <c>false</c>, words. Ranges are checked by the record's own Check.</param>
    /// <exception cref="ArgumentException">No option of that name (the nearest is named), or a value of another kind.</exception>
    public static T With<T>(T options, string name, string value)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(options);
        return (T)Replace(options, name, name, value, Names(options));
    }

    private static object Replace(object options, string rest, string name, string value, IReadOnlyList<string> known)
    {
        int dot = rest.IndexOf('.', StringComparison.Ordinal);
        string head = dot < 0 ? rest : rest[..dot];
        PropertyInfo property = Properties(options).FirstOrDefault(one => one.Name.Equals(head, StringComparison.OrdinalIgnoreCase))
            ?? throw Unknown(name, known);
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (dot < 0)
            return Changed(options, property, Parse(property, type, name, value, known));
        if (!IsRecord(type))
            throw Unknown(name, known);
        // A record that was left out comes back with its defaults.
        object inner = property.GetValue(options) ?? Activator.CreateInstance(type)!;
        return Changed(options, property, Replace(inner, rest[(dot + 1)..], name, value, known));
    }

    private static object? Parse(PropertyInfo property, Type type, string name, string value, IReadOnlyList<string> known)
    {
        if (value.Equals(None, StringComparison.OrdinalIgnoreCase) && MayBeMissing(property))
            return null;
        if (type == typeof(LabelRule))
            return LabelRule.Parse(value);
        if (IsRecord(type))
            throw Unknown(name, known);
        const NumberStyles Real = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        if (type == typeof(double) && double.TryParse(value, Real, CultureInfo.InvariantCulture, out double real))
            return real;
        if (type == typeof(int) && int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int whole))
            return whole;
        if (type == typeof(ulong) && ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong large))
            return large;
        if (type == typeof(bool) && bool.TryParse(value, out bool flag))
            return flag;
        if (type.IsEnum
            && Enum.GetNames(type).FirstOrDefault(word => word.Equals(value, StringComparison.OrdinalIgnoreCase)) is string choice)
            return Enum.Parse(type, choice);
        string wanted = type.IsEnum ? string.Join(" or ", Enum.GetNames(type))
            : type == typeof(bool) ? "true or false"
            : type == typeof(double) ? "a number with a decimal point"
            : "a whole number";
        throw new ArgumentException($"{name} wants {wanted}{(MayBeMissing(property) ? $", or {None}" : "")}; found '{value}'.");
    }

    private static void Walk(object options, string prefix, List<KeyValuePair<string, string>> all)
    {
        foreach (PropertyInfo property in Properties(options))
        {
            object? value = property.GetValue(options);
            if (value is not null && IsRecord(value.GetType()))
                Walk(value, $"{prefix}{property.Name}.", all);
            else
                all.Add(new(prefix + property.Name, value is null ? None : Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""));
        }
    }

    private static string[] Names(object options) => [.. List(options).Select(one => one.Key)];

    private static PropertyInfo[] Properties(object options) =>
        [.. options.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite)];

    private static bool IsRecord(Type type) => type.IsClass && type != typeof(string) && !type.IsAssignableTo(typeof(LabelRule));

    private static bool MayBeMissing(PropertyInfo property) =>
        Nullable.GetUnderlyingType(property.PropertyType) is not null
        || (!property.PropertyType.IsValueType && new NullabilityInfoContext().Create(property).WriteState == NullabilityState.Nullable);

    // Records copy themselves by a method that only the compiler can name.
    private static object Changed(object options, PropertyInfo property, object? value)
    {
        object copy = options.GetType().GetMethod("<Clone>$")!.Invoke(options, null)!;
        property.SetValue(copy, value);
        return copy;
    }

    private static ArgumentException Unknown(string name, IReadOnlyList<string> known) =>
        new($"there is no option '{name}'. {NearestNames.Suggest(name, known, "There are none.")}");
}
