namespace Pruning.Root.Files;

/// <summary>Recognises files that are often mistaken for ROOT files.</summary>
internal static class FileSignature
{
    /// <summary>What the file is, and what to do about it; null when there is nothing to suggest.</summary>
    public static (string Signature, string? Advice) Describe(ReadOnlySpan<byte> start)
    {
        if (start.IsEmpty)
            return ("an empty file", "Copy it again.");
        if (start.StartsWith("\x89HDF\r\n"u8) || start.StartsWith(new byte[] { 0x89, (byte)'H', (byte)'D', (byte)'F' }))
            return ("an HDF5 file, not a ROOT file", null);
        if (start.StartsWith("PAR1"u8))
            return ("a Parquet file, not a ROOT file", null);
        if (start.StartsWith("ARROW1"u8))
            return ("an Arrow file, not a ROOT file", null);
        if (start.StartsWith(new byte[] { 0x1f, 0x8b }))
            return ("a gzip file", "Unpack it first.");
        if (start.StartsWith("PK\x03\x04"u8))
            return ("a zip archive (or a PyTorch or NumPy file)", "Unpack it first.");
        if (start.StartsWith(new byte[] { 0x28, 0xb5, 0x2f, 0xfd }))
            return ("a zstd file", "Unpack it first.");
        if (start.StartsWith("version https://git-lfs"u8))
            return ("a Git LFS pointer", "Run git lfs pull.");
        if (!start.ContainsAnyExcept((byte)0))
            return ("zeros instead of a ROOT file", "The copy was interrupted. Copy it again.");
        if (LooksLikeHtml(start))
            return ("an HTML page, not a ROOT file", "The server sent an error or login page instead of the file. Download it again.");
        return IsText(start)
            ? ("a text file, not a ROOT file", null)
            : ($"no ROOT file: it begins with the bytes {Convert.ToHexStringLower(start[..Math.Min(4, start.Length)])} instead of 726f6f74 (\"root\")", null);
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
