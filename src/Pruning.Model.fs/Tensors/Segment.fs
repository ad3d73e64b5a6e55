namespace Pruning.Model.Tensors

open TorchSharp

/// Sums and means of rows that belong together: the nodes of a graph, the in-edges of a node.
[<RequireQualifiedAccess>]
module Segment =

    /// Sum of the rows of each owner. values: [rows, ...], owner: [rows] in [0, count) -> [count, ...]
    let sum (count: int) (owner: Tensor) (values: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let shape = values.shape
        shape[0] <- int64 count
        let zero = torch.zeros (shape, dtype = values.dtype, device = values.device)
        zero.index_add(0L, owner, values, scalar 1.0).MoveToOuterDisposeScope()

    /// Rows of each owner, as [count, 1] of the given type.
    let size (count: int) (owner: Tensor) (dtype: torch.ScalarType) : Tensor =
        use _scope = torch.NewDisposeScope()
        let ones = torch.ones ([| owner.size 0; 1L |], dtype = dtype, device = owner.device)
        (sum count owner ones).MoveToOuterDisposeScope()

    /// Mean of the rows of each owner; an owner without rows gets zero. -> [count, ...]
    let mean (count: int) (owner: Tensor) (values: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let rows = (size count owner values.dtype).clamp_min(scalar 1.0)
        (sum count owner values).div(rows).MoveToOuterDisposeScope()
