/// Words of `train` about the network: what they make of it, whatever their order, and what is refused.
module Pruning.Tests.Cli.NetworkWordsTests

open Expecto
open Pruning.Model.Configuration
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Tests.Cli.ValuesTests

let private settings (words: string list) =
    TrainSettings.ofArguments (fun _ -> false) (Arguments.parse<TrainArgument>("a.root" :: words))

let private model (line: string) =
    (settings (List.ofArray (line.Split(' ', System.StringSplitOptions.RemoveEmptyEntries)))).Model

let private refused (line: string) = refusal (fun () -> model line)

let private standard = PrunerConfig.standard

[<Tests>]
let tests =
    testList
        "NetworkWords"
        [
            for line, wanted in
                [
                    "", standard
                    "--mode one-pass",
                    { standard with
                        Strategy = DecisionStrategy.OnePass
                    }
                    "--mode one-pass --passes 7",
                    { standard with
                        Strategy = DecisionStrategy.OnePass
                    }
                    "--mode equilibrium --passes 7",
                    { standard with
                        Strategy = DecisionStrategy.Equilibrium 7
                    }
                    "--passes 7 --mode autoregressive --mode equilibrium",
                    { standard with
                        Strategy = DecisionStrategy.Equilibrium 7
                    }
                    "--mode Autoregressive",
                    { standard with
                        Strategy = DecisionStrategy.Autoregressive
                    }
                    "--layer gcn", { standard with Layer = LayerKind.Gcn }
                    "--layer gin", { standard with Layer = LayerKind.Gin }
                    "--layer edgeconv",
                    { standard with
                        Layer = LayerKind.EdgeConv
                    }
                    "--layer interaction",
                    { standard with
                        Layer = LayerKind.Interaction
                    }
                    "--layer gravnet",
                    { standard with
                        Layer = LayerKind.GravNet
                    }
                    "--layer gatv2",
                    { standard with
                        Layer = LayerKind.GatV2 4
                    }
                    "--heads 8 --layer gatv2",
                    { standard with
                        Layer = LayerKind.GatV2 8
                    }
                    "--layer gatv2 --heads=2 --hidden 6",
                    { standard with
                        Layer = LayerKind.GatV2 2
                        Hidden = 6
                    }
                    "--layer sage --neighbour-aggregator max",
                    { standard with
                        Aggregator = Aggregator.Max
                    }
                    "--neighbour-aggregator mean-max",
                    { standard with
                        Aggregator = Aggregator.MeanMax
                    }
                    "--neighbours 8", { standard with Neighbours = 8 }
                    "--neighbors 0", standard
                    "--features physics",
                    { standard with
                        Features = NodeFeature.physics
                    }
                    "--residual", { standard with Residual = true }
                    "--round-normalisation layer",
                    { standard with
                        RoundNormalisation = Normalisation.Layer
                    }
                    "--round_normalization graph-batch",
                    { standard with
                        RoundNormalisation = Normalisation.GraphBatch
                    }
                    "--round-dropout 0.1", { standard with RoundDropout = 0.1 }
                    "--features original", standard
                    "--features oriented",
                    { standard with
                        Features = NodeFeature.oriented
                    }
                    "--features original,layer",
                    { standard with
                        Features = NodeFeature.original @ [ NodeFeature.Layer ]
                    }
                    "--autoregressive --order energy",
                    { standard with
                        Strategy = DecisionStrategy.Autoregressive
                        Order = DecisionOrder.Energy
                    }
                    "--order random --seed 7 --mode autoregressive",
                    { standard with
                        Strategy = DecisionStrategy.Autoregressive
                        Order = DecisionOrder.Random 7L
                    }
                    "--autoregressive --scheduled-sampling linear",
                    { standard with
                        Strategy = DecisionStrategy.Autoregressive
                        TeacherForcing = TeacherForcingSchedule.Linear 0.1
                    }
                    "--autoregressive --scheduled-sampling inverse-sigmoid:0.25",
                    { standard with
                        Strategy = DecisionStrategy.Autoregressive
                        TeacherForcing = TeacherForcingSchedule.InverseSigmoid 0.25
                    }
                    "--autoregressive --scheduled-sampling none",
                    { standard with
                        Strategy = DecisionStrategy.Autoregressive
                    }
                ] do
                test $"train FILE {line}" { Expect.equal (model line) wanted "network" }

            for line, parts in
                [
                    "--mode tree-search",
                    [ "--mode wants equilibrium, one-pass, autoregressive or tree"; "'tree-search'" ]
                    "--layer gat", [ "--layer wants sage, gcn, gin, gatv2, edgeconv, interaction or gravnet"; "'gat'" ]
                    "--layer gatv2 --heads 3", [ "--heads wants a divisor of the width of the node states, 128"; "'3'" ]
                    "--layer gatv2 --hidden 6", [ "--heads"; "6"; "'4'" ]
                    "--heads 4", [ "--heads belongs to --layer gatv2; found --layer sage" ]
                    "--layer gatv2 --heads 0", [ "--heads wants a whole number" ]
                    "--layer gin --neighbour-aggregator mean",
                    [ "--neighbour-aggregator belongs to --layer sage; found --layer gin" ]
                    "--round-normalisation batch", [ "layer, graph-batch or identity" ]
                    "--round-dropout 1", [ "--round-dropout wants" ]
                    "--features energy,charge", [ "--features wants names"; "log_energy"; "oriented"; "'charge'" ]
                    "--features ,", [ "--features wants names" ]
                    "--order energy", [ "--order belongs to --mode autoregressive; found --mode equilibrium" ]
                    "--mode one-pass --order random",
                    [ "--order belongs to --mode autoregressive; found --mode one-pass" ]
                    "--autoregressive --order size", [ "--order wants confidence, energy, layer or random"; "'size'" ]
                    "--mode tree --class-weight 1,20", [ "--class-weight has no meaning with --mode tree" ]
                    "--scheduled-sampling linear", [ "--scheduled-sampling belongs to --mode autoregressive" ]
                    "--autoregressive --scheduled-sampling cosine",
                    [ "none, linear, exponential, inverse-sigmoid"; "'cosine'" ]
                    "--autoregressive --scheduled-sampling linear:1.5", [ "'linear:1.5'" ]
                    "--autoregressive --scheduled-sampling none:0.5", [ "'none:0.5'" ]
                    "--autoregressive --scheduled-sampling exponential:0", [ "above 0" ]
                    "--parity --layer gcn", [ "--parity fixes --layer to sage" ]
                    "--parity --mode tree", [ "--parity fixes --mode to equilibrium or autoregressive" ]
                    "--parity --residual", [ "--parity fixes --residual off" ]
                    "--parity --features extended", [ "--parity fixes --features to original" ]
                    "--parity --neighbours 4", [ "--parity fixes --neighbours to 0" ]
                    "--parity --loss mean-over-nodes", [ "--parity fixes --loss to the original's" ]
                    "--loss original", [ "--loss wants mean-over-graphs or mean-over-nodes"; "'original'" ]
                    "--neighbours -1", [ "--neighbours wants a whole number" ]
                    "--parity --autoregressive --order energy", [ "--parity fixes --order to confidence" ]
                ] do
                test $"train FILE {line} is refused" {
                    let sentence = refused line

                    for part in parts do
                        Expect.stringContains sentence part "sentence"
                }

            test "a run is named for its network" {
                Expect.equal (settings []).Name "equilibrium-lstm-none" "standard"

                Expect.equal
                    (settings [ "--mode"; "one-pass"; "--layer"; "gatv2"; "--memory"; "gru" ]).Name
                    "one-pass-lstm-gru-gatv2"
                    "another"
            }
        ]
