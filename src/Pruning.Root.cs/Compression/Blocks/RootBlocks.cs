using Pruning.Root.Errors;
using Pruning.Root.Threading;

namespace Pruning.Root.Compression.Blocks;

/// <summary>A record's payload as a chain of compressed blocks.</summary>
internal static class RootBlocks
{
    /// <summary>
    /// Checks, without decompressing, that the blocks of a payload add up to exactly the object. Call it before allocating
    /// the object.
    /// </summary>
    public static void Check(ReadOnlySpan<byte> stored, int objectBytes, RootLocation at)
    {
        int read = 0;
        for (int made = 0; made < objectBytes;)
        {
            BlockHeader block = BlockHeader.Decode(stored[read..], objectBytes - made, Shift(at, read));
            read += BlockHeader.Bytes + block.StoredBytes;
            made += block.ObjectBytes;
        }
    }

    /// <summary>Decompresses a payload into <paramref name="output"/>, which has the size of the object.</summary>
    /// <param name="stored">The stored payload, compressed (shorter than the object).</param>
    /// <param name="output">Filled to the last byte.</param>
    /// <param name="decoder">Codecs of this thread.</param>
    /// <param name="at">Where the payload begins.</param>
    public static void Decompress(ReadOnlySpan<byte> stored, Span<byte> output, BlockDecoder decoder, RootLocation at)
    {
        int read = 0;
        for (int made = 0; made < output.Length;)
        {
            RootLocation here = Shift(at, read);
            BlockHeader block = BlockHeader.Decode(stored[read..], output.Length - made, here);
            decoder.Decode(block, stored.Slice(read + BlockHeader.Bytes, block.StoredBytes), output.Slice(made, block.ObjectBytes), here);
            read += BlockHeader.Bytes + block.StoredBytes;
            made += block.ObjectBytes;
        }
    }

    /// <summary>As <see cref="Decompress"/>, with the blocks on several threads: they do not depend on each other.</summary>
    /// <param name="decoders">Codecs for each thread.</param>
    /// <param name="workers">Most threads.</param>
    /// <param name="record">Holds the stored payload.</param>
    /// <param name="stored">Where in the record.</param>
    /// <param name="output">Filled up to <paramref name="objectBytes"/>.</param>
    /// <param name="objectBytes">Size of the object.</param>
    /// <param name="at">Where the payload begins.</param>
    public static void DecompressInParallel(ToolPool<BlockDecoder> decoders, int workers, byte[] record, Range stored, byte[] output,
        int objectBytes, RootLocation at)
    {
        (int begin, int length) = stored.GetOffsetAndLength(record.Length);
        var blocks = new List<(BlockHeader Header, int Read, int Made)>();
        int read = 0;
        for (int made = 0; made < objectBytes;)
        {
            BlockHeader block = BlockHeader.Decode(record.AsSpan(begin + read, length - read), objectBytes - made, Shift(at, read));
            blocks.Add((block, read, made));
            read += BlockHeader.Bytes + block.StoredBytes;
            made += block.ObjectBytes;
        }
        ParallelWork.Run(decoders, workers, blocks.ToArray(), (decoder, block) => decoder.Decode(
            block.Header,
            record.AsSpan(begin + block.Read + BlockHeader.Bytes, block.Header.StoredBytes),
            output.AsSpan(block.Made, block.Header.ObjectBytes),
            Shift(at, block.Read)));
    }

    private static RootLocation Shift(RootLocation at, int bytes) => bytes == 0 ? at : at with { Byte = (at.Byte ?? 0) + bytes };
}
