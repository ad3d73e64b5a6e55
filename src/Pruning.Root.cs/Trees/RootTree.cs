using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Trees.Records;

namespace Pruning.Root.Trees;

/// <summary>A tree: named branches over the same entries. Reading is safe from many threads.</summary>
public sealed class RootTree : IRootTable
{
    private readonly TreeFile _file;
    private readonly RootLocation _location;
    private readonly long _autoFlush;
    private readonly IReadOnlyList<(long Last, long Size)> _clusters;
    private readonly BranchIndex _index;

    internal RootTree(TreeFile file, string path, int cycle, TreeRecord record)
    {
        _file = file;
        _location = new RootLocation(file.Path) { Tree = path };
        Path = path;
        Cycle = cycle;
        _autoFlush = record.AutoFlush;
        _clusters = record.Clusters;
        Name = record.Name;
        Title = record.Title;
        _index = new BranchIndex(file, _location, record.Branches);
        // The tree's own count is 0 in files that were not closed properly, so the branches decide.
        EntryCount = _index.CommonEntryCount() ?? record.EntryCount;
    }

    /// <summary>Name of the tree.</summary>
    public string Name { get; }

    /// <summary>Title given by the writer.</summary>
    public string Title { get; }

    /// <summary>Directories and name joined by <c>/</c>.</summary>
    public string Path { get; }

    /// <summary>Version of the tree in the file; higher is newer.</summary>
    public int Cycle { get; }

    /// <summary>Number of entries.</summary>
    public long EntryCount { get; }

    /// <summary>
    /// Every branch with values, in the order of the file. The members of split objects are included, their nodes are not.
    /// </summary>
    public IReadOnlyList<RootBranch> Branches => _index.All;

    string IRootTable.Kind => "tree";

    IReadOnlyList<IRootBranch> IRootTable.Branches => Branches;

    /// <summary>A branch by its full name, or by its short name if only one branch has it.</summary>
    /// <exception cref="RootFormatException">No such branch; the message names the nearest.</exception>
    public RootBranch Branch(string name) => TryBranch(name, out RootBranch? branch)
        ? branch
        : throw new RootFormatException(
            RootErrorKind.BranchNotFound,
            $"there is no branch '{name}'",
            _location,
            NearestNames.Suggest(name, Branches.Select(candidate => candidate.Name), "The tree has no branches."));

    /// <summary>As <see cref="Branch"/>, but false where there is none.</summary>
    public bool TryBranch(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out RootBranch? branch) =>
        (branch = _index.Find(name)) is not null;

    IRootBranch IRootTable.Branch(string name) => Branch(name);

    bool IRootTable.TryBranch(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IRootBranch? branch)
    {
        bool found = TryBranch(name, out RootBranch? own);
        branch = own;
        return found;
    }

    /// <summary>Reads a branch in its own type.</summary>
    /// <param name="branch">Name of the branch.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    /// <exception cref="RootFormatException">No such branch, another type, or damaged baskets.</exception>
    public JaggedColumn<T> Read<T>(string branch, long first = 0, long? end = null)
        where T : unmanaged
    {
        RootBranch found = Branch(branch);
        RootElementType own = found.SupportedLayout().Element.Type;
        if (own.ClrType() != typeof(T))
        {
            throw new RootFormatException(
                RootErrorKind.WrongElementType,
                $"wanted {RootElementTypes.Of(typeof(T))?.CppName() ?? typeof(T).Name} but the branch is {found.TypeName}",
                found.Location,
                $"Read it as {own.CppName()}, or convert it with {nameof(ReadAs)}.");
        }
        return ReadAs<T>(branch, first, end);
    }

    /// <summary>
    /// Reads any branch of numbers or bool as another type. Integers must be exact (1.5 or 300 do not fit a byte), bool
    /// takes 0 and 1, and floating-point targets round to the nearest value they have.
    /// </summary>
    /// <param name="branch">Name of the branch.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    /// <exception cref="RootFormatException">No such branch, a value that does not fit (its entry is named), or damaged
    /// baskets.</exception>
    public JaggedColumn<T> ReadAs<T>(string branch, long first = 0, long? end = null)
        where T : unmanaged => (JaggedColumn<T>)Read([ColumnRequest.As<T>(branch)], first, end).Columns[0];

