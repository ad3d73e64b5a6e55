namespace Pruning.Cli.Runs

open System
open System.Collections.Generic
open System.IO
open System.Text.Json
open System.Text.Json.Nodes
open Pruning.Data.Batching
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.ModelFiles
open Pruning.Model.Training
open Pruning.Native.Kernels
open Pruning.Cli.Options

/// What config.json of a run holds: everything that was chosen, with nothing left to a default that may change.
type RunConfig =
    {
        /// Files by full path, in the order in which they were read; those that were skipped are not among them.
        Input: InputSettings
        Model: PrunerConfig
        Training: TrainingConfig
        /// The weights that were used: given or measured.
        ClassWeights: ClassWeights
        TrainingFraction: float
        SamplingFraction: float
        Threads: int
        /// Who trains together, as far as the command line said it; what a launcher started stands in run.json.
        World: WorldSettings
        Arithmetic: Arithmetic
        /// Distributions of weights and gradients after each epoch.
        Histograms: bool
        /// Full path that receives a copy of the best model.
        OutputFile: string option
    }

/// What `evaluate` needs of it to see the same graphs in the same batches.
type RunRecipe =
    {
        Input: InputSettings
        BatchSize: int
        PrefetchFactor: int
        Split: SplitOptions
        Threads: int
        Gpus: int
    }

