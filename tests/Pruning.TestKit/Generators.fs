/// Random tracksters and graphs for property tests, with shrinkers. Sizes follow FsCheck's; one node, no link,
/// duplicate links, links of a node to itself and both directions of a link all come often.
module Pruning.Tests.Generators

open System
open FsCheck
open FsCheck.FSharp
open Pruning.Data.Graphs
open Pruning.Data.Tracksters

/// One layer cluster of a trackster as the file would hold it.
type RawNode =
    {
        Id: int64
        PosX: float32
        PosY: float32
        PosZ: float32
        Energy: float32
        Time: float32
        Eta: float32
        Phi: float32
        High: bool
        Low: bool
        Prune: bool
    }

/// A trackster as the file would hold it: at least one node, ids unique, links between ids.
type RawTrackster =
    {
        Nodes: RawNode list
        Links: (int64 * int64) list
    }

[<RequireQualifiedAccess>]
module RawTrackster =

    let private column (f: RawNode -> 'T) (raw: RawTrackster) = raw.Nodes |> List.map f |> List.toArray
    let private flag (f: RawNode -> bool) raw = column (fun n -> if f n then 1f else 0f) raw

    /// Builds the trackster's graph.
    let build (origin: GraphOrigin) (raw: RawTrackster) : ShowerGraph =
        let columns =
            TracksterColumns(
                Id = ReadOnlySpan(column _.Id raw),
                PosX = ReadOnlySpan(column _.PosX raw),
                PosY = ReadOnlySpan(column _.PosY raw),
                PosZ = ReadOnlySpan(column _.PosZ raw),
                Energy = ReadOnlySpan(column _.Energy raw),
                Time = ReadOnlySpan(column _.Time raw),
                Eta = ReadOnlySpan(column _.Eta raw),
                Phi = ReadOnlySpan(column _.Phi raw),
                IsSeedHigh = ReadOnlySpan(flag _.High raw),
                IsSeedLow = ReadOnlySpan(flag _.Low raw),
                Label = ReadOnlySpan(flag _.Prune raw),
                Origin = ReadOnlySpan(raw.Links |> List.map fst |> List.toArray),
                Target = ReadOnlySpan(raw.Links |> List.map snd |> List.toArray)
            )

        GraphBuilder.Build(origin, &columns)

/// An origin for graphs that come from no file.
let inMemory (entry: int64) = GraphOrigin("in memory", entry, Nullable())

/// The graph of a trackster that comes from no file.
let graphOf (raw: RawTrackster) : ShowerGraph = RawTrackster.build (inMemory 0L) raw

let private coordinate = Gen.choose (-4000, 4000) |> Gen.map (fun n -> float32 n / 16f)

let private node (id: int64) = gen {
    let! x = coordinate
    let! y = coordinate
    let! z = coordinate
    let! energy = Gen.choose (1, 10000) |> Gen.map (fun n -> float32 n / 128f)

    let! time =
        Gen.frequency [ 2, Gen.constant -99f; 1, Gen.choose (-64, 1200) |> Gen.map (fun n -> float32 n / 64f) ]

    let! eta = Gen.choose (-300, 300) |> Gen.map (fun n -> float32 n / 100f)
    let! phi = Gen.choose (-314, 314) |> Gen.map (fun n -> float32 n / 100f)
    let! high = Gen.frequency [ 5, Gen.constant false; 1, Gen.constant true ]
    let! low = Gen.frequency [ 8, Gen.constant false; 1, Gen.constant true ]
    let! prune = Gen.frequency [ 3, Gen.constant false; 1, Gen.constant true ]

    return
        {
            Id = id
            PosX = x
            PosY = y
            PosZ = z
            Energy = energy
            Time = time
            Eta = eta
            Phi = phi
            High = high
            Low = low
            Prune = prune
        }
}

// Dense from some start (the usual), strided, or anything at all.
let private ids (count: int) =
    Gen.oneof
        [
            Gen.choose (0, 1000)
            |> Gen.map (fun first -> [ for i in 0 .. count - 1 -> int64 (first + i) ])
            Gen.choose (1, 1 <<< 20)
            |> Gen.map (fun stride -> [ for i in 0 .. count - 1 -> int64 i * int64 stride ])
            ArbMap.defaults
            |> ArbMap.generate<int64>
            |> Gen.listOfLength count
            |> Gen.map (List.mapi (fun i id -> (id <<< 10) + int64 i))
        ]

let private links (ids: int64 list) =
    let any = Gen.elements ids

    let tree =
        ids
        |> List.mapi (fun i id ->
            if i = 0 then
                None
            else
                Some(Gen.choose (0, i - 1) |> Gen.map (fun p -> ids[p], id)))
        |> List.choose Operators.id
        |> Gen.sequenceToList

    let loose = Gen.zip any any |> Gen.listOf

    Gen.frequency
        [
            1, Gen.constant []
            4, tree
            3, loose
            2,
            Gen.map2
                (fun edges (copies: int) -> List.replicate (1 + copies % 3) edges |> List.concat)
                loose
                (Gen.choose (0, 5))
            1, any |> Gen.map (fun id -> [ id, id; id, id ])
        ]

let rawTrackster: Gen<RawTrackster> =
    Gen.sized (fun size -> gen {
        let! count = Gen.frequency [ 1, Gen.constant 1; 6, Gen.choose (1, max 1 size) ]
        let! ids = ids count
        let! order = Gen.shuffle (List.toArray ids)
        let! nodes = order |> Array.toList |> List.map node |> Gen.sequenceToList
        let! links = links ids
        return { Nodes = nodes; Links = links }
    })

let private without (i: int) (list: 'T list) = List.removeAt i list

/// Smaller tracksters: without one node and its links, without half of the links, without one link.
let private smaller (raw: RawTrackster) : RawTrackster seq = seq {
    if List.length raw.Nodes > 1 then
        for i in 0 .. raw.Nodes.Length - 1 do
            let gone = raw.Nodes[i].Id

            {
                Nodes = without i raw.Nodes
                Links = raw.Links |> List.filter (fun (o, t) -> o <> gone && t <> gone)
            }

    if List.length raw.Links > 1 then
        { raw with
            Links = List.take (raw.Links.Length / 2) raw.Links
        }

    for i in 0 .. raw.Links.Length - 1 do
        { raw with Links = without i raw.Links }
}

/// Tracksters, shrinking to one node without links.
let rawTracksters: Arbitrary<RawTrackster> = Arb.fromGenShrink (rawTrackster, smaller)

let private renumber (raws: RawTrackster list) =
    raws |> List.mapi (fun i raw -> RawTrackster.build (inMemory (int64 i)) raw)

/// Register with `{ FsCheckConfig.defaultConfig with arbitrary = [ typeof<Arbitraries> ] }`.
type Arbitraries =

    static member RawTrackster() : Arbitrary<RawTrackster> = rawTracksters

/// The configuration under which properties get the arbitraries of this file.
let config =
    { Expecto.FsCheckConfig.defaultConfig with
        arbitrary = [ typeof<Arbitraries> ]
        endSize = 40
    }

/// A property over random tracksters; the graphs of a list of them come from `graphsOf`.
let property name (check: 'a -> 'b) = Expecto.ExpectoFsCheck.testPropertyWithConfig config name check

/// The graphs of several tracksters, numbered by entry.
let graphsOf (raws: RawTrackster list) : ShowerGraph list = renumber raws
