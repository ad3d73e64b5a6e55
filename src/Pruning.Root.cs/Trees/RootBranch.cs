using Pruning.Root.Columns;
using Pruning.Root.Compression;
using Pruning.Root.Errors;
using Pruning.Root.Trees.Records;

namespace Pruning.Root.Trees;

/// <summary>One branch with values. Creating it reads nothing: baskets are read when the tree reads values.</summary>
public sealed class RootBranch : IRootBranch
{
    private readonly TreeFile _file;
    private readonly BranchRecord _record;
    private readonly Lazy<Contents> _contents;
    private readonly Lazy<BasketPlace[]> _baskets;
    private readonly Lazy<string> _compression;
    private readonly Lazy<string?> _objectProblem;

    internal RootBranch(TreeFile file, string name, BranchRecord record, RootLocation tree, Func<string, bool> isNameTaken)
    {
        _file = file;
        _record = record;
        Location = tree with { Branch = name };
        IsNameTaken = isNameTaken;
        Name = name;
        _contents = new Lazy<Contents>(() => Contents.Of(record, file));
        _baskets = new Lazy<BasketPlace[]>(() => BasketTable.Of(record, Location));
        _compression = new Lazy<string>(SeeCompression);
        _objectProblem = new Lazy<string?>(() => FirstObject.Problem(file, this));
    }

    /// <summary>Full name: the names of the branches above it and its own, joined by <c>/</c>.</summary>
    public string Name { get; }

    /// <summary>Its own name as the writer gave it.</summary>
    public string ShortName => _record.Name;

    /// <summary>Title given by the writer: often the leaf list, sometimes a sentence.</summary>
    public string Title => _record.Title;

    /// <summary>C++ spelling: <c>float</c>, <c>vector&lt;int&gt;</c>, <c>double[3]</c>, <c>float[nJet]</c>.</summary>
    public string TypeName => _contents.Value.TypeName;

    /// <summary>
    /// Type of the values; null for texts, records and nested lists, which
    /// <see cref="RootTree.ReadColumns(string, long, long?)"/> reads, and when the branch cannot be read.
    /// </summary>
    public RootElementType? ElementType => IsSupported ? Layout?.Element.Type : null;

    /// <summary>Values per entry where all entries have the same number (1 for plain numbers); null for jagged branches.</summary>
    public int? FixedLength => Layout is { Kind: EntryKind.Fixed } ? Layout.Inner : null;

    /// <summary>Values per element of a jagged branch with constant dimensions after the counted one (<c>x[n][3]</c>: 3), else 1.</summary>
    public int InnerLength => Layout is null or { Kind: EntryKind.Fixed } ? 1 : Layout.Inner;

    /// <summary>Name of the branch that counts the elements of each entry (<c>nJet</c>); null for branches that need none.</summary>
    public string? Counter => Layout?.Counter;

    /// <summary>Entries.</summary>
    public long EntryCount => Math.Max(0, _record.EntryNumber);

    /// <summary>Baskets that hold entries.</summary>
    public long BasketCount => Baskets.Length;

    /// <summary>Bytes of the baskets in the file, record headers included.</summary>
    public long StoredBytes =>
        Baskets.Sum(basket => basket.Embedded is { } inside ? inside.Header.Last : (long)Math.Max(0, basket.RecordBytes));

    /// <summary>Bytes of the baskets once decompressed, record headers included, as the writer counted them.</summary>
    public long UncompressedBytes => _record.TotalBytes > 0 ? _record.TotalBytes : StoredBytes;

    /// <summary><see cref="UncompressedBytes"/> over <see cref="StoredBytes"/>; 1 for a branch without baskets.</summary>
    public double CompressionRatio => StoredBytes > 0 ? (double)UncompressedBytes / StoredBytes : 1;

    /// <summary>
    /// The codec that the baskets are stored with, and its setting code: <c>zstd 505</c>,
    /// <c>zlib 101</c>, <c>none</c>. Reads the first bytes of some baskets.
    /// </summary>
    /// <exception cref="RootFormatException">A basket is damaged.</exception>
    public string Compression => _compression.Value;

