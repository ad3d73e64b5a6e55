using System.Buffers.Binary;
using Pruning.Root.Errors;
using Pruning.Root.Files;

namespace Pruning.Root.Ntuples.Metadata;

/// <summary>Bytes of an RNTuple in the file: contiguous, or in pieces if a blob is larger than the largest key.</summary>
internal static class NtupleBlobs
{
    /// <summary>Refuses blobs outside of the file or in another storage, before memory is allocated.</summary>
    public static void Check(OpenedFile file, NtupleLocator place, long maxKeyBytes, string what, RootLocation at)
    {
        // Pieces after the first may be anywhere; reading them checks their positions.
        long run = maxKeyBytes == 0 ? place.Bytes : Math.Min(place.Bytes, maxKeyBytes);
        if (place.Offset < 0)
            throw new RootFormatException(RootErrorKind.UnsupportedNtuple,
                $"{what} is in a storage of type {place.Bytes}, not in this file", at);
        if (place.Bytes > file.Length || place.Offset > file.Length - run)
        {
            string found = $"{what} of {place.Bytes} bytes at byte {place.Offset} does not fit the file's {file.Length} bytes";
            throw new RootFormatException(RootErrorKind.CorruptNtuple, found, at with { Byte = place.Offset });
        }
    }

    /// <summary>Fills <paramref name="destination"/> with a checked blob's bytes.</summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">Where the blob begins.</param>
    /// <param name="destination">As long as the blob.</param>
    /// <param name="maxKeyBytes">Largest piece; 0 for no limit.</param>
    /// <param name="at">What is read.</param>
    public static void Read(OpenedFile file, long offset, Span<byte> destination, long maxKeyBytes, RootLocation at)
    {
        if (maxKeyBytes == 0 || destination.Length <= maxKeyBytes)
        {
            file.Source.Read(offset, destination, at);
            return;
        }
        // The first piece ends with the positions of the others.
        long pieces = PieceCount(destination.Length, maxKeyBytes);
        long tableBytes = (pieces - 1) * sizeof(ulong);
        if (tableBytes >= maxKeyBytes)
            throw new RootFormatException(RootErrorKind.CorruptNtuple,
                $"{destination.Length} bytes in pieces of {maxKeyBytes} leave no room for the places of {pieces} pieces", at);
        byte[] table = new byte[tableBytes];
        int done = (int)(maxKeyBytes - tableBytes);
        file.Source.Read(offset, destination[..done], at);
        file.Source.Read(offset + done, table, at);
        for (int piece = 0; done < destination.Length; piece++)
        {
            ulong place = BinaryPrimitives.ReadUInt64LittleEndian(table.AsSpan(piece * sizeof(ulong)));
            int bytes = (int)Math.Min(maxKeyBytes, destination.Length - done);
            if (place > long.MaxValue)
                throw new RootFormatException(RootErrorKind.CorruptNtuple,
                    $"a piece of a large blob at byte {place} is outside of the file", at);
            file.Source.Read((long)place, destination.Slice(done, bytes), at);
            done += bytes;
        }
    }

    // As ROOT counts: the table of positions uses space of the first piece, which may need one piece more.
    private static long PieceCount(long bytes, long maxKeyBytes)
    {
        long pieces = (bytes + maxKeyBytes - 1) / maxKeyBytes;
        long tail = bytes % maxKeyBytes;
        long spare = tail > 0 ? maxKeyBytes - tail : 0;
        return (pieces - 1) * sizeof(ulong) > spare ? pieces + 1 : pieces;
    }
}
