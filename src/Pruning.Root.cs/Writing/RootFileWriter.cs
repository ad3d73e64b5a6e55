using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Ntuples.Metadata;
using Pruning.Root.Writing.Ntuples;
using Pruning.Root.Writing.Records;
using Pruning.Root.Writing.Tables;
using Pruning.Root.Writing.Trees;

namespace Pruning.Root.Writing;

/// <summary>
/// Writes a ROOT file of trees and RNTuples. The file has a temporary name until <see cref="Close"/> completes and renames
/// it. Disposing it without Close deletes it. Memory: one basket per branch and a few that are being compressed; for an
/// RNTuple, one cluster. Not safe from several threads.
/// </summary>
/// <example><code>
/// using var file = RootFileWriter.Create("out.root");
/// TreeWriter tree = file.CreateTree("Events");
/// FlatBranch&lt;int&gt; run = tree.Flat&lt;int&gt;("run");
/// JaggedBranch&lt;float&gt; pt = tree.Counter("nJet").Jagged&lt;float&gt;("Jet_pt");
/// run.Set(1);
/// pt.Set([41.5f, 30.25f]);
/// tree.Fill();
/// file.Close();
/// </code></example>
public sealed class RootFileWriter : IBasketOutput, IPageOutput, IDisposable
{
    private const int MaxBlobBytes = 1 << 29; // one record has 31 bits for its size

    private readonly RootWriteOptions _options;
    private readonly TemporaryFile _file;
    private readonly BasketQueue _queue;
    private readonly FileMetadata _metadata;
    private readonly List<TableWriter> _tables = [];
    private long _unsavedBytes; // of baskets since the last checkpoint; counted before compression, so that it does not depend on threads
    private bool _isOpen = true;
    private bool _isDisposed;

    private RootFileWriter(string path, RootWriteOptions options)
    {
        Path = path;
        _options = options;
        _file = TemporaryFile.Create(path, options.BeforeWrite);
        _queue = new BasketQueue(options.Compression, options.Workers, Write);
        _metadata = new FileMetadata(_file, System.IO.Path.GetFileName(path), options, _queue);
    }

    /// <summary>Path of the complete file.</summary>
    public string Path { get; }

    /// <summary>Its path until then. After a crash it still exists, and <see cref="RootReadOptions.Recover"/> reads it.</summary>
    public string TemporaryPath => _file.TemporaryPath;

    /// <summary>Bytes written so far, without baskets that are being filled or compressed.</summary>
    public long Length => _file.Length;

