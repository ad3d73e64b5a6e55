/// Fields of an RNTuple: every nested type against the model.
module Pruning.Tests.Data.NtupleStructureTests

open System
open Expecto
open Pruning.Root.Columns
open Pruning.Root.Errors
open Pruning.Tests.Generators
open Pruning.Tests.Data.NtupleBytes
open Pruning.Tests.Data.NtupleModel
open Pruning.Tests.Data.NtupleSpec
open Pruning.Tests.Data.NtupleWriter
open Pruning.Tests.Data.RootCodecs
open Pruning.Tests.Data.RootExpect

let rec private randomKind (random: Random) depth : Kind =
    let ends () = [| Index32; Index64; SplitIndex32; SplitIndex64 |][random.Next 4]
    let inner () = randomKind random (depth - 1)

    match (if depth = 0 then random.Next 3 else random.Next 8) with
    | 0
    | 1 -> Number encodings[random.Next encodings.Length]
    | 2 -> Text(ends ())
    | 3
    | 4 -> Sequence(ends (), inner ())
    | 5 -> Fixed(random.Next 4, inner ())
    | 6 -> Record [ for i in 0 .. random.Next 3 -> $"m{i}", inner () ]
    | _ -> Variant [ for _ in 0 .. random.Next 2 -> inner () ]

let rec private randomValue (random: Random) (kind: Kind) : Value =
    let many count inner = List.init count (fun _ -> randomValue random inner)

    match kind with
    | Number _ -> N(random.NextInt64(Int64.MinValue, Int64.MaxValue))
    | Text _ -> T(String.init (random.Next 4) (fun _ -> [| "a"; "µ"; "ζ" |][random.Next 3]))
    | Sequence(_, inner) -> L(many (random.Next 4) inner)
    | Fixed(length, inner) -> L(many length inner)
    | Record members -> L(members |> List.map (snd >> randomValue random))
    | Variant kinds ->
        match random.Next(kinds.Length + 1) with
        | 0 -> V(0, N 0L)
        | tag -> V(tag, randomValue random kinds[tag - 1])

let private agrees (seed: int) : bool =
    let random = Random seed
    let fields = [ for i in 0 .. random.Next 3 -> $"f{i}", randomKind random 3 ]
    let entry () = fields |> List.map (snd >> randomValue random)
    let clusters = [ for _ in 0 .. random.Next 3 -> List.init (random.Next 12) (fun _ -> entry ()) ]
    let entries = List.concat clusters
    let stored = store fields clusters (1 + random.Next 20)

    let n =
        { stored with
            Codec = [| Raw; Zlib; Lz4; Zstd |][random.Next 4]
            Deduplicated = random.Next 2 = 0
            // Two groups, one of them perhaps empty.
            Groups =
                stored.Groups
                |> List.collect (fun clusters ->
                    clusters |> List.splitAt (random.Next clusters.Length) |> fun (a, b) -> [ a; b ])
        }

    reading n (fun ntuple ->
        let first = random.Next(entries.Length + 1)
        let last = first + random.Next(entries.Length - first + 1)

        List.indexed fields
        |> List.forall (fun (i, (name, kind)) ->
            let expected part = expect kind (part |> List.map (fun (entry: Value list) -> entry[i]))

            let read (first: int) (last: int) =
                ntuple.ReadColumns(name, int64 first, Nullable(int64 last))
                |> Seq.map found
                |> List.ofSeq

            read 0 entries.Length = expected entries
            && read first last = expected (entries |> List.skip first |> List.take (last - first))))

let private int32Of = Number(encoding "SplitInt32")
let private ints values = L(values |> List.map (int64 >> N))

let private modelTests =
    [
        property "fields of any type come back, whole and in any range of entries" agrees

        test "an RNTuple without clusters, and one with empty ones, have columns without entries" {
            for clusters in [ []; [ [] ]; [ []; [] ] ] do
                let fields = [ "v", Sequence(Index64, int32Of); "s", Text Index32; "r", Record [ "a", int32Of ] ]

                reading (store fields clusters 5) (fun n ->
                    Expect.equal n.EntryCount 0L "entries"
                    Expect.equal (n.Read<int>("v").Offsets) [| 0L |] "offsets"
                    Expect.equal (n.ReadText("s").ValueCount) 0L "texts"
                    Expect.equal (n.Read<int>("r.a").Values) [||] "member")
        }

        test "lists are jagged columns, with constant dimensions behind them or alone" {
            let fields =
                [
                    "v", Sequence(SplitIndex64, int32Of)
                    "a", Fixed(2, int32Of)
                    "w", Sequence(Index32, Fixed(2, int32Of))
                    "d", Sequence(Index32, Sequence(Index32, int32Of))
                ]

            let entry v =
                [
                    ints v
                    ints [ v.Length; -1 ]
                    L(v |> List.map (fun i -> ints [ i; i ]))
                    L [ ints v; ints [ 7 ] ]
                ]

            reading (store fields [ [ entry [ 1; 2; 3 ]; entry [] ]; [ entry [ 4 ] ] ] 2) (fun n ->
                let v = n.Read<int> "v"
                Expect.equal (v.Offsets, v.Values) ([| 0L; 3L; 3L; 4L |], [| 1; 2; 3; 4 |]) "list"
                Expect.equal (v[2L].ToArray()) [| 4 |] "an entry"
                let a = n.Read<int> "a"
                Expect.equal (a.FixedLength, a.Values) (Nullable 2, [| 3; -1; 0; -1; 1; -1 |]) "array"
                let w = n.Read<int> "w"

                Expect.equal
                    (w.Offsets, w.InnerLength, w.Values)
                    ([| 0L; 6L; 6L; 8L |], 2, [| 1; 1; 2; 2; 3; 3; 4; 4 |])
                    "list of arrays"

                Expect.equal (List.ofSeq w.LevelCounts) [ 3L; 4L; 8L ] "its levels"

                Expect.equal
                    (problem (fun () -> n.Read<int>("d") |> ignore))
                    (RootErrorKind.WrongElementType,
                     "wanted numbers, or one list of numbers an entry, but the field is std::int32_t. ReadColumns reads it at any depth, \
                      ReadText reads texts.")
                    "list of lists"

                let both = n.Read([| ColumnRequest.As<int64> "v"; ColumnRequest.Of "a" |], 1L, Nullable 3L)

                Expect.equal
                    (both.Column<int64>("v").Values, both.Column<int>("a").Values)
                    ([| 4L |], [| 0; -1; 1; -1 |])
                    "two at once")
        }

        test "texts are given as texts" {
            let fields = [ "s", Text SplitIndex32; "l", Sequence(Index64, Text Index64) ]

            let entries = [ [ T "one"; L [ T "a"; T "" ] ]; [ T ""; L [] ]; [ T "drei µ"; L [ T "b" ] ] ]

            reading (store fields [ entries[..1]; entries[2..] ] 3) (fun n ->
                let s = n.ReadText "s"
                Expect.equal [ for i in 0L .. 2L -> s[i] ] [ "one"; ""; "drei µ" ] "texts"
                let l = n.ReadText("l", 1L)

                Expect.equal
                    ([ for i in 0L .. l.ValueCount - 1L -> l[i] ], List.ofSeq l.LevelCounts)
                    ([ "b" ], [ 2L; 1L ])
                    "lists"

                Expect.equal
                    (problem (fun () -> n.Read<byte>("s") |> ignore) |> fst)
                    RootErrorKind.WrongElementType
                    "no numbers")
        }
    ]

[<Tests>]
let tests = testList "RNTuple structure" modelTests
