module Pruning.Tests.Main

open System
open System.IO
open System.Reflection
open Expecto
open Expecto.Impl
open Pruning.Native.Errors
open Pruning.Native.Torch
open Pruning.Tests
open TorchSharp

/// The assemblies with tests. They share this process: its compiled code, its libtorch and Expecto's scheduling.
let private projects: Assembly list =
    [ "Root"; "Data"; "Native"; "Model"; "Cli" ]
    |> List.map (fun project -> Assembly.Load $"Pruning.{project}.Tests")

/// Takes `--filter TEXT` (or `--filter=TEXT`) out of the arguments; the rest is Expecto's.
let private takeFilter (arguments: string list) =
    let rec take kept =
        function
        | "--filter" :: text :: rest -> Ok(Some text, List.rev kept @ rest)
        | [ "--filter" ] -> Result.Error "--filter wants the text that the names of the tests to run contain."
        | (argument: string) :: rest when argument.StartsWith("--filter=", StringComparison.Ordinal) ->
            Ok(Some(argument.Substring "--filter=".Length), List.rev kept @ rest)
        | argument :: rest -> take (argument :: kept) rest
        | [] -> Ok(None, List.rev kept)

    take [] arguments

/// The tests whose full names ("list.list.name") contain the text, in any case.
let private containing (text: string) (tests: Test) =
    let matches names = (String.concat "." names).Contains(text, StringComparison.OrdinalIgnoreCase)

    Test.filter "." matches tests

/// Tests that need libtorch fail one by one when it does not load; the others run.
let private loadLibtorch () =
    try
        TorchNative.Load() |> ignore
        torch.set_num_threads 1
        None
    with :? DeviceException as error ->
        Some error.Message

let private close passed failed skipped =
    Console.Error.Flush()
    // Expecto leaves the cursor after a colour reset: a new line lets the closing line stand alone.
    Console.Out.WriteLine()
    Console.Out.WriteLine $"{passed} passed, {failed} failed, {skipped} skipped"
    Console.Out.Flush()

/// The 50 tests that took longest, in seconds: `.build/slowest-tests.txt`. Tests that shared a lazy training pay for it once.
let private noteSlowest (summary: TestRunSummary) =
    let directory = Path.Combine(Fixture.repository, ".build")

    if Directory.Exists directory then
        summary.results
        |> List.sortByDescending (fun (_, result) -> result.duration)
        |> List.truncate 50
        |> List.map (fun (test, result) -> $"{result.duration.TotalSeconds, 8:F2}  {String.Join('.', test.name)}")
        |> fun lines -> File.WriteAllLines(Path.Combine(directory, "slowest-tests.txt"), lines)

let private run (tests: Test) (arguments: string list) =
    let missing = loadLibtorch ()
    let mutable passed, failed, skipped = 0, 0, 0

    let count (summary: TestRunSummary) =
        noteSlowest summary
        passed <- summary.passed.Length
        failed <- summary.failed.Length + summary.errored.Length
        skipped <- summary.ignored.Length

    // In a file or a pipe, colour codes would end up in front of the closing line.
    let plain = if Console.IsOutputRedirected then [ Colours 0; No_Spinner ] else []

    let code =
        runTestsWithCLIArgs (Append_Summary_Handler(SummaryHandler count) :: plain) (List.toArray arguments) tests

    missing
    |> Option.iter (fun reason -> eprintfn "Tests that need libtorch cannot pass: %s" reason)

    // `--list-tests` and the like run nothing and are no failure; a run in which nothing was tested is one.
    let informative =
        arguments
        |> List.exists (fun a -> a = "--list-tests" || a = "--help" || a = "--version")

    if informative then
        code
    else
        if passed + failed = 0 then
            eprintfn "No test ran: nothing matches these arguments, or everything was skipped."

        close passed failed skipped
        if code = 0 && failed = 0 && passed > 0 then 0 else 1

/// The tests that are marked as slow.
let private slowOf (project: Assembly) : Test list =
    [
        for each in project.GetTypes() do
            for property in each.GetProperties(BindingFlags.Static ||| BindingFlags.Public) do
                if property.IsDefined typeof<SlowTestsAttribute> then
                    unbox<Test>(property.GetValue null)
    ]

/// `slow` as the first word chooses the slow tests; `--short`, which they read themselves, is none of Expecto's.
let private chosen (arguments: string list) : Test * string list =
    match arguments with
    | "slow" :: rest -> testList "" (List.collect slowOf projects), List.except [ "--short" ] rest
    | _ -> testList "" (List.choose testFromAssembly projects), arguments

[<EntryPoint>]
let main arguments =
    let tests, arguments = chosen (List.ofArray arguments)

    match takeFilter arguments with
    | Result.Error message ->
        eprintfn "%s" message
        2
    | Ok(None, rest) -> run tests rest
    | Ok(Some text, rest) ->
        match containing text tests with
        | chosen when Seq.isEmpty (Test.toTestCodeList chosen) ->
            eprintfn "No test name contains '%s'; leave --filter out to run every test." text
            close 0 0 0
            1
        | chosen -> run chosen rest
