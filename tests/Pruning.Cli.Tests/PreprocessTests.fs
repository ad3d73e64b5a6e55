/// preprocess: ntuples of every generation, many files, interruptions, damage.
module Pruning.Tests.Cli.PreprocessTests

open System.IO
open System.Text.Json
open Expecto
open Pruning.Cli.Framework
open Pruning.Cli.Preprocess
open Pruning.Root.Reading
open Pruning.Data.Ticl
open Pruning.Tests.Cli.Run
open Pruning.Tests.Cli.ProgramTests
open Pruning.Tests.Cli.ShowerFiles

let private words = [ "preprocess"; "--clue3d=toy"; "--min-energy=4"; "--max-nodes=150"; "--quiet" ]

let private preprocess (directory: string) (more: string list) = cli (InProcess.below directory (words @ more))

/// Outputs are named as the user named them: below the directory that the process runs in.
let private preprocessInside (directory: string) (more: string list) = cli (words @ more) |> inDirectory directory

let private count (outcome: Outcome) (name: string) =
    JsonDocument.Parse(outcome.Out).RootElement.GetProperty(name).GetInt64()

let private event (directory: string) (name: string) =
    use file = RootFile.Open(Path.Combine(directory, name))
    file.Tree("Graphs").Read<int64>("event").Values

let private roundTrip (schema: string) (label: string) =
    test $"simulate and preprocess of its {schema} ntuple give the same tracksters, labelled by {label}" {
        inTemporaryDirectory (fun directory ->
            [
                "simulate"
                "direct.root"
                "--ntuple=ntuple.root"
                $"--schema={schema}"
                $"--label={label}"
                "--pile-up=0"
                "--events=100"
                "--quiet"
            ]
            |> InProcess.below directory
            |> cli
            |> expecting 0
            |> ignore

            let outcome =
                preprocess directory [ "ntuple.root"; "--output=again.root"; $"--label={label}"; "--json" ]
                |> expecting 0

            // What an ntuple of this schema does not hold, or says in addition.
            let left =
                [
                    "run"
                    "lumi"
                    if schema.StartsWith "nano" then
                        "pdgId"
                    if schema = "hlt-no-clusters" then
                        yield! [ "nHits"; "eta"; "phi" ]
                ]

            let content name =
                let exact, near = content (Path.Combine(directory, name))

                exact
                |> List.filter (fun ((_, branch), _, _) -> not (List.contains branch left)),
                near

            let direct, nearly = content "direct.root"
            let again, nearlyAgain = content "again.root"
            Expect.hasLength again direct.Length "branches"

            for wanted, found in List.zip direct again do
                Expect.equal found wanted "a branch"

            for (branch, wanted), (_, found) in List.zip nearly nearlyAgain do
                Expect.hasLength found wanted.Length branch

                Array.iter2
                    (fun (a: float32) (b: float32) -> Expect.isLessThan (abs (a - b)) (1e-5f * max 1f (abs a)) branch)
                    wanted
                    found

            Expect.equal (count outcome "events", count outcome "repaired") (100L, 0L) "every link is CLUE3D's"
            Expect.equal (count outcome "exact") (count outcome "tracksters") "exact"

            Expect.equal
                (count outcome "graphs")
                (int64 (event directory "direct.root").Length)
                "the summary counts what was written")
    }

/// Three ntuples of 5, 3 and 4 events.
let private three (directory: string) =
    for name, events in [ "a.root", 5; "b.root", 3; "c.root", 4 ] do
        write (Path.Combine(directory, name)) usual (columns TiclGeneration.Old events)

