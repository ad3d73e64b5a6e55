namespace Pruning.Model.Cells

open Pruning.Model.Tensors
open Pruning.Model.Layers
open Pruning.Native.Kernels

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

/// A gated cell: the state it starts from, weights, and one step.
[<NoComparison; NoEquality>]
type Cell =
    {
        /// Hidden state to start from -> state with an empty carry.
        Start: Tensor -> CellState
        /// input [nodes, inputs] -> state -> next state
        Layer: Layer<Tensor -> CellState -> CellState>
    }

    member this.Weights = this.Layer.Weights
    member this.Next = this.Layer.Forward

[<RequireQualifiedAccess>]
module Cell =

    /// The products of a cell with its input and with its hidden state, for g = 4 gates of an LSTM or 3 of a GRU.
    [<NoComparison; NoEquality>]
    type internal GateWeights =
        {
            /// inputs -> g hidden
            Input: Linear
            /// hidden -> g hidden
            Hidden: Linear
        }

        member this.Tensors =
            GatedTensors(this.Input.Weight, this.Hidden.Weight, this.Input.Bias.Value, this.Hidden.Bias.Value)

    let internal visitGates (visitor: WeightVisitor) (weights: GateWeights) : GateWeights =
        {
            Input = Linear.visit (visitor.Under "input") weights.Input
            Hidden = Linear.visit (visitor.Under "hidden") weights.Hidden
        }

    let internal gates (init: Init) (count: int) (inputs: int) (hidden: int) : GateWeights =
        {
            Input = Linear.create init inputs (count * hidden)
            Hidden = Linear.create init hidden (count * hidden)
        }

    let visit (visitor: WeightVisitor) (cell: Cell) : Cell =
        { cell with
            Layer = Layer.visit visitor cell.Layer
        }
