/// Processor time and wall time of an action, best of several.
module Pruning.RootBenchmark.Clock

open System
open System.Diagnostics

/// Seconds.
type Cost = { Processor: float; Wall: float }

/// Repeats an action for two seconds, so that what is timed next is code that the runtime has compiled to its best.
let private warm (action: unit -> unit) =
    let watch = Stopwatch.StartNew()

    while watch.Elapsed.TotalSeconds < 2.0 do
        action ()

/// The processor time of the whole process counts: collections and threads are paid too. The machine may be busy with
/// other things, so the least of several runs is closest to what the work costs.
let best (runs: int) (action: unit -> unit) : Cost =
    let own = Process.GetCurrentProcess()

    let once () =
        GC.Collect()
        own.Refresh()
        let processor = own.TotalProcessorTime
        let watch = Stopwatch.StartNew()
        action ()
        watch.Stop()
        own.Refresh()

        {
            Processor = (own.TotalProcessorTime - processor).TotalSeconds
            Wall = watch.Elapsed.TotalSeconds
        }

    warm action
    let costs = List.init runs (fun _ -> once ())

    {
        Processor = costs |> List.map _.Processor |> List.min
        Wall = costs |> List.map _.Wall |> List.min
    }

/// MB (10^6 bytes) a second.
let rate (bytes: int64) (seconds: float) : float = float bytes / 1e6 / seconds
