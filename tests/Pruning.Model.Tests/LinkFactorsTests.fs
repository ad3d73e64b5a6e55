/// Exact inference on the links against sums over every labelling.
module Pruning.Tests.Model.LinkFactorsTests

open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Model.Tensors
open Pruning.Model.Decoding
open Pruning.Tests

/// A graph that is only links: each in both directions, and a self loop a node, as loaders make them.
let private linked (nodes: int) (links: (int * int) list) : ShowerGraph =
    let ends pick other = [| yield! List.map pick links; yield! List.map other links; yield! [ 0 .. nodes - 1 ] |]

    ShowerGraph(
        Generators.inMemory 0L,
        Array.zeroCreate (nodes * ShowerGraph.FeatureCount),
        ends fst snd,
        ends snd fst,
        Array.zeroCreate nodes
    )

/// Every tree in which node k hangs on one of the nodes before it: (n - 1)! of them, and with them every shape.
let private trees (nodes: int) : ShowerGraph list =
    let rec parents k =
        [
            if k = nodes then
                []
            else
                for rest in parents (k + 1) do
                    for parent in 0 .. k - 1 do
                        (parent, k) :: rest
        ]

    parents 1 |> List.map (linked nodes)

let private potentialsOf (seed: int) (links: LinkTensors) : Potentials =
    use random = new torch.Generator(uint64 seed)
    let draw (shape: int64 array) = torch.randn (shape, dtype = torch.float64, generator = random)

    {
        Node = draw [| int64 links.NodeCount; 2L |]
        Link = draw [| links.First.size 0; 2L; 2L |]
    }

// TorchSharp's accessor refuses tensors without elements.
let private doubles (x: torch.Tensor) =
    if x.numel () = 0L then
        [||]
    else
        x.``to``(torch.float64).contiguous().data<float>().ToArray()

/// What enumeration finds for one graph: log Z, P(prune) of each node, the best labelling's score.
type private Enumerated =
    {
        LogZ: float
        Prune: float array
        Best: float
    }

/// Sums over all 2^n labellings of each graph of a batch.
let private enumerate (batch: GraphBatch) (potentials: Potentials) : Enumerated list =
    let node, link = doubles potentials.Node, doubles potentials.Link
    let forest = batch.Forest

    [
        for graph in 0 .. batch.GraphCount - 1 do
            let first, last = batch.NodeOffsets[graph], batch.NodeOffsets[graph + 1] - 1
            let count = last - first + 1

            let own =
                [|
                    for l in 0 .. forest.LinkCount - 1 do
                        if batch.GraphOfNode[int forest.First[l]] = int64 graph then
                            l, int forest.First[l] - first, int forest.Second[l] - first
                |]

            let scores =
                [|
                    for labels in 0 .. (1 <<< count) - 1 do
                        let y k = (labels >>> k) &&& 1
                        let mutable total = 0.0

                        for k in 0 .. count - 1 do
                            total <- total + node[2 * (first + k) + y k]

                        for l, u, v in own do
                            total <- total + link[4 * l + 2 * y u + y v]

                        total
                |]

            let best = Array.max scores
            let weights = scores |> Array.map (fun score -> exp (score - best))
            let z = Array.sum weights

            {
                LogZ = best + log z
                Prune =
                    Array.init count (fun k ->
                        let mutable sum = 0.0

                        for labels in 0 .. weights.Length - 1 do
                            if (labels >>> k) &&& 1 = 1 then
                                sum <- sum + weights[labels]

                        sum / z)
                Best = best
            }
    ]

let private settings = LinkFactors.loopyStandard

let private first (x: torch.Tensor) = Array.head (doubles x)

let private collate (graphs: ShowerGraph list) =
    BatchAssembler.Collate(List.toArray graphs, GraphPreparation(Forest = true))

let private compareWithEnumeration (batch: GraphBatch) (seed: int) =
    use _scope = torch.NewDisposeScope()
    let links = LinkTensors.create torch.CPU batch
    let potentials = potentialsOf seed links
    let wanted = enumerate batch potentials
    let tensor (values: float seq) = torch.tensor (Seq.toArray values)

    Near.close
        1e-10
        (LinkFactors.logPartition settings links potentials)
        (wanted |> Seq.map _.LogZ |> tensor)
        "log partition functions"

    let marginals = LinkFactors.logMarginals settings links potentials
    Near.close 1e-10 (marginals.exp().select(1L, 1L)) (wanted |> Seq.collect _.Prune |> tensor) "marginals"
    let best = LinkFactors.mostProbable settings links potentials
    Near.close 1e-10 (LinkFactors.score links potentials best) (wanted |> Seq.map _.Best |> tensor) "best labellings"

