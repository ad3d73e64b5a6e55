/// Options by name, parts of jobs, compression: the words of simulate and preprocess.
module Pruning.Tests.Cli.OptionTableTests

open System
open Expecto
open FsCheck
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Data.Options
open Pruning.Data.Simulation
open Pruning.Data.Ticl

let private refused (parts: string list) (action: unit -> 'a) =
    let message =
        try
            action () |> ignore
            None
        with
        | :? ArgumentException as error -> Some error.Message
        | :? UsageException as error -> Some error.Message

    match message with
    | None -> failtest "it was taken"
    | Some message ->
        for part in parts do
            Expect.stringContains message part "what it says"

[<Tests>]
let optionTests =
    testList
        "OptionTable"
        [
            test "writing every option of a preset over another's gives the preset" {
                for name in ToyOptions.Presets do
                    let wanted = ToyOptions.Preset name

                    let built =
                        OptionTable.List wanted
                        |> Seq.fold
                            (fun options pair -> OptionTable.With(options, pair.Key, pair.Value))
                            (ToyOptions(Seed = 9UL, PileUp = 3.0, Labels = LabelRule.Cut 0.2, Low = null))

                    Expect.equal built wanted name
            }

            test "the same of the options of preprocess" {
                let wanted = PreprocessOptions(High = Clue3DOptions.Cmssw2021, Labels = LabelRule.Any)

                let built =
                    OptionTable.List wanted
                    |> Seq.fold
                        (fun options pair -> OptionTable.With(options, pair.Key, pair.Value))
                        (PreprocessOptions(High = Clue3DOptions.ToyHigh))

                Expect.equal built wanted "each option"
            }

            test "an option changes nothing but itself, and capitals do not matter" {
                let options = OptionTable.With(ToyOptions.Default, "primaries.minenergy", "25.5")
                Expect.equal options.Primaries (PrimaryOptions(MinEnergy = 25.5)) "primaries"
                Expect.equal options.Clue ToyOptions.Default.Clue "others"
                Expect.equal ToyOptions.Default.Primaries.MinEnergy 20.0 "the preset is as it was"
            }

            test "what may be missing can be left out and comes back" {
                let without = OptionTable.With(ToyOptions.Default, "Low", "none")
                Expect.isNull without.Low "no second pass"
                let again = OptionTable.With(without, "Low.CriticalDensity", "1")
                Expect.equal again.Low (Clue3DOptions(CriticalDensity = 1.0)) "with its defaults"

                Expect.equal
                    (OptionTable.With(ToyOptions.Default, "High.Window", "none").High.Window)
                    (Nullable())
                    "bins"
            }

            test "unknown names and values of another kind are refused in words" {
                let set name value () = OptionTable.With(ToyOptions.Default, name, value)
                refused [ "'PileUpp'"; "'PileUp'" ] (set "PileUpp" "1")
                refused [ "'Primaries'" ] (set "Primaries" "1")
                refused [ "'PileUp.x'" ] (set "PileUp.x" "1")
                refused [ "PileUp wants a number"; "'1,5'" ] (set "PileUp" "1,5")
                refused [ "PileUp wants a number"; "'none'" ] (set "PileUp" "none")
                refused [ "Clue.MinHits wants a whole number" ] (set "Clue.MinHits" "2.5")
                refused [ "Seed wants a whole number" ] (set "Seed" "-1")
                refused [ "Local or Global" ] (set "Time" "1")
                refused [ "true or false" ] (set "Selection.KeepUnmatched" "yes")
                refused [ "cut=x" ] (set "Labels" "most")
                refused [ "High" ] (set "High" "none")
            }
        ]

[<Tests>]
let productionTests =
    testList
        "Production"
        [
            testProperty "shards cover everything once, in order, and are of equal size to one"
            <| fun (count: uint32) (NonNegativeInt parts) ->
                let parts = 1 + parts % 50
                let ranges = [ for k in 1..parts -> Shard.range (int64 count) { Index = k; Count = parts } ]
                let sizes = ranges |> List.map (fun (first, last) -> last - first)
                Expect.equal (fst ranges.Head) 0L "from the first"
                Expect.equal (snd (List.last ranges)) (int64 count) "to the last"

                for (_, last), (first, _) in List.pairwise ranges do
                    Expect.equal first last "nothing between"

                Expect.isLessThanOrEqual (List.max sizes - List.min sizes) 1L "sizes"

            test "a shard is K/N" {
                Expect.equal (Shard.kind.Parse "--shard" "3/16") { Index = 3; Count = 16 } "3/16"

                for text in [ "0/4"; "5/4"; "3"; "a/b"; "1/2/3"; "-1/2" ] do
                    refused [ "--shard"; $"'{text}'" ] (fun () -> Shard.kind.Parse "--shard" text)
            }

            test "compression is a codec, perhaps with its level" {
                let code text = (Production.compression.Parse "--compression" text).Code

                Expect.equal
                    (List.map code [ "none"; "zstd"; "zstd=7"; "LZ4"; "zlib=9"; "xz=1" ])
                    [ 0; 503; 507; 401; 109; 201 ]
                    "ROOT's codes"

                for text in [ "none=1"; "zip"; "zstd=0"; "zstd=x"; "zstd=1=2" ] do
                    refused [ "--compression" ] (fun () -> Production.compression.Parse "--compression" text)
            }
        ]
