/// Damaged files: whatever the bytes are, the reader gives values or a RootFormatException, in bounded memory.
module Pruning.Tests.Data.RootFuzzTests

open System
open System.IO
open Expecto
open Pruning.Root.Errors
open Pruning.Root.Files
open Pruning.Root.Reading
open Pruning.Tests.Data.FuzzCorpus
open Pruning.Tests.Data
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootWriter

let private options =
    RootReadOptions(Workers = 1, MaxRecordBytes = (64L <<< 20), MaxReadBytes = (256L <<< 20))

/// Reads everything that a file offers; true when nothing was refused.
let private survives (path: string) : bool =
    let mutable intact = true

    let guarded (act: unit -> unit) =
        try
            act ()
        with :? RootFormatException ->
            intact <- false

    guarded (fun () ->
        use root = RootFile.Open(path, options)

        for entry in root.List() do
            if entry.IsTree then
                guarded (fun () ->
                    let tree = root.Tree $"{entry.Path};{entry.Cycle}"

                    for branch in tree.Branches do
                        guarded (fun () -> tree.ReadColumns branch.Name |> ignore)
                        guarded (fun () -> branch.Compression |> ignore)
                        guarded (fun () -> branch.StoredBytes |> ignore)))

    intact

let private content name =
    match name with
    | "zoo" -> zoo.Value
    | "shapes" -> shapes.Value
    | _ -> File.ReadAllBytes Pruning.Tests.Fixture.sample

let private damage (seed: int) (rounds: int) (name: string) (change: Random -> byte array -> byte array) =
    let random = Random seed
    let original = content name
    let path = Path.Combine(Path.GetTempPath(), $"pruning-{Guid.NewGuid():N}.root")

    try
        for round in 1..rounds do
            let bytes = change random (Array.copy original)
            File.WriteAllBytes(path, bytes)

            try
                survives path |> ignore
            with e ->
                failtest $"{name}, seed {seed}, round {round}: {e}"
    finally
        File.Delete path

[<Tests>]
let tests =
    testList
        "ROOT fuzz"
        [
            test "the untouched files are read without complaint" {
                Expect.isTrue (survives Pruning.Tests.Fixture.sample) "sample"
                opened zoo.Value (fun root -> Expect.isTrue (survives root.Path) "zoo")
                opened shapes.Value (fun root -> Expect.isTrue (survives root.Path) "shapes")
            }

            test "every truncation of a small file is refused, never more" {
                let original = zoo.Value
                let path = Path.Combine(Path.GetTempPath(), $"pruning-{Guid.NewGuid():N}.root")

                try
                    for length in 0 .. original.Length - 1 do
                        File.WriteAllBytes(path, original[.. length - 1])
                        Expect.isFalse (survives path) $"{length} bytes of {original.Length}"
                finally
                    File.Delete path
            }

            for name, rounds in [ "zoo", 1500; "shapes", 1500; "sample", 40 ] do
                test $"{name}: flipped bits give an error or values" {
                    damage 1 rounds name (fun random bytes ->
                        for _ in 0 .. random.Next 4 do
                            let i = random.Next bytes.Length
                            bytes[i] <- bytes[i] ^^^ byte (1 <<< random.Next 8)

                        bytes)
                }

                test $"{name}: overwritten numbers give an error or values" {
                    damage 2 rounds name (fun random bytes ->
                        let i = random.Next(bytes.Length - 4)

                        let value =
                            [| 0; -1; Int32.MaxValue; Int32.MinValue; 1; 0x40000000; random.Next() |][random.Next 7]

                        Array.blit (int32s [ value ]) 0 bytes i 4
                        bytes)
                }

                test $"{name}: zeroed and moved stretches give an error or values" {
                    damage 3 rounds name (fun random bytes ->
                        let length = 1 + random.Next 64
                        let target = random.Next(bytes.Length - length)

                        if random.Next 2 = 0 then
                            Array.fill bytes target length 0uy
                        else
                            Array.Copy(bytes, random.Next(bytes.Length - length), bytes, target, length)

                        bytes)
                }
        ]
