/// Tables in memory, as a reader would fill them.
module Pruning.Tests.Data.Tracksters.TableOf

open Pruning.Data.Tracksters
open Pruning.Tests.Generators

let private jagged (lists: 'T list list) : Jagged<'T> =
    let offsets = lists |> List.scan (fun n one -> n + int64 one.Length) 0L |> List.toArray
    Jagged<'T>(lists |> List.concat |> List.toArray, offsets)

/// The columns of some tracksters; `events` gives each its event.
let internal arrays (events: int64[] option) (raws: RawTrackster list) : TracksterArrays =
    let nodes (f: RawNode -> 'T) = raws |> List.map (fun raw -> raw.Nodes |> List.map f) |> jagged
    let flags (f: RawNode -> bool) = nodes (fun n -> if f n then 1f else 0f)
    let links f = raws |> List.map (fun raw -> raw.Links |> List.map f) |> jagged

    TracksterArrays(
        Id = nodes _.Id,
        PosX = nodes _.PosX,
        PosY = nodes _.PosY,
        PosZ = nodes _.PosZ,
        Energy = nodes _.Energy,
        Time = nodes _.Time,
        Eta = nodes _.Eta,
        Phi = nodes _.Phi,
        IsSeedHigh = flags _.High,
        IsSeedLow = flags _.Low,
        Label = flags _.Prune,
        Origin = links fst,
        Target = links snd,
        Event = Option.toObj events
    )

/// A table of some tracksters under a file name.
let table (file: string) (events: int64[] option) (raws: RawTrackster list) : TracksterTable =
    TracksterTable(file, arrays events raws, "Tracksters", "Edges")

/// A chain of `count` nodes whose energies tell it from others; ids are 10, 20, 30, ...
let chain (count: int) (mark: float32) : RawTrackster =
    {
        Nodes =
            [
                for i in 1..count ->
                    {
                        Id = int64 (10 * i)
                        PosX = float32 i
                        PosY = 0f
                        PosZ = 300f + float32 i
                        Energy = mark + float32 i
                        Time = -99f
                        Eta = 2f
                        Phi = 0.5f
                        High = (i = 1)
                        Low = false
                        Prune = (i % 4 = 0)
                    }
            ]
        Links = [ for i in 2..count -> int64 (10 * (i - 1)), int64 (10 * i) ]
    }
