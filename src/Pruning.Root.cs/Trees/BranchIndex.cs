using System.Text;
using Pruning.Root.Errors;
using Pruning.Root.Trees.Records;

namespace Pruning.Root.Trees;

/// <summary>
/// The branches of a tree that have values. Branch objects are created on first use, because a tree may have thousands of
/// which a program reads ten. Safe from many threads.
/// </summary>
internal sealed class BranchIndex
{
    private const int Ambiguous = -1;

    private readonly TreeFile _file;
    private readonly RootLocation _tree;
    private readonly List<BranchRecord> _records;
    private readonly RootBranch?[] _branches;
    private readonly Lazy<RootBranch[]> _all;
    private readonly Lazy<Dictionary<string, int>> _byName;
    private readonly Lazy<Dictionary<string, int>> _byShortName;

    public BranchIndex(TreeFile file, RootLocation tree, List<BranchRecord> records)
    {
        _file = file;
        _tree = tree;
        _records = records.FindAll(record => !record.IsNode);
        _branches = new RootBranch?[_records.Count];
        _all = new Lazy<RootBranch[]>(() => [.. Enumerable.Range(0, _records.Count).Select(At)]);
        _byName = new Lazy<Dictionary<string, int>>(() => Names(static branch => branch.Name, twice: null));
        _byShortName = new Lazy<Dictionary<string, int>>(() => Names(static branch => branch.ShortName, twice: Ambiguous));
    }

    /// <summary>Every branch in the order of the file.</summary>
    public IReadOnlyList<RootBranch> All => _all.Value;

    /// <summary>Entries of all branches; null when they have different numbers, or there is no branch.</summary>
    public long? CommonEntryCount()
    {
        long? common = null;
        foreach (BranchRecord record in _records)
        {
            long count = Math.Max(0, record.EntryNumber);
            if (record.Unsupported is not null)
                continue;
            if (common is not null && common != count)
                return null;
            common = count;
        }
        return common;
    }

    /// <summary>A branch by its full name, or by its own where only one has it; null when there is none.</summary>
    public RootBranch? Find(string name)
    {
        if (!_all.IsValueCreated)
            return Search(name); // comparing the stored names is cheaper than a dictionary of texts
        if (_byName.Value.TryGetValue(name, out int index) || (_byShortName.Value.TryGetValue(name, out index) && index != Ambiguous))
            return At(index);
        return null;
    }

    /// <summary>True when a branch has this name, without those above it.</summary>
    public bool IsTaken(string shortName)
    {
        byte[] wanted = Encoding.UTF8.GetBytes(shortName);
        return _records.Exists(record => record.NameBytes.SequenceEqual(wanted));
    }

    private RootBranch? Search(string name)
    {
        byte[] wanted = Encoding.UTF8.GetBytes(name);
        int called = Ambiguous;
        int count = 0;
        for (int i = 0; i < _records.Count; i++)
        {
            ReadOnlySpan<byte> own = _records[i].NameBytes;
            if (!wanted.AsSpan().EndsWith(own))
            {
                if (own.ContainsAnyExceptInRange((byte)0, (byte)127)) // a Latin-1 name has other bytes than its text
                    return FindAmongAll(name);
                continue;
            }
            if (IsPath(_records[i], wanted))
                return At(i);
            if (own.Length == wanted.Length)
            {
                called = i;
                count++;
            }
        }
        return count == 1 ? At(called) : null;
    }

    private RootBranch? FindAmongAll(string name)
    {
        _ = _all.Value;
        return Find(name);
    }

    private static bool IsPath(BranchRecord record, ReadOnlySpan<byte> path)
    {
        for (BranchRecord? at = record; at is not null; at = at.Parent)
        {
            if (!path.EndsWith(at.NameBytes))
                return false;
            path = path[..^at.NameBytes.Length];
            if (at.Parent is null)
                return path.IsEmpty;
            if (!path.EndsWith("/"u8))
                return false;
            path = path[..^1];
        }
        return false;
    }

    private RootBranch At(int index)
    {
        if (Volatile.Read(ref _branches[index]) is RootBranch known)
            return known;
        var made = new RootBranch(_file, FullName(_records[index]), _records[index], _tree, IsTaken);
        return Interlocked.CompareExchange(ref _branches[index], made, null) ?? made;
    }

    private static string FullName(BranchRecord record) =>
        record.Parent is null ? record.Name : $"{FullName(record.Parent)}/{record.Name}";

    private Dictionary<string, int> Names(Func<RootBranch, string> nameOf, int? twice)
    {
        var names = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < _records.Count; i++)
        {
            if (!names.TryAdd(nameOf(At(i)), i) && twice is int mark)
                names[nameOf(At(i))] = mark;
        }
        return names;
    }
}
