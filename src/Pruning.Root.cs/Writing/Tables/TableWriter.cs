using Pruning.Root.Columns;

namespace Pruning.Root.Writing;

/// <summary>Why a file saves what it knows.</summary>
internal enum SaveKind
{
    /// <summary>Entries so far are to survive a crash; more may come.</summary>
    Checkpoint,

    /// <summary>Nothing comes any more.</summary>
    Complete,
}

/// <summary>A tree or an RNTuple that is being written: the counterpart of <see cref="IRootTable"/>.</summary>
public abstract class TableWriter
{
    private protected TableWriter(RootFileWriter file, WrittenDirectory directory, string name, string title)
    {
        File = file;
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

    private protected RootFileWriter File { get; }

    /// <summary>Ends the cluster, whatever its size.</summary>
    internal abstract void Flush();

    /// <summary>Gives the memory of what was not flushed back.</summary>
    internal abstract void Release();

    internal void CheckOpen() => File.CheckOpen();
}
