module Pruning.Tests.Data.Tracksters.TracksterReaderTests

open System
open System.IO
open System.Text
open System.Text.Json
open Expecto
open Pruning.Data.Errors
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Data.Tracksters
open Pruning.Tests

let private sample = Path.Combine(Fixture.repository, "samples", "tracksters.root")
let private standard = TracksterReadOptions()
let private all (dataset: GraphDataset) = [| 0 .. dataset.Count - 1 |]

let private sampleSet = lazy (GraphDataset.Open([| sample |], standard))

/// Runs a test in an empty directory whose name has a space.
let private inDirectory (check: string -> unit) =
    let root = Directory.CreateTempSubdirectory("trackster reader ").FullName

    try
        check root
    finally
        Directory.Delete(root, true)

/// The sample with some words exchanged, each by one of its length: names of branches stand in the file as they are,
/// values do not, so this makes files that say something else of the same values.
let private reworded (words: (string * string) list) (path: string) =
    let text = Encoding.Latin1.GetString(File.ReadAllBytes sample)
    let places = ResizeArray<int * string>()

    for was, is in words do
        Expect.equal is.Length was.Length "words of one length"
        let mutable at = text.IndexOf(was, StringComparison.Ordinal)
        Expect.isGreaterThanOrEqual at 0 $"'{was}' is in the file"

        while at >= 0 do
            places.Add((at, is))
            at <- text.IndexOf(was, at + was.Length, StringComparison.Ordinal)

    let bytes = File.ReadAllBytes sample

    for at, is in places do
        Encoding.ASCII.GetBytes(is).CopyTo(bytes, at)

    File.WriteAllBytes(path, bytes)

let private refused (files: string list) options (parts: string list) =
    Expect.throwsC (fun () -> GraphDataset.Open(List.toArray files, options) |> ignore) (fun error ->
        Expect.isTrue (DataException.Covers error) $"wanted a DataException, found {error}"

        for part in parts do
            Expect.stringContains error.Message part "the message")

let private reading =
    testList
        "sample"
        [
            test "the sample has a thousand trees with one seed each" {
                let dataset = sampleSet.Value
                let s = DatasetStatistics.Of(dataset, all dataset)

                Expect.equal
                    (s.GraphCount, s.GraphsOfTreeSize, s.SeedsPerGraph.Counts[1])
                    (1000L, 1000L, 1000L)
                    "graphs, trees, seeds"

                Expect.equal (s.NodeCount, s.LinkCount) (31680L, 30680L) "nodes and links"
                Expect.isEmpty dataset.Skipped "nothing skipped"
                Expect.equal dataset.Files.Count 1 "files"
                Expect.equal dataset.Files[0].Bytes (FileInfo sample).Length "bytes"
                Expect.isFalse (dataset.EventOf(0).HasValue) "the file does not say which event"
            }

            test "trees are found with and without their cycle" {
                let named = TracksterReadOptions(TracksterTree = "Tracksters;1", EdgeTree = "Edges;1")
                use dataset = GraphDataset.Open([| sample |], named)
                let a, b = dataset[17], sampleSet.Value[17]
                Expect.equal (a.Features, a.Source, a.Labels) (b.Features, b.Source, b.Labels) "the same graph"
            }

            test "the number of workers does not change what is read" {
                use one = GraphDataset.Open([| sample |], TracksterReadOptions(Workers = 1))

                let sums (d: GraphDataset) =
                    DatasetStatistics.Of(d, all d).Features
                    |> Seq.map (fun m -> m.Mean, m.Variance)
                    |> Seq.toList

                Expect.equal (sums one) (sums sampleSet.Value) "moments to the bit"
            }

            test "several files, one of them by a pattern, are read in order" {
                inDirectory (fun root ->
                    for name in [ "b.root"; "a.root" ] do
                        File.Copy(sample, Path.Combine(root, name))

                    use dataset = GraphDataset.Open([| sample; Path.Combine(root, "*.root") |], standard)
                    Expect.equal dataset.Count 3000 "graphs"

                    Expect.equal
                        [ for f in dataset.Files -> Path.GetFileName f.Path ]
                        [ "tracksters.root"; "a.root"; "b.root" ]
                        "order"

                    Expect.equal dataset[2005].Origin.Entry 5L "entry"
                    Expect.equal (Path.GetFileName dataset[2005].Origin.File) "b.root" "file"
                    Expect.equal dataset[2005].Features sampleSet.Value[5].Features "graph")
            }

            test "the event is read where the file has one, and events are not divided" {
                inDirectory (fun root ->
                    // The counter of the times, a plain number per entry, becomes the event.
                    let path = Path.Combine(root, "events.root")
                    reworded [ "ntime", "event" ] path
                    use dataset = GraphDataset.Open([| path |], standard)

                    for i in 0..99 do
                        Expect.equal (dataset.EventOf i) (Nullable(int64 dataset[i].NodeCount)) $"event of graph {i}"
                        Expect.equal dataset[i].Origin.Event (dataset.EventOf i) "also in the origin"

                    let split = Split.Create(dataset, SplitOptions())
                    Expect.isTrue split.ByEvent "by event"
                    let sizes part = part |> Array.map (fun i -> dataset[i].NodeCount) |> Set.ofArray
                    Expect.isEmpty (Set.intersect (sizes split.Training) (sizes split.Test)) "no event on both sides"

                    Expect.isEmpty
                        (Set.intersect (sizes split.Training) (sizes split.Validation))
                        "no event on both sides")
            }
        ]

