namespace Pruning.Cli

open System
open System.Collections.Generic
open System.IO
open System.Reflection
open Pruning.Data
open Pruning.Data.Root
open Pruning.Data.Tracksters

/// One of several parts of a job, for batch systems: part Index (from 1) of Count.
type Shard = { Index: int; Count: int }

[<RequireQualifiedAccess>]
module Shard =

    let whole = { Index = 1; Count = 1 }

    let private refuse (text: string) = Value.refuse "--shard" "K/N with K from 1 to N, as in 3/16" text

    /// "3/16"
    let parse (text: string) : Shard =
        match text.Split '/' with
        | [| index; count |] ->
            match Int32.TryParse index, Int32.TryParse count with
            | (true, index), (true, count) when index >= 1 && index <= count && count <= 1_000_000 ->
                { Index = index; Count = count }
            | _ -> refuse text
        | _ -> refuse text

    /// [first, end) of `count` things; parts follow each other and differ by at most one.
    let range (count: int64) (shard: Shard) : int64 * int64 =
        let cut part = int64 (bigint count * bigint (part: int) / bigint shard.Count)
        cut (shard.Index - 1), cut shard.Index

    let text (shard: Shard) = $"{shard.Index}/{shard.Count}"

/// What the verbs that make prepared files have in common: options by name, compression, what files say about
/// themselves, and care for files that are there.
[<RequireQualifiedAccess>]
module Production =

    let private codecs: (string * (int option -> RootCompressionSetting)) list =
        let orElse (standard: RootCompressionSetting) (make: int -> RootCompressionSetting) (level: int option) =
            level |> Option.map make |> Option.defaultValue standard

        [
            "none", (fun _ -> RootCompressionSetting.None)
            "zstd", orElse (RootCompressionSetting.Zstd()) (fun level -> RootCompressionSetting.Zstd level)
            "lz4", orElse (RootCompressionSetting.Lz4()) (fun level -> RootCompressionSetting.Lz4 level)
            "zlib", orElse (RootCompressionSetting.Zlib()) (fun level -> RootCompressionSetting.Zlib level)
            "xz", orElse (RootCompressionSetting.Xz()) (fun level -> RootCompressionSetting.Xz level)
        ]

    /// "zstd", "zstd=7", "none"
    let compression (text: string) : RootCompressionSetting =
        match text.Split '=' with
        | [| codec |] -> Value.choice "--compression" codecs codec None
        | [| codec; level |] when codec <> "none" ->
            Value.choice "--compression" codecs codec (Some(Value.whole "the level of --compression" (1, 9) level))
        | _ -> Value.refuse "--compression" "zstd, lz4, zlib, xz (with =1 to =9 if you like) or none" text

    /// Runs what refuses options by an ArgumentException, and says so as a mistake on the command line.
    let checkedBy (option: string) (action: unit -> 'a) : 'a =
        try
            action ()
        with :? ArgumentException as error ->
            // .NET adds the parameter's name, which is ours, not the user's.
            let sentence =
                match error.Message.IndexOf " (Parameter '" with
                | -1 -> error.Message
                | at -> error.Message.Substring(0, at)

            raise (UsageException $"{option}: {sentence}")

    /// Applies "name=value" to a record of options.
    let set (options: 'T) (assignment: string) : 'T =
        match assignment.IndexOf '=' with
        | -1 -> Value.refuse "--set" "NAME=VALUE, as in PileUp=50" assignment
        | at ->
            checkedBy "--set" (fun () ->
                OptionTable.With(options, assignment.Substring(0, at).Trim(), assignment.Substring(at + 1).Trim()))

    /// Equal content gives equal bytes, whatever the number of threads.
    let writeOptions (compression: RootCompressionSetting) (threads: int) : RootWriteOptions =
        RootWriteOptions(Compression = compression, Workers = threads, Reproducible = true)

    /// "graph-pruning 0.1.0"
    let version: string =
        match Assembly.GetExecutingAssembly().GetName().Version with
        | null -> Arguments.program
        | version -> $"{Arguments.program} {version.ToString 3}"

    let units = "lengths in cm, energies in GeV, times in ns, angles in rad"

    /// What a file says about itself; None when it says nothing, or is no such file.
    let metadataOf (path: string) : Map<string, string> option =
        use file = RootFile.Open path

        match file.TryTree TracksterSchema.MetadataTree with
        | true, tree ->
            let tree = nonNull tree

            tree.Branches
            |> Seq.map (fun branch -> branch.Name, tree.ReadText(branch.Name)[0L])
            |> Map.ofSeq
            |> Some
        | false, _ -> None

    /// Refuses to write where something is, unless it may be replaced.
    let checkFree (overwrite: bool) (path: string) =
        if not overwrite && File.Exists path then
            raise (UsageException $"{path} is there already: --overwrite replaces it, or give another name.")

    let dictionary (pairs: (string * string) list) : IReadOnlyDictionary<string, string> = dict pairs |> Dictionary :> _
