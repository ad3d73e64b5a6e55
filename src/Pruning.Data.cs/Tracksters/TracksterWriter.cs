using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Writing;
using Pruning.Root.Writing.Ntuples;
using Pruning.Root.Writing.Trees;

namespace Pruning.Data.Tracksters;

/// <summary>What a prepared file is to hold, and how.</summary>
public sealed record PreparedContents
{
    /// <summary>Every batch brings <see cref="TracksterBatch.Truth"/> and <see cref="TracksterBatch.Fraction"/>.</summary>
    public bool HasTruth { get; init; }

    /// <summary>The truth of every batch brings <see cref="TruthBatch.PileUp"/> too.</summary>
    public bool HasPileUp { get; init; }

    /// <summary>The truth of every batch brings <see cref="TruthBatch.Run"/> and <see cref="TruthBatch.Lumi"/> too.</summary>
    public bool HasRuns { get; init; }

    /// <summary>What the file is to say about itself, key by key; keys become names of branches.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>How its tables are stored.</summary>
    public TableFormat Format { get; init; }
}

/// <summary>
/// Writes prepared files: the trees or RNTuples <c>Tracksters</c> and <c>Edges</c>, with truth also <c>Graphs</c> and the
/// column <c>fraction</c>, and <c>Metadata</c> of one entry with a text a key. <see cref="TracksterReader"/> and every
/// other reader of ROOT files takes them. Batches are written as they come, so that memory does not grow with the file.
/// </summary>
public sealed class TracksterWriter : IDisposable
{
    private readonly RootFileWriter _file;
    private readonly PreparedTable _nodes;
    private readonly PreparedTable _links;
    private readonly PreparedTable? _truth;

    private TracksterWriter(RootFileWriter file, PreparedContents contents)
    {
        _file = file;
        _nodes = PreparedTable.Create(file, contents.Format, TracksterSchema.TracksterTree, "layer clusters of tracksters");
        AddNodes(_nodes, contents.HasTruth);
        _links = PreparedTable.Create(file, contents.Format, TracksterSchema.EdgeTree, "CLUE3D links of tracksters");
        AddLinks(_links);
        if (!contents.HasTruth)
            return;
        _truth = PreparedTable.Create(file, contents.Format, TracksterSchema.GraphTree, "tracksters");
        AddTruth(_truth, contents);
    }

    /// <summary>Tracksters so far.</summary>
    public long EntryCount { get; private set; }

    /// <summary>Begins a file.</summary>
    /// <param name="path">Where it is to be.</param>
    /// <param name="contents">What it is to hold.</param>
    /// <param name="options">Compression, baskets, threads; null for the defaults.</param>
    /// <exception cref="RootWriteException">The file cannot be written there.</exception>
    public static TracksterWriter Create(string path, PreparedContents contents, RootWriteOptions? options = null)
    {
        RootFileWriter file = RootFileWriter.Create(path, options);
        try
        {
            var writer = new TracksterWriter(file, contents);
            if (contents.Metadata is { Count: > 0 })
                WriteMetadata(file, contents.Metadata, contents.Format);
            return writer;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Adds tracksters.</summary>
    /// <exception cref="ArgumentException">Columns do not fit together; nothing of the batch is written then.</exception>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Append(TracksterBatch batch)
    {
        int entries = batch.Nodes.Length - 1;
        if (batch.Links.Length - 1 != entries)
            throw new ArgumentException($"wanted the links of {entries} tracksters, found those of {batch.Links.Length - 1}");
        if (_truth is not null && batch.Truth is null)
            throw new ArgumentException("the file has truth but the batch has none; set Truth and Fraction");
        if (_truth is not null && batch.Truth!.Event.Length != entries)
            throw new ArgumentException($"wanted the truth of {entries} tracksters, found that of {batch.Truth.Event.Length}");
        _nodes.Check(batch);
        _links.Check(batch);
        _truth?.Check(batch);
        _nodes.Append(batch);
        _links.Append(batch);
        _truth?.Append(batch);
        EntryCount += entries;
    }

    /// <summary>Completes the file and gives it its name; see <see cref="RootFileWriter.Close"/>.</summary>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Close() => _file.Close();

    /// <summary>Gives everything back; a file that was not closed is removed.</summary>
    public void Dispose() => _file.Dispose();

    /// <summary>Adds the table of what a file says about itself.</summary>
    internal static void WriteMetadata(RootFileWriter file, IReadOnlyDictionary<string, string> metadata,
        TableFormat format = TableFormat.Tree)
    {
        const string title = "how the file was made";
        IOrderedEnumerable<KeyValuePair<string, string>> ordered = metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal);
        if (format == TableFormat.Ntuple)
        {
            NtupleWriter ntuple = file.CreateNtuple(TracksterSchema.MetadataTree, title);
            (TextFieldWriter Field, string Value)[] fields = [.. ordered.Select(pair => (ntuple.Text(pair.Key), pair.Value))];
            ntuple.Append([.. fields.Select(one => one.Field.Values([one.Value]))]);
            return;
        }
        TreeWriter tree = file.CreateTree(TracksterSchema.MetadataTree, title);
        foreach ((string key, string value) in ordered)
            tree.Text(key).Set(value);
        tree.Fill();
    }

    private static void AddNodes(PreparedTable table, bool withTruth)
    {
        table.Count(TracksterSchema.NodeCount, batch => batch.Nodes);
        table.List(TracksterSchema.Id, batch => batch.Id);
        table.List(TracksterSchema.Layer[0], batch => batch.Layer);
        table.List(TracksterSchema.HitCount[0], batch => batch.HitCount);
        table.List(TracksterSchema.PosX, batch => batch.PosX);
        table.List(TracksterSchema.PosY, batch => batch.PosY);
        table.List(TracksterSchema.PosZ, batch => batch.PosZ);
        table.List(TracksterSchema.Energy, batch => batch.Energy);
        table.List(TracksterSchema.Time, batch => batch.Time);
        table.List(TracksterSchema.Eta, batch => batch.Eta);
        table.List(TracksterSchema.Phi, batch => batch.Phi);
        table.List(TracksterSchema.IsSeedHigh, batch => batch.IsSeedHigh);
        table.List(TracksterSchema.IsSeedLow, batch => batch.IsSeedLow);
        table.List(TracksterSchema.Label, batch => batch.Label);
        if (withTruth)
            table.List(TracksterSchema.Fraction, batch => batch.Fraction);
    }

    private static void AddLinks(PreparedTable table)
    {
        table.Count(TracksterSchema.LinkCount, batch => batch.Links);
        table.List(TracksterSchema.Origin, batch => batch.Origin);
        table.List(TracksterSchema.Target, batch => batch.Target);
    }

    private static void AddTruth(PreparedTable table, PreparedContents contents)
    {
        if (contents.HasRuns)
        {
            table.Number(TracksterSchema.Run, batch => batch.Truth!.Run);
            table.Number(TracksterSchema.Lumi, batch => batch.Truth!.Lumi);
        }

        table.Number(TracksterSchema.Event[0], batch => batch.Truth!.Event);
        table.Number(TracksterSchema.Trackster, batch => batch.Truth!.Trackster);
        table.Number(TracksterSchema.PdgId[0], batch => batch.Truth!.PdgId);
        table.Number(TracksterSchema.GeneratedEnergy, batch => batch.Truth!.GeneratedEnergy);
        table.Number(TracksterSchema.SimEnergy[0], batch => batch.Truth!.SimEnergy);
        if (contents.HasPileUp)
            table.Number(TracksterSchema.PileUp[0], batch => batch.Truth!.PileUp);
    }
}
