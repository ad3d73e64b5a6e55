/// What a file says beyond the schema: read when it is there, missed by nobody when it is not, refused when it lies.
module Pruning.Tests.Data.Tracksters.TruthTests

open System
open System.IO
open Expecto
open Pruning.Data.Errors
open Pruning.Data.Batching
open Pruning.Data.Tracksters
open Pruning.Model.Evaluation
open Pruning.Tests.Prepared
open Pruning.Tests.Data.Tracksters.TableOf

let private reading (file: Prepared) (check: GraphDataset -> unit) : unit =
    let path = Path.Combine(Path.GetTempPath(), $"pruning-{Guid.NewGuid():N}.root")

    try
        use dataset = GraphDataset.Open([| Prepared.save path file |], TracksterReadOptions())
        check dataset
    finally
        File.Delete path

let private raws = [ chain 3 1f; chain 2 5f ]
let private plain = Prepared.ofTracksters usual raws

let private refused (parts: string list) (file: Prepared) =
    let error =
        try
            reading file ignore
            failtest "wanted an error"
        with error when DataException.Covers error ->
            error.Message

    for part in parts do
        Expect.stringContains error part "what it says"

[<Tests>]
let tests =
    testList
        "truth"
        [
            test "fractions, layers, species, energies and pile-up come from the file" {
                plain
                |> Prepared.withNodeBranch "fraction" [ [ 1f; 0.5f; 0f ]; [ 0.25f; 0.75f ] ]
                |> Prepared.withNodeBranch "layer" [ [ 1f; 2f; 3f ]; [ 30f; 31f ] ]
                |> Prepared.withEvents [ 7L; 7L ]
                |> Prepared.withGraphBranch "pdgId" [ 22L; -211L ]
                |> Prepared.withGraphBranch "simEnergy" [ 50L; 60L ]
                |> Prepared.withGraphBranch "pileUp" [ 0L; 200L ]
                |> fun file ->
                    reading file (fun dataset ->
                        let second = EvaluatedGraph.ofDataset dataset 1
                        Expect.equal second.Fraction [| 0.25f; 0.75f |] "fraction"
                        Expect.isTrue second.HasFraction "it is the file's"
                        Expect.equal second.Layer [| 30; 31 |] "layer"
                        Expect.equal second.PdgId (Some -211L) "species"
                        Expect.equal second.PileUp (Some 200.0) "pile-up"
                        Expect.equal second.Group 7L "event"
                        Expect.equal (dataset.TruthOf 0).SimEnergy (Nullable 50f) "energy"
                        Expect.equal (dataset.TruthOf 1).PdgId (Nullable -211L) "PDG number"
                        // What metrics read must not be a feature.
                        Expect.equal (dataset[1]).Features.Length (2 * 9) "nine features")
            }

            test "without them labels stand for fractions and z for layers" {
                reading plain (fun dataset ->
                    let first = EvaluatedGraph.ofDataset dataset 0
                    Expect.isFalse first.HasFraction "no fraction"
                    Expect.equal first.Fraction [| 1f; 1f; 1f |] "nothing to prune in a chain of three"
                    // 301, 302, 303 cm: before the first sensor.
                    Expect.equal first.Layer [| 0; 0; 0 |] "layer"
                    Expect.equal (first.PdgId, first.PileUp) (None, None) "nothing else"
                    Expect.notEqual first.Group (EvaluatedGraph.ofDataset dataset 1).Group "a graph is its own group")
            }

            test "a fraction outside of 0 to 1 is refused with its place" {
                plain
                |> Prepared.withNodeBranch "fraction" [ [ 1f; 0.5f; 0f ]; [ 0.25f; 1.5f ] ]
                |> refused [ "from 0 to 1"; "1.5"; "entry 1"; "position 1"; "'fraction'" ]

                plain
                |> Prepared.withNodeBranch "fraction" [ [ 1f; nanf; 0f ]; [ 0.25f; 0.5f ] ]
                |> refused [ "from 0 to 1"; "NaN"; "position 1" ]
            }

            test "another number of values than layer clusters is refused" {
                plain
                |> Prepared.withNodeBranch "fraction" [ [ 1f; 0.5f ]; [ 0.25f; 0.5f ] ]
                |> refused [ "one value for each layer cluster"; "'fraction'" ]

                plain
                |> Prepared.withGraphBranch "pdgId" [ 22L ]
                |> refused [ "each of the 2 tracksters"; "found 1"; "'pdgId'" ]
            }
        ]
