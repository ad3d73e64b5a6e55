/// Damaged checkpoints: whatever a file holds, reading it gives a checkpoint or a CheckpointException, and nothing else.
/// PRUNING_FUZZ_CHECKPOINTS sets how many files (100000 for a good look), PRUNING_FUZZ_SEED and PRUNING_FUZZ_FIRST replay.
module Pruning.Tests.Model.CheckpointFuzzTests

open System
open System.IO
open System.Text
open Expecto
open TorchSharp
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Metrics
open Pruning.Model.Training
open Pruning.Tests

let private setting (name: string) (standard: int) : int =
    match Int32.TryParse(Environment.GetEnvironmentVariable name) with
    | true, number -> number
    | _ -> standard

let private network: PrunerConfig =
    { PrunerConfig.standard with
        Hidden = 4
        Rounds = 1
        Aggregator = Aggregator.Mean
    }

/// A small checkpoint with everything in it.
let private write (directory: string) : unit =
    use random = new torch.Generator(5UL)

    let model =
        {
            Pruner = Pruner.create (Laws.init random) network
            Criterion = Criterion.ofWeights { Keep = 1.0; Prune = 4.0 }
            Notes = Map [ "name", "fuzz" ]
        }

    use trainer =
        Trainer.create
            torch.CPU
            { TrainingConfig.standard with
                Ema = Some 0.9
            }
            model

    Trainer.step trainer 1 1 (Fixture.batch [ 0; 1 ]) |> ignore

    let metrics =
        MetricState.ofNodes [| 1L; 0L |] [| 0.5f; -0.5f |] [| 1f; 2f |]
        |> MetricState.withLoss 1 0.7

    Checkpoint.save
        directory
        trainer
        { TrainingProgress.start with
            Step = 1
            GlobalStep = 1L
            Metrics = metrics
            Best =
                Some
                    {
                        Epoch = 1
                        GlobalStep = 1L
                        Validation = metrics
                    }
            Ranking = [ { Epoch = 1; Score = (0.5, -0.7) } ]
        }

let private numbers =
    [|
        "0"
        "-1"
        "1e999"
        "9223372036854775807"
        "9223372036854775808"
        "65536"
        "0.5"
        "null"
        "\"x\""
        "[]"
        "{}"
        "true"
    |]

let private words = [| "nan"; "shape"; "F64"; "I8"; "adam"; "epoch"; "\\ud800"; "" |]

/// One damage: bits, bytes, cuts, repeats, and other values where the text has numbers, words or names.
let private damage (random: Random) (bytes: byte[]) : byte[] =
    // Headers and JSON come first in these files: half of the damage goes there.
    let place () =
        if random.Next 2 = 0 then
            random.Next(min 600 bytes.Length)
        else
            random.Next bytes.Length

    let replaceToken (isPart: char -> bool) (replacement: string) =
        let at = place ()
        let part i = i >= 0 && i < bytes.Length && isPart (char bytes[i])

        match Seq.tryFind part (seq { at .. min (bytes.Length - 1) (at + 300) }) with
        | None -> bytes
        | Some start ->
            let stop = Seq.initInfinite (fun i -> start + i) |> Seq.find (part >> not)
            Array.concat [ bytes[.. start - 1]; Encoding.UTF8.GetBytes replacement; bytes[stop..] ]

    match random.Next 9 with
    | 0 ->
        let copy = Array.copy bytes
        let at = place ()
        copy[at] <- copy[at] ^^^ (1uy <<< random.Next 8)
        copy
    | 1 ->
        let copy = Array.copy bytes
        copy[place ()] <- byte (random.Next 256)
        copy
    | 2 -> bytes[.. random.Next bytes.Length - 1]
    | 3 ->
        let at, length = place (), random.Next 40
        Array.concat [ bytes[.. at - 1]; bytes[at + length ..] ]
    | 4 ->
        let at, length = place (), random.Next 80
        let piece = bytes[at .. min (bytes.Length - 1) (at + length)]
        Array.concat [ bytes[.. at - 1]; piece; bytes[at..] ]
    | 5 -> Array.append bytes (Array.init (random.Next 20) (fun _ -> byte (random.Next 256)))
    | 6
    | 7 -> replaceToken Char.IsAsciiDigit numbers[random.Next numbers.Length]
    | _ -> replaceToken Char.IsAsciiLetter words[random.Next words.Length]

let private files = [| "model.safetensors"; "training.safetensors"; "state.json"; "manifest.json" |]

let private inDirectory (action: string -> 'T) : 'T =
    let directory = Directory.CreateTempSubdirectory "pruning fuzz "

    try
        action directory.FullName
    finally
        directory.Delete true

let private fuzz (count: int) (seed: int) (first: int) : int =
    inDirectory (fun parent ->
        let directory = Path.Combine(parent, "epoch-0001")
        write directory

        let sound =
            files
            |> Array.map (fun name -> File.ReadAllBytes(Path.Combine(directory, name)))

        let mutable refused = 0

        for number in first .. first + count - 1 do
            let random = Random(seed ^^^ (number * 7919))
            let which = random.Next files.Length
            let path = Path.Combine(directory, files[which])
            let mutable bytes = sound[which]

            for _ in 0 .. random.Next 3 do
                if bytes.Length > 0 then
                    bytes <- damage random bytes

            File.WriteAllBytes(path, bytes)

            try
                try
                    // The manifest is what the hashes are checked by; behind it the readers are on their own.
                    use read =
                        if files[which] = "manifest.json" then
                            Checkpoint.load (Laws.placement ()) directory
                        else
                            Checkpoint.readFrom (Laws.placement ()) directory

                    for _, tensor in Weights.tensors read.Model.Pruner.Network.Weights do
                        tensor.Dispose()
                with
                | :? CheckpointException -> refused <- refused + 1
                | error -> failtestf "file %d of seed %d (%s): %O" number seed files[which] error
            finally
                File.WriteAllBytes(path, sound[which])

        refused)

let private damaged (count: int) = test "damaged files give a checkpoint or a CheckpointException" {
    let refused = fuzz count (setting "PRUNING_FUZZ_SEED" 1) (setting "PRUNING_FUZZ_FIRST" 0)
    // Most damage is to be noticed; a bit of a weight is another weight.
    Expect.isGreaterThan refused (count / 4) "refused"
}

[<Tests>]
let tests = testList "checkpoint fuzz" [ damaged 200 ]

[<SlowTests>]
let slow =
    testList "checkpoint fuzz" [ damaged (setting "PRUNING_FUZZ_CHECKPOINTS" (Slow.count 1000 20000)) ]
