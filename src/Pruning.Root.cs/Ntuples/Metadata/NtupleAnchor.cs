using System.Buffers.Binary;
using System.IO.Hashing;
using Pruning.Root.Errors;
using Pruning.Root.Sources;

namespace Pruning.Root.Ntuples.Metadata;

/// <summary>ROOT::RNTuple: the object that a directory lists. It says where the header and the footer are.</summary>
/// <param name="Header">The header envelope.</param>
/// <param name="Footer">The footer envelope.</param>
/// <param name="MaxKeyBytes">Larger blobs are stored in pieces; 0 for no limit.</param>
internal sealed record NtupleAnchor(NtupleLink Header, NtupleLink Footer, long MaxKeyBytes)
{
    private const int FrameBytes = 6;
    private const int Bytes = FrameBytes + (4 * sizeof(ushort)) + (7 * sizeof(ulong)) + sizeof(ulong);
    private const int SupportedEpoch = 1;

    /// <param name="payload">The decompressed object. It is big-endian, unlike the envelopes that it points to.</param>
    /// <param name="at">Its record.</param>
    public static NtupleAnchor Decode(ReadOnlySpan<byte> payload, RootLocation at)
    {
        if (payload.Length < Bytes)
            throw new RootFormatException(RootErrorKind.CorruptNtuple,
                $"an RNTuple's anchor has {Bytes} bytes but only {payload.Length} are there", at);
        RootBuffer buffer = RootBuffer.OfPayload(payload, at, 0);
        buffer.Skip(FrameBytes); // byte count and class version
        ushort epoch = (ushort)buffer.ReadInt16();
        if (epoch != SupportedEpoch)
        {
            RootLocation place = at with { PayloadByte = FrameBytes };
            string found = $"the RNTuple has the format epoch {epoch} but only epoch {SupportedEpoch} is supported";
            throw new RootFormatException(RootErrorKind.UnsupportedNtuple, found, place, "Write it again with ROOT 6.34 or newer.");
        }

        // Later versions may append members; the checksum stays last.
        ReadOnlySpan<byte> hashed = payload[FrameBytes..^sizeof(ulong)];
        NtupleChecksum.Require(hashed, BinaryPrimitives.ReadUInt64BigEndian(payload[^sizeof(ulong)..]), "the RNTuple's anchor", at);
        buffer.Skip(3 * sizeof(ushort)); // major, minor, patch: informative
        NtupleLink header = ReadLink(ref buffer);
        NtupleLink footer = ReadLink(ref buffer);
        long maxKeyBytes = buffer.ReadInt64();
        return maxKeyBytes >= 0
            ? new NtupleAnchor(header, footer, maxKeyBytes)
            : throw buffer.Error(RootErrorKind.CorruptNtuple, $"keys of at most {maxKeyBytes} bytes are impossible");
    }

    private static NtupleLink ReadLink(ref RootBuffer buffer)
    {
        long seek = buffer.ReadInt64();
        long stored = buffer.ReadInt64();
        long bytes = buffer.ReadInt64();
        return seek >= 0 && stored >= 0 && bytes >= 0
            ? new NtupleLink(bytes, new NtupleLocator(seek, stored))
            : throw buffer.Error(RootErrorKind.CorruptNtuple,
                $"an envelope of {bytes} bytes in {stored} bytes at byte {seek} is impossible");
    }
}

/// <summary>XXH3, with which RNTuples check everything.</summary>
internal static class NtupleChecksum
{
    public static void Require(ReadOnlySpan<byte> bytes, ulong wanted, string what, RootLocation at)
    {
        ulong found = XxHash3.HashToUInt64(bytes);
        if (found != wanted)
            throw new RootFormatException(RootErrorKind.ChecksumMismatch,
                $"{what} has the checksum {found:x16} but {wanted:x16} is stored", at);
    }
}
