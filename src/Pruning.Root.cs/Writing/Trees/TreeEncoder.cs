using Pruning.Root.Files;
using Pruning.Root.Writing.Records;

namespace Pruning.Root.Writing.Trees;

/// <summary>The part of a tree that a description contains: all baskets before an entry at which every branch begins a basket.</summary>
/// <param name="EntryCount">Entries.</param>
/// <param name="Baskets">[branches] baskets of each branch.</param>
/// <param name="ClusterEntries">Entries of each cluster but the last; null when clusters are not of one size.</param>
internal sealed record TreeExtent(long EntryCount, IReadOnlyList<int> Baskets, long? ClusterEntries);

/// <summary>Writes ROOT's TTree: the counterpart of <c>TreeRecord</c>. Readers need nothing but it and the baskets.</summary>
internal static class TreeEncoder
{
    private const int TableLength = 1000; // fEntryOffsetLen: not 0 for branches whose baskets have tables

    /// <param name="tree">The tree.</param>
    /// <param name="extent">What of it.</param>
    /// <param name="options">Setting and cluster size.</param>
    /// <param name="keyBytes">Bytes of the record's key.</param>
    public static ReadOnlySpan<byte> Encode(TreeWriter tree, TreeExtent extent, RootWriteOptions options, int keyBytes)
    {
        var objects = new ObjectWriter(keyBytes);
        RootBufferWriter buffer = objects.Buffer;
        long objectBytes = 0;
        long storedBytes = 0;
        for (int i = 0; i < tree.Branches.Count; i++)
        {
            foreach (WrittenBasket basket in tree.Branches[i].Written.Take(extent.Baskets[i]))
            {
                objectBytes += basket.ObjectBytes;
                storedBytes += basket.RecordBytes;
            }
        }
        int frame = buffer.Open(20);
        buffer.WriteNamed(tree.Name, tree.Title, 0x03000008);
        EncodeAttributes(buffer);
        buffer.WriteInt64(extent.EntryCount);
        buffer.WriteInt64(objectBytes);
        buffer.WriteInt64(storedBytes);
        buffer.WriteInt64(0); // fSavedBytes
        buffer.WriteInt64(extent.ClusterEntries is null ? 0 : storedBytes); // fFlushedBytes
        buffer.WriteDouble(1); // fWeight: scales what is drawn
        buffer.WriteInt32(0); // fTimerInterval
        buffer.WriteInt32(25); // fScanField
        buffer.WriteInt32(0); // fUpdate
        buffer.WriteInt32(TableLength);
        buffer.WriteInt32(0); // fNClusterRange: all clusters are of one size, or none is known
        buffer.WriteInt64(1_000_000_000_000); // fMaxEntries
        buffer.WriteInt64(1_000_000_000_000); // fMaxEntryLoop
        buffer.WriteInt64(0); // fMaxVirtualSize
        buffer.WriteInt64(-300_000_000); // fAutoSave
        buffer.WriteInt64(extent.ClusterEntries ?? -options.ClusterBytes); // fAutoFlush: entries, or less than 0: bytes
        buffer.WriteInt64(1_000_000); // fEstimate
        buffer.WriteZeros(2); // fClusterRangeEnd, fClusterSize: none
        EncodeFeatures(buffer);
        int[] leaves = EncodeBranches(objects, tree, extent, options);
        int leafList = objects.OpenArray(leaves.Length);
        foreach (int leaf in leaves)
            buffer.WriteInt32(leaf);
        buffer.Close(leafList);
        buffer.WriteZeros(7 * sizeof(int)); // aliases, two empty arrays, index, friends, user's list, reference branch
        buffer.Close(frame);
        return buffer.Written;
    }

    // Colours and styles, which have no meaning for trees.
    private static void EncodeAttributes(RootBufferWriter buffer)
    {
        int line = buffer.Open(2);
        buffer.WriteInt16(602);
        buffer.WriteInt16(1);
        buffer.WriteInt16(1);
        buffer.Close(line);
        EncodeFill(buffer);
        int marker = buffer.Open(2);
        buffer.WriteInt16(1);
        buffer.WriteInt16(1);
        buffer.WriteSingle(1);
        buffer.Close(marker);
    }

    private static void EncodeFill(RootBufferWriter buffer)
    {
        int fill = buffer.Open(2);
        buffer.WriteInt16(0);
        buffer.WriteInt16(1001);
        buffer.Close(fill);
    }

    // TIOFeatures has no version: 0 and its checksum.
    private static void EncodeFeatures(RootBufferWriter buffer)
    {
        int frame = buffer.Open(0);
        buffer.WriteUInt32(0x1aa12f10);
        buffer.WriteByte(0);
        buffer.Close(frame);
    }

