/// The ROOT library is a package of its own: its folders depend on each other one way only, on nothing else of ours, and
/// its public API changes on purpose only.
module Pruning.Tests.Architecture.RootArchitectureTests

open System
open System.IO
open Expecto
open Pruning.Root.Reading
open Pruning.Tests

let private assembly = typeof<RootFile>.Assembly
let private folder = Path.Combine(Fixture.repository, "src", "Pruning.Root.cs")
let private snapshot = Path.Combine(Fixture.own, "api", "Pruning.Root.txt")
let private isOurs (name: string) = name = "Pruning" || name.StartsWith "Pruning."

/// Each namespace, lowest first, and the namespaces that it uses.
let private layout: NamespaceLayout =
    // What all C# projects compile from one source stands outside of the library's own name.
    let full name = if name = "Shared" then "Pruning.Shared" else $"Pruning.Root.{name}"

    [
        "Shared", ""
        "Errors", ""
        "Threading", "Errors"
        "Columns", "Errors"
        "Sources", "Errors Columns"
        "Compression", "Errors"
        "Compression.Lz4", "Errors Compression"
        "Compression.Xz", "Errors Compression"
        "Compression.Zlib", "Errors Compression"
        "Compression.Zstd", "Errors Compression"
        "Compression.Blocks",
        "Errors Threading Compression Compression.Lz4 Compression.Xz Compression.Zlib Compression.Zstd"
        "Files", "Errors Threading Sources Compression Compression.Blocks"
        "Streamers", "Errors Columns Sources Files"
        "Trees.Decoding", "Errors Columns Sources Files Streamers"
        "Trees.Records", "Errors Columns Sources Files Streamers"
        "Trees",
        "Errors Threading Columns Sources Compression Compression.Blocks Files Streamers Trees.Decoding Trees.Records"
        "Ntuples.Encoding", "Columns"
        "Ntuples.Metadata", "Errors Columns Sources Compression.Blocks Files Ntuples.Encoding"
        "Ntuples",
        "Errors Threading Columns Sources Compression Compression.Blocks Files Ntuples.Encoding Ntuples.Metadata"
        "Reading", "Errors Columns Sources Files Streamers Trees.Records Trees Ntuples.Metadata Ntuples"
        "Writing.Records", "Shared Errors Columns"
        "Writing.Tables", "Columns Files Writing.Records"
        "Writing.Trees", "Errors Columns Compression Compression.Blocks Files Writing.Records Writing.Tables"
        "Writing.Ntuples",
        "Errors Columns Compression Compression.Blocks Files Ntuples.Encoding Ntuples.Metadata Writing.Records Writing.Tables"
        "Writing",
        "Errors Compression Files Ntuples.Metadata Writing.Records Writing.Tables Writing.Trees Writing.Ntuples"
        "Checking", "Errors Threading Columns Files Streamers Trees.Records Trees Ntuples.Metadata Ntuples Reading"
    ]
    |> List.map (fun (name: string, uses: string) ->
        full name,
        uses.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        |> Array.map full
        |> List.ofArray)

[<Tests>]
let tests =
    testList
        "Architecture of Pruning.Root"
        [
            test "its namespaces depend on each other one way, as listed, and on nothing else of ours" {
                let problems =
                    NamespaceArrows.problems
                        layout
                        (NamespaceArrows.namespacesOf isOurs assembly.Location)
                        (NamespaceArrows.ofAssembly isOurs assembly.Location
                         @ NamespaceArrows.ofSources isOurs folder)

                Expect.isEmpty problems (String.concat "\n" problems)
            }

            test "its folders are its namespaces" {
                let problems = NamespaceArrows.folderProblems "Pruning.Root" folder
                Expect.isEmpty problems (String.concat "\n" problems)
            }

            test "its public API is the snapshot's" {
                match PublicApi.difference snapshot assembly with
                | None -> ()
                | Some difference -> failtest difference
            }
        ]
