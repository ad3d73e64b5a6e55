namespace Pruning.Model.Baselines

open System
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Features
open Pruning.Model.Metrics
open Pruning.Model.Evaluation

/// A logistic regression on the features of one node, blind to edges: margin = Bias + sum over j of
/// Weights[j] (x[j] - Mean[j]) / Deviation[j].
type LogisticRegression =
    {
        /// What it reads, in the order of the weights.
        Features: NodeFeature list
        /// Mean of each feature over the training nodes.
        Mean: float[]
        /// Standard deviation of each feature over the training nodes; 0 for a constant feature, which then has weight 0.
        Deviation: float[]
        /// Weight of each standardised feature.
        Weights: float[]
        /// Margin of a node whose features are all at their means.
        Bias: float
        /// Newton steps that the fit took.
        Iterations: int
    }

/// Fitting and applying logistic regressions, in float64.
[<RequireQualifiedAccess>]
module LogisticRegression =

    [<Literal>]
    let private MostIterations = 100

    /// Graphs whose features are computed together.
    [<Literal>]
    let private ChunkSize = 256

    /// The features of every node, and the labels. [nodes * features], [nodes]
    let private tableOf (features: NodeFeature list) (graphs: ShowerGraph[]) : struct (float32[] * byte[]) =
        let labels = graphs |> Array.collect _.Labels

        if features = NodeFeature.original then
            struct (graphs |> Array.collect _.Features, labels)
        else
            use _scope = torch.NewDisposeScope()

            let batch =
                BatchAssembler.Collate(graphs, Preparation.ofFeatures features)
                |> BatchTensors.create torch.CPU torch.float32

            struct ((FeatureTable.compute features batch).contiguous().data<float32>().ToArray(), labels)

    /// Tables of some graphs at a time: they are computed anew in every pass, so that memory does not grow with the sample.
    let private tables (features: NodeFeature list) (graphs: ShowerGraph seq) : struct (float32[] * byte[]) seq =
        graphs
        |> Seq.filter (fun graph -> graph.NodeCount > 0)
        |> Seq.chunkBySize ChunkSize
        |> Seq.map (tableOf features)

    /// log(1 + e^x) without overflow.
    let private softplus (x: float) : float = max x 0.0 + Double.LogP1(exp (-(abs x)))

    let private sigmoid (x: float) : float =
        if x >= 0.0 then
            1.0 / (1.0 + exp (-x))
        else
            let e = exp x
            e / (1.0 + e)

    /// Solves A x = b for a symmetric positive definite A by Cholesky's A = L L^T. `a` is row-major [n, n], the lower
    /// triangle is read and overwritten with L; `b` is overwritten with x. False when A is not positive definite.
    let internal solve (a: float[,]) (b: float[]) : bool =
        let n = b.Length
        let mutable definite = true
        let mutable column = 0

        while definite && column < n do
            let mutable pivot = a[column, column]

            for k in 0 .. column - 1 do
                pivot <- pivot - a[column, k] * a[column, k]

            if not (pivot > 0.0) then
                definite <- false
            else
                a[column, column] <- sqrt pivot

                for row in column + 1 .. n - 1 do
                    let mutable value = a[row, column]

                    for k in 0 .. column - 1 do
                        value <- value - a[row, k] * a[column, k]

                    a[row, column] <- value / a[column, column]

                column <- column + 1

        if definite then
            for row in 0 .. n - 1 do
                for k in 0 .. row - 1 do
                    b[row] <- b[row] - a[row, k] * b[k]

                b[row] <- b[row] / a[row, row]

            for row in n - 1 .. -1 .. 0 do
                for k in row + 1 .. n - 1 do
                    b[row] <- b[row] - a[k, row] * b[k]

                b[row] <- b[row] / a[row, row]

        definite

    /// The features of a node, standardised, and a one for the constant.
    let private fill (mean: float[]) (inverse: float[]) (features: float32[]) (node: int) (x: float[]) : unit =
        let count = mean.Length

        for j in 0 .. count - 1 do
            x[j] <- (float features[node * count + j] - mean[j]) * inverse[j]

        x[count] <- 1.0

    let private inverseOf (deviation: float[]) : float[] =
        deviation |> Array.map (fun d -> if d = 0.0 then 0.0 else 1.0 / d)

    /// Nodes of each label, and mean and standard deviation of each feature.
    let private describe (count: int) (tables: struct (float32[] * byte[]) seq) =
        let mutable keep = 0L
        let mutable prune = 0L
        let mean: float[] = Array.zeroCreate count
        let squares: float[] = Array.zeroCreate count

        for struct (features, labels) in tables do
            for node in 0 .. labels.Length - 1 do
                if labels[node] = 1uy then prune <- prune + 1L else keep <- keep + 1L

                // Welford 1962: the mean and the sum of squares about it, in one pass, without cancellation.
                for j in 0 .. count - 1 do
                    let value = float features[node * count + j]
                    let gap = value - mean[j]
                    mean[j] <- mean[j] + gap / float (keep + prune)
                    squares[j] <- squares[j] + gap * (value - mean[j])

        let deviation = squares |> Array.map (fun s -> sqrt (s / float (max 1L (keep + prune))))
        struct (keep, prune, mean, deviation)

    /// The weighted loss at `weights`, its gradient and its Hessian (lower triangle), ridge included.
    let private measure
        (tables: struct (float32[] * byte[]) seq)
        (classWeight: float[])
        (mean: float[])
        (inverse: float[])
        (ridge: float)
        (weights: float[])
        =
        let size = weights.Length
        let gradient: float[] = Array.zeroCreate size
        let hessian = Array2D.zeroCreate<float> size size
        let x: float[] = Array.zeroCreate size
        let mutable loss = 0.0

        for struct (features, labels) in tables do
            for node in 0 .. labels.Length - 1 do
                fill mean inverse features node x
                let mutable margin = 0.0

                for j in 0 .. size - 1 do
                    margin <- margin + weights[j] * x[j]

                let label = if labels[node] = 1uy then 1 else 0
                let weight = classWeight[label]
                let probability = sigmoid margin
                loss <- loss + weight * softplus (if label = 1 then -margin else margin)
                let slope = weight * (probability - float label)
                let curvature = weight * probability * (1.0 - probability)

                for j in 0 .. size - 1 do
                    gradient[j] <- gradient[j] + slope * x[j]
                    let scaled = curvature * x[j]

                    for k in 0..j do
                        hessian[j, k] <- hessian[j, k] + scaled * x[k]

        // The constant, the last one, is not shrunk.
        for j in 0 .. size - 2 do
            loss <- loss + 0.5 * ridge * weights[j] * weights[j]
            gradient[j] <- gradient[j] + ridge * weights[j]
            hessian[j, j] <- hessian[j, j] + ridge

        struct (loss, gradient, hessian)

    /// Minimises (mean log loss of the nodes to keep + mean log loss of the nodes to prune) / 2 + ridge / 2 |weights|^2 by
    /// Newton's method with step halving. Both labels weigh the same, however rare one is; the constant is not shrunk. The
    /// graphs are gone through once for the means and about ten times for the fit. `ridge` must be above zero, so that a
    /// minimum exists for separable labels too. Without nodes of both labels: TrainingException.
    let fit (features: NodeFeature list) (ridge: float) (graphs: ShowerGraph seq) : LogisticRegression =
        if not (ridge > 0.0 && Double.IsFinite ridge) then
            invalidArg (nameof ridge) $"wanted a ridge above zero, found {ridge}"

        let count = features.Length
        let tables = tables features graphs
        let struct (keep, prune, mean, deviation) = describe count tables

        if keep = 0L || prune = 0L then
            raise (
                TrainingException
                    $"wanted nodes of both labels for the logistic regression, found {keep} to keep and {prune} to prune; use a larger \
                     training split"
            )

        let classWeight = [| 0.5 / float keep; 0.5 / float prune |]
        let inverse = inverseOf deviation
        let measure = measure tables classWeight mean inverse ridge

        let rec newton (iteration: int) (weights: float[]) (loss: float) (gradient: float[]) (hessian: float[,]) =
            let step = Array.copy gradient

            // Far out, where every probability rounds to 0 or 1, the constant has no curvature left: nothing more to gain.
            let solved = iteration < MostIterations && solve hessian step

            let decrement =
                if solved then
                    Array.fold2 (fun sum g s -> sum + g * s) 0.0 gradient step
                else
                    0.0

            if decrement <= 1e-14 then
                weights, iteration
            else
                let rec halve (length: float) =
                    let next = Array.map2 (fun w s -> w - length * s) weights step
                    let struct (nextLoss, nextGradient, nextHessian) = measure next

                    if nextLoss <= loss - 1e-4 * length * decrement then
                        Some(next, nextLoss, nextGradient, nextHessian)
                    elif length < 1e-6 then
                        None // as low as float64 tells
                    else
                        halve (length / 2.0)

                match halve 1.0 with
                | Some(next, nextLoss, nextGradient, nextHessian) ->
                    newton (iteration + 1) next nextLoss nextGradient nextHessian
                | None -> weights, iteration

        let start: float[] = Array.zeroCreate (count + 1)
        let struct (loss, gradient, hessian) = measure start
        let weights, iterations = newton 0 start loss gradient hessian

        {
            Features = features
            Mean = mean
            Deviation = deviation
            Weights = Array.sub weights 0 count
            Bias = weights[count]
            Iterations = iterations
        }

    /// The margin of each node, above zero = prune. [nodes]
    let margins (model: LogisticRegression) (graph: ShowerGraph) : float32[] =
        let count = model.Weights.Length
        let x: float[] = Array.zeroCreate (count + 1)
        let inverse = inverseOf model.Deviation

        let struct (features, _) =
            if graph.NodeCount = 0 then
                struct ([||], [||])
            else
                tableOf model.Features [| graph |]

        Array.init graph.NodeCount (fun node ->
            fill model.Mean inverse features node x
            let mutable margin = model.Bias

            for j in 0 .. count - 1 do
                margin <- margin + model.Weights[j] * x[j]

            float32 margin)

