module Pruning.Tests.Model.RunLogTests

open System
open System.Globalization
open System.IO
open System.Text.Json.Nodes
open Expecto
open FsCheck
open Pruning.Model.Persistence
open Pruning.Model.Logging
open Pruning.Tests

type private SetClock(start: DateTimeOffset) =
    inherit TimeProvider()
    member val Now = start with get, set
    override this.GetUtcNow() = this.Now

// Just past midnight in UTC, another day in most of the Americas: directory names are in UTC.
let private instant = DateTimeOffset(2026, 3, 1, 0, 5, 9, 250, TimeSpan.Zero)

let private withDirectory (check: string -> unit) =
    let directory = Directory.CreateTempSubdirectory "runs-"

    try
        check directory.FullName
    finally
        directory.Delete(recursive = true)

let private description =
    {
        Command = [ "graph-pruning"; "train"; "a b.root"; "--learning_rate"; "0.001" ]
        Versions = [ "graph-pruning", "0.1.0" ]
        Commit = Some "0123456789012345678901234567890123456789"
        Dirty = Some true
        Inputs = []
        Seeds = [ "seed", 42L ]
        World = 1
    }

let private config () = Json.record [ "hidden", Json.integer 128; "note", Json.text "η < 3" ]

let private create (runs: string) : RunLog =
    RunLog.Create(runs, "first try/η", config (), description, SetClock instant)

let private json (path: string) : JsonNode =
    match JsonNode.Parse(File.ReadAllText path) with
    | null -> failtest $"{path} holds null"
    | node -> node

let private at (key: string) (node: JsonNode) : JsonNode =
    match node[key] with
    | null -> failtest $"nothing under {key}"
    | value -> value

let private line epoch split values =
    {
        Epoch = epoch
        Step = 10L * int64 epoch
        Split = split
        Values = values
    }

let private gitTests =
    testList
        "GitCommit"
        [
            let hash = "89abcdef0123456789abcdef0123456789abcdef"

            let write (root: string) (name: string) (text: string) =
                let path = Path.Combine(root, name)
                Directory.CreateDirectory(string (Path.GetDirectoryName path)) |> ignore
                File.WriteAllText(path, text)

            let finds name (prepare: string -> unit) (directory: string) wanted = test name {
                withDirectory (fun root ->
                    prepare root
                    let from = Path.Combine(root, directory)
                    Directory.CreateDirectory from |> ignore
                    Expect.equal (GitCommit.tryFind from) wanted "commit")
            }

            finds
                "a branch is followed from a directory inside the checkout"
                (fun root ->
                    write root ".git/HEAD" "ref: refs/heads/feature/x\n"
                    write root ".git/refs/heads/feature/x" (hash + "\n"))
                "src/deep"
                (Some hash)

            finds "a detached head is taken as it is" (fun root -> write root ".git/HEAD" (hash + "\n")) "" (Some hash)

            finds
                "a packed branch is found among others"
                (fun root ->
                    write root ".git/HEAD" "ref: refs/heads/main\n"

                    write
                        root
                        ".git/packed-refs"
                        $"# pack-refs with: peeled\n{String('0', 40)} refs/heads/main2\n{hash} refs/heads/main\n^{String('1', 40)}\n")
                ""
                (Some hash)

            finds
                "a worktree's branch is found in the repository that it belongs to"
                (fun root ->
                    write root "tree/.git" "gitdir: ../repo/.git/worktrees/tree\n"
                    write root "repo/.git/worktrees/tree/HEAD" "ref: refs/heads/topic\n"
                    write root "repo/.git/worktrees/tree/commondir" "../..\n"
                    write root "repo/.git/refs/heads/topic" (hash + "\n"))
                "tree/src"
                (Some hash)

            finds
                "a repository without a commit has none"
                (fun root -> write root ".git/HEAD" "ref: refs/heads/main\n")
                ""
                None

            finds "a damaged repository has none" (fun root -> write root ".git" "nonsense") "" None

            test "a checkout is dirty when a file that git tracks was changed" {
                withDirectory (fun root ->
                    let git (words: string list) =
                        try
                            let who = [ "-c"; "user.name=t"; "-c"; "user.email=t@t"; "-c"; "commit.gpgsign=false" ]
                            (Cli.Run.program "git" ([ "-C"; root ] @ who @ words) |> Cli.Run.expecting 0).Out.Trim()
                        with :? ComponentModel.Win32Exception ->
                            skiptest "wanted git, found none"

                    let inside = Path.Combine(root, "bin", "deep")
                    Directory.CreateDirectory inside |> ignore
                    Expect.equal (GitCommit.tryIsDirty inside) None "no checkout"
                    git [ "init"; "--quiet" ] |> ignore
                    Expect.equal (GitCommit.tryIsDirty inside) None "no commit"
                    write root "source" "1"
                    git [ "add"; "source" ] |> ignore
                    git [ "commit"; "--quiet"; "-m"; "first" ] |> ignore
                    Expect.equal (GitCommit.tryFind inside) (Some(git [ "rev-parse"; "HEAD" ])) "what git says"
                    Expect.equal (GitCommit.tryIsDirty inside) (Some false) "clean"
                    write root "notes" "new files do not count"
                    Expect.equal (GitCommit.tryIsDirty inside) (Some false) "clean with a new file"
                    write root "source" "two"
                    Expect.equal (GitCommit.tryIsDirty inside) (Some true) "changed"
                    git [ "add"; "source" ] |> ignore
                    Expect.equal (GitCommit.tryIsDirty inside) (Some true) "changed and staged"
                    git [ "commit"; "--quiet"; "-m"; "second" ] |> ignore
                    Expect.equal (GitCommit.tryIsDirty inside) (Some false) "committed")
            }
        ]

