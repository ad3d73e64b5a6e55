namespace Pruning.Cli.Prune

open System
open System.IO
open Pruning.Data.Errors
open Pruning.Data.Pruned
open Pruning.Data.Tracksters
open Pruning.Cli.Framework
open Pruning.Cli.Options

/// A file to prune and the file that is made of it.
type PruneTarget =
    {
        Input: string
        Output: string
        Entries: int64
        /// Ranges of entries that are worked on at once.
        Blocks: (struct (int64 * int64)) list
    }

/// What came of some files; counts add.
type PruneCounts =
    {
        Graphs: int64
        Nodes: int64
        Pruned: int64
        /// Tracksters that contradict themselves.
        Skipped: int64
        /// Tracksters in copies.
        Written: int64
        Relinked: int64
        Detached: int64
    }

[<RequireQualifiedAccess>]
module PruneCounts =

    let zero =
        {
            Graphs = 0L
            Nodes = 0L
            Pruned = 0L
            Skipped = 0L
            Written = 0L
            Relinked = 0L
            Detached = 0L
        }

    let ofBlock (block: PrunedBlock) : PruneCounts =
        { zero with
            Graphs = block.EvaluatedGraphs
            Nodes = block.EvaluatedNodes
            Pruned = block.PrunedNodes
            Skipped = block.Table.EntryCount - block.EvaluatedGraphs
        }

    let plus (a: PruneCounts) (b: PruneCounts) : PruneCounts =
        {
            Graphs = a.Graphs + b.Graphs
            Nodes = a.Nodes + b.Nodes
            Pruned = a.Pruned + b.Pruned
            Skipped = a.Skipped + b.Skipped
            Written = a.Written + b.Written
            Relinked = a.Relinked + b.Relinked
            Detached = a.Detached + b.Detached
        }

/// A file that is being made: blocks are made ready on any thread and written in order.
[<NoComparison; NoEquality>]
type PruneSink =
    {
        /// Does what can be done on any thread; the answer writes.
        Prepare: PrunedBlock -> (unit -> unit)
        /// Completes the file; what it counted beside the blocks, and what the input has and the file has not.
        Close: unit -> PruneCounts * string list
        /// Gives everything back; a file that was not closed is removed.
        Dispose: unit -> unit
    }

[<RequireQualifiedAccess>]
module PruneSink =

    let create
        (write: PruneOutput)
        (path: string)
        (source: TracksterFile)
        (metadata: (string * string) list)
        (options: Pruning.Root.Files.RootWriteOptions)
        : PruneSink =
        match Path.GetDirectoryName(Path.GetFullPath path) with
        | null -> ()
        | directory -> Directory.CreateDirectory directory |> ignore

        let says = Production.dictionary metadata

        match write with
        | PruneOutput.Scores ->
            let file = ScoreFile.Create(path, source, says, options)

            {
                Prepare = fun block -> fun () -> file.Append block
                Close =
                    fun () ->
                        file.Close()
                        PruneCounts.zero, []
                Dispose = fun () -> (file :> IDisposable).Dispose()
            }
        | PruneOutput.Parquet ->
            let file = ScoreParquet.Create(path, source, says)

            {
                Prepare = fun block -> fun () -> file.Append block
                Close =
                    fun () ->
                        file.Close()
                        PruneCounts.zero, []
                Dispose = fun () -> (file :> IDisposable).Dispose()
            }
        | PruneOutput.Copy ->
            let file = PrunedCopy.Create(path, source, says, options)

            {
                Prepare =
                    fun block ->
                        let columns = file.Select block
                        fun () -> file.Append columns
                Close =
                    fun () ->
                        file.Close()

                        { PruneCounts.zero with
                            Written = file.EntryCount
                            Relinked = file.Relinked
                            Detached = file.Detached
                        },
                        List.ofSeq file.LeftOut
                Dispose = fun () -> (file :> IDisposable).Dispose()
            }

    /// What a file that was made earlier says about itself; None when it says nothing.
    let metadataOf (write: PruneOutput) (path: string) : Map<string, string> option =
        match write with
        | PruneOutput.Parquet -> ScoreParquet.ReadMetadata path |> Seq.map (|KeyValue|) |> Map.ofSeq |> Some
        | PruneOutput.Scores
        | PruneOutput.Copy -> Production.metadataOf path

/// From settings to files.
[<RequireQualifiedAccess>]
module PruneTargets =

    /// Decompressed bytes of a block: some thousand tracksters, so that a few threads find work in any file worth the name.
    let blockBytes = 4L <<< 20

    /// How a file is read: each thread reads for itself.
    let readOptions (input: InputSettings) : TracksterReadOptions =
        TracksterReadOptions(
            TracksterTree = input.TracksterTree,
            EdgeTree = input.EdgeTree,
            LabelsOptional = true,
            Workers = 1
        )

    /// The files of this shard. Each is looked into before anything is made: a wrong one is known at once, unless it is to be
    /// skipped; `skipped` hears why.
    let find (settings: PruneSettings) (input: InputSettings) (skipped: string -> unit) : PruneTarget list =
        let inputs = InputFiles.Expand(List.toArray input.Files) |> List.ofSeq
        let first, last = Shard.range (int64 inputs.Length) settings.Production.Shard
        let name (path: string) = Path.GetFileName path |> nonNull |> PruneOutput.fileName settings.Write

        let outputOf (path: string) =
            match ProductionSettings.destination settings.Production, inputs with
            | Destination.Directory directory, _ -> Path.Combine(directory, name path)
            | Destination.OneFile output, [ _ ] -> output
            | Destination.OneFile _, _ ->
                raise (
                    UsageException
                        $"--output is for one input file and there are {inputs.Length}: give --output-dir for one each."
                )

        // Over all shards: they may share the directory.
        Finished.checkNames inputs [ for path in inputs -> path, outputOf path ]

        inputs
        |> List.skip (int first)
        |> List.truncate (int (last - first))
        |> List.choose (fun path ->
            try
                use file = TracksterFile.Open(path, readOptions input)

                Some
                    {
                        Input = path
                        Output = outputOf path
                        Entries = file.EntryCount
                        Blocks = List.ofSeq (file.Blocks blockBytes)
                    }
            with error when DataException.Covers error && settings.Reading.SkipBadFiles ->
                skipped error.Message
                None)
