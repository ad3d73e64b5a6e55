namespace Pruning.Model.Decoding

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses

/// What learning from one batch needs beside the network and the batch.
[<NoComparison; NoEquality>]
type LossContext =
    {
        Config: PrunerConfig
        Memory: Backpropagation
        Random: torch.Generator
        Criterion: Criterion
        /// [graphs] what the loss of each graph counts in that of the batch.
        Weights: float array
        /// Sees the predictions before the network learns from them, and may refuse them by an exception.
        Check: NodePredictions -> unit
    }

/// How a network comes to decisions, as a value. One of your own is a record of this type: `Run` gets the
/// parts of a network and answers with `NodePredictions`; a loss for each graph is wanted unless the pass mode is `PassMode.Predict`.
[<NoComparison; NoEquality>]
type Strategy =
    {
        Name: string
        Run: Network -> Mode -> PassMode -> BatchTensors -> NodePredictions
        /// What it is when a share of the training is done, 0 in the first epoch, 1 in the last: for a strategy that changes while
        /// a network learns. In use it is what `Run` says.
        During: float -> Strategy
        /// Adds the gradients of a batch's weighted losses to the parameters, for strategies that can do so in parts; the
        /// predictions are cut off from the gradients. None = run with `PassMode.Train`, then back through all of it.
        Learn: (LossContext -> Network -> BatchTensors -> NodePredictions) option
    }

/// How a trained autoregressive network decides.
[<RequireQualifiedAccess>]
type Decoding =
    /// One node a step, by its logits.
    | Greedy
    /// Several nodes of each graph a step: N/k passes over a graph of N nodes instead of N. Decisions of the same step do not
    /// know of each other.
    | Choices of perStep: int
    /// The likeliest of some sequences of decisions that are followed together (`Beam`).
    | Beam of width: int

/// The strategies that configurations name, and what others are made of.
[<RequireQualifiedAccess>]
module Strategy =

    /// A strategy that is the same during the whole training.
    let steady (name: string) (run: Network -> Mode -> PassMode -> BatchTensors -> NodePredictions) : Strategy =
        let rec strategy =
            {
                Name = name
                Run = run
                During = fun _ -> strategy
                Learn = None
            }

        strategy

    /// One pass over all nodes: decision cell on zeros, memory cell on zeros if there is one, rounds, prune head. It is
    /// `equilibrium 1`: the decision cell works (its bias and its matrix of the hidden state count) but reads no decision, so
    /// its input matrix has no effect and gets no gradient.
    let onePass: Strategy = steady "one-pass" (Equilibrium.run 1)

    /// All nodes at once, several passes; each reads the probabilities of the pass before.
    let equilibrium (passes: int) : Strategy = steady "equilibrium" (Equilibrium.run passes)

    /// All nodes jointly by exact inference over the links, after one pass; wants a network with a link head.
    let tree: Strategy = steady "tree" JointTree.run

    /// One node a step in the given order; in training it reads back the truth with the probability that the schedule has for
    /// the epoch, else its own decision. Outside of training it never sees a label.
    let autoregressive (order: NodeOrder) (schedule: TeacherForcingSchedule) : Strategy =
        let rec at share =
            let options =
                {
                    Order = order
                    TeacherForcingProbability = TeacherForcing.probability schedule share
                    Choices = 1
                }

            {
                Name = "autoregressive"
                Run = Autoregressive.runWith options
                During = at
                Learn =
                    Some(fun context network batch ->
                        AutoregressiveLearning.learn
                            options
                            context.Config
                            network
                            context.Memory
                            context.Random
                            context.Criterion
                            context.Weights
                            context.Check
                            batch)
            }

        at 0.0

    /// The strategy of a configuration.
    let ofConfig (config: PrunerConfig) : Strategy =
        match config.Strategy with
        | DecisionStrategy.OnePass -> onePass
        | DecisionStrategy.Equilibrium passes -> equilibrium passes
        | DecisionStrategy.Tree -> tree
        | DecisionStrategy.Autoregressive -> autoregressive (NodeOrder.ofConfig config.Order) config.TeacherForcing

    /// The strategy of a configuration in use, asked in another way. Only autoregressive networks can be.
    let decoded (decoding: Decoding) (config: PrunerConfig) : Strategy =
        let options choices =
            {
                Order = NodeOrder.ofConfig config.Order
                TeacherForcingProbability = 1.0
                Choices = choices
            }

        match config.Strategy, decoding with
        | _, Decoding.Greedy -> ofConfig config
        | DecisionStrategy.Autoregressive, Decoding.Choices perStep when perStep >= 1 ->
            steady $"autoregressive, {perStep} a step" (Autoregressive.runWith (options perStep))
        | DecisionStrategy.Autoregressive, Decoding.Beam width when width >= 1 ->
            steady $"autoregressive, beam of {width}" (Beam.run (options 1) width)
        | DecisionStrategy.Autoregressive, _ ->
            invalidArg (nameof decoding) $"wanted at least 1 choice or sequence, found {decoding}."
        | other, _ -> invalidArg (nameof decoding) $"{decoding} is for autoregressive networks, found {other}."
