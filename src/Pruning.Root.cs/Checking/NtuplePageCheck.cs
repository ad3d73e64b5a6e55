using System.Buffers;
using System.Buffers.Binary;

namespace Pruning.Root;

/// <content>Pages of fields that nobody can read yet.</content>
public sealed partial class RootNtuple
{
    /// <summary>
    /// Checksums of the pages that no supported field reads: reading does not come by them. Pages without a checksum are
    /// taken as they are.
    /// </summary>
    internal IEnumerable<RootFinding> CheckPages()
    {
        HashSet<int> read = [.. Fields.Where(field => field.IsSupported).SelectMany(ColumnsOf)];
        foreach (ClusterRecord cluster in _clusters.SelectMany(group => group.Value))
        {
            for (int column = 0; column < cluster.Columns.Length; column++)
            {
                if (read.Contains(column))
                    continue;
                foreach (PageRecord page in cluster.Columns[column].Pages)
                {
                    if (CheckPage(page, Location with { Cluster = cluster.Index, Byte = page.Offset }) is RootFinding finding)
                        yield return finding;
                }
            }
        }
    }

    private static IEnumerable<int> ColumnsOf(RootField field) =>
        field.Families.SelectMany(family => family.Columns).Select(column => column.Id).Concat(field.Children.SelectMany(ColumnsOf));

    private RootFinding? CheckPage(PageRecord page, RootLocation at)
    {
        int bytes = page.StoredBytes + (page.HasChecksum ? sizeof(ulong) : 0);
        byte[]? buffer = null;
        try
        {
            NtupleBlobs.Check(_file, new NtupleLocator(page.Offset, page.StoredBytes), _anchor.MaxKeyBytes, "a page", at);
            if (!page.HasChecksum)
                return null;
            buffer = ArrayPool<byte>.Shared.Rent(bytes);
            Span<byte> stored = buffer.AsSpan(0, bytes);
            NtupleBlobs.Read(_file, page.Offset, stored, _anchor.MaxKeyBytes, at);
            NtupleChecksum.Require(stored[..page.StoredBytes], BinaryPrimitives.ReadUInt64LittleEndian(stored[page.StoredBytes..]), "a page", at);
            return null;
        }
        catch (RootFormatException error)
        {
            return RootFinding.Of(error);
        }
        finally
        {
            if (buffer is not null)
                ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
