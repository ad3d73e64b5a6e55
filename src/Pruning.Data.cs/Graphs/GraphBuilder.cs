namespace Pruning.Data.Graphs;

/// <summary>Trackster columns to graphs.</summary>
public static class GraphBuilder
{
}
