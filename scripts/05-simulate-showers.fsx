// 05-simulate-showers: how fast is the toy simulation, and what do its tracksters look like?
//
// It is a toy and not a simulation of CMS.
//
// Run:     dotnet fsi scripts/05-simulate-showers.fsx [default|research|hllhc [EVENTS [THREADS]]]
// Prints:  tracksters per second, nodes per trackster and the share of nodes to prune.
// Takes:   a few seconds for the default of 2,000 events on one thread.

#r "../src/Pruning.Cli.fs/bin/Release/net10.0/Pruning.Data.dll"

open System
open System.Diagnostics
open Pruning.Data.Simulation
open Pruning.Data.Ticl

let argument index fallback =
    match List.tryItem index (List.ofArray fsi.CommandLineArgs[1..]) with
    | Some text -> text
    | None -> fallback

let preset = argument 0 "default"
let events = int (argument 1 "2000")
let threads = int (argument 2 "1")
let options = ToyOptions.Preset preset

// The first events are compiled while they run: they do not count.
ToySimulation.Run(options, 1_000_000L, min events 300, threads)
|> Seq.iter ignore

let graphs, wall, processor =
    use self = Process.GetCurrentProcess()
    let before = self.TotalProcessorTime
    let clock = Stopwatch.StartNew()

    let graphs =
        ToySimulation.Run(options, 0L, events, threads)
        |> Seq.map _.Graphs
        |> PreparedGraphs.Concat

    let wall = clock.Elapsed.TotalSeconds
    self.Refresh()
    graphs, wall, (self.TotalProcessorTime - before).TotalSeconds

let count = float graphs.GraphCount
let share (column: int array) = 100.0 * Array.averageBy float column

printfn $"{graphs.GraphCount} graphs of {events} events, preset {preset}, {threads} threads"
printfn $"{count / wall:F0} graphs a second of wall time, {count / processor:F0} a second of processor time"
printfn $"{float graphs.NodeCount / count:F1} nodes a graph, {share graphs.Label:F1} %% of them to prune"
printfn $"{share graphs.Pass:F0} %% of the graphs are of the pass Low"
