namespace Pruning.Cli.Options

open System
open System.Collections.Generic
open System.IO
open System.Reflection
open Pruning.Data.Options
open Pruning.Root.Compression
open Pruning.Root.Files
open Pruning.Data.Tracksters
open Pruning.Cli.Framework

/// One of several parts of a job, for batch systems: part Index (from 1) of Count.
type Shard = { Index: int; Count: int }

[<RequireQualifiedAccess>]
module Shard =

    let whole = { Index = 1; Count = 1 }

    /// "3/16"
    let private parse (option: string) (text: string) : Shard =
        let refuse (text: string) = Value.refuse option "K/N with K from 1 to N, as in 3/16" text

        match text.Split '/' with
        | [| index; count |] ->
            match Int32.TryParse index, Int32.TryParse count with
            | (true, index), (true, count) when index >= 1 && index <= count && count <= 1_000_000 ->
                { Index = index; Count = count }
            | _ -> refuse text
        | _ -> refuse text

    /// [first, end) of `count` things; parts follow each other and differ by at most one.
    let range (count: int64) (shard: Shard) : int64 * int64 =
        let cut part = int64 (bigint count * bigint (part: int) / bigint shard.Count)
        cut (shard.Index - 1), cut shard.Index

    let text (shard: Shard) = $"{shard.Index}/{shard.Count}"

    let kind: Kind<Shard> = Kind.custom "K/N" parse text

