namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors

/// From nodes to edges and back: values of edges, in the plan's order by target, are gathered from their ends and joined
/// again at each target. On any device, for any type, without waiting for it. A node without in-edges gets zero.
[<RequireQualifiedAccess>]
module Neighbourhood =

    /// The row of each edge's source. x: [nodes, ...] -> [edges, ...]
    let ofSource (plan: PlanTensors) (x: Tensor) : Tensor = x.index_select (0L, plan.SegmentSource)

    /// The row of each edge's target. x: [nodes, ...] -> [edges, ...]
    let ofTarget (plan: PlanTensors) (x: Tensor) : Tensor = x.index_select (0L, plan.SegmentTarget)

    /// Sum over the in-edges of each node. values: [edges, ...] -> [nodes, ...]
    let sum (plan: PlanTensors) (values: Tensor) : Tensor = Segment.sum plan.NodeCount plan.SegmentTarget values

    /// Mean over the in-edges of each node. values: [edges, columns] -> [nodes, columns]
    let mean (plan: PlanTensors) (values: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        (sum plan values).div(plan.InDegree.clamp_min (scalar 1.0)).MoveToOuterDisposeScope()

    /// For each edge and column: which row holds the largest value from this edge to the last of its target; of equal ones
    /// the first. Every step doubles how far an edge sees, so a node of degree d takes log2 d steps.
    let private winners (plan: PlanTensors) (values: Tensor) : Tensor =
        use _guard = torch.no_grad ()
        use scope = torch.NewDisposeScope()
        let edges = values.size 0
        let longest = int64 plan.ActiveCounts.Length

        let rec look (reach: int64) (best: Tensor) (row: Tensor) =
            if reach >= longest then
                scope.MoveToOuter row
            else
                let near (x: Tensor) = x.narrow (0L, 0L, edges - reach)
                let far (x: Tensor) = x.narrow (0L, reach, edges - reach)
                let rest (x: Tensor) = x.narrow (0L, edges - reach, reach)
                let same = (near plan.SegmentTarget).eq(far plan.SegmentTarget).unsqueeze 1
                let better = (far best).gt(near best).logical_and same

                let choose x = torch.cat ([| torch.where (better, far x, near x); rest x |], 0L)

                look (2L * reach) (choose best) (choose row)

        let own =
            (torch.arange (edges, dtype = torch.int64, device = values.device)).unsqueeze(1L).expand(values.shape)

        look 1L (values.detach ()) own

    /// Largest value over the in-edges of each node, column by column; the gradient goes to the edge that holds it, to the
    /// first of several. values: [edges, columns] -> [nodes, columns]
    let max (plan: PlanTensors) (values: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let edges = values.size 0

        if edges = 0L then
            let shape = [| int64 plan.NodeCount; values.size 1 |]
            torch.zeros(shape, dtype = values.dtype, device = values.device).MoveToOuterDisposeScope()
        else
            let degree = plan.InDegree.squeeze(1L).``to`` torch.int64 // [nodes]
            // A whole number: limited by a float, indices would become floats.
            use last: Scalar = Scalar.op_Implicit (edges - 1L)
            let first = degree.cumsum(0L).sub(degree).clamp_max last // [nodes]
            let row = (winners plan values).index_select(0L, first) // [nodes, columns]
            let alone = plan.InDegree.eq (scalar 0.0) // [nodes, 1]
            values.gather(0L, row).masked_fill(alone, scalar 0.0).MoveToOuterDisposeScope()

    /// Softmax over the in-edges of each node, column by column. logits: [edges, columns] -> [edges, columns]
    let softmax (plan: PlanTensors) (logits: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let largest = max plan (logits.detach ()) |> ofTarget plan
        let weight = logits.sub(largest).exp() // [edges, columns], the largest of each node is 1
        weight.div(sum plan weight |> ofTarget plan).MoveToOuterDisposeScope()
