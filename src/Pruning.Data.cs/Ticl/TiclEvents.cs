using Pruning.Data.Errors;
using Pruning.Root.Columns;
using Pruning.Root.Trees;

namespace Pruning.Data.Ticl;

/// <summary>Which events the entries are.</summary>
/// <param name="Run">[entries] run.</param>
/// <param name="Lumi">[entries] luminosity block.</param>
/// <param name="Event">[entries] event.</param>
public sealed record TiclEvents(uint[] Run, uint[] Lumi, long[] Event)
{
    /// <summary>Number of entries.</summary>
    public int EntryCount => Run.Length;

    /// <summary>True where a tree says which events its entries are.</summary>
    public static bool AreIn(RootTree tree) => Names(tree) is not null || IsObject(tree);

    /// <summary>Reads them; null where the tree does not say.</summary>
    /// <param name="file">File, for messages.</param>
    /// <param name="tree">Tree.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry behind the last one.</param>
    /// <exception cref="DataException">Numbers beyond 63 bits.</exception>
    public static TiclEvents? Read(string file, RootTree tree, long first, long end)
    {
        if (Names(tree) is string[] names)
        {
            JaggedColumns columns =
                tree.Read([ColumnRequest.As<uint>(names[0]), ColumnRequest.As<uint>(names[1]), ColumnRequest.As<ulong>(names[2])], first,
                end);
            return new TiclEvents(((JaggedColumn<uint>)columns.Columns[0]).Values, ((JaggedColumn<uint>)columns.Columns[1]).Values,
                Signed(((JaggedColumn<ulong>)columns.Columns[2]).Values, file, tree, first));
        }

        if (!IsObject(tree))
            return null;
        IReadOnlyList<RootColumn> members = tree.ReadColumns(TiclSchema.Event, first, end);
        T[]? Member<T>(int which)
            where T : unmanaged => members.FirstOrDefault(one => one.Field == TiclSchema.EventMembers[which]) switch
            {
                NestedColumn<T> { Levels.Count: 0 } nested => nested.Values,
                JaggedColumn<T> { FixedLength: 1 } flat => flat.Values,
                _ => null,
            };
        return Member<uint>(0) is uint[] run && Member<uint>(1) is uint[] lumi && Member<ulong>(2) is ulong[] number
            ? new TiclEvents(run, lumi, Signed(number, file, tree, first))
            : null;
    }

    /// <summary>The first entry that is another event than in the other; -1 where they are the same.</summary>
    public int FirstDifference(TiclEvents other)
    {
        int count = Math.Min(EntryCount, other.EntryCount);
        for (int entry = 0; entry < count; entry++)
        {
            if (Run[entry] != other.Run[entry] || Lumi[entry] != other.Lumi[entry] || Event[entry] != other.Event[entry])
                return entry;
        }

        return -1;
    }

    // The members of a split object have its name before theirs.
    private static string[]? Names(RootTree tree)
    {
        string[] members = [.. TiclSchema.EventMembers.Select(name => $"{TiclSchema.Event}/{name}")];
        if (Array.TrueForAll(members, name => IsNumber(tree, name)))
            return members;
        string[] numbers = [.. TiclSchema.EventNumbers];
        return Array.TrueForAll(numbers, name => IsNumber(tree, name)) ? numbers : null;
    }

    private static bool IsNumber(RootTree tree, string name) => tree.TryBranch(name, out RootBranch? branch) && branch.IsSupported
        && branch.FixedLength == 1;

    private static bool IsObject(RootTree tree) => tree.TryBranch(TiclSchema.Event, out RootBranch? branch) && branch.IsSupported
        && branch.TypeName == TiclSchema.EventClass;

    private static long[] Signed(ulong[] numbers, string file, RootTree tree, long first)
    {
        int beyond = numbers.AsSpan().IndexOfAnyExceptInRange(0ul, (ulong)long.MaxValue);
        return beyond < 0
            ? Array.ConvertAll(numbers, static number => (long)number)
            : throw new DataException(
                $"{file}, entry {first + beyond}, tree '{tree.Path}': the event number is {numbers[beyond]}, beyond 63 bits: the "
                    + "ntuple is damaged.");
    }
}
