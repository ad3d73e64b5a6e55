namespace Pruning.Model.Logging

open System
open System.Globalization
open System.IO
open System.Reflection
open System.Runtime.InteropServices
open System.Security.Cryptography
open System.Text
open System.Text.Encodings.Web
open System.Text.Json
open System.Text.Json.Nodes
open Pruning.Model.Persistence

/// A file that a run reads, as it was when the run began.
type RunInput =
    {
        /// Full path.
        Path: string
        /// Size in bytes.
        Bytes: int64
        /// SHA-256 in lower-case hexadecimal digits.
        Sha256: string
    }

/// Looking at input files.
[<RequireQualifiedAccess>]
module RunInput =

    /// Size and hash of a file; reads all of it.
    let ofFile (path: string) : RunInput =
        use stream = File.OpenRead path

        {
            Path = Path.GetFullPath path
            Bytes = stream.Length
            Sha256 = Convert.ToHexStringLower(SHA256.HashData stream)
        }

/// What is known about a run before it begins.
type RunDescription =
    {
        /// Program and arguments, as they were given.
        Command: string list
        /// Versions by name; see RunDescription.versions.
        Versions: (string * string) list
        /// The commit of the program, if it runs from a git checkout.
        Commit: string option
        /// Whether files of that checkout differ from the commit; None where nobody can tell.
        Dirty: bool option
        /// The files that are read.
        Inputs: RunInput list
        /// Seeds by what they decide.
        Seeds: (string * int64) list
        /// How many ranks train together; 1 without distribution.
        World: int
    }

/// What a run should note about the program and the machine.
[<RequireQualifiedAccess>]
module RunDescription =

    /// Versions of this program, TorchSharp, .NET and the operating system. libtorch is the caller's to add.
    let versions () : (string * string) list =
        let informational (assembly: Assembly) : string =
            match assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>() with
            | null -> string (assembly.GetName().Version)
            | attribute -> attribute.InformationalVersion

        [
            "graph-pruning", informational (Assembly.GetExecutingAssembly())
            "torchsharp", informational typeof<TorchSharp.torch>.Assembly
            "dotnet", RuntimeInformation.FrameworkDescription
            "os", RuntimeInformation.OSDescription
        ]

    /// A run of one process with this command line: versions and commit filled in, no inputs and no seeds.
    let ofCommand (command: string list) : RunDescription =
        {
            Command = command
            Versions = versions ()
            Commit = GitCommit.tryFind AppContext.BaseDirectory
            Dirty = GitCommit.tryIsDirty AppContext.BaseDirectory
            Inputs = []
            Seeds = []
            World = 1
        }

    /// The commit of the program and whether it was changed since, for run.json.
    let commitFields (description: RunDescription) : (string * JsonNode | null) list =
        [
            "commit", description.Commit |> Option.map Json.text |> Option.defaultValue null
            "dirty", description.Dirty |> Option.map Json.flag |> Option.defaultValue null
        ]

/// One line of metrics.jsonl.
type MetricLine =
    {
        Epoch: int
        /// Optimiser steps done when the line was written.
        Step: int64
        /// "train", "val" or "test".
        Split: string
        /// Values by name, in the order of the line; null in the file = nan.
        Values: (string * float) list
    }

