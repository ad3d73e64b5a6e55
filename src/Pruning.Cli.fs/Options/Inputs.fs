namespace Pruning.Cli.Options

open System
open Pruning.Data.Batching
open Pruning.Data.Tracksters
open Pruning.Cli.Framework

/// Which files and trees a verb reads, and what becomes of those that do not fit.
type InputSettings =
    {
        /// Paths and globs, as typed.
        Files: string list
        /// Tree of nodes.
        TracksterTree: string
        /// Tree of edges.
        EdgeTree: string
        /// Go on without files that cannot be read (they are listed); otherwise the first one stops the run.
        SkipBadFiles: bool
        /// Go on without graphs that contradict themselves (they are counted); otherwise the first one stops the run.
        SkipBadGraphs: bool
        /// Threads that read files and build graphs.
        Workers: int
    }

/// What verbs that read tracksters have in common on the command line; numbers and choices arrive as text.
[<RequireQualifiedAccess>]
type InputOption =
    /// Positional words: files, then perhaps two trees.
    | Words of string list
    | Tracksters of tree: string
    | Edges of tree: string
    | BadFiles of what: string
    | BadGraphs of what: string
    | Workers of n: string

/// Command-line words to files and trees.
[<RequireQualifiedAccess>]
module Inputs =

    let standard: InputSettings =
        {
            Files = []
            TracksterTree = "Tracksters"
            EdgeTree = "Edges"
            SkipBadFiles = false
            SkipBadGraphs = false
            Workers = Environment.ProcessorCount
        }

    let stopOrSkip = [ "stop", false; "skip", true ]

    let private looksLikeFile (exists: string -> bool) (word: string) =
        word.EndsWith(".root", StringComparison.OrdinalIgnoreCase)
        || word.IndexOfAny [| '*'; '?'; '['; '/' |] >= 0
        || exists word

    /// The rule for `FILE [FILE ...] [TRACKSTERS EDGES]`: of three words or more, the last two are the trees if
    /// neither looks like a file (ends in .root, holds a glob character or a slash, or exists). `tracksters` and
    /// `edges` are what `--tracksters` and `--edges` said: with either of them every positional word is a file.
    let ofWords
        (exists: string -> bool)
        (tracksters: string option)
        (edges: string option)
        (words: string list)
        : string list * string * string =
        let isFile = looksLikeFile exists
        let trees = defaultArg tracksters standard.TracksterTree, defaultArg edges standard.EdgeTree
        let asked = tracksters.IsSome || edges.IsSome

        let files, (tracksterTree, edgeTree) =
            match List.rev words with
            | edgeTree :: tracksterTree :: (_ :: _ as files) when
                not asked && not (isFile edgeTree) && not (isFile tracksterTree)
                ->
                List.rev files, (tracksterTree, edgeTree)
            | last :: (_ :: _ as others) when not asked && not (isFile last) && List.forall isFile others ->
                raise (
                    UsageException
                        $"one tree name alone ('{last}'): give both after the files, as in FILE Tracksters Edges, or use --tracksters and --edges; if it is a file, it is not there."
                )
            | _ -> words, trees

        match files with
        | [] -> raise (UsageException "no input: give at least one ROOT file with the trees Tracksters and Edges.")
        | _ -> files, tracksterTree, edgeTree

    /// Threads that read and build; 0 is the original's "in the main process", and one does as much.
    let workers (text: string) : int = max 1 (Value.whole "--workers" (0, 1024) text)

    /// Of several words on one option the last one counts; positional words are joined. Without positional words the files are
    /// those of `before`, if it has any.
    let ofOptionsAfter (before: InputSettings) (exists: string -> bool) (options: InputOption list) : InputSettings =
        let words =
            options
            |> List.collect (function
                | InputOption.Words words -> words
                | _ -> [])

        let last pick = options |> List.choose pick |> List.tryLast

        let tracksters =
            last (function
                | InputOption.Tracksters tree -> Some tree
                | _ -> None)

        let edges =
            last (function
                | InputOption.Edges tree -> Some tree
                | _ -> None)

        let files, tracksterTree, edgeTree =
            if words.IsEmpty && not before.Files.IsEmpty then
                before.Files, defaultArg tracksters before.TracksterTree, defaultArg edges before.EdgeTree
            else
                ofWords exists tracksters edges words

        let apply input option =
            match option with
            | InputOption.Words _
            | InputOption.Tracksters _
            | InputOption.Edges _ -> input
            | InputOption.BadFiles text ->
                { input with
                    SkipBadFiles = Value.choice "--bad-files" stopOrSkip text
                }
            | InputOption.BadGraphs text ->
                { input with
                    SkipBadGraphs = Value.choice "--bad-graphs" stopOrSkip text
                }
            | InputOption.Workers text -> { input with Workers = workers text }

        List.fold
            apply
            { before with
                Files = files
                TracksterTree = tracksterTree
                EdgeTree = edgeTree
            }
            options

    /// The same after the defaults.
    let ofOptions: (string -> bool) -> InputOption list -> InputSettings = ofOptionsAfter standard

    /// Reads the files and says nothing about those that were left out.
    let openQuietly (input: InputSettings) : GraphDataset =
        GraphDataset.Open(
            List.toArray input.Files,
            TracksterReadOptions(
                TracksterTree = input.TracksterTree,
                EdgeTree = input.EdgeTree,
                SkipBadFiles = input.SkipBadFiles,
                SkipBadGraphs = input.SkipBadGraphs,
                Workers = input.Workers
            )
        )

    /// Reads the files. What was left out on request is said, the first few by name.
    let openDataset (terminal: Terminal) (input: InputSettings) : GraphDataset =
        let dataset = openQuietly input

        let shown = 10

        for skipped in Seq.truncate shown dataset.Skipped do
            Terminal.warn terminal $"skipped: {skipped.Reason}"

        if dataset.Skipped.Count > shown then
            Terminal.warn terminal $"skipped {dataset.Skipped.Count - shown} more."

        dataset
