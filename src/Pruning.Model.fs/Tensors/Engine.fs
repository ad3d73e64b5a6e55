namespace Pruning.Model.Tensors

open System
open System.Collections.Generic
open System.Runtime.ExceptionServices
open TorchSharp
open Pruning.Native.Errors
open Pruning.Native.Kernels

/// What computes aggregators and cells. Both give the same numbers up to rounding.
[<RequireQualifiedAccess>]
type Engine =
    /// Fused kernels where they can be used, else libtorch's operations.
    | Auto
    /// libtorch's operations: any device and type.
    | Portable
    /// Fused kernels: float32 on the CPU only.
    | Fused

/// How a network computes. It is chosen when a network is built; two networks with different choices can compute at the same time.
type Arithmetic =
    {
        Engine: Engine
        /// In which numbers the fused kernels multiply. Weights, states, gates and sums are always float32.
        Precision: ProductPrecision
        /// The widest vector registers that the fused kernels use; at most those of this processor.
        Registers: SimdLevel
    }

    /// What the fused kernels get of it.
    member this.Kernels = KernelOptions(this.Precision, this.Registers)

[<RequireQualifiedAccess>]
module Arithmetic =

    /// The fused kernels where they can be used, float32, and the widest registers of this processor.
    let standard: Arithmetic =
        {
            Engine = Engine.Auto
            Precision = KernelOptions.Standard.Precision
            Registers = KernelOptions.Standard.Level
        }

    /// The standard with another engine.
    let ofEngine (engine: Engine) : Arithmetic = { standard with Engine = engine }

    let private word (value: 'T) = (string value).ToLowerInvariant()

    /// Whether the fused kernels compute with this tensor. A choice that the tensor does not allow is a `DeviceException`.
    let isFused (arithmetic: Arithmetic) (x: Tensor) : bool =
        let fits = x.dtype = torch.float32 && x.device_type = DeviceType.CPU

        match arithmetic.Engine, fits with
        | Engine.Auto, true
        | Engine.Fused, true -> true
        | Engine.Fused, false ->
            raise (
                DeviceException
                    $"Wanted float32 on the CPU for the fused kernels (--engine fused), found {x.dtype} on {x.device}; use --engine auto \
                     or portable."
            )
        | Engine.Portable, _
        | Engine.Auto, false ->
            if arithmetic.Precision <> ProductPrecision.Float32 then
                raise (
                    DeviceException
                        $"Wanted the fused kernels, which --precision {word arithmetic.Precision} belongs to, found --engine \
                         {word arithmetic.Engine} with {x.dtype} on {x.device}; use --precision float32, or --engine fused on the CPU."
                )

            false

/// Back-propagation through functions of our own. libtorch calls them from native code, which a .NET exception must not
/// cross: it would end the process. On the CPU libtorch calls them on the thread that called `backward`, so an exception is
/// kept in a field of that thread, and no other thread sees it.
[<AbstractClass; Sealed>]
type Gradients private () =

    [<ThreadStatic; DefaultValue>]
    static val mutable private failure: ExceptionDispatchInfo | null

    /// Answers of the last function. libtorch holds them itself once the function has returned, which the next one knows.
    [<ThreadStatic; DefaultValue>]
    static val mutable private handed: List<Tensor | null> | null

    static member private Release() =
        match Gradients.handed with
        | null -> ()
        | earlier ->
            for tensor in earlier do
                match tensor with
                | null -> ()
                | tensor -> tensor.Dispose()

            Gradients.handed <- null

    /// Runs the backward of a function with `inputs` inputs. An exception is kept for `Gradients.backward`, and the inputs
    /// then get no gradient. The incoming gradients are freed.
    static member guard (inputs: int) (incoming: List<Tensor>) (work: unit -> (Tensor | null) list) : List<Tensor> =
        Gradients.Release()

        let answer =
            try
                try
                    if isNull Gradients.failure then work () else []
                with error ->
                    Gradients.failure <- ExceptionDispatchInfo.Capture error
                    []
            finally
                for tensor in incoming do
                    tensor.Dispose()

        let padded = List<Tensor | null>(answer)

        while padded.Count < inputs do
            padded.Add null

        Gradients.handed <- padded
        // TorchSharp reads null as "no gradient", which its signature does not say.
        unbox<List<Tensor>>(box padded)

    /// Back-propagates from a scalar. What a function of ours threw is thrown here.
    static member backward(output: Tensor) : unit =
        Gradients.failure <- null

        try
            output.backward ()
        finally
            Gradients.Release()

        match Gradients.failure with
        | null -> ()
        | failure ->
            Gradients.failure <- null
            failure.Throw()
