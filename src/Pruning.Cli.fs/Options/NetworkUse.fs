namespace Pruning.Cli.Options

open System
open Pruning.Model.Tensors
open Pruning.Model.Evaluation
open Pruning.Cli.Framework

/// How uncertainties are measured.
type Resampling = { Replicates: int; Seed: uint64 }

/// Which weights of a run are used, on what they are computed, and how their numbers are resampled.
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

/// The options of verbs that use a trained network.
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

    /// The directory of a libtorch.
    let libtorch (get: 'S -> string option) (set: string option -> 'S -> 'S) : Opt<'S> =
        Opt.path
            "--libtorch"
            "DIRECTORY"
            "Use the libtorch in this directory, for instance torch/lib of a CUDA PyTorch."
            get
            set
        |> Opt.unset "the libtorch that the program finds"

    let private ofRun kind name help get set =
        Opt.ofKind (Kind.optional kind) name help get set |> Opt.unset "as in the run"

    let private own: Opt<NetworkUse> list =
        [
            Opt.choice
                "--checkpoint"
                [ "best", "best"; "last", "last" ]
                "Weights of a run that are used: best or last."
                _.Checkpoint
                (fun v s -> { s with Checkpoint = v })
            Opt.whole
                "--bootstrap"
                (0, 100_000)
                "Bootstrap replicates behind the intervals of 68.3 %. Events are resampled, or tracksters where events are not known. 0: \
                 no intervals."
                _.Resampling.Replicates
                (fun v s ->
                    { s with
                        Resampling = { s.Resampling with Replicates = v }
                    })
            Opt.ofKind
                (Kind.wholeLong (0L, Int64.MaxValue) |> Kind.map uint64 int64)
                "--seed"
                "Seed of the bootstrap and of other random draws."
                _.Resampling.Seed
                (fun v s ->
                    { s with
                        Resampling = { s.Resampling with Seed = v }
                    })
            Opt.ofKind Inputs.workers "--workers" "Threads that read files and build graphs." _.Workers (fun v s ->
                { s with Workers = v })
            |> Opt.unset "number of cores"
            ofRun
                (Kind.whole (1, 1_000_000))
                "--batch-size"
                "Graphs that are computed together. The metrics mean the same for every batch size."
                _.BatchSize
                (fun v s -> { s with BatchSize = v })
            ofRun (Kind.whole (0, 1024)) "--gpus" "GPUs to use; 0 is the CPU." _.Gpus (fun v s -> { s with Gpus = v })
            ofRun (Kind.whole (1, 1024)) "--threads" "Threads that compute on the CPU." _.Threads (fun v s ->
                { s with Threads = v })
            libtorch _.LibTorch (fun v s -> { s with LibTorch = v })
        ]

    let private all: Opt<NetworkUse> list =
        own
        @ Opt.within _.Arithmetic (fun v s -> { s with Arithmetic = v }) ArithmeticOptions.options

    /// Some of the options, by name.
    let options (names: string list) : Opt<NetworkUse> list = Opt.pick names all

/// Where a network begins to prune.
[<RequireQualifiedAccess>]
module WorkingPointOption =

    /// probability=P, efficiency=E or best-f1
    let private parse (option: string) (text: string) : Threshold =
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

    let private text (threshold: Threshold) : string =
        match threshold with
        | Threshold.BestF1 -> "best-f1"
        | Threshold.Probability p -> $"probability={Kind.number p}"
        | Threshold.EnergyEfficiency e -> $"efficiency={Kind.number e}"

    let option (get: 'S -> Threshold) (set: Threshold -> 'S -> 'S) : Opt<'S> =
        Opt.ofKind
            (Kind.custom "POINT" parse text)
            "--working-point"
            "Where the network begins to prune: at probability=P, as low as this share of the showers' energy survives (efficiency=E), or \
             where F1 is largest (best-f1). The last two are chosen on the validation split."
            get
            set
