using Pruning.Root.Compression.Blocks;
using Pruning.Root.Sources;
using Pruning.Root.Threading;

namespace Pruning.Root.Files;

/// <summary>
/// A ROOT file that is open for reading, below the level of trees and RNTuples: its bytes, the limits of reading, and
/// codecs for each thread. Safe from many threads.
/// </summary>
internal sealed class OpenedFile(FileSource source, RootReadOptions options) : IDisposable
{
    /// <summary>The bytes.</summary>
    public FileSource Source { get; } = source;

    public RootReadOptions Options { get; } = options;

    /// <summary>Decompressors, one for each thread that works.</summary>
    public ToolPool<BlockDecoder> Decoders { get; } = new(static () => new BlockDecoder());

    /// <summary>The path as it was given.</summary>
    public string Path => Source.Path;

    /// <summary>Bytes in the file.</summary>
    public long Length => Source.Length;

    public void Dispose()
    {
        Decoders.Dispose();
        Source.Dispose();
    }
}