    /// <summary>Reads several branches in their own types. The baskets of all branches are decoded in parallel.</summary>
    /// <param name="branches">Names of the branches.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    public JaggedColumns Read(IReadOnlyList<string> branches, long first = 0, long? end = null) =>
        Read([.. branches.Select(ColumnRequest.Of)], first, end);

    /// <summary>Reads several branches, each in the requested type. The baskets of all branches are decoded in parallel.</summary>
    /// <param name="requests">Names and types.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    public JaggedColumns Read(IReadOnlyList<ColumnRequest> requests, long first = 0, long? end = null)
    {
        RootBranch[] branches = [.. requests.Select(request => Branch(request.Branch))];
        foreach (RootBranch branch in branches)
            branch.SupportedLayout();
        long last = RangeEnd(branches, first, end);
        ColumnSink[] sinks = [.. requests.Select((request, i) => ColumnSink.Create(request, branches[i], first, last))];
        JaggedColumn[] columns = ColumnReader.Read(_file, sinks, Counts);
        return new JaggedColumns(first, last - first, [.. requests.Select(request => request.Branch)], columns);
    }

    /// <summary>
    /// Reads several branches chunk by chunk. A chunk is a cluster, or a basket if the tree has no clusters. The next chunk is
    /// read while the caller works on one, so two chunks are in memory.
    /// </summary>
    /// <param name="requests">Names and types.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    /// <returns>Chunks in the order of their entries; <see cref="JaggedColumns.FirstEntry"/> says where each begins.</returns>
    /// <exception cref="RootFormatException">As <see cref="Read(IReadOnlyList{ColumnRequest}, long, long?)"/>: immediately for
    /// branches that cannot be read, and together with its chunk for a damaged basket.</exception>
    public IEnumerable<JaggedColumns> ReadClusters(IReadOnlyList<ColumnRequest> requests, long first = 0, long? end = null)
    {
        RootBranch[] branches = [.. requests.Select(request => Branch(request.Branch))];
        foreach (RootBranch branch in branches)
            branch.SupportedLayout();
        return ReadChunks(requests, ClusterRanges.Of(_autoFlush, _clusters, branches, first, RangeEnd(branches, first, end)));
    }

    /// <summary>As <see cref="ReadClusters(IReadOnlyList{ColumnRequest}, long, long?)"/>, each branch in its own type.</summary>
    /// <param name="branches">Names of the branches.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    public IEnumerable<JaggedColumns> ReadClusters(IReadOnlyList<string> branches, long first = 0, long? end = null) =>
        ReadClusters([.. branches.Select(ColumnRequest.Of)], first, end);

    /// <summary>
    /// Reads a branch of any supported type: one column for plain numbers, texts and lists of them; one for each leaf of a
    /// leaf list, for keys (field <c>0</c>) and values (<c>1</c>) of a map, and for each member of a class that holds
    /// values. Object identity and pointers are skipped.
    /// </summary>
    /// <param name="branch">Name of the branch.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    /// <returns>Columns in the order of the file. Reading needs twice the memory of the values.</returns>
    /// <exception cref="RootFormatException">No such branch, one that cannot be read, or damaged baskets.</exception>
    public IReadOnlyList<RootColumn> ReadColumns(string branch, long first = 0, long? end = null) => ReadBranch(Branch(branch), first, end);

    /// <summary>
    /// As <see cref="ReadColumns(string, long, long?)"/>, for this branch object. A name finds only the first of two branches
    /// of that name.
    /// </summary>
    /// <param name="branch">A branch of this tree.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    /// <exception cref="ArgumentException">A branch of another tree.</exception>
    /// <exception cref="RootFormatException">A branch that cannot be read, or damaged baskets.</exception>
    public IReadOnlyList<RootColumn> ReadColumns(RootBranch branch, long first = 0, long? end = null) =>
        Branches.Any(own => ReferenceEquals(own, branch))
            ? ReadBranch(branch, first, end)
            : throw new ArgumentException($"Cannot read branch '{branch.Name}' of tree '{Path}': it belongs to another tree.",
                nameof(branch));

