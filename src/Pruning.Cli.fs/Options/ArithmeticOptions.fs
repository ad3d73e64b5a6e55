namespace Pruning.Cli.Options

open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Native.Kernels
open Pruning.Cli.Framework

/// What computes the gated aggregators and cells, and in which numbers.
[<RequireQualifiedAccess>]
module ArithmeticOptions =

    let private precisions = [ "float32", ProductPrecision.Float32; "bfloat16", ProductPrecision.Bfloat16 ]

    let options: Opt<Arithmetic> list =
        [
            Opt.choice
                "--engine"
                [ "auto", Engine.Auto; "portable", Engine.Portable; "fused", Engine.Fused ]
                "Implementation of gated aggregators and cells: portable (libtorch operations), fused (own kernels, float32 on the CPU) \
                 or auto (fused where possible)."
                _.Engine
                (fun v s -> { s with Engine = v })
            |> Opt.mayRound
            Opt.choice
                "--precision"
                precisions
                "Precision of matrix products in the fused kernels: float32 or bfloat16. bfloat16 is faster on CPUs with AVX512_BF16 but \
                 less accurate."
                _.Precision
                (fun v s -> { s with Precision = v })
            |> Opt.mayRound
        ]
        |> Opt.group "Machine" "machine"

    /// Refuses options that contradict each other, before anything is begun. `gpus`: how many are asked for.
    let check (gpus: int) (arithmetic: Arithmetic) : unit =
        if arithmetic.Precision <> ProductPrecision.Float32 then
            let precision = Choices.nameOf precisions arithmetic.Precision

            let refuse other =
                raise (
                    UsageException
                        $"--precision {precision} belongs to the fused kernels, which run on the CPU; found {other}. Leave one of the two \
                         out."
                )

            if arithmetic.Engine = Engine.Portable then
                refuse "--engine portable"

            if gpus > 0 then
                refuse $"--gpus {gpus}"
