/// Writes and reads the sample with every codec and prints a table (Markdown).
///
///     dotnet run -c Release --project benchmarks/Pruning.RootBenchmark/Pruning.RootBenchmark.fsproj -- DIRECTORY [NODE_MODULES [CODEC]]
///
/// DIRECTORY takes files of some 300 MB, one at a time. NODE_MODULES is a folder node_modules that has jsroot (- for none),
/// CODEC leaves the others out: none, lz4, zlib, zstd.
///
///     dotnet run ... -- read DIRECTORY CODEC [ENTRIES]     reads only: the file of an earlier call is taken when it is there
///     dotnet run ... -- ntuple DIRECTORY                   writes and reads the same as an RNTuple
///     dotnet run ... -- wide DIRECTORY                     reads one branch of 1,000, beside a file of that branch alone
///     dotnet run ... -- baskets DIRECTORY                  prints what is allocated for each basket
///     dotnet run ... -- memory DIRECTORY                   writes 1 GB of values and prints the most memory that it took
module Pruning.RootBenchmark.Program

open System
open System.Diagnostics
open System.IO
open System.Threading
open System.Threading.Tasks
open Pruning.Root.Columns
open Pruning.Root.Compression
open Pruning.Root.Compression.Blocks
open Pruning.Root.Errors
open Pruning.Root.Files
open Pruning.Root.Reading
open Pruning.Root.Trees
open Pruning.RootBenchmark.Clock
open Pruning.RootBenchmark.Sample

let private entries = 200000
let private runs = 11

let private entriesOfBaskets = [ 10000; 500 ]

let private codecs =
    [
        RootCompressionSetting.None
        RootCompressionSetting.Lz4()
        RootCompressionSetting.Zlib()
        RootCompressionSetting.Zstd 3
        RootCompressionSetting.Zstd 5
    ]

let private options (setting: RootCompressionSetting) (basketEntries: int) (workers: int) =
    RootWriteOptions(
        Compression = setting,
        BasketBytes = (8 <<< 20),
        ClusterEntries = int64 basketEntries,
        Workers = workers,
        Reproducible = true
    )

/// Reads all branches, a stretch of entries at a time, as a program that does not hold the whole file does.
let private read (names: string list) (path: string) (workers: int) () =
    use file = RootFile.Open(path, RootReadOptions(Workers = workers))
    let table = file.Table "Events"
    let requests = [| for name in names -> ColumnRequest.Of name |]
    let stretch = 20000L

    for first in 0L .. stretch .. table.EntryCount - 1L do
        table.Read(requests, first, Nullable(min table.EntryCount (first + stretch)))
        |> ignore

/// The stored payloads of the baskets of the named branches, and their sizes once decompressed.
let private payloads (names: string list) (path: string) =
    use file = RootFile.Open path
    let tree = file.Tree "Events"

    [|
        for name in names do
            let branch = tree.Branch name

            for place in branch.Baskets do
                let key = BasketReader.ReadHeader(file, branch, place).Key
                let stored: byte array = Array.zeroCreate key.StoredBytes
                file.Source.Read(place.Seek + int64 key.KeyBytes, Span stored, RootLocation path)
                stored, key.ObjectBytes
    |]

/// Decompression alone, over and over into one buffer for each thread: the limit, and what a second core adds to it.
let private decompress (payloads: (byte array * int) array) (threads: int) () =
    let largest = payloads |> Array.map snd |> Array.max
    let next = ref -1

    let share () =
        use decoder = new BlockDecoder()
        let output: byte array = Array.zeroCreate largest
        let mutable i = Interlocked.Increment next

        while i < payloads.Length do
            let stored, size = payloads[i]

            if stored.Length >= size then
                Span(stored).CopyTo(Span output)
            else
                RootBlocks.Decompress(ReadOnlySpan stored, Span(output, 0, size), decoder, RootLocation "benchmark")

            i <- Interlocked.Increment next

    let others = Array.init (threads - 1) (fun _ -> Task.Run share)
    share ()
    Task.WaitAll others

/// Processor and wall seconds of jsroot for the same branches; None where it cannot be run.
let private jsroot (modules: string option) (path: string) : (float * float) option =
    modules
    |> Option.map (fun modules ->
        let script = Path.Combine(AppContext.BaseDirectory, "jsroot.mjs")
        let start = ProcessStartInfo("node", [ script; path; "Events" ], RedirectStandardOutput = true)
        start.Environment["NODE_MODULES"] <- modules
        use run = nonNull (Process.Start start)
        let words = run.StandardOutput.ReadToEnd().Split ' '
        run.WaitForExit()
        let invariant = Globalization.CultureInfo.InvariantCulture
        float (Double.Parse(words[0], invariant)), float (Double.Parse(words[1], invariant)))

let private line (cells: string list) = printfn "| %s |" (String.Join(" | ", cells))

/// The same 1,000 entries over and over, with default options.
let private memory (path: string) =
    let sample = Sample.create 1000
    let times = 1000000000L / Sample.bytes sample
    let peak () = Process.GetCurrentProcess().PeakWorkingSet64 / 1000000L
    let before = peak ()
    Sample.writeRepeated path RootWriteOptions.Default 1000 (int times) sample
    printfn $"{times * Sample.bytes sample / 1000000L} MB of values; most memory {before} MB before, {peak ()} MB after"
    File.Delete path

let private number (value: float) = value.ToString("F0", Globalization.CultureInfo.InvariantCulture)

