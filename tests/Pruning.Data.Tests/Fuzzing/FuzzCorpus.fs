/// A few small files that hold a bit of everything, each made by code of ours, with the bytes that are to be damaged:
/// whole files, or the parts of an RNTuple whose checksums are made again behind the damage.
module Pruning.Tests.Data.FuzzCorpus

open System
open System.IO
open Pruning.Root.Compression
open Pruning.Root.Files
open Pruning.Root.Writing
open Pruning.Root.Writing.Ntuples
open Pruning.Data.Tracksters
open Pruning.Tests.Data.RootCodecs
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootWriter
open Pruning.Tests.Data

type Seed =
    {
        Name: string
        /// What is damaged.
        Bytes: byte array
        /// Makes the file of it.
        Complete: byte array -> byte array
        /// A file that was never closed.
        Recover: bool
    }

/// Every codec, embedded baskets, vectors, generated offsets and two cycles in one small file.
let zoo =
    lazy
        (let values = List.init 40 (fun i -> List.replicate (i % 4) 7)

         let cut table encode codec embedded =
             values
             |> List.chunkBySize 20
             |> List.map (fun chunk ->
                 { basket table (List.map encode chunk) with
                     Codec = codec
                     Embedded = embedded
                 })

         let counts = cut NoTable (fun (v: int list) -> int32s [ v.Length ])

         let branches =
             [
                 branch "n" (leaf "TLeafI" "n") (counts Zlib false)
                 counted "x" "TLeafI" "n" (cut Offsets int32s Lz4 false)
                 counted "y" "TLeafI" "n" (cut Generated int32s Zstd false)
                 counted "z" "TLeafI" "n" (cut Offsets int32s Deflate false)
                 vector "v" "vector<int>" (cut Offsets (fun v -> vectorEntry v.Length (int32s v)) Zlib false)
                 vector "w" "vector<int>" (cut Offsets (fun v -> vectorEntry v.Length (int32s v)) Raw true)
                 branch
                     "ramp"
                     { leaf "TLeafB" "ramp" with
                         Unsigned = true
                     }
                     [
                         { basket NoTable (ramp |> Array.chunkBySize 1 |> List.ofArray) with
                             Codec = Xz
                         }
                     ]
             ]

         write
             { file [ { tree branches with Cycle = 2 }; tree branches ] with
                 Directory = Some "deep"
             })

/// Texts, nested lists, maps, leaf lists and classes with their descriptions.
let shapes =
    lazy
        (let branches =
            RootShapes.cases
            |> List.mapi (fun i (_, b, _, _) -> { b with Branch.Name = $"{b.Name}{i}" })

         write
             { file [ tree branches ] with
                 Classes = RootShapes.classes
             })

/// A tree that only its descriptions explain.
let private oldTree () =
    let values =
        branch
            "x"
            (leaf "TLeafI" "x")
            [ basket NoTable [ int32s [ 1 ]; int32s [ 2 ] ]; basket NoTable [ int32s [ 3 ] ] ]

    write
        { file
              [
                  { tree [ { values with Version = 8 } ] with
                      Version = 5
                  }
              ] with
            Classes = RootOldTrees.classes
        }

/// Every kind of branch that the writer has, in several baskets; the descriptions of trees and classes are raw, so that
/// damage reaches them.
let private written (setting: RootCompressionSetting) (raw: bool) : byte array =
    let entries = 24
    let lists make = Array.init entries (fun i -> Array.init (i % 4) (fun k -> make (i + k)))
    let counted = lists float32

    let columns =
        [
            WrittenColumns.flat "b" (Array.init entries (fun i -> i % 3 = 0))
            WrittenColumns.flat "i8" (Array.init entries sbyte)
            WrittenColumns.flat "u16" (Array.init entries uint16)
            WrittenColumns.flat "u64" (Array.init entries uint64)
            WrittenColumns.fixed' "d" [| 2; 3 |] (Array.init entries (fun i -> Array.replicate 6 (float i)))
            WrittenColumns.group "n" (counted |> Array.map _.Length) [ WrittenColumns.jagged "x" [||] counted ]
            WrittenColumns.vector "v" (lists int)
            WrittenColumns.nested
                "vv"
                (Array.init entries (fun i -> Array.init (i % 3) (fun k -> Array.replicate k (int64 i))))
            WrittenColumns.text "s" (Array.init entries (fun i -> String('t', i % 5)))
            WrittenColumns.texts "vs" (lists string)
        ]

    let options =
        RootWriteOptions(
            Compression = setting,
            BasketBytes = 150,
            ClusterEntries = 12L,
            Reproducible = true,
            Workers = 1,
            RawMetadata = raw
        )

    WrittenTrees.write options WrittenColumns.ByEntry "d/t" entries columns

/// A file whose writer was killed: its first directory has no list of keys.
let private unclosed () =
    let bytes = written (RootCompressionSetting.Zstd()) true
    let fields = 100 + 26 + 6 + 7 + 1 + 8 // key of the top directory, its name and title
    Array.fill bytes (fields + 26) 4 0uy
    bytes

