namespace Pruning.Data.Root;

/// <summary>One branch that carries values. Making it reads nothing: baskets are read when the tree is asked for them.</summary>
public sealed class RootBranch : IRootBranch
{
    private readonly RootFile _file;
    private readonly BranchRecord _record;
    private readonly Lazy<BasketPlace[]> _baskets;
    private readonly Lazy<string> _compression;

    internal RootBranch(RootFile file, string name, BranchRecord record, ObjectMap objects, RootLocation tree)
    {
        _file = file;
        _record = record;
        Name = name;
        Location = tree with { Branch = name };
        (Layout, string? reason) = EntryLayout.Of(record, objects, file);
        if (Layout is not null && record.FileName.Length > 0)
            reason = $"its baskets are in another file, '{record.FileName}'";
        if (record.EntryNumber < 0 || record.FirstEntry < 0)
            reason = $"it claims the entries {record.FirstEntry} to {record.EntryNumber}";
        Unsupported = reason;
        TypeName = Layout?.TypeName ?? DescribeType(record);
        _baskets = new Lazy<BasketPlace[]>(() => BasketTable.Of(record, Location));
        _compression = new Lazy<string>(SeeCompression);
    }

    /// <summary>Full name: the names of the branches above it and its own, joined by <c>/</c>.</summary>
    public string Name { get; }

    /// <summary>Its own name as the writer gave it.</summary>
    public string ShortName => _record.Name;

    /// <summary>Title given by the writer: often the leaf list, sometimes a sentence.</summary>
    public string Title => _record.Title;

    /// <summary>C++ spelling: <c>float</c>, <c>vector&lt;int&gt;</c>, <c>double[3]</c>, <c>float[nJet]</c>.</summary>
    public string TypeName { get; }

    /// <summary>Type of the values, null when the branch cannot be read.</summary>
    public RootElementType? ElementType => IsSupported ? Layout!.Element.Type : null;

    /// <summary>Values per entry where all entries have the same number (1 for plain numbers); null for jagged branches.</summary>
    public int? FixedLength => Layout is { Kind: EntryKind.Fixed } ? Layout.Inner : null;

    /// <summary>Values per element of a jagged branch with constant dimensions behind the counted one (<c>x[n][3]</c>: 3), else 1.</summary>
    public int InnerLength => Layout is null or { Kind: EntryKind.Fixed } ? 1 : Layout.Inner;

    /// <summary>Entries.</summary>
    public long EntryCount => Math.Max(0, _record.EntryNumber);

    /// <summary>Baskets that hold entries.</summary>
    public long BasketCount => Baskets.Length;

    /// <summary>Bytes of the baskets in the file, record headers included.</summary>
    public long StoredBytes => Baskets.Sum(basket => basket.Embedded is { } inside ? inside.Header.Last : (long)Math.Max(0, basket.RecordBytes));

    /// <summary>Bytes of the baskets once decompressed, record headers included, as the writer counted them.</summary>
    public long UncompressedBytes => _record.TotalBytes > 0 ? _record.TotalBytes : StoredBytes;

    /// <summary><see cref="UncompressedBytes"/> over <see cref="StoredBytes"/>; 1 for a branch without baskets.</summary>
    public double CompressionRatio => StoredBytes > 0 ? (double)UncompressedBytes / StoredBytes : 1;

    /// <summary>
    /// The codec that the baskets were really stored with, and the setting code that goes with it: <c>zstd 505</c>,
    /// <c>zlib 101</c>, <c>none</c>. Asking reads the first bytes of some baskets.
    /// </summary>
    /// <exception cref="RootFormatException">A basket is damaged.</exception>
    public string Compression => _compression.Value;

    /// <summary>True when the values can be read.</summary>
    public bool IsSupported => Unsupported is null;

    /// <summary>Why the values cannot be read, null when they can.</summary>
    public string? Unsupported { get; }

    /// <summary>First entry of every basket: reads that begin and end there decompress nothing twice.</summary>
    public IReadOnlyList<long> BasketStarts => [.. Baskets.Select(basket => basket.First)];

    internal RootLocation Location { get; }

    internal EntryLayout? Layout { get; }

    internal BasketPlace[] Baskets => _baskets.Value;

    /// <summary>What the branch holds, or an error that says why it cannot be read.</summary>
    internal EntryLayout SupportedLayout() => Unsupported is null
        ? Layout!
        : throw new RootFormatException(
            Layout is null ? RootErrorKind.UnsupportedBranch : _record.FileName.Length > 0 ? RootErrorKind.ExternalFile : RootErrorKind.CorruptBranch,
            $"the branch cannot be read: {Unsupported}; its type is {TypeName}",
            Location);

    private static string DescribeType(BranchRecord record)
    {
        if (record.Element is { Id: < 0 } whole)
            return whole.ClassName;
        if (record.Element is not null)
            return $"member of {record.Element.ClassName}";
        return record.Leaves is [{ ClassName: "TLeafC" }] ? "char*" : record.ClassName == "TBranch" ? record.Title : record.ClassName;
    }

    // The first basket may be too small to be worth compressing, so look on until one is compressed.
    private string SeeCompression()
    {
        const int enough = 32;
        BasketPlace[] stored = [.. Baskets.Where(basket => basket is { Embedded: null, Seek: > 0 })];
        if (stored.Length == 0)
            return RootCompression.None.Name();
        int step = Math.Max(1, stored.Length / enough);
        for (int i = 0; i < stored.Length; i += step)
        {
            RootCompression seen = BasketReader.SeeCompression(_file, this, stored[i]);
            if (seen != RootCompression.None)
                return CompressionNames.Describe(seen, _record.Compression != 0 ? _record.Compression : _file.CompressionSetting);
        }
        return RootCompression.None.Name();
    }
}