    // A counter precedes the branches that it counts, because their leaves refer back to it. Returns the references of the leaves.
    private static int[] EncodeBranches(ObjectWriter objects, TreeWriter tree, TreeExtent extent, RootWriteOptions options)
    {
        RootBufferWriter buffer = objects.Buffer;
        var leaves = new Dictionary<BranchWriter, int>();
        int array = objects.OpenArray(tree.Branches.Count(branch => branch.Owner is null) + tree.Objects.Count);
        for (int i = 0; i < tree.Branches.Count;)
        {
            BranchWriter branch = tree.Branches[i];
            if (branch.Owner is SplitObject owner)
            {
                EncodeObject(objects, owner, tree.Branches, i, extent, options, leaves);
                i += owner.MemberCount;
                continue;
            }
            bool isObject = branch.ClassName is not null;
            int slot = objects.OpenSlot(isObject ? "TBranchElement" : "TBranch");
            int element = isObject ? buffer.Open(10) : -1;
            leaves[branch] = EncodeBranch(objects, branch, extent.Baskets[i], extent.EntryCount, options, leaves);
            if (isObject)
            {
                EncodeClass(buffer, branch.ClassName!);
                buffer.Close(element);
            }
            buffer.Close(slot);
            i++;
        }
        buffer.Close(array);
        return [.. tree.Branches.Select(branch => leaves[branch])];
    }

    // A branch without baskets and leaves, and below it one for each member.
    private static void EncodeObject(
        ObjectWriter objects, SplitObject owner, IReadOnlyList<BranchWriter> branches, int first, TreeExtent extent,
        RootWriteOptions options, Dictionary<BranchWriter, int> leaves)
    {
        RootBufferWriter buffer = objects.Buffer;
        ClassDescription description = owner.Description;
        int slot = objects.OpenSlot("TBranchElement");
        int element = buffer.Open(10);
        int frame = buffer.Open(13);
        EncodeBranchStart(buffer, owner.Name, owner.Name, options, isJagged: false, baskets: 0, extent.EntryCount);
        buffer.WriteInt32(10); // fMaxBaskets
        buffer.WriteInt32(99); // fSplitLevel
        buffer.WriteInt64(extent.EntryCount);
        buffer.WriteZeros(3 * sizeof(long)); // fFirstEntry, fTotBytes, fZipBytes
        int members = objects.OpenArray(owner.MemberCount);
        for (int m = 0; m < owner.MemberCount; m++)
        {
            BranchWriter branch = branches[first + m];
            int memberSlot = objects.OpenSlot("TBranchElement");
            int memberElement = buffer.Open(10);
            leaves[branch] = EncodeBranch(objects, branch, extent.Baskets[first + m], extent.EntryCount, options, leaves);
            EncodeClass(buffer, owner.ClassName, owner.ClassName, description.Checksum, owner.Version, branch.MemberId,
                branch.Leaf.TypeCode);
            buffer.Close(memberElement);
            buffer.Close(memberSlot);
        }
        buffer.Close(members);
        buffer.Close(objects.OpenArray(0)); // fLeaves
        buffer.Close(objects.OpenArray(0)); // fBaskets
        EncodeTables(buffer, [], 10, extent.EntryCount);
        buffer.WriteString(""); // fFileName
        buffer.Close(frame);
        EncodeClass(buffer, owner.ClassName, "", description.Checksum, owner.Version, -1, -1);
        buffer.Close(element);
        buffer.Close(slot);
    }

    private static void EncodeClass(RootBufferWriter buffer, string className) =>
        EncodeClass(buffer, className, "", CollectionClass.Checksum(className), CollectionClass.Version, -1, -1);

    // Id -1 is the whole object.
    private static void EncodeClass(RootBufferWriter buffer, string className, string parent, uint checksum, int version, int id,
        int typeCode)
    {
        buffer.WriteString(className);
        buffer.WriteString(parent);
        buffer.WriteString(""); // fClonesName
        buffer.WriteUInt32(checksum);
        buffer.WriteInt16((short)version);
        buffer.WriteInt32(id);
        buffer.WriteInt32(0); // fType
        buffer.WriteInt32(typeCode); // fStreamerType
        buffer.WriteInt32(0); // fMaximum
        buffer.WriteInt32(0); // fBranchCount
        buffer.WriteInt32(0); // fBranchCount2
    }

