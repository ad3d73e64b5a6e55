namespace Pruning.Cli.Runs

open System
open Pruning.Model.Tensors
open Pruning.Model.Evaluation
open Pruning.Cli.Framework
open Pruning.Cli.Options

/// How uncertainties are measured.
type Resampling = { Replicates: int; Seed: uint64 }

/// What verbs that use a trained network have in common on the command line; numbers and choices arrive as text.
[<RequireQualifiedAccess>]
type NetworkOption =
    | Checkpoint of name: string
    | Bootstrap of n: string
    | Seed of n: string
    | Workers of n: string
    | BatchSize of n: string
    | Gpus of n: string
    | Threads of n: string
    | Engine of kind: string
    | Precision of numbers: string
    | LibTorch of directory: string

/// Which weights of a run, on what they are computed, and how their numbers are resampled.
type NetworkUse =
    {
        /// best or last.
        Checkpoint: string
        Resampling: Resampling
        /// Threads that read files and build graphs.
        Workers: int
        /// None = the run's own, as for the following ones.
        BatchSize: int option
        Gpus: int option
        Threads: int option
        /// What computes aggregators and cells, and in which numbers.
        Arithmetic: Arithmetic
        LibTorch: string option
    }

[<RequireQualifiedAccess>]
module NetworkUse =

    /// `replicates`: resamplings unless the user says how many.
    let standard (replicates: int) : NetworkUse =
        {
            Checkpoint = "best"
            Resampling = { Replicates = replicates; Seed = 42UL }
            Workers = Environment.ProcessorCount
            BatchSize = None
            Gpus = None
            Threads = None
            Arithmetic = Arithmetic.standard
            LibTorch = None
        }

    /// Of several words on one option the last one counts.
    let apply (using: NetworkUse) (option: NetworkOption) : NetworkUse =
        match option with
        | NetworkOption.Checkpoint text ->
            { using with
                Checkpoint = Value.choice "--checkpoint" [ "best", "best"; "last", "last" ] text
            }
        | NetworkOption.Bootstrap text ->
            { using with
                Resampling =
                    { using.Resampling with
                        Replicates = Value.whole "--bootstrap" (0, 100_000) text
                    }
            }
        | NetworkOption.Seed text ->
            { using with
                Resampling =
                    { using.Resampling with
                        Seed = uint64 (Value.wholeLong "--seed" (0L, Int64.MaxValue) text)
                    }
            }
        | NetworkOption.Workers text ->
            { using with
                Workers = Inputs.workers text
            }
        | NetworkOption.BatchSize text ->
            { using with
                BatchSize = Some(Value.whole "--batch-size" (1, 1_000_000) text)
            }
        | NetworkOption.Gpus text ->
            { using with
                Gpus = Some(Value.whole "--gpus" (0, 1024) text)
            }
        | NetworkOption.Threads text ->
            { using with
                Threads = Some(Value.whole "--threads" (1, 1024) text)
            }
        | NetworkOption.Engine text ->
            { using with
                Arithmetic = ArithmeticWords.withEngine text using.Arithmetic
            }
        | NetworkOption.Precision text ->
            { using with
                Arithmetic = ArithmeticWords.withPrecision text using.Arithmetic
            }
        | NetworkOption.LibTorch directory -> { using with LibTorch = Some directory }

/// Where a network begins to prune, as a word.
[<RequireQualifiedAccess>]
module WorkingPointWord =

    let private option = "--working-point"

    /// probability=P, efficiency=E or best-f1
    let parse (text: string) : Threshold =
        let share = Interval.closed 0.0 1.0
        let refuse () = Value.refuse option "probability=P, efficiency=E or best-f1" text

        if text.Equals("best-f1", StringComparison.OrdinalIgnoreCase) then
            Threshold.BestF1
        else
            match text.Split('=', 2, StringSplitOptions.TrimEntries) with
            | [| name; value |] ->
                match name.ToLowerInvariant() with
                | "probability" -> Threshold.Probability(Value.real option share value)
                | "efficiency" -> Threshold.EnergyEfficiency(Value.real option share value)
                | _ -> refuse ()
            | _ -> refuse ()
