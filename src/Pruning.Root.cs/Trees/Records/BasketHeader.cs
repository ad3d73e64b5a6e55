using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Sources;

namespace Pruning.Root.Trees.Records;

/// <summary>ROOT's TBasket header, at the end of the basket's key.</summary>
/// <param name="Key">The record header before it.</param>
/// <param name="NamePosition">Position of the key's name, which is the branch's, in the buffer it was read from.</param>
/// <param name="NameBytes">Bytes of that name.</param>
/// <param name="HeaderEnd">Position after the header in the buffer it was read from.</param>
/// <param name="EntryBytes">fNevBufSize: bytes of an entry when all have the same and there is no offset table.</param>
/// <param name="IoBits">fIOBits: 1 = writers may leave the offset table out.</param>
/// <param name="EntryCount">fNevBuf.</param>
/// <param name="Last">fLast: where entry data ends, counted from the first byte of the key.</param>
/// <param name="Flag">How offsets and data of embedded baskets are stored; 80 = no offset table, entries counted elsewhere.</param>
internal readonly record struct BasketHeader(KeyNumbers Key, int NamePosition, int NameBytes, int HeaderEnd, int EntryBytes, int IoBits,
    int EntryCount, int Last, int Flag)
{
    /// <summary>Bytes of entry data.</summary>
    public int DataBytes => Last - Key.KeyBytes;

    /// <param name="buffer">Positioned on the first byte of the key.</param>
    /// <param name="embedded">The basket is stored inside a tree description.</param>
    public static BasketHeader Decode(ref RootBuffer buffer, bool embedded = false)
    {
        KeyNumbers key = KeyNumbers.Decode(ref buffer, embedded);
        ReadOnlySpan<byte> className = buffer.ReadStringBytes();
        int nameBytes = buffer.ReadStringBytes().Length;
        int namePosition = buffer.Position - nameBytes;
        buffer.ReadStringBytes(); // the title: the tree's name
        if (!embedded && !className.SequenceEqual("TBasket"u8))
            throw buffer.Error(RootErrorKind.WrongBasket,
                $"wanted a TBasket but found a {(className.IsEmpty ? "record without class" : RootText.Decode(className))}");
        int version = buffer.ReadInt16();
        if (version is not (2 or 3))
            throw buffer.Error(RootErrorKind.UnsupportedVersion, $"TBasket version {version} is not known, only 2 and 3");
        buffer.Skip(4); // fBufferSize
        int entryBytes = buffer.ReadInt32();
        int ioBits = 0;
        if (entryBytes < 0)
        {
            entryBytes = -entryBytes;
            ioBits = buffer.ReadByte();
            if (ioBits is 0 or > 1)
                throw buffer.Error(RootErrorKind.CorruptBasket, $"a basket's feature bits are {ioBits}, only 1 is known");
        }
        int entryCount = buffer.ReadInt32();
        int last = buffer.ReadInt32();
        int flag = buffer.ReadByte();
        bool headerOnly = embedded && flag == 0; // its record follows elsewhere in the file
        if (entryCount < 0 || (last < key.KeyBytes && !headerOnly) || (!embedded && last - key.KeyBytes > key.ObjectBytes))
            throw buffer.Error(RootErrorKind.CorruptBasket,
                $"a basket of {entryCount} entries that end at byte {last}, with a key of {key.KeyBytes} and an object of "
                    + $"{key.ObjectBytes} bytes, is impossible");
        return new BasketHeader(key, namePosition, nameBytes, buffer.Position, entryBytes, ioBits, entryCount, last, flag);
    }
}
