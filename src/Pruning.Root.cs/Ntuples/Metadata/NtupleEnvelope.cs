using System.Buffers.Binary;
using Pruning.Root.Compression.Blocks;
using Pruning.Root.Errors;
using Pruning.Root.Files;

namespace Pruning.Root.Ntuples.Metadata;

/// <summary>What an envelope holds.</summary>
internal enum EnvelopeType
{
    Header = 1,
    Footer = 2,
    PageList = 3,
}

/// <summary>A block of RNTuple metadata: type, length, contents, checksum. Its checksum is verified before it is decoded.</summary>
/// <param name="Bytes">The envelope once decompressed.</param>
/// <param name="Checksum">Its checksum, by which other envelopes name it.</param>
/// <param name="Location">Where it is.</param>
internal sealed record NtupleEnvelope(byte[] Bytes, ulong Checksum, RootLocation Location)
{
    private const int HeadBytes = sizeof(ulong);
    private const int MinBytes = HeadBytes + sizeof(ulong);

    /// <summary>The contents.</summary>
    public NtupleBuffer Open() => new(Bytes.AsSpan(HeadBytes, Bytes.Length - MinBytes), Location, HeadBytes);

    public static NtupleEnvelope Read(OpenedFile file, NtupleLink link, EnvelopeType type, long maxKeyBytes, RootLocation at)
    {
        string what = type switch
        {
            EnvelopeType.Header => "the RNTuple's header",
            EnvelopeType.Footer => "the RNTuple's footer",
            _ => "a page list",
        };
        NtupleBlobs.Check(file, link.Place, maxKeyBytes, what, at);
        at = at with { Byte = link.Place.Offset };
        long limit = Math.Min(file.Options.MaxRecordBytes, Array.MaxLength);
        if (link.Bytes > limit || link.Place.Bytes > limit)
            throw new RootFormatException(RootErrorKind.MemoryLimit,
                $"{what} has {Math.Max(link.Bytes, link.Place.Bytes)} bytes but {nameof(RootReadOptions.MaxRecordBytes)} is {file.Options.MaxRecordBytes}", at, $"Raise {nameof(RootReadOptions.MaxRecordBytes)}.");
        if (link.Bytes < MinBytes)
            throw new RootFormatException(RootErrorKind.CorruptNtuple, $"{what} cannot have {link.Bytes} bytes", at);
        byte[] bytes = Unpack(file, link, maxKeyBytes, at);
        ulong head = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        if ((head & 0xFFFF) != (ulong)type || head >> 16 != (ulong)bytes.Length)
            throw new RootFormatException(RootErrorKind.CorruptNtuple,
                $"wanted {what} of {bytes.Length} bytes but found an envelope of type {head & 0xFFFF} that claims {head >> 16}", at);
        ulong checksum = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(bytes.Length - sizeof(ulong)));
        NtupleChecksum.Require(bytes.AsSpan(0, bytes.Length - sizeof(ulong)), checksum, what, at);
        return new NtupleEnvelope(bytes, checksum, at);
    }

    private static byte[] Unpack(OpenedFile file, NtupleLink link, long maxKeyBytes, RootLocation at)
    {
        byte[] stored = new byte[link.Place.Bytes];
        NtupleBlobs.Read(file, link.Place.Offset, stored, maxKeyBytes, at);
        if (link.Bytes == stored.Length) // equality, unlike in records with keys
            return stored;
        RootBlocks.Check(stored, (int)link.Bytes, at);
        byte[] bytes = new byte[link.Bytes];
        using var decoder = new BlockDecoder();
        RootBlocks.Decompress(stored, bytes, decoder, at);
        return bytes;
    }
}
