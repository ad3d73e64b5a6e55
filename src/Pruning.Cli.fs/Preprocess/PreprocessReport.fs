/// What preprocess says about its work.
module Pruning.Cli.Preprocess.PreprocessReport

open System.IO
open Pruning.Cli.Framework
open Pruning.Cli.Preprocess.PreprocessJob

let private percent (part: int64) (whole: int64) = if whole = 0L then nan else 100.0 * float part / float whole

/// Warnings about what was read and made.
let warnings (terminal: Terminal) (sources: Source list) (made: Prepared) =
    let counts = made.Counts

    for fault in sources |> List.collect _.Faults |> List.distinct do
        Terminal.warn terminal fault

    if made.Repeated > 0L then
        Terminal.warn
            terminal
            $"{Say.count made.Repeated} events have the run, luminosity block and number of an earlier one: they count as one event in \
             the split and in metrics. Productions that begin anew in every file do that."

    if counts.Tracksters > 0L && percent counts.Exact counts.Tracksters < 90.0 then
        let exact = Say.number (percent counts.Exact counts.Tracksters)

        Terminal.warn
            terminal
            $"only {exact} %% of the tracksters have CLUE3D's own links: its parameters may be those of another release; see --clue3d \
             (toy for ntuples of simulate) and --set."

    if counts.AssociationsDiffering > 0L then
        Terminal.warn
            terminal
            $"{Say.count counts.AssociationsDiffering} of {Say.count counts.AssociationsSeen} shared energies in the ntuples differ from \
             ours: --truth or --collection may be another one."

    if counts.Events > 0L && made.Graphs = 0L then
        Terminal.warn
            terminal
            "no trackster is left: the selection is too strict, or the ntuples have no simulated tracksters."

/// What was made, for people or as JSON.
let show
    (terminal: Terminal)
    (settings: PreprocessSettings)
    (sources: Source list)
    (written: Target list)
    (kept: Target list)
    (made: Prepared)
    =
    let counts = made.Counts

    if settings.Production.Json then
        Terminal.json
            terminal
            {|
                written = [ for task in written -> task.Path ]
                kept = [ for task in kept -> task.Path ]
                events = counts.Events
                tracksters = counts.Tracksters
                exact = counts.Exact
                repaired = counts.Repaired
                left_out = counts.LeftOut
                unmatched = counts.Unmatched
                barrel_layer_clusters = counts.Barrel
                repeated_events = made.Repeated
                fingerprints = fingerprints sources
                associations = counts.AssociationsSeen
                associations_differing = counts.AssociationsDiffering
                graphs = made.Graphs
                nodes = made.Nodes
                pruned_nodes_percent = percent made.Pruned made.Nodes
            |}
    else
        let line (name: string) (value: string) = Terminal.print terminal $"{name.PadRight 44}{value.PadLeft 14}"

        for fingerprint in fingerprints sources do
            Terminal.print terminal $"ntuple: {fingerprint}"

        line "events" (Say.count counts.Events)

        if counts.Barrel > 0L then
            line "  layer clusters of the barrel, skipped" (Say.count counts.Barrel)

        line "tracksters" (Say.count counts.Tracksters)
        line "  exact: with CLUE3D's own links" (Say.count counts.Exact)
        line "  repaired: links made anew" (Say.count counts.Repaired)
        line "  left out by the selection" (Say.count counts.LeftOut)
        line "    of these without a simulated particle" (Say.count counts.Unmatched)
        line "tracksters written" (Say.count made.Graphs)
        line "layer clusters" (Say.count made.Nodes)
        line "layer clusters to prune, %" (Say.number (percent made.Pruned made.Nodes))

        for task in written do
            Terminal.print terminal $"written: {task.Path} ({Say.bytes (FileInfo task.Path).Length})"

        for task in kept do
            Terminal.print terminal $"complete already: {task.Path}"
