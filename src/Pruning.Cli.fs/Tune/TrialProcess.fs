namespace Pruning.Cli.Tune

open System
open System.Diagnostics
open System.IO
open System.Reflection
open System.Runtime.InteropServices

/// Trainings as processes of this program.
[<RequireQualifiedAccess>]
module TrialProcess =

    [<DllImport("libc", EntryPoint = "kill")>]
    extern int private sendSignal(int pid, int signal)

    let private terminate, private killed = 15, 9 // SIGTERM, SIGKILL

    /// The program and the words before the verb: the launcher of .NET and the assembly, or the published program.
    let private self () : string list =
        let program = Environment.ProcessPath |> Option.ofObj |> Option.defaultValue "dotnet"
        let assembly = (nonNull (Assembly.GetEntryAssembly())).Location

        if Path.GetFileNameWithoutExtension program = "dotnet" then
            [ program; assembly ]
        else
            [ program ]

    /// In a session of its own where the system can: Ctrl-C then reaches the study alone, which tells its trainings to stop.
    /// What it says goes to a file that needs no reader, so that the training outlives a study that is killed.
    let private script =
        "log=$1; shift; if command -v setsid >/dev/null 2>&1; then exec setsid \"$@\" >>\"$log\" 2>&1; else exec \"$@\" >>\"$log\" 2>&1; fi"

    /// Starts `graph-pruning WORDS`, its output added to a log file.
    let start (log: string) (environment: (string * string) list) (words: string list) : Process =
        let start = ProcessStartInfo("/bin/sh", RedirectStandardInput = true)

        for word in [ "-c"; script; "sh"; log ] @ self () @ words do
            start.ArgumentList.Add word

        for name, value in environment do
            start.Environment[name] <- value

        let running = Process.Start start |> nonNull
        running.StandardInput.Close()
        running

    /// Asks a training to save and stop.
    let stop (running: Process) : unit =
        if not running.HasExited then
            sendSignal (running.Id, terminate) |> ignore

    /// Ends what is left of a training whose study has died, so that nothing is done twice at once. Only a process of this
    /// machine that is surely the same one.
    let endOrphan (processId: string) : unit =
        if Owner.isAlive processId = Some true then
            let pid = Owner.pidOf processId
            sendSignal (pid, killed) |> ignore

            Threading.SpinWait.SpinUntil((fun () -> Owner.isAlive processId <> Some true), 10_000)
            |> ignore

    /// The last line of a log: why a training failed.
    let lastLine (log: string) : string =
        try
            File.ReadLines log
            |> Seq.filter (fun line -> not (String.IsNullOrWhiteSpace line))
            |> Seq.tryLast
            |> Option.defaultValue "no word"
        with :? IOException ->
            "no log"
