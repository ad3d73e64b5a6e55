using Pruning.Root.Compression;
using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Ntuples.Metadata;

namespace Pruning.Root.Ntuples;

/// <summary>Sizes of a field's pages.</summary>
/// <param name="Pages">Number of pages.</param>
/// <param name="StoredBytes">Bytes in the file.</param>
/// <param name="UncompressedBytes">Bytes once decompressed.</param>
internal readonly record struct FieldStorage(long Pages, long StoredBytes, long UncompressedBytes);

/// <summary>Sizes of the columns of an RNTuple in the file, summed over all clusters on first use.</summary>
internal sealed class NtupleStorage
{
    private readonly OpenedFile _file;
    private readonly FieldStorage[] _columns;
    private readonly (PageRecord Page, int Setting)?[] _compressed;

    public NtupleStorage(OpenedFile file, IReadOnlyList<PhysicalColumn> columns, IEnumerable<ClusterRecord> clusters)
    {
        _file = file;
        _columns = new FieldStorage[columns.Count];
        _compressed = new (PageRecord, int)?[columns.Count];
        foreach (ClusterRecord cluster in clusters)
        {
            for (int i = 0; i < cluster.Columns.Length; i++)
                Add(columns[i], cluster.Columns[i]);
        }
    }

    /// <summary>Sizes of a field and of all fields inside it.</summary>
    public FieldStorage Of(RootField field)
    {
        var sum = default(FieldStorage);
        foreach (PhysicalColumn column in Columns(field))
        {
            FieldStorage one = _columns[column.Id];
            sum = new FieldStorage(sum.Pages + one.Pages, sum.StoredBytes + one.StoredBytes, sum.UncompressedBytes + one.UncompressedBytes);
        }
        return sum;
    }

    /// <summary>Codec of the first compressed page, and its setting.</summary>
    public string Compression(RootField field)
    {
        foreach (PhysicalColumn column in Columns(field))
        {
            if (_compressed[column.Id] is not (PageRecord page, int setting))
                continue;
            RootLocation at = field.Location with { Byte = page.Offset };
            NtupleBlobs.Check(_file, new NtupleLocator(page.Offset, Math.Min(page.StoredBytes, BlockHeader.Bytes)), 0, "a page", at);
            Span<byte> block = stackalloc byte[BlockHeader.Bytes];
            block.Clear();
            _file.Source.Read(page.Offset, block[..Math.Min(block.Length, page.StoredBytes)], at);
            return CompressionNames.Describe(BlockHeader.DecodeCodec(block, at), setting);
        }
        return RootCompression.None.Name();
    }

    private void Add(PhysicalColumn column, PageRange range)
    {
        foreach (PageRecord page in range.Pages)
        {
            long bytes = column.Encoding is null ? page.StoredBytes : (long)column.Encoding.PageBytes(page.Elements);
            FieldStorage sum = _columns[column.Id];
            _columns[column.Id] = new FieldStorage(sum.Pages + 1, sum.StoredBytes + page.StoredBytes, sum.UncompressedBytes + bytes);
            if (bytes != page.StoredBytes)
                _compressed[column.Id] ??= (page, range.Compression);
        }
    }

    private static IEnumerable<PhysicalColumn> Columns(RootField field) => field.IsProjected
        ? []
        : field.Families.SelectMany(family => family.Columns).Concat(field.Children.SelectMany(Columns));
}
