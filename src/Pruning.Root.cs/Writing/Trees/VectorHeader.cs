using System.Buffers.Binary;

namespace Pruning.Root.Writing.Trees;

/// <summary>The ten bytes before the elements of a collection: byte count, version, number of elements.</summary>
internal static class VectorHeader
{
    public const int Bytes = 10;

    private const int CollectionVersion = 9;
    private const uint CountMask = 0x40000000;

    /// <param name="entry">Where the entry begins.</param>
    /// <param name="entryBytes">Bytes of the entry, header included.</param>
    /// <param name="count">Elements.</param>
    public static void Write(Span<byte> entry, int entryBytes, int count)
    {
        BinaryPrimitives.WriteUInt32BigEndian(entry, CountMask | (uint)(entryBytes - sizeof(uint)));
        BinaryPrimitives.WriteInt16BigEndian(entry[4..], CollectionVersion);
        BinaryPrimitives.WriteInt32BigEndian(entry[6..], count);
    }
}
