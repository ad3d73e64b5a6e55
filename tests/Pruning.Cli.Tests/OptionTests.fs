/// Options as values: config.json and TOML files give back what was written, whatever the settings; files of earlier programs
/// mean the same; every verb describes its options.
module Pruning.Tests.Cli.OptionTests

open System
open System.IO
open System.Text.Json.Nodes
open Expecto
open FsCheck
open FsCheck.FSharp
open Pruning.Model.Metrics
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.ModelFiles
open Pruning.Model.Training
open Pruning.Native.Kernels
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Tests
open Pruning.Tests.Cli.ValuesTests

let private schedules: Gen<LearningRateSchedule> = gen {
    let! share = Gen.elements [ 0.0; 0.125; 0.3; 1.0 ]
    let! patience = Gen.choose (1, 9)

    return!
        Gen.elements
            [
                LearningRateSchedule.Constant
                LearningRateSchedule.Cosine share
                LearningRateSchedule.OneCycle share
                LearningRateSchedule.Plateau(share, patience)
            ]
}

let private configs: Gen<TrainingConfig> =
    let count = Gen.choose (1, 1_000_000)
    let optional values = Gen.elements (None :: List.map Some values)

    gen {
        let! epochs = count
        let! batchSize = count
        let! accumulate = Gen.choose (1, 64)
        let! rate = Gen.elements [ 1e-3; 0.1; 3.3e-7 ]
        let! schedule = schedules
        let! warmup = Gen.choose (0, 1000)
        let! decay = Gen.elements [ 0.0; 0.01 ]
        let! weighting = Gen.elements [ Measured; Given { Keep = 1.0; Prune = 20.5 } ]
        let! loss = Gen.elements (List.map snd ConfigJson.losses)
        let! clip = optional [ 1.0; 0.25 ]
        let! ema = optional [ 0.0; 0.999 ]
        let! monitor = Gen.elements Monitor.all
        let! patience = optional [ 1; 20 ]
        let! time = optional [ TimeSpan.FromMinutes 90.0; TimeSpan.FromSeconds 0.5 ]

        let! interval =
            Gen.elements
                [
                    CheckpointInterval.Epochs
                    CheckpointInterval.Steps 500
                    CheckpointInterval.Time(TimeSpan.FromMinutes 10.0)
                ]

        let! seed = Gen.choose64 (0L, Int64.MaxValue)

        let! memory =
            Gen.elements [ Backpropagation.Full; Backpropagation.Bounded 5L; Backpropagation.Truncated 7 ]

        let! workers = Gen.choose (1, 64)
        let! microBatch = Gen.elements [ None; Some 1; Some 16 ]

        return
            { TrainingConfig.standard with
                Epochs = epochs
                BatchSize = batchSize
                MicroBatch = microBatch
                Accumulate = accumulate
                LearningRate = rate
                Schedule = schedule
                WarmupSteps = warmup
                WeightDecay = decay
                ClassWeighting = weighting
                Loss = loss
                ClipNorm = clip
            }
            |> fun config ->
                { config with
                    Ema = ema
                    Monitor = monitor
                    Patience = patience
                    MaxTime = time
                    CheckpointEvery = interval
                    Keep = accumulate
                    Seed = seed
                    Backpropagation = memory
                    Threads = accumulate
                    Workers = workers
                    PrefetchFactor = workers
                }
    }

