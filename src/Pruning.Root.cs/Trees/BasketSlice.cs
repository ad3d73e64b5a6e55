using Pruning.Root.Errors;
using Pruning.Root.Trees.Records;

namespace Pruning.Root.Trees;

/// <summary>The entries of one basket that a read needs.</summary>
/// <param name="Branch">Whose basket.</param>
/// <param name="Place">The basket.</param>
/// <param name="FirstLocal">First wanted entry, counted within the basket.</param>
/// <param name="EndLocal">Entry after the last wanted one.</param>
internal sealed record BasketSlice(RootBranch Branch, BasketPlace Place, int FirstLocal, int EndLocal)
{
    public RootLocation Location => Branch.Location with { Basket = Place.Index }; // copies; for errors only

    /// <summary>The baskets that hold a range of entries.</summary>
    /// <exception cref="RootFormatException">Some of the entries are in no basket.</exception>
    public static IEnumerable<BasketSlice> Of(RootBranch branch, long first, long end)
    {
        long next = first;
        BasketPlace[] places = branch.Baskets;
        for (int i = FirstBehind(places, first); i < places.Length && places[i].First < end; i++)
        {
            BasketPlace place = places[i];
            if (place.First > next)
                break;
            if (place.End - place.First > int.MaxValue)
                throw new RootFormatException(RootErrorKind.CorruptBranch, $"the basket claims the entries {place.First} to {place.End}",
                    branch.Location with { Basket = place.Index });
            next = Math.Min(end, place.End);
            yield return new BasketSlice(branch, place, (int)(Math.Max(first, place.First) - place.First), (int)(next - place.First));
        }
        if (next < end)
            throw new RootFormatException(RootErrorKind.MissingBasket,
                $"wanted the entries {first} to {end} but no basket holds entry {next}", branch.Location with { Entry = next });
    }

    // The baskets are in the order of their entries.
    private static int FirstBehind(BasketPlace[] places, long entry)
    {
        int low = 0;
        int high = places.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (places[middle].End > entry)
                high = middle;
            else
                low = middle + 1;
        }
        return low;
    }
}
