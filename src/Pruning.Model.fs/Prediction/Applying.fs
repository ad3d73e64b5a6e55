namespace Pruning.Model.Prediction

open System
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Data.Pruned
open Pruning.Data.Tracksters
open Pruning.Model.Persistence
open Pruning.Model.Configuration
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles

/// How a network is applied to files.
[<NoComparison; NoEquality>]
type ApplyingPlan =
    {
        Device: torch.Device
        Model: TrainedModel
        /// Layer clusters with a larger margin are pruned.
        Threshold: float32
        /// Graphs that are computed together, at most.
        BatchGraphs: int
        /// Layer clusters that are computed together, at most; a larger graph is computed alone.
        BatchNodes: int
        /// Go on without tracksters that contradict themselves; else the first is an error.
        SkipBadGraphs: bool
    }

/// A trained network on parts of files. No label is looked at.
[<RequireQualifiedAccess>]
module Applying =

    /// Layer clusters in a batch at most: far below what memory limits.
    let batchNodes = 16_384

    /// Graphs in a batch unless somebody says otherwise: small batches stay in the caches, but where a network decides one layer
    /// cluster a step, the steps of many graphs are taken together.
    let batchGraphs (strategy: DecisionStrategy) : int =
        match strategy with
        | DecisionStrategy.Autoregressive -> 256
        | DecisionStrategy.OnePass
        | DecisionStrategy.Tree
        | DecisionStrategy.Equilibrium _ -> 32

    /// Graphs that go together, given the nodes of each: the first of every batch, and the end of the last one. They depend on
    /// nothing else, so that scores do not depend on threads.
    let cuts (mostGraphs: int) (mostNodes: int) (nodes: int array) : int array =
        let cuts = ResizeArray [ 0 ]
        let mutable sum = 0L

        for graph in 0 .. nodes.Length - 1 do
            let first = cuts[cuts.Count - 1]

            if
                graph > first
                && (graph - first >= mostGraphs || sum + int64 nodes[graph] > int64 mostNodes)
            then
                cuts.Add graph
                sum <- 0L

            sum <- sum + int64 nodes[graph]

        if nodes.Length > 0 then
            cuts.Add nodes.Length

        cuts.ToArray()

    let private refuseBroken (batch: GraphBatch) (margins: float32 array) =
        match Array.tryFindIndex (Single.IsFinite >> not) margins with
        | None -> ()
        | Some node ->
            let origin = batch.Origins[int batch.GraphOfNode[node]]

            raise (
                TrainingException
                    $"Wanted finite scores, found {margins[node]} in {origin}; the weights are broken or the features out of any range."
            )

    /// Scores and decides the tracksters of a table.
    let block (plan: ApplyingPlan) (table: TracksterTable) : PrunedBlock =
        let margins = Array.zeroCreate<float32>(int table.NodeCount)
        let evaluated = Array.zeroCreate<bool>(int table.EntryCount)
        let graphs = ResizeArray<ShowerGraph>(evaluated.Length)
        let entries = ResizeArray<int>(evaluated.Length)

        for entry in 0 .. evaluated.Length - 1 do
            match table.TryBuild(int64 entry) with
            | null when plan.SkipBadGraphs -> ()
            | null -> raise (nonNull (table.ProblemOf(int64 entry)))
            | graph ->
                evaluated[entry] <- true
                entries.Add entry
                graphs.Add graph

        let offsets = table.NodeOffsets

        for first, last in
            graphs.ToArray()
            |> Array.map _.NodeCount
            |> cuts plan.BatchGraphs plan.BatchNodes
            |> Array.pairwise do
            let batch = Pruner.collate plan.Model.Pruner (graphs.GetRange(first, last - first))
            let answers = Pruner.decide plan.Device plan.Model.Pruner batch
            refuseBroken batch answers

            for graph in first .. last - 1 do
                let from = batch.NodeOffsets[graph - first]
                let count = batch.NodeOffsets[graph - first + 1] - from
                Array.Copy(answers, from, margins, int offsets.Span[entries[graph]], count)

        PrunedBlock(table, margins, evaluated, plan.Threshold)
