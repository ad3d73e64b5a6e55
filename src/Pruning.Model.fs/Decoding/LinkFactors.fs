namespace Pruning.Model.Decoding

open System
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Tensors

/// A round of leaves on a device; see `LeafRound`.
[<NoComparison; NoEquality>]
type RoundTensors =
    {
        /// [leaves]
        Child: Tensor
        /// [leaves]
        Parent: Tensor
        /// [leaves]
        Link: Tensor
        /// [leaves, 1, 1] bool
        ChildIsSecond: Tensor
    }

/// The links of a batch on a device; see `LinkForest`.
[<NoComparison; NoEquality>]
type LinkTensors =
    {
        NodeCount: int
        GraphCount: int
        /// [nodes]
        GraphOfNode: Tensor
        /// [links]
        First: Tensor
        /// [links]
        Second: Tensor
        /// Leaves first.
        Rounds: RoundTensors list
        /// [trees]
        Roots: Tensor
        /// [core] links on cycles and between cycles; empty for a forest.
        Core: Tensor
    }

[<RequireQualifiedAccess>]
module LinkTensors =

    let map (f: Tensor -> Tensor) (links: LinkTensors) : LinkTensors =
        let ofRound (round: RoundTensors) =
            {
                Child = f round.Child
                Parent = f round.Parent
                Link = f round.Link
                ChildIsSecond = f round.ChildIsSecond
            }

        { links with
            GraphOfNode = f links.GraphOfNode
            First = f links.First
            Second = f links.Second
            Rounds = List.map ofRound links.Rounds
            Roots = f links.Roots
            Core = f links.Core
        }

    let create (device: torch.Device) (batch: GraphBatch) : LinkTensors =
        let forest = batch.Forest
        let index (values: int64 array) = torch.tensor (values, device = device)

        {
            NodeCount = batch.NodeCount
            GraphCount = batch.GraphCount
            GraphOfNode = index batch.GraphOfNode
            First = index forest.First
            Second = index forest.Second
            Rounds =
                [
                    for round in forest.Rounds ->
                        {
                            Child = index round.Child
                            Parent = index round.Parent
                            Link = index round.Link
                            ChildIsSecond = torch.tensor(round.ChildIsSecond, device = device).view(-1L, 1L, 1L)
                        }
                ]
            Roots = index forest.Roots
            Core = index forest.CoreLinks
        }

/// A pairwise factor model over the labels of linked nodes:
/// p(y | x) = exp(sum over nodes a_v(y_v) + sum over links b_uv(y_u, y_v)) / Z(x), label 0 keep, 1 prune.
[<NoComparison; NoEquality>]
type Potentials =
    {
        /// [nodes, 2] a_v(y)
        Node: Tensor
        /// [links, 2, 2] b(y of the link's first node, y of its second)
        Link: Tensor
    }

/// How far passing messages around cycles goes; forests do without.
type LoopySettings =
    {
        Passes: int
        /// Share of the old message that is kept, in [0, 1): 0 is undamped.
        Damping: float
    }

