using System.Globalization;
using Pruning.Root.Errors;
using Pruning.Root.Writing.Records;
using Pruning.Root.Writing.Tables;

namespace Pruning.Root.Writing.Trees;

/// <summary>
/// A tree that is being written: first its branches, then its entries, one by one or many at once. Both ways give the same
/// bytes. Not safe from several threads; compression runs on other threads.
/// </summary>
public sealed class TreeWriter : TableWriter
{
    private readonly IBasketOutput _file;
    private readonly List<BranchWriter> _branches = [];
    private readonly List<SplitObject> _objects = [];
    private readonly Dictionary<string, BranchWriter> _byName = new(StringComparer.Ordinal);
    private long _clusterStart;
    private long _clusterBytes; // of whole baskets since the cluster began
    private long? _clusterEntries;
    private long? _lastCluster; // entries of the one that was ended last
    private bool _isRegular = true;

    internal TreeWriter(IBasketOutput file, WrittenDirectory directory, string name, string title)
        : base(file, directory, name, title)
    {
        _file = file;
        _clusterEntries = Options.ClusterEntries;
        Extent = new TreeExtent(0, [], null);
    }

    internal IReadOnlyList<BranchWriter> Branches => _branches;

    internal IReadOnlyList<SplitObject> Objects => _objects;

    /// <summary>What a description that is written now contains.</summary>
    internal TreeExtent Extent { get; private set; }

    /// <summary>Adds a branch with one number an entry.</summary>
    public FlatBranch<T> Flat<T>(string name)
        where T : unmanaged => Add(name, () => new FlatBranch<T>(this, name));

    /// <summary>Adds a branch with a fixed number of numbers an entry.</summary>
    /// <param name="name">Name of the branch.</param>
    /// <param name="dimensions">One or more, for example 3, or 2 and 3 for <c>x[2][3]</c>.</param>
    public FixedBranch<T> Fixed<T>(string name, params int[] dimensions)
        where T : unmanaged => Add(name, () => new FixedBranch<T>(this, name, dimensions));

    /// <summary>Adds a branch of counts, to which jagged branches are added then.</summary>
    public CounterGroup Counter(string name) => Add(name, () => new CounterGroup(this, name));

    /// <summary>Adds a branch <c>vector&lt;T&gt;</c>.</summary>
    public VectorBranch<T> Vector<T>(string name)
        where T : unmanaged => Add(name, () => new VectorBranch<T>(this, name));

    /// <summary>Adds a branch <c>vector&lt;vector&lt;T&gt; &gt;</c>.</summary>
    public NestedVectorBranch<T> NestedVector<T>(string name)
        where T : unmanaged => Add(name, () => new NestedVectorBranch<T>(this, name));

    /// <summary>Adds a branch with an object of a class of numbers an entry, to which its members are added then.</summary>
    /// <param name="name">Name of the branch.</param>
    /// <param name="className">C++ class, such as <c>edm::EventID</c>.</param>
    /// <param name="version">Its version.</param>
    public SplitObject Object(string name, string className, int version)
    {
        CheckOpen();
        TableRules.CheckName(name, "branch", TableRules.BranchForbidden);
        var made = new SplitObject(this, name, className, version);
        _objects.Add(made);
        return made;
    }

    /// <summary>Adds a branch with one text an entry.</summary>
    public TextBranch Text(string name) => Add(name, () => new TextBranch(this, name));

    /// <summary>Adds a branch <c>vector&lt;string&gt;</c>.</summary>
    public TextVectorBranch TextVector(string name) => Add(name, () => new TextVectorBranch(this, name));