/// What the verbs that make prepared files have in common: options by name, compression, what files say about
/// themselves, and care for files that are there.
[<RequireQualifiedAccess>]
module Production =

    let private codecs: (string * (int option -> RootCompressionSetting)) list =
        let orElse (standard: RootCompressionSetting) (make: int -> RootCompressionSetting) (level: int option) =
            level |> Option.map make |> Option.defaultValue standard

        [
            "none", (fun _ -> RootCompressionSetting.None)
            "zstd", orElse (RootCompressionSetting.Zstd()) (fun level -> RootCompressionSetting.Zstd level)
            "lz4", orElse (RootCompressionSetting.Lz4()) (fun level -> RootCompressionSetting.Lz4 level)
            "zlib", orElse (RootCompressionSetting.Zlib()) (fun level -> RootCompressionSetting.Zlib level)
            "xz", orElse (RootCompressionSetting.Xz()) (fun level -> RootCompressionSetting.Xz level)
        ]

    let private parseCompression (option: string) (text: string) : RootCompressionSetting =
        match text.Split '=' with
        | [| codec |] -> Value.choice option codecs codec None
        | [| codec; level |] when codec <> "none" ->
            Value.choice option codecs codec (Some(Value.whole $"the level of {option}" (1, 9) level))
        | _ -> Value.refuse option "zstd, lz4, zlib, xz (with =1 to =9 if you like) or none" text

    /// "zstd", "zstd=7", "none"
    let compression: Kind<RootCompressionSetting> =
        { Kind.custom "CODEC" parseCompression string with
            Choices = fun () -> List.map fst codecs
            Text = fun _ -> None
        }

    let private formats = [ "tree", TableFormat.Tree; "rntuple", TableFormat.Ntuple ]

    /// "tree", "rntuple"
    let tableFormat: Kind<TableFormat> = Kind.choice formats

    /// The word that `tableFormat` takes.
    let formatName (format: TableFormat) : string = formats |> List.find (snd >> (=) format) |> fst

    /// Runs what refuses options by an ArgumentException, and says so as a mistake on the command line.
    let checkedBy (option: string) (action: unit -> 'a) : 'a =
        try
            action ()
        with :? ArgumentException as error ->
            // .NET adds the parameter's name, which is ours, not the user's.
            let sentence =
                match error.Message.IndexOf " (Parameter '" with
                | -1 -> error.Message
                | at -> error.Message.Substring(0, at)

            raise (UsageException $"{option}: {sentence}")

    /// Applies "name=value" to a record of options.
    let set (options: 'T) (assignment: string) : 'T =
        match assignment.IndexOf '=' with
        | -1 -> Value.refuse "--set" "NAME=VALUE, as in PileUp=50" assignment
        | at ->
            checkedBy "--set" (fun () ->
                OptionTable.With(options, assignment.Substring(0, at).Trim(), assignment.Substring(at + 1).Trim()))

    /// An option that is a parameter of a record of options under another name.
    let parameter
        (get: 'S -> 'Options)
        (change: 'Options -> 'S -> 'S)
        (name: string)
        (parameter: string)
        (meta: string)
        (help: string)
        : Opt<'S> =
        let value settings =
            OptionTable.List(get settings)
            |> Seq.tryFind (fun pair -> pair.Key = parameter)
            |> Option.map _.Value

        { Opt.ofVerb (Kind.text meta) name help with
            Set =
                fun text settings ->
                    change (checkedBy name (fun () -> OptionTable.With(get settings, parameter, text))) settings
            Text = value
        }

    /// NAME=VALUE: any parameter.
    let assignment (get: 'S -> 'Options) (change: 'Options -> 'S -> 'S) (example: string) : Opt<'S> =
        { Opt.ofVerb (Kind.text "NAME=VALUE") "--set" $"Set any parameter that --parameters prints, as in {example}." with
            Set = fun text settings -> change (set (get settings) text) settings
        }
        |> Opt.repeated

    /// Equal content gives equal bytes, whatever the number of threads.
    let writeOptions (compression: RootCompressionSetting) (threads: int) : RootWriteOptions =
        RootWriteOptions(Compression = compression, Workers = threads, Reproducible = true)

    /// "graph-pruning 0.1.0"
    let version: string =
        match Assembly.GetExecutingAssembly().GetName().Version with
        | null -> Arguments.program
        | version -> $"{Arguments.program} {version.ToString 3}"

    let units = "lengths in cm, energies in GeV, times in ns, angles in rad"

    /// What a file says about itself; None when it says nothing.
    let metadataOf (path: string) : Map<string, string> option =
        PreparedMetadata.Read path
        |> Option.ofObj
        |> Option.map (fun found -> found |> Seq.map (|KeyValue|) |> Map.ofSeq)

    /// Refuses to write where something is, unless it may be replaced.
    let checkFree (overwrite: bool) (path: string) =
        if not overwrite && File.Exists path then
            raise (UsageException $"{path} is there already: --overwrite replaces it, or give another name.")

    let dictionary (pairs: (string * string) list) : IReadOnlyDictionary<string, string> = dict pairs |> Dictionary :> _

/// Where made files go.
[<RequireQualifiedAccess>]
type Destination =
    | OneFile of path: string
    | Directory of path: string

/// What happens where a file is.
[<RequireQualifiedAccess>]
type Existing =
    | Refuse
    | Replace
    | Resume

/// What verbs that make files have in common.
type ProductionSettings =
    {
        /// As typed; a verb may have a file of its own where neither is given.
        Output: string option
        OutputDirectory: string option
        /// Keep complete files of an equal run.
        Resume: bool
        /// Replace files.
        Overwrite: bool
        Compression: RootCompressionSetting
        Format: TableFormat
        Shard: Shard
        Threads: int
        Json: bool
    }

[<RequireQualifiedAccess>]
module ProductionSettings =

    let standard: ProductionSettings =
        {
            Output = None
            OutputDirectory = None
            Resume = false
            Overwrite = false
            Compression = RootCompressionSetting.Zstd()
            Format = TableFormat.Tree
            Shard = Shard.whole
            Threads = Environment.ProcessorCount
            Json = false
        }

    let private all: Opt<ProductionSettings> list =
        [
            Opt.path "--output" "FILE" "File to write, for one input file." _.Output (fun v s -> { s with Output = v })
            |> Opt.unset "none"
            Opt.path
                "--output-dir"
                "DIRECTORY"
                "Directory that gets a file for each input file, of the same name."
                _.OutputDirectory
                (fun v s -> { s with OutputDirectory = v })
            |> Opt.unset "none"
            Opt.flag "--resume" "Keep files that an equal run has completed, and make the others." _.Resume (fun v s ->
                { s with Resume = v })
            Opt.flag
                "--overwrite"
                "Replace files that exist. Without it they stop the run with exit code 2."
                _.Overwrite
                (fun v s -> { s with Overwrite = v })
            Opt.ofKind
                Production.compression
                "--compression"
                "Compression of ROOT files: zstd, lz4, zlib or xz, each with a level from =1 to =9, or none."
                _.Compression
                (fun v s -> { s with Compression = v })
            |> Opt.unset "zstd=3"
            Opt.ofKind
                Production.tableFormat
                "--format"
                "How prepared files hold their tables: tree, or rntuple for ROOT 6.34 and newer."
                _.Format
                (fun v s -> { s with Format = v })
            Opt.ofKind
                Shard.kind
                "--shard"
                "Only shard K (from 1) of N, for batch systems. Together the shards are the whole."
                _.Shard
                (fun v s -> { s with Shard = v })
            |> Opt.unset "the whole"
            Opt.whole "--threads" (1, 1024) "Threads. The files do not depend on their number." _.Threads (fun v s ->
                { s with Threads = v })
            |> Opt.unset "number of cores"
            Opt.flag "--json" "Print the summary as one JSON document on stdout." _.Json (fun v s ->
                { s with Json = v })
        ]

    /// Some of the options, by name.
    let options (names: string list) : Opt<ProductionSettings> list = Opt.pick names all

    /// What happens where a file is.
    let existing (settings: ProductionSettings) : Existing =
        match settings.Resume, settings.Overwrite with
        | true, true -> raise (UsageException "--resume and --overwrite cannot be combined: give one of them.")
        | true, false -> Existing.Resume
        | false, true -> Existing.Replace
        | false, false -> Existing.Refuse

    /// One of both must be said.
    let destination (settings: ProductionSettings) : Destination =
        match settings.Output, settings.OutputDirectory with
        | Some path, None -> Destination.OneFile path
        | None, Some path -> Destination.Directory path
        | None, None ->
            raise (UsageException "where to? Give --output FILE for one file, or --output-dir DIR for one each.")
        | Some _, Some _ -> raise (UsageException "--output and --output-dir cannot be combined: give one of them.")

/// Files that an earlier run may have made.
[<RequireQualifiedAccess>]
module Finished =

    /// True where a file that says what this run would say about itself (`wanted`) is there already, so that nothing is left to
    /// do. `read`: what a file says about itself, if it says anything. Another file is refused, with what differs.
    let isThere
        (existing: Existing)
        (read: string -> Map<string, string> option)
        (wanted: Map<string, string>)
        (path: string)
        =
        match existing with
        | Existing.Replace -> false
        | Existing.Refuse ->
            Production.checkFree false path
            false
        | Existing.Resume when not (File.Exists path) -> false
        | Existing.Resume ->
            // Files get their names when they are complete: one that is there needs no look at its trees.
            let found = read path |> Option.defaultValue Map.empty

            let differing =
                wanted
                |> Map.toList
                |> List.filter (fun (key, value) -> Map.tryFind key found <> Some value)
                |> List.map fst

            if not differing.IsEmpty then
                let names = String.Join(", ", differing)

                raise (
                    UsageException
                        $"{path} was not made by an equal run (it differs in: {names}): --overwrite replaces it, or write elsewhere."
                )

            true

    /// Refuses inputs that would become one file, and outputs that are inputs.
    let checkNames (inputs: string list) (outputs: (string * string) list) : unit =
        let read = inputs |> List.map Path.GetFullPath |> Set.ofList

        for _, output in outputs do
            if read.Contains(Path.GetFullPath output) then
                raise (UsageException $"{output} is a file to read: write elsewhere.")

        for _, same in outputs |> List.groupBy (snd >> Path.GetFullPath) do
            match same with
            | (one, output) :: (other, _) :: _ when one <> other ->
                raise (UsageException $"{one} and {other} would both become {output}: rename one, or use --output.")
            | _ -> ()