let private networks: Gen<PrunerConfig> = gen {
    let! strategy =
        Gen.elements
            [
                DecisionStrategy.OnePass
                DecisionStrategy.Tree
                DecisionStrategy.Equilibrium 5
                DecisionStrategy.Equilibrium 7
            ]

    let! order = Gen.elements [ DecisionOrder.Confidence; DecisionOrder.Energy; DecisionOrder.Layer ]

    let! forcing =
        Gen.elements
            [
                TeacherForcingSchedule.Always
                TeacherForcingSchedule.Linear 0.1
                TeacherForcingSchedule.InverseSigmoid 0.25
            ]

    let! layer = Gen.elements [ LayerKind.Sage; LayerKind.GatV2 2; LayerKind.GatV2 4; LayerKind.Gin ]
    let! isAutoregressive = Gen.elements [ true; false ]
    let! features = Gen.elements [ NodeFeature.original; NodeFeature.extended; NodeFeature.physics ]
    let! aggregator = Gen.elements [ Aggregator.Lstm; Aggregator.MeanMax ]
    let! flag = Gen.elements [ true; false ]
    let! memory = Gen.elements [ None; Some CellKind.Gru ]
    let! normalisation = Gen.elements [ Normalisation.Layer; Normalisation.Identity ]
    let! dropout = Gen.elements [ 0.0; 0.1; 0.25 ]
    let! neighbours = Gen.choose (0, 9)

    return
        { PrunerConfig.standard with
            Features = features
            Neighbours = neighbours
            Hidden = 8 * (1 + neighbours)
            Rounds = 1 + neighbours
            Strategy = if isAutoregressive then DecisionStrategy.Autoregressive else strategy
            Order = if isAutoregressive then order else DecisionOrder.Confidence
            TeacherForcing = if isAutoregressive then forcing else TeacherForcingSchedule.Always
            Layer = layer
            Aggregator = aggregator
            MemoryCell = memory
            Residual = flag
            RoundNormalisation = normalisation
            RoundDropout = dropout
            Normalisation = normalisation
            Standardise = flag
            Dropout = dropout
        }
}

let private settings: Arbitrary<TrainSettings> =
    gen {
        let! training = configs
        let! model = networks
        let! flag = Gen.elements [ true; false ]
        let! share = Gen.elements [ 0.1; 0.75; 1.0 ]
        let! text = Gen.elements [ "a b\"c\\d"; "x,y"; "Tracksters;1"; "\u00e9" ]
        let! replicas = Gen.choose (1, 4)

        return
            { TrainSettings.standard with
                Input =
                    {
                        Files = [ "a.root"; text + ".root" ]
                        TracksterTree = text
                        EdgeTree = "Edges"
                        SkipBadFiles = flag
                        SkipBadGraphs = not flag
                        Workers = training.Workers
                    }
                Model = model
                Training = training
                TrainingFraction = share
                SamplingFraction = share
                World =
                    { RankOptions.standard with
                        Replicas = replicas
                        RankTimeout = TimeSpan.FromSeconds 90.5
                    }
                Arithmetic =
                    { Arithmetic.standard with
                        Engine = Engine.Portable
                    }
                RunsDirectory = text
                Name = "some-name"
                OutputFile = if flag then Some(text + ".safetensors") else None
                Histograms = flag
            }
    }
    |> Arb.fromGen

let private configOf (settings: TrainSettings) : RunConfig =
    {
        Settings = settings
        ClassWeights = { Keep = 1.0; Prune = 7.5 }
    }

/// What config.json keeps of settings.
let private kept (settings: TrainSettings) : TrainSettings =
    { settings with
        Input.SkipBadFiles = false
        RunsDirectory = TrainSettings.standard.RunsDirectory
        Name = ""
    }

let private roundTrips =
    [
        testProperty "config.json gives back the settings of a run"
        <| Prop.forAll settings (fun settings ->
            let text = (RunConfig.toJson (configOf settings)).ToJsonString()
            let json = JsonText.parse "test" (Text.Encoding.UTF8.GetBytes text)
            Expect.equal (RunConfig.ofJson "test" json) (configOf (kept settings)) text
            // And without the detour over text.
            let json = RunConfig.toJson (configOf settings)
            Expect.equal (RunConfig.ofJson "test" json) (configOf (kept settings)) text)

        test "train --print-config needs no file" {
            let toml =
                TrainSettings.ofWords [ "--preset"; "fast"; "--print-config" ]
                |> TrainSettings.toToml

            Expect.stringContains toml "neighbour-aggregator = " "options"
            Expect.isFalse (toml.StartsWith "files = ") "no files"
        }

        testProperty "train --print-config writes a TOML file that --config turns back into the same settings"
        <| Prop.forAll settings (fun settings ->
            // --class-weight is no option of --mode tree, and the original's loss is --parity.
            let settings =
                { settings with
                    Training.Loss =
                        if settings.Training.Loss = LossKind.Original then
                            LossKind.MeanOverNodes
                        else
                            settings.Training.Loss
                }

            let toml = TrainSettings.toToml settings
            let options = TrainSettings.describe ()
            let words, files = ConfigFile.parse "test.toml" options toml

            let line =
                {
                    Words = words
                    Positional = []
                    InFile = files
                }

            Expect.equal (TrainSettings.ofLine (fun _ -> true) line) settings toml)
    ]

