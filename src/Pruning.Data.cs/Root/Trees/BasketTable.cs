namespace Pruning.Data.Root;

/// <summary>One basket of a branch: which entries it holds and where it is.</summary>
/// <param name="Index">Number within the branch.</param>
/// <param name="First">First entry.</param>
/// <param name="End">Entry behind the last one.</param>
/// <param name="Seek">Record in the file, 0 where there is none.</param>
/// <param name="RecordBytes">Bytes of that record.</param>
/// <param name="Embedded">The basket itself where it stands in the tree's description.</param>
internal sealed record BasketPlace(int Index, long First, long End, long Seek, int RecordBytes, EmbeddedBasket? Embedded);

/// <summary>The baskets of a branch, in the order of their entries; empty ones are left out.</summary>
internal static class BasketTable
{
    public static BasketPlace[] Of(BranchRecord branch, RootLocation at)
    {
        int count = branch.BasketEntry.Length;
        if (count < branch.WriteBasket || branch.BasketSeek.Length != count || branch.BasketBytes.Length != count)
        {
            throw Corrupt(at, $"the branch claims {branch.WriteBasket} baskets but its tables hold {branch.BasketBytes.Length} sizes, {count} entries and {branch.BasketSeek.Length} places");
        }
        if (count > 0 && branch.BasketEntry[0] != branch.FirstEntry)
            throw Corrupt(at, $"the first basket begins with entry {branch.BasketEntry[0]}, the branch with {branch.FirstEntry}");
        var places = new List<BasketPlace>(count);
        for (int i = 0; i < count; i++)
        {
            long first = branch.BasketEntry[i];
            long end = i + 1 < count ? branch.BasketEntry[i + 1] : branch.EntryNumber;
            if (end < first)
                throw Corrupt(at with { Basket = i }, $"the basket holds the entries {first} to {end}, which goes backwards");
            EmbeddedBasket? embedded = i < branch.Embedded.Count && branch.Embedded[i]?.Data is not null ? branch.Embedded[i] : null;
            if (end > first)
                places.Add(new BasketPlace(i, first, end, branch.BasketSeek[i], branch.BasketBytes[i], embedded));
        }
        return [.. places];
    }

    private static RootFormatException Corrupt(RootLocation at, string problem) => new(RootErrorKind.CorruptBranch, problem, at);
}
