namespace Pruning.Model.Tensors

open TorchSharp

/// Where a network lies, in which type, and how it computes.
[<NoComparison; NoEquality>]
type Placement =
    {
        Device: torch.Device
        /// float32, or float64 for the portable engine.
        Type: torch.ScalarType
        Arithmetic: Arithmetic
    }

[<RequireQualifiedAccess>]
module Placement =

    /// float32 on a device.
    let on (device: torch.Device) (arithmetic: Arithmetic) : Placement =
        {
            Device = device
            Type = torch.float32
            Arithmetic = arithmetic
        }

    /// float32 on the CPU, with the standard arithmetic.
    let standard () : Placement = on torch.CPU Arithmetic.standard

/// What layers are built with: where initial values come from, and where the weights go.
[<NoComparison; NoEquality>]
type Init =
    {
        /// Initial values are drawn from it on the CPU, so they are the same on every device.
        Random: torch.Generator
        Placement: Placement
    }

    member this.Device = this.Placement.Device
    /// The type of the weights. Initial values are drawn in it.
    member this.Type = this.Placement.Type
    member this.Arithmetic = this.Placement.Arithmetic

/// Initial values of weights.
[<RequireQualifiedAccess>]
module Init =

    let create (placement: Placement) (random: torch.Generator) : Init =
        {
            Random = random
            Placement = placement
        }

    /// float32 on the CPU, with the standard arithmetic.
    let standard (random: torch.Generator) : Init = create (Placement.standard ()) random

    let private onDevice (init: Init) (host: Tensor) : Tensor =
        if init.Device = host.device then
            host
        else
            use host = host
            host.``to`` init.Device

    let private parameter (init: Init) (low: float) (high: float) (shape: int64 array) : Parameter =
        use drawn = torch.rand (shape, dtype = init.Type, generator = init.Random)
        new Parameter(onDevice init (drawn.mul(scalar (high - low)).add(scalar low, scalar 1.0)))

    /// Uniform in (-bound, bound).
    let uniform (init: Init) (bound: float) (shape: int64 array) : Parameter = parameter init -bound bound shape

    /// PyTorch's default for a linear layer: uniform in +-1/sqrt(fan in), weight and bias alike.
    let fanIn (init: Init) (inputs: int) (shape: int64 array) : Parameter =
        uniform init (1.0 / sqrt (float (max 1 inputs))) shape

    /// Xavier uniform with the gain of ReLU, sqrt 2 (Glorot & Bengio 2010). shape = [outputs, inputs].
    let xavier (init: Init) (shape: int64 array) : Parameter =
        uniform init (sqrt 2.0 * sqrt (6.0 / float (shape[0] + shape[1]))) shape

    /// A tensor with one value everywhere, kept beside the parameters and not trained.
    let buffer (init: Init) (value: float) (shape: int64 array) : Tensor =
        torch.full (shape, scalar value, dtype = init.Type, device = init.Device)

    /// A count, kept beside the parameters. -> [] int64
    let count (init: Init) : Tensor = torch.zeros ([||], dtype = torch.int64, device = init.Device)

    let constant (init: Init) (value: float) (shape: int64 array) : Parameter = new Parameter(buffer init value shape)
