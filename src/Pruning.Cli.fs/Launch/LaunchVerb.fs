module Pruning.Cli.Launch.LaunchVerb

open System
open System.IO
open Argu
open Pruning.Cli.Framework

type LaunchArgument =
    | On of where: string
    | Nodes of count: string
    | Ranks_Per_Node of count: string
    | Gpus_Per_Node of count: string
    | Threads_Per_Rank of count: string
    | Time of limit: string
    | Memory of size: string

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | On _ -> "local, slurm, htcondor or all (all)"
            | Nodes _ -> "machines (1)"
            | Ranks_Per_Node _ -> "ranks on each machine (its GPUs, or 2)"
            | Gpus_Per_Node _ -> "GPUs on each machine, one a rank (0)"
            | Threads_Per_Rank _ -> "cores for each rank (1)"
            | Time _ -> "time limit of the job, as Slurm writes it (08:00:00)"
            | Memory _ -> "memory for each machine, as Slurm writes it (16G)"

/// What is to be started, and on what.
type LaunchPlan =
    {
        /// The command of a rank, its words as they were typed.
        Command: string list
        Nodes: int
        RanksPerNode: int
        GpusPerNode: int
        Threads: int
        Time: TimeSpan
        Memory: string
    }

/// A word as a shell reads it back.
let shellWord (word: string) : string =
    let plain c = Char.IsAsciiLetterOrDigit c || "_-./=:,+@%".Contains(c: char)

    if word <> "" && Seq.forall plain word then
        word
    else
        "'" + word.Replace("'", "'\\''") + "'"

/// Hours, minutes and seconds, or days before a dash, as Slurm takes them; a UsageException for anything else.
let private parseTime (text: string) : TimeSpan =
    let refuse () = Value.refuse "--time" "a time as [days-]hours:minutes:seconds" text

    let days, clock =
        match text.Split '-' with
        | [| days; clock |] -> days, clock
        | _ -> "0", text

    let number (word: string) =
        match Int32.TryParse(word, Globalization.NumberStyles.None, Globalization.CultureInfo.InvariantCulture) with
        | true, value -> value
        | _ -> refuse ()

    match clock.Split ':' with
    | [| hours; minutes; seconds |] when number minutes < 60 && number seconds < 60 ->
        TimeSpan(number days, number hours, number minutes, number seconds)
    | _ -> refuse ()

let private slurmTime (time: TimeSpan) = $"%02d{24 * time.Days + time.Hours}:%02d{time.Minutes}:%02d{time.Seconds}"

let private rankCommand (plan: LaunchPlan) : string =
    [
        yield! plan.Command

        // Each rank takes the GPU of its number on the machine.
        if
            plan.GpusPerNode > 0
            && not (List.exists (fun (word: string) -> word.StartsWith "--gpus") plan.Command)
        then
            "--gpus"
            "1"
        if
            plan.Threads > 1
            && not (List.exists (fun (word: string) -> word.StartsWith "--threads") plan.Command)
        then
            "--threads"
            string plan.Threads
    ]
    |> List.map shellWord
    |> String.concat " "

/// Open MPI binds each rank to one core unless told otherwise, and kills the other ranks one second after one was lost:
/// too soon for all of them to say which.
let private mpirun (program: string) (plan: LaunchPlan) (hosts: string) : string =
    $"mpirun -np {plan.Nodes * plan.RanksPerNode} {hosts}--bind-to none --mca odls_base_sigkill_timeout 10 {program} {rankCommand plan}"

let local (program: string) (plan: LaunchPlan) : string list =
    [
        $"# One machine: {plan.RanksPerNode} ranks."
        mpirun program { plan with Nodes = 1 } ""
        if plan.Nodes > 1 then
            $"# {plan.Nodes} machines without a batch system: their names in a file, one a line, the same path on all."
            mpirun program plan $"--hostfile hosts --map-by ppr:{plan.RanksPerNode}:node "
    ]

let slurm (program: string) (plan: LaunchPlan) : string list =
    [
        "#!/bin/bash"
        "# Slurm: save as job.sh and start with: sbatch job.sh"
        "#SBATCH --job-name=graph-pruning"
        $"#SBATCH --nodes={plan.Nodes}"
        $"#SBATCH --ntasks-per-node={plan.RanksPerNode}"
        $"#SBATCH --cpus-per-task={plan.Threads}"
        if plan.GpusPerNode > 0 then
            $"#SBATCH --gres=gpu:{plan.GpusPerNode}"
        $"#SBATCH --mem={plan.Memory}"
        $"#SBATCH --time={slurmTime plan.Time}"
        // A checkpoint is written and the run exits with 85 before the limit; then the job asks to be run again.
        "#SBATCH --signal=USR1@120"
        "#SBATCH --requeue"
        "srun --mpi=pmix " + program + " " + rankCommand plan + " || code=$?"
        "[ \"${code:-0}\" -eq 85 ] && scontrol requeue \"$SLURM_JOB_ID\""
        "exit \"${code:-0}\""
    ]

