/// The file that is measured: events with hits, 7 float32 and 4 int32 jagged branches that share a counter.
module Pruning.RootBenchmark.Sample

open System
open Pruning.Root.Files
open Pruning.Root.Reading
open Pruning.Root.Writing
open Pruning.Root.Writing.Ntuples
open Pruning.Root.Writing.Trees

type Sample =
    {
        /// [entries + 1]
        Offsets: int64 array
        Floats: (string * float32 array) list
        Ints: (string * int array) list
    }

[<RequireQualifiedAccess>]
module Sample =

    /// Hits are 30 an entry on average, at least 1; their values look like a calorimeter's: no branch is noise alone, none
    /// is constant.
    let create (entries: int) : Sample =
        let random = Random 2024

        let gaussian () =
            Math.Sqrt(-2.0 * Math.Log(1.0 - random.NextDouble()))
            * Math.Cos(6.2831853 * random.NextDouble())

        let counts = Array.init entries (fun _ -> max 1 (int (30.0 + 8.0 * gaussian ())))
        let offsets = counts |> Array.scan (fun sum n -> sum + int64 n) 0L
        let total = int offsets[entries]
        let float' () : float32 array = Array.zeroCreate total
        let int' () : int array = Array.zeroCreate total

        let x, y, z, energy, time, eta, phi =
            float' (), float' (), float' (), float' (), float' (), float' (), float' ()

        let id, layer, cells, detector = int' (), int' (), int' (), int' ()
        let mutable hit = 0

        for entry in 0 .. entries - 1 do
            let direction, slope = 6.2831853 * random.NextDouble(), 0.15 + 0.5 * random.NextDouble()

            for i in 0 .. counts[entry] - 1 do
                let plane = 1 + i * 46 / counts[entry]
                let depth = 320.0 + 2.3 * float plane
                z[hit] <- float32 depth
                x[hit] <- float32 (depth * slope * Math.Cos direction + 2.0 * gaussian ())
                y[hit] <- float32 (depth * slope * Math.Sin direction + 2.0 * gaussian ())
                energy[hit] <- float32 (-0.8 * Math.Log(1.0 - random.NextDouble()))
                time[hit] <- if random.Next 4 = 0 then float32 (depth / 29.98) else -99f
                eta[hit] <- float32 (Math.Asinh(depth / Math.Sqrt(float x[hit] ** 2.0 + float y[hit] ** 2.0)))
                phi[hit] <- MathF.Atan2(y[hit], x[hit])
                id[hit] <- i
                layer[hit] <- plane
                cells[hit] <- 1 + random.Next(1 + random.Next 12)
                detector[hit] <- 0x42000000 ||| (plane <<< 16) ||| random.Next 4096
                hit <- hit + 1

        {
            Offsets = offsets
            Floats = [ "x", x; "y", y; "z", z; "energy", energy; "time", time; "eta", eta; "phi", phi ]
            Ints = [ "id", id; "layer", layer; "cells", cells; "detector", detector ]
        }

    let names (sample: Sample) : string list = (List.map fst sample.Floats) @ (List.map fst sample.Ints)

    /// Bytes of the values, without offsets.
    let bytes (sample: Sample) : int64 = sample.Offsets[sample.Offsets.Length - 1] * 44L

    /// Writes the sample several times over as the tree `Events`, so many entries a call.
    let writeRepeated (path: string) (options: RootWriteOptions) (piece: int) (times: int) (sample: Sample) : unit =
        use file = RootFileWriter.Create(path, options)
        let tree = file.CreateTree "Events"
        let group = tree.Counter "n"

        let floats =
            sample.Floats
            |> List.map (fun (name, values) -> group.Jagged<float32> name, values)

        let ints = sample.Ints |> List.map (fun (name, values) -> group.Jagged<int> name, values)

        for _ in 1..times do
            for first in 0..piece .. sample.Offsets.Length - 2 do
                let count = min piece (sample.Offsets.Length - 1 - first)

                tree.Append(
                    [
                        group.Lists(ReadOnlyMemory(sample.Offsets, first, count + 1))
                        for branch, values in floats do
                            branch.Values values
                        for branch, values in ints do
                            branch.Values values
                    ]
                    : BranchData list
                )

        file.Close()

    /// Writes the sample as the tree `Events`, so many entries a call.
    let write (path: string) (options: RootWriteOptions) (piece: int) (sample: Sample) : unit =
        writeRepeated path options piece 1 sample

    /// Writes the sample as the RNTuple `Events`, so many entries a call.
    let writeNtuple (path: string) (options: RootWriteOptions) (piece: int) (sample: Sample) : unit =
        use file = RootFileWriter.Create(path, options)
        let ntuple = file.CreateNtuple "Events"

        let floats =
            sample.Floats
            |> List.map (fun (name, values) -> ntuple.Field<float32>(name, 1), values)

        let ints =
            sample.Ints
            |> List.map (fun (name, values) -> ntuple.Field<int>(name, 1), values)

        for first in 0..piece .. sample.Offsets.Length - 2 do
            let count = min piece (sample.Offsets.Length - 1 - first)
            let offsets = ReadOnlyMemory(sample.Offsets, first, count + 1)

            ntuple.Append(
                [
                    for field, values in floats do
                        field.List(offsets, values)
                    for field, values in ints do
                        field.List(offsets, values)
                ]
                : NtupleData list
            )

        file.Close()

    /// Names of the jagged branches of a written sample, and bytes of their values.
    let stored (path: string) : string list * int64 =
        use file = RootFile.Open path
        let tree = file.Tree "Events"

        let hits =
            tree.ReadClusters [ "n" ]
            |> Seq.sumBy (fun chunk -> chunk.Column<int>("n").Values |> Array.sumBy int64)

        [
            for branch in tree.Branches do
                if not branch.FixedLength.HasValue then
                    branch.Name
        ],
        hits * 44L
