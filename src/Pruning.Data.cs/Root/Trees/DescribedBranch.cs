namespace Pruning.Data.Root;

/// <summary>Branches of versions that are not in the code, read as the file's class descriptions say.</summary>
internal static class DescribedBranch
{
    /// <summary>TBranch behind its envelope.</summary>
    public static BranchRecord Decode(ref RootBuffer buffer, string className, StreamerInfo info, ObjectMap map, int depth)
    {
        var members = new DescribedMembers(map);
        (string name, string title, string fileName) = ("", "", "");
        List<BranchRecord> children = [];
        List<LeafRecord> leaves = [];
        List<EmbeddedBasket?> baskets = [];
        long[] bytes = [];
        long[] entries = [];
        long[] places = [];
        foreach (StreamerElement element in Known(ref buffer, info))
        {
            switch (element.Name)
            {
                case "TNamed":
                    (name, title) = StreamedBases.ReadNamed(ref buffer);
                    break;
                case "fBranches":
                    children = BranchRecord.DecodeList(ref buffer, map, depth + 1);
                    break;
                case "fLeaves":
                    leaves = BranchRecord.DecodeLeaves(ref buffer, map, depth);
                    break;
                case "fBaskets":
                    baskets = BranchRecord.DecodeBaskets(ref buffer, map);
                    break;
                case "fBasketBytes":
                    bytes = ReadTable(ref buffer, element, members, name);
                    break;
                case "fBasketEntry":
                    entries = ReadTable(ref buffer, element, members, name);
                    break;
                case "fBasketSeek":
                    places = ReadTable(ref buffer, element, members, name);
                    break;
                case "fFileName":
                    fileName = buffer.ReadString();
                    break;
                default:
                    members.Take(ref buffer, element);
                    break;
            }
        }
        return new BranchRecord(
            className, name, title, (int)members["fCompress"], (int)members["fEntryOffsetLen"], (int)Math.Min(int.MaxValue, members["fWriteBasket"]),
            members["fEntryNumber"], members["fFirstEntry"], members["fTotBytes"], children, leaves, baskets,
            [.. bytes.Select(size => (int)Math.Clamp(size, 0, int.MaxValue))], entries, places, fileName, null, null);
    }

    /// <summary>What TBranchElement adds.</summary>
    public static ElementRecord DecodeElement(ref RootBuffer buffer, StreamerInfo info, ObjectMap map, int depth)
    {
        var members = new DescribedMembers(map);
        string className = "";
        long counter = 0;
        foreach (StreamerElement element in Known(ref buffer, info))
        {
            switch (element.Name)
            {
                case "TBranch": // read already
                    break;
                case "fClassName":
                    className = buffer.ReadString();
                    break;
                case "fBranchCount":
                    BranchRecord.DecodeSlot(ref buffer, map, depth + 1, out counter);
                    break;
                case "fBranchCount2":
                    BranchRecord.DecodeSlot(ref buffer, map, depth + 1, out _);
                    break;
                default:
                    members.Take(ref buffer, element);
                    break;
            }
        }
        return new ElementRecord(
            className, (uint)members["fCheckSum"], (int)members["fClassVersion"], (int)members["fID"], (int)members["fType"], (int)members["fStreamerType"], counter);
    }

    private static IEnumerable<StreamerElement> Known(ref RootBuffer buffer, StreamerInfo info) => info.Elements.Contains(null)
        ? throw buffer.Error(RootErrorKind.UnsupportedVersion, $"the description of {info.ClassName} version {info.Version} has members of an unknown kind")
        : info.Elements.OfType<StreamerElement>();

    // The tables are as long as fMaxBaskets; only the baskets that exist are kept.
    private static long[] ReadTable(ref RootBuffer buffer, StreamerElement element, DescribedMembers members, string name)
    {
        int count = members.OpenArray(ref buffer, element);
        int kept = Math.Min(count, BranchRecord.KeptBaskets(ref buffer, name, members["fMaxBaskets"], members["fWriteBasket"]));
        long[] values = new long[kept];
        for (int i = 0; i < count; i++)
        {
            long value = DescribedMembers.ReadNumber(ref buffer, element);
            if (i < kept)
                values[i] = value;
        }
        return values;
    }
}
