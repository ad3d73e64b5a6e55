namespace Pruning.Data.Batching;

/// <summary>The edges along which a network sends messages, graph after graph: those of the graphs, or more.</summary>
/// <param name="Source">[edges] node of the batch that a message leaves.</param>
/// <param name="Target">[edges] node of the batch that a message reaches.</param>
/// <param name="Offsets">[graphs + 1] graph g owns the edges [Offsets[g], Offsets[g + 1]).</param>
public sealed record MessageEdges(long[] Source, long[] Target, int[] Offsets)
{
    /// <summary>Number of directed edges.</summary>
    public int Count => Source.Length;
}