/// The directory of a run, `<runs>/<utc yyyyMMdd-HHmmss>-<name>/`, and the records in it: config.json (everything that was
/// chosen), run.json (what ran, on what, and how it ended: "exit" is null while it runs and after it was killed),
/// metrics.jsonl (one JSON object a line: time, epoch, step, split, then the metrics by name; nan is null).
/// Every line is with the operating system as soon as it is written. Safe from many threads.
[<Sealed>]
type RunLog private (directory: string, run: JsonObject, metrics: FileStream, clock: TimeProvider) =

    static let runFile = "run.json"
    static let metricsFile = "metrics.jsonl"

    static let indented =
        JsonSerializerOptions(WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping)

    static let timestamp (clock: TimeProvider) : string =
        clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)

    static let save (directory: string) (name: string) (json: JsonNode) : unit =
        AtomicFile.writeText (Path.Combine(directory, name)) (json.ToJsonString indented + "\n")

    static let openMetrics (directory: string) : FileStream =
        new FileStream(Path.Combine(directory, metricsFile), FileMode.Append, FileAccess.Write, FileShare.ReadWrite, 0)

    /// Processor, cores that the process may use, and memory in bytes.
    static let machine () : JsonObject =
        let processor =
            try
                File.ReadLines "/proc/cpuinfo"
                |> Seq.tryFind _.StartsWith("model name", StringComparison.Ordinal)
                |> Option.map (fun line -> line.Substring(line.IndexOf ':' + 1).Trim())
            with
            | :? IOException
            | :? UnauthorizedAccessException -> None

        Json.record
            [
                "processor", Json.text (defaultArg processor (string RuntimeInformation.ProcessArchitecture))
                "cores", Json.integer Environment.ProcessorCount
                "memory_bytes", Json.integer (GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)
            ]

    /// Letters, digits, dots, dashes and underscores stay, whatever else becomes a dash.
    static let fileNameOf (name: string) : string =
        String.map (fun c -> if Char.IsLetterOrDigit c || c = '.' || c = '_' then c else '-') name

    /// Cuts a last line off that was not written to its end.
    static let repair (path: string) : unit =
        if File.Exists path then
            use stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite)
            let bytes: byte[] = Array.zeroCreate (Checked.int stream.Length)
            stream.ReadExactly bytes
            stream.SetLength(int64 (Array.LastIndexOf(bytes, byte '\n') + 1))

    let gate = obj ()

    /// Makes the directory of a new run and writes config.json and run.json. Two runs that begin within one second with
    /// one name get directories of their own (-2, -3, ...).
    static member Create
        (runs: string, name: string, config: JsonObject, description: RunDescription, ?clock: TimeProvider)
        : RunLog =
        let clock = defaultArg clock TimeProvider.System
        Directory.CreateDirectory runs |> ignore

        let stem =
            clock.GetUtcNow().UtcDateTime.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)
            + "-"
            + fileNameOf name

        let rec make (attempt: int) : string =
            let suffix = if attempt = 1 then "" else $"-{attempt}"
            let path = Path.Combine(runs, stem + suffix)
            if Posix.tryMakeDirectory path then path else make (attempt + 1)

        let directory = make 1

        let run =
            Json.record
                [
                    "name", Json.text name
                    "started", Json.text (timestamp clock)
                    "resumed", Json.list []
                    "finished", null
                    "exit", null
                    "error", null
                    "command", Json.list (description.Command |> List.map Json.text)
                    "directory", Json.text Environment.CurrentDirectory
                    "host", Json.text Environment.MachineName
                    "machine", machine ()
                    yield! RunDescription.commitFields description
                    "versions", Json.record [ for name, version in description.Versions -> name, Json.text version ]
                    "seeds", Json.record [ for name, seed in description.Seeds -> name, Json.integer seed ]
                    "world", Json.integer description.World
                    "inputs",
                    Json.list
                        [
                            for input in description.Inputs ->
                                Json.record
                                    [
                                        "path", Json.text input.Path
                                        "bytes", Json.integer input.Bytes
                                        "sha256", Json.text input.Sha256
                                    ]
                        ]
                ]

        save directory "config.json" config
        save directory runFile run
        new RunLog(directory, run, openMetrics directory, clock)

    /// Goes on with the records of a run that was stopped: a half-written last line goes, and run.json notes the time, the
    /// command, the program and the ranks. A directory that is no run: CheckpointException.
    static member Resume(directory: string, ?clock: TimeProvider, ?command: string list, ?world: int) : RunLog =
        let clock = defaultArg clock TimeProvider.System
        let about = RunDescription.ofCommand (defaultArg command [])
        let world: int = defaultArg world about.World
        let path = Path.Combine(directory, runFile)

        let refuse (found: string) (inner: exn | null) : 'a =
            raise (
                CheckpointException(
                    $"wanted the directory of a run, found {found} at {path}; give the directory that holds config.json and run.json",
                    inner
                )
            )

        let run =
            if not (File.Exists path) then
                refuse "no file" null

            try
                match JsonNode.Parse(File.ReadAllText path) with
                | :? JsonObject as run ->
                    run.ToJsonString() |> ignore // escapes that are no text show here
                    run
                | _ -> refuse "no JSON object" null
            with
            | :? JsonException
            | :? InvalidOperationException as error -> refuse "no JSON" error

        let resumption =
            Json.record
                [
                    "time", Json.text (timestamp clock)
                    "command", Json.list (about.Command |> List.map Json.text)
                    "host", Json.text Environment.MachineName
                    yield! RunDescription.commitFields about
                    "world", Json.integer world
                ]

        match run["resumed"] with
        | :? JsonArray as earlier -> earlier.Add resumption
        | _ -> run["resumed"] <- Json.list [ resumption ]

        for key in [ "finished"; "exit"; "error" ] do
            run[key] <- null

        repair (Path.Combine(directory, metricsFile))
        save directory runFile run
        new RunLog(directory, run, openMetrics directory, clock)

    /// Replaces config.json, when a run goes on under other choices.
    member _.Choose(config: JsonObject) : unit = save directory "config.json" config

    /// Removes lines of metrics.jsonl, in one step: those of a time that a run that goes on will live again.
    static member Cut(directory: string, keep: MetricLine -> bool) : unit =
        let path = Path.Combine(directory, metricsFile)

        if File.Exists path then
            repair path
            let lines = File.ReadAllLines path |> Array.filter (fun line -> line <> "")

            let kept =
                Seq.zip lines (RunLog.ReadMetrics path)
                |> Seq.filter (snd >> keep)
                |> Seq.map (fun (text, _) -> text + "\n")
                |> Seq.toArray

            if kept.Length < lines.Length then
                AtomicFile.writeText path (String.Concat kept)

    /// The directory of the run.
    member _.Directory: string = directory

    /// A path inside the directory of the run.
    member _.File(name: string) : string = Path.Combine(directory, name)

    /// Appends one line to metrics.jsonl.
    member _.Metrics(line: MetricLine) : unit =
        let json =
            Json.record
                [
                    "time", Json.text (timestamp clock)
                    "epoch", Json.integer line.Epoch
                    "step", Json.integer line.Step
                    "split", Json.text line.Split
                    for name, value in line.Values do
                        name, Json.number value
                ]

        let bytes = Encoding.UTF8.GetBytes(json.ToJsonString() + "\n")
        lock gate (fun () -> metrics.Write bytes)

    /// Notes how the run ended: its exit code, and the error in one sentence if there was one.
    member _.Finish(exitCode: int, ?error: string) : unit =
        lock gate (fun () ->
            metrics.Flush(flushToDisk = true)
            run["finished"] <- Json.text (timestamp clock)
            run["exit"] <- Json.integer exitCode
            run["error"] <- error |> Option.map Json.text |> Option.defaultValue null
            save directory runFile run)

    /// The lines of a metrics.jsonl, a half-written last one left out. What cannot be read: CheckpointException.
    static member ReadMetrics(path: string) : MetricLine list =
        let text = File.ReadAllText path
        let whole = text.Substring(0, text.LastIndexOf '\n' + 1)

        [
            for number, line in Seq.indexed (whole.Split('\n', StringSplitOptions.RemoveEmptyEntries)) do
                try
                    use document = JsonDocument.Parse line
                    let root = document.RootElement

                    {
                        Epoch = root.GetProperty("epoch").GetInt32()
                        Step = root.GetProperty("step").GetInt64()
                        Split = string (root.GetProperty("split").GetString())
                        Values =
                            [
                                for field in root.EnumerateObject() do
                                    match field.Name, field.Value.ValueKind with
                                    | ("time" | "epoch" | "step" | "split"), _ -> ()
                                    | name, JsonValueKind.Null -> name, Double.NaN
                                    | name, _ -> name, field.Value.GetDouble()
                            ]
                    }
                with
                | :? JsonException
                | :? InvalidOperationException
                | :? FormatException
                | :? Collections.Generic.KeyNotFoundException as error ->
                    raise (
                        CheckpointException(
                            $"wanted epoch, step, split and numbers, found something else in line {number + 1} of {path}: {error.Message}",
                            error
                        )
                    )
        ]

    interface IDisposable with
        member _.Dispose() = lock gate (fun () -> metrics.Dispose())
