using Pruning.Root.Errors;
using Pruning.Root.Sources;

namespace Pruning.Root.Files;

/// <summary>ROOT's file header: the first bytes of every file.</summary>
/// <param name="Version">fVersion without the flag for large files: 10000 major + 100 minor + patch.</param>
/// <param name="Wide">File offsets have 8 bytes (files that grew past 2 GB).</param>
/// <param name="Begin">fBEGIN: the first record.</param>
/// <param name="End">fEND: first free byte.</param>
/// <param name="NameBytes">fNbytesName: bytes before the fields of the top directory.</param>
/// <param name="Compression">fCompress: what new records were to be compressed with.</param>
/// <param name="SeekInfo">fSeekInfo: the record of class descriptions, 0 for none.</param>
/// <param name="InfoBytes">fNbytesInfo: bytes of that record.</param>
internal sealed record RootHeader(int Version, bool Wide, int Begin, long End, int NameBytes, int Compression, long SeekInfo, int InfoBytes)
{
    /// <summary>Bytes to read for a header of either width.</summary>
    public const int MaxBytes = 100;

    private const int NarrowBytes = 63;
    private const int WideFlag = 1_000_000;

    /// <param name="bytes">The first bytes of the file, up to <see cref="MaxBytes"/>.</param>
    /// <param name="fileBytes">Length of the file.</param>
    /// <param name="at">The file.</param>
    /// <param name="recover">Accept a file that ends before its header says.</param>
    public static RootHeader Decode(ReadOnlySpan<byte> bytes, long fileBytes, RootLocation at, bool recover = false)
    {
        if (!bytes.StartsWith("root"u8))
        {
            (string signature, string? advice) = FileSignature.Describe(bytes);
            throw new RootFormatException(RootErrorKind.NotARootFile, $"it is {signature}", at, advice);
        }
        if (bytes.Length < NarrowBytes)
            throw new RootFormatException(RootErrorKind.NotARootFile,
                $"the file has {fileBytes} bytes but ROOT's header alone needs {NarrowBytes}", at, "Copy it again.");

        RootBuffer buffer = RootBuffer.OfFile(bytes, at with { Byte = 0 });
        buffer.Skip(4);
        int version = buffer.ReadInt32();
        if (version < 0)
            throw new RootFormatException(RootErrorKind.CorruptHeader, $"the file's version field is {version}", at with { Byte = 4 });
        bool wide = version >= WideFlag;
        int begin = buffer.ReadInt32();
        long end = buffer.ReadSeek(wide);
        buffer.ReadSeek(wide); // fSeekFree: only writers need the free list
        buffer.Skip(8); // fNbytesFree, nfree
        int nameBytes = buffer.ReadInt32();
        buffer.Skip(1); // fUnits: not trustworthy, the version decides
        int compression = buffer.ReadInt32();
        long seekInfo = buffer.ReadSeek(wide);
        int infoBytes = buffer.ReadInt32();

        if (begin is not (64 or 100))
            throw new RootFormatException(RootErrorKind.CorruptHeader,
                $"the first record should begin at byte 100, the header says {begin}", at with { Byte = 8 });
        if (end > fileBytes && !recover)
        {
            throw new RootFormatException(
                RootErrorKind.Truncated,
                $"the file ends at byte {fileBytes} but its header says {end}: {end - fileBytes} bytes are missing",
                at with { Byte = 12 },
                $"Copy it again, or open it with {nameof(RootReadOptions.Recover)} (on the command line: inspect "
                    + "--recover) to read what it holds.");
        }
        if (end < begin)
            throw new RootFormatException(RootErrorKind.CorruptHeader,
                $"the header says that the file ends at byte {end}, before its first record", at with { Byte = 12 });
        if (nameBytes is < 10 or > 10_000)
            throw new RootFormatException(RootErrorKind.CorruptHeader, $"the top directory's name cannot have {nameBytes} bytes",
                at with { Byte = wide ? 36 : 28 });
        return new RootHeader(version % WideFlag, wide, begin, end, nameBytes, compression, seekInfo, infoBytes);
    }
}
