using Pruning.Root.Compression.Blocks;
using Pruning.Root.Errors;
using Pruning.Root.Sources;

namespace Pruning.Root.Files;

/// <summary>Reads whole records that are not baskets: trees, key lists, class descriptions.</summary>
internal static class RecordReader
{
    /// <summary>Bytes of a record, not decompressed.</summary>
    public static byte[] ReadBytes(OpenedFile file, long seek, int bytes, RootLocation at)
    {
        if (bytes < RootKey.MinBytes - 3 || seek <= 0 || seek > file.Length - bytes)
        {
            throw new RootFormatException(
                RootErrorKind.CorruptKey,
                $"a record of {bytes} bytes at byte {seek} does not fit the file's {file.Length} bytes",
                at with { Byte = seek });
        }
        if (bytes > file.Options.MaxRecordBytes)
            throw TooLarge(bytes, file, at with { Byte = seek });
        byte[] record = GC.AllocateUninitializedArray<byte>(bytes);
        file.Source.Read(seek, record, at with { Byte = seek });
        return record;
    }

    /// <summary>The record that a directory's key points at, decompressed.</summary>
    public static (RootKey Key, byte[] Payload) Read(OpenedFile file, RootKey listed, RootLocation at) =>
        Read(file, listed.Seek, listed.RecordBytes, at);

    /// <summary>The record at a place of the file, decompressed.</summary>
    public static (RootKey Key, byte[] Payload) Read(OpenedFile file, long seek, int bytes, RootLocation at)
    {
        byte[] record = ReadBytes(file, seek, bytes, at);
        at = at with { Byte = seek };
        RootBuffer buffer = RootBuffer.OfFile(record, at);
        RootKey key = RootKey.Decode(ref buffer);
        if (key.Seek != seek || key.RecordBytes != bytes)
            throw new RootFormatException(RootErrorKind.CorruptKey,
                $"the record of {bytes} bytes at byte {seek} says that it has {key.RecordBytes} and is at byte {key.Seek}", at);
        ReadOnlySpan<byte> stored = record.AsSpan(key.KeyBytes);
        if (key.ObjectBytes <= stored.Length)
            return (key, stored[..key.ObjectBytes].ToArray());
        if (key.ObjectBytes > file.Options.MaxRecordBytes)
            throw TooLarge(key.ObjectBytes, file, at);
        RootLocation dataAt = at with { Byte = seek + key.KeyBytes };
        RootBlocks.Check(stored, key.ObjectBytes, dataAt);
        byte[] payload = GC.AllocateUninitializedArray<byte>(key.ObjectBytes);
        using var decoder = new BlockDecoder();
        RootBlocks.Decompress(stored, payload, decoder, dataAt);
        return (key, payload);
    }

    private static RootFormatException TooLarge(long bytes, OpenedFile file, RootLocation at) => new(
        RootErrorKind.MemoryLimit,
        $"the record has {bytes} bytes but {nameof(RootReadOptions.MaxRecordBytes)} is {file.Options.MaxRecordBytes}",
        at,
        $"Raise {nameof(RootReadOptions.MaxRecordBytes)}.");
}
