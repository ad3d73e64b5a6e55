namespace Pruning.Model.Decoding

open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Tensors

/// What the steps of an autoregressive network go by.
[<NoComparison; NoEquality>]
type DecodingOptions =
    {
        Order: NodeOrder
        /// How often training tells the truth about a node that was decided; the rest of the time it reads its own decision.
        TeacherForcingProbability: float
        /// Nodes of a graph that are decided in a step. Learning decides one.
        Choices: int
    }

/// The graphs that still have undecided nodes: a prefix of the batch, laid out largest graph first.
[<NoComparison; NoEquality>]
type internal Unfinished =
    {
        Graphs: int
        Nodes: int64
        Plan: PlanTensors
        /// [graphs, width] node at each place of the rectangle; `Nodes` where a graph has no such node.
        NodeOfPlace: Tensor
        /// [graphs] first node of each graph.
        FirstNode: Tensor
        /// [graphs] nodes of each graph, in the type of the weights.
        Size: Tensor
        /// [nodes]
        Labels: Tensor
        /// [nodes] the largest is decided next; none = the confidence head decides.
        Priority: Tensor option
        /// [nodes] bool, whether training reads the true label of a node once it is decided; none = always.
        TeacherForced: Tensor option
    }

/// A batch on its way: its layout, and the parts of it that are still unfinished after each graph has left.
[<NoComparison; NoEquality>]
type internal DecodingBatch =
    {
        Batch: BatchTensors
        Layout: DescendingBatch
        NodeOrder: Tensor
        /// Nodes of a graph that are decided in a step.
        Choices: int
        Steps: int
        /// By the number of graphs.
        Unfinished: Map<int, Unfinished>
    }

/// How a batch is laid out for autoregressive steps.
[<RequireQualifiedAccess>]
module internal DecodingBatch =

    /// What the nodes of a batch know before the first step, in the order of the layout: see `Unfinished`.
    [<NoComparison; NoEquality>]
    type private Known =
        {
            Labels: Tensor
            Priority: Tensor option
            TeacherForced: Tensor option
        }

    let private unfinished (batch: BatchTensors) (layout: DescendingBatch) (known: Known) (graphs: int) : Unfinished =
        let nodes = int64 layout.NodeOffsets[graphs]
        let host = Transfer.index batch.Device
        let width = if graphs = 0 then 0 else layout.Size 0
        let first (values: Tensor) = values.narrow (0L, 0L, nodes)
        let graphOfNode = Array.init graphs (fun place -> Array.create (layout.Size place) (int64 place))

        {
            Graphs = graphs
            Nodes = nodes
            Plan =
                { PlanTensors.create batch.Device batch.X.dtype (layout.PlanOfFirst graphs) with
                    Graphs =
                        Some
                            {
                                GraphOfNode = host (Array.concat graphOfNode)
                                GraphSizes = Array.init graphs layout.Size
                            }
                }
            NodeOfPlace = (host (layout.Rectangle(graphs, nodes))).view(int64 graphs, int64 width)
            FirstNode = host (Array.init graphs (fun place -> int64 layout.NodeOffsets[place]))
            Size = (host (Array.init graphs (fun place -> int64 (layout.Size place)))).``to`` batch.X.dtype
            Labels = first known.Labels
            Priority = Option.map first known.Priority
            TeacherForced = Option.map first known.TeacherForced
        }

    /// Node values as a rectangle [graphs, width]; `filler` where a graph has no such node. values: [nodes]
    let rectangle (active: Unfinished) (filler: float) (values: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let pad = torch.full ([| 1L |], scalar filler, dtype = values.dtype, device = values.device)
        let places = (torch.cat ([| values; pad |], 0L)).index_select(0L, active.NodeOfPlace.view (-1L))
        places.view(active.NodeOfPlace.shape).MoveToOuterDisposeScope()

    /// How many graphs have undecided nodes after so many decisions in each, of the first `graphs`.
    let private unfinishedAfter (layout: DescendingBatch) (decisions: int) (graphs: int) : int =
        Seq.init graphs layout.Size
        |> Seq.takeWhile (fun size -> size > decisions)
        |> Seq.length

    /// Lays a batch out. What the options draws is drawn here, once, so that steps that are computed again see the same.
    let create (options: DecodingOptions) (mode: Mode) (batch: BatchTensors) : DecodingBatch =
        let layout = DescendingBatch.Of batch.Source
        let nodeOrder = Transfer.index batch.Device layout.NodeOrder
        let inLayout (values: Tensor) = values.index_select (0L, nodeOrder)

        let known =
            {
                Labels = inLayout batch.Labels
                Priority = NodeOrder.priorities options.Order mode batch |> Option.map inLayout
                TeacherForced =
                    TeacherForcing.draw options.TeacherForcingProbability mode batch
                    |> Option.map inLayout
            }

        let choices = options.Choices
        let steps = if batch.GraphCount = 0 then 0 else (layout.Size 0 + choices - 1) / choices

        let counts =
            batch.GraphCount
            :: [ for t in 0 .. steps - 1 -> unfinishedAfter layout (t * choices) batch.GraphCount ]
            |> List.distinct

        {
            Batch = batch
            Layout = layout
            NodeOrder = nodeOrder
            Choices = choices
            Steps = steps
            Unfinished = Map.ofList [ for graphs in counts -> graphs, unfinished batch layout known graphs ]
        }

    /// How many of the first `graphs` graphs take step t.
    let graphsAt (decoding: DecodingBatch) (graphs: int) (t: int) : int =
        unfinishedAfter decoding.Layout (t * decoding.Choices) graphs

    /// How many nodes each graph decides in step t. -> [graphs], on the host
    let decisionsAt (decoding: DecodingBatch) (active: Unfinished) (t: int) : int array =
        Array.init active.Graphs (fun place -> min decoding.Choices (decoding.Layout.Size place - t * decoding.Choices))
