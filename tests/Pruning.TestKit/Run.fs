/// Runs programs as processes, the way a person or a batch system does, and keeps what they said.
module Pruning.Tests.Cli.Run

open System
open System.Diagnostics
open System.IO
open System.Text
open System.Threading

/// How a process ended.
type Outcome =
    {
        Command: string
        ExitCode: int
        /// Everything on standard output.
        Out: string
        /// Everything on standard error.
        Error: string
    }

    override this.ToString() =
        $"{this.Command}\nexit code {this.ExitCode}\n--- stdout\n{this.Out}\n--- stderr\n{this.Error}"

    /// Lines of standard output, the empty one at the end left out.
    member this.OutLines = this.Out.TrimEnd('\n').Split('\n') |> List.ofArray

    /// Lines of standard error, the empty one at the end left out.
    member this.ErrorLines = this.Error.TrimEnd('\n').Split('\n') |> List.ofArray

/// What to run and in which surroundings.
type Setup =
    {
        Program: string
        Arguments: string list
        /// Variables to set, or to unset with None.
        Environment: (string * string option) list
        Directory: string
        /// After this long the process is killed and the test fails with what it had said.
        Timeout: TimeSpan
        /// Called with the process once it runs: to send it a signal, say.
        Started: Process -> unit
        /// Runs the program's words in this process: exit code, stdout and stderr. Whatever needs a process of its own
        /// (variables, a directory, signals, a launcher) takes it away.
        Here: (string list -> int * string * string) option
    }

/// The root of the repository: the nearest folder above the tests that holds the solution.
let repository: string =
    let rec search (directory: DirectoryInfo | null) =
        match directory with
        | null -> failwith $"no GraphPruning.sln above {AppContext.BaseDirectory}"
        | here when File.Exists(Path.Combine(here.FullName, "GraphPruning.sln")) -> here.FullName
        | here -> search here.Parent

    search (DirectoryInfo AppContext.BaseDirectory)

/// The built command line, beside the tests in the same configuration.
let private cli =
    let name = "graph-pruning.dll"
    let beside = Path.Combine(AppContext.BaseDirectory, name)
    let framework = DirectoryInfo(AppContext.BaseDirectory.TrimEnd '/')
    let configuration = (nonNull framework.Parent).Name

    let built =
        Path.Combine(repository, "src", "Pruning.Cli.fs", "bin", configuration, framework.Name, name)

    if File.Exists built then built else beside

/// The muxer that runs these tests, so that a test does not depend on PATH.
let dotnet: string =
    match Environment.ProcessPath with
    | null -> "dotnet"
    | path when Path.GetFileNameWithoutExtension path = "dotnet" -> path
    | _ ->
        match Environment.GetEnvironmentVariable "DOTNET_HOST_PATH" with
        | null -> "dotnet"
        | path -> path

/// A program with its arguments, in the repository, killed after two minutes.
let program (path: string) (arguments: string list) : Setup =
    {
        Program = path
        Arguments = arguments
        Environment = [ "OMP_WAIT_POLICY", Some "passive"; "GOMP_SPINCOUNT", Some "0"; "NO_COLOR", Some "1" ]
        Directory = repository
        Timeout = TimeSpan.FromMinutes 2.0
        Started = ignore
        Here = None
    }

/// `graph-pruning ARGUMENTS`, without the launcher and its build.
let graphPruning (arguments: string list) : Setup = program dotnet (cli :: arguments)

let inDirectory (directory: string) (setup: Setup) =
    { setup with
        Directory = directory
        Here = None
    }

let withVariable (name: string) (value: string) (setup: Setup) =
    { setup with
        Environment = setup.Environment @ [ name, Some value ]
        Here = None
    }

let withoutVariable (name: string) (setup: Setup) =
    { setup with
        Environment = setup.Environment @ [ name, None ]
    }

let within (timeout: TimeSpan) (setup: Setup) = { setup with Timeout = timeout }

let whenStarted (action: Process -> unit) (setup: Setup) =
    { setup with
        Started = action
        Here = None
    }

/// Sends a signal by its name ("INT", "TERM").
let signal (name: string) (running: Process) : unit =
    use kill = Process.Start("/bin/kill", [ $"-{name}"; string running.Id ])
    kill.WaitForExit()

let private runProcess (setup: Setup) : Outcome =
    let start =
        ProcessStartInfo(
            setup.Program,
            setup.Arguments,
            WorkingDirectory = setup.Directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = UTF8Encoding false,
            StandardErrorEncoding = UTF8Encoding false
        )

    for name, value in setup.Environment do
        match value with
        | Some text -> start.Environment[name] <- text
        | None -> start.Environment.Remove name |> ignore

    let command = String.concat " " (setup.Program :: setup.Arguments)
    use running = Process.Start start |> nonNull
    running.StandardInput.Close()
    // Both at once: a process that fills one pipe while the other is read would wait for ever.
    let out = running.StandardOutput.ReadToEndAsync()
    let error = running.StandardError.ReadToEndAsync()
    setup.Started running
    use limit = new CancellationTokenSource(setup.Timeout)

    let ended =
        try
            running.WaitForExitAsync(limit.Token).GetAwaiter().GetResult()
            true
        with :? OperationCanceledException ->
            running.Kill(entireProcessTree = true)
            running.WaitForExit()
            false

    let outcome =
        {
            Command = command
            ExitCode = running.ExitCode
            Out = out.Result
            Error = error.Result
        }

    if not ended then
        Expecto.Tests.failtestf "killed after %g s: %O" setup.Timeout.TotalSeconds outcome

    outcome

/// Runs to the end. Standard input is empty.
let run (setup: Setup) : Outcome =
    match setup.Here, setup.Arguments with
    | Some here, _ :: words when setup.Program = dotnet ->
        let exitCode, out, error = here words

        {
            Command = String.concat " " ("graph-pruning" :: words)
            ExitCode = exitCode
            Out = out
            Error = error
        }
    | _ -> runProcess setup

/// Runs and expects an exit code; the failure shows everything that the process said.
let expecting (exitCode: int) (setup: Setup) : Outcome =
    let outcome = run setup

    if outcome.ExitCode <> exitCode then
        Expecto.Tests.failtestf "wanted exit code %d of %O" exitCode outcome

    outcome

/// A temporary directory for one action; it is removed at the end.
let inTemporaryDirectoryOf (action: string -> 'T) : 'T =
    let directory = Directory.CreateTempSubdirectory "graph-pruning-test-"

    try
        action directory.FullName
    finally
        directory.Delete true

/// A temporary directory for one test.
let inTemporaryDirectory (test: string -> unit) : unit = inTemporaryDirectoryOf test
