namespace Pruning.Model.Cells

open TorchSharp
open Pruning.Model.Configuration

[<RequireQualifiedAccess>]
module Cells =

    /// The cell that a configuration asks for.
    let create (random: torch.Generator) (kind: CellKind) (inputs: int) (hidden: int) : Cell =
        match kind with
        | CellKind.Gru -> GruCell.create random inputs hidden
        | CellKind.Lstm -> LstmCell.create random inputs hidden
