namespace Pruning.Model

open System

/// A gated recurrent cell. LSTM: Hochreiter & Schmidhuber 1997; GRU: Cho et al. 2014 (arXiv:1406.1078).
[<RequireQualifiedAccess>]
type CellKind =
    | Gru
    | Lstm

/// How the messages of a node's neighbours become one vector (GraphSAGE, arXiv:1706.02216, section 3.3).
/// The gated ones read the neighbours in edge order; the others do not depend on any order.
[<RequireQualifiedAccess>]
type Aggregator =
    | Lstm
    | Gru
    | Mean
    | Max
    | Sum

/// How decisions are taken and fed back into the node states.
[<RequireQualifiedAccess>]
type DecisionStrategy =
    /// One node a step, most confident first; a graph of N nodes takes N steps.
    | Autoregressive
    /// All nodes at once, several passes; each pass reads the probabilities of the one before.
    | Equilibrium of passes: int

/// What stands between the linear layers of the encoder.
[<RequireQualifiedAccess>]
type Normalisation =
    /// Layer normalisation per node (arXiv:1607.06450): does not see other nodes, so no batch or rank changes it.
    | Layer
    /// Batch normalisation whose training statistics are taken over each graph on its own (the original's).
    | GraphBatch
    /// Nothing.
    | Identity

/// Which loss of a batch is minimised.
[<RequireQualifiedAccess>]
type LossKind =
    /// Mean over the graphs of each graph's own loss: the order of a batch does not matter, and every decision of an
    /// autoregressive graph weighs the same.
    | MeanOverGraphs
    /// The original's sums, order dependence included (docs/model.md).
    | Original

/// How far back-propagation through the steps of an autoregressive network reaches, and what it may keep meanwhile. The
/// equilibrium strategy has a handful of passes and always keeps them all.
[<RequireQualifiedAccess>]
type Backpropagation =
    /// Through all steps, everything kept.
    | Full
    /// Through all steps, with the same gradients: at most so many bytes are kept, the rest is computed again.
    | Bounded of bytes: int64
    /// Through so many steps at a time; what lies before them counts as given. Other gradients, and no time lost.
    | Truncated of steps: int

/// The shape of a pruning network: everything that is needed to build it again before its weights are loaded.
type PrunerConfig =
    {
        /// Input features per node.
        Features: int
        /// Width H of the node states.
        Hidden: int
        /// Message-passing rounds per pass or step (the original's num_gnn_steps).
        Rounds: int
        Strategy: DecisionStrategy
        /// The cell that absorbs decisions into the node states (the original's `aggregator`).
        DecisionCell: CellKind
        /// The cell that remembers node states between passes or steps, if any.
        MemoryCell: CellKind option
        Aggregator: Aggregator
        Normalisation: Normalisation
        /// Shift and scale the features by the training split's mean and standard deviation, kept with the weights.
        Standardise: bool
        /// Dropout probability in the heads.
        Dropout: float
    }

[<RequireQualifiedAccess>]
module PrunerConfig =

    /// The defaults of the command line: hidden 128, 3 rounds, 5 passes, LSTM cells, no memory.
    let standard: PrunerConfig =
        {
            Features = 9
            Hidden = 128
            Rounds = 3
            Strategy = DecisionStrategy.Equilibrium 5
            DecisionCell = CellKind.Lstm
            MemoryCell = None
            Aggregator = Aggregator.Lstm
            Normalisation = Normalisation.Layer
            Standardise = true
            Dropout = 0.2
        }

    /// The same network as the original research code runs it: per-graph batch norm, raw features.
    let parity (config: PrunerConfig) : PrunerConfig =
        { config with
            Normalisation = Normalisation.GraphBatch
            Standardise = false
            Aggregator = Aggregator.Lstm
        }
