module Pruning.Tests.Cli.HouseTests

open System
open System.IO
open System.Text.RegularExpressions
open Expecto
open Pruning.Tests
open Pruning.Tests.Cli

let private read (path: string) = File.ReadAllText(Path.Combine(Run.repository, path))

/// Packages and versions of paket.lock: indented by exactly four.
let private locked =
    [
        for found in Regex.Matches(read "paket.lock", @"(?m)^    (\S+) \(([^)\s]+)\)\s*$") ->
            found.Groups[1].Value, found.Groups[2].Value
    ]

/// Files that decide what is fetched and from where; results of builds are left out.
let private buildFiles =
    let skipped = set [ "bin"; "obj"; ".git"; ".build"; ".paket"; "paket-files"; "runs" ]

    let rec below (directory: string) =
        [
            yield! Directory.GetFiles directory

            for inner in Directory.GetDirectories directory do
                if not (skipped.Contains(Path.GetFileName inner |> nonNull)) then
                    yield! below inner
        ]

    below Run.repository
    |> List.filter (fun path ->
        let name = (Path.GetFileName path |> nonNull).ToLowerInvariant()

        name.StartsWith "paket."
        || name = "nuget.config"
        || name = "global.json"
        || name = "dotnet-tools.json"
        || Regex.IsMatch(name, @"\.(props|targets|proj|csproj|fsproj|sln)$"))

/// The launcher's files alone in a folder, as in a fresh clone whose build has not begun.
let private withLauncher (test: string -> unit) =
    Run.inTemporaryDirectory (fun directory ->
        let root = Path.Combine(directory, "a b")
        Directory.CreateDirectory(Path.Combine(root, "build")) |> ignore

        for file in [ "graph-pruning"; "build/setup.sh" ] do
            File.Copy(Path.Combine(Run.repository, file), Path.Combine(root, file))

        test root)

[<Tests>]
let tests =
    testList
        "House"
        [
            test "no build file names a package feed" {
                Expect.isGreaterThan buildFiles.Length 8 "files were found"

                for path in buildFiles do
                    Expect.notEqual ((Path.GetFileName path |> nonNull).ToLowerInvariant()) "nuget.config" path
                    let text = File.ReadAllText path
                    Expect.isFalse (Regex.IsMatch(text, "https?://(?!schemas\.microsoft\.com)")) $"an address in {path}"
                    Expect.isFalse (text.Contains "RestoreSources") $"a feed in {path}"
            }

            test "every package is pinned to the exact version of the lock" {
                let pinned =
                    [
                        for found in Regex.Matches(read "paket.dependencies", @"(?m)^nuget (\S+)(.*)$") ->
                            found.Groups[1].Value, found.Groups[2].Value.Trim()
                    ]

                Expect.isGreaterThan pinned.Length 10 "packages were found"

                for name, version in pinned do
                    Expect.contains locked (name, version) "of paket.dependencies, in paket.lock"
            }

            test "the build's versions of TorchSharp and libtorch are those of the lock" {
                let props = read "Directory.Build.props"

                for name, property in [ "TorchSharp", "TorchSharpVersion"; "libtorch-cpu-linux-x64", "LibTorchVersion" ] do
                    let version = List.find (fst >> (=) name) locked |> snd
                    Expect.stringContains props $"<{property}>{version}</{property}>" "Directory.Build.props"
            }

            test "docs/reference/packages.md has every package with its version" {
                let lines = read("docs/reference/packages.md").Split '\n'

                for name, version in locked do
                    // Parts of a family stand in one line: "SkiaSharp (+ NativeAssets.macOS, ...)".
                    let named (line: string) =
                        line.Contains name
                        || line.Contains(name.Substring(name.IndexOf '.' + 1))
                           && line.Contains(name.Split('.')[0])

                    Expect.exists lines (fun line -> named line && line.Contains $"| {version} |") $"{name} {version}"
            }

            test "the launcher runs from any directory and through a symbolic link" {
                Run.inTemporaryDirectory (fun directory ->
                    let link = Path.Combine(directory, "a link")

                    File.CreateSymbolicLink(link, Path.Combine(Run.repository, "graph-pruning"))
                    |> ignore

                    let outcome =
                        Run.program link [ "--version" ]
                        |> Run.inDirectory directory
                        |> Run.within (TimeSpan.FromMinutes 5.0)
                        |> Run.expecting 0

                    Expect.stringStarts outcome.Out "graph-pruning " "standard output")
            }

            test "exit codes pass through the launcher" {
                Run.program (Path.Combine(Run.repository, "graph-pruning")) [ "no-such-verb" ]
                |> Run.within (TimeSpan.FromMinutes 5.0)
                |> Run.expecting 2
                |> ignore
            }

            test "an SDK that is too old is said in one sentence" {
                withLauncher (fun root ->
                    let tools = Path.Combine(root, "tools")
                    Directory.CreateDirectory tools |> ignore
                    let fake = Path.Combine(tools, "dotnet")
                    File.WriteAllText(fake, "#!/bin/sh\necho '8.0.100 [/opt/dotnet/sdk]'\n")
                    File.SetUnixFileMode(fake, UnixFileMode.UserRead ||| UnixFileMode.UserExecute)

                    let outcome =
                        Run.program (Path.Combine(root, "graph-pruning")) [ "doctor" ]
                        |> Run.withVariable "PATH" $"{tools}:/usr/bin:/bin"
                        |> Run.expecting 5

                    Expect.equal outcome.Out "" "standard output"
                    Expect.hasLength outcome.ErrorLines 1 "one line"

                    for part in [ "10.0"; "8.0.100"; "dotnet-sdk-10.0" ] do
                        Expect.stringContains outcome.Error part "the sentence")
            }

            test "test.sh refuses a filter that matches nothing" {
                let outcome =
                    Run.program
                        Run.dotnet
                        [
                            Path.Combine(AppContext.BaseDirectory, "Pruning.Tests.dll")
                            "--filter"
                            "no test is called this"
                        ]
                    |> Run.expecting 1

                Expect.stringContains outcome.Error "no test is called this" "the sentence"
                Expect.equal (List.last outcome.OutLines) "0 passed, 0 failed, 0 skipped" "the last line"
            }

            test "test.sh closes with the counts of the tests that ran" {
                let outcome =
                    Run.program
                        Run.dotnet
                        [
                            Path.Combine(AppContext.BaseDirectory, "Pruning.Tests.dll")
                            "--filter=pinned to the exact version"
                        ]
                    |> Run.expecting 0

                Expect.equal (List.last outcome.OutLines) "1 passed, 0 failed, 0 skipped" "the last line"
            }
        ]

