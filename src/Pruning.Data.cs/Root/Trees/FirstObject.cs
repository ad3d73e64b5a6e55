namespace Pruning.Data.Root;

/// <summary>Looks at the first object of a branch whose class writes itself: its version may be one that the file does not describe.</summary>
internal static class FirstObject
{
    /// <summary>
    /// Why the objects cannot be decoded; null when the first one can be, when there is none, and when the basket is
    /// damaged, which is for those to say who read it. Reads one basket.
    /// </summary>
    public static string? Problem(RootFile file, RootBranch branch)
    {
        if (branch.Shape?.Shape is not ObjectShape { Info: StreamerInfo info } shape)
            return null;
        BasketReader reader = file.RentReader();
        try
        {
            if (branch.Baskets is not [BasketPlace first, ..])
                return null;
            using LoadedBasket basket = reader.LoadShaped(branch, first);
            RootBuffer buffer = RootBuffer.OfPayload(basket.Data, branch.Location, 0);
            if (basket.Bounds.Length > 1)
                buffer = buffer.Between(basket.Bounds[0], basket.Bounds[1]);
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
            file.ReturnReader(reader);
        }
    }
}
