namespace Pruning.Cli.Runs

open System
open System.IO
open System.Runtime.CompilerServices
open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Distributed
open Pruning.Cli.Framework
open Pruning.Cli.Options

/// The ranks of a training: those of mpirun or srun, or threads of this process, each with a device of its own.
[<RequireQualifiedAccess>]
module World =

    /// The ranks of a run that another one continues or repeats. Options that say who trains are not mixed with those of the
    /// run: one of them replaces them all. Ranks that a launcher started replace those that the run had in its process.
    let takenUp (place: LaunchPlace option) (line: Line) (world: WorldSettings) : WorldSettings =
        if RankOptions.whoTrains |> List.exists (fun name -> (Line.last name line).IsSome) then
            { RankOptions.standard with
                RankTimeout = world.RankTimeout
            }
        else
            match place with
            | Some place when place.Size > 1 ->
                { world with
                    Replicas = 1
                    Gpus = min 1 world.Gpus
                }
            | _ -> world

    /// Only the first rank talks; errors of the others are reported where they end.
    let private terminalOf (terminal: Terminal) (ranks: Communicator) : Terminal =
        if Communicator.isFirst ranks then
            terminal
        else
            { terminal with
                Data = TextWriter.Null
                Lively = false
                Verbosity = Verbosity.Quiet
            }

    // Apart and not inlined: callers must be able to load libtorch before these touch a TorchSharp type.
    [<MethodImpl(MethodImplOptions.NoInlining)>]
    let private deviceOfRank (settings: WorldSettings) (ranks: Communicator) : torch.Device =
        match settings.Devices, settings.Gpus with
        | [], 0 -> torch.CPU
        | [], 1 -> Device.ofLocalRank ranks.LocalRank
        | [], many ->
            raise (
                UsageException
                    $"--gpus {many} wants {many} GPUs for one process, but a launcher started {ranks.Size} ranks: use --gpus 1, each \
                     takes the GPU of its number."
            )
        | devices, _ -> Device.named devices[ranks.LocalRank % devices.Length]

    [<MethodImpl(MethodImplOptions.NoInlining)>]
    let private devicesHere (settings: WorldSettings) : torch.Device list =
        match settings.Devices, settings.Gpus with
        | [], gpus when gpus > 1 -> Device.several gpus
        | [], gpus -> List.replicate settings.Replicas (Device.select gpus)
        | devices, _ -> devices |> List.map Device.named

    let private requireOneWay (settings: WorldSettings) : unit =
        if settings.Replicas > 1 && (settings.Gpus > 0 || settings.Devices <> []) then
            raise (
                UsageException
                    "--replicas are ranks on the CPU; --gpus and --devices name one rank each: use one of them."
            )

        if settings.Gpus > 0 && settings.Devices <> [] then
            raise (UsageException "--gpus counts devices and --devices names them: use one of them.")

    /// Prepares once, then runs the work on every rank of this process and gives the answer of the first of them. libtorch
    /// must be loaded.
    let run
        (terminal: Terminal)
        (settings: WorldSettings)
        (prepare: Terminal -> 'Data)
        (work: Terminal -> Communicator -> torch.Device -> 'Data -> 'Answer)
        : 'Answer =
        requireOneWay settings

        match Launch.current () with
        | Some place when place.Size > 1 ->
            if settings.Replicas > 1 then
                raise (
                    UsageException
                        $"--replicas {settings.Replicas} are ranks in one process, but {place.Launcher} started {place.Size} already: \
                         leave --replicas out."
                )

            use ranks = Launch.join settings.RankTimeout (Some place)

            try
                let terminal = terminalOf terminal ranks
                Terminal.say terminal $"Training on {ranks.Description}."
                let data = Communicator.together ranks (fun () -> prepare terminal)
                work terminal ranks (deviceOfRank settings ranks) data
            with error ->
                ranks.Abandon error.Message
                reraise ()
        | _ ->
            let devices = devicesHere settings
            let data = prepare terminal

            match devices with
            | [ device ] -> work terminal Communicator.alone device data
            | devices ->
                LocalGroup.run devices.Length settings.RankTimeout (fun ranks ->
                    let device = devices[ranks.Rank]
                    work (terminalOf terminal ranks) ranks device data)
                |> Array.head
