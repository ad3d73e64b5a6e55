module Pruning.Cli.Display.DisplayVerb

open System
open System.IO
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Cli.Drawing
open Pruning.Model.Drawing
open Pruning.Data.Batching
open Pruning.Data.Tracksters
open Pruning.Model.Evaluation
open Pruning.Model.Tensors
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles

type DisplaySettings =
    {
        Input: InputSettings
        Entry: int64
        Model: string option
        /// None = by the decision with a network, else by the label.
        Colouring: Colouring option
        LibTorch: string option
        Html: string option
        Svg: string option
        Png: string option
        Pdf: string option
        /// Pixels a point.
        Scale: float
        BeforeAfter: bool
        Note: string option
    }

let private standard: DisplaySettings =
    {
        Input = Inputs.standard
        Entry = 0L
        Model = None
        Colouring = None
        LibTorch = None
        Html = None
        Svg = None
        Png = None
        Pdf = None
        Scale = 3.0
        BeforeAfter = false
        Note = None
    }

let private options: Opt<DisplaySettings> list =
    let what =
        [
            Opt.ofKind
                (Kind.wholeLong (0L, Int64.MaxValue))
                "--entry"
                "Entry of the tree of tracksters, from 0."
                _.Entry
                (fun v s -> { s with Entry = v })
            Opt.path "--model" "PATH" "Run directory or model file whose decisions are shown." _.Model (fun v s ->
                { s with Model = v })
            |> Opt.unset "none: labels only"
            Opt.ofKind
                (Kind.optional (
                    Kind.choice [ "label", Colouring.Label; "decision", Colouring.Decision; "score", Colouring.Score ]
                ))
                "--colour"
                "What the colours show: label, decision or score."
                _.Colouring
                (fun v s -> { s with Colouring = v })
            |> Opt.alias "--color"
            |> Opt.unset "decision with a model, else label"
        ]

    let input =
        Opt.pick [ "--tracksters"; "--edges" ] Inputs.options
        |> Opt.within _.Input (fun v s -> { s with Input = v })

    let libtorch = NetworkUse.libtorch _.LibTorch (fun v s -> { s with LibTorch = v })

    let output =
        [
            Opt.path "--html" "FILE" "Page to write." _.Html (fun v s -> { s with Html = v })
            |> Opt.unset "NAME-entryN.html here, if no other file is asked for"
            Opt.path "--svg" "FILE" "Drawing to write: two projections, for papers." _.Svg (fun v s ->
                { s with Svg = v })
            |> Opt.unset "none"
            Opt.path "--png" "FILE" "The same drawing as PNG." _.Png (fun v s -> { s with Png = v })
            |> Opt.unset "none"
            Opt.path "--pdf" "FILE" "The same drawing as PDF." _.Pdf (fun v s -> { s with Pdf = v })
            |> Opt.unset "none"
            Opt.real
                "--scale"
                (Interval.closed 0.1 10.0)
                "Pixels of the PNG per point of the drawing."
                _.Scale
                (fun v s -> { s with Scale = v })
            Opt.flag
                "--before-after"
                "Draw the trackster beside what is left of it after pruning, instead of two projections. A network given with --model \
                 prunes, else the labels."
                _.BeforeAfter
                (fun v s -> { s with BeforeAfter = v })
            Opt.ofKind (Kind.optional (Kind.text "TEXT")) "--note" "Remark beside the title." _.Note (fun v s ->
                { s with Note = v })
            |> Opt.unset "toy simulation, if the file says so"
        ]

    Opt.section "What to show" what
    @ Opt.section "Input" (input @ [ libtorch ])
    @ Opt.section "Output" output

let private describe () : OptionInfo list = Opt.describe standard options

/// From the words after `display`.
let settingsOf (exists: string -> bool) (words: string list) : DisplaySettings =
    let line = Arguments.read true (describe ()) words
    let settings = Arguments.apply options line standard
    let input = Inputs.withWords exists line line.Positional settings.Input

    let file =
        match input.Files with
        | [ file ] -> file
        | _ -> raise (UsageException "display takes one file: the entry is counted in it.")

    match settings.Model, settings.Colouring with
    | None, Some(Colouring.Decision | Colouring.Score) ->
        raise (UsageException "--colour decision and score need a network: give one with --model.")
    | _ -> ()

    let drawn = settings.Svg.IsSome || settings.Png.IsSome || settings.Pdf.IsSome

    if settings.BeforeAfter && not drawn then
        raise (UsageException "--before-after draws a picture: name its file with --png, --svg or --pdf.")

    { settings with
        Input = { input with SkipBadGraphs = true }
        Html =
            if settings.Html.IsNone && not drawn then
                Some $"{Path.GetFileNameWithoutExtension file}-entry{settings.Entry}.html"
            else
                settings.Html
    }

