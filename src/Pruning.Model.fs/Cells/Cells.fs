namespace Pruning.Model.Cells

open Pruning.Model.Tensors
open Pruning.Model.Configuration

[<RequireQualifiedAccess>]
module Cells =

    /// The cell that a configuration asks for.
    let create (init: Init) (kind: CellKind) (inputs: int) (hidden: int) : Cell =
        match kind with
        | CellKind.Gru -> GruCell.create init inputs hidden
        | CellKind.Lstm -> LstmCell.create init inputs hidden
