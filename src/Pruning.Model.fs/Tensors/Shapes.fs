namespace Pruning.Model.Tensors

open System.Collections.Concurrent
open TorchSharp

/// Short names for what every module below uses.
[<AutoOpen>]
module Abbreviations =

    /// A libtorch tensor. Who makes one in a function disposes it there; only the answer moves out.
    type Tensor = torch.Tensor

    let private scalars = ConcurrentDictionary<float, Scalar>()

    /// A number as libtorch wants it, kept for ever: TorchSharp's calls do not keep their scalars alive, and one that the
    /// garbage collector takes during the call ends the run with an assertion in libtorch. For constants and small counts;
    /// a number that is new every step goes through `withScalar`.
    let scalar (value: float) : Scalar = scalars.GetOrAdd(value, (fun (number: float) -> Scalar.op_Implicit number))

    /// Runs with a number that is freed afterwards, and not before.
    let withScalar (value: float) (work: Scalar -> 'T) : 'T =
        use kept: Scalar = Scalar.op_Implicit value
        work kept

    let private one = lazy (Scalar.op_Implicit 1: Scalar)

    /// a + b for any type. `Tensor.add` with one argument makes a scalar of its own.
    let plus (a: Tensor) (b: Tensor) : Tensor = a.add (b, one.Value)

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
