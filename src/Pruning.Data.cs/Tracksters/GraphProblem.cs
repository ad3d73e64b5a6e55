using System.Globalization;
using Pruning.Data.Errors;
using Pruning.Data.Graphs;

namespace Pruning.Data.Tracksters;

/// <summary>What keeps a trackster from being a graph.</summary>
/// <param name="InEdges">The branch is one of the edge tree, else of the trackster tree.</param>
/// <param name="Branch">Branch that holds the offending value.</param>
/// <param name="What">What was wanted and what was found.</param>
internal sealed record GraphProblem(bool InEdges, string Branch, string What)
{
    /// <summary>
    /// Largest number that a feature may hold. No layer cluster comes near it, and below it nothing overflows: neither
    /// differences of positions nor sums of energies.
    /// </summary>
    public const float Largest = 1e15f;

    // Numbers in messages are written the same way everywhere.
    private static GraphProblem Of(bool inEdges, string branch, FormattableString what) =>
        new(inEdges, branch, what.ToString(CultureInfo.InvariantCulture));

    /// <summary>What is wrong and where, without what to do about it and without a full stop.</summary>
    public string Describe(GraphOrigin origin, string tracksterTree = TracksterSchema.TracksterTree,
        string edgeTree = TracksterSchema.EdgeTree) =>
        string.Create(CultureInfo.InvariantCulture,
            $"{What} (in {origin.File}, tree '{(InEdges ? edgeTree : tracksterTree)}', branch '{Branch}', entry {origin.Entry})");

    /// <summary>The whole sentence, with the place.</summary>
    public DataException At(GraphOrigin origin, string tracksterTree = TracksterSchema.TracksterTree,
        string edgeTree = TracksterSchema.EdgeTree) =>
        new($"{Describe(origin, tracksterTree, edgeTree)}: mend the file, or have bad graphs skipped.");

    /// <summary>Finds the first problem of a trackster; null = none.</summary>
    public static GraphProblem? Find(in TracksterColumns one) => FindInValues(one) ?? FindInLinks(one);

    /// <summary>Everything but ids: lengths, features, flags, labels.</summary>
    public static GraphProblem? FindInValues(in TracksterColumns one)
    {
        int nodes = one.NodeCount;
        if (nodes == 0)
            return Of(false, TracksterSchema.Id, $"wanted at least one layer cluster, found an empty trackster");
        GraphProblem? problem =
            Length(TracksterSchema.PosX, one.PosX.Length, nodes)
            ?? Length(TracksterSchema.PosY, one.PosY.Length, nodes)
            ?? Length(TracksterSchema.PosZ, one.PosZ.Length, nodes)
            ?? Length(TracksterSchema.Energy, one.Energy.Length, nodes)
            ?? Length(TracksterSchema.Time, one.Time.Length, nodes)
            ?? Length(TracksterSchema.Eta, one.Eta.Length, nodes)
            ?? Length(TracksterSchema.Phi, one.Phi.Length, nodes)
            ?? Length(TracksterSchema.IsSeedHigh, one.IsSeedHigh.Length, nodes)
            ?? Length(TracksterSchema.IsSeedLow, one.IsSeedLow.Length, nodes)
            ?? Length(TracksterSchema.Label, one.Label.Length, nodes);
        if (problem is not null)
            return problem;
        if (one.Target.Length != one.Origin.Length)
            return Of(true, TracksterSchema.Target,
                $"wanted as many edge ends as there are edge starts, {one.Origin.Length}, found {one.Target.Length}");
        return Finite(TracksterSchema.PosX, one.PosX)
            ?? Finite(TracksterSchema.PosY, one.PosY)
            ?? Finite(TracksterSchema.PosZ, one.PosZ)
            ?? Finite(TracksterSchema.Energy, one.Energy)
            ?? Finite(TracksterSchema.Time, one.Time)
            ?? Finite(TracksterSchema.Eta, one.Eta)
            ?? Finite(TracksterSchema.Phi, one.Phi)
            ?? ZeroOrOne(TracksterSchema.IsSeedHigh, one.IsSeedHigh)
            ?? ZeroOrOne(TracksterSchema.IsSeedLow, one.IsSeedLow)
            ?? ZeroOrOne(TracksterSchema.Label, one.Label);
    }

    private static GraphProblem? Length(string branch, int found, int nodes) =>
        found == nodes ? null
            : Of(false, branch, $"wanted one value for each of the {nodes} layer clusters in branch '{TracksterSchema.Id}', found {found}");

    private static GraphProblem? Finite(string branch, ReadOnlySpan<float> values)
    {
        if (ColumnChecks.AllWithin(values, Largest))
            return null;
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
                return Of(false, branch, $"wanted a finite number, found {values[i]} at position {i}");
            if (Math.Abs(values[i]) > Largest)
                return Of(false, branch, $"wanted a number of at most {Largest} in size, found {values[i]} at position {i}");
        }

        return null;
    }

    private static GraphProblem? ZeroOrOne(string branch, ReadOnlySpan<float> values)
    {
        if (ColumnChecks.AllZeroOrOne(values))
            return null;
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] is not (0f or 1f))
                return Of(false, branch, $"wanted 0 or 1, found {values[i]} at position {i}");
        }

        return null;
    }

    private static GraphProblem? FindInLinks(in TracksterColumns one)
    {
        using NodeIndex rows = new(one.Id, out int duplicate);
        if (duplicate >= 0)
            return Of(false, TracksterSchema.Id, $"wanted every id once, found {one.Id[duplicate]} again at position {duplicate}");
        for (int e = 0; e < one.Origin.Length; e++)
        {
            bool start = rows.Find(one.Origin[e]) < 0;
            if (start || rows.Find(one.Target[e]) < 0)
            {
                (string branch, long id) = start ? (TracksterSchema.Origin, one.Origin[e]) : (TracksterSchema.Target, one.Target[e]);
                return Of(true, branch,
                    $"edge {e} {(start ? "starts" : "ends")} at id {id}, which none of the {one.NodeCount} layer clusters of the trackster has");
            }
        }

        return null;
    }
}
