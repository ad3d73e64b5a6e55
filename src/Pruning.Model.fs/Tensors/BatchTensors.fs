namespace Pruning.Model.Tensors

open System
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Native.Kernels

/// Which graph each node belongs to.
[<NoComparison; NoEquality>]
type GraphRows =
    {
        /// [nodes] graph of each node, rising.
        GraphOfNode: Tensor
        /// [graphs] on the host: nodes of each graph.
        GraphSizes: int array
    }

/// A neighbour plan as tensors on the device where the layers run. See `NeighbourPlan` for the meaning of each part.
[<NoComparison; NoEquality>]
type PlanTensors =
    {
        NodeCount: int
        /// [steps] on the host: how many nodes still have a neighbour at each step.
        ActiveCounts: int64 array
        /// [edges] source node of each visited edge, step after step.
        StepSource: Tensor
        /// [nodes] rank of each node in the order of falling in-degree.
        RankOfNode: Tensor
        /// [edges] edges sorted by target.
        SegmentSource: Tensor
        /// [edges]
        SegmentTarget: Tensor
        /// [nodes, 1] number of in-edges, in the type of the node states.
        InDegree: Tensor
        /// Which graph each node belongs to, for layers that normalise graph by graph; none = all nodes are one graph.
        Graphs: GraphRows option
        /// The same edges for the fused kernels, made when they are first asked for.
        Lists: Lazy<NeighbourLists>
    }

/// The way of numbers from .NET arrays to a device.
[<RequireQualifiedAccess>]
module Transfer =

    /// To a GPU from memory that the system does not move, without waiting for the copy: what is computed with the tensor is queued
    /// behind it. libtorch keeps the pinned memory until then.
    let send (device: torch.Device) (host: Tensor) : Tensor =
        match device.``type`` with
        | DeviceType.CPU -> host
        | DeviceType.CUDA ->
            use unpinned = host
            use pinned = unpinned.pin_memory ()
            pinned.``to`` (device, non_blocking = true)
        | _ ->
            use host = host
            host.``to`` device

    /// int64 numbers on a device.
    let index (device: torch.Device) (values: int64 array) : Tensor = send device (torch.tensor values)

[<RequireQualifiedAccess>]
module PlanTensors =

    let create (device: torch.Device) (dtype: torch.ScalarType) (plan: NeighbourPlan) : PlanTensors =
        let index = Transfer.index device

        {
            NodeCount = plan.NodeOfRank.Length
            ActiveCounts = plan.ActiveCounts |> Array.map int64
            StepSource = index plan.StepSource
            RankOfNode = index plan.RankOfNode
            SegmentSource = index plan.SegmentSource
            SegmentTarget = index plan.SegmentTarget
            InDegree = (index plan.InDegree).``to``(dtype).unsqueeze 1
            Graphs = None
            Lists = lazy (NeighbourLists.Of(plan.SegmentSource, plan.InDegree))
        }

    /// The graphs of the plan's nodes.
    let graphs (plan: PlanTensors) : GraphRows =
        match plan.Graphs with
        | Some graphs -> graphs
        | None ->
            {
                GraphOfNode =
                    torch.zeros ([| int64 plan.NodeCount |], dtype = torch.int64, device = plan.InDegree.device)
                GraphSizes = [| plan.NodeCount |]
            }

/// What features are computed from besides the raw columns; see `GraphPreparation.Details`.
[<NoComparison; NoEquality>]
type NodeDetails =
    {
        /// [nodes] row of the seed of each node's graph.
        SeedOfNode: Tensor
        /// [nodes] calorimeter layer in the type of the weights, 0 where nobody knows.
        Layer: Tensor
        /// [nodes] hits in the type of the weights, 0 where nobody knows.
        HitCount: Tensor
    }

/// A batch of graphs as tensors.
[<NoComparison; NoEquality>]
type BatchTensors =
    {
        /// The batch on the host, with its preparation.
        Source: GraphBatch
        /// [nodes, features] raw features, in the type of the weights.
        X: Tensor
        /// [nodes] int64, 1 = prune.
        Labels: Tensor
        /// [nodes] int64, graph of each node, rising.
        GraphOfNode: Tensor
        /// [graphs] on the host: nodes of each graph.
        GraphSizes: int array
        Plan: PlanTensors
        /// Where the batch is prepared with details.
        Details: NodeDetails option
        /// [nodes, surroundings] in the type of the weights, where the batch is prepared with them.
        Surroundings: Tensor option
    }

    member this.GraphCount = this.GraphSizes.Length
    member this.NodeCount = this.Plan.NodeCount
    member this.Device = this.X.device

[<RequireQualifiedAccess>]
module BatchTensors =

    /// A tensor over a .NET array lies where the array lies, and the last bits of a matrix product depend on how its operands are
    /// aligned: a copy in libtorch's memory makes a run repeatable.
    let private own (borrowed: Tensor) (device: torch.Device) (dtype: torch.ScalarType) : Tensor =
        use _scope = torch.NewDisposeScope()
        (Transfer.send device (borrowed.clone ())).``to``(dtype).MoveToOuterDisposeScope()

    let private details (device: torch.Device) (dtype: torch.ScalarType) (batch: GraphBatch) : NodeDetails =
        {
            SeedOfNode = Transfer.index device batch.SeedOfNode
            Layer = own (torch.tensor batch.Layers) device dtype
            HitCount = own (torch.tensor batch.HitCounts) device dtype
        }

    let private surroundings (device: torch.Device) (dtype: torch.ScalarType) (batch: GraphBatch) : Tensor =
        own
            (torch.tensor(batch.Surroundings.Values).reshape(int64 batch.NodeCount, int64 NodeSurroundings.Count))
            device
            dtype

    /// Copies a batch, with all that was prepared of it, to a device; `dtype` is the type of the network's weights.
    let create (device: torch.Device) (dtype: torch.ScalarType) (batch: GraphBatch) : BatchTensors =
        let prepared isPart part = if isPart then Some(part device dtype batch) else None

        let graphs =
            {
                GraphOfNode = Transfer.index device batch.GraphOfNode
                GraphSizes = Array.init batch.GraphCount (fun g -> batch.NodeOffsets[g + 1] - batch.NodeOffsets[g])
            }

        {
            Source = batch
            X =
                own
                    (torch.tensor(batch.Features).reshape(int64 batch.NodeCount, int64 ShowerGraph.FeatureCount))
                    device
                    dtype
            Labels = Transfer.index device batch.Labels
            GraphOfNode = graphs.GraphOfNode
            GraphSizes = graphs.GraphSizes
            Plan =
                { PlanTensors.create device dtype batch.Plan with
                    Graphs = Some graphs
                }
            Details = prepared batch.Preparation.Details details
            Surroundings = prepared batch.Preparation.Surroundings surroundings
        }
