/// Columns that a network can read: their values on tracksters made by hand, and what they do not depend on.
module Pruning.Tests.Model.FeatureTableTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Data.Tracksters
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Features
open Pruning.Model.Decoding
open Pruning.Model.Training
open Pruning.Tests

/// Three layer clusters, the second is the seed; z as in the endcap at negative z.
let private byHand: Generators.RawTrackster =
    let node id x y z energy time low : Generators.RawNode =
        let r = sqrt (x * x + y * y)

        {
            Id = id
            PosX = float32 x
            PosY = float32 y
            PosZ = float32 z
            Energy = float32 energy
            Time = float32 time
            Eta = float32 (Math.Asinh(z / r))
            Phi = float32 (atan2 y x)
            High = false
            Low = low
            Prune = false
        }

    {
        Nodes =
            [
                node 1L 30.0 40.0 -322.155 0.5 -99.0 false
                node 2L 33.0 44.0 -333.0 20.0 0.25 true
                node 3L 37.0 44.0 -400.0 2.0 0.0 false
            ]
        Links = [ 2L, 1L; 2L, 3L ]
    }

/// Features of the three layer clusters, worked out by hand.
let private wantedByHand: (NodeFeature * float list) list =
    // How far the third one is along the axis.
    let along = (37.0 * 33.0 + 44.0 * 44.0 + 400.0 * 333.0) / sqrt (55.0 ** 2.0 + 333.0 ** 2.0)

    [
        NodeFeature.PosX, [ -3.0; 0.0; 4.0 ]
        NodeFeature.LogEnergy, [ log 0.5; log 20.0; log 2.0 ]
        NodeFeature.LogEnergyOverSeed, [ log (0.5 / 20.0); 0.0; log 0.1 ]
        NodeFeature.DistanceToSeed, [ sqrt (25.0 + 10.845 ** 2.0); 0.0; sqrt (16.0 + 67.0 ** 2.0) ]
        NodeFeature.HasTime, [ 0.0; 1.0; 0.0 ]
        NodeFeature.Layer, [ 1.0; 8.0; 32.0 ]
        NodeFeature.PosRadial, [ -5.0; 0.0; 4.0 * 0.6 ]
        NodeFeature.PosAzimuthal, [ 0.0; 0.0; -4.0 * 0.8 ]
        NodeFeature.PosDepth, [ -10.845; 0.0; 67.0 ]
        NodeFeature.PhiFromSeed, [ 0.0; 0.0; atan2 44.0 37.0 - atan2 44.0 33.0 ]
        // The first stands on the line in the plane of r and z: its distance is that of similar triangles.
        NodeFeature.DistanceToAxis,
        [
            abs (50.0 * 333.0 - 55.0 * 322.155) / sqrt (55.0 ** 2.0 + 333.0 ** 2.0)
            0.0
            sqrt (37.0 ** 2.0 + 44.0 ** 2.0 + 400.0 ** 2.0 - along * along)
        ]
    ]

let private columns (features: NodeFeature list) (graphs: ShowerGraph list) =
    FeatureTable.compute features (Laws.tensors graphs)

let private values (feature: NodeFeature) = (columns [ feature ] [ Generators.graphOf byHand ]).data<float>().ToArray()

let private all = NodeFeature.all


let private property name check =
    testPropertyWithConfig
        { FsCheckConfig.defaultConfig with
            maxTest = 40
        }
        name
        check

let private change (f: float32 array -> unit) (graph: ShowerGraph) : ShowerGraph =
    let features = Array.copy graph.Features

    for node in 0 .. graph.NodeCount - 1 do
        let row = features[node * ShowerGraph.FeatureCount .. (node + 1) * ShowerGraph.FeatureCount - 1]
        f row
        Array.blit row 0 features (node * ShowerGraph.FeatureCount) row.Length

    graph.WithFeatures features

/// The same trackster elsewhere in phi.
let private turn (angle: float) =
    change (fun row ->
        let x, y = float row[int RawFeature.PosX], float row[int RawFeature.PosY]
        row[int RawFeature.PosX] <- float32 (x * cos angle - y * sin angle)
        row[int RawFeature.PosY] <- float32 (x * sin angle + y * cos angle)
        let phi = float row[int RawFeature.Phi] + angle
        row[int RawFeature.Phi] <- float32 (Math.IEEERemainder(phi, 2.0 * Math.PI)))