let private manyFiles =
    testList
        "many files"
        [
            test "to one: events are numbered on, and shards have the numbers of the whole" {
                inTemporaryDirectory (fun directory ->
                    three directory
                    preprocess directory [ "?.root"; "--output=all" ] |> expecting 0 |> ignore

                    preprocess directory [ "?.root"; "--output=one"; "--shard=1/2" ]
                    |> expecting 0
                    |> ignore

                    preprocess directory [ "?.root"; "--output=two"; "--shard=2/2"; "--threads=1" ]
                    |> expecting 0
                    |> ignore

                    let all = event directory "all"
                    Expect.equal (Array.distinct all) [| 0L .. 11L |] "events"
                    Expect.equal (Array.append (event directory "one") (event directory "two")) all "parts")
            }

            test "to one each: --resume makes what is missing, and refuses files of other options" {
                inTemporaryDirectory (fun directory ->
                    three directory
                    let out name = Path.Combine(directory, "out", name)
                    let each = [ "a.root"; "b.root"; "c.root"; "--output-dir=out" ]
                    preprocess directory each |> expecting 0 |> ignore
                    Expect.equal (Array.distinct (event directory "out/b.root")) [| 5L; 6L; 7L |] "numbers"
                    let before = File.ReadAllBytes(out "b.root")
                    let kept = File.GetLastWriteTimeUtc(out "a.root")
                    File.Delete(out "b.root")

                    run (preprocess directory each)
                    |> expectSentence 2 [ "out/a.root"; "--overwrite" ]

                    let outcome = preprocess directory ("--resume" :: "--json" :: each) |> expecting 0
                    Expect.equal (count outcome "events") 3L "only the missing one"
                    Expect.isTrue (File.ReadAllBytes(out "b.root") = before) "the same bytes again"
                    Expect.equal (File.GetLastWriteTimeUtc(out "a.root")) kept "left alone"

                    run (preprocess directory ("--resume" :: "--label=any" :: each))
                    |> expectSentence 2 [ "out/a.root"; "labels"; "parameters" ]

                    run (preprocess directory ("--resume" :: "--format=rntuple" :: each))
                    |> expectSentence 2 [ "out/a.root"; "it differs in: format" ])
            }

            test "RNTuples hold what trees hold" {
                inTemporaryDirectory (fun directory ->
                    three directory
                    preprocess directory [ "a.root"; "--output=tree.root" ] |> expecting 0 |> ignore

                    preprocess directory [ "a.root"; "--output=ntuple.root"; "--format=rntuple" ]
                    |> expecting 0
                    |> ignore

                    let values name table field =
                        use file = RootFile.Open(Path.Combine(directory, name))
                        Expect.equal (file.List() |> Seq.exists _.IsNtuple) (name = "ntuple.root") "format"
                        (file.Table table).ReadColumns field |> Seq.exactlyOne |> _.ValueBytes.ToArray()

                    for table, field in
                        [ "Tracksters", "energy"; "Tracksters", "label"; "Edges", "origin"; "Graphs", "event" ] do
                        Expect.equal (values "ntuple.root" table field) (values "tree.root" table field) field)
            }

            test "names that cannot be are refused before anything is read or written" {
                inTemporaryDirectory (fun directory ->
                    three directory
                    let nested = Path.Combine(directory, "x")
                    Directory.CreateDirectory nested |> ignore
                    File.Copy(Path.Combine(directory, "a.root"), Path.Combine(nested, "a.root"))

                    for more, parts in
                        [
                            [ "a.root"; "--output=./a.root" ], [ "a.root"; "write elsewhere" ]
                            [ "a.root"; "--output-dir=." ], [ "a.root"; "write elsewhere" ]
                            [ "a.root"; "x/a.root"; "--output-dir=z" ], [ "both become z/a.root" ]
                            [ "--output=y" ], [ "no input" ]
                        ] do
                        run (preprocessInside directory more) |> expectSentence 2 parts

                    Expect.hasLength (Directory.GetFileSystemEntries directory) 4 "nothing was written")
            }
        ]

let private ntuples (directory: string) (schema: string) (names: string list) =
    for name in names do
        cli [ "simulate"; $"--ntuple={name}"; $"--schema={schema}"; "--pile-up=0"; "--events=5"; "--quiet" ]
        |> inDirectory directory
        |> expecting 0
        |> ignore

