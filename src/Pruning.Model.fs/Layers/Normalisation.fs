namespace Pruning.Model.Layers

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Configuration

/// A normalisation of node rows: weights and a function [nodes, features] -> [nodes, features].
type NormalisationLayer = Layer<Mode -> GraphRows -> Tensor -> Tensor>

/// Normalisations for the encoder. The default one looks at one node at a time, so no batch, shard or rank changes it.
[<RequireQualifiedAccess>]
module Normalisation =

    let private epsilon = 1e-5

    /// A scale and a shift for each feature.
    [<NoComparison; NoEquality>]
    type private Affine = { Weight: Parameter; Bias: Parameter }

    let private visitAffine (visitor: WeightVisitor) (affine: Affine) : Affine =
        {
            Weight = visitor.Parameter "weight" affine.Weight
            Bias = visitor.Parameter "bias" affine.Bias
        }

    let private affineOf (init: Init) (features: int) : Affine =
        {
            Weight = Init.constant init 1.0 [| int64 features |]
            Bias = Init.constant init 0.0 [| int64 features |]
        }

    /// y = (x - mean(x)) / sqrt(var(x) + eps) * weight + bias over the features of a node (arXiv:1607.06450).
    let layerNorm (init: Init) (features: int) : NormalisationLayer =
        let forward (affine: Affine) (_: Mode) (_: GraphRows) (x: Tensor) =
            torch.nn.functional.layer_norm (x, [| int64 features |], affine.Weight, affine.Bias, epsilon)

        Layer.create visitAffine forward (affineOf init features)

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

    [<NoComparison; NoEquality>]
    type private BatchNorm =
        {
            Affine: Affine
            RunningMean: Tensor
            RunningVar: Tensor
            /// Graphs seen, [] int64.
            Batches: Tensor
        }

    let private visitBatchNorm (visitor: WeightVisitor) (norm: BatchNorm) : BatchNorm =
        {
            Affine = visitAffine visitor norm.Affine
            RunningMean = visitor.Buffer "running_mean" norm.RunningMean
            RunningVar = visitor.Buffer "running_var" norm.RunningVar
            Batches = visitor.Buffer "num_batches_tracked" norm.Batches
        }

    let private scaled (affine: Affine) (centred: Tensor) (variance: Tensor) : Tensor =
        plus (centred.mul(variance.add(scalar epsilon, scalar 1.0).rsqrt()).mul(affine.Weight)) affine.Bias

    /// Each graph with its own mean and variance; the running statistics follow.
    let private perGraph (norm: BatchNorm) (rows: GraphRows) (x: Tensor) : Tensor =
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
            follow momentum norm.RunningMean mean counted
            follow momentum norm.RunningVar unbiased counted
            use more = torch.tensor (int64 counted.Length, device = norm.Batches.device)
            use total = plus norm.Batches more
            norm.Batches.copy_ total |> ignore

        scaled norm.Affine centred (spread variance)

    /// Batch norm as the original runs it: in training each graph of the batch is normalised with its own mean and
    /// variance; otherwise with the running statistics (momentum 0.1, unbiased variance), as PyTorch keeps them.
    let graphBatchNorm (init: Init) (features: int) : NormalisationLayer =
        let forward (norm: BatchNorm) (mode: Mode) (rows: GraphRows) (x: Tensor) =
            use _scope = torch.NewDisposeScope()

            match mode with
            | Training _ -> (perGraph norm rows x).MoveToOuterDisposeScope()
            | Inference -> (scaled norm.Affine (x.sub norm.RunningMean) norm.RunningVar).MoveToOuterDisposeScope()

        Layer.create
            visitBatchNorm
            forward
            {
                Affine = affineOf init features
                RunningMean = Init.buffer init 0.0 [| int64 features |]
                RunningVar = Init.buffer init 1.0 [| int64 features |]
                Batches = Init.count init
            }

    /// The layer that a configuration asks for.
    let create (init: Init) (kind: Normalisation) (features: int) : NormalisationLayer =
        match kind with
        | Normalisation.Layer -> layerNorm init features
        | Normalisation.GraphBatch -> graphBatchNorm init features
        | Normalisation.Identity -> Layer.weightless (fun _ _ x -> x.alias ())
