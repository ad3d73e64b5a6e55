using Pruning.Data.Batching;
using Pruning.Data.Errors;
using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Reading;
using Pruning.Root.Trees;

namespace Pruning.Data.Ticl;

/// <summary>What to read of TICL ntuples.</summary>
public sealed record TiclReadOptions
{
    /// <summary>Collection of the reconstructed tracksters; null takes CLUE3D's.</summary>
    public string? Collection { get; init; }

    /// <summary>Which simulated tracksters tell the truth.</summary>
    public TiclTruth Truth { get; init; } = TiclTruth.CaloParticle;

    /// <summary>Bytes of decompressed columns that make a block of events; two blocks are in memory at a time. Default 32 MiB.</summary>
    public long BlockBytes { get; init; } = 32 << 20;
}

/// <summary>
/// An ntuple of the TICL dumper or of HGCAL NanoAOD, open for reading. Which generation it is follows from the trees and
/// branches that it has (<see cref="TiclFormat"/>). Everything that is wanted is looked for when the file is opened.
/// </summary>
public abstract class TiclNtuple : IDisposable
{
    private readonly RootFile _file;

    private protected TiclNtuple(RootFile file, TiclContents contents, TiclReadOptions options)
    {
        _file = file;
        Contents = contents;
        Options = options;
    }

    /// <summary>Events.</summary>
    public long EntryCount { get; private protected set; }

    /// <summary>The trees (of NanoAOD, the labels) that are read.</summary>
    public TiclTrees Trees { get; private protected init; } = null!;

    /// <summary>Generation of the file.</summary>
    public TiclFormat Format => Contents.Format;

    /// <summary>What tells files of different versions apart, in one line.</summary>
    public string Fingerprint => Contents.Fingerprint();

    /// <summary>Sentences about what is known to be wrong in such files.</summary>
    public IReadOnlyList<string> Warnings => Contents.Warnings();

    /// <summary>The file says run, luminosity block and event of its entries.</summary>
    public abstract bool HasEvents { get; }

    /// <summary>Path of the file as it was given.</summary>
    internal string Path => _file.Path;

    private protected TiclContents Contents { get; }

    private protected TiclReadOptions Options { get; }

    /// <summary>Opens an ntuple.</summary>
    /// <exception cref="RootFormatException">The file is missing, damaged or no ROOT file.</exception>
    /// <exception cref="DataException">
    /// A tree or branch is missing, or trees differ in length; the message has what was wanted and what is there.
    /// </exception>
    public static TiclNtuple Open(string path, TiclReadOptions options)
    {
        RootFile file = RootFile.Open(path);
        try
        {
            TiclContents contents = TiclContents.Of(file);
            return contents.Format.IsFlat ? new NanoNtuple(file, contents, options) : new DumperNtuple(file, contents, options);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The columns of all events, block after block; while one is worked on, the next is read. Bounds of blocks follow
    /// those of the baskets where they can, and do not depend on threads.
    /// </summary>
    /// <param name="stop">Ends the sequence with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="DataException">Baskets that are damaged, or branches of other types than an ntuple has.</exception>
    public IEnumerable<TiclColumns> Blocks(CancellationToken stop = default) =>
        Prefetch.InOrder(Ranges(), range => Read(range.First, range.End), 1, 1, stop);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>Columns of a range of entries.</summary>
    private protected abstract TiclColumns Read(long first, long end);

    /// <summary>Every branch that is read; bounds of blocks follow the baskets of the first.</summary>
    private protected abstract IEnumerable<(RootTree Tree, RootBranch Branch)> Wanted();

    /// <summary>Takes the number of entries from the first branch, and refuses others with other numbers.</summary>
    private protected void CountEntries()
    {
        (RootTree Tree, RootBranch Branch)[] wanted = [.. Wanted()];
        EntryCount = wanted[0].Branch.EntryCount;
        foreach ((RootTree tree, RootBranch branch) in wanted)
        {
            if (branch.EntryCount != EntryCount)
                throw new DataException(
                    $"{Path}: '{branch.Name}' of tree '{tree.Path}' has {branch.EntryCount} entries and tree "
                        + $"'{wanted[0].Tree.Path}' has {EntryCount}, but one entry is one event in every tree: the ntuple is "
                        + "damaged or not whole.");
        }
    }

    /// <summary>Refuses a tree without some branches.</summary>
    private protected void Require(RootTree tree, IReadOnlyList<string> wanted)
    {
        string[] missing = [.. wanted.Where(name => !tree.TryBranch(name, out _))];
        if (missing.Length == 0)
            return;
        string found = tree.Branches.Count == 0 ? "none" : string.Join(", ", tree.Branches.Take(60).Select(branch => branch.Name));
        throw new DataException(
            $"{Path}: tree '{tree.Path}' has no branch {string.Join(", ", missing.Select(name => $"'{name}'"))}; wanted of a TICL ntuple: {string.Join(", ", wanted)}; found: {found}; give a ntuple that the TICL dumper wrote with them.");
    }

    // Ranges of about as many bytes each. A cut goes back to the start of a basket of the layer clusters, so that few
    // baskets are decompressed twice.
    private List<(long First, long End)> Ranges()
    {
        (RootTree Tree, RootBranch Branch)[] wanted = [.. Wanted()];
        long bytes = wanted.Sum(one => one.Branch.UncompressedBytes);
        long perBlock = (long)Math.Clamp(Options.BlockBytes / Math.Max(1.0, (double)bytes / Math.Max(1, EntryCount)), 1, 1 << 20);
        long[] starts = [.. wanted[0].Branch.BasketStarts];
        List<(long, long)> ranges = [];
        for (long first = 0; first < EntryCount;)
        {
            long end = Math.Min(EntryCount, first + perBlock);
            if (end < EntryCount)
            {
                int at = Array.BinarySearch(starts, end);
                long snapped = at >= 0 ? end : ~at > 0 ? starts[~at - 1] : 0;
                end = snapped > first ? snapped : end;
            }

            ranges.Add((first, end));
            first = end;
        }

        return ranges;
    }
}
