module Pruning.Cli.Stats.StatsVerb

open System
open System.Globalization
open System.IO
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Data.Batching
open Pruning.Data.Graphs

type StatsSettings = { Input: InputSettings; Json: bool }

let private standard: StatsSettings =
    {
        Input = Inputs.standard
        Json = false
    }

let private options: Opt<StatsSettings> list =
    (Inputs.options |> Opt.within _.Input (fun v s -> { s with Input = v }))
    @ Opt.section
        "Output"
        [ Opt.flag "--json" "Print one JSON document on stdout." _.Json (fun v s -> { s with Json = v }) ]

let private describe () : OptionInfo list = Opt.describe standard options

/// From the words after `stats`.
let settingsOf (exists: string -> bool) (words: string list) : StatsSettings =
    let line = Arguments.read true (describe ()) words
    let settings = Arguments.apply options line standard

    { settings with
        Input = Inputs.withWords exists line line.Positional settings.Input
    }

let private invariant (format: string) (x: float) =
    if Double.IsFinite x then
        x.ToString(format, CultureInfo.InvariantCulture)
    else
        "-"

let private percent = invariant "0.00"

/// [from, to) and how many, empty ends left out.
let private bins (histogram: Histogram) =
    [
        if histogram.Below > 0L then
            -infinity, histogram.Edges[0], histogram.Below

        for i in 0 .. histogram.Counts.Count - 1 do
            histogram.Edges[i], histogram.Edges[i + 1], histogram.Counts[i]

        if histogram.Above > 0L then
            histogram.Edges[histogram.Edges.Count - 1], infinity, histogram.Above
    ]
    |> List.skipWhile (fun (_, _, count) -> count = 0L)
    |> List.rev
    |> List.skipWhile (fun (_, _, count) -> count = 0L)
    |> List.rev

let private edge (x: float) =
    if x = Double.Epsilon then "0+"
    elif Double.IsNegativeInfinity x then ""
    elif Double.IsPositiveInfinity x then ""
    else invariant "0.###" x

let private showHistogram (terminal: Terminal) (title: string) (histogram: Histogram) =
    let moments = histogram.Moments
    Terminal.print terminal ""

    let text = invariant "0.###"

    Terminal.print
        terminal
        $"{title}: mean {text moments.Mean}, standard deviation {text moments.StandardDeviation}, from {text moments.Min} to \
         {text moments.Max}"

    let shown = bins histogram
    let largest = shown |> List.map (fun (_, _, count) -> count) |> List.fold max 1L

    for low, high, count in shown do
        let share = 100.0 * float count / float (max 1L moments.Count)
        let bar = String('#', int (Math.Round(40.0 * float count / float largest)))
        let range = $"  {(edge low).PadLeft 6} .. {(edge high).PadRight 6}"
        let counted = $"{(Say.count count).PadLeft 12} {(percent share).PadLeft 7} %%  {bar}"
        Terminal.print terminal ((range + counted).TrimEnd())

let private featureNames =
    [
        "pos_x (cm, from the seed)"
        "pos_y (cm, from the seed)"
        "pos_z (cm, from the seed)"
        "energy (GeV)"
        "time (ns, not below 0)"
        "eta"
        "phi (rad)"
        "isSeedCLUE3DHigh"
        "isSeedCLUE3DLow"
    ]

let private show (terminal: Terminal) (dataset: GraphDataset) (all: TracksterStatistics) =
    let line (name: string) (value: string) = Terminal.print terminal $"{name.PadRight 44}{value.PadLeft 14}"

    line "files" (Say.count (int64 dataset.Files.Count))
    line "tracksters" (Say.count all.GraphCount)
    line "layer clusters" (Say.count all.NodeCount)
    line "links" (Say.count all.LinkCount)

    if dataset.Skipped.Count > 0 then
        line "skipped (files and tracksters)" (Say.count (int64 dataset.Skipped.Count))

    line "tracksters that need no pruning, %" (percent all.GraphsWithoutPruningPercent)
    line "layer clusters to prune, %" (percent all.PrunedNodesPercent)
    line "layer clusters to keep for each one to prune" (invariant "0.0" all.KeptPerPruned)
    line "energy to prune, %" (percent all.PrunedEnergyPercent)
    line "links from a pruned to a kept cluster, %" (percent all.ViolatingLinksPercent)
    line "tracksters with such a link, %" (percent all.GraphsWithViolationPercent)

    line
        "tracksters with as many links as a tree, %"
        (percent (100.0 * float all.GraphsOfTreeSize / float all.GraphCount))

    line "layer clusters with a time, %" (percent (100.0 * float all.NodesWithTime / float all.NodeCount))
    Terminal.print terminal ""

    Terminal.table
        terminal
        [ "feature", false; "mean", true; "std", true; "min", true; "max", true ]
        [
            for name, moments in Seq.zip featureNames all.Features ->
                name
                :: [
                    for x in [ moments.Mean; moments.StandardDeviation; moments.Min; moments.Max ] ->
                        invariant "0.####" x
                ]
        ]

    showHistogram terminal "Layer clusters per trackster" all.NodesPerGraph
    showHistogram terminal "Links per trackster" all.LinksPerGraph
    showHistogram terminal "Links per layer cluster" all.LinksPerNode
    showHistogram terminal "Depth of a trackster, in links" all.Depth
    showHistogram terminal "Seeds per trackster" all.SeedsPerGraph
    showHistogram terminal "Share of clusters to prune, per trackster" all.PrunedSharePerGraph
    showHistogram terminal "Trackster energy (GeV)" all.TracksterEnergy
    showHistogram terminal "log10 of the layer clusters' energy (GeV)" all.LogEnergy
    showHistogram terminal "log10 of the energy of those to prune (GeV)" all.LogEnergyPruned

    if all.NodesWithTime > 0L then
        showHistogram terminal "Time of layer clusters that have one (ns)" all.Times

    if all.NodesWithFraction > 0L then
        showHistogram terminal "Share of a layer cluster's energy that is the shower's" all.Fractions
    else
        Terminal.print terminal ""
        Terminal.print terminal "Share of a layer cluster's energy that is the shower's: no file has a branch fraction"