let private randomForest = gen {
    let! nodes = Gen.choose (1, 9)
    let! parents = Gen.listOfLength nodes (Gen.choose (-1, nodes))

    let links =
        parents
        |> List.mapi (fun k parent -> parent, k)
        |> List.filter (fun (p, k) -> p >= 0 && p < k)

    return linked nodes links
}

[<Tests>]
let tests =
    testList
        "link factors"
        [
            test "all trees of up to 8 nodes: partition function, marginals and best labelling are those of enumeration" {
                for nodes in 1..8 do
                    compareWithEnumeration (collate (trees nodes)) nodes
            }

            testPropertyWithConfig
                { FsCheckConfig.defaultConfig with
                    maxTest = 30
                }
                "forests with lone nodes, batched"
                (fun (seed: int) ->
                    Prop.forAll (Arb.fromGen (Gen.nonEmptyListOf randomForest |> Gen.resize 6)) (fun graphs ->
                        compareWithEnumeration (collate graphs) (seed &&& 0xFFFF)))

            test "links count once, whatever their direction and repetition" {
                let plain = collate [ linked 3 [ 0, 1; 1, 2 ] ]
                let twice = collate [ linked 3 [ 1, 0; 0, 1; 1, 2; 1, 2; 2, 2 ] ]
                Expect.equal (twice.Forest.First, twice.Forest.Second) (plain.Forest.First, plain.Forest.Second) "links"
                Expect.equal (Array.exists id twice.Forest.IsLoopy) false "no cycle"
            }

            test "the rounds take every link of a tree off once, in half of its diameter" {
                let path = (collate [ linked 100 [ for k in 0..98 -> k, k + 1 ] ]).Forest
                let links = path.Rounds |> Array.collect _.Link |> Array.sort
                Expect.equal links [| 0L .. 98L |] "links"
                Expect.equal path.Rounds.Length 50 "rounds"
                Expect.equal path.Roots.Length 1 "roots"
                Expect.isEmpty path.CoreLinks "core"
            }

            test "a likelihood of labels drawn at random sums to one over all labellings" {
                use _scope = torch.NewDisposeScope()
                let batch = collate [ linked 4 [ 0, 1; 1, 2; 1, 3 ] ]
                let links = LinkTensors.create torch.CPU batch
                let potentials = potentialsOf 3 links

                let total =
                    Seq.sum (
                        seq {
                            for labelling in 0..15 ->
                                let labels = torch.tensor (Array.init 4 (fun k -> int64 ((labelling >>> k) &&& 1)))

                                (LinkFactors.logLikelihood settings links potentials labels).exp().item<float>()
                        }
                    )

                Expect.floatClose Accuracy.high total 1.0 "sum of probabilities"
            }

            test "the gradient of log Z is the marginals" {
                use _scope = torch.NewDisposeScope()
                let batch = collate [ linked 6 [ 0, 1; 1, 2; 1, 3; 4, 5 ]; linked 1 []; linked 3 [ 0, 1; 1, 2; 0, 2 ] ]
                let links = LinkTensors.create torch.CPU batch
                let drawn = potentialsOf 5 links

                let potentials =
                    {
                        Node = drawn.Node.requires_grad_ ()
                        Link = drawn.Link.requires_grad_ ()
                    }

                (LinkFactors.logPartition settings links potentials).sum().backward()
                let marginals = (LinkFactors.logMarginals settings links potentials).exp()
                let trees = 7L // the graph with a cycle is only approximated
                let part (x: torch.Tensor) = x.narrow (0L, 0L, trees)
                Near.close 1e-10 (part (nonNull potentials.Node.grad)) (part marginals) "d log Z / d a"
                let ofLinks = (nonNull potentials.Link.grad).sum([| 1L; 2L |])
                Near.close 1e-10 (ofLinks.narrow (0L, 0L, 4L)) (torch.ones (4L, dtype = torch.float64)) "pair marginals"
            }

            test "samples have the marginals of the model" {
                use _scope = torch.NewDisposeScope()
                let batch = collate (List.replicate 4000 (linked 5 [ 0, 1; 1, 2; 1, 3; 3, 4 ]))
                let links = LinkTensors.create torch.CPU batch

                let one =
                    potentialsOf 11 (LinkTensors.create torch.CPU (collate [ linked 5 [ 0, 1; 1, 2; 1, 3; 3, 4 ] ]))

                let potentials =
                    {
                        Node = one.Node.repeat [| 4000L; 1L |]
                        Link = one.Link.repeat [| 4000L; 1L; 1L |]
                    }

                use random = new torch.Generator(9UL)
                let drawn = (LinkFactors.sample random settings links potentials).``to``(torch.float64).view(4000L, 5L)

                let joint = // [2, 2] of the nodes 1 and 3, which are linked
                    [
                        for a in 0..1 do
                            for b in 0..1 ->
                                (drawn.select (1L, 1L))
                                    .eq(scalar (float a))
                                    .logical_and((drawn.select (1L, 3L)).eq(scalar (float b)))
                                    .``to``(torch.float64)
                                    .mean()
                                    .item<float>()
                    ]

                let probability labels =
                    (LinkFactors.logLikelihood
                        settings
                        (LinkTensors.create torch.CPU (collate [ linked 5 [ 0, 1; 1, 2; 1, 3; 3, 4 ] ]))
                        one
                        (torch.tensor (labels: int64 array)))
                        .exp()
                        .item<float>()

                let wanted =
                    [
                        for a in 0L .. 1L do
                            for b in 0L .. 1L ->
                                Seq.sum (
                                    seq {
                                        for x in 0L .. 1L do
                                            for y in 0L .. 1L do
                                                for z in 0L .. 1L -> probability [| x; a; y; b; z |]
                                    }
                                )
                    ]

                // 4000 samples: a standard deviation is below 0.008; the seed is fixed.
                for found, wanted in List.zip joint wanted do
                    Expect.isLessThan (abs (found - wanted)) 0.03 "joint probability of two linked nodes"
            }

            test "a cycle is passed around, its trees are exact, and weak links come close to enumeration" {
                use _scope = torch.NewDisposeScope()
                let batch = collate [ linked 6 [ 0, 1; 1, 2; 2, 3; 3, 0; 3, 4; 4, 5 ]; linked 2 [ 0, 1 ] ]
                let forest = batch.Forest
                Expect.equal forest.IsLoopy [| true; false |] "loopy graphs"
                Expect.equal forest.CoreLinks.Length 4 "links of the cycle"
                let links = LinkTensors.create torch.CPU batch
                let drawn = potentialsOf 2 links

                let weak =
                    { drawn with
                        Link = drawn.Link.mul (scalar 0.3)
                    }

                let wanted = enumerate batch weak
                let found = LinkFactors.logPartition settings links weak |> doubles
                Expect.isLessThan (abs (found[0] - wanted[0].LogZ)) 0.02 "Bethe's log Z"
                Expect.floatClose Accuracy.high found[1] wanted[1].LogZ "the tree beside it"
                let prune = (LinkFactors.logMarginals settings links weak).exp().select(1L, 1L) |> doubles

                for found, wanted in Seq.zip prune (wanted |> Seq.collect _.Prune) do
                    Expect.isLessThan (abs (found - wanted)) 0.02 "beliefs"
            }

            test "independent nodes on a cycle are exact" {
                use _scope = torch.NewDisposeScope()
                let batch = collate [ linked 3 [ 0, 1; 1, 2; 2, 0 ] ]
                let links = LinkTensors.create torch.CPU batch
                let drawn = potentialsOf 4 links

                let free =
                    { drawn with
                        Link = torch.zeros_like drawn.Link
                    }

                let wanted = (enumerate batch free).Head

                Expect.floatClose
                    Accuracy.high
                    (first (LinkFactors.logPartition settings links free))
                    wanted.LogZ
                    "log Z"

                let best = LinkFactors.mostProbable settings links free
                Expect.floatClose Accuracy.high (first (LinkFactors.score links free best)) wanted.Best "best"
            }

            test "no graph, one node, a star of ten thousand and a path of a thousand" {
                use _scope = torch.NewDisposeScope()

                let run graphs =
                    let batch = collate graphs
                    let links = LinkTensors.create torch.CPU batch
                    let potentials = potentialsOf 1 links
                    let marginals = LinkFactors.logMarginals settings links potentials
                    let z = LinkFactors.logPartition settings links potentials

                    Expect.isTrue
                        ((z.isfinite().all().item<bool>()) && (marginals.isfinite().all().item<bool>()))
                        "finite"

                    batch.Forest.Rounds.Length

                Expect.equal (run []) 0 "no graph"
                Expect.equal (run [ linked 1 [] ]) 0 "one node"
                Expect.equal (run [ linked 10001 [ for k in 1..10000 -> 0, k ] ]) 1 "star"
                Expect.equal (run [ linked 1000 [ for k in 0..998 -> k + 1, k ] ]) 500 "path"
            }
        ]
