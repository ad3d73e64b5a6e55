namespace Pruning.Model.Logging

open System
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Tensors
open Pruning.Model.ModelFiles
open Pruning.Model.Metrics
open Pruning.Model.Drawing
open Pruning.Model.Prediction
open Pruning.Model.Training

/// From a training to what its loggers keep.
[<RequireQualifiedAccess>]
module TrainingRecorder =

    let private distribution (tensor: Tensor) : ValueDistribution =
        use _guard = torch.no_grad ()
        use _scope = torch.NewDisposeScope()
        let host = tensor.detach().``to``(torch.float32).cpu().contiguous()
        ValueDistribution.ofValues (ReadOnlySpan(host.data<float32>().ToArray()))

    /// Weights, and gradients as the last step left them (after clipping).
    let private distributions (logger: RunLogger) (step: int64) (weights: Weights) : unit =
        for name, parameter in weights.Parameters do
            logger (RunRecord.Distribution(step, $"weights/{name}", distribution parameter))

            match parameter.grad with
            | null -> ()
            | gradient -> logger (RunRecord.Distribution(step, $"gradients/{name}", distribution gradient))

    let private afterEpoch (logger: RunLogger) (report: EpochReport) : unit =
        let line split values : MetricLine =
            {
                Epoch = report.Epoch
                Step = report.GlobalStep
                Split = split
                Values = values
            }

        let system =
            [
                "gradient_norm", report.GradientNorm
                "learning_rate", report.LearningRate
                "graphs_per_second", report.GraphsPerSecond
                "seconds", report.Seconds
                "resident_bytes", float Environment.WorkingSet
            ]

        let training = MetricState.report report.Training @ system
        logger (RunRecord.Metrics(line "train" training, report.Training))
        logger (RunRecord.Metrics(line "val" (MetricState.report report.Validation), report.Validation))
        logger (RunRecord.Scalars(report.GlobalStep, [ for name, value in system -> $"system/{name}", value ]))

        if report.IsBest then
            let best = [ for name, value in MetricState.report report.Validation -> $"best/{name}", value ]
            logger (RunRecord.Scalars(report.GlobalStep, best))

    /// Hands every step and every epoch to a logger. With weights, their distributions and those of their gradients follow
    /// each epoch.
    let listener (logger: RunLogger) (weights: Weights option) : TrainingListener =
        {
            OnStep =
                fun report ->
                    let values =
                        [
                            "step/loss", report.Result.Loss
                            "step/gradient_norm", report.Result.GradientNorm
                            "step/learning_rate", report.LearningRate
                        ]

                    logger (RunRecord.Scalars(report.GlobalStep, values))
            OnEpoch =
                fun report ->
                    afterEpoch logger report
                    weights |> Option.iter (distributions logger report.GlobalStep)
        }

    /// Share of the nodes of a graph that are decided as labelled.
    let private rightly (labels: byte[]) (margins: float32[]) : float =
        let right = Array.map2 (fun label margin -> (label = 1uy) = Confusion.isPruned margin) labels margins

        float (right |> Array.filter id |> Array.length) / float labels.Length

    /// Pictures of the tracksters of a split that a network decides best and worst, among its first ones that have something
    /// to keep and something to prune.
    let tracksters
        (logger: RunLogger)
        (step: int64)
        (device: torch.Device)
        (model: TrainedModel)
        (dataset: GraphDataset)
        (indices: int[])
        : unit =
        let mixed =
            indices
            |> Seq.truncate 256
            |> Seq.filter (fun index ->
                let labels = dataset[index].Labels
                Array.contains 0uy labels && Array.contains 1uy labels)
            |> Seq.toArray

        if mixed.Length > 0 then
            let stop = Threading.CancellationToken.None
            let evaluated = Scoring.run device 1 model 32 1 ignore stop dataset mixed

            let ranked =
                Array.zip mixed evaluated.Margins
                |> Array.map (fun (index, margins) -> rightly dataset[index].Labels margins, index, margins)
                |> Array.sortBy (fun (share, index, _) -> share, index)

            for name, (share, index, margins) in [ "worst", Array.head ranked; "best", Array.last ranked ] do
                let graph = dataset[index]
                let percent = (100.0 * share).ToString("0.0", Globalization.CultureInfo.InvariantCulture)

                let view =
                    { EventView.ofDataset dataset index (Some margins) with
                        Title =
                            $"{percent}%% of {graph.NodeCount} layer clusters decided correctly, entry {graph.Origin.Entry}"
                    }

                let picture =
                    EventLayout.create Colouring.Decision EventLayout.both view
                    |> EventDrawing.draw
                    |> Renderer.picture 1.0

                logger (RunRecord.Picture(step, $"tracksters/{name}", picture))
