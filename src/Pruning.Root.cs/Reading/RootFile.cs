using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Sources;
using Pruning.Root.Streamers;
using Pruning.Root.Trees;

namespace Pruning.Root.Reading;

/// <summary>A ROOT file, open for reading. Safe from many threads; dispose it when no read is under way.</summary>
public sealed partial class RootFile : IDisposable
{
    private readonly OpenedFile _file;
    private readonly TreeFile _treeFile;
    private readonly RootLocation _location;
    private readonly Lazy<ClassCatalogue> _classes;
    private RootHeader _header;
    private Lazy<DirectoryTree> _directories;

    private RootFile(FileSource source, RootHeader header, RootReadOptions options)
    {
        _file = new OpenedFile(source, options);
        _header = header;
        _location = new RootLocation(source.Path);
        _directories = new Lazy<DirectoryTree>(() => DirectoryTree.Read(_file, header));
        _classes = new Lazy<ClassCatalogue>(() => ClassCatalogue.Read(_file, _header));
        _treeFile = new TreeFile(_file, header.Compression, _classes);
    }

    /// <summary>The path as it was given.</summary>
    public string Path => _file.Path;

    /// <summary>Bytes in the file.</summary>
    public long Length => _file.Length;

    /// <summary>ROOT version that wrote the file: 10000 major + 100 minor + patch, for example 63206.</summary>
    public int Version => _header.Version;

    /// <summary>
    /// ROOT's code (algorithm * 100 + level) of what the writer compressed with unless a branch says otherwise; 0 for none.
    /// </summary>
    public int CompressionSetting => _header.Compression;

    /// <summary>
    /// The readable part of a file that was not closed; null for complete files, and without
    /// <see cref="RootReadOptions.Recover"/>.
    /// </summary>
    public RootRecovery? Recovery { get; private set; }

    /// <summary>The file below the level of trees and RNTuples.</summary>
    internal OpenedFile File => _file;

    /// <summary>What the file's trees share.</summary>
    internal TreeFile TreeFile => _treeFile;

    /// <summary>Class descriptions, read when a branch first needs them.</summary>
    internal ClassCatalogue Classes => _classes.Value;

    /// <summary>False for files whose writer described no classes.</summary>
    internal bool HasClasses => _header.SeekInfo != 0;

    /// <summary>Every object with its key.</summary>
    internal IReadOnlyList<ListedKey> ListedKeys => _directories.Value.Keys;

    /// <summary>Opens a file and checks its header and key lists.</summary>
    /// <exception cref="RootFormatException">The file is missing, damaged, or of another kind (which is named).</exception>
    public static RootFile Open(string path, RootReadOptions? options = null)
    {
        FileSource source = FileSource.Open(path);
        try
        {
            var at = new RootLocation(path);
            Span<byte> start = stackalloc byte[RootHeader.MaxBytes];
            start = start[..(int)Math.Min(start.Length, source.Length)];
            source.Read(0, start, at);
            options ??= RootReadOptions.Default;
            var file = new RootFile(source, RootHeader.Decode(start, source.Length, at, options.Recover), options);
            if (options.Recover)
                file.RecoverIfNeeded();
            else
                _ = file._directories.Value;
            return file;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>Every object of the file, directories included, in the order of the file's lists.</summary>
    public IReadOnlyList<RootEntry> List() => _directories.Value.Entries;

    /// <inheritdoc/>
    public void Dispose()
    {
        _treeFile.Dispose();
        _file.Dispose();
    }

    // A writer that stopped may have written a tree's description that is newer than its lists.
    private void RecoverIfNeeded()
    {
        string? reason = _header.End > Length ? $"the file ends at byte {Length} but its header says {_header.End}" : ProblemOfLists();
        RecordWalk walk = RecordWalk.Through(_file, _header);
        if (reason is null)
        {
            if (walk.LastTable <= _directories.Value.LastTable)
                return;
            reason = "the file has newer trees or RNTuples than its lists say";
        }
        _directories = new Lazy<DirectoryTree>(DirectoryTree.Of(walk.Keys));
        if (walk.Descriptions is RootKey descriptions)
            _header = _header with { SeekInfo = descriptions.Seek, InfoBytes = descriptions.RecordBytes };
        var trees =
            List().Where(entry => entry.IsTable).DistinctBy(entry => entry.Path).Select(entry =>
            new RecoveredTree(entry.Path, CountEntries(entry.Path)));
        Recovery = new RootRecovery(reason, walk.End, [.. trees]);
    }

    private string? ProblemOfLists()
    {
        try
        {
            _ = _directories.Value;
            return null;
        }
        catch (RootFormatException e)
        {
            return e.Problem;
        }
    }

    private long CountEntries(string path)
    {
        try
        {
            return Table(path).EntryCount;
        }
        catch (RootFormatException)
        {
            return 0; // it says why when it is opened
        }
    }
}
