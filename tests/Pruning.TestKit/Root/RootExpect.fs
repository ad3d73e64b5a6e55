/// What the ROOT tests share: errors taken apart, columns as lists, files of one branch.
module Pruning.Tests.Data.RootExpect

open System
open System.IO
open Expecto
open Pruning.Root.Columns
open Pruning.Root.Errors
open Pruning.Root.Reading
open Pruning.Root.Trees
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootWriter

/// The reason of an error, and its advice unless that is the usual one of its kind.
let reason (error: RootFormatException) : string =
    let usual = RootFormatException(error.Kind, "", error.Location).Advice

    match error.Advice with
    | null -> error.Problem
    | advice when String.Equals(advice, usual) -> error.Problem
    | advice -> $"{error.Problem}. {advice}"

/// Kind and reason of the error that an act must end with.
let problem (act: unit -> unit) : RootErrorKind * string =
    try
        act ()
        failtest "nothing was refused"
    with :? RootFormatException as e ->
        e.Kind, reason e

/// The whole message of that error.
let message (act: unit -> unit) : string =
    try
        act ()
        failtest "nothing was refused"
    with :? RootFormatException as e ->
        e.Message

/// Reads the only branch `x`, of integers, of the only tree `t` of a file that is written to a temporary path.
let private readingX (content: byte array) (ask: (unit -> unit) -> string) : string =
    let path = Path.Combine(Path.GetTempPath(), $"pruning-{Guid.NewGuid():N}.root")
    File.WriteAllBytes(path, content)

    try
        ask (fun () ->
            use root = RootFile.Open path
            root.Tree("t").Read<int>("x") |> ignore)
        |> fun text -> text.Replace(path, "f.root")
    finally
        File.Delete path

/// The message with which a file is refused whose only branch `x` of tree `t` holds integers.
let refused (content: byte array) : string = readingX content message

/// The reason why it is refused.
let refusal (content: byte array) : string = readingX content (problem >> snd)

/// The values of every entry.
let entriesOf (column: JaggedColumn<'T>) =
    [ for entry in 0L .. column.EntryCount - 1L -> column[entry].ToArray() |> List.ofArray ]

/// A file of one branch.
let oneBranch (b: Branch) (use': RootTree -> 'a) =
    opened (write (file [ tree [ b ] ])) (fun root -> use' (root.Tree "t"))

let scalars (leafClass: string) (values: byte array list) = branch "x" (leaf leafClass "x") [ basket NoTable values ]