    /// <summary>Ends the entry whose values were set.</summary>
    /// <exception cref="InvalidOperationException">A branch was not set, or counts of a group differ; nothing is written then,
    /// and the entry can be completed.</exception>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Fill()
    {
        CheckOpen();
        foreach (BranchWriter branch in _branches)
            (branch as CounterGroup)?.Count();
        foreach (BranchWriter branch in _branches)
        {
            if (!branch.IsSet)
                throw new InvalidOperationException(Invariant($"Cannot fill entry {EntryCount} of tree '{Name}': branch '{branch.Name}' has no values. Call its Set before Fill."));
        }
        bool isFull = false;
        foreach (BranchWriter branch in _branches)
        {
            (branch as CounterGroup)?.SawCurrent();
            (branch as TextBranch)?.Saw(branch.Basket.EntryBytes);
        }
        foreach (BranchWriter branch in _branches)
        {
            branch.Commit();
            isFull |= branch.Basket.CommittedBytes >= Options.BasketBytes;
        }
        EntryCount++;
        Advance(isFull);
    }

    /// <summary>
    /// Adds many entries at once: one piece of data for every branch, also for counters, all with the same number of
    /// entries. Only the bytes of each value are
    /// reversed. Values that were set for an entry that was not filled are discarded.
    /// </summary>
    /// <exception cref="ArgumentException">A branch is missing, is given twice, or has another number of entries.</exception>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Append(params IReadOnlyList<BranchData> data)
    {
        CheckOpen();
        BranchData[] ordered = Ordered(data);
        long count = ordered.Length == 0 ? 0 : ordered[0].EntryCount;
        foreach (BranchData one in ordered)
            one.Branch.Forget();
        long[] fullAt = new long[ordered.Length]; // entry of the data at which the branch's basket is full
        for (long next = 0; next < count;)
        {
            long end = Math.Min(count, next + int.MaxValue);
            for (int i = 0; i < ordered.Length; i++)
            {
                if (fullAt[i] <= next)
                    fullAt[i] = next + ordered[i].EntriesFor(next, Options.BasketBytes - ordered[i].Branch.Basket.CommittedBytes);
                end = Math.Min(end, fullAt[i]);
            }
            end = Math.Min(end, ClusterEnd(ordered, next, end));
            foreach (BranchData one in ordered)
                one.Write(next, (int)(end - next));
            EntryCount += end - next;
            next = end;
            bool ended = Advance(isFull: true);
            if (ended)
                Array.Clear(fullAt);
        }
    }

    /// <summary>Throws what <see cref="Append"/> would throw for this data, and writes nothing.</summary>
    /// <exception cref="ArgumentException">As for <see cref="Append"/>.</exception>
    public void Check(IReadOnlyList<BranchData> data) => Ordered(data);

    internal static string Brackets(int[] dimensions) =>
        string.Concat(dimensions.Select(size => string.Create(CultureInfo.InvariantCulture, $"[{size}]")));

    internal static int Product(int[] dimensions, string name)
    {
        long product = 1;
        foreach (int size in dimensions)
        {
            product *= size;
            if (size < 1 || product > 1 << 20)
                throw new ArgumentException(Invariant($"Cannot add branch '{name}' with the dimensions {Brackets(dimensions)}: each must be at least 1, and their product at most {1 << 20}."));
        }
        return (int)product;
    }

    internal T Add<T>(string name, Func<T> create)
        where T : BranchWriter
    {
        CheckOpen();
        TableRules.CheckName(name, "branch", TableRules.BranchForbidden);
        if (EntryCount > 0)
            throw new InvalidOperationException(Invariant($"Cannot add branch '{name}' to tree '{Name}': the tree has {EntryCount} entries already. Add all branches before the first entry."));
        if (_byName.ContainsKey(name))
            throw new ArgumentException(
                $"Cannot add branch '{name}' to tree '{Name}': the tree has a branch of that name already. Choose another name.");
        T branch = create();
        _byName.Add(name, branch);
        _branches.Add(branch);
        Extent = new TreeExtent(0, new int[_branches.Count], null);
        return branch;
    }

    internal void Add(FilledBasket basket) => _file.Add(basket);

