namespace Pruning.Model.Cells

open TorchSharp
open Pruning.Model.Tensors

/// The state of a gated cell, one row per node.
[<NoComparison; NoEquality>]
type CellState =
    | GruState of h: Tensor // [nodes, hidden]
    | LstmState of h: Tensor * c: Tensor // both [nodes, hidden]

[<RequireQualifiedAccess>]
module CellState =

    let hidden (state: CellState) : Tensor =
        match state with
        | GruState h
        | LstmState(h, _) -> h

    /// The same state with another hidden part: the original feeds message passing's output back in as h.
    let withHidden (h: Tensor) (state: CellState) : CellState =
        match state with
        | GruState _ -> GruState h
        | LstmState(_, c) -> LstmState(h, c)

    let map (f: Tensor -> Tensor) (state: CellState) : CellState =
        match state with
        | GruState h -> GruState(f h)
        | LstmState(h, c) -> LstmState(f h, f c)

/// A gated cell: weights, the state it starts from, and one step.
[<NoComparison; NoEquality>]
type Cell =
    {
        Weights: Weights
        /// Hidden state to start from -> state with an empty carry.
        Start: Tensor -> CellState
        /// input [nodes, inputs] -> state -> next state
        Step: Tensor -> CellState -> CellState
    }