let private describe = test "--describe says what files are and makes nothing, as text and as JSON" {
    inTemporaryDirectory (fun directory ->
        ntuples directory "nano" [ "n.root" ]
        File.Copy(Pruning.Tests.Cli.InspectTests.sample, Path.Combine(directory, "p.root"))

        let outcome =
            cli [ "preprocess"; "--describe"; "n.root"; "p.root" ]
            |> inDirectory directory
            |> expecting 0

        for part in [ "HGCAL NanoAOD (nano)"; "entries: 5"; "--truth sc"; "layers"; "prepared file"; "eVector0_y" ] do
            Expect.stringContains outcome.Out part "said"

        let json =
            cli [ "preprocess"; "--describe"; "--json"; "n.root" ]
            |> inDirectory directory
            |> expecting 0

        let one = JsonDocument.Parse(json.Out).RootElement[0]
        Expect.equal (one.GetProperty("format").GetString()) "nano" "format"
        run (preprocess directory [ "--describe" ]) |> expectSentence 2 [ "no input" ]
        Expect.hasLength (Directory.GetFileSystemEntries directory) 2 "nothing was written")
}

let private repeatedEvents = test "files that number their events alike are one event each, which is said" {
    inTemporaryDirectory (fun directory ->
        ntuples directory "v5" [ "a.root"; "b.root" ]
        let outcome = preprocess directory [ "?.root"; "--output=all"; "--json" ] |> expecting 0
        Expect.equal (count outcome "repeated_events") 5L "repeated"
        Expect.equal (count outcome "barrel_layer_clusters") 20L "barrel"
        Expect.stringContains outcome.Error "earlier one" "said"
        Expect.equal (Array.distinct (event directory "all")) [| 0L .. 4L |] "the numbers of the file"
        use file = RootFile.Open(Path.Combine(directory, "all"))
        Expect.allEqual (file.Tree("Graphs").Read<uint32>("run").Values) 1u "run")
}

let private options = test "options that cannot be are usage errors, each in a sentence" {
    for words, parts in
        [
            [ "a.root" ], [ "--output FILE"; "--output-dir DIR" ]
            [ "a.root"; "--output=y"; "--output-dir=z" ], [ "cannot be combined" ]
            [ "a.root"; "--output=y"; "--resume"; "--overwrite" ], [ "--resume"; "--overwrite" ]
            [ "a.root"; "--output=y"; "--clue3d=2020" ], [ "--clue3d"; "2022, 2021 or toy" ]
            [ "a.root"; "--output=y"; "--min-nodes=9"; "--max-nodes=8" ], [ "MaxNodes"; "9"; "8" ]
            [ "a.root"; "--output=y"; "--truth=pu" ], [ "--truth"; "cp or sc" ]
        ] do
        let sentence =
            try
                PreprocessSettings.ofWords words |> ignore
                "it was taken"
            with :? UsageException as error ->
                error.Message

        for part in parts do
            Expect.stringContains sentence part "what it says"
}

