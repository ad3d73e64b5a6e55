namespace Pruning.Root.Files;

/// <summary>Names what a file is when it is not a ROOT file: the usual mix-ups.</summary>
internal static class FileSignature
{
    public static string Describe(ReadOnlySpan<byte> start)
    {
        if (start.IsEmpty)
            return "an empty file";
        if (start.StartsWith("\x89HDF\r\n"u8) || start.StartsWith(new byte[] { 0x89, (byte)'H', (byte)'D', (byte)'F' }))
            return "an HDF5 file";
        if (start.StartsWith("PAR1"u8))
            return "a Parquet file";
        if (start.StartsWith("ARROW1"u8))
            return "an Arrow file";
        if (start.StartsWith(new byte[] { 0x1f, 0x8b }))
            return "a gzip file; unpack it first";
        if (start.StartsWith("PK\x03\x04"u8))
            return "a zip archive (or a PyTorch or NumPy file); unpack it first";
        if (start.StartsWith(new byte[] { 0x28, 0xb5, 0x2f, 0xfd }))
            return "a zstd file; unpack it first";
        if (start.StartsWith("version https://git-lfs"u8))
            return "a Git LFS pointer; run git lfs pull";
        if (!start.ContainsAnyExcept((byte)0))
            return "zeros where ROOT's magic bytes belong; the copy was interrupted";
        if (LooksLikeHtml(start))
            return "an HTML page; the download gave an error or login page instead of the file";
        return IsText(start) ? "a text file" : $"the bytes {Convert.ToHexStringLower(start[..Math.Min(4, start.Length)])} where 726f6f74 (\"root\") belongs";
    }

    private static bool LooksLikeHtml(ReadOnlySpan<byte> start)
    {
        ReadOnlySpan<byte> text = start.TrimStart(" \t\r\n\uFEFF"u8);
        return text.Length > 0 && text[0] == '<' && IsText(text);
    }

    private static bool IsText(ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes)
        {
            if (b < 0x20 && b is not ((byte)'\t' or (byte)'\r' or (byte)'\n' or 0x0c))
                return false;
        }
        return true;
    }
}
