using Pruning.Root.Writing.Tables;

namespace Pruning.Root.Writing.Trees;

/// <summary>A file that takes baskets.</summary>
internal interface IBasketOutput : ITableOutput
{
    /// <summary>Takes a full basket over: it is compressed, written and disposed.</summary>
    void Add(FilledBasket basket);
}
