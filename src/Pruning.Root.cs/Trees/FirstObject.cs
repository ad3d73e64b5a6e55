using Pruning.Root.Errors;
using Pruning.Root.Sources;
using Pruning.Root.Streamers;
using Pruning.Root.Trees.Decoding;
using Pruning.Root.Trees.Records;

namespace Pruning.Root.Trees;

/// <summary>
/// Looks at the first object of a branch whose class has its own streamer: its version may be one that the file does not
/// describe.
/// </summary>
internal static class FirstObject
{
    /// <summary>
    /// Why the objects cannot be decoded; null when the first one can be decoded or there is none. A damaged basket also
    /// gives null, because reading its values reports it. Reads one basket.
    /// </summary>
    public static string? Problem(TreeFile file, RootBranch branch)
    {
        ObjectShape? shape = branch.Shape?.Shape switch
        {
            ObjectShape whole => whole,
            RestShape { Item: ObjectShape item } => item, // a member of the objects of a split collection
            _ => null,
        };
        if (shape?.Info is not StreamerInfo info)
            return null;
        BasketReader reader = file.Readers.Rent();
        try
        {
            if (branch.Baskets is not [BasketPlace first, ..])
                return null;
            using LoadedBasket basket = reader.LoadShaped(branch, first);
            RootBuffer buffer = RootBuffer.OfPayload(basket.Data, branch.Location, 0);
            for (int entry = 0; entry + 1 < basket.Bounds.Length; entry++)
            {
                if (basket.Bounds[entry + 1] == basket.Bounds[entry])
                    continue; // a collection without objects
                buffer = buffer.Between(basket.Bounds[entry], basket.Bounds[entry + 1]);
                break;
            }
            Frame frame = Frame.Open(ref buffer, shape.ClassName);
            new ObjectReader(shape.ClassName, info, new SkippingReader(SkippedKind.Identity)).ReadVersion(ref buffer, frame.Version);
            return null;
        }
        catch (RootFormatException e)
        {
            return e.Kind == RootErrorKind.UnsupportedVersion ? e.Problem : null;
        }
        finally
        {
            file.Readers.Return(reader);
        }
    }
}
