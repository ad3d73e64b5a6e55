namespace Pruning.Model.Decoding

open System
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Model.Tensors
open Pruning.Model.Configuration

/// Which undecided node of a graph comes next in an autoregressive network.
[<NoComparison; NoEquality>]
type NodeOrder =
    /// The one with the largest confidence, asked again at every step. The network learns the order with the decisions.
    | MostConfident
    /// An order that is known before the first step: the place of each node among the nodes of its graph, 0 first, [nodes]. A
    /// function of the batch and, in training, of the step's generator.
    | Fixed of places: (Mode -> GraphBatch -> int array)

/// Orders in which nodes are decided.
[<RequireQualifiedAccess>]
module NodeOrder =

    /// The nodes of each graph from the largest key to the smallest; equal keys keep the order of the rows.
    /// key: batch -> node -> key
    let descending (key: GraphBatch -> int -> 'Key) : Mode -> GraphBatch -> int array =
        fun _ batch ->
            let key = key batch
            let places = Array.zeroCreate batch.NodeCount

            for graph in 0 .. batch.GraphCount - 1 do
                let nodes = [| batch.NodeOffsets[graph] .. batch.NodeOffsets[graph + 1] - 1 |]

                nodes
                |> Array.toList
                |> List.sortWith (fun a b -> compare (key b) (key a)) // stable
                |> List.iteri (fun place node -> places[node] <- place)

            places

    let private energy (batch: GraphBatch) node = batch.Feature(node, RawFeature.Energy)

    /// How far in front of the seed a node is along the beam, in cm: z changes sign with the endcap, eta as well.
    let private inFront (batch: GraphBatch) node =
        let z = batch.Feature(node, RawFeature.PosZ)
        if batch.Feature(node, RawFeature.Eta) < 0f then z else -z

    /// The same number for the same node, whatever is beside it and wherever its row is.
    let private hash (seed: int64) (batch: GraphBatch) (node: int) : uint64 =
        Seq.init ShowerGraph.FeatureCount (fun column -> batch.Feature(node, enum<RawFeature> column))
        |> Seq.fold
            (fun state number -> StableHash.Mix(state, uint64 (BitConverter.SingleToUInt32Bits number)))
            (uint64 seed)

    let private shuffled (seed: int64) (mode: Mode) (batch: GraphBatch) : int array =
        match mode with
        | Inference -> descending (hash seed) mode batch
        | Training random ->
            use drawn = torch.rand ([| int64 batch.NodeCount |], dtype = torch.float64, generator = random)
            let keys = drawn.data<float>().ToArray()
            descending (fun _ node -> keys[node]) mode batch

    /// The order that a configuration names.
    let ofConfig (order: DecisionOrder) : NodeOrder =
        match order with
        | DecisionOrder.Confidence -> MostConfident
        | DecisionOrder.Energy -> Fixed(descending energy)
        | DecisionOrder.Layer -> Fixed(descending (fun batch node -> struct (inFront batch node, energy batch node)))
        | DecisionOrder.Random seed -> Fixed(shuffled seed)

    /// What a step takes the largest of, for an order that is known before: minus the place. [nodes], or none where the
    /// network is asked. On the device and in the type of the batch; exact in float32 up to 2^24 nodes a graph.
    let priorities (order: NodeOrder) (mode: Mode) (batch: BatchTensors) : Tensor option =
        match order with
        | MostConfident -> None
        | Fixed places ->
            use _scope = torch.NewDisposeScope()
            let found = places mode batch.Source

            if found.Length <> batch.NodeCount then
                invalidOp
                    $"wanted a place for each of {batch.NodeCount} nodes, found {found.Length}; an order gives one number a node."

            let numbers = torch.tensor (found |> Array.map (fun place -> -(float place)))
            Some((numbers.``to``(batch.X.dtype).``to`` batch.Device).MoveToOuterDisposeScope())
