using Pruning.Root.Errors;

namespace Pruning.Root.Trees.Records;

/// <summary>One basket of a branch: which entries it holds and where it is.</summary>
/// <param name="Index">Number within the branch.</param>
/// <param name="First">First entry.</param>
/// <param name="End">Entry after the last one.</param>
/// <param name="Seek">Record in the file, 0 where there is none.</param>
/// <param name="RecordBytes">Bytes of that record.</param>
/// <param name="Embedded">The basket itself if it is stored in the tree's description.</param>
internal sealed record BasketPlace(int Index, long First, long End, long Seek, int RecordBytes, EmbeddedBasket? Embedded);

/// <summary>The baskets of a branch, in the order of their entries; empty ones are left out.</summary>
internal static class BasketTable
{
    public static BasketPlace[] Of(BranchRecord branch, RootLocation at)
    {
        if (branch.Unsupported is not null)
            return [];
        long[] bytes = branch.DecodeBytes();
        long[] entries = branch.DecodeEntries();
        long[] seeks = branch.DecodeSeeks();
        List<EmbeddedBasket?> embeddedBaskets = branch.DecodeBaskets();
        int count = entries.Length;
        if (count < branch.WriteBasket || seeks.Length != count || bytes.Length != count)
            throw Corrupt(at,
                $"the branch claims {branch.WriteBasket} baskets but its tables hold {bytes.Length} sizes, {count} entries and "
                    + $"{seeks.Length} places");
        if (count > 0 && entries[0] != branch.FirstEntry)
            throw Corrupt(at, $"the first basket begins with entry {entries[0]}, the branch with {branch.FirstEntry}");
        var places = new List<BasketPlace>(count);
        for (int i = 0; i < count; i++)
        {
            long first = entries[i];
            long end = i + 1 < count ? entries[i + 1] : branch.EntryNumber;
            if (end < first)
                throw Corrupt(at with { Basket = i }, $"the basket holds the entries {first} to {end}, a range that ends before it begins");
            EmbeddedBasket? embedded = i < embeddedBaskets.Count && embeddedBaskets[i]?.Data is not null ? embeddedBaskets[i] : null;
            if (end > first)
                places.Add(new BasketPlace(i, first, end, seeks[i], (int)Math.Clamp(bytes[i], int.MinValue, int.MaxValue), embedded));
        }
        return [.. places];
    }

    private static RootFormatException Corrupt(RootLocation at, string problem) => new(RootErrorKind.CorruptBranch, problem, at);
}