let private layouts =
    testList
        "layouts"
        [
            test "trees at the top, prefixed branches and associations of old ntuples are read" {
                inTemporaryDirectory (fun directory ->
                    let events = columns TiclGeneration.Old 6
                    write (Path.Combine(directory, "usual.root")) usual events

                    write
                        (Path.Combine(directory, "other.root"))
                        { usual with
                            Folder = ""
                            SimPrefix = "stsCP_"
                            SharedEnergy = Some(fun _ _ -> 1e6f)
                        }
                        events

                    preprocess directory [ "usual.root"; "--output=u" ] |> expecting 0 |> ignore
                    let outcome = preprocess directory [ "other.root"; "--output=o"; "--json" ] |> expecting 0

                    Expect.equal
                        (content (Path.Combine(directory, "o")))
                        (content (Path.Combine(directory, "u")))
                        "the same"

                    Expect.isGreaterThan (count outcome "associations") 0L "they were seen"

                    Expect.equal
                        (count outcome "associations_differing")
                        (count outcome "associations")
                        "no trackster has a million GeV"

                    Expect.stringContains outcome.Error "shared energies" "a warning")
            }

            test "SimClusters tell the truth where they are asked to, associations and all, in both schemas" {
                inTemporaryDirectory (fun directory ->
                    for generation in [ TiclGeneration.Old; TiclGeneration.New ] do
                        let layout = { usual with Generation = generation }
                        let events = columns generation 6
                        write (Path.Combine(directory, "cp.root")) layout events

                        write
                            (Path.Combine(directory, "sc.root"))
                            { layout with
                                Truth = TiclTruth.SimCluster
                                SharedEnergy = Some(fun _ _ -> 1e6f)
                            }
                            events

                        let made more = preprocess directory (more @ [ "--overwrite"; "--json" ])
                        made [ "cp.root"; "--output=c" ] |> expecting 0 |> ignore
                        let outcome = made [ "sc.root"; "--output=s"; "--truth=sc" ] |> expecting 0

                        Expect.equal
                            (content (Path.Combine(directory, "s")))
                            (content (Path.Combine(directory, "c")))
                            "the same particles under the other name"

                        Expect.isGreaterThan (count outcome "associations") 0L "they were seen"

                        run (preprocess directory [ "sc.root"; "--output=n" ])
                        |> expectSentence 4 [ "simtrackstersCP" ])
            }

            test "parameters of another release are noticed" {
                inTemporaryDirectory (fun directory ->
                    write (Path.Combine(directory, "a.root")) usual (columns TiclGeneration.Old 20)

                    let outcome =
                        [ "preprocess"; "a.root"; "--output=b"; "--clue3d=2021"; "--json"; "--quiet" ]
                        |> InProcess.below directory
                        |> cli
                        |> expecting 0

                    Expect.isGreaterThan (count outcome "repaired") 0L "repaired"
                    Expect.stringContains outcome.Error "--clue3d" "a warning")
            }
        ]

let private damaged (name: string) (parts: string list) (make: string -> unit) = test name {
    inTemporaryDirectory (fun directory ->
        make (Path.Combine(directory, "bad.root"))

        run (preprocess directory [ "bad.root"; "--output=x.root" ])
        |> expectSentence 4 ("bad.root" :: parts)

        Expect.hasLength (Directory.GetFileSystemEntries directory) 1 "nothing is left")
}

let private withClusters (change: TiclClusters -> TiclClusters) (columns: TiclColumns) =
    TiclColumns(
        File = columns.File,
        Clusters = change columns.Clusters,
        Tracksters = columns.Tracksters,
        Simulated = columns.Simulated
    )

let private withEnergy (energy: ListValues<float32>) (c: TiclClusters) =
    TiclClusters(
        X = c.X,
        Y = c.Y,
        Z = c.Z,
        Eta = c.Eta,
        Phi = c.Phi,
        Energy = energy,
        Time = c.Time,
        TimeError = c.TimeError,
        Layer = c.Layer,
        HitCount = c.HitCount,
        State = c.State
    )

