module Pruning.Tests.Data.Batching.PrefetchTests

open System
open System.Collections.Generic
open System.Threading
open Expecto
open Pruning.Data.Batching

let private none = CancellationToken.None

/// Counts how many are loading at once, and how many results are out: loaded and neither taken nor disposed.
type private Watch() =
    let mutable running = 0
    let mutable worst = 0
    let mutable live = 0
    member _.Running = Volatile.Read &running
    member _.Worst = Volatile.Read &worst
    member _.Live = Volatile.Read &live

    member _.Load (work: int -> 'T) (item: int) =
        let now = Interlocked.Increment &running
        let mutable seen = Volatile.Read &worst

        while now > seen && Interlocked.CompareExchange(&worst, now, seen) <> seen do
            seen <- Volatile.Read &worst

        try
            work item
        finally
            Interlocked.Decrement &running |> ignore

    member _.Ticket() =
        Interlocked.Increment &live |> ignore

        { new IDisposable with
            member _.Dispose() = Interlocked.Decrement &live |> ignore
        }

let private order =
    [
        for workers in [ 0; 1; 2; 5 ] do
            for ahead in [ 1; 3; 64 ] do
                test $"{workers} workers, {ahead} ahead: every item once, in order" {
                    let calls = Array.zeroCreate<int> 200

                    let load item =
                        Interlocked.Increment &calls[item] |> ignore
                        Thread.SpinWait((item * 7919) % 5000)
                        item * 2

                    let results = Prefetch.InOrder([| 0..199 |], load, workers, ahead, none) |> Seq.toArray
                    Expect.equal results [| for i in 0..199 -> i * 2 |] "results"
                    Expect.equal calls (Array.create 200 1) "calls"
                }
    ]

[<Tests>]
let tests =
    testList
        "prefetch"
        [
            testList "order" order

            test "an empty plan gives nothing" {
                Expect.isEmpty (Prefetch.InOrder(Array.empty<int>, id, 3, 2, none)) "nothing"
            }

            test "no more than the bound is loaded before the consumer takes" {
                let mutable started = 0
                let gate = new ManualResetEventSlim(false)

                let load item =
                    Interlocked.Increment &started |> ignore

                    if Volatile.Read &started = 4 then
                        gate.Set()

                    item

                use results = Prefetch.InOrder([| 0..99 |], load, 8, 4, none).GetEnumerator()
                Expect.isTrue (results.MoveNext()) "the first"
                Expect.isTrue (gate.Wait 30000) "the bound is used"
                // One was taken, four may wait: a sixth would be one too many, however long we wait.
                Thread.Sleep 50
                Expect.isLessThanOrEqual (Volatile.Read &started) 5 "one taken and four waiting"
            }

            test "workers load at the same time" {
                // Each of the first three waits for the other two: one thread alone would never pass.
                use barrier = new Barrier 3

                let load item =
                    (if item < 3 then
                         Expect.isTrue (barrier.SignalAndWait 30000) "three together")

                    item

                Expect.equal (Prefetch.InOrder([| 0..9 |], load, 3, 3, none) |> Seq.length) 10 "all came"
            }

            test "an exception surfaces where its item stands, with its own class, and nothing after it is handed out" {
                for workers in [ 0; 1; 4 ] do
                    let taken = List<int>()

                    let load item =
                        if item = 13 then
                            raise (InvalidTimeZoneException "thirteen")

                        item

                    Expect.throwsT<InvalidTimeZoneException>
                        (fun () ->
                            for item in Prefetch.InOrder([| 0..99 |], load, workers, 8, none) do
                                taken.Add item)
                        "the load's own exception"

                    Expect.equal (List.ofSeq taken) [ 0..12 ] "all before it"
            }

            test "the first of two exceptions in the order is the one that surfaces" {
                use late = new ManualResetEventSlim(false)

                let load item =
                    match item with
                    | 2 ->
                        late.Wait 30000 |> ignore
                        raise (InvalidOperationException "two")
                    | 3 ->
                        late.Set()
                        raise (ArgumentException "three")
                    | _ -> item

                Expect.throwsT<InvalidOperationException>
                    (fun () -> Prefetch.InOrder([| 0..9 |], load, 4, 4, none) |> Seq.iter ignore)
                    "item 2, though item 3 failed before it"
            }

            test "leaving early stops the threads and disposes what nobody took" {
                let watch = Watch()
                let load = watch.Load(fun _ -> watch.Ticket())

                let results = Prefetch.InOrder([| 0..999 |], load, 4, 16, none).GetEnumerator()
                Expect.isTrue (results.MoveNext()) "the first"
                results.Current.Dispose()
                results.Dispose()
                Expect.equal watch.Running 0 "no load runs after Dispose"
                Expect.equal watch.Live 0 "every result is disposed"
                Expect.isLessThanOrEqual watch.Worst 4 "never more loads than workers"
            }

            test "cancellation ends the sequence, even while a load takes its time" {
                use stop = new CancellationTokenSource()
                use started = new ManualResetEventSlim(false)
                let watch = Watch()

                let load =
                    watch.Load(fun item ->
                        if item = 3 then
                            started.Set()
                            stop.Token.WaitHandle.WaitOne 30000 |> ignore

                        watch.Ticket())

                let canceller =
                    Thread(fun () ->
                        started.Wait 30000 |> ignore
                        stop.Cancel())

                canceller.Start()

                Expect.throwsT<OperationCanceledException>
                    (fun () ->
                        for ticket in Prefetch.InOrder([| 0..99 |], load, 2, 4, stop.Token) do
                            ticket.Dispose())
                    "cancelled"

                canceller.Join()
                Expect.equal (watch.Running, watch.Live) (0, 0) "nothing runs, nothing leaks"
            }

            test "a token that is cancelled already gives nothing" {
                for workers in [ 0; 2 ] do
                    Expect.throwsT<OperationCanceledException>
                        (fun () ->
                            Prefetch.InOrder([| 1 |], id, workers, 1, CancellationToken true)
                            |> Seq.iter ignore)
                        "cancelled"
            }

            test "arguments are checked before anything is enumerated" {
                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> Prefetch.InOrder([| 1 |], id, -1, 1, none) |> ignore)
                    "workers"

                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> Prefetch.InOrder([| 1 |], id, 1, 0, none) |> ignore)
                    "ahead"
            }

            test "the sequence may be enumerated twice" {
                let twice = Prefetch.InOrder([| 0..9 |], id, 2, 3, none)
                Expect.equal (Seq.toList twice) (Seq.toList twice) "the same again"
            }
        ]
