namespace Pruning.Data.Root;

/// <summary>A tree: named branches over the same entries. Reading is safe from many threads.</summary>
public sealed class RootTree : IRootTable
{
    private readonly RootFile _file;
    private readonly RootLocation _location;
    private readonly Dictionary<string, RootBranch> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RootBranch?> _byShortName = new(StringComparer.Ordinal);

    internal RootTree(RootFile file, string path, int cycle, TreeRecord record)
    {
        _file = file;
        _location = new RootLocation(file.Path) { Tree = path };
        Path = path;
        Cycle = cycle;
        Name = record.Name;
        Title = record.Title;
        var branches = new List<RootBranch>();
        foreach (BranchRecord branch in record.Branches)
            Flatten(branch, "", record.Objects, branches);
        Branches = branches;
        // The branches are the proof; the tree's own number is 0 in files that were not closed properly.
        long[] counts = [.. branches.Where(branch => branch.IsSupported).Select(branch => branch.EntryCount).Distinct()];
        EntryCount = counts.Length == 1 ? counts[0] : record.EntryCount;
    }

    /// <summary>Name of the tree.</summary>
    public string Name { get; }

    /// <summary>Title given by the writer.</summary>
    public string Title { get; }

    /// <summary>Directories and name joined by <c>/</c>.</summary>
    public string Path { get; }

    /// <summary>Which rewrite of the tree this is; higher is newer.</summary>
    public int Cycle { get; }

    /// <summary>Number of entries.</summary>
    public long EntryCount { get; }

    /// <summary>Every branch that carries values, in the order of the file; nodes of split objects are left out, their members are in.</summary>
    public IReadOnlyList<RootBranch> Branches { get; }

    string IRootTable.Kind => "tree";

    IReadOnlyList<string> IRootTable.BranchNames => [.. Branches.Select(branch => branch.Name)];

    /// <summary>A branch by its full name, or by its own where only one branch has it.</summary>
    /// <exception cref="RootFormatException">No such branch; the message names the nearest.</exception>
    public RootBranch Branch(string name) => TryBranch(name, out RootBranch? branch)
        ? branch
        : throw new RootFormatException(
            RootErrorKind.BranchNotFound,
            $"there is no branch '{name}'; {NearestNames.Suggest(name, Branches.Select(candidate => candidate.Name), "the tree has no branches")}",
            _location);

    /// <summary>As <see cref="Branch"/>, but false where there is none.</summary>
    public bool TryBranch(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out RootBranch? branch) =>
        _byName.TryGetValue(name, out branch) || (_byShortName.TryGetValue(name, out branch) && branch is not null);

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
    /// <param name="end">Entry behind the last one; null for all.</param>
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
                $"wanted {RootElementTypes.Of(typeof(T))?.CppName() ?? typeof(T).Name} but the branch is {found.TypeName}; read it as {own.CppName()}, or let ReadAs convert it",
                found.Location);
        }
        return ReadAs<T>(branch, first, end);
    }

    /// <summary>
    /// Reads any branch of numbers or bool as another type. Integers must be exact (1.5 or 300 do not fit a byte), bool
    /// takes 0 and 1, and floating-point targets round to the nearest value they have.
    /// </summary>
    /// <param name="branch">Name of the branch.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry behind the last one; null for all.</param>
    /// <exception cref="RootFormatException">No such branch, a value that does not fit (its entry is named), or damaged baskets.</exception>
    public JaggedColumn<T> ReadAs<T>(string branch, long first = 0, long? end = null)
        where T : unmanaged => (JaggedColumn<T>)Read([ColumnRequest.As<T>(branch)], first, end).Columns[0];

    /// <summary>Reads several branches in their own types; the baskets of all are decoded in parallel.</summary>
    /// <param name="branches">Names of the branches.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry behind the last one; null for all.</param>
    public JaggedColumns Read(IReadOnlyList<string> branches, long first = 0, long? end = null) =>
        Read([.. branches.Select(ColumnRequest.Of)], first, end);

    /// <summary>Reads several branches, each in the type asked for; the baskets of all are decoded in parallel.</summary>
    /// <param name="requests">Names and types.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry behind the last one; null for all.</param>
    public JaggedColumns Read(IReadOnlyList<ColumnRequest> requests, long first = 0, long? end = null)
    {
        RootBranch[] branches = [.. requests.Select(request => Branch(request.Branch))];
        foreach (RootBranch branch in branches)
        {
            branch.SupportedLayout();
            _ = branch.Baskets; // refuses impossible tables before their numbers are used
        }
        long last = end ?? (branches.Length == 0 ? EntryCount : branches.Min(branch => branch.EntryCount));
        if (first < 0 || last < first)
            throw new ArgumentOutOfRangeException(nameof(first), $"the entries {first} to {last} are no range of tree '{Path}'");
        foreach (RootBranch branch in branches)
        {
            if (last > branch.EntryCount)
                throw new ArgumentOutOfRangeException(nameof(end), $"wanted the entries {first} to {last} but branch '{branch.Name}' has {branch.EntryCount}");
        }
        ColumnSink[] sinks = [.. requests.Select((request, i) => request.CreateSink(branches[i], first, last))];
        JaggedColumn[] columns = ColumnReader.Read(_file, sinks, Counts);
        return new JaggedColumns(first, last - first, [.. requests.Select(request => request.Branch)], columns);
    }

    // Values of the counter of a branch, for baskets whose offset table was left out.
    private int[] Counts(RootBranch branch, long first, long end)
    {
        string? name = branch.Layout?.Counter;
        if (name is null || !TryBranch(name, out RootBranch? counter) || counter.FixedLength != 1)
            throw new RootFormatException(RootErrorKind.InconsistentCounts, $"a basket has no offset table, and the branch that counts its entries ('{name}') is not there", branch.Location);
        if (end > counter.EntryCount)
            throw new RootFormatException(RootErrorKind.InconsistentCounts, $"entry {end - 1} is counted by branch '{name}', which has only {counter.EntryCount} entries", branch.Location);
        return ReadAs<int>(counter.Name, first, end).Values;
    }

    private void Flatten(BranchRecord record, string above, ObjectMap objects, List<RootBranch> into)
    {
        string name = above + record.Name;
        bool node = record.Element is { Type: 1 or 2 } or { Type: 0, Id: -2 } || (record.Children.Count > 0 && record.Element is null or { Type: 0 });
        if (!node)
        {
            var branch = new RootBranch(_file, name, record, objects, _location);
            into.Add(branch);
            _byName.TryAdd(name, branch);
            _byShortName[record.Name] = _byShortName.ContainsKey(record.Name) ? null : branch;
        }
        foreach (BranchRecord child in record.Children)
            Flatten(child, name + "/", objects, into);
    }
}