/// Three tracksters of layer clusters.
let private prepared () =
    WrittenTrees.withDirectory (fun directory ->
        let path = Path.Combine(directory, "prepared.root")

        do
            use file =
                RootFileWriter.Create(
                    path,
                    RootWriteOptions(
                        Compression = RootCompressionSetting.Zstd(),
                        Reproducible = true,
                        Workers = 1,
                        RawMetadata = true
                    )
                )

            let nodes = [| 3; 1; 2 |]

            let numbers make = nodes |> Array.map (fun count -> Array.init count make)

            WrittenColumns.fill
                WrittenColumns.ByEntry
                nodes.Length
                (file.CreateTree TracksterSchema.TracksterTree)
                [
                    WrittenColumns.vector TracksterSchema.Id (numbers int)
                    for feature in TracksterSchema.Features do
                        WrittenColumns.vector feature (numbers (fun i -> 1.0f + float32 (i % 2)))
                    WrittenColumns.vector TracksterSchema.Label (numbers (fun i -> i % 2))
                ]

            WrittenColumns.fill
                WrittenColumns.ByEntry
                nodes.Length
                (file.CreateTree TracksterSchema.EdgeTree)
                [
                    WrittenColumns.vector TracksterSchema.Origin [| [| 0; 1 |]; [||]; [| 0 |] |]
                    WrittenColumns.vector TracksterSchema.Target [| [| 1; 2 |]; [||]; [| 1 |] |]
                ]

            file.Close()

        File.ReadAllBytes path)

let private whole name bytes =
    {
        Name = name
        Bytes = bytes
        Complete = id
        Recover = false
    }

/// The first bytes of a part, and files with other bytes in its place.
let private part (n: NtupleSpec.Ntuple) (name: string) (part: NtupleSpec.Part) : Seed =
    let original = ref None

    let withPart (bytes: byte array option) =
        let replaced = ref false

        NtupleWriter.fileOf
            [
                { n with
                    Edit =
                        fun kind given ->
                            match bytes with
                            // Of pages only the first: with all of them damaged alike hardly anything would be left.
                            | Some changed when kind = part && not replaced.Value ->
                                replaced.Value <- true
                                changed
                            | _ ->
                                if kind = part && original.Value.IsNone then
                                    original.Value <- Some given

                                given
                }
            ]

    withPart None |> ignore

    {
        Name = $"the {name} of an RNTuple"
        Bytes = original.Value.Value
        Complete = fun bytes -> withPart (Some bytes)
        Recover = false
    }

/// A tree and RNTuples of our own writer; fields that share the ends of their lists among them.
let private writtenNtuples () =
    WrittenTrees.withDirectory (fun directory ->
        let path = Path.Combine(directory, "ntuples.root")

        do
            use file =
                RootFileWriter.Create(
                    path,
                    RootWriteOptions(
                        ClusterEntries = 2L,
                        CheckpointEvery = 100L,
                        Reproducible = true,
                        Workers = 1,
                        RawMetadata = true
                    )
                )

            let nodes = [ [| 0L; 3L; 4L; 6L |] ]
            let ntuple = file.CreateNtuple(TracksterSchema.TracksterTree, "")

            WrittenFields.fill
                [ 1 ]
                3
                ntuple
                [
                    WrittenFields.numbers TracksterSchema.Id nodes [| 0; 1; 2; 0; 0; 1 |]
                    for feature in TracksterSchema.Features do
                        WrittenFields.numbers feature nodes (Array.init 6 (fun i -> 1.0f + float32 (i % 2)))
                    WrittenFields.numbers TracksterSchema.Label nodes (Array.init 6 (fun i -> i % 2 = 0))
                    WrittenFields.texts "name" [] [| "a"; ""; "ccc" |]
                ]

            let links = file.CreateNtuple(TracksterSchema.EdgeTree, "")
            let ends = [ [| 0L; 2L; 2L; 3L |] ]

            WrittenFields.fill
                [ 3 ]
                3
                links
                [
                    WrittenFields.numbers TracksterSchema.Origin ends [| 0L; 0L; 0L |]
                    WrittenFields.numbers TracksterSchema.Target ends [| 1L; 2L; 1L |]
                ]

            file.Close()

        File.ReadAllBytes path)

/// Every small seed.
let seeds =
    lazy
        (let ntuple = NtupleZoo.zoo.Value

         [|
             whole "the zoo" zoo.Value
             whole "shapes" shapes.Value
             whole "a tree of ROOT 3" (oldTree ())
             whole "a written file, raw" (written RootCompressionSetting.None true)
             whole "a written file, zlib" (written (RootCompressionSetting.Zlib 1) true)
             whole "a written file, LZ4" (written (RootCompressionSetting.Lz4 1) true)
             whole "a written file, Zstandard" (written (RootCompressionSetting.Zstd 1) true)
             whole "a written file, XZ" (written (RootCompressionSetting.Xz 1) true)
             whole "a written file, zlib throughout" (written (RootCompressionSetting.Zlib 1) false)
             { whole "a file that was not closed" (unclosed ()) with
                 Recover = true
             }
             whole "a prepared file" (prepared ())
             whole "a prepared file of RNTuples" (writtenNtuples ())
             whole "an RNTuple" (NtupleWriter.fileOf [ ntuple ])
             part ntuple "anchor" NtupleSpec.Anchor
             part ntuple "header" NtupleSpec.Header
             part ntuple "footer" NtupleSpec.Footer
             part ntuple "page list" NtupleSpec.PageList
             part ntuple "first page" NtupleSpec.StoredPage
         |])

/// Few bytes that stand for values of more than half of what a call may take.
let private dense () =
    let zeros = vectorEntry 300_000 (Array.zeroCreate 1_200_000)

    write (
        file
            [
                tree
                    [
                        vector
                            "v"
                            "vector<int>"
                            (List.replicate
                                4
                                { basket Offsets [ zeros ] with
                                    Codec = Zstd
                                })
                    ]
            ]
    )

/// Files that take long for their size, or are large: they get few mutations.
let rareSeeds =
    lazy
        [|
            whole "the sample" (File.ReadAllBytes Pruning.Tests.Fixture.sample)
            whole "a dense file" (dense ())
        |]