    /// <summary>True when the values can be read.</summary>
    public bool IsSupported => Unsupported is null;

    /// <summary>
    /// Why the values cannot be read, null when they can. For a branch of objects whose class has its own streamer, this
    /// reads the first basket, because the version of the first object decides.
    /// </summary>
    public string? Unsupported => _contents.Value.Problem ?? _objectProblem.Value;

    IReadOnlyList<KeyValuePair<string, string>> IRootBranch.UnsupportedMembers => Unsupported is string reason ? [new("", reason)] : [];

    long IRootBranch.PieceCount => BasketCount;

    /// <summary>First entry of every basket: reads that begin and end there decompress nothing twice.</summary>
    public IReadOnlyList<long> BasketStarts => [.. Baskets.Select(basket => basket.First)];

    /// <summary>True for the names of the tree's branches, without those above them.</summary>
    internal Func<string, bool> IsNameTaken { get; }

    /// <summary>The name as the file has it.</summary>
    internal ReadOnlySpan<byte> ShortNameBytes => _record.NameBytes;

    internal RootLocation Location { get; }

    /// <summary>A branch of plain numbers; null for others.</summary>
    internal EntryLayout? Layout => _contents.Value.Layout;

    /// <summary>A branch of anything else that is decoded.</summary>
    internal BranchShape? Shape => _contents.Value.Shape;

    internal BasketPlace[] Baskets => _baskets.Value;

    /// <summary>The layout of a branch of plain numbers.</summary>
    internal EntryLayout SupportedLayout()
    {
        CheckSupported();
        return Layout ?? throw new RootFormatException(
            RootErrorKind.WrongElementType,
            $"the branch is {TypeName}, not one list of numbers for each entry",
            Location,
            $"Read it with {nameof(RootTree.ReadColumns)}, {nameof(RootTree.ReadText)} or {nameof(RootTree.ReadNested)}.");
    }

    /// <summary>Throws when the branch cannot be read.</summary>
    internal void CheckSupported()
    {
        if (Unsupported is not null)
        {
            throw new RootFormatException(
                (Layout is null && Shape is null) || _contents.Value.Problem is null ? RootErrorKind.UnsupportedBranch
                    : _record.FileName.Length > 0 ? RootErrorKind.ExternalFile : RootErrorKind.CorruptBranch,
                $"{Unsupported} (the branch is {TypeName})",
                Location);
        }
    }

    // What the branch holds: plain numbers, another shape, or a reason why it cannot be read.
    private sealed record Contents(EntryLayout? Layout, BranchShape? Shape, string TypeName, string? Problem)
    {
        public static Contents Of(BranchRecord record, TreeFile file)
        {
            try
            {
                (EntryLayout? layout, string? problem) = EntryLayout.Of(record, file);
                BranchShape? shape = null;
                if (layout is null)
                    (shape, problem) = BranchShape.Of(record, file);
                if (problem is null && record.FileName.Length > 0)
                    problem = $"its baskets are in another file, '{record.FileName}'";
                if (record.EntryNumber < 0 || record.FirstEntry < 0)
                    problem = $"it claims the entries {record.FirstEntry} to {record.EntryNumber}";
                return new Contents(layout, shape, layout?.TypeName ?? shape?.TypeName ?? DescribeType(record), problem);
            }
            catch (RootFormatException e)
            {
                return new Contents(null, null, record.ClassName, $"its description is damaged: {e.Problem} ({e.Location})");
            }
        }

        private static string DescribeType(BranchRecord record) => record.DecodeElement() switch
        {
            { Id: < 0 } whole => whole.ClassName,
            ElementRecord member => $"member of {member.ClassName}",
            null => record.ClassName == "TBranch" ? record.Title : record.ClassName,
        };
    }

    // Small baskets are often not compressed, so look for one that is.
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
