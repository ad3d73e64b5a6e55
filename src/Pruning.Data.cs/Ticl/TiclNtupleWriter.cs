using Pruning.Data.Errors;
using Pruning.Data.Tracksters;
using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Writing;

namespace Pruning.Data.Ticl;

/// <summary>What an ntuple that is written is to hold.</summary>
public sealed record TiclNtupleContents
{
    /// <summary>Generation.</summary>
    public required TiclGeneration Generation { get; init; }

    /// <summary>Reconstructed tracksters, in the order in which every block brings them.</summary>
    public required IReadOnlyList<string> Collections { get; init; }

    /// <summary>Leave the tree of layer clusters out, where the generation may lack it.</summary>
    public bool WithoutClusters { get; init; }

    /// <summary>What the file is to say about itself; a tree <c>Metadata</c> as in prepared files.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

/// <summary>
/// Writes ntuples of every generation of <see cref="TiclFormat"/>, in the branch types of CMSSW, but only the branches that
/// preparing reads or looks at. One entry is one event in every tree. Blocks of events are written as they come, so that
/// memory does not grow with the file.
/// </summary>
public sealed class TiclNtupleWriter : IDisposable
{
    /// <summary>Directory of the dumper's trees.</summary>
    public const string Folder = "ticlDumper";

    private readonly RootFileWriter _file;
    private readonly TiclNtupleContents _contents;
    private readonly List<WrittenTree> _trees;

    private TiclNtupleWriter(RootFileWriter file, TiclNtupleContents contents)
    {
        _file = file;
        _contents = contents;
        TiclFormat format = TiclFormat.Of(contents.Generation);
        _trees = format.IsFlat ? [WrittenNano.Create(file, format, contents.Collections)] : WrittenDumper.Create(file, format, contents);
    }

    /// <summary>Events so far.</summary>
    public long EntryCount => _trees[0].EntryCount;

    /// <summary>Begins a file.</summary>
    /// <param name="path">Where it is to be.</param>
    /// <param name="contents">What it is to hold.</param>
    /// <param name="options">Compression, baskets, threads; null for the defaults.</param>
    /// <exception cref="ArgumentException">A generation that has layer clusters always is to lack them.</exception>
    /// <exception cref="RootWriteException">The file cannot be written there.</exception>
    public static TiclNtupleWriter Create(string path, TiclNtupleContents contents, RootWriteOptions? options = null)
    {
        TiclFormat format = TiclFormat.Of(contents.Generation);
        if (contents.WithoutClusters && !format.MayLackClusters)
            throw new ArgumentException($"Cannot write an ntuple of {format.Name} without layer clusters: only newer ones may lack them.");
        RootFileWriter file = RootFileWriter.Create(path, options);
        try
        {
            var writer = new TiclNtupleWriter(file, contents);
            if (contents.Metadata is { Count: > 0 } metadata)
                TracksterWriter.WriteMetadata(file, metadata);
            return writer;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Adds events.</summary>
    /// <exception cref="ArgumentException">
    /// Other collections than the file was begun with, or no events' numbers where the generation has them.
    /// </exception>
    /// <exception cref="DataException">Columns count different numbers of entries; nothing of the block is written then.</exception>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Append(TiclColumns columns)
    {
        if (columns.Tracksters.Count != _contents.Collections.Count)
            throw new ArgumentException(
                $"wanted {_contents.Collections.Count} collections of tracksters, found {columns.Tracksters.Count}");
        if (columns.Events is null && TiclFormat.Of(_contents.Generation).Events != TiclEventForm.None)
            throw new ArgumentException(
                "wanted run, luminosity block and event of each entry for an ntuple of "
                    + $"{TiclFormat.Of(_contents.Generation).Name}, found none");
        columns.Check();
        WrittenBlock block = new(columns);
        foreach (WrittenTree tree in _trees)
            tree.Append(block);
    }

    /// <summary>Completes the file and gives it its name.</summary>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Close() => _file.Close();

    /// <summary>Gives everything back; a file that was not closed is removed.</summary>
    public void Dispose() => _file.Dispose();
}
