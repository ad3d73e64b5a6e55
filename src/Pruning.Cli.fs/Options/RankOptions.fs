namespace Pruning.Cli.Options

open System
open Pruning.Cli.Framework

/// Which ranks train together.
type WorldSettings =
    {
        /// Ranks in this process; on the CPU unless devices are named.
        Replicas: int
        /// One a rank, by name; none = `Gpus` decides.
        Devices: string list
        Gpus: int
        /// How long a rank waits for the others.
        RankTimeout: TimeSpan
    }

[<RequireQualifiedAccess>]
module RankOptions =

    let standard: WorldSettings =
        {
            Replicas = 1
            Devices = []
            Gpus = 0
            RankTimeout = TimeSpan.FromMinutes 10.0
        }

    let options: Opt<WorldSettings> list =
        [
            Opt.whole
                "--gpus"
                (0, 1024)
                "GPUs to train on, one per rank; 0 is the CPU (original: 1)."
                _.Gpus
                (fun v s -> { s with Gpus = v })
            |> Opt.required
            |> Opt.mayRound
            Opt.whole
                "--replicas"
                (1, 1024)
                "Ranks on the CPU in this process. They share each batch, with the results of one rank. See launch for several processes \
                 or machines."
                _.Replicas
                (fun v s -> { s with Replicas = v })
            |> Opt.mayRound
            Opt.ofKind
                (Kind.list "NAMES")
                "--devices"
                "One rank on each of these devices, as in cuda:0,cuda:1."
                _.Devices
                (fun v s -> { s with Devices = v })
            |> Opt.unset "none"
            |> Opt.mayRound
            Opt.ofKind
                Kind.time
                "--rank-timeout"
                "How long a rank waits for the others before it gives up, as in 90s or 10m."
                _.RankTimeout
                (fun v s -> { s with RankTimeout = v })
            |> Opt.unset "10m"
            |> Opt.kept "machine" "rank_timeout_seconds"
            |> Opt.mayChange
        ]
        |> Opt.group "Machine" "machine"

    /// The options that say who trains.
    let whoTrains: string list = [ "--gpus"; "--replicas"; "--devices" ]
