using Pruning.Root.Ntuples.Metadata;
using Pruning.Root.Writing.Records;
using Pruning.Root.Writing.Tables;

namespace Pruning.Root.Writing.Ntuples;

/// <summary>A file that pages and envelopes are written to.</summary>
internal interface IPageOutput : ITableOutput
{
    /// <summary>Writes pages and sets the position of each. Many pages share one record, which no directory lists.</summary>
    void WritePages(WrittenDirectory directory, IReadOnlyList<NtuplePage> pages);

    /// <summary>Writes an envelope, compressed where that makes it smaller.</summary>
    NtupleLink WriteEnvelope(WrittenDirectory directory, ReadOnlySpan<byte> envelope);

    /// <summary>Counts bytes before compression that are written since the last checkpoint.</summary>
    void CountUnsaved(long bytes);
}
