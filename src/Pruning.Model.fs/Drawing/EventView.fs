namespace Pruning.Model.Drawing

open System.Globalization
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Model.Metrics
open Pruning.Model.Evaluation

/// What the colour of a layer cluster says.
[<RequireQualifiedAccess>]
type Colouring =
    /// Keep or prune.
    | Label
    /// What a network decided, and whether it is right.
    | Decision
    /// The probability of prune.
    | Score
    /// What is left after pruning: pruned layer clusters are hollow. Without a network the labels are followed.
    | Pruned

/// A trackster as data for a picture. All arrays of nodes have one length.
[<NoComparison>]
type EventView =
    {
        /// Taken literally.
        Title: string
        /// A remark beside the title, such as "toy simulation"; empty = none.
        Note: string
        /// [nodes] Positions in cm from the interaction point.
        X: float[]
        Y: float[]
        Z: float[]
        /// [nodes] GeV.
        Energy: float[]
        /// [nodes] The label is prune.
        Labels: bool[]
        /// [nodes] Margins of a network; above zero = pruned.
        Margins: float32[] option
        /// Pairs of nodes.
        Links: (int * int)[]
        /// [nodes] Lines about each layer cluster.
        Details: string list[]
    }

[<RequireQualifiedAccess>]
module EventView =

    let private number (format: string) (x: float) = x.ToString(format, CultureInfo.InvariantCulture)

    /// Whether a node is pruned: by the network, or by its label where there is none.
    let isPruned (view: EventView) (node: int) : bool =
        match view.Margins with
        | Some margins -> Confusion.isPruned margins[node]
        | None -> view.Labels[node]

    /// The probability of prune; NaN without a network.
    let probability (view: EventView) (node: int) : float =
        match view.Margins with
        | Some margins -> Calibration.probability margins[node]
        | None -> nan

    /// Everything that is known of a layer cluster, in lines. `id` and position are the file's.
    let private details
        (evaluated: EvaluatedGraph)
        (margins: float32[] option)
        (id: int64)
        (position: float list)
        (node: int)
        =
        let graph = evaluated.Graph
        let feature column = float graph.Features[node * ShowerGraph.FeatureCount + column]
        let flag column = if feature column > 0.0 then "yes" else "no"
        let place = position |> List.map (number "0.00")

        [
            $"id {id}"
            $"x {place[0]}, y {place[1]}, z {place[2]} cm"
            if evaluated.Layer[node] > 0 then
                $"layer {evaluated.Layer[node]}"
            $"""energy {number "0.####" (feature 3)} GeV"""
            (if feature 4 > 0.0 then
                 $"""time {number "0.###" (feature 4)} ns"""
             else
                 "no time")
            $"""eta {number "0.0000" (feature 5)}, phi {number "0.0000" (feature 6)} rad"""
            $"seed High {flag 7}, seed Low {flag 8}"
            $"""{number "0.00" (float evaluated.Distance[node])} cm from the axis"""
            (if graph.Labels[node] = 1uy then "label prune" else "label keep")
            if evaluated.HasFraction then
                $"""share of the shower {number "0.###" (float evaluated.Fraction[node])}"""
            match margins with
            | Some margins ->
                let decision = if Confusion.isPruned margins[node] then "prune" else "keep"
                $"""probability of prune {number "0.0000" (Calibration.probability margins[node])}: {decision}"""
            | None -> ()
        ]

    /// A trackster of a dataset. `margins` as a network gives them. A dataset without files has the positions of its
    /// features, which are relative to the seed.
    let ofDataset (dataset: GraphDataset) (index: int) (margins: float32[] option) : EventView =
        let evaluated = EvaluatedGraph.ofDataset dataset index
        let graph = evaluated.Graph
        let columns = dataset.ColumnsOf index
        let nodes = graph.NodeCount
        let feature column node = float graph.Features[node * ShowerGraph.FeatureCount + column]

        let coordinates (column: int) (stored: float32[]) =
            if stored.Length = nodes then
                Array.map float stored
            else
                Array.init nodes (feature column)

        let x, y, z =
            coordinates 0 (columns.PosX.ToArray()),
            coordinates 1 (columns.PosY.ToArray()),
            coordinates 2 (columns.PosZ.ToArray())

        let ids =
            if columns.Id.Length = nodes then
                columns.Id.ToArray()
            else
                Array.init nodes int64

        {
            Title = $"{graph.Origin}"
            Note = ""
            X = x
            Y = y
            Z = z
            Energy = Array.init nodes (fun node -> float (graph.Energy node))
            Labels = graph.Labels |> Array.map ((=) 1uy)
            Margins = margins
            Links = [| for e in 0 .. graph.LinkCount.GetValueOrDefault() - 1 -> graph.Source[e], graph.Target[e] |]
            Details =
                Array.init nodes (fun node -> details evaluated margins ids[node] [ x[node]; y[node]; z[node] ] node)
        }
