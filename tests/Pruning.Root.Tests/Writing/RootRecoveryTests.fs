/// Whatever moment a writer stops at, the entries of its last checkpoint can be read.
module Pruning.Tests.Data.RootRecoveryTests

open System
open System.IO
open Expecto
open Pruning.Root.Errors
open Pruning.Root.Files
open Pruning.Root.Reading
open Pruning.Root.Writing
open Pruning.Tests.Data.WrittenTrees
open Pruning.Tests.Data.WrittenColumns

let private recovering = RootReadOptions(Recover = true, Workers = 1)

let private entries = 400

let private columns =
    let random = Random 3
    let lists = Array.init entries (fun _ -> Array.init (random.Next 9) (fun _ -> random.NextSingle()))

    [
        flat "i" (Array.init entries id)
        group "n" (lists |> Array.map _.Length) [ jagged "x" [||] lists ]
        vector "v" lists
    ]

/// The temporary file as it is before each write, and the entries that its last finished checkpoint told of.
let private snapshots (everyMoment: string -> unit) =
    withDirectory (fun directory ->
        let mutable temporary = ""

        let options =
            RootWriteOptions(
                BasketBytes = 300,
                ClusterEntries = 50L,
                CheckpointEvery = 4000L,
                Reproducible = true,
                Workers = 2,
                BeforeWrite =
                    fun _ ->
                        if temporary <> "" then
                            everyMoment temporary
            )

        use file = RootFileWriter.Create(Path.Combine(directory, "f.root"), options)
        temporary <- file.TemporaryPath
        let first = file.CreateTree "d/t"
        let second = file.CreateTree "u"
        let other = second.Flat<int> "k"
        let bound = columns |> List.map (fun column -> column.Bind first)

        for entry in 0 .. entries - 1 do
            bound |> List.iter (fun column -> column.Set entry)
            first.Fill()
            other.Set entry
            second.Fill()

        file.Close()
        temporary <- "")

/// Reads what can be read, checks that it is the beginning of what was written, and gives the number of entries.
let private prefix (path: string) : int =
    use file = RootFile.Open(path, recovering)

    if file.List() |> Seq.exists (fun entry -> entry.Path = "d/t") then
        let tree = file.Tree "d/t"
        let count = int tree.EntryCount
        columns |> List.iter (fun column -> column.Read tree count)

        if file.List() |> Seq.exists (fun entry -> entry.Path = "u") then
            let other = file.Tree "u"
            Expect.equal (other.Read<int>("k").Values) (Array.init (int other.EntryCount) id) "the other tree"

        count
    else
        0

[<Tests>]
let tests =
    testList
        "recovery"
        [
            test "before every write of a run the file holds a prefix, which never gets shorter" {
                let mutable most = 0
                let mutable moments = 0

                snapshots (fun path ->
                    let found = prefix path
                    Expect.isGreaterThanOrEqual found most "entries never get fewer"
                    most <- max most found
                    moments <- moments + 1)

                Expect.isGreaterThan moments 100 "moments"
                Expect.equal most entries "at the last moment everything is there"
            }

            test "a file that is cut at any byte holds a prefix" {
                let options =
                    RootWriteOptions(
                        BasketBytes = 300,
                        ClusterEntries = 50L,
                        CheckpointEvery = 4000L,
                        Reproducible = true
                    )

                let content = write options ByEntry "d/t" entries columns
                let random = Random 11
                let found = Collections.Generic.HashSet<int>()

                withDirectory (fun directory ->
                    let path = Path.Combine(directory, "cut.root")

                    for length in
                        List.append
                            [ 63; 99; 100; 101; 200; content.Length - 1 ]
                            (List.init 200 (fun _ -> random.Next(63, content.Length))) do
                        File.WriteAllBytes(path, content[.. length - 1])
                        found.Add(prefix path) |> ignore)

                Expect.isGreaterThan found.Count 3 "some checkpoints"
                Expect.isTrue (found.Contains 0) "the first bytes hold nothing"
            }

            test "what was found is reported, and the file is left alone" {
                let content =
                    write (RootWriteOptions(CheckpointEvery = 1L, ClusterEntries = 100L)) ByEntry "d/t" entries columns

                withDirectory (fun directory ->
                    let path = Path.Combine(directory, "cut.root")
                    let cut = content[.. content.Length - 30]
                    File.WriteAllBytes(path, cut)
                    use file = RootFile.Open(path, recovering)
                    let recovery = nonNull file.Recovery
                    Expect.equal recovery.EntryCount (int64 entries) "entries"
                    Expect.equal (recovery.Trees |> Seq.map _.Path |> List.ofSeq) [ "d/t" ] "trees"

                    Expect.equal
                        recovery.Reason
                        $"the file ends at byte {cut.Length} but its header says {content.Length}"
                        "reason"

                    Expect.equal (File.ReadAllBytes path) cut "bytes")
            }

            test "without Recover the error says that there is Recover" {
                let content = write RootWriteOptions.Default ByEntry "t" 10 [ flat "i" (Array.init 10 id) ]

                let message bytes =
                    try
                        RootWriter.opened bytes (fun _ -> "opened")
                    with :? RootFormatException as e ->
                        e.Message

                Expect.stringContains (message content[.. content.Length - 2]) "or open it with Recover" "cut"
                let unclosed = Array.copy content
                let fields = 100 + 26 + 6 + 7 + 1 + 8 // key of the top directory, then its name and title
                Array.fill unclosed (fields + 26) 4 0uy // fSeekKeys
                Expect.stringContains (message unclosed) "or open it with Recover" "not closed"

                RootWriter.openWith recovering unclosed (fun file ->
                    Expect.equal (file.Tree("t").EntryCount) 10L "recovered"
                    Expect.isNotNull file.Recovery "told")
            }

            test "a file that is complete is opened as usual" {
                let content = write RootWriteOptions.Default ByEntry "t" 10 [ flat "i" (Array.init 10 id) ]

                for bytes in [ content; Array.append content (Array.zeroCreate 70) ] do
                    RootWriter.openWith recovering bytes (fun file ->
                        Expect.isNull file.Recovery "nothing was recovered"
                        Expect.equal (file.Tree("t").EntryCount) 10L "entries")
            }
        ]