/// Words of a script that takes long: fewer rounds in short.
let private wordsOf (script: string) =
    match script with
    | "07-thousand-steps.fsx" when Slow.isShort -> [ "100" ]
    | _ -> []

/// Every script in the repository, run as it stands; in short, a hundred of the thousand steps.
[<SlowTests>]
let scripts =
    testSequencedGroup "scripts"
    <| testList
        "Scripts"
        [
            for path in
                Directory.GetFiles(Path.Combine(Run.repository, "scripts"), "0*.fsx")
                |> Array.sort do
                let name = Path.GetFileName path |> nonNull

                test $"{name} runs under dotnet fsi, from another directory" {
                    Run.inTemporaryDirectory (fun directory ->
                        let outcome =
                            Run.program Run.dotnet ([ "fsi"; path ] @ wordsOf name)
                            |> Run.inDirectory directory
                            |> Run.within (TimeSpan.FromMinutes 5.0)
                            |> Run.expecting 0

                        Expect.isNotEmpty outcome.Out "it prints what it found"
                        Expect.isEmpty (Directory.GetFileSystemEntries directory) "and leaves nothing behind")
                }

            test "08-results.fsx makes its table, here of a few events" {
                Run.inTemporaryDirectory (fun directory ->
                    let script = Path.Combine(Run.repository, "scripts", "08-results.fsx")

                    let outcome =
                        Run.program Run.dotnet [ "fsi"; script; directory; string (Slow.count 300 600) ]
                        |> Run.within (TimeSpan.FromMinutes 5.0)
                        |> Run.expecting 0

                    let rows =
                        [
                            for line in outcome.Out.Split '\n' do
                                let cells = line.Split '|' |> Array.map (fun cell -> cell.Trim())

                                if cells.Length = 8 && cells[1] <> "" && cells[1] <> "---" then
                                    cells
                        ]

                    let names = rows |> List.map (fun row -> row[1])

                    for wanted in [ "keep all"; "oracle"; "one-pass"; "plain"; "tree"; "autoregressive"; "more-data" ] do
                        Expect.contains names wanted "one row for each baseline and network"

                    let networks = rows |> List.filter (fun row -> row[6] <> "")
                    Expect.hasLength networks 6 "networks, with what their training took"

                    for network in networks do
                        Expect.isGreaterThan (float network[6]) 0.0 "seconds of training")
            }
        ]

[<SlowTests>]
let kills =
    testSequencedGroup "processes"
    <| testList
        "Kills"
        [
            test "a training that is killed at any moment goes on to the same weights" {
                Run.program
                    "/bin/bash"
                    [
                        Path.Combine(Run.repository, "tests", "kill-test.sh")
                        string (Slow.count 10 200)
                        string (Slow.count 2 20)
                    ]
                |> Run.within (TimeSpan.FromHours 2.0)
                |> Run.expecting 0
                |> ignore
            }
        ]
