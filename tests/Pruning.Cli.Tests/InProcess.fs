/// Runs the command line in the tests' own process, with a terminal of its own: no start of .NET, no second libtorch.
module Pruning.Tests.Cli.InProcess

open System
open System.Globalization
open System.IO
open Pruning.Cli
open Pruning.Cli.Framework
open Pruning.Tests.Cli

let private terminal (data: TextWriter) (talk: TextWriter) (words: string list) : Terminal =
    {
        Data = data
        Talk = talk
        Lively = false
        Piped = true
        Colour = false
        Signals = false
        Command = Arguments.program :: words
        Verbosity = Verbosity.Normal
    }

/// A user's language is no concern of these tests: those that are about it start a process.
let private inInvariantCulture (work: unit -> 'T) : 'T =
    let before = CultureInfo.CurrentCulture
    CultureInfo.CurrentCulture <- CultureInfo.InvariantCulture

    try
        work ()
    finally
        CultureInfo.CurrentCulture <- before

let private here (words: string list) : int * string * string =
    // Workers write too.
    let data, talk = new StringWriter(), new StringWriter()

    let shared = terminal (TextWriter.Synchronized data) (TextWriter.Synchronized talk) words

    let exitCode = inInvariantCulture (fun () -> Program.run shared words)
    exitCode, string data, string talk

/// tune and a benchmark of everything start the program again; --libtorch is about what the process loads.
let private needsProcess (words: string list) =
    match words with
    | "tune" :: _ -> true
    | "benchmark" :: ("train" | "infer") :: _ -> false
    | "benchmark" :: _ -> true
    | _ ->
        words
        |> List.exists (fun word -> word.StartsWith("--libtorch", StringComparison.Ordinal))

/// Options whose values are files or directories.
let private placed = set [ "--output"; "--output-dir"; "--ntuple"; "--choose-on"; "--runs" ]

/// Words with the files that they name below a directory: what a process that is started in it would read and write. Files are
/// words that end in .root, and the values of `placed`, as one word `--option=FILE`.
let below (directory: string) (words: string list) : string list =
    let placedWord (word: string) =
        match word.Split('=', 2) with
        | [| option; file |] when placed.Contains option -> $"{option}={Path.Combine(directory, file)}"
        | [| file |] when file.EndsWith(".root", StringComparison.Ordinal) -> Path.Combine(directory, file)
        | _ -> word

    List.map placedWord words

/// `graph-pruning WORDS`: here, unless the words or what is added to the setup need a process.
let graphPruning (words: string list) : Run.Setup =
    { Run.graphPruning words with
        Here = if needsProcess words then None else Some here
    }