    private static int EncodeBranch(ObjectWriter objects, BranchWriter branch, int baskets, long entryCount, RootWriteOptions options,
        Dictionary<BranchWriter, int> leaves)
    {
        RootBufferWriter buffer = objects.Buffer;
        LeafShape leaf = branch.Leaf;
        string shape = branch.Name + leaf.Dimensions;
        List<WrittenBasket> written = branch.Written[..baskets];
        int room = Math.Max(baskets + 1, 10);
        int frame = buffer.Open(13);
        EncodeBranchStart(buffer, branch.Name, leaf.Letter == 0 ? shape
            : $"{shape}/{leaf.Letter}", options, branch.IsJagged, baskets, entryCount);
        buffer.WriteInt32(room); // fMaxBaskets
        buffer.WriteInt32(branch.ClassName is null ? 0 : 99); // fSplitLevel
        buffer.WriteInt64(entryCount);
        buffer.WriteInt64(0); // fFirstEntry
        buffer.WriteInt64(written.Sum(basket => (long)basket.ObjectBytes));
        buffer.WriteInt64(written.Sum(basket => (long)basket.RecordBytes));
        buffer.Close(objects.OpenArray(0)); // fBranches
        int leafList = objects.OpenArray(1);
        int reference = EncodeLeaf(objects, branch, shape, leaves);
        buffer.Close(leafList);
        buffer.Close(objects.OpenArray(0)); // fBaskets: all are in the file
        EncodeTables(buffer, written, room, entryCount);
        buffer.WriteString(""); // fFileName: this one
        buffer.Close(frame);
        return reference;
    }

    private static void EncodeBranchStart(RootBufferWriter buffer, string name, string title, RootWriteOptions options, bool isJagged,
        int baskets, long entryCount)
    {
        buffer.WriteNamed(name, title, 0x03400000);
        EncodeFill(buffer);
        buffer.WriteInt32(options.Compression.Code);
        buffer.WriteInt32(options.BasketBytes);
        buffer.WriteInt32(isJagged ? TableLength : 0);
        buffer.WriteInt32(baskets); // fWriteBasket
        buffer.WriteInt64(entryCount); // fEntryNumber
        EncodeFeatures(buffer);
        buffer.WriteInt32(0); // fOffset
    }

    private static void EncodeTables(RootBufferWriter buffer, List<WrittenBasket> written, int room, long entryCount)
    {
        buffer.WriteByte(1);
        foreach (WrittenBasket basket in written)
            buffer.WriteInt32(basket.RecordBytes);
        buffer.WriteZeros((room - written.Count) * sizeof(int));
        buffer.WriteByte(1);
        foreach (WrittenBasket basket in written)
            buffer.WriteInt64(basket.FirstEntry);
        buffer.WriteInt64(entryCount);
        buffer.WriteZeros((room - written.Count - 1) * sizeof(long));
        buffer.WriteByte(1);
        foreach (WrittenBasket basket in written)
            buffer.WriteInt64(basket.Seek);
        buffer.WriteZeros((room - written.Count) * sizeof(long));
    }

    private static int EncodeLeaf(ObjectWriter objects, BranchWriter branch, string shape, Dictionary<BranchWriter, int> leaves)
    {
        RootBufferWriter buffer = objects.Buffer;
        LeafShape leaf = branch.Leaf;
        bool isText = leaf.ClassName == "TLeafC";
        int slot = objects.OpenSlot(leaf.ClassName);
        int outer = buffer.Open(1);
        int frame = buffer.Open(2);
        buffer.WriteNamed(branch.Name, shape);
        buffer.WriteInt32(isText ? checked((int)branch.Largest) : leaf.Length);
        buffer.WriteInt32(leaf.ValueBytes);
        buffer.WriteInt32(0); // fOffset
        buffer.WriteByte(branch is CounterGroup ? (byte)1 : (byte)0); // fIsRange
        buffer.WriteByte(leaf.IsUnsigned ? (byte)1 : (byte)0);
        buffer.WriteInt32(branch.Counter is null ? 0 : leaves[branch.Counter]); // fLeafCount
        buffer.Close(frame);
        EncodeRange(buffer, branch);
        buffer.Close(outer);
        buffer.Close(slot);
        return objects.ReferenceTo(slot);
    }

    // Minimum and maximum in the leaf's own type. ROOT makes its buffers as large as the maximum of a counter or text.
    private static void EncodeRange(RootBufferWriter buffer, BranchWriter branch)
    {
        switch (branch.Leaf.ClassName)
        {
            case "TLeafElement":
                buffer.WriteInt32(branch.Owner is null ? -1 : branch.MemberId); // fID
                buffer.WriteInt32(branch.Leaf.TypeCode); // fType
                break;
            case "TLeafC":
                buffer.WriteInt32(0);
                buffer.WriteInt32(checked((int)branch.Largest));
                break;
            case "TLeafI" when branch is CounterGroup:
                buffer.WriteInt32(0);
                buffer.WriteInt32(checked((int)branch.Largest));
                break;
            default:
                buffer.WriteZeros(2 * branch.Leaf.ValueBytes);
                break;
        }
    }
}