let private damagesOf (generation: TiclGeneration) =
    let name = if generation = TiclGeneration.Old then "old" else "new"
    let layout = { usual with Generation = generation }
    let events = columns generation

    testList
        $"damaged ntuples of the {name} schema"
        [
            damaged
                "a branch is missing"
                [ "'cluster_layer_id'"; "ticlDumper/clusters"; "found: position_x" ]
                (fun path ->
                    write
                        path
                        { layout with
                            Without = [ "cluster_layer_id" ]
                        }
                        (events 2))

            damaged "the tracksters have no layer clusters" [ "'vertices_indexes'"; "found: " ] (fun path ->
                write
                    path
                    { layout with
                        Without = [ "vertices_indexes" ]
                    }
                    (events 2))

            damaged "the truth is missing" [ "'regressed_energy'"; "simtrackstersCP" ] (fun path ->
                write
                    path
                    { layout with
                        Without = [ "regressed_energy" ]
                    }
                    (events 2))

            damaged "lists of an event differ in length" [ "entry 1"; "energy" ] (fun path ->
                events 2
                |> withClusters (fun c ->
                    let offsets = Array.copy c.Energy.Offsets
                    offsets[2] <- offsets[2] - 1L
                    withEnergy (ListValues<float32>(offsets, c.Energy.Values)) c)
                |> write path layout)

            damaged "trees differ in length" [ "one entry is one event"; "2 entries"; "3" ] (fun path ->
                let short, long = events 2, events 3

                TiclColumns(
                    File = "",
                    Clusters = long.Clusters,
                    Tracksters = short.Tracksters,
                    Simulated = long.Simulated
                )
                |> write path layout)
        ]

let private damages =
    testList
        "damage"
        [
            damagesOf TiclGeneration.Old
            damagesOf TiclGeneration.New

            damaged "a prepared file is no ntuple" [ "'clusters'"; "Tracksters, Edges" ] (fun path ->
                File.Copy(Pruning.Tests.Cli.InspectTests.sample, path))

            damaged "no ROOT file" [] (fun path -> File.WriteAllText(path, "no"))

            test "--bad-files skip lists ntuples that lack a branch, and those that break in the middle" {
                inTemporaryDirectory (fun directory ->
                    let path name = Path.Combine(directory, name)
                    let events = columns TiclGeneration.New

                    let layout =
                        { usual with
                            Generation = TiclGeneration.New
                        }

                    write (path "a.root") layout (events 3)
                    write (path "b.root") { layout with Without = [ "energy" ] } (events 3)

                    let damaged =
                        events 3
                        |> withClusters (fun c ->
                            let values = Array.copy c.Energy.Values
                            values[int c.Energy.Offsets[2]] <- nanf
                            withEnergy (ListValues<float32>(c.Energy.Offsets, values)) c)

                    write (path "c.root") layout damaged

                    let outcome =
                        preprocess directory [ "?.root"; "--output-dir=out"; "--bad-files=skip"; "--json" ]
                        |> expecting 0

                    for part in [ "b.root: tree"; "'energy'"; "c.root, entry 2"; "not a finite number" ] do
                        Expect.stringContains outcome.Error part "which, and why"

                    Expect.equal
                        [ for file in Directory.GetFiles(path "out") -> Path.GetFileName file ]
                        [ "a.root" ]
                        "the others are made")
            }

            test "--bad-files skip goes on without them, says which, and they count as no events" {
                inTemporaryDirectory (fun directory ->
                    three directory
                    File.WriteAllText(Path.Combine(directory, "b.root"), "no")

                    let outcome =
                        preprocess directory [ "?.root"; "--output=all"; "--bad-files=skip"; "--json" ]
                        |> expecting 0

                    Expect.stringContains outcome.Error "skipped: " "said"
                    Expect.stringContains outcome.Error "b.root" "which"
                    Expect.equal (count outcome "events") 9L "the others"
                    Expect.equal (Array.distinct (event directory "all")) [| 0L .. 8L |] "numbers"

                    run (preprocess directory [ "?.root"; "--output=none"; "--bad-files=perhaps" ])
                    |> expectSentence 2 [ "--bad-files"; "stop or skip" ])
            }
        ]

[<Tests>]
let tests =
    testList
        "preprocess verb"
        [
            roundTrip "new" "majority"
            roundTrip "old" "any"

            for schema in [ "2024-v4"; "2024-v5"; "v5"; "hlt"; "hlt-no-clusters"; "nano"; "nano-hlt" ] do
                roundTrip schema "majority"

            describe
            repeatedEvents
            manyFiles
            options
            layouts
            damages
        ]
