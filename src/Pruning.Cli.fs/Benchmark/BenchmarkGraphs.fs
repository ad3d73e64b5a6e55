/// The graphs that `benchmark` times: of files, or drawn at random.
[<RequireQualifiedAccess>]
module Pruning.Cli.Benchmark.BenchmarkGraphs

open System
open TorchSharp
open Pruning.Data.Graphs
open Pruning.Model.ModelFiles

/// In-edges of every node of a random graph: one from itself, the others from anywhere, about as many as tracksters have.
let inEdges = 9

/// Graphs of so many nodes with features, sources and labels drawn from a fixed seed.
let random (nodes: int) (count: int) : ShowerGraph list =
    let random = Random 1
    let edges = inEdges * nodes

    [
        for entry in 0 .. count - 1 ->
            let source =
                Array.init edges (fun edge -> if edge % inEdges = 0 then edge / inEdges else random.Next nodes)

            ShowerGraph(
                GraphOrigin("random", int64 entry, Nullable()),
                Array.init (ShowerGraph.FeatureCount * nodes) (fun _ -> random.NextSingle() * 2f - 1f),
                source,
                Array.init edges (fun edge -> edge / inEdges),
                Array.init nodes (fun _ -> byte (random.Next 2))
            )
    ]

/// Graphs of benchmarks/bench-graphs.safetensors: node and edge offsets, ends in edge order, features, labels.
let ofSafeTensors (path: string) : ShowerGraph list =
    use file = SafeTensors.read path
    use _scope = torch.NewDisposeScope()
    let longs (name: string) = (file.Tensor name).data<int64>().ToArray()
    let floats (name: string) = (file.Tensor name).data<float32>().ToArray()
    let nodes, edges = longs "node_offsets", longs "edge_offsets"
    let source, target = longs "src", longs "dst"
    let features, labels = floats "features", floats "labels"

    [
        for g in 0 .. nodes.Length - 2 do
            let first, last = int nodes[g], int nodes[g + 1] - 1
            let from, upTo = int edges[g], int edges[g + 1] - 1
            let width = ShowerGraph.FeatureCount

            ShowerGraph(
                GraphOrigin(path, int64 g, Nullable()),
                features[first * width .. (last + 1) * width - 1],
                source[from..upTo] |> Array.map int,
                target[from..upTo] |> Array.map int,
                labels[first..last] |> Array.map byte
            )
    ]