let private errors =
    testList
        "errors"
        [
            test "a missing file is an error that names it, or is skipped on request, but never silently nothing" {
                inDirectory (fun root ->
                    let missing = Path.Combine(root, "none.root")
                    refused [ missing ] standard [ missing ]

                    refused
                        [ missing ]
                        (TracksterReadOptions(SkipBadFiles = true))
                        [ "at least one readable file"; missing ])
            }

            test "bad files are skipped on request and listed with their reason" {
                inDirectory (fun root ->
                    let text = Path.Combine(root, "text.root")
                    let cut = Path.Combine(root, "cut.root")
                    let empty = Path.Combine(root, "empty.root")
                    File.WriteAllText(text, "id,pos_x,pos_y\n1,2,3\n")
                    File.WriteAllBytes(cut, (File.ReadAllBytes sample)[..400000])
                    File.WriteAllBytes(empty, [||])

                    for file in [ text; cut; empty ] do
                        refused [ sample; file ] standard [ file ]

                    use dataset =
                        GraphDataset.Open([| text; sample; cut; empty |], TracksterReadOptions(SkipBadFiles = true))

                    Expect.equal dataset.Count 1000 "graphs of the good file"

                    Expect.equal
                        [ for s in dataset.Skipped -> s.File, s.Entry ]
                        [ text, Nullable(); cut, Nullable(); empty, Nullable() ]
                        "skipped"

                    for skipped in dataset.Skipped do
                        Expect.stringContains skipped.Reason skipped.File "the reason names the file")
            }

            test "columns larger than the limit of the options are refused before memory is taken" {
                refused [ sample ] (TracksterReadOptions(MaxReadBytes = 100000L)) [ "MaxReadBytes is 100000"; sample ]
            }

            test "a missing tree is an error that names the nearest" {
                refused
                    [ sample ]
                    (TracksterReadOptions(TracksterTree = "Trackster"))
                    [ "Trackster"; "'Tracksters'"; sample ]

                refused [ sample ] (TracksterReadOptions(EdgeTree = "Links")) [ "Links"; sample ]
            }

            test "a missing branch is an error that names the tree" {
                refused
                    [ sample ]
                    (TracksterReadOptions(EdgeTree = "Tracksters"))
                    [ "'origin'"; "tree 'Tracksters'"; sample ]

                inDirectory (fun root ->
                    let path = Path.Combine(root, "renamed.root")
                    reworded [ "label", "lobel" ] path
                    refused [ path ] standard [ "'label'"; "lobel"; "tree 'Tracksters'"; path ])
            }

            test "a label that is a coordinate is refused with its entry, or every such graph is skipped" {
                inDirectory (fun root ->
                    let path = Path.Combine(root, "swapped.root")
                    reworded [ "label", "pos_x"; "pos_x", "label" ] path
                    refused [ path ] standard [ "wanted 0 or 1"; "branch 'label'"; "entry 0"; path ]

                    refused
                        [ path ]
                        (TracksterReadOptions(SkipBadGraphs = true))
                        [ "at least one trackster"; "1000 skipped" ])
            }

            test "trees of different length are refused, with both numbers" {
                inDirectory (fun root ->
                    // The description of the tree Edges is the last of the file's two: from there on, 1000 entries (as
                    // the file writes them, 8 bytes, highest first) become 999.
                    let path = Path.Combine(root, "shorter.root")
                    let bytes = File.ReadAllBytes sample

                    let from =
                        Encoding.Latin1.GetString(bytes).IndexOf("norigin", StringComparison.Ordinal)
                        - 300

                    let thousand = [| 0uy; 0uy; 0uy; 0uy; 0uy; 0uy; 3uy; 0xE8uy |]
                    let mutable at = from + MemoryExtensions.IndexOf(Span(bytes).Slice from, ReadOnlySpan thousand)

                    while at >= from do
                        bytes[at + 7] <- 0xE7uy
                        let next = MemoryExtensions.IndexOf(Span(bytes).Slice at, ReadOnlySpan thousand)
                        at <- if next < 0 then -1 else at + next

                    File.WriteAllBytes(path, bytes)
                    refused [ path ] standard [ "1000 entries in tree 'Tracksters'"; "999 in tree 'Edges'"; path ])
            }

            test "one number per entry instead of a list is refused" {
                inDirectory (fun root ->
                    let path = Path.Combine(root, "flat.root")
                    reworded [ "npos_x", "energy"; "energy", "npos_x" ] path
                    refused [ path ] standard [ "wanted a list per entry"; "branch 'energy'"; path ])
            }
        ]

