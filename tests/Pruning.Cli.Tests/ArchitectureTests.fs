/// The layout that docs/explanation/architecture.md describes: projects, namespaces, and the names in the documentation.
module Pruning.Tests.Architecture.ArchitectureTests

open System
open System.IO
open System.Reflection
open System.Text.RegularExpressions
open Expecto
open Pruning.Tests
open Pruning.Tests.Architecture

let private path (relative: string) = Path.Combine(Fixture.repository, relative)

let private assembly (name: string) = Path.Combine(AppContext.BaseDirectory, name + ".dll")

/// Projects, lowest first, and the projects that they may reference.
let private projects =
    [
        "Pruning.Root", "src/Pruning.Root.cs/Pruning.Root.csproj", []
        "Pruning.Data", "src/Pruning.Data.cs/Pruning.Data.csproj", [ "Pruning.Root" ]
        "Pruning.Native", "src/Pruning.Native.cs/Pruning.Native.csproj", []
        "Pruning.Model",
        "src/Pruning.Model.fs/Pruning.Model.fsproj",
        [ "Pruning.Root"; "Pruning.Data"; "Pruning.Native" ]
        "Pruning.Cli",
        "src/Pruning.Cli.fs/Pruning.Cli.fsproj",
        [ "Pruning.Root"; "Pruning.Data"; "Pruning.Native"; "Pruning.Model" ]
    ]

let private referenced (project: string) =
    [
        for found in
            Regex.Matches(File.ReadAllText(path project), "ProjectReference Include=\"[^\"]*?([^/\"]+)\\.[cf]sproj\"") ->
            found.Groups[1].Value
    ]

/// Namespaces of the data in their order; each may use those before it.
let private dataRooms =
    [ "Errors"; "Graphs"; "Tracksters"; "Batching"; "Ticl"; "Simulation"; "Pruned"; "Options" ]

/// Namespaces of the native code in their order; each may use those before it.
let private nativeRooms = [ "Errors"; "Posix"; "Torch"; "Kernels"; "Mpi"; "Nccl"; "Host" ]

/// Namespaces of the model in the order of compilation; each may use those before it.
let private modelRooms =
    [
        "Persistence"
        "Tensors"
        "Configuration"
        "Features"
        "Layers"
        "Cells"
        "Losses"
        "Decoding"
        "ModelFiles"
        "Metrics"
        "Evaluation"
        "Prediction"
        "Distributed"
        "Baselines"
        "Training"
        "Drawing"
        "Logging"
    ]

/// Rooms of the command line that verbs share, and verbs that use other verbs.
let private cliRooms =
    [
        "Framework"
        "Options"
        "Runs"
        "Drawing"
        "Evaluate"
        "Report"
        "Compare"
        "Train"
        "Tune"
        "Import"
        "Prune"
        "Display"
        "Simulate"
        "Demo"
        "Benchmark"
        "Inspect"
        "Stats"
        "Doctor"
        "Launch"
        "Preprocess"
        "Completions"
        "Reference"
    ]

/// Uses of a later namespace by an earlier one, as sentences.
let private upward (root: string) (rooms: string list) (file: string) =
    let place (name: string) = rooms |> List.tryFindIndex (fun room -> name = $"{root}.{room}")

    [
        for arrow in NamespaceArrows.ofAssembly (fun name -> name.StartsWith(root + ".")) file do
            match place arrow.FromNamespace, place arrow.ToNamespace with
            | Some lower, Some upper when upper > lower ->
                $"{arrow.FromNamespace}.{arrow.From}.{arrow.Member} uses {arrow.ToNamespace}.{arrow.To}, which stands above it."
            | Some _, Some _ -> ()
            | _ ->
                $"{arrow.FromNamespace} or {arrow.ToNamespace} is not in the list of this test. Add it where it belongs."
    ]
    |> List.distinct

let private documents =
    [
        yield! Directory.GetFiles(path "docs", "*.md", SearchOption.AllDirectories)
        for name in [ "README.md"; "CONTRIBUTING.md" ] -> path name
    ]

/// Words in backticks outside of code blocks, with the file that has them.
let private quoted =
    [
        for file in documents do
            let text = Regex.Replace(File.ReadAllText file, "(?s)```.*?```", "")

            for found in Regex.Matches(text, "`([^`\n]+)`") do
                Path.GetRelativePath(Fixture.repository, file), found.Groups[1].Value
    ]

let private typeNames =
    lazy
        (set
            [
                for name, _, _ in projects do
                    let file = if name = "Pruning.Cli" then "graph-pruning" else name

                    for one in (Assembly.LoadFrom(assembly file)).GetTypes() do
                        Regex.Replace(one.Name, "`[0-9]+$|Module$", "")
            ])

[<Tests>]
let tests =
    testList
        "Architecture"
        [
            test "projects reference only what they may" {
                for name, project, allowed in projects do
                    Expect.isEmpty (List.except allowed (referenced project)) $"references of {name}"
            }

            test "a folder of the F# projects is a namespace" {
                for project in [ "Model"; "Cli" ] do
                    let root = path $"src/Pruning.{project}.fs"

                    for file in Directory.GetFiles(root, "*.fs", SearchOption.AllDirectories) do
                        let parts = Path.GetRelativePath(root, file).Split '/'

                        if parts.Length > 1 && parts[0] <> "obj" && parts[0] <> "bin" then
                            let wanted = $"Pruning.{project}.{parts[0]}"

                            let found =
                                Regex.Match(File.ReadAllText file, @"(?m)^(?:namespace|module) (Pruning\.\w+\.\w+)")

                            Expect.equal found.Groups[1].Value wanted file
            }

            test "a folder of the C# projects is a namespace" {
                for project in [ "Data"; "Native" ] do
                    let problems =
                        NamespaceArrows.folderProblems $"Pruning.{project}" (path $"src/Pruning.{project}.cs")

                    Expect.isEmpty problems (String.concat "\n" problems)
            }

            test "namespaces of the data depend one way" {
                Expect.equal (upward "Pruning.Data" dataRooms (assembly "Pruning.Data")) [] "upward"
            }

            test "namespaces of the native code depend one way" {
                Expect.equal (upward "Pruning.Native" nativeRooms (assembly "Pruning.Native")) [] "upward"
            }

            test "namespaces of the model depend one way" {
                Expect.equal (upward "Pruning.Model" modelRooms (assembly "Pruning.Model")) [] "upward"
            }

            test "namespaces of the command line depend one way" {
                Expect.equal (upward "Pruning.Cli" cliRooms (assembly "graph-pruning")) [] "upward"
            }

            test "every path that the documentation names is there" {
                let looksLikePath (text: string) =
                    Regex.IsMatch(text, @"^(src|tests|docs|scripts|benchmarks|build|samples|\.ci)/[\w./-]+$")

                let missing =
                    [
                        for file, text in quoted do
                            let plain = text.TrimEnd('/')

                            if
                                looksLikePath text
                                && not (File.Exists(path plain) || Directory.Exists(path plain))
                            then
                                $"{file}: {text}"
                    ]

                Expect.equal missing [] "paths"
            }

            test "every type that the architecture page names is there" {
                let page = Path.Combine("docs", "explanation", "architecture.md")

                let missing =
                    [
                        for file, text in quoted do
                            if file = page && Regex.IsMatch(text, "^[A-Z][A-Za-z0-9]+(\.[A-Z]\w+)?$") then
                                let name = text.Split('.')[0]

                                if not (typeNames.Value.Contains name || text.Contains "Pruning") then
                                    text
                    ]

                Expect.equal missing [] "types"
            }
        ]
