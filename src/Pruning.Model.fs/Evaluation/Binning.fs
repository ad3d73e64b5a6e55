namespace Pruning.Model.Evaluation

open System

/// What a sample is divided by.
[<RequireQualifiedAccess>]
type Dimension =
    /// Energy of the trackster before pruning, GeV.
    | Energy
    /// |eta| of its energy-weighted direction.
    | Eta
    /// Layer clusters of the trackster.
    | Size
    /// Particle that owns most of it.
    | Species
    /// Mean number of simultaneous interactions.
    | PileUp
    /// Layer of a layer cluster.
    | Layer
    /// Distance of a layer cluster from the axis of its trackster, cm.
    | Distance

/// One bin: a half-open interval, or a kind of particle (then Low and High are nan).
type Bin =
    {
        Label: string
        Low: float
        High: float
    }

[<RequireQualifiedAccess>]
module Dimension =

    let all =
        [
            Dimension.Energy
            Dimension.Eta
            Dimension.Size
            Dimension.Species
            Dimension.PileUp
            Dimension.Layer
            Dimension.Distance
        ]

    /// The word for it on the command line, in JSON and in file names.
    let name (dimension: Dimension) : string =
        match dimension with
        | Dimension.Energy -> "energy"
        | Dimension.Eta -> "eta"
        | Dimension.Size -> "size"
        | Dimension.Species -> "species"
        | Dimension.PileUp -> "pile_up"
        | Dimension.Layer -> "layer"
        | Dimension.Distance -> "distance"

    /// What an axis says.
    let title (dimension: Dimension) : string =
        match dimension with
        | Dimension.Energy -> "Trackster energy [GeV]"
        | Dimension.Eta -> "Trackster |η|"
        | Dimension.Size -> "Layer clusters of the trackster"
        | Dimension.Species -> "Particle"
        | Dimension.PileUp -> "Mean pile-up"
        | Dimension.Layer -> "Layer"
        | Dimension.Distance -> "Distance from the trackster's axis [cm]"

    /// Whether it divides layer clusters; else it divides tracksters.
    let isOfNodes (dimension: Dimension) : bool =
        match dimension with
        | Dimension.Layer
        | Dimension.Distance -> true
        | _ -> false

    let private edges (dimension: Dimension) : float list =
        match dimension with
        | Dimension.Energy -> [ 0.0; 10.0; 20.0; 35.0; 50.0; 75.0; 100.0; 150.0; 200.0; 300.0; 500.0; infinity ]
        | Dimension.Eta -> [ 0.0; 1.5; 1.7; 1.9; 2.1; 2.3; 2.5; 2.7; 3.0; infinity ]
        | Dimension.Size -> [ 1.0; 5.0; 10.0; 15.0; 20.0; 30.0; 40.0; 60.0; 100.0; infinity ]
        | Dimension.PileUp -> [ 0.0; 1.0; 20.0; 50.0; 100.0; 150.0; 175.0; 200.0; 225.0; infinity ]
        | Dimension.Layer -> [ 1.0; 5.0; 9.0; 13.0; 17.0; 21.0; 27.0; 31.0; 35.0; 39.0; 43.0; 48.0 ]
        | Dimension.Distance -> [ 0.0; 0.5; 1.0; 1.5; 2.0; 3.0; 4.0; 6.0; 10.0; infinity ]
        | Dimension.Species -> []

    let private species =
        [| "photon"; "electron"; "muon"; "charged pion"; "neutral kaon"; "other hadron"; "none" |]

    let private speciesOf (pdgId: int64) : int =
        match abs pdgId with
        | 22L -> 0
        | 11L -> 1
        | 13L -> 2
        | 211L -> 3
        | 130L
        | 310L
        | 311L -> 4
        | 0L -> 6
        | _ -> 5

    /// All bins, empty ones among them.
    let bins (dimension: Dimension) : Bin[] =
        let text (x: float) = x.ToString("0.###", Globalization.CultureInfo.InvariantCulture)

        match dimension with
        | Dimension.Species -> species |> Array.map (fun name -> { Label = name; Low = nan; High = nan })
        | _ ->
            edges dimension
            |> List.pairwise
            |> List.map (fun (low, high) ->
                let isWhole = dimension = Dimension.Layer || dimension = Dimension.Size

                {
                    Label =
                        if Double.IsInfinity high then $"≥ {text low}"
                        elif isWhole && high = low + 1.0 then text low
                        elif isWhole then $"{text low}–{text (high - 1.0)}"
                        else $"{text low}–{text high}"
                    Low = low
                    High = high
                })
            |> List.toArray

    let private intervalOf (dimension: Dimension) : float -> int =
        let bins = bins dimension

        fun value ->
            bins
            |> Array.tryFindIndex (fun bin -> value >= bin.Low && value < bin.High)
            |> Option.defaultValue -1

    /// Energy of a trackster, GeV.
    let energyOf (graph: EvaluatedGraph) : float =
        let mutable sum = 0.0

        for node in 0 .. graph.Graph.NodeCount - 1 do
            sum <- sum + float (graph.Graph.Energy node)

        sum

    /// |eta| of the energy-weighted direction of a trackster; nan without energy.
    let etaOf (graph: EvaluatedGraph) : float =
        let struct (x, y, z) = ShowerAxis.direction graph.Graph (fun node -> float (graph.Graph.Energy node))

        if x = 0.0 && y = 0.0 && z = 0.0 then
            nan
        else
            abs (Math.Asinh(z / sqrt (x * x + y * y)))

    /// The bin of each graph of a sample; -1 outside of every bin and where nothing is known. Of dimensions of tracksters.
    let internal binOfGraph (dimension: Dimension) (sample: EvaluationSample) : int[] =
        let interval = intervalOf dimension

        let bin (graph: EvaluatedGraph) =
            match dimension with
            | Dimension.Energy -> interval (energyOf graph)
            | Dimension.Eta -> interval (etaOf graph)
            | Dimension.Size -> interval (float graph.Graph.NodeCount)
            | Dimension.Species -> graph.PdgId |> Option.map speciesOf |> Option.defaultValue -1
            | Dimension.PileUp -> graph.PileUp |> Option.map interval |> Option.defaultValue -1
            | Dimension.Layer
            | Dimension.Distance -> -1

        sample.Graphs |> Array.map bin

    /// The bin of each node of each graph. Of dimensions of layer clusters.
    let internal binOfNode (dimension: Dimension) (sample: EvaluationSample) : int[][] =
        let interval = intervalOf dimension

        sample.Graphs
        |> Array.map (fun graph ->
            match dimension with
            | Dimension.Layer -> graph.Layer |> Array.map (float >> interval)
            | Dimension.Distance -> graph.Distance |> Array.map (float >> interval)
            | _ -> Array.create graph.Graph.NodeCount -1)

    /// Why a sample cannot be divided so, in words; None when it can.
    let missing (dimension: Dimension) (sample: EvaluationSample) : string option =
        let none known = not (sample.Graphs |> Array.exists known)

        match dimension with
        | Dimension.Species when none (fun graph -> graph.PdgId.IsSome) ->
            Some "no bins of species: no file has a tree Graphs with a branch pdgId"
        | Dimension.PileUp when none (fun graph -> graph.PileUp.IsSome) ->
            Some "no bins of pile-up: no file has a tree Graphs with a branch pileUp"
        | Dimension.Layer when none (fun graph -> Array.exists ((<) 0) graph.Layer) ->
            Some "no bins of layers: no file has a branch layer, and no z is that of an HGCAL layer"
        | _ -> None

/// A dimension's occupied bins, with the scored nodes in each.
[<NoComparison; NoEquality>]
type Binned =
    {
        Dimension: Dimension
        Bins: (Bin * ScoredSample) list
    }

[<RequireQualifiedAccess>]
module Binned =

    /// Divides the scored nodes of a sample; empty bins are left out.
    let create (sample: EvaluationSample) (dimension: Dimension) (scored: ScoredSample) : Binned =
        let bins = Dimension.bins dimension

        let parts =
            if Dimension.isOfNodes dimension then
                let binOf = Dimension.binOfNode dimension sample
                let occupied = binOf |> Seq.concat |> Set.ofSeq

                [
                    for i in 0 .. bins.Length - 1 do
                        if occupied.Contains i then
                            bins[i], ScoredSample.nodesWhere (fun graph node -> binOf[graph][node] = i) scored
                ]
            else
                let binOf = Dimension.binOfGraph dimension sample
                let occupied = Set.ofArray binOf

                [
                    for i in 0 .. bins.Length - 1 do
                        if occupied.Contains i then
                            bins[i], ScoredSample.graphsWhere (fun graph -> binOf[graph] = i) scored
                ]

        { Dimension = dimension; Bins = parts }
