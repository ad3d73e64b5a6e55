module Pruning.Cli.Display.DisplayVerb

open System
open System.IO
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Cli.Drawing
open Pruning.Data.Batching
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
            Opt.path "--png" "FILE" "The same drawing as pixels, 3 per point." _.Png (fun v s -> { s with Png = v })
            |> Opt.unset "none"
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

    { settings with
        Input = { input with SkipBadGraphs = true }
        Html =
            if settings.Html.IsNone && settings.Svg.IsNone && settings.Png.IsNone then
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
        Pruner.decide device model.Pruner (Pruner.collate model.Pruner [ dataset[index] ]))

let private run (terminal: Terminal) (words: string list) : int =
    let settings = settingsOf File.Exists words
    use dataset = Inputs.openQuietly settings.Input
    let index = find dataset settings.Entry
    let margins = marginsOf terminal settings dataset index
    let view = EventView.create dataset index margins (colouringOf settings)

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
    Command.create
        describe
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
