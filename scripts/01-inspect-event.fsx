// 01-inspect-event: what happens to one trackster between the file and the decision?
//
// Run:     dotnet fsi scripts/01-inspect-event.fsx [FILE [ENTRY]]
// Prints:  one trackster at each stage: file, tree, columns, graph, batch, tensors, network, decision, metrics. The network is untrained.
// Takes:   a few seconds.

#load "load.fsx"

open System
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Root.Reading
open Pruning.Data.Tracksters
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.Metrics
open Pruning.Model.Prediction

let arguments = fsi.CommandLineArgs |> Array.skip 1

let path =
    if arguments.Length > 0 then
        arguments[0]
    else
        Load.inRepository "samples/tracksters.root"

let entry = if arguments.Length > 1 then int arguments[1] else 0

let title (text: string) = printfn "\n== %s" text
let row (values: float32 seq) = values |> Seq.map (fun value -> $"%10.3f{value}") |> String.concat ""

title "file"
let file = RootFile.Open path
printfn "%s: %d bytes, written by ROOT version %d" path file.Length file.Version

for key in file.List() do
    printfn "  %-12s %-10s cycle %d" key.Path key.ClassName key.Cycle

title "tree"
let tree = file.Tree "Tracksters"

for branch in tree.Branches |> Seq.truncate 4 do
    printfn
        "  %-8s %-10s %d entries in %d baskets, %s"
        branch.Name
        branch.TypeName
        branch.EntryCount
        branch.BasketCount
        branch.Compression

printfn "  ... %d branches" tree.Branches.Count

title "columns: offsets + values"
let energy = tree.ReadAs<float32>("energy", int64 entry, Nullable(int64 entry + 1L))

printfn
    "  energy of entry %d: offsets %A, %d values, %s ..."
    entry
    energy.Offsets
    energy.Values.Length
    (row (Seq.truncate 5 energy.Values))

title "graph"
let dataset = GraphDataset.Open([| path |], TracksterReadOptions())
let graph = dataset[entry]
printfn "  %O: %d nodes, %d edges (links, their reverses, self loops)" graph.Origin graph.NodeCount graph.EdgeCount

printfn
    "  %10s%10s%10s%10s%10s%10s%10s%10s%10s%10s"
    "pos_x"
    "pos_y"
    "pos_z"
    "energy"
    "time"
    "eta"
    "phi"
    "High"
    "Low"
    "label"

for node in 0 .. min 4 (graph.NodeCount - 1) do
    let features =
        graph.Features.AsSpan(node * ShowerGraph.FeatureCount, ShowerGraph.FeatureCount).ToArray()

    printfn "  %s%10d" (row features) graph.Labels[node]

title "batch with its neighbour plan"
let batch = BatchAssembler.Collate [| graph |]
printfn "  nodes that have a t-th neighbour: %s" (batch.Plan.ActiveCounts |> Array.map string |> String.concat " ")
printfn "  most neighbours: node %d with %d" batch.Plan.NodeOfRank[0] batch.Plan.InDegree[int batch.Plan.NodeOfRank[0]]

title "tensors"
let tensors = BatchTensors.create torch.CPU torch.float32 batch
printfn "  X %A, labels %A, edges by step %A" tensors.X.shape tensors.Labels.shape tensors.Plan.StepSource.shape

title "network: encoder -> [decision cell -> memory cell -> message passing -> heads] per pass"
let random = new torch.Generator(42UL)

let config =
    { PrunerConfig.standard with
        Hidden = 32
        Strategy = DecisionStrategy.Equilibrium 3
        MemoryCell = Some CellKind.Gru
    }

let pruner = Pruner.create (Init.standard random) config
let moments = FeatureMoments.Of(dataset, [| 0 .. dataset.Count - 1 |])
Pruner.standardise moments.Mean moments.Std pruner
printfn "  %d weights, untrained" (Weights.count pruner.Network.Weights)

let embedding = pruner.Network.Encode Inference tensors

printfn
    "  encoder: %A, first node %s ..."
    embedding.shape
    (row (embedding[0].data<float32>().ToArray() |> Seq.truncate 4))

let state = pruner.Network.Start embedding
let undecided = torch.zeros ([| int64 batch.NodeCount; 2L |])
let next = pruner.Network.Pass Inference tensors.Plan undecided state
let logits = pruner.Network.PruneLogits Inference (NodeState.embedding next)
printfn "  after one pass: state %A, logits %A" (NodeState.embedding next).shape logits.shape

title "decision"

let predictions =
    Pruner.run pruner Inference (PassMode.Evaluate(Criterion.ofWeights ClassWeights.equal)) tensors

let margin = (NodePredictions.margin predictions).data<float32>().ToArray()
let pruned = margin |> Seq.filter (fun m -> m > 0f) |> Seq.length
printfn "  margins (above 0 = prune): %s ..." (row (Seq.truncate 6 margin))

printfn
    "  %d of %d nodes pruned by these untrained weights, loss %.4f"
    pruned
    graph.NodeCount
    (predictions.GraphLoss.Value.mean().item<float32>())

title "counts"
let counts = Evaluation.count batch predictions

for name, value in MetricState.report counts do
    printfn "  %-18s %.4f" name value

(dataset :> IDisposable).Dispose()
file.Dispose()
