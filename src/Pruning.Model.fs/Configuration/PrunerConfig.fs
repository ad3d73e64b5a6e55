namespace Pruning.Model.Configuration

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
    /// Mean and max side by side (two of the aggregators of Corso et al. 2020, arXiv:2004.05718).
    | MeanMax

/// Which operator a message-passing round is. Each is a file of Layers/ with its equation.
[<RequireQualifiedAccess>]
type LayerKind =
    /// GraphSAGE (arXiv:1706.02216), with the aggregator of the configuration.
    | Sage
    /// Graph convolution (Kipf & Welling 2017, arXiv:1609.02907).
    | Gcn
    /// Graph isomorphism network (Xu et al. 2019, arXiv:1810.00826).
    | Gin
    /// Graph attention, second version (Brody et al. 2022, arXiv:2105.14491).
    | GatV2 of heads: int
    /// Edge convolution (Wang et al. 2019, arXiv:1801.07829).
    | EdgeConv
    /// Interaction network (Battaglia et al. 2016, arXiv:1612.00222).
    | Interaction
    /// GravNet's potential (Qasim et al. 2019, arXiv:1902.07987) on the trackster's own edges.
    | GravNet

/// Which node of a graph the autoregressive strategy decides next.
[<RequireQualifiedAccess>]
type DecisionOrder =
    /// The one that the network is most sure of; the confidence head learns what that means.
    | Confidence
    /// The most energetic.
    | Energy
    /// The nearest to the collision along the beam; within a layer the most energetic.
    | Layer
    /// In training another order for every step; in use the one that the seed and the node's own features give.
    | Random of seed: int64

/// How often an autoregressive network in training reads the true label of a node that it decided, instead of its own
/// decision, and how that probability falls over the epochs (scheduled sampling: Bengio et al. 2015, arXiv:1506.03099).
/// s is the share of the training that is done, p the probability in the last epoch.
[<RequireQualifiedAccess>]
type TeacherForcingSchedule =
    /// Always the truth (teacher forcing).
    | Always
    /// 1 - (1 - p) s
    | Linear of last: float
    /// p^s; p above 0
    | Exponential of last: float
    /// A logistic step from 1 to p, steepest in the middle of the training.
    | InverseSigmoid of last: float

/// How decisions are taken and fed back into the node states.
[<RequireQualifiedAccess>]
type DecisionStrategy =
    /// All nodes at once, once: an equilibrium of one pass, so no decision is ever fed back.
    | OnePass
    /// One node a step, most confident first; a graph of N nodes takes N steps.
    | Autoregressive
    /// All nodes at once, several passes; each pass reads the probabilities of the one before.
    | Equilibrium of passes: int
    /// All nodes jointly, by exact inference over the links of the trackster, which are a forest.
    | Tree

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
    /// Mean over the nodes of all graphs of the batch: a graph weighs as its number of nodes, as in metrics that count nodes.
    | MeanOverNodes
    /// The original's sums, order dependence included (docs/reference/losses.md).
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
        /// The columns that the network reads, in order.
        Features: NodeFeature list
        /// Edges that each node gets from its nearest neighbours, besides those of the graph.
        Neighbours: int
        /// Width H of the node states.
        Hidden: int
        /// Message-passing rounds per pass or step (the original's num_gnn_steps).
        Rounds: int
        Strategy: DecisionStrategy
        /// The cell that absorbs decisions into the node states (the original's `aggregator`).
        DecisionCell: CellKind
        /// The cell that remembers node states between passes or steps, if any.
        MemoryCell: CellKind option
        /// The operator of the message-passing rounds.
        Layer: LayerKind
        /// How a GraphSAGE round joins the messages of the neighbours; other operators have a way of their own.
        Aggregator: Aggregator
        /// Whether a round adds its answer to its input (He et al. 2016, arXiv:1512.03385) instead of replacing it.
        Residual: bool
        /// What normalises the answer of a round.
        RoundNormalisation: Normalisation
        /// Dropout probability in the answer of a round.
        RoundDropout: float
        /// Which node is decided next; only the autoregressive strategy asks.
        Order: DecisionOrder
        /// What an autoregressive network in training reads back.
        TeacherForcing: TeacherForcingSchedule
        /// Between the layers of the encoder.
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
            Features = NodeFeature.original
            Neighbours = 0
            Hidden = 128
            Rounds = 3
            Strategy = DecisionStrategy.Equilibrium 5
            DecisionCell = CellKind.Lstm
            MemoryCell = None
            Layer = LayerKind.Sage
            Aggregator = Aggregator.Lstm
            Residual = false
            RoundNormalisation = Normalisation.Identity
            RoundDropout = 0.0
            Order = DecisionOrder.Confidence
            TeacherForcing = TeacherForcingSchedule.Always
            Normalisation = Normalisation.Layer
            Standardise = true
            Dropout = 0.2
        }

    /// The same network as the original research code runs it: per-graph batch norm, raw features, plain SAGE rounds.
    let parity (config: PrunerConfig) : PrunerConfig =
        { config with
            Features = NodeFeature.original
            Neighbours = 0
            Layer = LayerKind.Sage
            Residual = false
            RoundNormalisation = Normalisation.Identity
            RoundDropout = 0.0
            Order = DecisionOrder.Confidence
            TeacherForcing = TeacherForcingSchedule.Always
            Normalisation = Normalisation.GraphBatch
            Standardise = false
            Aggregator = Aggregator.Lstm
        }
