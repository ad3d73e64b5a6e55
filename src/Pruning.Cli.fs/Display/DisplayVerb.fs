module Pruning.Cli.Display.DisplayVerb

open System
open System.IO
open Argu
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

type DisplayArgument =
    | [<MainCommand>] Input of file: string list
    | [<Section "What to show">] Entry of n: string
    | Model of path: string
    | Colour of what: string
    | [<Section "Input">] Tracksters of tree: string
    | Edges of tree: string
    | Libtorch of directory: string
    | [<Section "Output">] Html of file: string
    | Svg of file: string
    | Png of file: string
    | Pdf of file: string
    | Scale of n: string
    | Before_After
    | Note of text: string

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Input _ -> "ROOT file, then (optional) the two tree names"
            | Entry _ -> "entry of the tree Tracksters, from 0 (default 0)"
            | Model _ -> "run directory or model file whose decisions are shown (default: labels alone)"
            | Colour _ -> "label, decision or score (default: decision with a model, else label)"
            | Tracksters _ -> "tree with one trackster an entry (default Tracksters)"
            | Edges _ -> "tree with the edges of the same entries (default Edges)"
            | Libtorch _ -> "use the libtorch in this directory"
            | Html _ -> "page to write (default, when no other is asked for: NAME-entryN.html here)"
            | Svg _ -> "drawing to write, as SVG: two projections, z against x and z against y"
            | Png _ -> "the same drawing as PNG"
            | Pdf _ -> "the same drawing as PDF"
            | Scale _ -> "pixels of the PNG for a point of the drawing, from 0.1 to 10 (default 3)"
            | Before_After ->
                "draw the trackster before pruning (labels) beside what is left of it, instead of two projections; prunes by --model if given, else by the labels"
            | Note _ -> "remark beside the title (default: toy simulation, if the file says that it is simulated)"

type DisplaySettings =
    {
        Input: InputSettings
        Entry: int64
        Model: string option
        Colouring: Colouring
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

/// Pure, so that tests can ask it.
let settingsOf (exists: string -> bool) (arguments: DisplayArgument list) : DisplaySettings =
    let options =
        arguments
        |> List.choose (function
            | Input words -> Some(InputOption.Words words)
            | Tracksters tree -> Some(InputOption.Tracksters tree)
            | Edges tree -> Some(InputOption.Edges tree)
            | _ -> None)

    let input = Inputs.ofOptions exists options

    let file =
        match input.Files with
        | [ file ] -> file
        | _ -> raise (UsageException "one file at a time: the entry is counted in it.")

    let last pick = arguments |> List.choose pick |> List.tryLast

    let entry =
        last (function
            | Entry text -> Some(Value.wholeLong "--entry" (0L, Int64.MaxValue) text)
            | _ -> None)
        |> Option.defaultValue 0L

    let model =
        last (function
            | Model path -> Some path
            | _ -> None)

    let html, svg, png, pdf =
        last (function
            | Html path -> Some path
            | _ -> None),
        last (function
            | Svg path -> Some path
            | _ -> None),
        last (function
            | Png path -> Some path
            | _ -> None),
        last (function
            | Pdf path -> Some path
            | _ -> None)

    let drawn = svg.IsSome || png.IsSome || pdf.IsSome
    let beforeAfter = List.contains Before_After arguments

    if beforeAfter && not drawn then
        raise (UsageException "--before-after draws a picture: name its file with --png, --svg or --pdf.")

    let colouring =
        last (function
            | Colour text ->
                Some(
                    Value.choice
                        "--colour"
                        [ "label", Colouring.Label; "decision", Colouring.Decision; "score", Colouring.Score ]
                        text
                )
            | _ -> None)
        |> Option.defaultValue (if model.IsSome then Colouring.Decision else Colouring.Label)

    if model.IsNone && colouring <> Colouring.Label then
        raise (UsageException "--colour decision and score want a network: give one with --model.")

    {
        Input = { input with SkipBadGraphs = true }
        Entry = entry
        Model = model
        Colouring = colouring
        LibTorch =
            last (function
                | Libtorch text -> Some text
                | _ -> None)
        Html =
            if html.IsNone && not drawn then
                Some $"{Path.GetFileNameWithoutExtension file}-entry{entry}.html"
            else
                html
        Svg = svg
        Png = png
        Pdf = pdf
        Scale =
            last (function
                | Scale text -> Some(Value.real "--scale" (Interval.closed 0.1 10.0) text)
                | _ -> None)
            |> Option.defaultValue 3.0
        BeforeAfter = beforeAfter
        Note =
            last (function
                | Note text -> Some text
                | _ -> None)
    }

/// The graph of an entry; one that is not there or contradicts itself is a data error.
let private find (dataset: GraphDataset) (entry: int64) : int =
    let file = dataset.Files[0]
    let bad = dataset.Skipped |> Seq.tryFind (fun skipped -> skipped.Entry = Nullable entry)

    match bad with
    | Some skipped -> raise (Pruning.Data.DataException $"the trackster cannot be shown: {skipped.Reason}.")
    | None when entry >= file.EntryCount ->
        raise (
            Pruning.Data.DataException
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
        let model = ModelFile.loadOn device source.Path
        Pruner.decide device model.Pruner (BatchAssembler.Collate [| dataset[index] |]))

/// What a prepared file says about its kind, as far as a picture has to say it.
let private kindOf (path: string) : string =
    match PreparedMetadata.Read path with
    | null -> ""
    | says ->
        match says.TryGetValue "kind" with
        | true, kind when kind.StartsWith("toy simulation", StringComparison.Ordinal) -> "toy simulation"
        | _ -> ""

let private run (terminal: Terminal) (arguments: DisplayArgument list) : int =
    let settings = settingsOf File.Exists arguments
    use dataset = Inputs.openQuietly settings.Input
    let index = find dataset settings.Entry
    let margins = marginsOf terminal settings dataset index

    let view =
        { EventView.ofDataset dataset index margins with
            Note = settings.Note |> Option.defaultWith (fun () -> kindOf dataset.Files[0].Path)
        }

    let layout = EventLayout.create settings.Colouring EventLayout.both view

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
    Command.create<DisplayArgument>
        {
            Verb = "display"
            Summary = "a trackster in space, with labels, decisions or scores"
            Synopsis = "FILE [TRACKSTERS EDGES] [options]"
            Explanation =
                "Draws one trackster: its layer clusters at their positions, with areas proportional to the energy, and its links. Colours show the label, the decision of a network, or its score. The HTML page turns with the mouse and shows all features under the pointer. SVG, PNG and PDF show two projections: z against x and z against y. With --before-after they show the trackster before and after pruning. The paths of the files go to standard output."
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