/// How much sooner two threads are done than one.
let private ratio (one: Cost) (two: Cost) =
    (one.Wall / two.Wall).ToString("F2", Globalization.CultureInfo.InvariantCulture)

/// Reading alone, for iterating on it: seconds instead of minutes. The files stay.
let private readOnly (directory: string) (codec: string) (baskets: int list) =
    let sample = lazy (Sample.create entries)

    line
        [
            "codec"
            "entries a basket"
            "read, a CPU second"
            "read, wall"
            "2 threads, wall"
            "ratio"
            "codec alone"
            "codec, ratio"
        ]

    line (List.replicate 8 "---")

    for setting in codecs |> List.filter (fun setting -> (string setting).StartsWith codec) do
        for basket in baskets do
            let path = Path.Combine(directory, $"root-benchmark-{(string setting).Replace(' ', '-')}-{basket}.root")

            if not (File.Exists path) then
                Sample.write path (options setting basket 2) 20000 sample.Value

            let names, bytes = Sample.stored path
            let packed = payloads names path
            let bare = best runs (decompress packed 1)
            let bareBoth = best runs (decompress packed 2)
            let alone = best runs (read names path 1)
            let both = best runs (read names path 2)

            line
                [
                    string setting
                    string basket
                    number (rate bytes alone.Processor)
                    number (rate bytes alone.Wall)
                    number (rate bytes both.Wall)
                    ratio alone both
                    number (rate bytes bare.Processor)
                    ratio bare bareBoth
                ]

/// The sample as an RNTuple with default pages and clusters.
let private ntuple (directory: string) =
    let sample = Sample.create entries
    let bytes, names = Sample.bytes sample, Sample.names sample
    let path = Path.Combine(directory, "root-benchmark-ntuple.root")

    line
        [
            "codec"
            "file, MB"
            "write, a CPU second"
            "write, wall"
            "2 threads, wall"
            "ratio"
            "read, a CPU second"
            "read, wall"
            "2 threads, wall"
            "ratio"
        ]

    line (List.replicate 10 "---")

    for setting in codecs do
        let write workers () =
            let options = RootWriteOptions(Compression = setting, Workers = workers, Reproducible = true)
            Sample.writeNtuple path options 20000 sample

        let writeTwo = best 2 (write 2)
        let writeOne = best 2 (write 1)
        let readOne = best runs (read names path 1)
        let readTwo = best runs (read names path 2)

        line
            [
                string setting
                string (FileInfo(path).Length / 1000000L)
                number (rate bytes writeOne.Processor)
                number (rate bytes writeOne.Wall)
                number (rate bytes writeTwo.Wall)
                ratio writeOne writeTwo
                number (rate bytes readOne.Processor)
                number (rate bytes readOne.Wall)
                number (rate bytes readTwo.Wall)
                ratio readOne readTwo
            ]

    File.Delete path

[<EntryPoint>]
let main arguments =
    match List.ofArray arguments with
    | [ "ntuple"; directory ] ->
        ntuple directory
        0
    | [ "wide"; directory ] ->
        Overhead.wide directory
        0
    | [ "baskets"; directory ] ->
        Overhead.baskets directory
        0
    | [ "read"; directory; codec ] ->
        readOnly directory codec entriesOfBaskets
        0
    | [ "read"; directory; codec; baskets ] ->
        readOnly directory codec [ int baskets ]
        0
    | [ "memory"; directory ] ->
        memory (Path.Combine(directory, "root-benchmark.root"))
        0
    | directory :: rest ->
        let sample = Sample.create entries
        let bytes = Sample.bytes sample
        let names = Sample.names sample
        let path = Path.Combine(directory, "root-benchmark.root")
        printfn $"{entries} entries, {bytes / 1000000L} MB of values; MB of values a second, best of {runs}.\n"

        line
            [
                "codec"
                "entries a basket"
                "file, MB"
                "write, a CPU second"
                "write, 2 threads, wall"
                "read, a CPU second"
                "read, wall"
                "2 threads, wall"
                "ratio"
                "codec alone, a CPU second"
                "codec, ratio"
                "jsroot, a CPU second"
            ]

        line (List.replicate 12 "---")

        let wanted = rest |> List.tryItem 1 |> Option.defaultValue ""
        let modules = rest |> List.tryHead |> Option.filter (fun modules -> modules <> "-")

        for setting in codecs |> List.filter (fun setting -> (string setting).StartsWith wanted) do
            for basket in entriesOfBaskets do
                let write workers () = Sample.write path (options setting basket workers) 20000 sample
                let two = best 2 (write 2)
                let one = best 2 (write 1)
                let stored = FileInfo(path).Length
                let packed = payloads names path
                let bare = best runs (decompress packed 1)
                let bareBoth = best runs (decompress packed 2)
                let alone = best runs (read names path 1)
                let both = best runs (read names path 2)

                line
                    [
                        string setting
                        string basket
                        string (stored / 1000000L)
                        number (rate bytes one.Processor)
                        number (rate bytes two.Wall)
                        number (rate bytes alone.Processor)
                        number (rate bytes alone.Wall)
                        number (rate bytes both.Wall)
                        ratio alone both
                        number (rate bytes bare.Processor)
                        ratio bare bareBoth
                        jsroot modules path
                        |> Option.map (fun (processor, _) -> number (rate bytes processor))
                        |> Option.defaultValue "-"
                    ]

        File.Delete path
        0
    | [] ->
        eprintfn
            "wanted a directory for the files, found none: name one, and a folder node_modules to measure jsroot too"

        2
