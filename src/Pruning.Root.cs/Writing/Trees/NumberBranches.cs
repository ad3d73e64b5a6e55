using System.Runtime.CompilerServices;
using Pruning.Root.Columns;
using Pruning.Root.Writing.Tables;

namespace Pruning.Root.Writing.Trees;

/// <summary>A branch with one number an entry.</summary>
/// <typeparam name="T">Type of the values.</typeparam>
public sealed class FlatBranch<T> : BranchWriter
    where T : unmanaged
{
    internal FlatBranch(TreeWriter tree, string name)
        : base(tree, name, LeafShape.Of(TableRules.TypeOf<T>(name, "branch"), "", 1), null, isJagged: false)
    {
    }

    internal FlatBranch(TreeWriter tree, string name, SplitObject owner, int id, int typeCode, int bytes)
        : base(tree, name, LeafShape.OfMember(typeCode, bytes), null, isJagged: false)
    {
        Owner = owner;
        MemberId = id;
    }

    /// <summary>The value of the current entry.</summary>
    public void Set(T value)
    {
        BranchData.Swap([value], Begin().Take(Unsafe.SizeOf<T>()));
        End();
    }

    /// <summary>The values of many entries, one each.</summary>
    public BranchData Values(ReadOnlyMemory<T> values) => new FixedData<T>(this, values, 1);
}

/// <summary>A branch with the same number of numbers in every entry.</summary>
/// <typeparam name="T">Type of the values.</typeparam>
public sealed class FixedBranch<T> : BranchWriter
    where T : unmanaged
{
    internal FixedBranch(TreeWriter tree, string name, int[] dimensions)
        : base(tree, name,
            LeafShape.Of(TableRules.TypeOf<T>(name, "branch"), TreeWriter.Brackets(dimensions),
            TreeWriter.Product(dimensions, name)), null, isJagged: false)
    {
        if (dimensions.Length == 0)
            throw new ArgumentException($"Cannot add branch '{name}': it has no dimensions. Give at least one.");
    }

    /// <summary>Values of an entry: the product of the dimensions.</summary>
    public int Length => Leaf.Length;

    /// <summary>The values of the current entry, the last dimension running fastest.</summary>
    public void Set(ReadOnlySpan<T> values)
    {
        if (values.Length != Length)
            throw new ArgumentException($"Cannot set branch '{Name}': an entry has {Length} values, not {values.Length}.");
        BranchData.Swap(values, Begin().Take((long)values.Length * Unsafe.SizeOf<T>()));
        End();
    }

    /// <summary>The values of many entries, <see cref="Length"/> each.</summary>
    public BranchData Values(ReadOnlyMemory<T> values) => values.Length % Length == 0
        ? new FixedData<T>(this, values, Length)
        : throw new ArgumentException($"Cannot write branch '{Name}': {values.Length} values do not make whole entries of {Length}.");
}

/// <summary>
/// The shared counter of jagged branches: <c>nJet</c> for <c>Jet_pt</c> and <c>Jet_eta</c>. It is itself a branch. Its
/// values are the lengths of the other branches, which must agree in every entry.
/// </summary>
public sealed class CounterGroup : BranchWriter
{
    private readonly List<BranchWriter> _counted = [];

    internal CounterGroup(TreeWriter tree, string name)
        : base(tree, name, LeafShape.Of(RootElementType.Int32, "", 1), null, isJagged: false)
    {
    }

    /// <summary>A branch with as many elements an entry as the others of the group.</summary>
    /// <param name="name">Name of the branch.</param>
    /// <param name="inner">Constant dimensions of an element: none for a plain number, 3 for <c>x[n][3]</c>.</param>
    public JaggedBranch<T> Jagged<T>(string name, params int[] inner)
        where T : unmanaged
    {
        JaggedBranch<T> branch = Tree.Add(name, () => new JaggedBranch<T>(this, name, inner));
        _counted.Add(branch);
        return branch;
    }

    /// <summary>The lists of many entries, for the whole group: entry e has the elements [offsets[e], offsets[e + 1]).</summary>
    /// <param name="offsets">[entries + 1]; need not begin with 0, so a range of larger offsets can be used.</param>
    public BranchData Lists(ReadOnlyMemory<long> offsets)
    {
        BranchData.CheckOffsets(offsets.Span, long.MaxValue, 1, Name);
        return new CountData(this, offsets);
    }

    internal void Saw(long count) => Largest = Math.Max(Largest, count);

    /// <summary>Finds the count of the current entry in the counted branches.</summary>
    internal void Count()
    {
        if (_counted.Count == 0)
            throw new InvalidOperationException(
                $"Cannot fill tree '{Tree.Name}': counter '{Name}' counts no branch. Add one with Jagged before the first entry.");
        int? count = null;
        foreach (BranchWriter branch in _counted)
        {
            int own = branch.Basket.EntryBytes / (branch.Leaf.Length * branch.Leaf.ValueBytes);
            if (!branch.IsSet)
                continue; // reported by the tree, with its name
            if (own != (count ??= own))
                throw new InvalidOperationException(
                    $"Cannot fill entry {Tree.EntryCount} of tree '{Tree.Name}': branch '{_counted[0].Name}' has {count} "
                        + $"elements but branch '{branch.Name}', with the same counter '{Name}', has {own}. Give both the same number.");
        }
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(Begin().Take(sizeof(int)), count ?? 0);
        End();
    }

    /// <summary>Keeps the largest count.</summary>
    internal void SawCurrent()
    {
        BranchWriter first = _counted[0];
        Saw(first.Basket.EntryBytes / (first.Leaf.Length * first.Leaf.ValueBytes));
    }
}

/// <summary>A branch with a list of numbers per entry, counted by a <see cref="CounterGroup"/>. Every reader supports it.</summary>
/// <typeparam name="T">Type of the values.</typeparam>
public sealed class JaggedBranch<T> : BranchWriter
    where T : unmanaged
{
    private readonly CounterGroup _group;

    internal JaggedBranch(CounterGroup group, string name, int[] inner)
        : base(group.Tree, name,
            LeafShape.Of(TableRules.TypeOf<T>(name, "branch"), $"[{group.Name}]{TreeWriter.Brackets(inner)}",
            TreeWriter.Product(inner, name)), null, isJagged: true) =>
        _group = group;

    internal override BranchWriter Counter => _group;

    /// <summary>Values of the current entry.</summary>
    public void Set(ReadOnlySpan<T> values)
    {
        if (values.Length % Leaf.Length != 0)
            throw new ArgumentException($"Cannot set branch '{Name}': {values.Length} values do not make whole elements of {Leaf.Length}.");
        BranchData.Swap(values, Begin().Take((long)values.Length * Unsafe.SizeOf<T>()));
        End();
    }

    /// <summary>Values of many entries; the offsets are those of the group's <see cref="CounterGroup.Lists"/>.</summary>
    public BranchData Values(ReadOnlyMemory<T> values) => new CountedData<T>(this, values, Leaf.Length);
}
