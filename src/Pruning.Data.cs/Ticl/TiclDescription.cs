using Pruning.Data.Errors;
using Pruning.Data.Tracksters;
using Pruning.Root.Errors;
using Pruning.Root.Reading;

namespace Pruning.Data.Ticl;

/// <summary>What a file is, what can be made of it, and what is missing.</summary>
public sealed record TiclDescription
{
    /// <summary>Path as it was given.</summary>
    public required string File { get; init; }

    /// <summary>
    /// Name of the format, as in <see cref="TiclFormat.Name"/>; <c>prepared</c> for prepared files, <c>unknown</c> for others.
    /// </summary>
    public required string Format { get; init; }

    /// <summary>The same in words.</summary>
    public required string Title { get; init; }

    /// <summary>What tells files of different versions apart; null where the format is not known.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>Entries; null where it cannot be told.</summary>
    public long? Entries { get; init; }

    /// <summary>Collections of reconstructed tracksters.</summary>
    public IReadOnlyList<string> Collections { get; init; } = [];

    /// <summary>What <c>preprocess</c> or others make of it, a sentence each.</summary>
    public IReadOnlyList<string> Makes { get; init; } = [];

    /// <summary>What is missing, and what comes of it, a sentence each.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <summary>What is known to be wrong in such files, a sentence each.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Looks into a file.</summary>
    /// <exception cref="RootFormatException">The file is missing, damaged or no ROOT file.</exception>
    public static TiclDescription Of(string path)
    {
        using RootFile file = RootFile.Open(path);
        string[] tables = [.. file.List().Where(one => one.IsTree || one.IsNtuple).Select(one => one.Path).Distinct()];
        if (tables.Contains(TracksterSchema.TracksterTree) && tables.Contains(TracksterSchema.EdgeTree))
            return Prepared(path, file);
        TiclContents contents;
        try
        {
            contents = TiclContents.Of(file);
        }
        catch (DataException error)
        {
            return new TiclDescription
            {
                File = path,
                Format = "unknown",
                Title = "no ntuple that preprocess knows",
                Missing = [error.Message,
                    $"The formats that are known: {string.Join(", ", TiclFormat.All.Select(one => $"{one.Name} ({one.Title})"))}."],
            };
        }

        return Ntuple(path, contents);
    }

    private static TiclDescription Prepared(string path, RootFile file)
    {
        bool hasGraphs = file.TryTable(TracksterSchema.GraphTree, out _);
        return new TiclDescription
        {
            File = path,
            Format = "prepared",
            Title = "a prepared file",
            Entries = file.Table(TracksterSchema.TracksterTree).EntryCount,
            Makes = ["train, evaluate, prune, stats and display read it as it is."],
            Missing = hasGraphs ? []
                : [$"There is no tree {TracksterSchema.GraphTree}: without events, the split cannot keep tracksters of one event together."],
        };
    }

    private static TiclDescription Ntuple(string path, TiclContents contents)
    {
        List<string> makes = [], missing = [];
        long? entries = null;
        foreach (TiclTruth truth in (TiclTruth[])[TiclTruth.CaloParticle, TiclTruth.SimCluster])
        {
            string word = truth == TiclTruth.CaloParticle ? "cp" : "sc";
            foreach (string collection in contents.Collections)
            {
                try
                {
                    using TiclNtuple ntuple = TiclNtuple.Open(path, new TiclReadOptions { Collection = collection, Truth = truth });
                    entries = ntuple.EntryCount;
                    makes.Add(
                        $"Tracksters of {collection} with labels from {ntuple.Trees.Simulated}: --collection {collection} --truth {word}.");
                }
                catch (DataException error)
                {
                    missing.Add($"No tracksters of {collection} with --truth {word}: {error.Message}");
                }
            }
        }

        AddGaps(contents, missing);
        return new TiclDescription
        {
            File = path,
            Format = contents.Format.Name,
            Title = contents.Format.Title,
            Fingerprint = contents.Fingerprint(),
            Entries = entries,
            Collections = contents.Collections,
            Makes = makes,
            Missing = missing,
            Warnings = contents.Warnings(),
        };
    }

    private static void AddGaps(TiclContents contents, List<string> missing)
    {
        if (contents.Collections.Count == 0)
        {
            missing.Add("There are no reconstructed tracksters: nothing can be made of it.");
            return;
        }

        string first = contents.Format.IsFlat ? TiclContents.FlatTree : contents.LayerClusters ?? contents.Collections[0];
        if (!TiclEvents.AreIn(contents.Tree(first)))
            missing.Add("There is no run, luminosity block and event: events are numbered over all files of a job.");
        if (contents.LayerClusters is null)
            missing.Add(
                "There are no layer clusters: those of tracksters are put together from copies, without hits, and layers follow from z.");
        if (contents.Format.IsFlat)
            missing.Add("There are no layers: they follow from z in the 47-layer geometry.");
        if (contents.Format.IsFlat && contents.LayerClusters is string table && !contents.Has(TiclContents.FlatTree, table + "_time"))
            missing.Add("There are no times of layer clusters: all have none.");
        bool hasLinks = contents.Format.IsFlat
            ? contents.Collections.Any(label =>
                contents.Has(TiclContents.FlatTree, NanoNames.Links(label, TiclTruth.CaloParticle) + "Links_index"))
            : contents.Trees.Contains(TiclSchema.Associations);
        if (!hasLinks)
            missing.Add("There are no associations: shared energies cannot be compared.");
    }
}
