using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Ntuples;
using Pruning.Root.Ntuples.Metadata;
using Pruning.Root.Trees;
using Pruning.Root.Trees.Records;

namespace Pruning.Root.Reading;

/// <content>Trees and RNTuples by their names.</content>
public sealed partial class RootFile
{
    private static readonly ObjectKind s_tree = new("a tree", "tree", "The file has no trees.", entry => entry.IsTree);
    private static readonly ObjectKind s_ntuple = new("an RNTuple", "RNTuple", "The file has no RNTuples.", entry => entry.IsNtuple);
    private static readonly ObjectKind s_table =
        new("a tree or an RNTuple", "tree or RNTuple", "The file has neither trees nor RNTuples.", entry => entry.IsTable);

    private readonly ConcurrentDictionary<long, Lazy<RootTree>> _trees = new();
    private readonly ConcurrentDictionary<long, Lazy<RootNtuple>> _ntuples = new();

    /// <summary>Opens a tree: <c>Tracksters</c>, <c>dir/Tracksters</c>, <c>Tracksters;1</c>. Without a cycle, the newest.</summary>
    /// <exception cref="RootFormatException">No such tree (the nearest names are listed), not a tree, or damaged.</exception>
    public RootTree Tree(string name) => TryTree(name, out RootTree? tree) ? tree : throw NotFound(name, s_tree);

    /// <summary>As <see cref="Tree"/>, but false where there is no object of that name and cycle.</summary>
    /// <exception cref="RootFormatException">The object is not a tree, or damaged.</exception>
    public bool TryTree(string name, [NotNullWhen(true)] out RootTree? tree) =>
        (tree = Find(name, s_tree) is ListedKey found ? OpenTree(found) : null) is not null;

    /// <summary>Opens an RNTuple: <c>Events</c>, <c>dir/Events</c>, <c>Events;1</c>. Without a cycle, the newest.</summary>
    /// <exception cref="RootFormatException">No such RNTuple (the nearest names are listed), not an RNTuple, of an unknown
    /// version, or damaged.</exception>
    public RootNtuple Ntuple(string name) => TryNtuple(name, out RootNtuple? ntuple) ? ntuple : throw NotFound(name, s_ntuple);

    /// <summary>As <see cref="Ntuple"/>, but false where there is no object of that name and cycle.</summary>
    /// <exception cref="RootFormatException">The object is not an RNTuple, of an unknown version, or damaged.</exception>
    public bool TryNtuple(string name, [NotNullWhen(true)] out RootNtuple? ntuple) =>
        (ntuple = Find(name, s_ntuple) is ListedKey found ? OpenNtuple(found) : null) is not null;

    /// <summary>Opens a tree or an RNTuple, whichever has the name.</summary>
    /// <exception cref="RootFormatException">No such object (the nearest names are listed), of another class, or damaged.</exception>
    public IRootTable Table(string name) => TryTable(name, out IRootTable? table) ? table : throw NotFound(name, s_table);

    /// <summary>As <see cref="Table"/>, but false where there is no object of that name and cycle.</summary>
    /// <exception cref="RootFormatException">The object is neither a tree nor an RNTuple, or damaged.</exception>
    public bool TryTable(string name, [NotNullWhen(true)] out IRootTable? table)
    {
        table = Find(name, s_table) switch
        {
            null => null,
            { Entry.IsNtuple: true } ntuple => OpenNtuple(ntuple),
            ListedKey tree => OpenTree(tree),
        };
        return table is not null;
    }

    // A kind of object that can be opened, and its names in errors.
    private sealed record ObjectKind(string One, string Name, string None, Func<RootEntry, bool> Fits);

    private ListedKey? Find(string name, ObjectKind wanted)
    {
        ListedKey? found = _directories.Value.Find(name);
        if (found is null || wanted.Fits(found.Entry))
            return found;
        (string own, string advice) = found.Entry switch
        {
            { IsNtuple: true } =>
                ("an RNTuple", $"Open it with {nameof(RootFile)}.{nameof(Ntuple)}, or with {nameof(Table)}, which opens trees as well."),
            { IsTree: true } =>
                ("a tree", $"Open it with {nameof(RootFile)}.{nameof(Tree)}, or with {nameof(Table)}, which opens RNTuples as well."),
            _ => ($"a {found.Entry.ClassName}", Nearest(name, wanted)),
        };
        throw new RootFormatException(RootErrorKind.WrongClass, $"wanted {wanted.One} but '{name}' is {own}", _location, advice);
    }

    private RootFormatException NotFound(string name, ObjectKind wanted)
    {
        string path = DirectoryTree.WithoutCycle(name);
        string[] cycles =
            [.. List().Where(entry => entry.Path == path).Select(entry => entry.Cycle.ToString(CultureInfo.InvariantCulture))];
        string hint = cycles.Length > 0 ? $"Its cycles are {string.Join(", ", cycles)}." : Nearest(path, wanted);
        return new RootFormatException(RootErrorKind.ObjectNotFound, $"there is no {wanted.Name} '{name}'", _location, hint);
    }

    private string Nearest(string name, ObjectKind wanted) =>
        NearestNames.Suggest(name, List().Where(wanted.Fits).Select(entry => entry.Path), wanted.None);

    private RootTree OpenTree(ListedKey found) => _trees.GetOrAdd(found.Key.Seek, _ => new Lazy<RootTree>(() => ReadTree(found))).Value;

    private RootNtuple OpenNtuple(ListedKey found) =>
        _ntuples.GetOrAdd(found.Key.Seek, _ => new Lazy<RootNtuple>(() => ReadNtuple(found))).Value;

    private RootTree ReadTree(ListedKey found)
    {
        RootLocation at = _location with { Tree = found.Entry.Path, Byte = found.Key.Seek };
        (RootKey key, byte[] payload) = RecordReader.Read(_file, found.Key, at);
        var description = new TreePayload(payload, at, key.KeyBytes, () => Classes);
        return new RootTree(_treeFile, found.Entry.Path, found.Entry.Cycle, TreeRecord.Decode(description, found.Entry.ClassName));
    }

    private RootNtuple ReadNtuple(ListedKey found)
    {
        RootLocation at = _location with { Ntuple = found.Entry.Path, Byte = found.Key.Seek };
        (_, byte[] payload) = RecordReader.Read(_file, found.Key, at);
        return new RootNtuple(_file, found.Entry.Path, found.Entry.Cycle, NtupleAnchor.Decode(payload, at));
    }
}