/// The training section in a config.json of the first version.
let private configWith (training: string) : JsonObject =
    let json = RunConfig.toJson (configOf TrainSettings.standard)
    json.Remove "version" |> ignore

    json["training"] <-
        JsonNode.Parse(training, Nullable(), Text.Json.JsonDocumentOptions(AllowDuplicateProperties = false))

    json

let private trainingOf (training: string) : TrainingConfig =
    (RunConfig.ofJson "config.json" (configWith training)).Settings.Training

let private refused (training: string) : string =
    try
        // As text, so that names that stand there twice are seen.
        let json = (configWith "{}").ToJsonString().Replace("\"training\":{}", "\"training\":" + training)

        JsonText.parse "test" (Text.Encoding.UTF8.GetBytes json)
        |> RunConfig.ofJson "test"
        |> ignore

        ""
    with :? CheckpointException as error ->
        error.Message

let private jsonTests =
    [
        test "files of earlier versions, without schedules and averages, are those of the defaults" {
            let old =
                trainingOf
                    """{"epochs":7,"batch_size":32,"learning_rate":0.001,"class_weight":"measured","loss":"mean-over-graphs","clip_norm":1,"seed":42,"workers":2,"prefetch_factor":3}"""

            let wanted =
                { TrainingConfig.standard with
                    Epochs = 7
                    Workers = 2
                }

            Expect.equal old wanted "configuration"
        }

        test "what does not fit is refused by name" {
            let standard =
                let json =
                    RunConfig.toJson (
                        configOf
                            { TrainSettings.standard with
                                Training.Workers = 1
                                Input.Workers = 1
                            }
                    )

                (nonNull json["training"]).ToJsonString()

            for from, into, parts in
                [
                    "\"schedule\":\"constant\"", "\"schedule\":\"cosinus\"", [ "schedule"; "cosinus"; "one-cycle" ]
                    "\"schedule\":\"constant\"", "\"schedule\":\"cosine\"", [ "schedule_last"; "nothing" ]
                    "\"epochs\":20", "\"epochs\":0", [ "epochs"; "0" ]
                    "\"epochs\":20", "\"epochs\":2.5", [ "epochs"; "2.5" ]
                    "\"epochs\":20", "\"epochs\":\"20\"", [ "epochs"; "20" ]
                    "\"monitor\":\"average_precision\"", "\"monitor\":\"beauty\"", [ "monitor"; "beauty" ]
                    "\"ema\":null", "\"ema\":1.5", [ "ema"; "1.5" ]
                    "\"ema\":null", "\"ema\":null,\"momentum\":0.9", [ "momentum" ]
                    "\"ema\":null", "\"ema\":null,\"ema\":0.9", [ "ema" ]
                    "\"max_seconds\":null", "\"max_seconds\":1e300", [ "max_seconds" ]
                    "\"seed\":42", "\"seed\":-1", [ "seed"; "-1" ]
                    "\"seed\":42",
                    "\"seed\":42,\"memory_budget_bytes\":1,\"truncate_steps\":1",
                    [ "memory_budget_bytes"; "both" ]
                ] do
                Expect.stringContains standard from "what is replaced"
                let message = refused (standard.Replace(from, into))

                for part in parts do
                    Expect.stringContains message part into
        }
    ]

