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
        Weights: Weights
        /// Features of a batch -> embeddings [nodes, hidden].
        Encode: Mode -> BatchTensors -> Tensor
        /// Embeddings -> state with empty carries.
        Start: Tensor -> NodeState
        /// Decisions [nodes, 2] -> state -> next state: decision cell, memory cell, message-passing rounds.
        Step: Mode -> PlanTensors -> Tensor -> NodeState -> NodeState
        /// Embeddings -> logits [nodes, 2] of keep and prune.
        PruneLogits: Mode -> Tensor -> Tensor
        /// Embeddings -> how sure the network is of a node [nodes, 1].
        Confidence: Mode -> Tensor -> Tensor
        /// How well labels of linked nodes suit each other, for the strategy that decides jointly.
        Links: LinkHead option
    }

[<RequireQualifiedAccess>]
module Network =

    let private step (decision: Cell) (memory: Cell option) (rounds: GraphLayer) mode plan decisions state : NodeState =
        use scope = torch.NewDisposeScope()
        let absorbed = decision.Step decisions state.Decision

        let h, remembered =
            match memory, state.Memory with
            | Some cell, Some before ->
                let after = cell.Step (CellState.hidden absorbed) before
                CellState.hidden after, Some after
            | _ -> CellState.hidden absorbed, None

        let next =
            {
                Decision = CellState.withHidden (rounds.Forward mode plan h) absorbed
                Memory = remembered
            }

        next |> NodeState.map (fun tensor -> scope.MoveToOuter tensor)

    /// Joins the parts of a network. The confidence head has weights in every network, so that a model file can change
    /// strategy; only the autoregressive strategy asks it.
    let compose
        encoder
        (decision: Cell)
        (memory: Cell option)
        (rounds: GraphLayer)
        (prune: Head)
        (confidence: Head)
        : Network =
        let memoryStart (h: Tensor) (cell: Cell) = cell.Start(torch.zeros_like h)

        {
            Weights =
                Weights.concat
                    [
                        Weights.under "encoder" (encoder: Encoder).Weights
                        Weights.under "decision" decision.Weights
                        match memory with
                        | Some cell -> Weights.under "memory" cell.Weights
                        | None -> ()
                        Weights.under "rounds" rounds.Weights
                        Weights.under "prune" prune.Weights
                        Weights.under "confidence" confidence.Weights
                    ]
            Encode =
                fun mode batch ->
                    use _scope = torch.NewDisposeScope()
                    let columns = encoder.Columns batch // [nodes, features]

                    let graphs =
                        {
                            GraphOfNode = batch.GraphOfNode
                            GraphSizes = batch.GraphSizes
                        }

                    (encoder.Forward mode graphs columns).MoveToOuterDisposeScope()
            Start =
                fun h ->
                    {
                        Decision = decision.Start h
                        Memory = Option.map (memoryStart h) memory
                    }
            Step = step decision memory rounds
            PruneLogits = prune.Forward
            Confidence = confidence.Forward
            Links = None
        }

    /// The same network with a link head.
    let withLinks (head: LinkHead) (network: Network) : Network =
        { network with
            Weights = Weights.concat [ network.Weights; Weights.under "links" head.Weights ]
            Links = Some head
        }

    /// The network of a configuration, with fresh weights.
    let create (random: torch.Generator) (config: PrunerConfig) : Network =
        let hidden = config.Hidden

        let network =
            compose
                (Encoder.create random config)
                (Cells.create random config.DecisionCell 2 hidden)
                (config.MemoryCell
                 |> Option.map (fun kind -> Cells.create random kind hidden hidden))
                (Rounds.create random config)
                (Head.create random config.Dropout hidden 2)
                (Head.create random config.Dropout hidden 1)

        match config.Strategy with
        | DecisionStrategy.Tree -> withLinks (LinkHead.create random hidden) network
        | DecisionStrategy.OnePass
        | DecisionStrategy.Equilibrium _
        | DecisionStrategy.Autoregressive -> network
