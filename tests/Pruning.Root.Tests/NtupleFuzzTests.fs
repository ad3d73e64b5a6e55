/// RNTuples that lie with checksums that fit: whatever the bytes are, values or a RootFormatException, in bounded memory.
module Pruning.Tests.Data.NtupleFuzzTests

open System
open Expecto
open Pruning.Root.Errors
open Pruning.Root.Files
open Pruning.Root.Ntuples.Metadata
open Pruning.Tests.Data.NtupleBytes
open Pruning.Tests.Data.NtupleSpec
open Pruning.Tests.Data.NtupleWriter
open Pruning.Tests.Data.NtupleZoo

let private splitInt = encoding "SplitInt32"

let private options =
    RootReadOptions(Workers = 1, MaxRecordBytes = (16L <<< 20), MaxReadBytes = (64L <<< 20))

/// Reads everything that a file offers; true when nothing was refused.
let private survives (content: byte array) : bool =
    let mutable intact = true

    let guarded (act: unit -> unit) =
        try
            act ()
        with :? RootFormatException ->
            intact <- false

    guarded (fun () ->
        RootWriter.openWith options content (fun root ->
            let n = root.Ntuple "n"
            guarded (fun () -> n.Clusters |> ignore)

            for field in n.Fields do
                guarded (fun () -> n.ReadColumns field.Name |> ignore)

                if n.EntryCount > 1L then
                    guarded (fun () -> n.ReadColumns(field.Name, 1L, Nullable(min n.EntryCount 3L)) |> ignore)

                guarded (fun () -> field.Compression |> ignore)))

    intact

let private mutate (random: Random) (bytes: byte array) : byte array =
    let copy = Array.copy bytes

    if copy.Length > 0 then
        match random.Next 4 with
        | 0 ->
            let at = random.Next copy.Length
            copy[at] <- copy[at] ^^^ byte (1 <<< random.Next 8)
            copy
        | 1 ->
            let number = [| 0L; -1L; 1L; Int64.MaxValue; Int64.MinValue; 0xFFFFFFFFL; 1000000L |][random.Next 7]
            let at = random.Next copy.Length
            Array.blit (i64 number) 0 copy at (min 8 (copy.Length - at))
            copy
        | 2 -> copy[.. random.Next copy.Length]
        | _ ->
            let length = 1 + random.Next(min 32 copy.Length)
            Array.Copy(copy, random.Next(copy.Length - length + 1), copy, random.Next(copy.Length - length + 1), length)
            copy
    else
        copy

let private fuzzTests =
    [
        test "the untouched zoo is read without complaint" { Expect.isTrue (survives (fileOf [ zoo.Value ])) "zoo" }

        for part, rounds in [ Anchor, 300; Header, 700; Footer, 200; PageList, 700; StoredPage, 300 ] do
            test $"lies in the {part}, with checksums that fit, give an error or values" {
                let random = Random 5

                for round in 1..rounds do
                    // Every part of its kind would be hopeless: the pages are changed now and then.
                    let edit p bytes =
                        if p = part && (p <> StoredPage || random.Next 20 = 0) then
                            mutate random bytes
                        else
                            bytes

                    try
                        survives (fileOf [ { zoo.Value with Edit = edit } ]) |> ignore
                    with e ->
                        failtest $"{part}, round {round}: {e}"
            }

        test "every truncation of a file is refused" {
            let content = fileOf [ numbers splitInt [ [ [ 1L; 2L ]; [ 3L ] ] ] ]

            for length in 0 .. content.Length - 1 do
                Expect.isFalse (survives content[.. length - 1]) $"{length} bytes of {content.Length}"
        }
    ]

[<Tests>]
let tests = testList "RNTuple fuzz" fuzzTests