/// What the colours show where nobody says.
let private colouringOf (settings: DisplaySettings) : Colouring =
    settings.Colouring
    |> Option.defaultValue (if settings.Model.IsSome then Colouring.Decision else Colouring.Label)

/// The graph of an entry; one that is not there or contradicts itself is a data error.
let private find (dataset: GraphDataset) (entry: int64) : int =
    let file = dataset.Files[0]
    let bad = dataset.Skipped |> Seq.tryFind (fun skipped -> skipped.Entry = Nullable entry)

    match bad with
    | Some skipped -> raise (Pruning.Data.Errors.DataException $"the trackster cannot be shown: {skipped.Reason}.")
    | None when entry >= file.EntryCount ->
        raise (
            Pruning.Data.Errors.DataException
                $"wanted entry {entry}, found entries 0 to {file.EntryCount - 1L} in {file.Path}; give another --entry."
        )
    | None ->
        // Entries rise with the index, and bad ones before it are missing.
        let before =
            dataset.Skipped
            |> Seq.filter (fun skipped -> skipped.Entry.HasValue && skipped.Entry.Value < entry)
            |> Seq.length

        int entry - before

let private marginsOf (terminal: Terminal) (settings: DisplaySettings) (dataset: GraphDataset) (index: int) =
    settings.Model
    |> Option.map (fun path ->
        let source = ModelSource.locate path "best"
        let device = Session.start terminal settings.LibTorch Arithmetic.standard 0
        let model = ModelFile.load (Placement.on device Arithmetic.standard) source.Path
        Pruner.decide device model.Pruner (Pruner.collate model.Pruner [ dataset[index] ]))

/// What a prepared file says about its kind, as far as a picture has to say it.
let private kindOf (path: string) : string =
    match PreparedMetadata.Read path with
    | null -> ""
    | says ->
        match says.TryGetValue "kind" with
        | true, kind when kind.StartsWith("toy simulation", StringComparison.Ordinal) -> "toy simulation"
        | _ -> ""

let private run (terminal: Terminal) (words: string list) : int =
    let settings = settingsOf File.Exists words
    use dataset = Inputs.openQuietly settings.Input
    let index = find dataset settings.Entry
    let margins = marginsOf terminal settings dataset index

    let view =
        { EventView.ofDataset dataset index margins with
            Note = settings.Note |> Option.defaultWith (fun () -> kindOf dataset.Files[0].Path)
        }

    let layout = EventLayout.create (colouringOf settings) EventLayout.both view

    let drawing =
        if settings.BeforeAfter then
            EventDrawing.beforeAfter view
        else
            EventDrawing.draw layout

    let write (path: string option) (save: string -> unit) =
        path
        |> Option.iter (fun path ->
            save path
            Terminal.print terminal path)

    write settings.Html (fun path ->
        EventPage.summary (EvaluatedGraph.ofDataset dataset index) margins
        |> EventPage.toHtml layout
        |> Output.writeText path)

    write settings.Svg (fun path -> Output.writeText path (Renderer.svg drawing))
    write settings.Png (fun path -> Output.writeBytes path (Renderer.picture settings.Scale drawing).Png)
    write settings.Pdf (fun path -> Output.writeBytes path (Renderer.pdf [ drawing ]))
    ExitCode.ok

let command: Command =
    Command.create
        describe
        {
            Verb = "display"
            Summary = "a trackster in space, with labels, decisions or scores"
            Synopsis = "FILE [TRACKSTERS EDGES] [options]"
            Explanation =
                "Draws one trackster: its layer clusters at their positions, with areas proportional to the energy, and its links. \
                 Colours show the label, the decision of a network, or its score. The HTML page turns with the mouse and shows all \
                 features under the pointer. SVG, PNG and PDF show two projections: z against x and z against y. With --before-after they \
                 show the trackster before and after pruning. The paths of the files go to standard output."
            Examples =
                [
                    "display samples/tracksters.root --entry 7", "writes tracksters-entry7.html"
                    "display data.root --entry 7 --model runs/20261123-120000-equilibrium-lstm-none",
                    "what a network does to it"
                    "display data.root --entry 7 --model model.safetensors --colour score --svg event.svg",
                    "for a paper"
                    "display samples/tracksters.root --entry 7 --before-after --png event.png",
                    "before and after pruning, by the labels"
                ]
        }
        run
