using System.Globalization;

namespace Pruning.Root.Compression;

/// <summary>The codecs that ROOT stores blocks with.</summary>
public enum RootCompression
{
    /// <summary>Stored as it is.</summary>
    None,

    /// <summary>zlib stream (RFC 1950).</summary>
    Zlib,

    /// <summary>xz container with LZMA2.</summary>
    Xz,

    /// <summary>Bare deflate (RFC 1951), as ROOT wrote before version 3.</summary>
    Deflate,

    /// <summary>LZ4 block with an XXH64 checksum.</summary>
    Lz4,

    /// <summary>Zstandard frame.</summary>
    Zstd,
}

/// <summary>Names of codecs and of ROOT's setting codes (algorithm * 100 + level).</summary>
internal static class CompressionNames
{
    public static string Name(this RootCompression codec) => codec switch
    {
        RootCompression.None => "none",
        RootCompression.Zlib => "zlib",
        RootCompression.Xz => "xz",
        RootCompression.Deflate => "deflate",
        RootCompression.Lz4 => "lz4",
        _ => "zstd",
    };

    /// <summary>For sentences: <c>a zlib block</c>, <c>an lz4 block</c>.</summary>
    public static string Block(this RootCompression codec) => codec is RootCompression.Xz or RootCompression.Lz4
        ? $"an {codec.Name()} block" : $"a {codec.Name()} block";

    /// <summary>For example <c>zstd 505</c>; the code is left out when it belongs to another codec than the one seen.</summary>
    public static string Describe(RootCompression seen, int setting)
    {
        int code = setting is > 0 and < 10 ? 100 + setting : setting;
        RootCompression meant = (code / 100) switch
        {
            1 => RootCompression.Zlib,
            2 => RootCompression.Xz,
            3 => RootCompression.Deflate,
            4 => RootCompression.Lz4,
            5 => RootCompression.Zstd,
            _ => RootCompression.None,
        };
        return seen == RootCompression.None || seen != meant
            ? seen.Name()
            : string.Create(CultureInfo.InvariantCulture, $"{seen.Name()} {code}");
    }
}