let htcondor (program: string) (plan: LaunchPlan) : string list =
    let inner =
        if plan.RanksPerNode = 1 then
            program + " " + rankCommand plan
        else
            mpirun program { plan with Nodes = 1 } ""

    // HTCondor's own quoting: the arguments stand in double quotes, inside of which quotes are doubled.
    let condorQuoted (text: string) = "\"-c '" + text.Replace("'", "''").Replace("\"", "\"\"") + "'\""

    [
        "# HTCondor: save as job.sub and start with: condor_submit job.sub. All ranks on one machine."
        "universe       = vanilla"
        "executable     = /bin/bash"
        $"arguments      = {condorQuoted inner}"
        "getenv         = True"
        $"request_cpus   = {plan.RanksPerNode * plan.Threads}"
        $"request_memory = {plan.Memory}"
        if plan.GpusPerNode > 0 then
            $"request_gpus   = {plan.GpusPerNode}"
        "output         = job.$(Cluster).out"
        "error          = job.$(Cluster).err"
        "log            = job.$(Cluster).log"
        // 85: stopped early with a checkpoint. Start again where it was.
        "kill_sig       = SIGUSR1"
        "on_exit_remove = (ExitCode =!= 85)"
        "queue"
    ]

/// The verbs whose ranks work together.
let private verbs = [ "train"; "doctor" ]

let private split (words: string list) : string list * string list =
    match words |> List.tryFindIndex (fun word -> List.contains word verbs) with
    | Some place -> List.splitAt place words
    | None ->
        let known = String.Join(" or ", verbs)

        raise (
            UsageException
                $"wanted the command of a rank ({known} with its options) after the options of launch, found none."
        )

let private planOf (arguments: LaunchArgument list) (words: string list) : LaunchPlan =
    let pick choose = List.tryPick choose arguments
    let count name text = Value.whole name (1, 100_000) text

    let gpus =
        pick (function
            | Gpus_Per_Node text -> Some(Value.whole "--gpus-per-node" (0, 1000) text)
            | _ -> None)
        |> Option.defaultValue 0

    {
        Command = words
        Nodes =
            pick (function
                | Nodes text -> Some(count "--nodes" text)
                | _ -> None)
            |> Option.defaultValue 1
        RanksPerNode =
            pick (function
                | Ranks_Per_Node text -> Some(count "--ranks-per-node" text)
                | _ -> None)
            |> Option.defaultValue (if gpus > 0 then gpus else 2)
        GpusPerNode = gpus
        Threads =
            pick (function
                | Threads_Per_Rank text -> Some(count "--threads-per-rank" text)
                | _ -> None)
            |> Option.defaultValue 1
        Time =
            pick (function
                | Time text -> Some(parseTime text)
                | _ -> None)
            |> Option.defaultValue (TimeSpan.FromHours 8.0)
        Memory =
            pick (function
                | Memory text -> Some text
                | _ -> None)
            |> Option.defaultValue "16G"
    }

/// How the program is called: what the launcher script said, or the name that the path finds.
let private program () : string =
    let beside = Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", "..", Arguments.program)

    if File.Exists beside then
        shellWord (Path.GetFullPath beside)
    else
        Arguments.program

let private run (terminal: Terminal) (words: string list) : int =
    let own, command = split words
    let arguments = ArguVerb.parse<LaunchArgument> own
    let plan = planOf arguments command

    let where =
        arguments
        |> List.tryPick (function
            | On text -> Some text
            | _ -> None)
        |> Option.defaultValue "all"

    let places =
        Value.choice
            "--on"
            [
                "local", [ local ]
                "slurm", [ slurm ]
                "htcondor", [ htcondor ]
                "all", [ local; slurm; htcondor ]
            ]
            where

    for index, place in List.indexed places do
        if index > 0 then
            Terminal.print terminal ""

        place (program ()) plan |> List.iter (Terminal.print terminal)

    ExitCode.ok

let private help: VerbHelp =
    {
        Verb = "launch"
        Summary = "print the commands that start a training on several processes, machines or GPUs"
        Synopsis = "[options] train FILE ..."
        Explanation =
            "Starts nothing: it prints the exact command for one machine, a batch script for Slurm and a submit file for HTCondor, for \
             what follows the word train. Every rank runs the same command; MPI (Open MPI or MPICH) tells it which one it is. Before a \
             time limit Slurm and HTCondor send SIGUSR1: the run then writes a checkpoint and exits with 85, and the job starts again with \
             --resume (docs/how-to/resume.md)."
        Examples =
            [
                "launch train data.root --epochs 20 --resume auto",
                "two ranks on this machine, and the same as batch jobs"
                "launch --on slurm --nodes 4 --gpus-per-node 4 train data.root --resume auto", "16 GPUs"
            ]
    }

let command: Command = Command.create ArguVerb.options<LaunchArgument> help run