    /// <summary>Writes every basket that is being filled, even a small one.</summary>
    internal override void Flush()
    {
        if (EntryCount == _clusterStart)
            return;
        // The last cluster may be shorter; one that is followed by another must not be.
        _isRegular &= _lastCluster is null || _lastCluster == _clusterEntries;
        _lastCluster = EntryCount - _clusterStart;
        foreach (BranchWriter branch in _branches)
            branch.Flush();
        _clusterStart = EntryCount;
        _clusterBytes = 0;
        long? cluster = _isRegular && _clusterEntries is not null && EntryCount >= _clusterEntries ? _clusterEntries : null;
        Extent = new TreeExtent(EntryCount, [.. _branches.Select(branch => branch.FullBaskets)], cluster);
    }

    /// <summary>Gives the memory of unfinished baskets back.</summary>
    internal override void Release()
    {
        foreach (BranchWriter branch in _branches)
            branch.Basket.Release();
    }

    // Called after new entries: writes full baskets, and all baskets at the end of a cluster. True at the end of a cluster.
    private bool Advance(bool isFull)
    {
        bool ends = _clusterEntries is long entries
            ? EntryCount - _clusterStart >= entries
            : ClusterBytes() >= Options.ClusterBytes;
        if (ends)
        {
            _clusterEntries ??= EntryCount - _clusterStart;
            Flush();
            CheckpointIfDue();
            return true;
        }
        if (!isFull)
            return false;
        foreach (BranchWriter branch in _branches)
        {
            if (branch.Basket.CommittedBytes < Options.BasketBytes)
                continue;
            _clusterBytes += branch.Basket.CommittedBytes;
            branch.Flush();
        }
        return false;
    }

    private long ClusterBytes()
    {
        long bytes = _clusterBytes;
        foreach (BranchWriter branch in _branches)
            bytes += branch.Basket.CommittedBytes;
        return bytes;
    }

    // The data in the order of the branches. Counted data gets the offsets of its counter.
    private BranchData[] Ordered(IReadOnlyList<BranchData> data)
    {
        var byBranch = new Dictionary<BranchWriter, BranchData>();
        foreach (BranchData one in data)
        {
            if (!byBranch.TryAdd(one.Branch, one))
                throw new ArgumentException($"Cannot append to tree '{Name}': branch '{one.Branch.Name}' is given twice.");
        }
        var ordered = new BranchData[_branches.Count];
        long count = -1;
        for (int i = 0; i < ordered.Length; i++)
        {
            BranchWriter branch = _branches[i];
            if (!byBranch.Remove(branch, out BranchData? found))
                throw new ArgumentException($"Cannot append to tree '{Name}': branch '{branch.Name}' is given no data.");
            if (branch.Counter is not null)
                found = ((ICounted)found).Bind(((CountData)ordered[_branches.IndexOf(branch.Counter)]).Offsets);
            if (count >= 0 && found.EntryCount != count)
                throw new ArgumentException(Invariant($"Cannot append to tree '{Name}': branch '{branch.Name}' is given {found.EntryCount} entries but branch '{_branches[0].Name}' {count}."));
            count = found.EntryCount;
            ordered[i] = found;
        }
        return byBranch.Count == 0 ? ordered
            : throw new ArgumentException(
                $"Cannot append to tree '{Name}': branch '{byBranch.Keys.First().Name}' belongs to another tree.");
    }

    // The entry of the data at which the cluster must end, or the end of the data.
    private long ClusterEnd(BranchData[] data, long next, long end)
    {
        if (_clusterEntries is long entries)
            return Math.Min(end, next + entries - (EntryCount - _clusterStart));
        long missing = Options.ClusterBytes - ClusterBytes();
        long low = next + 1;
        while (low < end)
        {
            long middle = low + ((end - low) / 2);
            if (data.Sum(one => one.BytesOf(next, middle - next)) >= missing)
                end = middle;
            else
                low = middle + 1;
        }
        return end;
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
