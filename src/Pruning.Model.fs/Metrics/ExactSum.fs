namespace Pruning.Model.Metrics

open System
open System.Globalization
open Pruning.Model.Persistence

/// A sum of floating-point numbers that depends neither on the order nor on the grouping of its terms: fixed point, in
/// units of 2^-60, in 128 bits. Terms below 2^50 in magnitude fit 2^17 times over; a single precision number of 2^-36
/// or more goes in without any rounding.
[<Struct>]
type ExactSum =
    private
        {
            Units: Int128
        }

    /// The sum of two sums. Overflow is an error, never a wrong number.
    static member (+)(a: ExactSum, b: ExactSum) : ExactSum =
        {
            Units = Int128.op_CheckedAddition (a.Units, b.Units)
        }

/// Making and reading exact sums.
[<RequireQualifiedAccess>]
module ExactSum =

    let private unitsPerOne = Math.ScaleB(1.0, 60)
    let private largest = Math.ScaleB(1.0, 50)

    /// Nothing added yet.
    let zero: ExactSum = { Units = Int128.Zero }

    /// One number as a sum. `what` names it in the error for a number that is not finite or is beyond 2^50.
    let ofFloat (what: string) (value: float) : ExactSum =
        if not (abs value <= largest) then
            let found = value.ToString("R", CultureInfo.InvariantCulture)
            raise (TrainingException $"wanted {what} to be a number below 1e15 in size, found {found}")

        {
            Units = Int128.op_Explicit (Math.Round(value * unitsPerOne))
        }

    /// The sum of `times` equal sums. Overflow is an error.
    let scale (times: int64) (sum: ExactSum) : ExactSum =
        {
            Units = Int128.op_CheckedMultiply (sum.Units, Int128.op_Implicit times)
        }

    /// What is left of `whole` without `part`.
    let subtract (part: ExactSum) (whole: ExactSum) : ExactSum =
        {
            Units = Int128.op_CheckedSubtraction (whole.Units, part.Units)
        }

    /// The sum as the whole number of units that it is: nothing is rounded.
    let toUnits (sum: ExactSum) : Int128 = sum.Units

    /// The sum of so many units.
    let ofUnits (units: Int128) : ExactSum = { Units = units }

    /// The sum, rounded once.
    let toFloat (sum: ExactSum) : float = (Int128.op_Explicit sum.Units: float) / unitsPerOne
