namespace Pruning.Cli.Runs

open System.IO
open Pruning.Data.Tracksters
open Pruning.Model.Persistence
open Pruning.Model.Training
open Pruning.Model.Logging
open Pruning.Cli.Options

/// A trained network as it was named on the command line: a run, a checkpoint directory or a model file.
type ModelSource =
    {
        /// The model file.
        Path: string
        /// The run it belongs to, with what that run chose.
        Run: (string * RunRecipe) option
    }

/// What a verb says about the input of a network.
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
module ModelSource =

    let private weights (path: string) (checkpoint: string) : string * string option =
        if File.Exists path then
            path, None
        elif File.Exists(Path.Combine(path, RunConfig.fileName)) then
            let directory = Path.Combine(Session.checkpoints path, checkpoint)

            if (AtomicDirectory.tryLocate directory).IsNone then
                raise (
                    CheckpointException
                        $"wanted the {checkpoint} weights of a run, found no {directory}; the run has not finished an epoch yet, or was stopped before it did (try --checkpoint last)."
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
            Run = run |> Option.map (fun directory -> directory, RunConfig.readRecipe directory)
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
            let files, tracksters, edges = Inputs.ofWords File.Exists asked.Tracksters asked.Edges asked.Words

            { Inputs.standard with
                Files = files
                TracksterTree = tracksters
                EdgeTree = edges
            }

        let input, own =
            match source.Run, asked.Words with
            | Some(_, recipe), [] ->
                { recipe.Input with
                    TracksterTree = defaultArg asked.Tracksters recipe.Input.TracksterTree
                    EdgeTree = defaultArg asked.Edges recipe.Input.EdgeTree
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
            | None, Some(_, recipe) when own -> recipe.Input.SkipBadGraphs
            | None, _ -> false

        { input with
            SkipBadFiles = asked.SkipBadFiles
            SkipBadGraphs = skipBadGraphs
            Workers = asked.Workers
        },
        own
