/// Entries that lie about their shape, and types that are not read.
module Pruning.Tests.Data.RootShapeRefusalTests

open System
open Expecto
open Pruning.Cli.Inspect
open Pruning.Root.Errors
open Pruning.Root.Files
open Pruning.Tests.Data.RootBytes
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootShapes
open Pruning.Tests.Data.RootWriter
open Pruning.Tests.Data.RootExpect

let private refuse name className entries (kind: RootErrorKind) (wanted: string) = test $"{name} is refused" {
    withBranch (whole "x" className entries) (fun t ->
        let found, text = problem (fun () -> t.ReadColumns "x" |> ignore)
        Expect.equal found kind "kind"
        Expect.stringStarts text wanted "problem")
}

let private hostileTests =
    [
        test "objects of a version that the file does not describe cost their branch, which says so" {
            let other =
                entry (
                    framed 0 (fun b ->
                        b.I32 0x940000
                        b.I32 4)
                )

            let reasonOfOther = "wanted class Base of version 6 but found version 0 with checksum 00940000"

            withBranch (element "x" "Base" -1 -1 -1 [ basket Offsets [ other; other ] ]) (fun t ->
                let reason = reasonOfOther
                Expect.equal (t.Branch("x").Unsupported) reason "the reason"
                Expect.isFalse (t.Branch("x").IsSupported) "supported"
                let kind, text = problem (fun () -> t.ReadColumns "x" |> ignore)
                Expect.equal kind RootErrorKind.UnsupportedBranch "kind"
                Expect.equal text $"{reason} (the branch is Base)" "the error")

            withBranch (element "x" "Pair" 1 41 61 [ basket Offsets [ [||]; other ] ]) (fun t ->
                Expect.equal (t.Branch("x").Unsupported) reasonOfOther "in a split collection")

            withBranch (element "x" "Base" -1 -1 -1 [ basket Offsets [ [| 1uy |]; other ] ]) (fun t ->
                Expect.isNull (t.Branch("x").Unsupported) "damage is no lack of support"

                Expect.equal
                    (fst (problem (fun () -> t.ReadColumns "x" |> ignore)))
                    RootErrorKind.CorruptEntry
                    "damage")
        }

        refuse
            "a list that claims more items than there are bytes"
            "vector<vector<int> >"
            [ entry (framed 9 (fun b -> b.I32 0x7fffffff)) ]
            RootErrorKind.CorruptEntry
            "a list claims 2147483647 items of at least 4 bytes but only 0 bytes remain"

        test "a version that only a later object shows is called unsupported by inspect, not damage" {
            let objectOf version (b: Bytes) = framed version (fun b -> b.I32 4) b
            let entries = [ entry (framed 9 (list (fun b version -> objectOf version b) [ classVersion; 7 ])) ]

            withBranch (whole "x" "vector<Base>" entries) (fun t ->
                match LeafValues.ofBranch t (t.Branch "x") with
                | [ Unsupported("x", "", reason) ] ->
                    Expect.stringStarts reason "wanted class Base of version 6 but found version 7" "reason"
                | other -> failtest $"%A{other}")
        }

        refuse
            "an array that a bool counts"
            "vector<ByFlag>"
            [ entry (framed 9 (list (fun b () -> framed classVersion (fun b -> b.U8 1) b) [ () ])) ]
            RootErrorKind.UnsupportedBranch
            "'weights' is counted by 'n', which is not a number before it"

        refuse
            "a negative count"
            "vector<string>"
            [ entry (framed 9 (fun b -> b.I32 -1)) ]
            RootErrorKind.CorruptEntry
            "a list claims -1 items"

        refuse
            "a text longer than its entry"
            "vector<string>"
            [
                entry (
                    framed 9 (fun b ->
                        b.I32 1
                        b.U8 9)
                )
            ]
            RootErrorKind.CorruptEntry
            "needed 9 bytes but only 0 remain"

        refuse
            "an entry with bytes that nobody reads"
            "Base"
            [ int32s [ 1; 2 ] ]
            RootErrorKind.CorruptEntry
            "4 bytes are left of an entry of 8"

        refuse
            "an object that is shorter than its byte count"
            "Pair"
            [
                entry (fun b ->
                    b.I32 1

                    framed
                        classVersion
                        (fun b ->
                            b.I32 1
                            b.I32 2)
                        b)
            ]
            RootErrorKind.CorruptEntry
            "an object of class Base ends 4 bytes before its byte count"

        refuse
            "an object of another version"
            "Pair"
            [
                entry (fun b ->
                    b.I32 1
                    framed 7 (fun b -> b.I32 1) b)
            ]
            RootErrorKind.UnsupportedVersion
            "wanted class Base of version 6 but found version 7"

        test "a column of a collection needs a table of offsets, or entries of one size" {
            let strings table entries =
                element "x" "Point" 6 41 500 [ basket table [ for e in entries -> entry (framed 9 (texts e)) ] ]

            withBranch (strings NoTable [ [ "a" ]; [ "b" ] ]) (fun t ->
                Expect.equal (t.ReadText("x").Levels[0]) [| 0L; 1L; 2L |] "one size")

            withBranch (strings Generated [ [ "a" ]; [ "b"; "c" ] ]) (fun t ->
                Expect.equal
                    (problem (fun () -> t.ReadText "x" |> ignore))
                    (RootErrorKind.CorruptBasket,
                     "the basket has no offset table, and nothing else says where its 2 entries begin")
                    "generated")
        }

        test "the entry and its byte are named" {
            withBranch (whole "x" "Base" [ int32s [ 1 ]; int32s [ 1; 2 ] ]) (fun t ->
                try
                    t.ReadColumns "x" |> ignore
                    failtest "nothing was refused"
                with :? RootFormatException as e ->
                    Expect.equal
                        (e.Location.Branch, e.Location.Entry, e.Location.PayloadByte)
                        ("x", Nullable 1L, Nullable 8L)
                        "location")
        }

        test "values beyond the limit are refused while they grow" {
            let many = entry (framed 9 (list (fun b v -> ints v b) [ for i in 1..500 -> [ i; i; i ] ]))
            let content = write (file [ tree [ whole "x" "vector<vector<int> >" [ for _ in 1..50 -> many ] ] ])

            openWith (RootReadOptions(MaxReadBytes = 100_000L)) content (fun root ->
                let kind, text = problem (fun () -> root.Tree("t").ReadColumns "x" |> ignore)
                Expect.equal kind RootErrorKind.MemoryLimit "kind"

                Expect.stringStarts
                    text
                    "the values would take more than the limit MaxReadBytes of 100000 bytes"
                    "problem")

            openWith (RootReadOptions(MaxReadBytes = 4_000_000L)) content (fun root ->
                Expect.equal (root.Tree("t").ReadNested<int>("x").ValueCount) 75_000L "within the limit")
        }

        for name, className, id, wanted in
            [
                "a class that contains itself", "Node", -1, "class Node contains itself"
                "a member of a class that the file does not describe",
                "Holder",
                -1,
                "class Unknown is not described in the file"
                "a class that the file does not describe",
                "Nobody",
                -1,
                "class Nobody of version 6 is not described in the file"
                "a pointer", "Point", 9, "type TObject* has no members with values"
            ] do
            test $"{name} costs its branch" {
                let odd = element "x" className id 0 (if id < 0 then -1 else 64) [ basket Offsets [ int32s [ 0 ] ] ]

                opened
                    (write
                        { file
                              [ tree [ odd; branch "good" (leaf "TLeafI" "good") [ basket NoTable [ int32s [ 5 ] ] ] ] ] with
                            Classes = classes
                        })
                    (fun root ->
                        let t = root.Tree "t"
                        Expect.equal (Option.ofObj (t.Branch("x").Unsupported)) (Some wanted) "reason"
                        Expect.equal (t.Read<int>("good").Values) [| 5 |] "the other branch")
            }

        test "types nested without end are refused, not followed" {
            let deep = String.replicate 100 "vector<" + "int" + String.replicate 100 " >"

            withBranch (whole "x" deep [ [||] ]) (fun t ->
                Expect.stringContains (nonNull (t.Branch("x").Unsupported)) "is nested deeper than 32" "reason")

            // Each class has two members of the next: 2^40 members in all.
            let doubling =
                [
                    for i in 0..40 ->
                        classOf
                            $"C{i}"
                            [
                                for name in [ "a"; "b" ] ->
                                    if i = 40 then memberOf 3 "int" name else memberOf 61 $"C{i + 1}" name
                            ]
                ]

            opened
                (write
                    { file [ tree [ whole "x" "C10" [ [||] ] ] ] with
                        Classes = doubling
                    })
                (fun root -> Expect.isNotNull (root.Tree("t").Branch("x").Unsupported) "reason")
        }
    ]

[<Tests>]
let tests = testList "ROOT shape refusals" hostileTests