/// Inference in a pairwise factor model over the links of a batch. On a forest everything is exact, in time linear in
/// the nodes (sum-product and max-product: Pearl 1988; Kschischang, Frey, Loeliger 2001, doi:10.1109/18.910572): leaves
/// send a message to their parent and go, all graphs of a batch at once; what the roots hold in the end is the partition
/// function, and the way back gives marginals, the most probable labels or samples. Everything is done with logarithms.
///
/// Links on cycles keep passing messages for a fixed number of rounds (loopy belief propagation, damped), and the
/// partition function is Bethe's approximation (Yedidia, Freeman, Weiss 2005, doi:10.1109/TIT.2005.850085), which is the
/// exact one when there is no cycle. Trees that hang on a cycle are still taken off exactly.
[<RequireQualifiedAccess>]
module LinkFactors =

    let loopyStandard: LoopySettings = { Passes = 30; Damping = 0.5 }

    /// How a message forgets the sender's label.
    [<RequireQualifiedAccess>]
    type private Forget =
        | Sum
        | Max

    /// Over a dimension of two labels.
    let private forget (how: Forget) (dimension: int64) (x: Tensor) : Tensor =
        match how with
        | Forget.Sum -> x.logsumexp dimension
        | Forget.Max -> x.amax [| dimension |]

    /// b(y of child, y of parent) of each leaf's link. -> [leaves, 2, 2]
    let private oriented (potentials: Potentials) (round: RoundTensors) : Tensor =
        let link = potentials.Link.index_select (0L, round.Link)
        torch.where (round.ChildIsSecond, link.transpose (1L, 2L), link)

    /// Sum of two tensors at some rows. -> as `into`
    let private addAt (rows: Tensor) (values: Tensor) (into: Tensor) : Tensor =
        into.index_add (0L, rows, values, scalar 1.0)

    /// What every node knows from the leaves taken off below it, and the message that each leaf sent.
    /// -> [nodes, 2], messages by round [leaves, 2]
    let private inward (how: Forget) (links: LinkTensors) (potentials: Potentials) : Tensor * Tensor list =
        let send (known: Tensor, sent) (round: RoundTensors) =
            let child = known.index_select(0L, round.Child).unsqueeze 2L // [leaves, 2, 1]
            let message = plus child (oriented potentials round) |> forget how 1L // [leaves, 2]
            addAt round.Parent message known, message :: sent

        let known, sent = links.Rounds |> List.fold send (potentials.Node, [])
        known, List.rev sent

    /// Messages along both directions of the core's links, and what the core's nodes know in the end.
    [<NoComparison; NoEquality>]
    type private Core =
        {
            /// [2 core] sender and receiver of each message; message k + core goes the other way.
            Sender: Tensor
            Receiver: Tensor
            /// [2 core, 2, 2] b(y of sender, y of receiver)
            Link: Tensor
            /// [2 core, 2] normalised
            Messages: Tensor
            /// [nodes, 2] inward knowledge and all messages.
            Beliefs: Tensor
        }

    let private reversed (messages: Tensor) : Tensor =
        let halves = messages.chunk (2L, 0L)
        torch.cat ([| halves[1]; halves[0] |], 0L)

    let private circulate how (settings: LoopySettings) (links: LinkTensors) (potentials: Potentials) known : Core =
        let first, second =
            links.First.index_select (0L, links.Core), links.Second.index_select (0L, links.Core)

        let forward = potentials.Link.index_select (0L, links.Core)
        let sender, receiver = torch.cat ([| first; second |], 0L), torch.cat ([| second; first |], 0L)
        let link = torch.cat ([| forward; forward.transpose (1L, 2L) |], 0L)
        let gather messages = addAt receiver messages known // [nodes, 2]

        // What the sender knows without the receiver's own word. -> [2 core, 2]
        let cavity messages = (gather messages).index_select(0L, sender).sub(reversed messages)

        let pass (messages: Tensor) _ =
            let fresh = plus ((cavity messages).unsqueeze 2L) link |> forget how 1L
            let fresh = fresh.sub (forget how 1L fresh |> _.unsqueeze(1L))
            plus (messages.mul (scalar settings.Damping)) (fresh.mul (scalar (1.0 - settings.Damping)))

        let start = torch.zeros ([| sender.size 0; 2L |], dtype = known.dtype, device = known.device)
        let messages = Seq.fold pass start (seq { 1 .. settings.Passes })

        {
            Sender = sender
            Receiver = receiver
            Link = link
            Messages = messages
            Beliefs = gather messages
        }

    let private hasCore (links: LinkTensors) = links.Core.size 0 > 0L

    /// log Z of each graph; Bethe's value where links form cycles. Differentiable. -> [graphs]
    let logPartition (settings: LoopySettings) (links: LinkTensors) (potentials: Potentials) : Tensor =
        use _scope = torch.NewDisposeScope()
        let known, _ = inward Forget.Sum links potentials
        let perGraph nodes values = Segment.sum links.GraphCount (links.GraphOfNode.index_select (0L, nodes)) values
        let ofTrees = (known.index_select (0L, links.Roots)).logsumexp 1L |> perGraph links.Roots

        if hasCore links then
            let core = circulate Forget.Sum settings links potentials known
            let half (x: Tensor) = (x.chunk (2L, 0L))[0]
            let cavity = (core.Beliefs.index_select (0L, core.Sender)).sub(reversed core.Messages) // [2 core, 2]

            // sum over both labels of b(y_u, y_v) + what u knows without v + what v knows without u
            let pair =
                plus (plus (half core.Link) ((half cavity).unsqueeze 2L)) ((half (reversed cavity)).unsqueeze 1L)

            let ofLinks = pair.flatten(1L).logsumexp 1L |> perGraph (half core.Sender)
            // A node of the core is in as many pairs as it has links there, and counts once.
            let sharers = core.Sender
            let each = (core.Beliefs.index_select (0L, sharers)).logsumexp 1L |> perGraph sharers
            let ones = torch.ones_like (sharers, dtype = known.dtype)
            let degree = Segment.sum links.NodeCount sharers ones // [nodes] 0 outside of the core

            let once =
                (core.Beliefs.logsumexp 1L).mul(degree.gt(scalar 0.0).``to`` known.dtype)
                |> Segment.sum links.GraphCount links.GraphOfNode

            (plus ofTrees (plus (ofLinks.sub each) once)).MoveToOuterDisposeScope()
        else
            ofTrees.MoveToOuterDisposeScope()

    /// Log of the unnormalised probability of some labels. labels: [nodes] int64 -> [graphs]
    let score (links: LinkTensors) (potentials: Potentials) (labels: Tensor) : Tensor =
        use _scope = torch.NewDisposeScope()
        let ofNodes = potentials.Node.gather(1L, labels.unsqueeze 1L).squeeze 1L
        let ends (node: Tensor) = labels.index_select (0L, node)
        let first = ends links.First
        let joint = plus (plus first first) (ends links.Second) // 2 y_first + y_second
        let ofLinks = potentials.Link.flatten(1L).gather(1L, joint.unsqueeze 1L).squeeze 1L
        let graphOfLink = links.GraphOfNode.index_select (0L, links.First)

        (plus
            (Segment.sum links.GraphCount links.GraphOfNode ofNodes)
            (Segment.sum links.GraphCount graphOfLink ofLinks))
            .MoveToOuterDisposeScope()

    /// log p(y | x) of each graph. labels: [nodes] int64 -> [graphs]
    let logLikelihood settings links potentials labels : Tensor =
        use _scope = torch.NewDisposeScope()
        (score links potentials labels).sub(logPartition settings links potentials).MoveToOuterDisposeScope()

    /// From the roots out: what the parent knows without the leaf's own word reaches the leaf.
    let private outward how (links: LinkTensors) potentials (sent: Tensor list) (known: Tensor) : Tensor =
        let reply (known: Tensor) (round, message) =
            let others = (known.index_select (0L, round.Parent)).sub(message: Tensor).unsqueeze 1L // [leaves, 1, 2]
            let answer = plus others (oriented potentials round) |> forget how 2L // [leaves, 2]
            addAt round.Child answer known

        List.zip links.Rounds sent |> List.rev |> List.fold reply known

    let private beliefsOf how settings (links: LinkTensors) potentials : Tensor =
        let known, sent = inward how links potentials

        let middle =
            if hasCore links then
                (circulate how settings links potentials known).Beliefs
            else
                known

        outward how links potentials sent middle

    /// Log marginals of every node: exact on a forest, beliefs on a graph with cycles. Differentiable. -> [nodes, 2]
    let logMarginals (settings: LoopySettings) (links: LinkTensors) (potentials: Potentials) : Tensor =
        use _scope = torch.NewDisposeScope()
        (beliefsOf Forget.Sum settings links potentials).log_softmax(1L).MoveToOuterDisposeScope()

    /// Labels from the roots out, each given its parent's: `pick` chooses from log weights [rows, 2] -> [rows] int64.
    let private descend how (pick: Tensor -> Tensor) settings (links: LinkTensors) potentials : Tensor =
        let known, _ = inward how links potentials

        // Nodes of a core are chosen one by one from their beliefs; their trees follow them exactly.
        let start =
            if hasCore links then
                (circulate how settings links potentials known).Beliefs
            else
                known

        let labels = pick start // right for roots and core; leaves are chosen again below

        let choose (labels: Tensor) (round: RoundTensors) =
            let parent = (labels.index_select (0L, round.Parent)).view(-1L, 1L, 1L).expand(-1L, 2L, 1L)
            let link = (oriented potentials round).gather(2L, parent).squeeze 2L // [leaves, 2] b(., y of parent)
            let weights = plus (known.index_select (0L, round.Child)) link
            labels.index_copy (0L, round.Child, pick weights)

        links.Rounds |> List.rev |> List.fold choose labels

    /// The most probable labels of all nodes together (of equal ones, some). Exact on a forest. -> [nodes] int64
    let mostProbable (settings: LoopySettings) (links: LinkTensors) (potentials: Potentials) : Tensor =
        use _scope = torch.NewDisposeScope()
        use _guard = torch.no_grad ()

        (descend Forget.Max (fun weights -> weights.argmax 1L) settings links potentials).MoveToOuterDisposeScope()

    /// Labels drawn from the joint distribution. Exact on a forest. -> [nodes] int64
    let sample
        (random: torch.Generator)
        (settings: LoopySettings)
        (links: LinkTensors)
        (potentials: Potentials)
        : Tensor =
        use _scope = torch.NewDisposeScope()
        use _guard = torch.no_grad ()

        let draw (weights: Tensor) =
            let prune = weights.softmax(1L).select(1L, 1L)
            let drawn = torch.rand (prune.shape, dtype = prune.dtype, generator = random)
            drawn.``to``(prune.device).lt(prune).``to`` torch.int64

        (descend Forget.Sum draw settings links potentials).MoveToOuterDisposeScope()