/// config.json as the program wrote it before options were declared once.
let private old =
    """{
  "model": {
    "features": ["pos_x", "pos_y", "pos_z", "energy", "time", "eta", "phi", "isSeedCLUE3DHigh", "isSeedCLUE3DLow"],
    "hidden": 8, "rounds": 1, "strategy": "equilibrium", "passes": 2, "decision_cell": "gru", "memory_cell": "lstm",
    "order": "confidence", "scheduled_sampling": "none", "layer": "gatv2", "heads": 2, "residual": true,
    "round_normalisation": "layer", "round_dropout": 0.1, "neighbour_aggregator": "mean", "normalisation": "layer",
    "standardise": true, "dropout": 0.2
  },
  "training": {
    "epochs": 3, "batch_size": 8, "part_size": 4, "accumulate": 2, "learning_rate": 0.002, "schedule": "plateau",
    "schedule_factor": 0.5, "schedule_patience": 4, "warmup_steps": 10, "weight_decay": 0.01,
    "class_weight": { "keep": 1, "prune": 20 }, "loss": "mean-over-nodes", "clip_norm": null, "ema": 0.999,
    "monitor": "roc_auc", "patience": 5, "max_seconds": 90, "checkpoint_seconds": 600, "keep": 2, "seed": 7,
    "memory_budget_bytes": 1500000000, "workers": 2, "prefetch_factor": 5
  },
  "class_weights": { "keep": 1, "prune": 20 },
  "input": { "files": ["/data/a.root"], "trackster_tree": "T;1", "edge_tree": "E;1", "skip_bad_graphs": true },
  "split": { "training_fraction": 0.6, "sampling_fraction": 0.5, "seed": 7 },
  "machine": {
    "threads": 2, "gpus": 0, "replicas": 3, "devices": ["cpu", "cpu"], "rank_timeout_seconds": 90, "engine": "portable",
    "precision": "float32"
  },
  "output": { "histograms": false, "file": "/models/best.safetensors" }
}"""

let private oldFiles =
    [
        test "a config.json of before options were declared once gives the same settings" {
            let config = RunConfig.ofJson "old" (JsonText.parse "old" (Text.Encoding.UTF8.GetBytes old))

            let training =
                { TrainingConfig.standard with
                    Threads = 2
                    Workers = 2
                    PrefetchFactor = 5
                }

            let wanted: TrainSettings =
                { TrainSettings.standard with
                    Input =
                        { Inputs.standard with
                            Files = [ "/data/a.root" ]
                            TracksterTree = "T;1"
                            EdgeTree = "E;1"
                            SkipBadGraphs = true
                            Workers = 2
                        }
                    Model =
                        { PrunerConfig.standard with
                            Hidden = 8
                            Rounds = 1
                            Strategy = DecisionStrategy.Equilibrium 2
                            DecisionCell = CellKind.Gru
                            MemoryCell = Some CellKind.Lstm
                            Layer = LayerKind.GatV2 2
                            Residual = true
                            RoundNormalisation = Normalisation.Layer
                            RoundDropout = 0.1
                            Aggregator = Aggregator.Mean
                        }
                    Training =
                        { training with
                            Epochs = 3
                            BatchSize = 8
                            MicroBatch = Some 4
                            Accumulate = 2
                            LearningRate = 0.002
                            Schedule = LearningRateSchedule.Plateau(0.5, 4)
                            WarmupSteps = 10
                            WeightDecay = 0.01
                            ClassWeighting = ClassWeighting.Given { Keep = 1.0; Prune = 20.0 }
                            Loss = LossKind.MeanOverNodes
                            ClipNorm = None
                            Ema = Some 0.999
                            Monitor = { Metric = Metrics.rocAuc }
                            Patience = Some 5
                            MaxTime = Some(TimeSpan.FromSeconds 90.0)
                            CheckpointEvery = CheckpointInterval.Time(TimeSpan.FromMinutes 10.0)
                            Keep = 2
                            Seed = 7L
                            Backpropagation = Backpropagation.Bounded 1_500_000_000L
                        }
                    TrainingFraction = 0.6
                    SamplingFraction = 0.5
                    World =
                        {
                            Replicas = 3
                            Devices = [ "cpu"; "cpu" ]
                            Gpus = 0
                            RankTimeout = TimeSpan.FromSeconds 90.0
                        }
                    Arithmetic =
                        { Arithmetic.standard with
                            Engine = Engine.Portable
                            Precision = ProductPrecision.Float32
                        }
                    Histograms = false
                    OutputFile = Some "/models/best.safetensors"
                }

            Expect.equal config.Settings wanted "settings"
            Expect.equal config.ClassWeights { Keep = 1.0; Prune = 20.0 } "class weights"
        }

        test "a config.json of a newer program is refused by its version" {
            let json = RunConfig.toJson (configOf TrainSettings.standard)
            json["version"] <- JsonValue.Create 99

            let refuse () = RunConfig.ofJson "test" json |> ignore

            Expect.throwsC refuse (fun error -> Expect.stringContains error.Message "version" "which field")
        }
    ]

