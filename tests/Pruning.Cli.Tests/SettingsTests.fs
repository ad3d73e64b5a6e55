module Pruning.Tests.Cli.SettingsTests

open Expecto
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Distributed
open Pruning.Model.Training
open Pruning.Cli.Framework
open Pruning.Cli.Runs
open Pruning.Cli.Evaluate
open Pruning.Cli.Options
open Pruning.Tests.Cli.ValuesTests

/// Nothing exists on this disk.
let private settings (words: string list) = TrainSettings.ofLine (fun _ -> false) (TrainSettings.read words)

let private refused words = refusal (fun () -> settings words)

/// Options of the original program, a value, and what the settings must say then.
let private original: (string * string * (TrainSettings -> string)) list =
    [
        "training_fraction", "0.6", fun s -> string s.TrainingFraction
        "sampling_fraction", "0.25", fun s -> string s.SamplingFraction
        "prefetch_factor", "5", fun s -> string s.Training.PrefetchFactor
        "batch_size", "7", fun s -> string s.Training.BatchSize
        "epochs", "11", fun s -> string s.Training.Epochs
        "workers", "14", fun s -> string s.Input.Workers
        "seed", "1234567890123", fun s -> string s.Training.Seed
        "gpus", "2", fun s -> string s.World.Gpus
        "hidden_dim", "64", fun s -> string s.Model.Hidden
        "num_gnn_steps", "4", fun s -> string s.Model.Rounds
        "num_iterations", "9", fun s -> (string s.Model.Strategy).Replace("Equilibrium ", "")
        "aggregator", "gru", fun s -> (string s.Model.DecisionCell).ToLowerInvariant()
        "memory",
        "lstm",
        fun s -> (s.Model.MemoryCell |> Option.map string |> Option.defaultValue "none").ToLowerInvariant()
        "learning_rate", "0.005", fun s -> string s.Training.LearningRate
        "output_file", "best.safetensors", fun s -> defaultArg s.OutputFile ""
    ]

