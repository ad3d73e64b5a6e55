namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Configuration

/// A normalisation of node rows: weights and a function [nodes, features] -> [nodes, features].
[<NoComparison; NoEquality>]
type NormalisationLayer =
    {
        Weights: Weights
        Forward: Mode -> GraphRows -> Tensor -> Tensor
    }

/// Normalisations for the encoder. The default one looks at one node at a time, so no batch, shard or rank changes it.
[<RequireQualifiedAccess>]
module Normalisation =

    let private epsilon = 1e-5

    /// y = (x - mean(x)) / sqrt(var(x) + eps) * weight + bias over the features of a node (arXiv:1607.06450).
    let layerNorm (features: int) : NormalisationLayer =
        let weight = Init.constant 1.0 [| int64 features |]
        let bias = Init.constant 0.0 [| int64 features |]

        {
            Weights = Weights.ofParameters [ "weight", weight; "bias", bias ]
            Forward = fun _ _ x -> torch.nn.functional.layer_norm (x, [| int64 features |], weight, bias, epsilon)
        }

    /// How much one graph moves the running statistics.
    let momentum = 0.1

    /// Running statistics after one graph at a time was seen: r <- (1 - m) r + m s, graph after graph.
    /// Graphs of one node have no variance and leave the running statistics alone.
    let private follow (momentum: float) (running: Tensor) (perGraph: Tensor) (counted: int array) : unit =
        use _scope = torch.NewDisposeScope()
        let keep = 1.0 - momentum
        let steps = counted.Length

        // Newest graph weighs m, the one before m (1 - m), ...
        let weightOf = Array.init steps (fun k -> momentum * (keep ** float (steps - 1 - k)))
        let rows = torch.tensor (Array.map int64 counted, device = perGraph.device)
        let weight = torch.tensor(weightOf, device = perGraph.device).``to``(perGraph.dtype).unsqueeze 1 // [counted, 1]
        let seen = perGraph.index_select(0L, rows).mul(weight).sum 0L // [features]
        running.mul_(scalar (keep ** float steps)).add_ seen |> ignore

    /// Batch norm as the original runs it: in training each graph of the batch is normalised with its own mean and
    /// variance; otherwise with the running statistics (momentum 0.1, unbiased variance), as PyTorch keeps them.
    let graphBatchNorm (features: int) : NormalisationLayer =
        let weight = Init.constant 1.0 [| int64 features |]
        let bias = Init.constant 0.0 [| int64 features |]
        let runningMean = Init.buffer (torch.zeros [| int64 features |])
        let runningVar = Init.buffer (torch.ones [| int64 features |])
        let batches = Init.buffer (torch.zeros ([||], dtype = torch.int64))

        let affine (centred: Tensor) (variance: Tensor) =
            plus (centred.mul(variance.add(scalar epsilon, scalar 1.0).rsqrt()).mul(weight)) bias

        let perGraph (rows: GraphRows) (x: Tensor) =
            let graphs = rows.GraphSizes.Length
            let spread (graphRows: Tensor) = graphRows.index_select (0L, rows.GraphOfNode)
            let mean = Segment.mean graphs rows.GraphOfNode x // [graphs, features]
            let centred = x.sub (spread mean)
            let variance = Segment.mean graphs rows.GraphOfNode (centred.mul centred) // biased, [graphs, features]

            let counted =
                [|
                    for g in 0 .. graphs - 1 do
                        if rows.GraphSizes[g] > 1 then
                            g
                |]

            if counted.Length > 0 then
                use _guard = torch.no_grad ()
                let size = Segment.size graphs rows.GraphOfNode x.dtype
                let unbiased = variance.mul(size).div(size.sub(scalar 1.0).clamp_min(scalar 1.0))
                follow momentum runningMean mean counted
                follow momentum runningVar unbiased counted
                use more = torch.tensor (int64 counted.Length, device = batches.device)
                use total = plus batches more
                batches.copy_ total |> ignore

            affine centred (spread variance)

        {
            Weights =
                {
                    Parameters = [ "weight", weight; "bias", bias ]
                    Buffers = [ "running_mean", runningMean; "running_var", runningVar; "num_batches_tracked", batches ]
                }
            Forward =
                fun mode rows x ->
                    use _scope = torch.NewDisposeScope()

                    match mode with
                    | Training _ -> (perGraph rows x).MoveToOuterDisposeScope()
                    | Inference -> (affine (x.sub runningMean) runningVar).MoveToOuterDisposeScope()
        }

    /// The layer that a configuration asks for.
    let create (kind: Normalisation) (features: int) : NormalisationLayer =
        match kind with
        | Normalisation.Layer -> layerNorm features
        | Normalisation.GraphBatch -> graphBatchNorm features
        | Normalisation.Identity ->
            {
                Weights = Weights.empty
                Forward = fun _ _ x -> x.alias ()
            }
