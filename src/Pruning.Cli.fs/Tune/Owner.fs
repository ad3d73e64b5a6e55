namespace Pruning.Cli.Tune

open System
open System.Diagnostics
open System.IO

/// Processes as a log names them: `host/pid/start`, where start tells a process from a later one of the same number.
[<RequireQualifiedAccess>]
module Owner =

    let private tryRead (path: string) : string option =
        try
            Some(File.ReadAllText path)
        with
        | :? IOException
        | :? UnauthorizedAccessException -> None

    /// Some digits of the running system: another boot counts start times anew.
    let private boot: Lazy<string> =
        lazy
            (tryRead "/proc/sys/kernel/random/boot_id"
             |> Option.map (fun id -> id.Trim().Substring(0, 8))
             |> Option.defaultValue "")

    /// When a process started, in whatever unit the system has; None if there is no such process.
    let private startOf (pid: int) : string option =
        if Directory.Exists "/proc/self" then
            // Field 22 of stat; the second one, in brackets, may hold blanks. A zombie has ended.
            tryRead $"/proc/{pid}/stat"
            |> Option.bind (fun stat ->
                let fields = stat.Substring(stat.LastIndexOf ')' + 2).Split ' '
                if fields[0] = "Z" then None else Some $"{boot.Value}-{fields[19]}")
        else
            try
                use found = Process.GetProcessById pid
                Some(string (found.StartTime.ToUniversalTime().Ticks / TimeSpan.TicksPerSecond))
            with
            | :? ArgumentException
            | :? InvalidOperationException
            | :? ComponentModel.Win32Exception -> None

    /// A process of this machine by its number; None if it has ended.
    let tryOfProcess (pid: int) : string option =
        startOf pid
        |> Option.map (fun start -> $"{Environment.MachineName}/{pid}/{start}")

    let me: Lazy<string> =
        lazy
            (tryOfProcess Environment.ProcessId
             |> Option.defaultWith (fun () -> $"{Environment.MachineName}/{Environment.ProcessId}/unknown"))

    let private isOfThisMachine (owner: string) : bool =
        owner.StartsWith(Environment.MachineName + "/", StringComparison.Ordinal)

    let pidOf (owner: string) : int = int (owner.Split('/')[1])

    /// Whether a process of this machine lives; None for another machine's, which cannot be asked.
    let isAlive (owner: string) : bool option =
        if isOfThisMachine owner then
            Some(tryOfProcess (pidOf owner) = Some owner)
        else
            None

/// Who of other machines is dead: those whose heartbeats no longer come. Measured by this process's own clock from the moment
/// at which it saw the last one, because clocks of machines differ.
[<Sealed>]
type Heartbeats(timeout: TimeSpan, clock: TimeProvider) =

    let mutable seen: Map<string, int * int64> = Map.empty

    /// Takes in the log: who has given how many signs of life.
    member _.Look(events: StudyEvent list) : unit =
        let signs =
            events
            |> List.choose (function
                | StudyEvent.Heartbeat owner
                | StudyEvent.Claim(_, owner, _)
                | StudyEvent.Started(_, owner, _) -> Some owner
                | StudyEvent.Release _
                | StudyEvent.Finish _ -> None)
            |> List.countBy id

        seen <-
            (seen, signs)
            ||> List.fold (fun seen (owner, count) ->
                match Map.tryFind owner seen with
                | Some(before, _) when before = count -> seen
                | _ -> Map.add owner (count, clock.GetTimestamp()) seen)

    /// Processes of this machine are looked up; of others the timeout decides.
    member _.IsDead(owner: string) : bool =
        match Owner.isAlive owner, Map.tryFind owner seen with
        | Some alive, _ -> not alive
        | None, Some(_, at) -> clock.GetElapsedTime at > timeout
        | None, None -> false
