using System.Reflection;

namespace Pruning.Data.Graphs;

/// <summary>Name, unit and description of a column that a network can read, declared at the member of the enum that numbers it.</summary>
/// <param name="name">Name in files and on the command line.</param>
/// <param name="unit">Unit; empty for a pure number.</param>
/// <param name="description">What the column holds, as a phrase without a full stop.</param>
[AttributeUsage(AttributeTargets.Field)]
public sealed class FeatureColumnAttribute(string name, string unit, string description) : Attribute
{
    /// <summary>Name in files and on the command line.</summary>
    public string Name { get; } = name;

    /// <summary>Unit; empty for a pure number.</summary>
    public string Unit { get; } = unit;

    /// <summary>What the column holds, as a phrase without a full stop.</summary>
    public string Description { get; } = description;
}

/// <summary>A column of a table of node features.</summary>
/// <typeparam name="TColumn">The enum that numbers the columns of the table.</typeparam>
/// <param name="Column">Number of the column.</param>
/// <param name="Name">Name in files and on the command line.</param>
/// <param name="Unit">Unit; empty for a pure number.</param>
/// <param name="Description">What the column holds.</param>
public sealed record FeatureColumn<TColumn>(TColumn Column, string Name, string Unit, string Description)
    where TColumn : struct, Enum;

/// <summary>The columns that an enum declares.</summary>
public static class FeatureColumns
{
    /// <summary>The columns of an enum, in the order of their numbers.</summary>
    /// <typeparam name="TColumn">An enum whose members carry a <see cref="FeatureColumnAttribute"/> each.</typeparam>
    /// <exception cref="InvalidOperationException">A member has no such attribute.</exception>
    public static IReadOnlyList<FeatureColumn<TColumn>> Of<TColumn>()
        where TColumn : struct, Enum => Array.ConvertAll(Enum.GetValues<TColumn>(), static column =>
        {
            FeatureColumnAttribute declared = typeof(TColumn).GetField(column.ToString())?.GetCustomAttribute<FeatureColumnAttribute>()
                ?? throw new InvalidOperationException(
                    $"Cannot describe the column {typeof(TColumn).Name}.{column}: it has no FeatureColumn attribute. Add one.");
            return new FeatureColumn<TColumn>(column, declared.Name, declared.Unit, declared.Description);
        });
}
