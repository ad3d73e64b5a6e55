using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Ntuples;
using Pruning.Root.Reading;
using Pruning.Root.Trees;
using Pruning.Root.Trees.Records;

namespace Pruning.Root.Checking;

/// <summary>
/// Reads everything in a file and reports what is damaged or inconsistent: every record, basket, page, checksum, offset
/// and count. Values are decoded and discarded, one basket or cluster at a time.
/// </summary>
internal sealed class FileCheck(RootFile file)
{
    private readonly FileExtents _extents = new();

    public IEnumerable<RootFinding> Run()
    {
        if (file.Classes.Problem is string problem && file.HasClasses)
            yield return new RootFinding(RootErrorKind.CorruptObject, problem, new RootLocation(file.Path));
        foreach (ListedKey key in file.ListedKeys)
        {
            foreach (RootFinding finding in CheckObject(key))
                yield return finding;
        }
        foreach (RootFinding finding in _extents.Overlaps())
            yield return finding;
    }

    private IEnumerable<RootFinding> CheckObject(ListedKey listed)
    {
        var at = new RootLocation(file.Path);
        if (!listed.Entry.IsDirectory)
            _extents.Add(listed.Key.Seek, listed.Key.RecordBytes, at);
        string name = $"{listed.Entry.Path};{listed.Entry.Cycle}";
        if (listed.Entry.IsTree)
        {
            RootTree? tree = null;
            if (Attempt(() => tree = file.Tree(name)) is RootFinding damaged)
                return [damaged];
            return tree!.Branches.SelectMany(branch => CheckBranch(tree, branch));
        }
        if (listed.Entry.IsNtuple)
        {
            RootNtuple? ntuple = null;
            if (Attempt(() => ntuple = file.Ntuple(name)) is RootFinding damaged)
                return [damaged];
            return CheckNtuple(ntuple!);
        }
        return listed.Entry.IsDirectory || Attempt(() => RecordReader.Read(file.File, listed.Key, at)) is not RootFinding broken ? []
            : [broken];
    }

    private IEnumerable<RootFinding> CheckBranch(RootTree tree, RootBranch branch)
    {
        BasketPlace[] baskets = [];
        if (Attempt(() => baskets = branch.Baskets) is RootFinding table)
        {
            yield return table;
            yield break;
        }
        if (baskets.Length > 0 && branch.IsSupported && branch.EntryCount != tree.EntryCount)
            yield return new RootFinding(RootErrorKind.InconsistentCounts,
                $"the branch has {branch.EntryCount} entries, the tree {tree.EntryCount}", branch.Location);
        foreach (BasketPlace basket in baskets)
        {
            if (basket.Embedded is null)
                _extents.Add(basket.Seek, basket.RecordBytes, branch.Location with { Basket = basket.Index });
            RootFinding? finding = Attempt(() => Load(branch, basket));
            if (finding is null && branch.IsSupported)
                finding = Attempt(() => Decode(tree, branch, basket));
            if (finding is not null)
                yield return finding;
        }
    }

    private void Load(RootBranch branch, BasketPlace basket)
    {
        BasketReader reader = file.TreeFile.Readers.Rent();
        try
        {
            reader.LoadShaped(branch, basket).Dispose();
        }
        finally
        {
            file.TreeFile.Readers.Return(reader);
        }
    }

    private static void Decode(RootTree tree, RootBranch branch, BasketPlace basket)
    {
        IReadOnlyList<RootColumn> columns = tree.ReadBranch(branch, basket.First, basket.End);
        if (branch.Layout is not { Kind: EntryKind.Counted, Counter: string counter } || !tree.TryBranch(counter, out RootBranch? counting)
            || counting.FixedLength != 1 || counting.EntryCount < basket.End)
            return;
        int[] counts = tree.ReadAs<int>(counting.Name, basket.First, basket.End).Values;
        var values = (JaggedColumn)columns[0];
        for (int entry = 0; entry < counts.Length; entry++)
        {
            long found = (values.Offsets[entry + 1] - values.Offsets[entry]) / values.InnerLength;
            if (found != counts[entry])
            {
                throw new RootFormatException(
                    RootErrorKind.InconsistentCounts,
                    $"the entry has {found} elements but its counter '{counter}' says {counts[entry]}",
                    branch.Location with { Basket = basket.Index, Entry = basket.First + entry });
            }
        }
    }

    private static IEnumerable<RootFinding> CheckNtuple(RootNtuple ntuple)
    {
        RootCluster[] clusters = [];
        if (Attempt(() => clusters = [.. ntuple.Clusters]) is RootFinding lists)
        {
            yield return lists;
            yield break;
        }
        foreach (RootField field in ntuple.Fields.Where(field => field.IsSupported))
        {
            foreach (RootCluster cluster in clusters)
            {
                if (Attempt(() => ntuple.ReadColumns(field.Name, cluster.FirstEntry, cluster.EndEntry)) is RootFinding finding)
                    yield return finding;
            }
        }
        foreach (RootFinding finding in NtuplePageCheck.Run(ntuple))
            yield return finding;
    }

    private static RootFinding? Attempt(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (RootFormatException error)
        {
            return RootFinding.Of(error);
        }
    }
}