    /// <summary>Reads a branch of texts, or of lists of texts: <c>char*</c>, <c>string</c>, <c>vector&lt;string&gt;</c>.</summary>
    /// <param name="branch">Name of the branch.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    /// <exception cref="RootFormatException">No such branch, another type, or damaged baskets.</exception>
    public TextColumn ReadText(string branch, long first = 0, long? end = null) =>
        Branch(branch).Layout is null && ReadColumns(branch, first, end) is [TextColumn text]
            ? text
            : throw WrongType(branch, "text");

    /// <summary>Reads numbers below any number of lists: <c>vector&lt;vector&lt;float&gt;&gt;</c>, <c>double[3][4]</c>.</summary>
    /// <param name="branch">Name of the branch.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    /// <exception cref="RootFormatException">No such branch, another type, or damaged baskets.</exception>
    public NestedColumn<T> ReadNested<T>(string branch, long first = 0, long? end = null)
        where T : unmanaged => ReadColumns(branch, first, end) switch
        {
            [NestedColumn<T> nested] => nested,
            [JaggedColumn<T> flat] =>
                new NestedColumn<T>(flat.Branch, flat.Field, flat.FirstEntry, flat.EntryCount, flat.Levels, flat.Values),
            _ => throw WrongType(branch, $"lists of {RootElementTypes.Of(typeof(T))?.CppName() ?? typeof(T).Name}"),
        };

    internal IReadOnlyList<RootColumn> ReadBranch(RootBranch branch, long first, long? end)
    {
        branch.CheckSupported();
        long last = RangeEnd([branch], first, end);
        return branch.Layout is not null
            ? ColumnReader.Read(_file, [ColumnSink.Create(ColumnRequest.Of(branch.Name), branch, first, last)], Counts)
            : ShapeColumnReader.Read(_file, branch, first, last);
    }

    private IEnumerable<JaggedColumns> ReadChunks(IReadOnlyList<ColumnRequest> requests, IEnumerable<(long First, long End)> ranges)
    {
        Task<JaggedColumns>? ahead = null;
        try
        {
            foreach ((long begin, long cut) in ranges)
            {
                Task<JaggedColumns>? ready = ahead;
                JaggedColumns? chunk = ready?.GetAwaiter().GetResult();
                ahead = Task.Run(() => Read(requests, begin, cut));
                if (chunk is not null)
                    yield return chunk;
            }
            if (ahead is not null)
                yield return ahead.GetAwaiter().GetResult();
        }
        finally
        {
            // A caller that stops early may dispose the file next, so no read may be running.
            if (ahead is not null)
                Task.WhenAny(ahead).Wait(); // does not throw
        }
    }

    private RootFormatException WrongType(string branch, string wanted) => new(
        RootErrorKind.WrongElementType,
        $"wanted {wanted} but the branch is {Branch(branch).TypeName}",
        Branch(branch).Location,
        $"Read it with {nameof(ReadColumns)}.");

    // The end of the range, checked against every branch.
    private long RangeEnd(IReadOnlyList<RootBranch> branches, long first, long? end)
    {
        foreach (RootBranch branch in branches)
            _ = branch.Baskets; // checks the tables before their numbers are used
        long last = end ?? (branches.Count == 0 ? EntryCount : branches.Min(branch => branch.EntryCount));
        if (first < 0 || last < first)
            throw new ArgumentOutOfRangeException(nameof(first),
                $"Cannot read the entries {first} to {last} of tree '{Path}': they are no range.");
        foreach (RootBranch branch in branches)
        {
            if (last > branch.EntryCount)
                throw new ArgumentOutOfRangeException(nameof(end),
                    $"Cannot read the entries {first} to {last} of tree '{Path}': branch '{branch.Name}' has {branch.EntryCount}.");
        }
        return last;
    }

    // Values of a branch's counter, for baskets without an offset table.
    private int[] Counts(RootBranch branch, long first, long end)
    {
        string? name = branch.Layout?.Counter;
        if (name is null || !TryBranch(name, out RootBranch? counter) || counter.FixedLength != 1)
            throw new RootFormatException(RootErrorKind.InconsistentCounts,
                $"a basket has no offset table, and the branch that counts its entries ('{name}') does not exist", branch.Location);
        if (end > counter.EntryCount)
            throw new RootFormatException(RootErrorKind.InconsistentCounts,
                $"entry {end - 1} is counted by branch '{name}', which has only {counter.EntryCount} entries", branch.Location);
        return ReadAs<int>(counter.Name, first, end).Values;
    }
}