[<Tests>]
let tests =
    testList
        "Settings"
        [
            test "the original's command line is understood unchanged" {
                let s = settings [ "data.root"; "Tracksters;1"; "Edges;1"; "--workers"; "14"; "--autoregressive" ]
                Expect.equal s.Input.Files [ "data.root" ] "files"
                Expect.equal s.Input.TracksterTree "Tracksters;1" "trackster tree"
                Expect.equal s.Input.EdgeTree "Edges;1" "edge tree"
                Expect.equal s.Input.Workers 14 "workers"
                Expect.equal s.Model.Strategy DecisionStrategy.Autoregressive "strategy"
            }

            test "who trains is taken up from a run, unless the command line or a launcher says who" {
                let world =
                    { RankOptions.standard with
                        Replicas = 3
                        Gpus = 4
                        RankTimeout = System.TimeSpan.FromSeconds 90.0
                    }

                let place: Pruning.Model.Distributed.LaunchPlace =
                    {
                        Launcher = "mpirun"
                        Rank = 1
                        Size = 2
                        LocalRank = None
                        IsMpich = false
                    }

                let nothing = TrainSettings.read []
                Expect.equal (World.takenUp None nothing world) world "alone"
                Expect.equal (World.takenUp (Some { place with Size = 1 }) nothing world) world "a launcher of one"

                Expect.equal
                    (World.takenUp (Some place) nothing world)
                    { world with Replicas = 1; Gpus = 1 }
                    "under a launcher"

                for said in [ "--devices=cpu"; "--gpus=1"; "--replicas=2" ] do
                    Expect.equal
                        (World.takenUp None (TrainSettings.read [ said ]) world)
                        { RankOptions.standard with
                            RankTimeout = world.RankTimeout
                        }
                        "said anew"
            }

            test "parts of a batch are counted in graphs" {
                Expect.equal (settings [ "a.root" ]).Training.MicroBatch None "none"
                Expect.equal (settings [ "a.root"; "--micro-batch=4" ]).Training.MicroBatch (Some 4) "four"
                Expect.equal (settings [ "a.root"; "--part-size=4" ]).Training.MicroBatch (Some 4) "the old name"
                Expect.stringContains (refused [ "a.root"; "--part-size=0" ]) "--micro-batch" "at least one"
            }

            test "schedules, averages and stopping are read, and refused by name" {
                let s =
                    settings
                        [
                            "a.root"
                            "--schedule=plateau:0.5,4"
                            "--warmup"
                            "100"
                            "--weight_decay=0.01"
                            "--accumulate"
                            "4"
                            "--ema"
                            "0.999"
                            "--patience=5"
                            "--monitor"
                            "ROC-AUC"
                            "--max-time=1.5h"
                        ]

                let t = s.Training
                Expect.equal t.Schedule (LearningRateSchedule.Plateau(0.5, 4)) "schedule"
                Expect.equal (t.WarmupSteps, t.WeightDecay, t.Accumulate) (100, 0.01, 4) "steps"
                Expect.equal (t.Ema, t.Patience, t.Monitor.Metric.Key) (Some 0.999, Some 5, "roc_auc") "epochs"
                Expect.equal t.MaxTime (Some(System.TimeSpan.FromMinutes 90.0)) "time"

                for text, schedule in
                    [
                        "constant", LearningRateSchedule.Constant
                        "Cosine", LearningRateSchedule.Cosine 0.0
                        "cosine:0.01", LearningRateSchedule.Cosine 0.01
                        "one-cycle", LearningRateSchedule.OneCycle 0.3
                        "one-cycle:0.2", LearningRateSchedule.OneCycle 0.2
                        "plateau", LearningRateSchedule.Plateau(0.3, 3)
                    ] do
                    Expect.equal (settings [ "a.root"; "--schedule"; text ]).Training.Schedule schedule text

                for option, text in
                    [
                        "--schedule", "linear"
                        "--schedule", "cosine:2"
                        "--schedule", "cosine:0.1,3"
                        "--schedule", "plateau:0.1"
                        "--schedule", "plateau:0.1,0"
                        "--warmup", "0.5"
                        "--ema", "1"
                        "--weight-decay", "-1"
                        "--accumulate", "0"
                        "--patience", "0"
                        "--monitor", "beauty"
                        "--max-time", "90"
                        "--max-time", "-3h"
                        "--max-time", "1e300d"
                    ] do
                    let message = refusal (fun () -> settings [ "a.root"; $"{option}={text}" ])
                    Expect.stringContains message option text
                    Expect.stringContains message $"'{text}'" option
            }

            test "the defaults are the documented ones" {
                let s = settings [ "data.root" ]
                Expect.equal (s.TrainingFraction, s.SamplingFraction, s.Training.PrefetchFactor) (0.75, 1.0, 3) "data"

                Expect.equal
                    (s.Training.BatchSize, s.Training.Epochs, s.Training.Seed, s.World.Gpus)
                    (32, 20, 42L, 0)
                    "training"

                Expect.equal
                    (s.Training.LearningRate, s.Training.ClassWeighting, s.Training.ClipNorm)
                    (1e-3, ClassWeighting.Measured, Some 1.0)
                    "optimiser"

                Expect.equal s.Model PrunerConfig.standard "network"
                Expect.equal (s.Input.TracksterTree, s.Input.EdgeTree) ("Tracksters", "Edges") "trees"
                Expect.equal (s.RunsDirectory, s.Name, s.OutputFile) ("runs", "equilibrium-lstm-none", None) "output"
            }

            test "engine, memory and threads" {
                let s = settings [ "data.root"; "--engine"; "portable"; "--threads"; "3"; "--memory-budget"; "1.5" ]
                Expect.equal (s.Arithmetic.Engine, s.Training.Threads) (Engine.Portable, 3) "engine and threads"
                Expect.equal s.Training.Backpropagation (Backpropagation.Bounded 1_500_000_000L) "budget"
                let s = settings [ "data.root"; "--truncate-steps"; "20" ]
                Expect.equal s.Training.Backpropagation (Backpropagation.Truncated 20) "truncation"
                Expect.equal (settings [ "data.root" ]).Training.Backpropagation Backpropagation.Full "default"
                Expect.stringContains (refused [ "--memory-budget"; "0" ]) "--memory-budget" "no memory"
                Expect.stringContains (refused [ "--truncate-steps"; "0" ]) "--truncate-steps" "no steps"
                Expect.stringContains (refused [ "--engine"; "fast" ]) "--engine" "no such engine"
            }

            for name, value, read in original do
                let dashes = name.Replace('_', '-')

                for words in
                    List.distinct
                        [
                            [ $"--{name}"; value ]
                            [ $"--{name}={value}" ]
                            [ $"--{dashes}"; value ]
                            [ $"--{dashes}={value}" ]
                        ] do
                    let line = String.concat " " words

                    test $"train FILE {line}" {
                        Expect.equal (read (settings ("data.root" :: words))) value "after the file"
                        Expect.equal (read (settings (words @ [ "data.root" ]))) value "before the file"
                    }

            test "an option given twice counts as it was given last" {
                Expect.equal (settings [ "a.root"; "--epochs"; "3"; "--epochs=5" ]).Training.Epochs 5 "epochs"
            }

            test "passes do not turn an autoregressive network into an equilibrium one" {
                for words in
                    [ [ "--autoregressive"; "--num_iterations"; "7" ]; [ "--num_iterations"; "7"; "--autoregressive" ] ] do
                    Expect.equal
                        (settings ("a.root" :: words)).Model.Strategy
                        DecisionStrategy.Autoregressive
                        "strategy"
            }

            test "a German culture trains with the learning rate that was given" {
                inGerman (fun () ->
                    Expect.equal (settings [ "a.root"; "--learning_rate"; "1e-3" ]).Training.LearningRate 0.001 "rate")
            }

            for words in
                [
                    [ "--epochs"; "0" ]
                    [ "--epochs"; "1.5" ]
                    [ "--batch-size"; "-3" ]
                    [ "--learning-rate"; "0" ]
                    [ "--learning-rate"; "NaN" ]
                    [ "--learning-rate"; "inf" ]
                    [ "--learning-rate"; "-1e-3" ]
                    [ "--training-fraction"; "1.5" ]
                    [ "--training-fraction"; "0" ]
                    [ "--sampling-fraction"; "0" ]
                    [ "--dropout"; "1" ]
                    [ "--dropout"; "NaN" ]
                    [ "--clip-norm"; "-1" ]
                    [ "--clip-norm"; "Infinity" ]
                    [ "--hidden-dim"; "33" ]
                    [ "--hidden-dim"; "0" ]
                    [ "--workers"; "-1" ]
                    [ "--gpus"; "-1" ]
                    [ "--seed"; "-1" ]
                    [ "--aggregator"; "mean" ]
                    [ "--memory"; "rnn" ]
                    [ "--class-weight"; "1" ]
                    [ "--class-weight"; "1,0" ]
                    [ "--class-weight"; "1,NaN" ]
                    [ "--class-weight"; "1,2,3" ]
                    [ "--name"; "../x" ]
                    [ "--name"; "a b" ]
                    [ "--bad-files"; "ignore" ]
                ] do
                let line = String.concat " " words

                test $"{line} is refused with the option, the value and what is allowed" {
                    let sentence = refused ("a.root" :: words)
                    let option = if words[0] = "--aggregator" then "--decision-cell" else words[0]
                    let option = if option = "--memory" then "--memory-cell" else option
                    Expect.stringStarts sentence $"{option} wants " "names the option"
                    Expect.stringEnds sentence $"; found '{words[1]}'." "names the value"
                }

            test "class weights are measured or two numbers" {
                Expect.equal
                    (settings [ "a.root"; "--class-weight"; "1,20" ]).Training.ClassWeighting
                    (ClassWeighting.Given { Keep = 1.0; Prune = 20.0 })
                    "given"

                Expect.equal
                    (settings [ "a.root"; "--class-weight=measured" ]).Training.ClassWeighting
                    ClassWeighting.Measured
                    "measured"
            }

            test "clipping at 0 is no clipping" {
                Expect.equal (settings [ "a.root"; "--clip-norm"; "0" ]).Training.ClipNorm None "off"
                Expect.equal (settings [ "a.root"; "--clip-norm"; "2.5" ]).Training.ClipNorm (Some 2.5) "on"
            }

            test "parity takes the original's mathematics and defaults, and options still count" {
                let s = settings [ "a.root"; "--epochs"; "2"; "--parity" ]
                Expect.equal s.Model (PrunerConfig.parity PrunerConfig.standard) "network"
                Expect.equal (s.Training.BatchSize, s.Training.Epochs, s.Training.ClipNorm) (3, 2, None) "training"
                Expect.equal s.Training.ClassWeighting (ClassWeighting.Given { Keep = 1.0; Prune = 20.0 }) "weights"
            }

            test "a preset is a start that options override, wherever they stand" {
                let fast = settings [ "a.root"; "--preset"; "fast" ]
                Expect.equal fast.Model Preset.fast.Network "network"
                Expect.equal fast.Training.Loss LossKind.MeanOverNodes "loss"
                Expect.equal fast.Training.Workers Inputs.standard.Workers "the machine's"
                let tree = settings [ "a.root"; "--mode"; "tree"; "--epochs"; "2"; "--preset"; "fast" ]

                Expect.equal
                    tree.Model
                    { Preset.fast.Network with
                        Strategy = DecisionStrategy.Tree
                    }
                    "another mode"

                Expect.equal tree.Training { fast.Training with Epochs = 2 } "another length"
                let passes = settings [ "a.root"; "--preset"; "fast"; "--passes"; "3"; "--mode"; "equilibrium" ]
                Expect.equal passes.Model.Strategy (DecisionStrategy.Equilibrium 3) "passes"
                Expect.stringContains (refused [ "a.root"; "--preset"; "slow" ]) "--preset wants fast" "no such preset"
                let both = refused [ "a.root"; "--preset"; "fast"; "--parity" ]
                Expect.stringContains both "--parity is a preset of its own" "parity"
            }

            test "parity refuses what would break it" {
                let sentence = refused [ "a.root"; "--parity"; "--normalisation"; "layer" ]
                Expect.stringContains sentence "--parity fixes --normalisation to graph-batch" "normalisation"
                let sentence = refused [ "a.root"; "--neighbour-aggregator"; "mean"; "--parity" ]
                Expect.stringContains sentence "--parity fixes --neighbour-aggregator to lstm" "aggregator"
            }

            test "the original's .pt file becomes a .safetensors file, with a message" {
                let s = settings [ "a.root"; "--output_file"; "out.d/argnn.pt" ]
                Expect.equal s.OutputFile (Some "out.d/argnn.safetensors") "file"
                Expect.hasLength s.Notes 1 "one note"
                Expect.equal (settings [ "a.root"; "--output_file"; "m.safetensors" ]).Notes [] "nothing to say"
            }

            test "an unknown option names the nearest" {
                Expect.equal
                    (refused [ "a.root"; "--learing_rate"; "1" ])
                    "unknown option --learing_rate; did you mean --learning-rate?"
                    "sentence"
            }

            test "a missing value, a flag with a value and a stray option are usage errors" {
                Expect.equal
                    (refused [ "a.root"; "--epochs" ])
                    "--epochs wants a value (N); found nothing after it."
                    "end"

                Expect.stringContains
                    (refused [ "a.root"; "--epochs"; "--parity" ])
                    "found the option --parity"
                    "option"

                Expect.equal (refused [ "a.root"; "--parity=yes" ]) "--parity takes no value; found 'yes'." "flag"
                Expect.stringContains (refused [ "a.root"; "-z" ]) "unknown option -z" "short"
            }

            test "no input at all is a usage error" {
                Expect.stringContains (refused [ "--epochs"; "3" ]) "no input" "sentence"
            }

            test "the structure of every option union is what Argu accepts" {
                Argu.ArgumentParser.Create<Pruning.Cli.Demo.DemoVerb.DemoArgument>(checkStructure = true)
                |> ignore

                Argu.ArgumentParser.Create<Pruning.Cli.Inspect.InspectVerb.InspectArgument>(checkStructure = true)
                |> ignore

                Argu.ArgumentParser.Create<Pruning.Cli.Doctor.DoctorVerb.DoctorArgument>(checkStructure = true)
                |> ignore

                Argu.ArgumentParser.Create<Pruning.Cli.Launch.LaunchVerb.LaunchArgument>(checkStructure = true)
                |> ignore

                Argu.ArgumentParser.Create<Pruning.Cli.Import.ImportVerb.ImportArgument>(checkStructure = true)
                |> ignore
            }
        ]

