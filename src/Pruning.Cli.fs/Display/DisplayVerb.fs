module Pruning.Cli.Display.DisplayVerb

open System
open System.IO
open Argu
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Cli.Drawing
open Pruning.Data.Batching
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
            | Svg _ -> "drawing to write: two projections, for papers"
            | Png _ -> "the same as pixels, 3 a point; drawn by Chromium if the machine has one"

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

    let html, svg, png =
        last (function
            | Html path -> Some path
            | _ -> None),
        last (function
            | Svg path -> Some path
            | _ -> None),
        last (function
            | Png path -> Some path
            | _ -> None)

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
            if html.IsNone && svg.IsNone && png.IsNone then
                Some $"{Path.GetFileNameWithoutExtension file}-entry{entry}.html"
            else
                html
        Svg = svg
        Png = png
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
        let model = ModelFile.load (Placement.on device Arithmetic.standard) source.Path
        Pruner.decide device model.Pruner (BatchAssembler.Collate [| dataset[index] |]))

let private run (terminal: Terminal) (arguments: DisplayArgument list) : int =
    let settings = settingsOf File.Exists arguments
    use dataset = Inputs.openQuietly settings.Input
    let index = find dataset settings.Entry
    let margins = marginsOf terminal settings dataset index
    let view = EventView.create dataset index margins settings.Colouring

    let written (path: string) = Terminal.print terminal path

    settings.Html
    |> Option.iter (fun path ->
        Output.writeText path (EventView.toHtml view)
        written path)

    settings.Svg
    |> Option.iter (fun path ->
        Output.writeText path (EventDrawing.toSvg view)
        written path)

    settings.Png
    |> Option.iter (fun path ->
        let directory = Directory.CreateTempSubdirectory "graph-pruning-"

        try
            // In a page of its own, because Chromium gives a bare SVG a margin on some systems.
            let page = Path.Combine(directory.FullName, "event.html")

            File.WriteAllText(
                page,
                $"<!DOCTYPE html><meta charset=\"utf-8\"><body style=\"margin:0\">{EventDrawing.toSvg view}</body>"
            )

            Chromium.draw page EventDrawing.size 3.0 path
            written path
        finally
            directory.Delete true)

    ExitCode.ok

let command: Command =
    Command.create<DisplayArgument>
        {
            Verb = "display"
            Summary = "a trackster in space, with labels, decisions or scores"
            Synopsis = "FILE [TRACKSTERS EDGES] [options]"
            Explanation =
                "Draws one trackster: its layer clusters where they are, with areas that go with the energy, its links, and colours for the label, for what a network decided, or for the score. The HTML page turns with the mouse and shows all features under the pointer; SVG and PNG hold two projections (z against x and y). Paths of the files go to standard output."
            Examples =
                [
                    "display samples/tracksters.root --entry 7", "writes tracksters-entry7.html"
                    "display data.root --entry 7 --model runs/20261123-120000-equilibrium-lstm-none",
                    "what a network does to it"
                    "display data.root --entry 7 --model model.safetensors --colour score --svg event.svg",
                    "for a paper"
                ]
        }
        run
