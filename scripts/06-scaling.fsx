// What do time and memory grow with? Random graphs of 10 to 2,000 nodes with 9 in-edges a node, and widths of 32 to 512: milliseconds
// a graph and the megabytes that the kernels hold, with the power of the number of nodes that fits them. One pass is linear in
// the nodes, so an equilibrium network is; an autoregressive one takes a pass a node.
//
//     dotnet fsi scripts/06-scaling.fsx [train|infer] [equilibrium|autoregressive] [nodes|width] [LARGEST] [FILE.svg]

#load "load.fsx"

open System
open System.Diagnostics
open System.IO
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Model
open Pruning.Model.Training
open Pruning.Native.Kernels

let arguments = fsi.CommandLineArgs |> Array.skip 1

let argument place usual = if arguments.Length > place then arguments[place] else usual

let isTraining = argument 0 "train" = "train"
let mode = argument 1 "equilibrium"
let axis = argument 2 "nodes"
let largest = int (argument 3 "2000")
torch.set_num_threads 1

/// Every node has itself and 8 others as in-neighbours.
let randomGraph (random: Random) (nodes: int) : ShowerGraph =
    let inEdges = 9
    let target = Array.init (inEdges * nodes) (fun edge -> edge / inEdges)

    let source =
        Array.init (inEdges * nodes) (fun edge -> if edge % inEdges = 0 then edge / inEdges else random.Next nodes)

    let features = Array.init (ShowerGraph.FeatureCount * nodes) (fun _ -> random.NextSingle() * 2f - 1f)
    let labels = Array.init nodes (fun _ -> byte (random.Next 2))
    ShowerGraph(GraphOrigin("random", int64 nodes, Nullable()), features, source, target, labels)

let modelOf (hidden: int) : TrainedModel =
    use random = new torch.Generator(42UL)

    let strategy =
        if mode = "autoregressive" then
            DecisionStrategy.Autoregressive
        else
            DecisionStrategy.Equilibrium 5

    {
        Pruner =
            Pruner.create
                random
                { PrunerConfig.standard with
                    Hidden = hidden
                    Strategy = strategy
                }
        Criterion = Criterion.ofWeights { Keep = 1.0; Prune = 2.0 }
        Notes = Map.empty
    }

/// Milliseconds a graph, the best of some, and megabytes that the kernels' pool has grown to.
let measure (hidden: int) (nodes: int) : float * float =
    let random = Random 1
    // As many graphs as make a batch of about 2,000 nodes, as a loader would.
    let graphs = Array.init (max 1 (2000 / nodes |> min 64)) (fun _ -> randomGraph random nodes)
    let batch = BatchAssembler.Collate graphs
    let model = modelOf hidden
    FloatPool.Trim()
    use trainer = Trainer.create torch.CPU TrainingConfig.standard model
    let mutable step = 0

    let once () =
        let clock = Stopwatch.StartNew()

        if isTraining then
            step <- step + 1
            Trainer.step trainer 1 step batch |> ignore
        else
            Pruner.decide torch.CPU model.Pruner batch |> ignore

        clock.Elapsed.TotalMilliseconds

    let first = once ()
    // Long steps need no second look.
    let best =
        if first > 20_000.0 then
            first
        else
            List.min (first :: [ for _ in 1..2 -> once () ])

    best / float graphs.Length, float FloatPool.Bytes / 1e6 / float graphs.Length

let points =
    match axis with
    | "nodes" ->
        [
            for nodes in [ 10; 20; 50; 100; 200; 500; 1000; 2000 ] do
                if nodes <= largest then
                    128, nodes
        ]
    | "width" ->
        [
            for hidden in [ 32; 64; 128; 256; 512 ] do
                if hidden <= largest then
                    hidden, 33
        ]
    | other -> failwithf "wanted nodes or width, found %s" other

measure 128 10 |> ignore // libtorch and the JIT settle

printfn "%s, %s: | nodes | width | ms a graph | MB a graph |" mode (if isTraining then "training" else "inference")

let found =
    [
        for hidden, nodes in points do
            let ms, megabytes = measure hidden nodes
            printfn "| %d | %d | %.3g | %.3g |" nodes hidden ms megabytes
            (float (if axis = "nodes" then nodes else hidden)), ms
    ]

/// Least squares of log y = log c + p log x.
let power (points: (float * float) list) : float * float =
    let logs = points |> List.map (fun (x, y) -> log x, log y)
    let meanX, meanY = logs |> List.averageBy fst, logs |> List.averageBy snd

    let slope =
        (logs |> List.sumBy (fun (x, y) -> (x - meanX) * (y - meanY)))
        / (logs |> List.sumBy (fun (x, _) -> (x - meanX) ** 2.0))

    exp (meanY - slope * meanX), slope

// Small graphs are ruled by what every call costs: the fit is to the larger half.
let constant, slope = found |> List.skip (found.Length / 2) |> power
printfn "ms a graph = %.3g * %s^%.2f over the larger half" constant axis slope

/// A log-log plot with the fitted line.
let svg () : string =
    let width, height, left, bottom = 640.0, 420.0, 70.0, 60.0
    let span values = floor (log10 (List.min values)), ceil (log10 (List.max values))
    let lowX, highX = span (List.map fst found)
    let lowY, highY = span (List.map snd found)
    let x value = left + (log10 value - lowX) / (highX - lowX) * (width - left - 20.0)

    let y value =
        height
        - bottom
        - (log10 value - lowY) / (highY - lowY) * (height - bottom - 30.0)

    let colour = "#0072B2"

    let text (px: float) (py: float) anchor (words: string) =
        $"<text x='%.1f{px}' y='%.1f{py}' text-anchor='{anchor}'>{words}</text>"

    [
        $"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' font-family='Helvetica, Arial, sans-serif' font-size='13'>"
        $"<rect width='{width}' height='{height}' fill='white'/>"
        for power in int lowX .. int highX do
            let at = x (10.0 ** float power)
            $"<line x1='%.1f{at}' y1='30' x2='%.1f{at}' y2='{height - bottom}' stroke='#ddd'/>"
            text at (height - bottom + 18.0) "middle" $"%g{10.0 ** float power}"
        for power in int lowY .. int highY do
            let at = y (10.0 ** float power)
            $"<line x1='{left}' y1='%.1f{at}' x2='{width - 20.0}' y2='%.1f{at}' stroke='#ddd'/>"
            text (left - 8.0) (at + 4.0) "end" $"%g{10.0 ** float power}"
        let ends = [ fst (List.item (found.Length / 2) found); fst (List.last found) ]

        let line =
            ends
            |> List.map (fun at -> $"%.1f{x at},%.1f{y (constant * at ** slope)}")
            |> String.concat " "

        $"<polyline points='{line}' fill='none' stroke='#D55E00' stroke-dasharray='6 4'/>"

        for px, py in found do
            $"<circle cx='%.1f{x px}' cy='%.1f{y py}' r='4' fill='{colour}'/>"

        text
            (width / 2.0)
            (height - 18.0)
            "middle"
            (if axis = "nodes" then "nodes a graph" else "width of the node states")

        let what = if isTraining then "training" else "inference"
        text left 20.0 "start" $"{mode}, {what}: ms a graph; dashed: %.3g{constant} * {axis}^%.2f{slope}"
        "</svg>"
    ]
    |> String.concat "\n"

if arguments.Length > 4 then
    File.WriteAllText(arguments[4], svg () + "\n")