[<RequireQualifiedAccess>]
module RunConfig =

    let fileName = "config.json"

    let splitOptions (config: RunConfig) : SplitOptions =
        SplitOptions(
            TrainingFraction = config.TrainingFraction,
            SamplingFraction = config.SamplingFraction,
            Seed = config.Training.Seed
        )

    let toJson (config: RunConfig) : JsonObject =
        Json.record
            [
                "model", ConfigJson.ofPruner config.Model
                "training", TrainingConfig.toJson config.Training
                "class_weights", ConfigJson.ofClassWeights config.ClassWeights
                "input",
                Json.record
                    [
                        "files", Json.list [ for file in config.Input.Files -> Json.text file ]
                        "trackster_tree", Json.text config.Input.TracksterTree
                        "edge_tree", Json.text config.Input.EdgeTree
                        "skip_bad_graphs", Json.flag config.Input.SkipBadGraphs
                    ]
                "split",
                Json.record
                    [
                        "training_fraction", Json.number config.TrainingFraction
                        "sampling_fraction", Json.number config.SamplingFraction
                        "seed", Json.integer config.Training.Seed
                    ]
                "machine",
                Json.record
                    [
                        "threads", Json.integer config.Threads
                        "gpus", Json.integer config.World.Gpus
                        "replicas", Json.integer config.World.Replicas
                        "devices", Json.list [ for device in config.World.Devices -> Json.text device ]
                        "rank_timeout_seconds", Json.number config.World.Patience.TotalSeconds
                        "engine", Json.text (Choices.nameOf ArithmeticWords.engines config.Arithmetic.Engine)
                        "precision", Json.text (Choices.nameOf ArithmeticWords.precisions config.Arithmetic.Precision)
                    ]
                "output",
                Json.record
                    [
                        "histograms", Json.flag config.Histograms
                        "file", config.OutputFile |> Option.map Json.text |> Option.defaultValue null
                    ]
            ]

    let private worldOf (machine: JsonFields) : WorldSettings =
        let seconds = "a number of seconds above 0"

        {
            Gpus = machine.Int("gpus", 0, 65536)
            Replicas = machine.Since("replicas", 1, (fun () -> machine.Int("replicas", 1, 65536)))
            Devices = machine.Since("devices", [], (fun () -> machine.Texts "devices"))
            Patience =
                machine.Since(
                    "rank_timeout_seconds",
                    World.standard.Patience,
                    fun () ->
                        machine.Number("rank_timeout_seconds", seconds, (fun x -> x > 0.0 && x <= 1e9))
                        |> TimeSpan.FromSeconds
                )
        }

    /// Reads all of config.json of a run; what does not fit, and what nobody knows, is a CheckpointException.
    let read (run: string) : RunConfig =
        let path = Path.Combine(run, fileName)

        if not (File.Exists path) then
            raise (
                CheckpointException
                    $"wanted the choices of a training run, found no file {path}; is {run} the directory of a run?"
            )

        let fields = JsonFields(path, JsonText.parse path (File.ReadAllBytes path))

        let share key (from: JsonFields) =
            from.Number(key, "a number above 0 and up to 1", (fun x -> x > 0.0 && x <= 1.0))

        let input =
            fields.Object(
                "input",
                fun input ->
                    { Inputs.standard with
                        Files = input.Texts "files"
                        TracksterTree = input.Text "trackster_tree"
                        EdgeTree = input.Text "edge_tree"
                        SkipBadGraphs = input.Flag "skip_bad_graphs"
                    }
            )

        let training = fields.Object("training", TrainingConfig.ofJson)

        let trainingFraction, samplingFraction =
            fields.Object(
                "split",
                fun split ->
                    // The seed is the training's.
                    split.Long("seed", training.Seed, training.Seed) |> ignore
                    share "training_fraction" split, share "sampling_fraction" split
            )

        let threads, world, arithmetic =
            fields.Object(
                "machine",
                fun machine ->
                    machine.Int("threads", 1, 65536),
                    worldOf machine,
                    { Arithmetic.standard with
                        Engine =
                            machine.Since(
                                "engine",
                                Engine.Auto,
                                (fun () -> machine.Choice("engine", ArithmeticWords.engines))
                            )
                        Precision =
                            machine.Since(
                                "precision",
                                ProductPrecision.Float32,
                                (fun () -> machine.Choice("precision", ArithmeticWords.precisions))
                            )
                    }
            )

        let histograms, outputFile =
            fields.Since(
                "output",
                (true, None),
                fun () ->
                    fields.Object(
                        "output",
                        fun output ->
                            output.Flag "histograms", output.Optional("file", (fun output -> output.Text "file"))
                    )
            )

        let config =
            {
                Input =
                    { input with
                        Workers = training.Workers
                    }
                Model = ConfigJson.toPruner (fields.Raw "model")
                Training = { training with Threads = threads }
                ClassWeights = ConfigJson.toClassWeights (fields.Raw "class_weights")
                TrainingFraction = trainingFraction
                SamplingFraction = samplingFraction
                Threads = threads
                World = world
                Arithmetic = arithmetic
                Histograms = histograms
                OutputFile = outputFile
            }

        fields.Close()
        config

    /// The settings that lead to this configuration. A new run does not write over the file that another one gave its best
    /// model to: who goes on with a run takes `OutputFile` too.
    let toSettings (config: RunConfig) : TrainSettings =
        { TrainSettings.standard with
            Input = config.Input
            Model = config.Model
            Training = config.Training
            TrainingFraction = config.TrainingFraction
            SamplingFraction = config.SamplingFraction
            World = config.World
            Arithmetic = config.Arithmetic
            Histograms = config.Histograms
        }

    /// Reads config.json of a run directory; what does not fit is a CheckpointException that names the file.
    let readRecipe (run: string) : RunRecipe =
        let path = Path.Combine(run, fileName)

        let refuse (found: string) (cause: exn | null) =
            raise (
                CheckpointException(
                    $"wanted the choices of a training run, found {found} in {path}; is {run} the directory of a run?",
                    cause
                )
            )

        try
            use document = JsonDocument.Parse(File.ReadAllText path)
            let part (name: string) = document.RootElement.GetProperty name
            let input, split, training, machine = part "input", part "split", part "training", part "machine"
            let text (element: JsonElement) (name: string) = string (element.GetProperty(name).GetString())

            {
                Input =
                    { Inputs.standard with
                        Files = [ for file in input.GetProperty("files").EnumerateArray() -> string (file.GetString()) ]
                        TracksterTree = text input "trackster_tree"
                        EdgeTree = text input "edge_tree"
                        SkipBadGraphs = input.GetProperty("skip_bad_graphs").GetBoolean()
                    }
                BatchSize = training.GetProperty("batch_size").GetInt32()
                PrefetchFactor = training.GetProperty("prefetch_factor").GetInt32()
                Split =
                    SplitOptions(
                        TrainingFraction = split.GetProperty("training_fraction").GetDouble(),
                        SamplingFraction = split.GetProperty("sampling_fraction").GetDouble(),
                        Seed = split.GetProperty("seed").GetInt64()
                    )
                Threads = machine.GetProperty("threads").GetInt32()
                Gpus = machine.GetProperty("gpus").GetInt32()
            }
        with
        | :? FileNotFoundException as error -> refuse "no such file" error
        | :? JsonException as error -> refuse "no JSON" error
        | :? KeyNotFoundException
        | :? InvalidOperationException
        | :? FormatException as error -> refuse $"another content ({error.Message})" error

    /// SHA-256 of the files that a run has read, from its run.json; empty if it does not say.
    let readHashes (run: string) : string list =
        let path = Path.Combine(run, "run.json")

        if not (File.Exists path) then
            []
        else
            try
                use document = JsonDocument.Parse(File.ReadAllText path)

                [
                    for input in document.RootElement.GetProperty("inputs").EnumerateArray() ->
                        string (input.GetProperty("sha256").GetString())
                ]
            with
            | :? JsonException
            | :? KeyNotFoundException
            | :? InvalidOperationException -> []
