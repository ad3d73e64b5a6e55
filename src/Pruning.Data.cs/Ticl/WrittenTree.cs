using Pruning.Root.Files;
using Pruning.Root.Writing.Trees;

namespace Pruning.Data.Ticl;

/// <summary>A tree that is being written: branches, each with what it takes of a block of events.</summary>
internal sealed class WrittenTree(TreeWriter tree)
{
    private readonly List<Func<WrittenBlock, BranchData>> _branches = [];

    public long EntryCount => tree.EntryCount;

    public TreeWriter Writer => tree;

    public void Add(Func<WrittenBlock, BranchData> data) => _branches.Add(data);

    public void List<T>(string name, Func<WrittenBlock, ListValues<T>> values)
        where T : unmanaged
    {
        VectorBranch<T> branch = tree.Vector<T>(name);
        _branches.Add(block =>
        {
            ListValues<T> lists = values(block);
            return branch.Lists(lists.Offsets, lists.Values);
        });
    }

    public void Nested<T>(string name, Func<WrittenBlock, NestedValues<T>> values)
        where T : unmanaged
    {
        NestedVectorBranch<T> branch = tree.NestedVector<T>(name);
        _branches.Add(block =>
        {
            NestedValues<T> lists = values(block);
            return branch.Lists(lists.Entries, lists.Lists, lists.Values);
        });
    }

    public void Append(WrittenBlock block) => tree.Append([.. _branches.Select(data => data(block))]);
}
