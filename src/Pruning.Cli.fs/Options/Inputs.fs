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

    let private stopOrSkip = [ "stop", false; "skip", true ]

    /// Threads that read and build; 0 is the original's "in the main process", and one does as much.
    let workers: Kind<int> = Kind.whole (0, 1024) |> Kind.map (max 1) id

    /// What verbs that read tracksters have in common on the command line.
    let options: Opt<InputSettings> list =
        [
            Opt.ofKind
                (Kind.text "TREE")
                "--tracksters"
                "Tree with one trackster per entry, with or without ;cycle."
                _.TracksterTree
                (fun v s -> { s with TracksterTree = v })
            |> Opt.kept "input" "trackster_tree"
            |> Opt.required
            Opt.ofKind (Kind.text "TREE") "--edges" "Tree with the edges of the same entries." _.EdgeTree (fun v s ->
                { s with EdgeTree = v })
            |> Opt.kept "input" "edge_tree"
            |> Opt.required
            Opt.ofKind workers "--workers" "Threads that read files and build graphs." _.Workers (fun v s ->
                { s with Workers = v })
            |> Opt.meta "N"
            |> Opt.unset "number of cores"
            |> Opt.notKept
            Opt.choice
                "--bad-files"
                stopOrSkip
                "What to do with a file that cannot be read: stop or skip."
                _.SkipBadFiles
                (fun v s -> { s with SkipBadFiles = v })
            |> Opt.notKept
            Opt.ofKind
                { Kind.choice stopOrSkip with
                    ToJson = fun key skip -> Kind.flag.ToJson key skip
                    OfJson = fun key fields -> fields.Flag key
                    JsonType = Kind.flag.JsonType
                }
                "--bad-graphs"
                "What to do with an invalid trackster (unknown node ids, NaN values): stop or skip."
                _.SkipBadGraphs
                (fun v s -> { s with SkipBadGraphs = v })
            |> Opt.kept "input" "skip_bad_graphs"
            |> Opt.required
        ]
        |> Opt.group "Input" "input"

    let private looksLikeFile (exists: string -> bool) (word: string) =
        word.EndsWith(".root", StringComparison.OrdinalIgnoreCase)
        || word.IndexOfAny [| '*'; '?'; '['; '/' |] >= 0
        || exists word

    /// The rule for `FILE [FILE ...] [TRACKSTERS EDGES]`: of three words or more, the last two are the trees if
    /// neither looks like a file (ends in .root, holds a glob character or a slash, or exists). `named`: the trees were given
    /// as options, so that every word is a file. Otherwise the trees are `trees` where the words do not say.
    let ofWords
        (exists: string -> bool)
        (named: bool)
        (trees: string * string)
        (words: string list)
        : string list * (string * string) =
        let isFile = looksLikeFile exists

        let files, trees =
            match List.rev words with
            | edgeTree :: tracksterTree :: (_ :: _ as files) when
                not named && not (isFile edgeTree) && not (isFile tracksterTree)
                ->
                List.rev files, (tracksterTree, edgeTree)
            | last :: (_ :: _ as others) when not named && not (isFile last) && List.forall isFile others ->
                raise (
                    UsageException
                        $"one tree name alone ('{last}'): give both after the files, as in FILE Tracksters Edges, or use --tracksters and \
                         --edges. If it is a file, it does not exist."
                )
            | _ -> words, trees

        match files with
        | [] -> raise (UsageException "no input: give at least one ROOT file with the trees Tracksters and Edges.")
        | _ -> files, trees

    /// Whether the user typed the name of a tree as an option.
    let private areTreesNamed (line: Line) : bool =
        (Line.typed "--tracksters" line).IsSome || (Line.typed "--edges" line).IsSome

    /// The input with the files and trees that words name. Without words the files are those of the input.
    let withWords (exists: string -> bool) (line: Line) (words: string list) (input: InputSettings) : InputSettings =
        if words.IsEmpty && not input.Files.IsEmpty then
            input
        else
            let files, (tracksterTree, edgeTree) =
                ofWords exists (areTreesNamed line) (input.TracksterTree, input.EdgeTree) words

            { input with
                Files = files
                TracksterTree = tracksterTree
                EdgeTree = edgeTree
            }

    /// From the words of a verb whose positional words are files and trees.
    let ofLine (exists: string -> bool) (line: Line) : InputSettings =
        Arguments.apply options line standard |> withWords exists line (Line.files line)

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