    /// <summary>Creates a file. An existing file of that name is replaced when the new one is complete.</summary>
    /// <param name="path">Path of the file.</param>
    /// <param name="options">Compression, baskets, threads; null for the defaults.</param>
    /// <exception cref="RootWriteException">The directory does not exist or is not writable, or the path is a directory.</exception>
    public static RootFileWriter Create(string path, RootWriteOptions? options = null)
    {
        RootFileWriter writer = new(path, (options ?? RootWriteOptions.Default).Checked());
        try
        {
            writer._metadata.Begin();
            return writer;
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    /// <summary>Adds a tree.</summary>
    /// <param name="path">Its name, with directories before it if needed: <c>Events</c>, <c>ticlDumper/tracksters</c>. Missing
    /// directories are created.</param>
    /// <param name="title">Its title; may be empty.</param>
    /// <exception cref="ArgumentException">The name is taken or not allowed.</exception>
    public TreeWriter CreateTree(string path, string title = "") =>
        Add(path, title, "tree", (directory, name) => new TreeWriter(this, directory, name, title));

    /// <summary>Adds an RNTuple, which ROOT from 6.34 on reads.</summary>
    /// <param name="path">As in <see cref="CreateTree"/>.</param>
    /// <param name="description">Its description; may be empty.</param>
    /// <exception cref="ArgumentException">The name is taken or not allowed.</exception>
    public NtupleWriter CreateNtuple(string path, string description = "")
    {
        TableRules.CheckName(path[(path.LastIndexOf('/') + 1)..], "RNTuple", TableRules.NtupleForbidden);
        return Add(path, description, "RNTuple", (directory, name) => new NtupleWriter(this, directory, name, description));
    }

    /// <summary>
    /// Saves all entries so far: after a crash they can be read from the temporary file. It ends the current cluster early;
    /// <see cref="RootWriteOptions.CheckpointEvery"/> saves at the ends of whole clusters instead. Values that were set for
    /// an entry that was not filled are discarded.
    /// </summary>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Checkpoint()
    {
        CheckOpen();
        foreach (TableWriter table in _tables)
            table.Flush();
        Save(SaveKind.Checkpoint);
    }

    /// <summary>Completes the file, waits until it is on the disk, and renames it to its final name.</summary>
    /// <exception cref="RootWriteException">The disk failed; the temporary file is removed.</exception>
    public void Close()
    {
        CheckOpen();
        try
        {
            foreach (TableWriter table in _tables)
                table.Flush();
            Save(SaveKind.Complete);
            _file.Publish();
        }
        finally
        {
            Dispose();
        }
    }

    /// <summary>Releases everything. A file that was not closed is deleted.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _isOpen = false;
        _queue.Dispose();
        foreach (TableWriter table in _tables)
            table.Release();
        _file.Dispose();
    }

    /// <summary>Tests make files of gigabytes that cost no disk.</summary>
    internal void LeaveHole(long bytes) => _file.Skip(bytes);

    RootWriteOptions ITableOutput.Options => _options;

    void ITableOutput.CheckOpen() => CheckOpen();

    private void CheckOpen()
    {
        if (!_isOpen)
            throw new ObjectDisposedException(nameof(RootFileWriter), $"Cannot add to {Path}: the file is closed.");
    }

    void IBasketOutput.Add(FilledBasket basket)
    {
        _unsavedBytes += basket.ObjectBytes;
        _queue.Add(basket);
    }

    void IPageOutput.WritePages(WrittenDirectory directory, IReadOnlyList<NtuplePage> pages)
    {
        _queue.Drain();
        for (int next = 0; next < pages.Count;)
        {
            int first = next;
            int bytes = 0;
            do
                bytes += pages[next++].Stored.Length;
            while (next < pages.Count && bytes + pages[next].Stored.Length <= MaxBlobBytes);
            long offset = _metadata.BeginBlob(directory, bytes);
            foreach (NtuplePage page in pages.Skip(first).Take(next - first))
            {
                page.Put(offset);
                _file.Append(page.Stored);
                offset += page.Stored.Length;
            }
        }
    }

    NtupleLink IPageOutput.WriteEnvelope(WrittenDirectory directory, ReadOnlySpan<byte> envelope) =>
        _metadata.WriteEnvelope(directory, envelope);

    void IPageOutput.CountUnsaved(long bytes) => _unsavedBytes += bytes;

    void ITableOutput.CheckpointIfDue()
    {
        if (_unsavedBytes >= _options.CheckpointEvery)
            Save(SaveKind.Checkpoint);
    }

    private T Add<T>(string path, string title, string what, Func<WrittenDirectory, string, T> create)
        where T : TableWriter
    {
        CheckOpen();
        string[] names = path.Split('/');
        foreach (string name in names)
            TableRules.CheckName(name, $"{what} or directory", TableRules.PathForbidden);
        TableRules.CheckLength(title, "title");
        _queue.Drain(); // a directory is a separate record between baskets
        WrittenDirectory directory = _metadata.Top;
        foreach (string name in names[..^1])
        {
            if (Find(directory, name) is TableWriter taken)
                throw new ArgumentException(
                    $"Cannot add '{path}' to {Path}: '{name}' is {(taken is TreeWriter ? "a tree" : "an RNTuple")} already and cannot be a directory too. Choose another name.");
            directory = _metadata.Directory(directory, name);
        }
        if (directory.Below.ContainsKey(names[^1]) || Find(directory, names[^1]) is not null)
            throw new ArgumentException(
                $"Cannot add '{path}' to {Path}: the file has a tree, RNTuple or directory of that name already. Choose another name.");
        T table = create(directory, names[^1]);
        _tables.Add(table);
        return table;
    }

    private TableWriter? Find(WrittenDirectory directory, string name) =>
        _tables.Find(other => other.Directory == directory && other.Name == name);

    private void Save(SaveKind kind)
    {
        _queue.Drain();
        _metadata.Save(_tables, kind);
        _unsavedBytes = 0;
    }

    private void Write(FilledBasket basket)
    {
        long seek = _file.Length;
        int index = basket.Branch.Written.Count;
        _metadata.EncodeBasketKey(basket, seek, index);
        _file.Append(basket.Record);
        basket.Branch.Written.Add(new WrittenBasket(basket.FirstEntry, seek, basket.Record.Length, basket.KeyBytes + basket.ObjectBytes));
    }
}
