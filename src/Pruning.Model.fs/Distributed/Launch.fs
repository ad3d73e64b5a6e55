namespace Pruning.Model.Distributed

open System
open System.Globalization
open Pruning.Native.Errors
open Pruning.Native.Mpi

/// What the launcher of this process says about its place among others.
type LaunchPlace =
    {
        /// mpirun of Open MPI, srun, a Hydra mpiexec, torchrun: in words.
        Launcher: string
        Rank: int
        Size: int
        /// None where the launcher does not say.
        LocalRank: int option
        /// Whether MPICH or one of its relatives started it.
        IsMpich: bool
    }

/// Finding out how this process was started, and joining the others.
[<RequireQualifiedAccess>]
module Launch =

    let private number (read: string -> string option) (name: string) : int option =
        read name
        |> Option.bind (fun text ->
            match Int32.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture) with
            | true, value -> Some value
            | false, _ -> None)

    /// Reads the environment through `read`. None: this process was started alone. A batch script of Slurm has the size
    /// of its allocation in the environment and is alone all the same: only a step of srun has a rank.
    let tryFind (read: string -> string option) : LaunchPlace option =
        let number = number read

        let place launcher isMpich rank size localRank =
            match number rank, number size with
            | Some rank, Some size when size > 0 && rank < size ->
                Some
                    {
                        Launcher = launcher
                        Rank = rank
                        Size = size
                        LocalRank = localRank |> List.tryPick number
                        IsMpich = isMpich
                    }
            | _ -> None

        let slurm () =
            match read "SLURM_STEP_ID" |> Option.orElseWith (fun () -> read "SLURM_STEPID") with
            | Some _ ->
                place
                    "srun"
                    (read "PMIX_RANK" = None && read "PMI_RANK" <> None)
                    "SLURM_PROCID"
                    "SLURM_STEP_NUM_TASKS"
                    [ "SLURM_LOCALID" ]
            | None -> None

        place "mpirun of Open MPI" false "OMPI_COMM_WORLD_RANK" "OMPI_COMM_WORLD_SIZE" [ "OMPI_COMM_WORLD_LOCAL_RANK" ]
        |> Option.orElseWith slurm
        |> Option.orElseWith (fun () -> place "mpiexec" true "PMI_RANK" "PMI_SIZE" [ "MPI_LOCALRANKID" ])
        |> Option.orElseWith (fun () -> place "torchrun" false "RANK" "WORLD_SIZE" [ "LOCAL_RANK" ])

    let private environment (name: string) : string option =
        Environment.GetEnvironmentVariable name
        |> Option.ofObj
        |> Option.filter (fun value -> value <> "")

    /// What the launcher of this process says.
    let current () : LaunchPlace option = tryFind environment

    /// Joins the other ranks that the launcher started; alone where it started one. MPI must see what the launcher said:
    /// else each process would believe that it is alone, and all would write the same files. That is a DeviceException.
    let join (rankTimeout: TimeSpan) (place: LaunchPlace option) : Communicator =
        match place with
        | None
        | Some { Size = 1 } -> Communicator.alone
        | Some place ->
            let world = MpiWorld.Start(place.IsMpich, rankTimeout)

            if world.Size <> place.Size then
                let found = world.Size
                world.Dispose()

                let advice =
                    match place.Launcher with
                    | "srun" ->
                        "start with srun --mpi=pmix, or with the plug-in that `srun --mpi=list` shows for this MPI"
                    | "torchrun" -> "start the same command with mpirun or srun, torchrun knows no MPI"
                    | _ ->
                        $"the launcher and the library belong to different MPIs, name the launcher's libmpi in GRAPH_PRUNING_MPI"

                raise (DeviceException $"{place.Launcher} started {place.Size} ranks, but MPI sees {found}: {advice}.")

            Communicator.ofMpi world
