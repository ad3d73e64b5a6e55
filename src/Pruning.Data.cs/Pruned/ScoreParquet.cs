using System.Globalization;
using Parquet;
using Parquet.Schema;
using Pruning.Data.Tracksters;
using Pruning.Shared;

namespace Pruning.Data.Pruned;

/// <summary>
/// Writes scores and decisions as a Parquet file: one row a layer cluster, Zstandard inside, what the file says about itself
/// as its key-value metadata. A block is a row group, so memory is that of a block.
/// </summary>
public sealed class ScoreParquet : IDisposable
{
    private readonly string _path;
    private readonly string _temporaryPath;
    private readonly FileStream _stream;
    private readonly ParquetWriter _writer;
    private readonly DataField _entry = new DataField<long>(PrunedSchema.Entry);
    private readonly DataField _event = new DataField<long>(TracksterSchema.Event[0]);
    private readonly DataField _trackster = new DataField<int>(TracksterSchema.Trackster);
    private readonly DataField _id = new DataField<long>(TracksterSchema.Id);
    private readonly DataField _score = new DataField<float>(PrunedSchema.Score);
    private readonly DataField _pruned = new DataField<bool>(PrunedSchema.Pruned);
    private readonly bool _withEvents;
    private readonly bool _withTracksters;
    private bool _isPublished;
    private bool _isDisposed;

    private ScoreParquet(string path, TracksterFile source, IReadOnlyDictionary<string, string> metadata)
    {
        _path = path;
        _temporaryPath = string.Create(CultureInfo.InvariantCulture, $"{path}.{Random.Shared.Next():x8}.tmp");
        _withEvents = source.HasEvents;
        _withTracksters = source.HasTracksterNumbers;
        List<Field> fields = [_entry, .. _withEvents ? [_event] : (Field[])[], .. _withTracksters ? [_trackster] : (Field[])[], _id, _score, _pruned];
        _stream = new FileStream(_temporaryPath, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1 << 16);
        _writer = Wait(ParquetWriter.CreateAsync(new ParquetSchema(fields), _stream, new ParquetOptions { CompressionMethod = CompressionMethod.Zstd }));
        _writer.CustomMetadata = new Dictionary<string, string>(metadata);
    }

    /// <summary>Begins a file; it has a temporary name until it is complete.</summary>
    /// <param name="path">Where it is to be.</param>
    /// <param name="source">The file that the tracksters are of.</param>
    /// <param name="metadata">What the file is to say about itself.</param>
    /// <exception cref="IOException">The file cannot be written there.</exception>
    public static ScoreParquet Create(string path, TracksterFile source, IReadOnlyDictionary<string, string> metadata) => new(path, source, metadata);

    /// <summary>The key-value metadata of a file.</summary>
    public static IReadOnlyDictionary<string, string> ReadMetadata(string path)
    {
        using FileStream stream = File.OpenRead(path);
        ParquetReader reader = Wait(ParquetReader.CreateAsync(stream));
        try
        {
            return reader.CustomMetadata;
        }
        finally
        {
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <summary>Adds the scores of a block; blocks come in the order of their entries.</summary>
    public void Append(PrunedBlock block)
    {
        TracksterTable table = block.Table;
        if (table.NodeCount == 0)
            return;
        using ParquetRowGroupWriter group = _writer.CreateRowGroup();
        Write(_entry, Spread(table, entry => table.FirstEntry + entry));
        if (_withEvents)
            Write(_event, Spread(table, entry => table.EventOf(entry)!.Value));
        if (_withTracksters)
            Write(_trackster, Spread(table, entry => table.TracksterOf(entry)!.Value));
        Write(_id, table.Ids);
        Write(_score, (ReadOnlyMemory<float>)block.Scores());
        Write(_pruned, (ReadOnlyMemory<bool>)block.Pruned);
        group.CompleteValidate();

        void Write<T>(DataField field, ReadOnlyMemory<T> values)
            where T : struct => group.WriteAsync(field, values).GetAwaiter().GetResult();
    }

    /// <summary>Completes the file, waits until it is on the disk, and gives it its name.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public void Close()
    {
        try
        {
            _writer.DisposeAsync().AsTask().GetAwaiter().GetResult(); // writes the end of the file
            _stream.Flush(flushToDisk: true);
            _stream.Dispose();
            AtomicFile.Publish(_temporaryPath, _path);
            _isPublished = true;
        }
        finally
        {
            Dispose();
        }
    }

    /// <summary>Gives everything back; a file that was not closed is removed.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _stream.Dispose();
        if (!_isPublished)
            File.Delete(_temporaryPath);
    }

    // The value of each trackster once for each of its layer clusters.
    private static ReadOnlyMemory<T> Spread<T>(TracksterTable table, Func<int, T> value)
    {
        T[] values = new T[table.NodeCount];
        ReadOnlySpan<long> offsets = table.NodeOffsets.Span;
        for (int entry = 0; entry < table.EntryCount; entry++)
            values.AsSpan((int)offsets[entry]..(int)offsets[entry + 1]).Fill(value(entry));
        return values;
    }

    // The streams are files: nothing is gained by waiting for them elsewhere.
    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
