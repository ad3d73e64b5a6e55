/// What cannot be read, and names that are not there.
module Pruning.Tests.Data.RootRefusalTests

open System
open Expecto
open Pruning.Root.Errors
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootWriter
open Pruning.Tests.Data.RootExpect

let private unsupportedTests =
    [
        test "an unsupported branch costs itself, not the file" {
            let objects = vector "muons" "vector<TLorentzVector>" [ basket Offsets [ vectorEntry 0 [||] ] ]

            let old =
                { branch "old" (leaf "TLeafF" "old") [ basket NoTable [ int32s [ 1 ] ] ] with
                    Version = 9
                }

            opened (write (file [ tree (scalars "TLeafI" [ int32s [ 42 ] ] :: [ objects; old ]) ])) (fun root ->
                let t = root.Tree "t"
                Expect.equal (t.Read<int>("x").Values) [| 42 |] "the good branch"

                Expect.equal
                    [ for b in t.Branches -> b.Unsupported |> Option.ofObj ]
                    [
                        None
                        Some "class TLorentzVector is not described: the file has no class descriptions"
                        Some "TBranch version 9 is unknown, and the file does not describe it"
                    ]
                    "reasons"

                Expect.equal
                    (problem (fun () -> t.ReadAs<float>("muons") |> ignore))
                    (RootErrorKind.UnsupportedBranch,
                     "class TLorentzVector is not described: the file has no class descriptions (the branch is vector<TLorentzVector>)")
                    "the error when it is read")
        }

        test "a branch that is not there is answered with the nearest names" {
            opened
                (write (file [ tree [ for name in [ "energy"; "eta"; "phi" ] -> branch name (leaf "TLeafF" name) [] ] ]))
                (fun root ->
                    let t = root.Tree "t"

                    Expect.equal
                        (problem (fun () -> t.Branch "enery" |> ignore) |> snd)
                        "there is no branch 'enery'. Did you mean 'energy'?"
                        "one is near"

                    Expect.equal
                        (problem (fun () -> t.Branch "qqqqqq" |> ignore) |> snd)
                        "there is no branch 'qqqqqq'. Known names: 'energy', 'eta', 'phi'."
                        "none is near"

                    Expect.equal
                        (problem (fun () -> root.Tree "tt" |> ignore) |> snd)
                        "there is no tree 'tt'. Did you mean 't'?"
                        "trees too"

                    Expect.isFalse (fst (root.TryTree "nothing")) "TryTree")
        }

        test "entries that a branch does not have are the caller's mistake" {
            oneBranch (scalars "TLeafI" [ int32s [ 1 ] ]) (fun t ->
                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> t.Read<int>("x", 0L, Nullable 2L) |> ignore)
                    "end")
        }
    ]

[<Tests>]
let tests = testList "ROOT refusals" unsupportedTests
