namespace Pruning.Cli

open Pruning.Model
open Pruning.Native.Kernels

/// Words of the options --engine and --precision.
[<RequireQualifiedAccess>]
module ArithmeticWords =

    let engines = [ "auto", Engine.Auto; "portable", Engine.Portable; "fused", Engine.Fused ]

    let precisions = [ "float32", ProductPrecision.Float32; "bfloat16", ProductPrecision.Bfloat16 ]

    let withEngine (text: string) (arithmetic: Arithmetic) : Arithmetic =
        { arithmetic with
            Engine = Value.choice "--engine" engines text
        }

    let withPrecision (text: string) (arithmetic: Arithmetic) : Arithmetic =
        { arithmetic with
            Precision = Value.choice "--precision" precisions text
        }