let private declarations =
    [
        test "every kept option of train has a field in config.json" {
            let network =
                { PrunerConfig.standard with
                    Layer = LayerKind.GatV2 4
                    Neighbours = 1
                }

            let config =
                configOf
                    { TrainSettings.standard with
                        Model = network
                    }

            let leaves =
                ConfigDifference.leaves (
                    Text.Json.JsonDocument.Parse((RunConfig.toJson config).ToJsonString()).RootElement
                )

            // Written only where they are given.
            let omitted =
                [
                    "training.part_size"
                    "training.checkpoint_steps"
                    "training.memory_budget_bytes"
                    "training.truncate_steps"
                ]

            for option in TrainSettings.describe () do
                match option.Key with
                | Some(section, key) when not (List.contains $"{section}.{key}" omitted) ->
                    Expect.contains (List.map fst leaves) $"{section}.{key}" option.Name
                | _ -> ()
        }

        test "no two options of a verb share a name, and all have a sentence" {
            for verb in Pruning.Cli.Program.verbs do
                let options = verb.Options()
                let names = options |> List.collect _.Names
                Expect.equal (List.distinct names) names $"names of {verb.Name}"

                for option in options do
                    Expect.isNotEmpty option.Help option.Name
        }

        test "the original's spellings are marked as such" {
            let cell =
                TrainSettings.describe ()
                |> List.find (fun option -> option.Name = "--decision-cell")

            Expect.stringContains (Help.describe cell) "Original name: --aggregator." "help"
        }
    ]

let private pages =
    [
        for name, text in Pruning.Cli.Reference.ReferencePages.all Pruning.Cli.Program.verbs do
            test $"docs/reference/{name} is current" {
                let path = Path.Combine(Fixture.repository, "docs", "reference", name)
                let found = if File.Exists path then File.ReadAllText path else ""
                Expect.equal found text "graph-pruning reference docs/reference writes it anew"
                Expect.isLessThan (text.Split('\n').Length) 202 "lines"
            }

        test "bash, zsh and fish complete verbs, options and values" {
            for _, write in Pruning.Cli.Completions.Completions.shells do
                let script = write Pruning.Cli.Program.verbs
                Expect.stringContains script "train" "verb"
                Expect.stringContains script "decision-cell" "option"
                Expect.stringContains script "lstm gru" "values"
        }
    ]

let private fromFile (toml: string) (words: string list) : TrainSettings =
    let path = Path.GetTempFileName()

    try
        File.WriteAllText(path, toml)
        let line = TrainSettings.read (words @ [ "--config"; path ])
        TrainSettings.ofLine (fun _ -> false) line
    finally
        File.Delete path

let private files =
    [
        test "a TOML file gives options, files and presets, in tables or not; the command line wins" {
            let toml =
                "files = [\"a.root\", \"b.root\"]\nepochs = 3\nbatch_size = 8\npreset = \"fast\"\n[network]\nresidual = false\nhidden-dim \
                 = 16\n"

            let settings = fromFile toml [ "--epochs"; "5" ]
            Expect.equal settings.Input.Files [ "a.root"; "b.root" ] "files"
            Expect.equal (settings.Training.Epochs, settings.Training.BatchSize) (5, 8) "the command line wins"
            Expect.equal (settings.Model.Hidden, settings.Model.Residual) (16, false) "network"
            Expect.equal settings.Training.Loss LossKind.MeanOverNodes "of the preset"
            Expect.equal (fromFile toml [ "c.root" ]).Input.Files [ "c.root" ] "files of the command line"
        }

        for toml, parts in
            [
                "epocs = 3", [ "unknown option 'epocs'"; "did you mean 'epochs'?" ]
                "epochs = 0", [ "--epochs wants a whole number"; "'0'" ]
                "epochs = ", [ "Cannot read the options" ]
                "residual = \"yes\"", [ "'residual' is a flag" ]
                "config = \"other.toml\"", [ "cannot name another file" ]
                "epochs = 2020-01-01", [ "'epochs'" ]
            ] do
            test $"refused in a TOML file: {toml}" {
                let sentence = refusal (fun () -> fromFile toml [ "a.root" ])

                for part in parts do
                    Expect.stringContains sentence part "sentence"
            }
    ]

[<Tests>]
let tests =
    testList
        "Options"
        [
            testList "round trips" roundTrips
            testList "config.json" (jsonTests @ oldFiles)
            testList "declarations" declarations
            testList "TOML" files
            testList "pages" pages
        ]
