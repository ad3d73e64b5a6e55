using Pruning.Root.Errors;
using Pruning.Root.Trees.Records;

namespace Pruning.Root.Trees;

/// <summary>The entries of one basket that a column needs, and their values' place in the column.</summary>
internal sealed class ColumnSlice(ColumnSink sink, BasketSlice slice)
{
    public ColumnSink Sink { get; } = sink;

    public BasketPlace Place => slice.Place;

    /// <summary>Wanted entries [FirstLocal, EndLocal), counted within the basket.</summary>
    public int FirstLocal => slice.FirstLocal;

    public int EndLocal => slice.EndLocal;

    public int EntryCount => EndLocal - FirstLocal;

    /// <summary>The first wanted entry, counted within the column.</summary>
    public int FirstEntry => (int)(Place.First + FirstLocal - Sink.First);

    public bool IsWhole => FirstLocal == 0 && EndLocal == Place.End - Place.First;

    /// <summary>The decompressed basket, if it was loaded to count its values.</summary>
    public LoadedBasket? Loaded { get; set; }

    /// <summary>Values of the wanted entries.</summary>
    public long ValueCount { get; set; }

    /// <summary>Index of the first of them in the column.</summary>
    public long ValueStart { get; set; }

    public RootLocation Location => slice.Location;
}
