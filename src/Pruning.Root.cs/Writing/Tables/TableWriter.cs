using Pruning.Root.Files;
using Pruning.Root.Writing.Records;

namespace Pruning.Root.Writing.Tables;

/// <summary>Why a file saves its metadata.</summary>
internal enum SaveKind
{
    /// <summary>The entries so far must survive a crash. More may follow.</summary>
    Checkpoint,

    /// <summary>The file is complete.</summary>
    Complete,
}

/// <summary>A tree or an RNTuple that is being written: the counterpart of <c>IRootTable</c>.</summary>
public abstract class TableWriter
{
    private readonly ITableOutput _file;

    private protected TableWriter(ITableOutput file, WrittenDirectory directory, string name, string title)
    {
        _file = file;
        Options = file.Options;
        Directory = directory;
        Name = name;
        Title = title;
    }

    /// <summary>Its name, without its directories.</summary>
    public string Name { get; }

    /// <summary>Its title; of an RNTuple, the description.</summary>
    public string Title { get; }

    /// <summary>Entries so far.</summary>
    public long EntryCount { get; private protected set; }

    internal WrittenDirectory Directory { get; }

    private protected RootWriteOptions Options { get; }

    /// <summary>Ends the cluster, even if it is small.</summary>
    internal abstract void Flush();

    /// <summary>Returns the memory of entries that were not flushed.</summary>
    internal abstract void Release();

    internal void CheckOpen() => _file.CheckOpen();

    private protected void CheckpointIfDue() => _file.CheckpointIfDue();
}