/// The larger file that the sample is the beginning of, with statistics that its generator computed; not in the repository.
let private synthetic =
    let directory = Path.GetFullPath(Path.Combine(Fixture.repository, "..", "shared", "data"))
    let file = Path.Combine(directory, "tracksters-synthetic.root")

    test "the numbers of the synthetic file are those that its generator wrote down" {
        if not (File.Exists file) then
            skiptest $"{file} is not there"

        use wanted =
            JsonDocument.Parse(File.ReadAllText(Path.Combine(directory, "tracksters-synthetic.stats.json")))

        let value (name: string) = wanted.RootElement.GetProperty name
        use dataset = GraphDataset.Open([| file |], standard)
        let s = DatasetStatistics.Of(dataset, all dataset)

        Expect.equal s.GraphCount ((value "graphs").GetInt64()) "graphs"
        Expect.equal s.NodeCount ((value "nodes").GetInt64()) "nodes"
        Expect.equal s.LinkCount ((value "edges").GetInt64()) "links"

        let near name found =
            Expect.floatClose { absolute = 1e-12; relative = 1e-9 } found ((value name).GetDouble()) name

        near "prune_fraction_nodes" (s.PrunedNodesPercent / 100.0)
        near "graphs_without_prune" (s.GraphsWithoutPruningPercent / 100.0)
        near "graphs_parent_pruned_child_kept" (float s.GraphsWithViolation / float s.GraphCount)
        near "lc_with_time" (float s.NodesWithTime / float s.NodeCount)
        // The generator summed energies in float32.
        Expect.floatClose
            { absolute = 0.0; relative = 1e-5 }
            (s.PrunedEnergyPercent / 100.0)
            ((value "prune_fraction_energy").GetDouble())
            "energy"

        /// Counts between the same edges agree, and neither has any elsewhere.
        let sameCounts name (h: Histogram) =
            let edges = [ for e in (value name).GetProperty("edges").EnumerateArray() -> e.GetDouble() ]
            let counts = [ for c in (value name).GetProperty("counts").EnumerateArray() -> c.GetInt64() ]
            let mutable compared = 0

            for i, (low, high) in edges |> List.pairwise |> List.indexed do
                let at = h.Edges |> Seq.tryFindIndex (fun e -> abs (e - low) < 1e-6)

                match at with
                | Some bin when bin < h.Counts.Count && abs (h.Edges[bin + 1] - high) < 1e-6 ->
                    Expect.equal h.Counts[bin] counts[i] $"{name}, bin from {low}"
                    compared <- compared + 1
                | _ -> ()

            Expect.isGreaterThan compared (counts.Length - 3) $"{name}: bins in common"
            let moment (name': string) = (value name).GetProperty(name').GetDouble()
            let close found wanted = Expect.floatClose { absolute = 1e-6; relative = 1e-6 } found wanted
            close h.Moments.Mean (moment "mean") $"{name}: mean"
            close h.Moments.Min (moment "min") $"{name}: smallest"
            close h.Moments.Max (moment "max") $"{name}: largest"

        sameCounts "nodes_per_graph" s.NodesPerGraph
        sameCounts "edges_per_graph" s.LinksPerGraph
        sameCounts "degree" s.LinksPerNode
        sameCounts "trackster_energy" s.TracksterEnergy
        sameCounts "log10_lc_energy" s.LogEnergy
        sameCounts "prune_fraction_per_graph" s.PrunedSharePerGraph
        sameCounts "seeds_per_graph" s.SeedsPerGraph

        for i in 0..999 do
            Expect.equal dataset[i].Features sampleSet.Value[i].Features $"graph {i} of the sample"
            Expect.equal dataset[i].Source sampleSet.Value[i].Source $"graph {i} of the sample"
    }

[<Tests>]
let tests = testList "trackster reader" [ reading; errors; synthetic ]