[<Tests>]
let tests =
    testList
        "RunLog"
        [
            gitTests

            test "a run has a directory of its own, named by time and name" {
                withDirectory (fun runs ->
                    use one = create runs
                    use two = create runs
                    use three = create runs

                    let names =
                        [ one; two; three ]
                        |> List.map (fun run -> Path.GetRelativePath(runs, run.Directory))

                    let stem = "20260301-000509-first-try-η"
                    Expect.equal names [ stem; stem + "-2"; stem + "-3" ] "names")
            }

            test "config.json and run.json say what ran before it ends" {
                withDirectory (fun runs ->
                    let input = Path.Combine(runs, "input.bin")
                    File.WriteAllText(input, "abc")

                    use run =
                        RunLog.Create(
                            runs,
                            "x",
                            config (),
                            { description with
                                Inputs = [ RunInput.ofFile input ]
                            },
                            SetClock instant
                        )

                    let written = json (run.File "run.json")
                    Expect.isTrue (JsonNode.DeepEquals(json (run.File "config.json"), config ())) "config"
                    Expect.equal ((at "started" written).GetValue<string>()) "2026-03-01T00:05:09.250Z" "start"
                    Expect.equal ((at "command" written).AsArray().Count) 5 "command"
                    Expect.equal ((at "seeds" written |> at "seed").GetValue<int64>()) 42L "seed"
                    Expect.equal ((at "commit" written).GetValue<string>().Length) 40 "commit"
                    Expect.isTrue ((at "dirty" written).GetValue<bool>()) "dirty"
                    Expect.isNull (written["exit"]) "no exit yet"

                    match (at "inputs" written)[0] with
                    | null -> failtest "no input"
                    | first ->
                        Expect.equal ((at "bytes" first).GetValue<int64>()) 3L "size"

                        Expect.equal
                            ((at "sha256" first).GetValue<string>())
                            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
                            "SHA-256 of abc (FIPS 180-2)"

                    run.Finish(1, "the loss is NaN")
                    let written = json (run.File "run.json")
                    Expect.equal ((at "exit" written).GetValue<int>()) 1 "exit"
                    Expect.equal ((at "error" written).GetValue<string>()) "the loss is NaN" "error"
                    Expect.equal ((at "finished" written).GetValue<string>()) "2026-03-01T00:05:09.250Z" "end")
            }

            test "a line of metrics is one flat JSON object, and what is undefined is null" {
                withDirectory (fun runs ->
                    use run = create runs
                    run.Metrics(line 1 "val" [ "loss", 0.1; "precision", nan ])

                    // The run is still open: the line is there to be read.
                    Expect.equal
                        (File.ReadAllText(run.File "metrics.jsonl"))
                        "{\"time\":\"2026-03-01T00:05:09.250Z\",\"epoch\":1,\"step\":10,\"split\":\"val\",\"loss\":0.1,\"precision\":null}\n"
                        "line")
            }

            testPropertyWithConfig
                { FsCheckConfig.defaultConfig with
                    maxTest = 30
                }
                "metrics come back to the bit, in a German locale too"
                (fun (rows: (int * NormalFloat list) list) ->
                    withDirectory (fun runs ->
                        let culture = CultureInfo.CurrentCulture
                        CultureInfo.CurrentCulture <- CultureInfo.GetCultureInfo "de-DE"

                        try
                            let lines =
                                [
                                    for epoch, values in rows ->
                                        line epoch "val" (values |> List.mapi (fun i v -> $"m{i}", v.Get))
                                ]

                            use run = create runs
                            List.iter run.Metrics lines
                            Expect.equal (RunLog.ReadMetrics(run.File "metrics.jsonl")) lines "lines"
                        finally
                            CultureInfo.CurrentCulture <- culture))

            test "a run that was killed while it wrote a line goes on after the last whole line" {
                withDirectory (fun runs ->
                    let directory =
                        use run = create runs
                        run.Metrics(line 1 "val" [ "loss", 0.5 ])
                        run.Directory

                    let path = Path.Combine(directory, "metrics.jsonl")
                    File.AppendAllText(path, "{\"time\":\"2026-")
                    Expect.equal (RunLog.ReadMetrics path) [ line 1 "val" [ "loss", 0.5 ] ] "the half line is left out"

                    use resumed = RunLog.Resume(directory, SetClock(instant.AddHours 1.0))
                    resumed.Metrics(line 2 "val" [ "loss", 0.25 ])

                    Expect.equal
                        (RunLog.ReadMetrics path)
                        [ line 1 "val" [ "loss", 0.5 ]; line 2 "val" [ "loss", 0.25 ] ]
                        "lines"

                    let written = json (resumed.File "run.json")
                    Expect.equal ((at "started" written).GetValue<string>()) "2026-03-01T00:05:09.250Z" "start"
                    let resumption = (at "resumed" written).AsArray() |> Seq.exactlyOne |> nonNull
                    Expect.equal ((at "time" resumption).GetValue<string>()) "2026-03-01T01:05:09.250Z" "resumption")
            }

            test "lines of many threads do not mix" {
                withDirectory (fun runs ->
                    use run = create runs

                    Array.Parallel.iter
                        (fun epoch -> run.Metrics(line epoch "train" [ "loss", float epoch ]))
                        [| 1..200 |]

                    let read = RunLog.ReadMetrics(run.File "metrics.jsonl")
                    Expect.equal (read |> List.map _.Epoch |> List.sort) [ 1..200 ] "every line once")
            }

            test "a directory that is no run is refused" {
                withDirectory (fun runs ->
                    let refused (fragment: string) =
                        Expect.throwsC (fun () -> RunLog.Resume runs |> ignore) (fun error ->
                            Expect.isTrue (error :? CheckpointException) "type"
                            Expect.stringContains error.Message fragment "message")

                    refused "found no file"
                    File.WriteAllText(Path.Combine(runs, "run.json"), "{")
                    refused "found no JSON at"
                    File.WriteAllText(Path.Combine(runs, "run.json"), "[]")
                    refused "found no JSON object"
                    File.WriteAllText(Path.Combine(runs, "metrics.jsonl"), "{\"epoch\":1}\n")

                    Expect.throwsT<CheckpointException>
                        (fun () -> RunLog.ReadMetrics(Path.Combine(runs, "metrics.jsonl")) |> ignore)
                        "a line without a step")
            }

            test "versions name the parts that decide numbers" {
                let names = RunDescription.versions () |> List.map fst
                Expect.equal names [ "graph-pruning"; "torchsharp"; "dotnet"; "os" ] "names"

                for name, version in RunDescription.versions () do
                    Expect.isNotEmpty version name
            }
        ]
