module Pruning.Tests.Data.Batching.SplitTests

open System
open Expecto
open Pruning.Data.Batching
open Pruning.Data.Tracksters
open Pruning.Tests.Generators
open Pruning.Tests.Data.Tracksters.TableOf

let private ofTables (tables: TracksterTable list) =
    GraphDataset.OfTables(List.toArray tables, TracksterReadOptions(), Collections.Generic.List())

/// `count` different graphs; graph i is of event `event i`.
let private dataset (event: (int -> int64) option) count =
    let raws = [ for i in 0 .. count - 1 -> chain (1 + i % 5) (float32 i) ]
    ofTables [ table "a.root" (event |> Option.map (fun f -> [| for i in 0 .. count - 1 -> f i |])) raws ]

let private split options dataset = Split.Create(dataset, options)
let private standard = SplitOptions()
let private parts (s: SplitIndices) = [ s.Training; s.Validation; s.Test ]

/// What was said of a graph: training 0, validation 1, test 2.
let private partOf (s: SplitIndices) =
    parts s
    |> List.indexed
    |> List.collect (fun (p, indices) -> [ for i in indices -> i, p ])
    |> Map.ofList

[<Tests>]
let tests =
    testList
        "split"
        [
            property "every graph is in exactly one part" (fun (seed: int64) (count: int) (training: int) ->
                let count = 1 + abs count % 60
                let fraction = float (1 + abs training % 100) / 100.0
                use data = dataset None count
                let s = data |> split (SplitOptions(Seed = seed, TrainingFraction = fraction))
                Array.sort (Array.concat (parts s)) = [| 0 .. count - 1 |])

            test "sizes are exact where graphs stand for themselves" {
                use data = dataset None 1000
                let s = split standard data
                Expect.equal [ for p in parts s -> p.Length ] [ 750; 125; 125 ] "three quarters, and halves of the rest"
                Expect.isFalse s.ByEvent "no events"
                Expect.equal s.GroupCount 1000 "groups"
            }

            test "the only event that training leaves validates, as models are chosen by that" {
                use data = dataset (Some(fun i -> int64 (i % 2))) 12
                let s = split standard data
                Expect.equal [ for p in parts s -> p.Length ] [ 6; 6; 0 ] "training, validation, test"
            }

            test "an event is never divided, and the sizes are right to the nearest event" {
                use data = dataset (Some(fun i -> int64 (i / 3))) 999
                let s = split standard data
                let where = partOf s

                for event in 0..332 do
                    Expect.equal
                        ([ where[3 * event]; where[3 * event + 1]; where[3 * event + 2] ]
                         |> List.distinct
                         |> List.length)
                        1
                        $"event {event}"

                Expect.isLessThanOrEqual (abs (s.Training.Length - 749)) 1 "training"
                Expect.isLessThanOrEqual (abs (s.Validation.Length - 125)) 2 "validation"
                Expect.isTrue s.ByEvent "by event"
                Expect.equal s.GroupCount 333 "events"
            }

            test "the same seed gives the same split, another seed another" {
                use data = dataset None 200
                let one = split (SplitOptions(Seed = 1L)) data
                Expect.equal (parts (split (SplitOptions(Seed = 1L)) data)) (parts one) "again"
                Expect.notEqual (parts (split (SplitOptions(Seed = 2L)) data)) (parts one) "another"
            }

            test "neither the order of the files nor how graphs are spread over them matters" {
                for events in [ false; true ] do
                    let raws = [ for i in 0..299 -> chain (1 + i % 5) (float32 i) ]
                    let numbers = [| for i in 0L .. 299L -> i / 2L |]

                    let part first last =
                        table $"{first}.root" (if events then Some numbers[first..last] else None) raws[first..last]

                    use whole = ofTables [ part 0 299 ]
                    use swapped = ofTables [ part 100 299; part 0 99 ]
                    let a = partOf (split standard whole)
                    let b = partOf (split standard swapped)

                    for i in 0..299 do
                        Expect.equal b[(i + 200) % 300] a[i] $"graph {i}, events {events}"
            }

            test "more files move few graphs: only those near a cut" {
                use small = dataset None 900
                use large = dataset None 1000
                let a, b = partOf (split standard small), partOf (split standard large)

                let moved =
                    [
                        for i in 0..899 do
                            if a[i] <> b[i] then
                                i
                    ]

                Expect.isLessThan moved.Length 90 "a tenth more graphs, less than a tenth moved"
            }

            test "labels do not enter" {
                let raws = [ for i in 0..99 -> chain (1 + i % 5) (float32 i) ]

                let turned =
                    raws
                    |> List.map (fun raw ->
                        { raw with
                            Nodes = raw.Nodes |> List.map (fun n -> { n with Prune = not n.Prune })
                        })

                use a = ofTables [ table "a.root" None raws ]
                use b = ofTables [ table "a.root" None turned ]
                Expect.equal (parts (split standard b)) (parts (split standard a)) "the same split"
            }

            test "copies of a graph stay together" {
                let raws = [ for i in 0..99 -> chain 4 (float32 (i % 10)) ]
                use data = ofTables [ table "a.root" None raws ]
                let where = partOf (split standard data)

                for i in 10..99 do
                    Expect.equal where[i] where[i % 10] $"copy {i}"
            }

            test "sampling keeps a part of each part" {
                use data = dataset None 800
                let all = split standard data
                let tenth = split (SplitOptions(SamplingFraction = 0.1)) data
                let half = split (SplitOptions(SamplingFraction = 0.5)) data
                Expect.equal [ for p in parts tenth -> p.Length ] [ 60; 10; 10 ] "a tenth of 600, 100 and 100"

                let within a b =
                    List.forall2 (fun x y -> Set.isSubset (Set.ofArray x) (Set.ofArray y)) (parts a) (parts b)

                Expect.isTrue (within tenth half && within half all) "smaller samples lie within larger ones"
            }

            test "a sample keeps at least one graph of a part that has any" {
                use data = dataset None 16
                let s = split (SplitOptions(SamplingFraction = 0.01)) data
                Expect.equal [ for p in parts s -> p.Length ] [ 1; 1; 1 ] "one each"
            }

            test "few graphs: one, two and all for training" {
                use one = dataset None 1
                Expect.equal (parts (split standard one)) [ [| 0 |]; [||]; [||] ] "one graph trains"
                use four = dataset None 4

                Expect.equal
                    [ for p in parts (split standard four) -> p.Length ]
                    [ 3; 1; 0 ]
                    "validation goes before test"

                use many = dataset None 10

                Expect.equal
                    [ for p in parts (split (SplitOptions(TrainingFraction = 1.0)) many) -> p.Length ]
                    [ 10; 0; 0 ]
                    "all"
            }

            test "fractions outside (0, 1] are refused" {
                use data = dataset None 4

                for fraction in [ 0.0; -0.5; 1.5; nan ] do
                    Expect.throwsT<ArgumentOutOfRangeException>
                        (fun () -> split (SplitOptions(TrainingFraction = fraction)) data |> ignore)
                        $"training {fraction}"

                    Expect.throwsT<ArgumentOutOfRangeException>
                        (fun () -> split (SplitOptions(SamplingFraction = fraction)) data |> ignore)
                        $"sampling {fraction}"
            }
        ]
