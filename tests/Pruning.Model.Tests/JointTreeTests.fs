/// The joint strategy: what its potentials and its loss mean.
module Pruning.Tests.Model.JointTreeTests

open Expecto
open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Tests

let private config =
    { PrunerConfig.standard with
        Hidden = 8
        Rounds = 1
        Strategy = DecisionStrategy.Tree
        Standardise = false
        Dropout = 0.0
    }

let private fresh () =
    use random = new torch.Generator(3UL)
    Pruner.create (Laws.init random) config

/// With link potentials that are not zero.
let private coupled () =
    let pruner = fresh ()
    use random = new torch.Generator(4UL)
    use _guard = torch.no_grad ()

    for name, parameter in pruner.Network.Weights.Parameters do
        if name.StartsWith "links.answer" then
            parameter.copy_ (torch.randn (parameter.shape, dtype = parameter.dtype, generator = random))
            |> ignore

    pruner

let private batch () = Laws.tensors [ Fixture.graphs.Value[1]; Fixture.graphs.Value[2]; Fixture.graphs.Value[0] ]

let private evaluate (pruner: Pruner) (weights: ClassWeights) (batch: BatchTensors) =
    use _guard = torch.no_grad ()
    Pruner.run pruner Inference (PassMode.Evaluate(Criterion.ofWeights weights)) batch

[<Tests>]
let tests =
    testList
        "joint strategy"
        [
            test
                "a fresh network decides node by node: the one-pass strategy's probabilities, and its mean cross entropy" {
                Laws.inFloat64 (fun () ->
                    let pruner, batch = fresh (), batch ()
                    let one = Pruner.withStrategy Strategy.onePass pruner
                    let joint = evaluate pruner ClassWeights.equal batch
                    let alone = evaluate one ClassWeights.equal batch
                    Near.close 1e-12 joint.Logits (alone.Logits.log_softmax 1L) "log probabilities"
                    Near.close 1e-12 joint.GraphLoss.Value alone.GraphLoss.Value "losses")
            }

            test "with link potentials the loss is the exact likelihood of the labels, whatever the class weights" {
                Laws.inFloat64 (fun () ->
                    let pruner, batch = coupled (), batch ()
                    let predictions = evaluate pruner { Keep = 0.6; Prune = 4.0 } batch
                    use _guard = torch.no_grad ()
                    let links, potentials = JointTree.potentials pruner.Network Inference batch

                    let likelihood = LinkFactors.logLikelihood LinkFactors.loopyStandard links potentials batch.Labels

                    let sizes = torch.tensor (Array.map float batch.GraphSizes)
                    Near.close 1e-12 predictions.GraphLoss.Value (likelihood.neg().div sizes) "losses"
                    Expect.isGreaterThan (Near.largest potentials.Link) 0.1 "links count")
            }

            test "turning a link around changes nothing" {
                Laws.inFloat64 (fun () ->
                    let pruner, batch = coupled (), batch ()
                    use _guard = torch.no_grad ()
                    let links = LinkTensors.create torch.CPU batch.Source
                    use random = new torch.Generator(8UL)
                    let h = torch.randn ([| int64 batch.NodeCount; 8L |], dtype = Laws.dtype (), generator = random)
                    let head = pruner.Network.Links.Value
                    let there = head.Forward Inference h links

                    let back =
                        head.Forward
                            Inference
                            h
                            { links with
                                First = links.Second
                                Second = links.First
                            }

                    Near.close 1e-12 back (there.transpose (1L, 2L)) "potentials")
            }

            test "gradients of the loss agree with finite differences" {
                Laws.inFloat64 (fun () ->
                    let pruner, batch = coupled (), batch ()
                    let criterion = Criterion.ofWeights { Keep = 0.6; Prune = 4.0 }
                    use random = new torch.Generator(1UL)
                    let loss () = (Pruner.run pruner Inference (PassMode.Train criterion) batch).GraphLoss.Value.sum()
                    Gradients.backward (loss ())

                    for name, parameter in pruner.Network.Weights.Parameters do
                        if name.StartsWith "links." || name.StartsWith "prune.5" then
                            let gradient = nonNull parameter.grad
                            let direction = torch.randn (parameter.shape, dtype = Laws.dtype (), generator = random)
                            let along = (gradient.mul direction).sum().item<float>()

                            let at (step: float) =
                                use _guard = torch.no_grad ()
                                withScalar step (fun step -> parameter.add_ (direction, step) |> ignore)
                                let value = (loss ()).item<float>()
                                withScalar -step (fun step -> parameter.add_ (direction, step) |> ignore)
                                value

                            let slope = (at 1e-5 - at -1e-5) / 2e-5
                            Expect.isLessThan (abs (slope - along)) 1e-6 $"{name}: {slope} and {along}")
            }

            test "a network without a link head is refused in words" {
                use _scope = torch.NewDisposeScope()
                use random = new torch.Generator(3UL)

                let plain =
                    Pruner.create
                        (Laws.init random)
                        { config with
                            Strategy = DecisionStrategy.OnePass
                        }

                Expect.throwsC
                    (fun () ->
                        evaluate (Pruner.withStrategy Strategy.tree plain) ClassWeights.equal (batch ())
                        |> ignore)
                    (fun error -> Expect.stringContains error.Message "Network.withLinks" "what to do")
            }
        ]
