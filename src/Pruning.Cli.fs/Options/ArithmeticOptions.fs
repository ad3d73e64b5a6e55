namespace Pruning.Cli.Options

open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Native.Kernels
open Pruning.Cli.Framework

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

    /// Refuses words that contradict each other, before anything is begun. `gpus`: how many are asked for.
    let check (gpus: int) (arithmetic: Arithmetic) : unit =
        if arithmetic.Precision <> ProductPrecision.Float32 then
            let precision = Choices.nameOf precisions arithmetic.Precision

            let refuse other =
                raise (
                    UsageException
                        $"--precision {precision} is for the fused kernels, which compute on the CPU; found {other}: leave one of the two out."
                )

            if arithmetic.Engine = Engine.Portable then
                refuse "--engine portable"

            if gpus > 0 then
                refuse $"--gpus {gpus}"
