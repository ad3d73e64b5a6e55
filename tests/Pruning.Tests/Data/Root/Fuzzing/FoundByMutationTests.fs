/// What the mutated files brought to light, each as the smallest file that shows it.
module Pruning.Tests.Data.FoundByMutationTests

open Expecto
open Pruning.Data.Root
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootWriter

[<Tests>]
let tests =
    testList
        "found by mutation"
        [
            test "two branches of one name are checked both, each by its own entries" {
                let values numbers = branch "x" (leaf "TLeafI" "x") [ basket NoTable [ for n in numbers -> int32s [ n ] ] ]

                opened (write (file [ tree [ values [ 1; 2 ]; values [ 3; 4; 5 ] ] ])) (fun root ->
                    let kinds = [ for finding in root.Check() -> finding.Kind ]
                    // The tree has no number of entries that both agree on.
                    Expect.equal kinds [ RootErrorKind.InconsistentCounts; RootErrorKind.InconsistentCounts ] "findings")
            }
        ]
