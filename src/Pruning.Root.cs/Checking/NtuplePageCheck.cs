using System.Buffers;
using System.Buffers.Binary;
using Pruning.Root.Errors;
using Pruning.Root.Ntuples;
using Pruning.Root.Ntuples.Metadata;

namespace Pruning.Root.Checking;

/// <summary>
/// Verifies the checksums of the pages that no supported field reads: reading values does not touch them. Pages without a
/// checksum are accepted as they are.
/// </summary>
internal static class NtuplePageCheck
{
    public static IEnumerable<RootFinding> Run(RootNtuple ntuple)
    {
        HashSet<int> read = [.. ntuple.Fields.Where(field => field.IsSupported).SelectMany(ColumnsOf)];
        foreach (ClusterRecord cluster in ntuple.ClusterRecords)
        {
            for (int column = 0; column < cluster.Columns.Length; column++)
            {
                if (read.Contains(column))
                    continue;
                foreach (PageRecord page in cluster.Columns[column].Pages)
                {
                    if (CheckPage(ntuple, page,
                        ntuple.Location with { Cluster = cluster.Index, Byte = page.Offset }) is RootFinding finding)
                        yield return finding;
                }
            }
        }
    }

    private static IEnumerable<int> ColumnsOf(RootField field) =>
        field.Families.SelectMany(family => family.Columns).Select(column => column.Id).Concat(field.Children.SelectMany(ColumnsOf));

    private static RootFinding? CheckPage(RootNtuple ntuple, PageRecord page, RootLocation at)
    {
        int bytes = page.StoredBytes + (page.HasChecksum ? sizeof(ulong) : 0);
        byte[]? buffer = null;
        try
        {
            NtupleBlobs.Check(ntuple.File, new NtupleLocator(page.Offset, page.StoredBytes), ntuple.MaxKeyBytes, "a page", at);
            if (!page.HasChecksum)
                return null;
            buffer = ArrayPool<byte>.Shared.Rent(bytes);
            Span<byte> stored = buffer.AsSpan(0, bytes);
            NtupleBlobs.Read(ntuple.File, page.Offset, stored, ntuple.MaxKeyBytes, at);
            NtupleChecksum.Require(stored[..page.StoredBytes], BinaryPrimitives.ReadUInt64LittleEndian(stored[page.StoredBytes..]),
                "a page", at);
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
