namespace Pruning.Model.Decoding

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Layers
open Pruning.Model.Cells

/// What the nodes of a batch remember between two passes or steps.
[<NoComparison; NoEquality>]
type NodeState =
    {
        /// The decision cell's state; its hidden part is the output of the last message passing.
        Decision: CellState
        /// The memory cell's state, if the network has one.
        Memory: CellState option
    }

[<RequireQualifiedAccess>]
module NodeState =

    let map (f: Tensor -> Tensor) (state: NodeState) : NodeState =
        {
            Decision = CellState.map f state.Decision
            Memory = Option.map (CellState.map f) state.Memory
        }

    /// Node embeddings: [nodes, hidden]
    let embedding (state: NodeState) : Tensor = CellState.hidden state.Decision

    /// Frees the handles; what back-propagation needs stays alive on its own.
    let dispose (state: NodeState) : unit =
        let free tensor =
            (tensor: Tensor).Dispose()
            tensor

        map free state |> ignore

/// The parts that every decision strategy drives.
[<NoComparison; NoEquality>]
type Network =
    {
        /// How its parts compute. They got it when they were made.
        Arithmetic: Arithmetic
        Encoder: Encoder
        DecisionCell: Cell
        MemoryCell: Cell option
        Rounds: GraphLayer
        PruneHead: Head
        ConfidenceHead: Head
        /// How well labels of linked nodes suit each other, for the strategy that decides jointly.
        Links: LinkHead option
    }

    /// Features of a batch -> embeddings [nodes, hidden].
    member this.Encode (mode: Mode) (batch: BatchTensors) : Tensor =
        use _scope = torch.NewDisposeScope()
        let columns = this.Encoder.Columns batch // [nodes, features]

        let graphs =
            {
                GraphOfNode = batch.GraphOfNode
                GraphSizes = batch.GraphSizes
            }

        (this.Encoder.Forward mode graphs columns).MoveToOuterDisposeScope()

    /// Embeddings -> state with empty carries.
    member this.Start(h: Tensor) : NodeState =
        {
            Decision = this.DecisionCell.Start h
            Memory = this.MemoryCell |> Option.map (fun cell -> cell.Start(torch.zeros_like h))
        }

    /// Decisions [nodes, 2] -> state -> next state: decision cell, memory cell, message-passing rounds.
    member this.Pass (mode: Mode) (plan: PlanTensors) (decisions: Tensor) (state: NodeState) : NodeState =
        use scope = torch.NewDisposeScope()
        let absorbed = this.DecisionCell.Next decisions state.Decision

        let h, remembered =
            match this.MemoryCell, state.Memory with
            | Some cell, Some before ->
                let after = cell.Next (CellState.hidden absorbed) before
                CellState.hidden after, Some after
            | _ -> CellState.hidden absorbed, None

        let next =
            {
                Decision = CellState.withHidden (this.Rounds.Forward mode plan h) absorbed
                Memory = remembered
            }

        next |> NodeState.map (fun tensor -> scope.MoveToOuter tensor)

    /// Embeddings -> logits [nodes, 2] of keep and prune.
    member this.PruneLogits (mode: Mode) (h: Tensor) : Tensor = this.PruneHead.Forward mode h

    /// Embeddings -> how sure the network is of a node [nodes, 1].
    member this.Confidence (mode: Mode) (h: Tensor) : Tensor = this.ConfidenceHead.Forward mode h

[<RequireQualifiedAccess>]
module Network =

    /// The same network with the tensors that a visitor gives back.
    let visit (visitor: WeightVisitor) (network: Network) : Network =
        { network with
            Encoder = Encoder.visit (visitor.Under "encoder") network.Encoder
            DecisionCell = Cell.visit (visitor.Under "decision") network.DecisionCell
            MemoryCell = network.MemoryCell |> Option.map (Cell.visit (visitor.Under "memory"))
            Rounds = Layer.visit (visitor.Under "rounds") network.Rounds
            PruneHead = Layer.visit (visitor.Under "prune") network.PruneHead
            ConfidenceHead = Layer.visit (visitor.Under "confidence") network.ConfidenceHead
            Links = network.Links |> Option.map (Layer.visit (visitor.Under "links"))
        }

    /// Parameters and buffers by name, as model files hold them.
    let weights (network: Network) : Weights = Weights.collect visit network

    /// The same network with other values: a change of each tensor, which parameters come to without their gradients.
    let map (change: Tensor -> Tensor) (network: Network) : Network = visit (WeightVisitor.ofChange change) network

    /// A network of the same kind with tensors of its own, for another thread.
    let copy (network: Network) : Network = visit WeightVisitor.copy network

    /// A copy on a device.
    let toDevice (device: torch.Device) (network: Network) : Network = visit (WeightVisitor.toDevice device) network

    /// A copy whose real numbers are of another type.
    let toType (dtype: torch.ScalarType) (network: Network) : Network = visit (WeightVisitor.toType dtype) network

    /// Joins the parts of a network, which were made with the same `init`. The confidence head has weights in every network, so
    /// that a model file can change strategy; only the autoregressive strategy asks it.
    let compose
        (init: Init)
        (encoder: Encoder)
        (decision: Cell)
        (memory: Cell option)
        (rounds: GraphLayer)
        (prune: Head)
        (confidence: Head)
        : Network =
        {
            Arithmetic = init.Arithmetic
            Encoder = encoder
            DecisionCell = decision
            MemoryCell = memory
            Rounds = rounds
            PruneHead = prune
            ConfidenceHead = confidence
            Links = None
        }

    /// The same network with a link head.
    let withLinks (head: LinkHead) (network: Network) : Network = { network with Links = Some head }

    /// The network of a configuration, with fresh weights.
    let create (init: Init) (config: PrunerConfig) : Network =
        let hidden = config.Hidden

        let network =
            compose
                init
                (Encoder.create init config)
                (Cells.create init config.DecisionCell 2 hidden)
                (config.MemoryCell
                 |> Option.map (fun kind -> Cells.create init kind hidden hidden))
                (Rounds.create init config)
                (Head.create init config.Dropout hidden 2)
                (Head.create init config.Dropout hidden 1)

        match config.Strategy with
        | DecisionStrategy.Tree -> withLinks (LinkHead.create init hidden) network
        | DecisionStrategy.OnePass
        | DecisionStrategy.Equilibrium _
        | DecisionStrategy.Autoregressive -> network

type Network with

    /// Parameters and buffers by name, as model files hold them.
    member this.Weights: Weights = Network.weights this