/// The same trackster in the other endcap.
let private mirror =
    change (fun row ->
        row[int RawFeature.PosZ] <- -row[int RawFeature.PosZ]
        row[int RawFeature.Eta] <- -row[int RawFeature.Eta])

/// Nothing stands at eta 0, where there is no endcap to be mirrored into.
let private graphs =
    Generators.rawTrackster
    |> Gen.map (
        Generators.graphOf
        >> change (fun row ->
            if row[int RawFeature.Eta] = 0f then
                row[int RawFeature.Eta] <- 1.5f)
    )
    |> Arb.fromGen

[<Tests>]
let tests =
    testList
        "features"
        [
            test "names are unique, every feature has one row, and the nine of the file come first" {
                let names = FeatureTable.all |> List.map _.Name
                Expect.equal (List.distinct names) names "names"
                Expect.all all (fun feature -> feature.Name <> "" && feature.Description <> "") "told"
                Expect.equal (Seq.length (Enum.GetValues<RawFeature>())) ShowerGraph.FeatureCount "raw"
                Expect.equal (List.take 9 names) (List.ofSeq TracksterSchema.Features) "the file's"
                Expect.equal (List.take 9 all) NodeFeature.original "the original's"
            }

            for feature, wanted in wantedByHand do
                test $"{FeatureTable.name feature} of three layer clusters" {
                    Laws.inFloat64 (fun () ->
                        for found, wanted in Seq.zip (values feature) wanted do
                            Expect.floatClose { absolute = 2e-4; relative = 1e-5 } found wanted "value")
                }

            test "an energy of 0 has a finite logarithm" {
                use _scope = torch.NewDisposeScope()

                let dark =
                    Generators.graphOf byHand
                    |> change (fun row -> row[int RawFeature.Energy] <- 0f)

                let found = columns [ NodeFeature.LogEnergy; NodeFeature.LogEnergyOverSeed ] [ dark ]
                Expect.isTrue (found.isfinite().all().item<bool>()) "finite"
            }

            property "in the shower's own frame nothing depends on phi or on the endcap" (fun (quarter: int) ->
                Prop.forAll graphs (fun graph ->
                    Laws.inFloat64 (fun () ->
                        let angle = float (quarter % 16) * 0.4
                        let plain = columns NodeFeature.physics [ graph ]
                        let moved = columns NodeFeature.physics [ graph |> turn angle |> mirror ]
                        // Angles just at +-pi may come out at the other end.
                        let gap = plain.sub moved
                        let period = 2.0 * Math.PI
                        let phi = List.findIndex ((=) NodeFeature.PhiFromSeed) NodeFeature.physics
                        let wrapped = gap.select (1L, int64 phi)
                        wrapped.sub_ (wrapped.div(scalar period).round().mul(scalar period)) |> ignore
                        Near.close 2e-3 gap (torch.zeros_like gap) "columns")))

            property "a batch has the columns of its graphs, renumbered with the nodes" (fun (seed: int) ->
                Prop.forAll (Arb.zip (graphs, graphs)) (fun (a, b) ->
                    Laws.inFloat64 (fun () ->
                        let both = columns all [ a; b ]
                        let apart = torch.cat ([| columns all [ a ]; columns all [ b ] |], 0L)
                        Near.close 1e-9 both apart "batch"
                        let rowOf = Laws.shuffle seed a.NodeCount
                        let moved = columns all [ Laws.permute rowOf a ]
                        Near.close 1e-9 (Laws.rows rowOf moved) (columns all [ a ]) "renumbered")))

            test "the original's columns are handed on untouched" {
                use _scope = torch.NewDisposeScope()
                let batch = Laws.tensors (List.ofArray Fixture.graphs.Value)
                Near.close 0.0 (FeatureTable.compute NodeFeature.original batch) batch.X "columns"
            }

            test "a batch without nodes has columns" {
                use _scope = torch.NewDisposeScope()
                Expect.equal (columns all []).shape [| 0L; int64 all.Length |] "shape"
            }

            test "the seed is where positions are relative to; of several, the one that is flagged" {
                let graph = Generators.graphOf byHand
                Expect.equal (FeatureTable.seeds (BatchAssembler.Collate [| graph |])) [| 1 |] "by position"

                let stacked =
                    graph
                    |> change (fun row ->
                        row[int RawFeature.PosX] <- 0f
                        row[int RawFeature.PosY] <- 0f
                        row[int RawFeature.PosZ] <- 0f)

                Expect.equal (FeatureTable.seeds (BatchAssembler.Collate [| graph; stacked |])) [| 1; 4 |] "by flag"
            }

            test "names of sets and of columns, each column once; what is no name is refused" {
                Expect.equal (FeatureTable.ofNames [ "original" ]) (Ok NodeFeature.original) "a set"

                Expect.equal
                    (FeatureTable.ofNames [ "has_time"; "Energy"; "has_time" ])
                    (Ok [ NodeFeature.HasTime; NodeFeature.Energy ])
                    "columns"

                Expect.equal
                    (FeatureTable.ofNames [ "original"; "layer" ])
                    (Ok(NodeFeature.original @ [ NodeFeature.Layer ]))
                    "both"

                Expect.equal (FeatureTable.ofNames [ "energy"; "charge" ]) (Error "charge") "no name"
            }

            test "standardised columns have mean 0 and variance 1 over the graphs they were measured on" {
                use _scope = torch.NewDisposeScope()
                let path = IO.Path.Combine(Fixture.repository, "samples", "tracksters.root")
                use dataset = GraphDataset.Open([| path |], TracksterReadOptions())
                let indices = [| 0..99 |]

                for features in [ NodeFeature.original; NodeFeature.oriented; NodeFeature.physics ] do
                    let mean, deviation = Standardisation.measure dataset indices features
                    use _scope = torch.NewDisposeScope()

                    let batch =
                        BatchAssembler.Collate([| for index in indices -> dataset[index] |], Fixture.preparation)

                    let columns =
                        BatchTensors.create torch.CPU torch.float64 batch
                        |> FeatureTable.compute features

                    let standard = columns.sub(torch.tensor mean).div(torch.tensor deviation)
                    let zero = torch.zeros ([| int64 features.Length |], dtype = torch.float64)
                    Near.close 1e-6 (standard.mean [| 0L |]) zero "means"

                    // A column that never changes (no Low seeds, say) keeps variance 0.
                    let squares = standard.mul(standard).mean([| 0L |]).data<float>().ToArray()
                    Expect.all squares (fun s -> abs (s - 1.0) < 1e-6 || s = 0.0) "variances"
            }

            test "a network that reads other columns takes graphs as they are, in training and in use" {
                use _scope = torch.NewDisposeScope()
                use random = new torch.Generator(1UL)

                let config =
                    { PrunerConfig.standard with
                        Hidden = 8
                        Features = NodeFeature.oriented
                    }

                let pruner = Pruner.create (Laws.init random) config
                let parameters = Map.ofList pruner.Network.Weights.Parameters
                let width = parameters["encoder.linear1.weight"].size 1
                Expect.equal width (int64 NodeFeature.oriented.Length) "columns of the first layer"
                let batch = Pruner.collate pruner [ Generators.graphOf byHand; Fixture.graphs.Value[2] ]
                let margins = Pruner.decide torch.CPU pruner batch
                Expect.equal margins.Length batch.NodeCount "margins"
                Expect.all margins Single.IsFinite "finite"
            }
        ]

[<Tests>]
let layers =
    testList
        "calorimeter layers"
        [
            test "every plane is its own layer, in both endcaps and a little beside" {
                for layer in 1 .. CalorimeterLayers.Count do
                    let z = float32 CalorimeterLayers.Z[layer - 1]

                    for position in [ z; -z; z + 0.2f; z - 0.2f ] do
                        Expect.equal (int (CalorimeterLayers.Nearest position)) layer $"z = {position}"
            }

            test "what is not in the calorimeter has no layer" {
                for z in [ 0f; 300f; 321.1f; 521.4f; -600f; nanf; infinityf ] do
                    Expect.equal (CalorimeterLayers.Nearest z) CalorimeterLayers.Unknown $"z = {z}"
            }

            test "layers of another length are refused" {
                Expect.throwsT<ArgumentException>
                    (fun () ->
                        ShowerGraph(Generators.inMemory 0L, Array.zeroCreate 9, [||], [||], [| 0uy |], Layers = [||])
                        |> ignore)
                    "one node, no layer"
            }
        ]