let private split exists words =
    let files, (tracksters, edges) =
        Inputs.ofWords (fun word -> List.contains word exists) false ("Tracksters", "Edges") words

    files, tracksters, edges

[<Tests>]
let inputTests =
    testList
        "Inputs"
        [
            test "one file takes the default trees" {
                Expect.equal (split [] [ "a.root" ]) ([ "a.root" ], "Tracksters", "Edges") "one"
            }

            test "several files and globs take the default trees" {
                Expect.equal
                    (split [] [ "a.root"; "b.root"; "more/*.root" ])
                    ([ "a.root"; "b.root"; "more/*.root" ], "Tracksters", "Edges")
                    "three"
            }

            test "several files may stand before two tree names" {
                Expect.equal
                    (split [] [ "a.root"; "b.root"; "T;2"; "E;1" ])
                    ([ "a.root"; "b.root" ], "T;2", "E;1")
                    "two and two"
            }

            test "a word that exists on disk is a file, whatever its name" {
                Expect.equal
                    (split [ "y"; "z" ] [ "x"; "y"; "z" ])
                    ([ "x"; "y"; "z" ], "Tracksters", "Edges")
                    "existing"
            }

            test "with --tracksters or --edges every word is a file" {
                let input = (settings [ "a"; "b"; "c"; "--tracksters"; "T" ]).Input

                Expect.equal
                    (input.Files, input.TracksterTree, input.EdgeTree)
                    ([ "a"; "b"; "c" ], "T", "Edges")
                    "named"
            }

            test "one tree name alone is refused" {
                Expect.stringContains (refusal (fun () -> split [] [ "a.root"; "Tracksters;1" ])) "give both" "sentence"
            }
        ]
