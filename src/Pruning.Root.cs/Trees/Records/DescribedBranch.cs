using Pruning.Root.Errors;
using Pruning.Root.Sources;
using Pruning.Root.Streamers;

namespace Pruning.Root.Trees.Records;

/// <summary>Branches of versions without code here, read as the file's class descriptions say.</summary>
internal static class DescribedBranch
{
    /// <summary>Walks over a TBranch after its envelope header.</summary>
    public static void Walk(ref RootBuffer buffer, BranchRecord branch, StreamerInfo info, ObjectMap map, BranchWalk walk, int depth)
    {
        var members = new DescribedMembers(map);
        (StreamerElement? Bytes, StreamerElement? Entry, StreamerElement? Seek) described = default;
        foreach (StreamerElement element in Known(ref buffer, info))
        {
            int at = buffer.Position;
            switch (element.Name)
            {
                case "TNamed":
                    branch.Texts = StreamedBases.WalkNamed(ref buffer);
                    break;
                case "fBranches":
                    branch.HasChildren = walk.WalkList(ref buffer, map, branch, depth + 1) > 0;
                    break;
                case "fLeaves":
                    LeafRecord.WalkList(ref buffer, map, depth);
                    branch.Lists = branch.Lists with { Leaves = at };
                    break;
                case "fBaskets":
                    EmbeddedBasket.WalkList(ref buffer, map);
                    branch.Lists = branch.Lists with { Baskets = at };
                    break;
                case "fBasketBytes":
                    described.Bytes = WalkTable(ref buffer, element, members);
                    branch.Tables = branch.Tables with { Bytes = at };
                    break;
                case "fBasketEntry":
                    described.Entry = WalkTable(ref buffer, element, members);
                    branch.Tables = branch.Tables with { Entry = at };
                    break;
                case "fBasketSeek":
                    described.Seek = WalkTable(ref buffer, element, members);
                    branch.Tables = branch.Tables with { Seek = at };
                    break;
                case "fFileName":
                    buffer.ReadStringBytes();
                    branch.FileNameAt = at;
                    break;
                default:
                    members.Take(ref buffer, element);
                    break;
            }
        }
        branch.Described = described;
        branch.Compression = (int)members["fCompress"];
        branch.WriteBasket = (int)Math.Clamp(members["fWriteBasket"], -1, int.MaxValue);
        branch.MaxBaskets = (int)Math.Clamp(members["fMaxBaskets"], -1, int.MaxValue);
        branch.EntryNumber = members["fEntryNumber"];
        branch.FirstEntry = members["fFirstEntry"];
        branch.TotalBytes = members["fTotBytes"];
        BranchWalk.CheckTables(ref buffer, branch);
    }

    /// <summary>What TBranchElement adds.</summary>
    public static ElementRecord DecodeElement(ref RootBuffer buffer, StreamerInfo info, ObjectMap map)
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
                    ObjectSlot slot = map.Open(ref buffer);
                    counter = slot.Reference;
                    if (slot.End >= 0)
                        buffer.Seek(slot.End);
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
        ? throw buffer.Error(RootErrorKind.UnsupportedVersion,
            $"the description of {info.ClassName} version {info.Version} has members of an unknown kind")
        : info.Elements.OfType<StreamerElement>();

    private static StreamerElement WalkTable(ref RootBuffer buffer, StreamerElement element, DescribedMembers members)
    {
        members.Take(ref buffer, element);
        return element;
    }
}
