namespace Pruning.Model.Evaluation

open System.Collections.Generic
open Pruning.Model.Metrics

/// Everything that is counted of a model's predictions on some graphs. States add.
type EvaluationResult =
    {
        Nodes: NodeMetrics
        Tracksters: TracksterMetrics
    }

    /// States add.
    static member (+)(a: EvaluationResult, b: EvaluationResult) : EvaluationResult =
        {
            Nodes = a.Nodes + b.Nodes
            Tracksters = a.Tracksters + b.Tracksters
        }

/// Graphs to evaluate models on, and which of them go together.
[<NoComparison; NoEquality>]
type EvaluationSample =
    {
        Graphs: EvaluatedGraph[]
        /// [graphs] Number of the group (event) of each graph.
        GroupOf: int[]
        Groups: int
    }

[<RequireQualifiedAccess>]
module EvaluationSample =

    let private sharedEnergy (graph: EvaluatedGraph) : float =
        Seq.init graph.Graph.NodeCount (fun node -> float graph.Fraction[node] * float (graph.Graph.Energy node))
        |> Seq.sum

    /// Of the tracksters of one particle, which files know by its event, species and energy, the one that has most of it leads;
    /// of equal ones the first.
    let private withLeaders (graphs: EvaluatedGraph[]) : EvaluatedGraph[] =
        let leaders =
            graphs
            |> Array.indexed
            |> Array.filter (fun (_, graph) -> graph.SimEnergy.IsSome)
            |> Array.groupBy (fun (_, graph) -> struct (graph.Group, graph.PdgId, graph.SimEnergy))
            |> Array.map (fun (_, ofParticle) -> ofParticle |> Array.maxBy (snd >> sharedEnergy) |> fst)
            |> HashSet

        graphs
        |> Array.mapi (fun position graph ->
            { graph with
                IsLeading = graph.SimEnergy.IsNone || leaders.Contains position
            })

    /// Numbers the groups in order of appearance.
    let create (graphs: EvaluatedGraph seq) : EvaluationSample =
        let graphs = Seq.toArray graphs |> withLeaders
        let numbers = Dictionary<int64, int>()

        let number (graph: EvaluatedGraph) =
            match numbers.TryGetValue graph.Group with
            | true, known -> known
            | false, _ ->
                numbers[graph.Group] <- numbers.Count
                numbers.Count - 1

        let groupOf = graphs |> Array.map number

        {
            Graphs = graphs
            GroupOf = groupOf
            Groups = numbers.Count
        }

/// A model's predictions on a sample, sorted, so that it can be counted many times with many weights.
[<NoComparison; NoEquality>]
type ScoredSample =
    internal
        {
            Nodes: EvaluatedNode[]
            Tracksters: SortedTracksters
        }

[<RequireQualifiedAccess>]
module ScoredSample =

    /// The scored nodes of a sample, from the margins of each graph, one per node: above the threshold = prune. A margin that
    /// is NaN: TrainingException.
    let create (threshold: float32) (sample: EvaluationSample) (margins: float32[][]) : ScoredSample =
        if margins.Length <> sample.Graphs.Length then
            invalidArg
                (nameof margins)
                $"wanted margins of {sample.Graphs.Length} graphs, found those of {margins.Length}"

        let each evaluate =
            Array.mapi (fun position graph -> evaluate threshold position graph margins[position]) sample.Graphs

        {
            Nodes = each NodeMetrics.evaluate |> Array.concat |> Array.sortBy _.Score
            Tracksters = each TracksterMetrics.evaluate |> TracksterMetrics.sort
        }

    /// What is measured of each trackster, in the order of the sample.
    let tracksters (scored: ScoredSample) : EvaluatedTrackster[] = scored.Tracksters.Items

    /// The nodes of one part alone; tracksters are in no part.
    let internal nodesWhere (keep: int -> int -> bool) (scored: ScoredSample) : ScoredSample =
        {
            Nodes = scored.Nodes |> Array.filter (fun node -> keep node.Graph node.Node)
            Tracksters = TracksterMetrics.sort [||]
        }

    /// Some graphs alone.
    let internal graphsWhere (keep: int -> bool) (scored: ScoredSample) : ScoredSample =
        {
            Nodes = scored.Nodes |> Array.filter (fun node -> keep node.Graph)
            Tracksters =
                scored.Tracksters.Items
                |> Array.filter (fun item -> keep item.Graph)
                |> TracksterMetrics.sort
        }

[<RequireQualifiedAccess>]
module EvaluationResult =

    /// Nothing seen: adding it changes nothing.
    let zero: EvaluationResult =
        {
            Nodes = NodeMetrics.zero
            Tracksters = TracksterMetrics.zero
        }

    /// Counts every graph as often as `times` says of its position in the sample.
    let weighted (times: int -> int64) (scored: ScoredSample) : EvaluationResult =
        {
            Nodes = NodeMetrics.ofSorted times scored.Nodes
            Tracksters = TracksterMetrics.ofSorted times scored.Tracksters
        }

    /// Counts every graph once.
    let ofScored (scored: ScoredSample) : EvaluationResult = weighted (fun _ -> 1L) scored

    /// The same as ofScored without keeping the scored nodes: the sums of a few thousand graphs at a time.
    let ofMargins (threshold: float32) (sample: EvaluationSample) (margins: float32[][]) : EvaluationResult =
        let chunk = 2048

        [| 0..chunk .. sample.Graphs.Length - 1 |]
        |> Array.Parallel.map (fun first ->
            let last = min sample.Graphs.Length (first + chunk) - 1

            let part =
                { sample with
                    Graphs = sample.Graphs[first..last]
                    GroupOf = sample.GroupOf[first..last]
                }

            ofScored (ScoredSample.create threshold part margins[first..last]))
        |> Array.fold (+) zero

    /// What is measured of nodes, then of tracksters.
    let measurements: Measurement<EvaluationResult> list =
        [
            for one in NodeMetrics.measurements ->
                Measurement.ofPart (fun (result: EvaluationResult) -> result.Nodes) one
            for one in TracksterMetrics.measurements ->
                Measurement.ofPart (fun (result: EvaluationResult) -> result.Tracksters) one
        ]

    /// Keys and values in a fixed order: those of nodes, then those of tracksters. What is undefined is nan.
    let report (evaluation: EvaluationResult) : (string * float) list = Measurement.report measurements evaluation
