/// Trees as ROOT 3 and g4tools write them (TTree version 5, TBranch 8): counts are doubles, places of baskets integers of
/// 32 bits. Only the file's own descriptions tell how to read them.
module Pruning.Tests.Data.RootOldTrees

open Pruning.Tests.Data.RootBytes
open Pruning.Tests.Data.RootSpec

let private counts names = names |> List.map (memberOf 8 "Stat_t")
let private numbers names = names |> List.map (memberOf 3 "Int_t")
let private arrays names = names |> List.map (memberOf 61 "TObjArray")

let private table name =
    { memberOf 43 "Int_t*" name with
        CountName = "fMaxBaskets"
    }

let private bases names = names |> List.map (memberOf 0 "BASE")

/// The descriptions that such a file carries.
let classes: StreamedClass list =
    [
        { classOf
              "TTree"
              ([ memberOf 67 "BASE" "TNamed" ]
               @ bases [ "TAttLine"; "TAttFill"; "TAttMarker" ]
               @ counts [ "fEntries"; "fTotBytes"; "fZipBytes"; "fSavedBytes" ]
               @ numbers [ "fTimerInterval"; "fScanField"; "fUpdate"; "fMaxEntryLoop" ]
               @ arrays [ "fBranches"; "fLeaves" ]) with
            Version = 5
        }
        { classOf
              "TBranch"
              ([ memberOf 67 "BASE" "TNamed" ]
               @ bases [ "TAttFill" ]
               @ numbers [ "fCompress"; "fBasketSize"; "fEntryOffsetLen"; "fWriteBasket"; "fEntryNumber"; "fOffset" ]
               @ [ memberOf 6 "Int_t" "fMaxBaskets" ]
               @ numbers [ "fSplitLevel" ]
               @ counts [ "fEntries"; "fTotBytes"; "fZipBytes" ]
               @ arrays [ "fBranches"; "fLeaves"; "fBaskets" ]
               @ [ table "fBasketBytes"; table "fBasketEntry"; table "fBasketSeek" ]
               @ [ memberOf 65 "TString" "fFileName" ]) with
            Version = 8
        }
    ]

let private branch (b: Bytes) (branch: Branch) (places: (int64 * int) list) =
    let entries = branch.Baskets |> List.map (fun basket -> basket.Entries.Length)
    let slots = places.Length + 1

    let table (values: int list) =
        b.U8 1
        values |> List.iter b.I32
        List.replicate (slots - values.Length) 0 |> List.iter b.I32

    b.Frame(
        8,
        fun () ->
            b.Named(branch.Name, branch.Name)
            b.Frame(1, fun () -> b.I32 0)
            [ 1; 32000; 0; places.Length; List.sum entries; 0; slots; 0 ] |> List.iter b.I32
            [ float (List.sum entries); 1000.0; 500.0 ] |> List.iter b.F64
            b.Array(0, ignore)

            b.Array(
                1,
                fun () ->
                    b.Slot(
                        branch.Leaves.Head.Class,
                        fun () ->
                            b.Frame(
                                1,
                                fun () ->
                                    b.Frame(
                                        2,
                                        fun () ->
                                            b.Named(branch.Name, branch.Leaves.Head.Title)
                                            [ 1; 4; 0 ] |> List.iter b.I32
                                            b.U8 0
                                            b.U8 0
                                            b.I32 0
                                    )
                            )
                    )
                    |> ignore
            )

            b.Array(0, ignore)
            table (places |> List.map snd)
            table (entries |> List.scan (+) 0)
            table (places |> List.map (fst >> int))
            b.Text ""
    )

/// The payload of a tree whose branches have one leaf and all of their baskets on disk.
let payload (tree: Tree) (places: string -> (int64 * int) list) : byte array =
    bytes (fun b ->
        b.Frame(
            5,
            fun () ->
                b.Named(tree.Name, "made by hand")

                for _ in 1..3 do
                    b.Frame(1, fun () -> b.I32 0)

                [ 3.0; 0.0; 0.0; 0.0 ] |> List.iter b.F64
                [ 0; 0; 0; 0 ] |> List.iter b.I32

                b.Array(
                    tree.Branches.Length,
                    fun () ->
                        for item in tree.Branches do
                            b.Slot("TBranch", fun () -> branch b item (places item.Name)) |> ignore
                )
        ))
