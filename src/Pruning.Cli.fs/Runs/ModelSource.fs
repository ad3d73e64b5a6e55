namespace Pruning.Cli.Runs

open System.IO
open Pruning.Data.Tracksters
open Pruning.Model.Persistence
open Pruning.Model.Training
open Pruning.Model.Logging
open Pruning.Cli.Framework
open Pruning.Cli.Options

/// A trained network as it was named on the command line: a run, a checkpoint directory or a model file.
type ModelSource =
    {
        /// The model file.
        Path: string
        /// The run it belongs to, with what that run chose.
        Run: (string * TrainSettings) option
    }

/// What a verb says about the input of a network. None = as in the run.
type ModelInput =
    {
        /// Files and trees, as positional words; none = the run's own.
        Words: string list
        Tracksters: string option
        Edges: string option
        SkipBadFiles: bool
        SkipBadGraphs: bool option
        Workers: int
    }

[<RequireQualifiedAccess>]
module ModelInput =

    let standard: ModelInput =
        {
            Words = []
            Tracksters = None
            Edges = None
            SkipBadFiles = false
            SkipBadGraphs = None
            Workers = Inputs.standard.Workers
        }

    /// The options of an input that a run may already know.
    let options: Opt<ModelInput> list =
        // Where nobody says, the run or the program decides.
        let whole = Opt.within (fun _ -> Inputs.standard)

        [
            Opt.pick [ "--tracksters" ] Inputs.options
            |> whole (fun v s ->
                { s with
                    Tracksters = Some v.TracksterTree
                })
            Opt.pick [ "--edges" ] Inputs.options
            |> whole (fun v s -> { s with Edges = Some v.EdgeTree })
            Opt.pick [ "--bad-files" ] Inputs.options
            |> whole (fun v s -> { s with SkipBadFiles = v.SkipBadFiles })
            Opt.pick [ "--bad-graphs" ] Inputs.options
            |> whole (fun v s ->
                { s with
                    SkipBadGraphs = Some v.SkipBadGraphs
                })
            Opt.pick [ "--workers" ] Inputs.options
            |> whole (fun v s -> { s with Workers = v.Workers })
        ]
        |> List.concat
        |> List.map (fun option ->
            if List.contains option.Info.Name [ "--tracksters"; "--edges"; "--bad-graphs" ] then
                let standard = option.Text standard |> Option.defaultValue "none"
                option |> Opt.unset $"as in the run, else {standard}"
            else
                option)
        |> Opt.section "Input"

[<RequireQualifiedAccess>]
module ModelSource =

    let private weights (path: string) (checkpoint: string) : string * string option =
        if File.Exists path then
            path, None
        elif File.Exists(Path.Combine(path, RunConfig.fileName)) then
            let directory = Path.Combine(Resumption.checkpoints path, checkpoint)

            if (AtomicDirectory.tryLocate directory).IsNone then
                raise (
                    CheckpointException
                        $"wanted the {checkpoint} weights of a run, found no {directory}; the run has not finished an epoch yet, or was \
                         stopped before it did (try --checkpoint last)."
                )

            Path.Combine(AtomicDirectory.verify directory, Checkpoint.ModelName), Some path
        elif File.Exists(Path.Combine(path, AtomicDirectory.Manifest)) then
            Path.Combine(AtomicDirectory.verify path, Checkpoint.ModelName), None
        else
            raise (
                CheckpointException
                    $"wanted a run directory, a checkpoint directory or a .safetensors file, found none of them at {path}; check the path."
            )

    /// Finds the weights, and the run they belong to if that is known. `checkpoint` is best or last.
    let locate (path: string) (checkpoint: string) : ModelSource =
        let file, run = weights path checkpoint

        {
            Path = file
            Run =
                run
                |> Option.map (fun directory -> directory, (RunConfig.read directory).Settings)
        }

    /// A run; anything else is an error.
    let locateRun (path: string) (checkpoint: string) : ModelSource =
        let source = locate path checkpoint

        if source.Run.IsNone then
            raise (
                CheckpointException
                    $"wanted the directory of a run, found a model alone at {path}; give the directory that holds config.json."
            )

        source

    /// Input, and whether these are the files that the run trained on.
    let input (source: ModelSource) (asked: ModelInput) : InputSettings * bool =
        let fromWords () =
            let standard = Inputs.standard

            let trees = defaultArg asked.Tracksters standard.TracksterTree, defaultArg asked.Edges standard.EdgeTree

            let named = asked.Tracksters.IsSome || asked.Edges.IsSome
            let files, (tracksters, edges) = Inputs.ofWords File.Exists named trees asked.Words

            { Inputs.standard with
                Files = files
                TracksterTree = tracksters
                EdgeTree = edges
            }

        let input, own =
            match source.Run, asked.Words with
            | Some(_, settings), [] ->
                { settings.Input with
                    TracksterTree = defaultArg asked.Tracksters settings.Input.TracksterTree
                    EdgeTree = defaultArg asked.Edges settings.Input.EdgeTree
                },
                true
            | Some(directory, _), _ ->
                let input = fromWords ()
                let known = RunConfig.readHashes directory
                let files = InputFiles.Expand(List.toArray input.Files)

                let same =
                    Seq.length files = known.Length
                    && Seq.forall File.Exists files
                    && Seq.forall2 (fun file hash -> (RunInput.ofFile file).Sha256 = hash) files known

                input, same
            | None, _ -> fromWords (), false

        let skipBadGraphs =
            match asked.SkipBadGraphs, source.Run with
            | Some skip, _ -> skip
            | None, Some(_, settings) when own -> settings.Input.SkipBadGraphs
            | None, _ -> false

        { input with
            SkipBadFiles = asked.SkipBadFiles
            SkipBadGraphs = skipBadGraphs
            Workers = asked.Workers
        },
        own
