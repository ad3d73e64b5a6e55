namespace Pruning.Model.Features

open System
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Tensors
open Pruning.Model.Configuration

/// What the columns of a batch are computed from.
[<NoComparison; NoEquality>]
type FeatureSource =
    {
        /// [nodes, 9] as the graphs hold them (docs/data.md).
        Raw: Tensor
        /// [nodes] row of the seed of each node's graph.
        SeedOfNode: Tensor
        /// [nodes] calorimeter layer, 0 where nobody knows.
        Layer: Tensor
        /// [nodes] hits, 0 where nobody knows.
        HitCount: Tensor
        /// [nodes, surroundings] as `NodeSurroundings` has them, where a column asks.
        Surroundings: Tensor option
    }

/// A column that a network can read: how it is called, what it means, how it is made.
[<NoComparison; NoEquality>]
type FeatureColumn =
    {
        Feature: NodeFeature
        /// In files and on the command line.
        Name: string
        /// Empty for a pure number.
        Unit: string
        Meaning: string
        /// -> [nodes]
        Values: FeatureSource -> Tensor
    }

/// The columns that a network can read. They are computed inside the network, batch after batch, on its device, so that a
/// model file takes graphs as they are and nobody has to prepare anything.
[<RequireQualifiedAccess>]
module FeatureTable =

    /// No layer cluster has less; a logarithm needs a limit.
    let private smallestEnergy = 1e-6 // GeV

    let private raw (column: int) (source: FeatureSource) : Tensor = source.Raw.select (1L, int64 column)

    let private ofSeed (column: int) (source: FeatureSource) : Tensor =
        (raw column source).index_select(0L, source.SeedOfNode)

    let private energy (source: FeatureSource) : Tensor = (raw 3 source).clamp_min(scalar smallestEnergy)

    /// -1 in the endcap at negative z, else 1.
    let private side (source: FeatureSource) : Tensor =
        (ofSeed 5 source).ge(scalar 0.0).``to``(source.Raw.dtype).mul(scalar 2.0).sub(scalar 1.0)

    let private product (a: Tensor) (b: Tensor) (c: Tensor) (d: Tensor) = (a.mul b).sub(c.mul d)

    let private length (parts: Tensor list) : Tensor =
        parts |> List.map (fun part -> part.mul part) |> List.reduce plus |> _.sqrt()

    /// Distance to the line from the centre of the detector through the seed: |d x n| for the seed's direction n.
    let private toAxis (source: FeatureSource) : Tensor =
        let x, y, z = raw 0 source, raw 1 source, raw 2 source
        let eta, phi = ofSeed 5 source, ofSeed 6 source
        let across = eta.cosh().reciprocal()
        let nx, ny, nz = phi.cos().mul across, phi.sin().mul across, eta.tanh ()
        length [ product y nz z ny; product z nx x nz; product x ny y nx ]

    let private turned (source: FeatureSource) : Tensor =
        let angle = (raw 6 source).sub(ofSeed 6 source)
        angle.sin().atan2(angle.cos ())

    let private column feature name unit meaning (values: FeatureSource -> Tensor) : FeatureColumn =
        {
            Feature = feature
            Name = name
            Unit = unit
            Meaning = meaning
            Values =
                fun source ->
                    use _scope = torch.NewDisposeScope()
                    (values source).MoveToOuterDisposeScope()
        }

    let private asRead feature name unit meaning (index: int) = column feature name unit meaning (raw index)

    /// A column of `NodeSurroundings`.
    let private around (which: Surrounding) name unit meaning : FeatureColumn =
        column (NodeFeature.Around which) name unit meaning (fun source ->
            (Option.get source.Surroundings).select(1L, int64 which))

    /// Made from all layer clusters of the trackster together; distances within the layer, along the seed's axis.
    let private surroundings: FeatureColumn list =
        [
            around Surrounding.AxisRadial "axis_radial" "cm" "offset from the seed's axis, away from the beam"
            around Surrounding.AxisAzimuthal "axis_azimuthal" "cm" "offset from the seed's axis, around the beam"
            around
                Surrounding.DistanceToCore
                "distance_to_core"
                "cm"
                "distance to the axis through the centre of energy"
            around
                Surrounding.DistanceToLocalCore
                "distance_to_local_core"
                "cm"
                "distance to the centre of energy of the others within 3 layers"
            around
                Surrounding.LogDensity
                "log_density"
                "ln GeV"
                "CLUE3D's density: energy and a fifth of that within 3 layers and 1.8 cm"
            around
                Surrounding.LogEnergyAround
                "log_energy_around"
                "ln GeV"
                "energy of the others within 3 layers and 4 cm"
            around
                Surrounding.NearestDistance
                "nearest_distance"
                "cm"
                "distance to the nearest other within 2 layers, at most 20"
            around Surrounding.LogNeighbours "log_neighbours" "" "ln of 1 and the others within 3 layers and 3 cm"
            around Surrounding.LayerEnergyShare "layer_energy_share" "" "share of the trackster's energy in the layer"
            around Surrounding.LayerFromMaximum "layer_from_maximum" "" "layers behind the one with the most energy"
            around Surrounding.LinkLength "link_length" "cm" "distance to the parent; 0 for a root"
            around Surrounding.LinkLayers "link_layers" "" "layers from the parent to this one; 0 for a root"
            around
                Surrounding.LogEnergyOverParent
                "log_energy_over_parent"
                ""
                "ln of the energy as a share of the parent's; 0 for a root"
            around
                Surrounding.LinkOutwards
                "link_outwards"
                "cm"
                "how much farther than the parent from the seed's axis; 0 for a root"
            around Surrounding.LogFollowers "log_followers" "" "ln of 1 and the number of followers"
            around Surrounding.LinksToRoot "links_to_root" "" "links to the root"
            around
                Surrounding.LogBranchEnergyShare
                "log_branch_energy_share"
                ""
                "ln of the trackster's share of energy in this one and all that follow it"
            around Surrounding.LogBranchSize "log_branch_size" "" "ln of how many follow, directly or not, and this one"
            around Surrounding.LogTracksterEnergy "log_trackster_energy" "ln GeV" "energy of the trackster"
            around Surrounding.LogTracksterSize "log_trackster_size" "" "ln of the trackster's number of layer clusters"
            around Surrounding.TracksterWidth "trackster_width" "cm" "mean distance to the core, weighted by energy"
            around Surrounding.TracksterDepth "trackster_depth" "" "mean layer, weighted by energy"
        ]

    /// Every column, the original nine first and in their order.
    let all: FeatureColumn list =
        [
            asRead NodeFeature.PosX "pos_x" "cm" "x minus the seed's" 0
            asRead NodeFeature.PosY "pos_y" "cm" "y minus the seed's" 1
            asRead NodeFeature.PosZ "pos_z" "cm" "z minus the seed's" 2
            asRead NodeFeature.Energy "energy" "GeV" "energy" 3
            asRead NodeFeature.Time "time" "ns" "time, 0 without one" 4
            asRead NodeFeature.Eta "eta" "" "pseudorapidity" 5
            asRead NodeFeature.Phi "phi" "rad" "azimuth" 6
            asRead NodeFeature.IsSeedHigh "isSeedCLUE3DHigh" "" "1 on the seed of the first CLUE3D pass" 7
            asRead NodeFeature.IsSeedLow "isSeedCLUE3DLow" "" "1 on the seed of the second CLUE3D pass" 8
            column NodeFeature.LogEnergy "log_energy" "ln GeV" "ln of the energy, not below 1 keV" (fun s ->
                (energy s).log())
            column
                NodeFeature.LogEnergyOverSeed
                "log_energy_over_seed"
                ""
                "ln of the energy as a share of the seed's"
                (fun s ->
                    let log = (energy s).log()
                    log.sub (log.index_select (0L, s.SeedOfNode)))
            column NodeFeature.DistanceToSeed "distance_to_seed" "cm" "distance to the seed" (fun s ->
                length [ raw 0 s; raw 1 s; raw 2 s ])
            column
                NodeFeature.DistanceToAxis
                "distance_to_axis"
                "cm"
                "distance to the line from the centre of the detector through the seed"
                toAxis
            column NodeFeature.HasTime "has_time" "" "1 where there is a time above 0" (fun s ->
                (raw 4 s).gt(scalar 0.0).``to`` s.Raw.dtype)
            column
                NodeFeature.Layer
                "layer"
                ""
                "calorimeter layer from 1, of the file or else of z; 0 = unknown"
                (fun s -> s.Layer.alias ())
            column NodeFeature.PosRadial "pos_radial" "cm" "away from the beam, as seen from the seed" (fun s ->
                let phi = ofSeed 6 s
                plus ((raw 0 s).mul(phi.cos ())) ((raw 1 s).mul(phi.sin ())))
            column NodeFeature.PosAzimuthal "pos_azimuthal" "cm" "around the beam, as seen from the seed" (fun s ->
                let phi = ofSeed 6 s
                product (raw 1 s) (phi.cos ()) (raw 0 s) (phi.sin ()))
            column
                NodeFeature.PosDepth
                "pos_depth"
                "cm"
                "away from the collision along the beam, from the seed"
                (fun s -> (raw 2 s).mul(side s))
            column NodeFeature.AbsEta "abs_eta" "" "|pseudorapidity|" (fun s -> (raw 5 s).abs())
            column NodeFeature.PhiFromSeed "phi_from_seed" "rad" "azimuth minus the seed's, in (-pi, pi]" turned
            column NodeFeature.LogHits "log_hits" "" "ln of 1 and the number of hits; 0 = unknown" (fun s ->
                s.HitCount.log1p ())
            yield! surroundings
        ]

    /// The row of the table for a feature.
    let find (feature: NodeFeature) : FeatureColumn = all |> List.find (fun column -> column.Feature = feature)

    let name (feature: NodeFeature) : string = (find feature).Name

    /// The seed's row in each graph of a batch, see `GraphBatch.Seeds`. [graphs], 0 for an empty graph.
    let seeds (batch: GraphBatch) : int array = batch.Seeds

    let private isSurrounding (feature: NodeFeature) : bool =
        match feature with
        | NodeFeature.Around _ -> true
        | _ -> false

    let private source (features: NodeFeature list) (batch: BatchTensors) : FeatureSource =
        use scope = torch.NewDisposeScope()
        let seeds = batch.Source.Seeds |> Array.map int64
        let ofGraph = torch.tensor (seeds, device = batch.Device)

        // A tensor of its own memory, not of an array that may move: see `BatchTensors.create`.
        let onDevice (values: float array) = torch.tensor(values).clone().``to``(batch.Device).``to`` batch.X.dtype

        let surroundings () =
            (onDevice batch.Source.Surroundings.Values).reshape(int64 batch.NodeCount, int64 NodeSurroundings.Count)

        {
            Raw = batch.X
            SeedOfNode = scope.MoveToOuter(ofGraph.index_select (0L, batch.GraphOfNode))
            Layer = scope.MoveToOuter(onDevice (Array.map float batch.Source.Layers))
            HitCount = scope.MoveToOuter(onDevice (Array.map float batch.Source.HitCounts))
            Surroundings =
                if List.exists isSurrounding features then
                    Some(scope.MoveToOuter(surroundings ()))
                else
                    None
        }

    /// The columns of a batch. The original nine are handed on as they are. -> [nodes, features]
    let compute (features: NodeFeature list) (batch: BatchTensors) : Tensor =
        if features = NodeFeature.original then
            batch.X.alias ()
        else
            use _scope = torch.NewDisposeScope()
            use _guard = torch.no_grad ()
            let source = source features batch
            let columns = features |> List.map (fun feature -> (find feature).Values source)
            torch.stack(List.toArray columns, 1L).MoveToOuterDisposeScope()

    /// Names of columns and of sets of columns that a list of features may hold.
    let sets: (string * NodeFeature list) list =
        [
            "original", NodeFeature.original
            "extended", NodeFeature.extended
            "oriented", NodeFeature.oriented
            "physics", NodeFeature.physics
        ]

    let names: string list = List.map fst sets @ List.map _.Name all

    /// The features that words name: names of columns and of sets, in the order given, each column once. The word that is no
    /// name is the error.
    let ofNames (words: string list) : Result<NodeFeature list, string> =
        let same (a: string) (b: string) = a.Equals(b, StringComparison.OrdinalIgnoreCase)

        let one word =
            match
                sets |> List.tryFind (fst >> same word), all |> List.tryFind (fun column -> same column.Name word)
            with
            | Some(_, features), _ -> Ok features
            | None, Some column -> Ok [ column.Feature ]
            | None, None -> Error word

        let join found word =
            match found, one word with
            | Ok before, Ok more -> Ok(before @ more)
            | Error word, _
            | _, Error word -> Error word

        words |> List.fold join (Ok []) |> Result.map List.distinct
