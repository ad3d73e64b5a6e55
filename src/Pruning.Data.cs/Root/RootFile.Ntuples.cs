using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Pruning.Data.Root;

/// <content>RNTuples, and tables of either kind.</content>
public sealed partial class RootFile
{
    private readonly ConcurrentDictionary<long, Lazy<RootNtuple>> _ntuples = new();
    private readonly ConcurrentBag<BlockDecoder> _decoders = [];

    /// <summary>Opens an RNTuple: <c>Events</c>, <c>dir/Events</c>, <c>Events;1</c>. Without a cycle, the newest.</summary>
    /// <exception cref="RootFormatException">No such RNTuple (the nearest names are listed), not an RNTuple, of an unknown version, or damaged.</exception>
    public RootNtuple Ntuple(string name) => TryNtuple(name, out RootNtuple? ntuple) ? ntuple : throw NotFound(name, "RNTuple", entry => entry.IsNtuple);

    /// <summary>As <see cref="Ntuple"/>, but false where there is no object of that name and cycle.</summary>
    /// <exception cref="RootFormatException">The object is not an RNTuple, of an unknown version, or damaged.</exception>
    public bool TryNtuple(string name, [NotNullWhen(true)] out RootNtuple? ntuple)
    {
        ntuple = null;
        if (_directories.Value.Find(name) is not ListedKey found)
            return false;
        if (!found.Entry.IsNtuple)
        {
            throw new RootFormatException(
                RootErrorKind.WrongClass,
                found.Entry.IsTree
                    ? $"wanted an RNTuple but '{name}' is a tree; open it with {nameof(RootFile)}.{nameof(Tree)}, or as either with {nameof(Table)}"
                    : $"wanted an RNTuple but '{name}' is a {found.Entry.ClassName}; {NearestNames.Suggest(name, Names(entry => entry.IsNtuple), "the file has no RNTuples")}",
                _location);
        }
        ntuple = _ntuples.GetOrAdd(found.Key.Seek, _ => new Lazy<RootNtuple>(() => ReadNtuple(found))).Value;
        return true;
    }

    /// <summary>Opens a tree or an RNTuple, whichever has the name.</summary>
    /// <exception cref="RootFormatException">No such object (the nearest names are listed), of another class, or damaged.</exception>
    public IRootTable Table(string name) => TryTable(name, out IRootTable? table) ? table : throw NotFound(name, "tree or RNTuple", entry => entry.IsTree || entry.IsNtuple);

    /// <summary>As <see cref="Table"/>, but false where there is no object of that name and cycle.</summary>
    /// <exception cref="RootFormatException">The object is neither a tree nor an RNTuple, or damaged.</exception>
    public bool TryTable(string name, [NotNullWhen(true)] out IRootTable? table)
    {
        table = null;
        if (_directories.Value.Find(name) is not ListedKey found)
            return false;
        if (!found.Entry.IsNtuple && !found.Entry.IsTree)
        {
            throw new RootFormatException(
                RootErrorKind.WrongClass,
                $"wanted a tree or an RNTuple but '{name}' is a {found.Entry.ClassName}; {NearestNames.Suggest(name, Names(entry => entry.IsTree || entry.IsNtuple), "the file has neither")}",
                _location);
        }
        table = found.Entry.IsNtuple ? Ntuple(name) : Tree(name);
        return true;
    }

    /// <summary>The codecs of one thread; give them back with <see cref="ReturnDecoder"/>.</summary>
    internal BlockDecoder RentDecoder() => _decoders.TryTake(out BlockDecoder? decoder) ? decoder : new BlockDecoder();

    internal void ReturnDecoder(BlockDecoder decoder) => _decoders.Add(decoder);

    private void DisposeDecoders()
    {
        while (_decoders.TryTake(out BlockDecoder? decoder))
            decoder.Dispose();
    }

    private IEnumerable<string> Names(Func<RootEntry, bool> wanted) => List().Where(wanted).Select(entry => entry.Path);

    private RootNtuple ReadNtuple(ListedKey found)
    {
        RootLocation at = _location with { Ntuple = found.Entry.Path, Byte = found.Key.Seek };
        (_, byte[] payload) = RecordReader.Read(this, found.Key, at);
        return new RootNtuple(this, found.Entry.Path, found.Entry.Cycle, NtupleAnchor.Decode(payload, at));
    }

    private RootFormatException NotFound(string name, string what, Func<RootEntry, bool> wanted)
    {
        string[] cycles = [.. List().Where(entry => entry.Path == DirectoryTree.WithoutCycle(name)).Select(entry => entry.Cycle.ToString(CultureInfo.InvariantCulture))];
        string hint = cycles.Length > 0
            ? $"its cycles are {string.Join(", ", cycles)}"
            : NearestNames.Suggest(DirectoryTree.WithoutCycle(name), Names(wanted), $"the file has no {what}");
        return new RootFormatException(RootErrorKind.ObjectNotFound, $"there is no {what} '{name}'; {hint}", _location);
    }
}