let private histogramJson (histogram: Histogram) =
    {|
        edges = Array.ofSeq histogram.Edges
        counts = Array.ofSeq histogram.Counts
        below = histogram.Below
        above = histogram.Above
        mean = histogram.Moments.Mean
        std = histogram.Moments.StandardDeviation
        min = histogram.Moments.Min
        max = histogram.Moments.Max
    |}

let private json (terminal: Terminal) (dataset: GraphDataset) (all: TracksterStatistics) =
    Terminal.json
        terminal
        {|
            files =
                [
                    for file in dataset.Files ->
                        {|
                            path = file.Path
                            bytes = file.Bytes
                            entries = file.EntryCount
                            graphs = file.GraphCount
                        |}
                ]
            skipped =
                [
                    for skipped in dataset.Skipped ->
                        {|
                            file = skipped.File
                            entry = Option.ofNullable skipped.Entry
                            reason = skipped.Reason
                        |}
                ]
            graphs = all.GraphCount
            nodes = all.NodeCount
            links = all.LinkCount
            graphs_without_pruning_percent = all.GraphsWithoutPruningPercent
            pruned_nodes_percent = all.PrunedNodesPercent
            pruned_energy_percent = all.PrunedEnergyPercent
            violating_links_percent = all.ViolatingLinksPercent
            graphs_with_violation_percent = all.GraphsWithViolationPercent
            kept_per_pruned = all.KeptPerPruned
            graphs_of_tree_size = all.GraphsOfTreeSize
            nodes_with_time = all.NodesWithTime
            features =
                [
                    for name, moments in Seq.zip featureNames all.Features ->
                        {|
                            name = name.Split(' ')[0]
                            mean = moments.Mean
                            std = moments.StandardDeviation
                            min = moments.Min
                            max = moments.Max
                        |}
                ]
            nodes_per_graph = histogramJson all.NodesPerGraph
            links_per_graph = histogramJson all.LinksPerGraph
            links_per_node = histogramJson all.LinksPerNode
            seeds_per_graph = histogramJson all.SeedsPerGraph
            pruned_share_per_graph = histogramJson all.PrunedSharePerGraph
            trackster_energy = histogramJson all.TracksterEnergy
            log10_energy = histogramJson all.LogEnergy
            log10_energy_pruned = histogramJson all.LogEnergyPruned
            depth = histogramJson all.Depth
            time = histogramJson all.Times
            fraction = histogramJson all.Fractions
        |}

let private run (terminal: Terminal) (words: string list) : int =
    let settings = settingsOf File.Exists words
    use dataset = Inputs.openDataset terminal settings.Input
    let all = DatasetStatistics.Of(dataset, [| 0 .. dataset.Count - 1 |])
    (if settings.Json then json else show) terminal dataset all
    ExitCode.ok

let command: Command =
    Command.create
        describe
        {
            Verb = "stats"
            Summary = "show how much there is to prune in a sample, and the distributions behind it"
            Synopsis = "FILE [FILE ...] [TRACKSTERS EDGES] [options]"
            Explanation =
                "Reads tracksters as training does. Prints the share of tracksters that need no pruning and the share of layer clusters \
                 to prune: the two numbers of the original program. Distributions follow: sizes, degrees, depths, energies, times, shares \
                 of the shower's energy where the files have them, and the ranges of the nine features. A bin includes its lower edge; 0+ \
                 is anything above 0."
            Examples =
                [
                    "stats samples/tracksters.root", "the sample of the demo"
                    "stats 'data/*.root' \"Tracksters;1\" \"Edges;1\"", "several files as one sample"
                    "stats data.root --json > stats.json", "for scripts"
                ]
        }
        run
