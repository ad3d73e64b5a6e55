/// What the mutated files brought to light, each as the smallest file that shows it.
module Pruning.Tests.Data.FoundByMutationTests

open System
open Expecto
open Pruning.Root.Checking
open Pruning.Root.Errors
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootWriter
open Pruning.Tests.Cli.InspectTests
open Pruning.Tests.Cli.ProgramTests

/// Branches of two and of three entries, with one name: the second had another one until its description was changed.
let private twins =
    let values name numbers = branch name (leaf "TLeafI" name) [ basket NoTable [ for n in numbers -> int32s [ n ] ] ]

    let bytes = write (file [ tree [ values "x" [ 1; 2 ]; values "y" [ 3; 4; 5 ] ] ])
    let at = bytes.AsSpan().IndexOf(ReadOnlySpan "\001y\011y of a test"B)
    bytes[at + 1] <- byte 'x'
    bytes

[<Tests>]
let tests =
    testList
        "found by mutation"
        [
            test "two branches of one name are checked both, each by its own entries" {
                opened twins (fun root ->
                    let kinds = [ for finding in root.Check() -> finding.Kind ]
                    // The tree has no number of entries that both agree on.
                    Expect.equal
                        kinds
                        [ RootErrorKind.InconsistentCounts; RootErrorKind.InconsistentCounts ]
                        "findings")
            }

            test "of two branches of one name inspect reads both" {
                withFile "twins.root" twins (fun path ->
                    let outcome = runCli [ "inspect"; path; "--values"; "--json" ]
                    Expect.equal outcome.ExitCode 0 outcome.Error
                    Expect.equal (outcome.Out.Split("crc32_le").Length - 1) 2 "values of both"
                    Expect.equal (runCli [ "inspect"; path; "--head"; "3" ]).ExitCode 0 "head")
            }
        ]
