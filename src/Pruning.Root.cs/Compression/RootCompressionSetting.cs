namespace Pruning.Root.Compression;

/// <summary>What a file's baskets are compressed with. A basket that compression does not make smaller is stored uncompressed.</summary>
public readonly record struct RootCompressionSetting
{
    private RootCompressionSetting(RootCompression codec, int level)
    {
        Codec = codec;
        Level = level;
    }

    /// <summary>The codec.</summary>
    public RootCompression Codec { get; }

    /// <summary>The codec's level; 0 where nothing is compressed.</summary>
    public int Level { get; }

    /// <summary>Nothing is compressed: fastest to write and to read.</summary>
    public static RootCompressionSetting None => default;

    /// <summary>zlib: every ROOT version reads it.</summary>
    /// <param name="level">1 (fastest) to 9 (smallest).</param>
    public static RootCompressionSetting Zlib(int level = 1) => new(RootCompression.Zlib, Checked(level));

    /// <summary>
    /// LZ4: the fastest to read; files are larger. From ROOT 6.10 on. Levels from 3 on search longer, and write at a tenth of
    /// the speed.
    /// </summary>
    /// <param name="level">1 and 2 (fastest) to 9 (smallest).</param>
    public static RootCompressionSetting Lz4(int level = 1) => new(RootCompression.Lz4, Checked(level));

    /// <summary>Zstandard: small files that are fast to read. From ROOT 6.20 on.</summary>
    /// <param name="level">1 (fastest) to 9 (small); ROOT's own default is 5.</param>
    public static RootCompressionSetting Zstd(int level = 3) => new(RootCompression.Zstd, Checked(level));

    /// <summary>XZ (LZMA2): the smallest files, slow both ways. From ROOT 5.30 on.</summary>
    /// <param name="level">1 (fastest) to 9 (smallest).</param>
    public static RootCompressionSetting Xz(int level = 5) => new(RootCompression.Xz, Checked(level));

    /// <summary>ROOT's code: algorithm * 100 + level; 0 for none.</summary>
    public int Code => Codec switch
    {
        RootCompression.Zlib => 100 + Level,
        RootCompression.Xz => 200 + Level,
        RootCompression.Lz4 => 400 + Level,
        RootCompression.Zstd => 500 + Level,
        _ => 0,
    };

    /// <summary>For example <c>zstd 503</c>.</summary>
    public override string ToString() => CompressionNames.Describe(Codec, Code);

    private static int Checked(int level)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, 9);
        return level;
    }
}
