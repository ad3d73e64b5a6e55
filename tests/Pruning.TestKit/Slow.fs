namespace Pruning.Tests

open System

/// Marks tests that take long. `./test.sh` leaves them out, `./test.sh slow` runs nothing else.
[<AttributeUsage(AttributeTargets.Property ||| AttributeTargets.Field)>]
type SlowTestsAttribute() =
    inherit Attribute()

/// How much of the long tests is wanted: all of it, or with `--short` what CI has time for.
[<RequireQualifiedAccess>]
module Slow =
    let isShort: bool = Environment.GetCommandLineArgs() |> Array.contains "--short"

    /// One number for `--short`, one for the whole.
    let count (short: int) (whole: int) : int = if isShort then short else whole