/// What a network has to beat: rules that give each node of a graph a margin without message passing.
[<RequireQualifiedAccess>]
module Baselines =

    /// The margin of a node that is kept without doubt: e^-10000 is 0 in any floating-point type, and yet it is finite.
    [<Literal>]
    let Keep = -10000.0f

    /// Keeps every node. Its average precision is the share of nodes to prune, its ROC AUC one half.
    let keepAll (graph: ShowerGraph) : float32[] = Array.create graph.NodeCount Keep

    /// Logistic regression on the nine standardised features of the file, both labels weighted alike, with a slight ridge (1e-4).
    let logisticRegression (training: ShowerGraph seq) : LogisticRegression =
        LogisticRegression.fit NodeFeature.original 1e-4 training

    /// The same on what physicists look at first (`NodeFeature.extended`), where a plane divides better than in coordinates.
    let extendedRegression (training: ShowerGraph seq) : LogisticRegression =
        LogisticRegression.fit NodeFeature.extended 1e-4 training

    /// The margin of a node that is pruned without doubt.
    [<Literal>]
    let Prune = 10000.0f

    /// The oracle, which no rule can beat: it reads the labels.
    let oracle (graph: ShowerGraph) : float32[] =
        graph.Labels |> Array.map (fun label -> if label = 1uy then Prune else Keep)

    /// Soft nodes first: minus the logarithm of the energy in GeV. Without energy a node goes without doubt.
    let private softness (graph: ShowerGraph) : float32[] =
        Array.init graph.NodeCount (fun node ->
            let energy = graph.Energy node
            if energy > 0f then -(MathF.Log energy) else Prune)

    /// The threshold at which a baseline's F1 on some graphs is largest, as a shift that brings it to a margin of zero.
    let private atBestF1 (margins: ShowerGraph -> float32[]) (training: ShowerGraph seq) : ShowerGraph -> float32[] =
        let state =
            training
            |> Seq.map (fun graph -> ScoreHistogram.ofNodes (graph.Labels |> Array.map int64) (margins graph))
            |> Seq.fold (+) ScoreHistogram.zero

        let cut = WorkingPoint.bestF1 state

        // An infinite shift would make NaN of infinite margins: nothing is pruned then.
        if Single.IsInfinity cut then
            fun graph -> margins graph |> Array.map (fun margin -> margin - Prune)
        else
            // Rounding must not move a node across the threshold: the sign is decided before the shift.
            fun graph ->
                margins graph
                |> Array.map (fun margin ->
                    if margin > cut then
                        max (margin - cut) Single.Epsilon
                    else
                        min (margin - cut) 0f)

    /// Prunes below an energy, the one at which F1 on the training graphs is largest.
    let energyCut (training: ShowerGraph seq) : ShowerGraph -> float32[] = atBestF1 softness training

    /// Prunes beyond a distance from the trackster's axis, the one at which F1 on the training graphs is largest.
    let distanceCut (training: ShowerGraph seq) : ShowerGraph -> float32[] = atBestF1 ShowerAxis.distances training

    /// The metrics of a baseline on graphs; its loss is undefined.
    let evaluate (margins: ShowerGraph -> float32[]) (graphs: ShowerGraph seq) : MetricState =
        graphs
        |> Seq.map (fun graph ->
            let labels = graph.Labels |> Array.map int64
            let energies = Array.init graph.NodeCount graph.Energy
            MetricState.ofNodes labels (margins graph) energies)
        |> MetricState.sum
