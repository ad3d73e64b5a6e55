namespace Pruning.Model

open TorchSharp

/// Short names for what every module below uses.
[<AutoOpen>]
module Abbreviations =

    /// A libtorch tensor. Who makes one in a function disposes it there; only the answer moves out.
    type Tensor = torch.Tensor

    /// A number as libtorch wants it.
    let inline scalar (value: float) : Scalar = Scalar.op_Implicit value

/// A tensor has another shape than the layer needs.
exception ShapeException of wanted: string * found: string * where: string with
    override this.Message = $"{this.where} wanted a tensor {this.wanted}, found {this.found}."

[<RequireQualifiedAccess>]
module Shape =

    /// Refuses a tensor whose rank or last dimension is not [rows, columns].
    let checkColumns (where: string) (columns: int) (x: Tensor) : unit =
        if x.dim () <> 2L || x.size 1 <> int64 columns then
            let found = x.shape |> Array.map string |> String.concat ", "
            raise (ShapeException($"[rows, {columns}]", $"[{found}]", where))
