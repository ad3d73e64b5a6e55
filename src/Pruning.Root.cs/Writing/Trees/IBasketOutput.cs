using Pruning.Root.Writing.Tables;

namespace Pruning.Root.Writing.Trees;

/// <summary>A file that baskets are written to.</summary>
internal interface IBasketOutput : ITableOutput
{
    /// <summary>Compresses, writes and disposes a full basket.</summary>
    void Add(FilledBasket basket);
}
