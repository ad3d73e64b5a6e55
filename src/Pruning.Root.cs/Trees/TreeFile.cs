using Pruning.Root.Files;
using Pruning.Root.Sources;
using Pruning.Root.Streamers;
using Pruning.Root.Threading;

namespace Pruning.Root.Trees;

/// <summary>What all trees of a file share: the file, its class descriptions, and basket readers for each thread.</summary>
internal sealed class TreeFile : IDisposable
{
    private readonly Lazy<ClassCatalogue> _classes;

    /// <param name="file">The file.</param>
    /// <param name="compressionSetting">Of the file's header: what branches that name no setting were written with.</param>
    /// <param name="classes">Class descriptions, read when a branch first needs them.</param>
    public TreeFile(OpenedFile file, int compressionSetting, Lazy<ClassCatalogue> classes)
    {
        File = file;
        CompressionSetting = compressionSetting;
        _classes = classes;
        Readers = new ToolPool<BasketReader>(() => new BasketReader(this));
    }

    public OpenedFile File { get; }

    public FileSource Source => File.Source;

    public RootReadOptions Options => File.Options;

    public string Path => File.Path;

    public long Length => File.Length;

    public int CompressionSetting { get; }

    public ClassCatalogue Classes => _classes.Value;

    /// <summary>Basket readers, one for each thread that works.</summary>
    public ToolPool<BasketReader> Readers { get; }

    /// <summary>Runs work on items on as many threads as the options allow.</summary>
    public void Run<TItem>(TItem[] items, Action<BasketReader, TItem> work) => ParallelWork.Run(Readers, Options.Workers, items, work);

    public void Dispose() => Readers.Dispose();
}
