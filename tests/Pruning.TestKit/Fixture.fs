/// Reference numbers: where they are and how they are read. The reader is ten lines of its own on purpose: a mistake in
/// the library's safetensors reader must not be able to hide behind itself.
module Pruning.Tests.Fixture

open System
open System.IO
open System.Text.Json
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Graphs

/// The repository's root: the nearest directory above the test program that holds the solution.
let repository: string =
    let rec up (directory: string) =
        if File.Exists(Path.Combine(directory, "GraphPruning.sln")) then
            directory
        else
            match Directory.GetParent directory with
            | null -> failwith $"no GraphPruning.sln above {AppContext.BaseDirectory}"
            | parent -> up parent.FullName

    up AppContext.BaseDirectory

/// The sample of the repository.
let sample: string = Path.Combine(repository, "samples", "tracksters.root")

/// The reference numbers that the repository holds.
let own: string = Path.Combine(repository, "tests", "Fixtures")

/// Reference numbers of the parity tests, `graphs.safetensors`, `index.json` and `cases/`: ours, or those that
/// PRUNING_FIXTURES names.
let directory: string =
    match Environment.GetEnvironmentVariable "PRUNING_FIXTURES" with
    | null
    | "" -> own
    | elsewhere when File.Exists(Path.Combine(elsewhere, "index.json")) -> elsewhere
    | elsewhere ->
        eprintfn
            "PRUNING_FIXTURES wants a directory with index.json, graphs.safetensors and cases/; found no index.json in %s."
            elsewhere

        exit 2

/// Single layers of the same source; ours where it has none.
let layers: string = if Directory.Exists(Path.Combine(directory, "layers")) then directory else own

/// Tensors of a .safetensors file by name.
type Tensors = Map<string, torch.Tensor>

let read (path: string) : Tensors =
    let bytes = File.ReadAllBytes path
    let length = int (BitConverter.ToInt64(bytes, 0))
    use header = JsonDocument.Parse(ReadOnlyMemory(bytes, 8, length))
    let numbers (element: JsonElement) = [| for item in element.EnumerateArray() -> item.GetInt64() |]

    [
        for entry in header.RootElement.EnumerateObject() do
            if entry.Name <> "__metadata__" then
                let shape = numbers (entry.Value.GetProperty "shape")
                let span = numbers (entry.Value.GetProperty "data_offsets")
                let data = ReadOnlySpan(bytes, 8 + length + int span[0], int (span[1] - span[0]))

                let flat =
                    match entry.Value.GetProperty("dtype").GetString() with
                    | "F32" -> torch.tensor (Runtime.InteropServices.MemoryMarshal.Cast<byte, float32>(data).ToArray())
                    | "F64" -> torch.tensor (Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(data).ToArray())
                    | "I64" -> torch.tensor (Runtime.InteropServices.MemoryMarshal.Cast<byte, int64>(data).ToArray())
                    | other -> failwith $"{path}: dtype {other}"

                entry.Name, flat.reshape shape
    ]
    |> Map.ofList

/// The tensors whose names begin with a prefix, under the rest of their names.
let under (prefix: string) (tensors: Tensors) : (string * torch.Tensor) list =
    [
        for KeyValue(name, value) in tensors do
            if name.StartsWith(prefix, StringComparison.Ordinal) then
                name.Substring prefix.Length, value
    ]

let longs (tensor: torch.Tensor) : int64 array = tensor.data<int64>().ToArray()
let ints (tensor: torch.Tensor) : int array = longs tensor |> Array.map int
let floats (tensor: torch.Tensor) : float32 array = tensor.``to``(torch.float32).contiguous().data<float32>().ToArray()

/// A graph from its parts, edges as they are given.
let graph
    (name: string)
    (features: torch.Tensor)
    (source: int array)
    (target: int array)
    (labels: byte array)
    : ShowerGraph =
    ShowerGraph(GraphOrigin(name, 0L, Nullable()), floats features, source, target, labels)

/// g0 .. g3 of graphs.safetensors in a directory.
let graphsOf (directory: string) : ShowerGraph array =
    let all = read (Path.Combine(directory, "graphs.safetensors"))

    [|
        for g in 0..3 do
            let part name = all[$"g{g}.{name}"]
            let labels = floats (part "labels") |> Array.map byte
            graph $"g{g}" (part "features") (ints (part "src")) (ints (part "dst")) labels
    |]

/// Our own g0 .. g3: one node, and three small graphs. Tests that know their sizes use these.
let graphs: Lazy<ShowerGraph array> = lazy (graphsOf own)

/// Serves every network without edges from nearest neighbours.
let preparation: GraphPreparation = GraphPreparation(Details = true, Surroundings = true, Forest = true)

/// Batches of our own graphs by their numbers.
let batch (numbers: int list) : GraphBatch =
    BatchAssembler.Collate([| for g in numbers -> graphs.Value[g] |], preparation)

/// The 64 graphs of benchmarks/bench-graphs.safetensors.
let benchGraphs: Lazy<ShowerGraph array> =
    lazy
        (let all = read (Path.Combine(repository, "benchmarks", "bench-graphs.safetensors"))
         let nodes, edges = ints all["node_offsets"], ints all["edge_offsets"]

         [|
             for g in 0 .. nodes.Length - 2 do
                 let rows (name: string) = all[name].narrow(0L, int64 nodes[g], int64 (nodes[g + 1] - nodes[g]))
                 let span (name: string) = all[name].narrow(0L, int64 edges[g], int64 (edges[g + 1] - edges[g])) |> ints
                 let labels = floats (rows "labels") |> Array.map byte
                 graph $"bench {g}" (rows "features") (span "src") (span "dst") labels
         |])
