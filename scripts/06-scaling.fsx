// 06-scaling: how do time and memory grow with the size of a graph and the width of a network?
//
// The graphs are random, with 10 to 2,000 nodes and 9 in-edges per node. Widths are 32 to 512. `graph-pruning benchmark` measures each
// point in a process of its own: processor time of a step, and resident memory above that before the step.
//
// Run:     dotnet fsi scripts/06-scaling.fsx                        a few small points
//          dotnet fsi scripts/06-scaling.fsx FOLDER [LARGEST]       all points; `benchmarks` is the folder of this repository
// Prints:  the points. With FOLDER it writes scaling.csv (points), scaling.md (tables and fits) and scaling.png there. Points that
//          scaling.csv already holds are not measured again. LARGEST is the largest graph in autoregressive training (default 200);
//          0 measures nothing and draws the existing points.
// Takes:   a few seconds; with FOLDER about 15 minutes.

#load "load.fsx"
#r "../src/Pruning.Cli.fs/bin/Release/net10.0/graph-pruning.dll"

open System
open System.Diagnostics
open System.IO
open System.Text.Json
open Pruning.Model.Drawing

let arguments = fsi.CommandLineArgs |> Array.skip 1
let folder = if arguments.Length > 0 then arguments[0] else ""
let largestTraining = if arguments.Length > 1 then int arguments[1] else 200
let program = Load.inRepository "src/Pruning.Cli.fs/bin/Release/net10.0/graph-pruning.dll"

type Point =
    {
        Mode: string
        Task: string
        Nodes: int
        Width: int
        /// Graphs in the batch.
        Graphs: int
        /// Processor milliseconds of a step, a graph.
        Milliseconds: float
        /// Megabytes of the step above the process before it, a graph.
        Megabytes: float
    }

let line (p: Point) =
    $"%s{p.Mode},%s{p.Task},%d{p.Nodes},%d{p.Width},%d{p.Graphs},%.5g{p.Milliseconds},%.5g{p.Megabytes}"

let read (text: string) : Point =
    let parts = text.Split ','

    {
        Mode = parts[0]
        Task = parts[1]
        Nodes = int parts[2]
        Width = int parts[3]
        Graphs = int parts[4]
        Milliseconds = float parts[5]
        Megabytes = float parts[6]
    }

/// One step in a process of its own: the second one, or the only one where it takes long.
let measure (mode: string) (task: string) (nodes: int) (width: int) (graphs: int) (isLong: bool) : Point =
    let words =
        [
            program
            "benchmark"
            task
            "--mode"
            mode
            "--random-nodes"
            string nodes
            "--limit"
            string graphs
        ]
        @ [ "--hidden"; string width; "--repeats"; (if isLong then "0" else "1"); "--json" ]

    let start = ProcessStartInfo("dotnet", words, RedirectStandardOutput = true)
    start.Environment["OMP_WAIT_POLICY"] <- "passive"
    start.Environment["GOMP_SPINCOUNT"] <- "0"
    use running = Process.Start start |> nonNull
    let answer = running.StandardOutput.ReadToEnd()
    running.WaitForExit()

    if running.ExitCode <> 0 then
        failwithf "exit code %d of %s" running.ExitCode (String.concat " " words)

    use json = JsonDocument.Parse answer
    let number (name: string) = json.RootElement.GetProperty(name).GetDouble()

    {
        Mode = mode
        Task = task
        Nodes = nodes
        Width = width
        Graphs = graphs
        Milliseconds = number "cpu_ms_per_graph_min"
        Megabytes = (number "peak_memory_mb" - number "memory_before_mb") / float graphs
    }

if folder = "" then
    printfn "mode, task, nodes, width, graphs, processor ms a graph, MB a graph"

    for mode in [ "equilibrium"; "autoregressive" ] do
        for nodes in [ 10; 40 ] do
            printfn "%s" (line (measure mode "infer" nodes 32 4 false))

    exit 0

let table = Path.Combine(folder, "scaling.csv")
let header = "mode,task,nodes,width,graphs,cpu_ms_per_graph,mb_per_graph"

let mutable known =
    if File.Exists table then
        File.ReadAllLines table |> Array.skip 1 |> Array.map read |> List.ofArray
    else
        []

let point mode task nodes width graphs isLong =
    let isThis p = p.Mode = mode && p.Task = task && p.Nodes = nodes && p.Width = width

    match List.tryFind isThis known with
    | Some found -> Some found
    | None when largestTraining = 0 -> None
    | None ->
        let found = measure mode task nodes width graphs isLong
        known <- known @ [ found ]
        File.WriteAllLines(table, header :: List.map line known)
        printfn "%s" (line found)
        Some found

/// About so many nodes in a batch.
let batchOf (total: int) (nodes: int) : int = total / nodes |> max 1 |> min 64

let nodes = [ 10; 20; 50; 100; 200; 500; 1000; 2000 ]
let widths = [ 32; 64; 128; 256; 512 ]

/// Mode, task, points against nodes, points against width.
let series =
    [
        for mode, task, total, largest in
            [
                "equilibrium", "infer", 4000, 2000
                "equilibrium", "train", 4000, 2000
                "autoregressive", "infer", 400, 2000
                "autoregressive", "train", 200, (if largestTraining = 0 then 2000 else largestTraining)
            ] do
            // A pass a node: a thousand passes take so long that the first step, with the compiler's work in it, is as good.
            let isLong n = mode = "autoregressive" && n >= 500

            let along = nodes |> List.filter (fun n -> n <= largest)

            mode,
            task,
            along
            |> List.choose (fun n -> point mode task n 128 (batchOf total n) (isLong n)),
            widths
            |> List.choose (fun width -> point mode task 33 width (batchOf (total / 2) 33) false)
    ]

/// Least squares of log y = log c + p log x.
let power (points: (float * float) list) : float * float =
    let logs = points |> List.map (fun (x, y) -> log x, log y)
    let meanX, meanY = List.averageBy fst logs, List.averageBy snd logs
    let covariance = logs |> List.sumBy (fun (x, y) -> (x - meanX) * (y - meanY))
    let slope = covariance / (logs |> List.sumBy (fun (x, _) -> (x - meanX) ** 2.0))
    exp (meanY - slope * meanX), slope

/// Small graphs and widths are ruled by what every call costs: fits are to the larger half.
let largerHalf points = List.skip (List.length points / 2) points

let ofNodes measured points = [ for p in points -> float p.Nodes, measured p ]
let ofWidth measured points = [ for p in points -> float p.Width, measured p ]
let name mode task = (if task = "train" then "training" else "inference") |> sprintf "%s %s" mode

/// The constant where the power is what the mathematics says: y = c N^p at the largest point.
let constant (p: float) (points: (float * float) list) =
    let x, y = List.last points
    y / x ** p

/// Milliseconds and megabytes of every series, a row for each size.
let rows (title: string) (sizes: int list) (sizeOf: Point -> int) (pointsOf: (string * string * Point list) list) =
    [
        $"| {title} | "
        + String.concat " | " [ for mode, task, _ in pointsOf -> $"{name mode task}: ms, MB" ]
        + " |"
        "|---|" + String.replicate pointsOf.Length "---|"
        for size in sizes do
            let cells =
                [
                    for _, _, points in pointsOf ->
                        match points |> List.tryFind (fun p -> sizeOf p = size) with
                        | Some p -> $"%.3g{p.Milliseconds}, %.3g{p.Megabytes}"
                        | None -> ""
                ]

            $"| {size} | " + String.concat " | " cells + " |"
    ]

let text =
    [
        "# Time and memory against size"
        ""
        "This page has the time and memory of a step against the number of nodes and the width of a network. The script measured it with"
        "`dotnet fsi scripts/06-scaling.fsx benchmarks`."
        ""
        "The tables have processor milliseconds of a step, and megabytes that the process rose by, both per graph. The graphs are random,"
        "with 9 in-edges per node. The networks have 3 message-passing steps and 5 iterations (equilibrium), in float32 on one thread."
        ""
        "Each point is `graph-pruning benchmark` in a process of its own. It is the second step or later, and the first from 500 nodes on"
        "of an autoregressive network. A batch has about 4,000 nodes (equilibrium), 400 (autoregressive inference) or 200 (autoregressive"
        "training), and at least one graph. [scaling.csv](scaling.csv) has the points. Autoregressive training keeps all steps (no"
        "`--memory-budget`), so larger graphs do not fit into memory."
        ""
        "![time and memory against nodes and width](scaling.png)"
        ""
        "## Nodes, at a width of 128"
        ""
        yield! rows "nodes" nodes _.Nodes [ for mode, task, points, _ in series -> mode, task, points ]
        ""
        "| | ms, fitted | ms | MB, fitted | MB |"
        "|---|---|---|---|---|"
        for mode, task, points, _ in series do
            let expected = if mode = "equilibrium" then 1.0 else 2.0
            let memory = if mode = "autoregressive" && task = "train" then 2.0 else 1.0
            let ms, mb = ofNodes _.Milliseconds points, ofNodes _.Megabytes points
            let (_, p), (_, q) = power (largerHalf ms), power (largerHalf mb)
            let law power = if power = 1.0 then "N" else "N^2"

            $"| {name mode task} | N^%.2f{p} | %.3g{constant expected ms} {law expected} | N^%.2f{q} | %.3g{constant memory mb} \
             {law memory} |"
        ""
        "The powers are fitted to the larger half of the sizes. The constants hold at the largest one. A pass is linear in the nodes. An"
        "autoregressive network takes one pass per node, and its training keeps what each pass needs for its gradients."
        ""
        "## Width, at 33 nodes"
        ""
        yield! rows "width" widths _.Width [ for mode, task, _, points in series -> mode, task, points ]
        ""
        "Fitted: "
        + String.concat
            "; "
            [
                for mode, task, _, points in series do
                    if task = "train" && List.length points > 2 then
                        let (_, p), (_, q) =
                            power (largerHalf (ofWidth _.Milliseconds points)),
                            power (largerHalf (ofWidth _.Megabytes points))

                        $"{name mode task} H^%.2f{p} in time and H^%.2f{q} in memory"
            ]
        + "."
    ]

File.WriteAllLines(Path.Combine(folder, "scaling.md"), text)

/// Inference at 33 nodes takes a few scratch slabs, which is too little to measure in this way.
let isMeasurable (id: string) (task: string) = id <> "width-memory" || task = "train"

let figure id title x unit against measured : Figure =
    {
        Id = id
        Caption = title
        X = Axis.logarithmic x
        Y = Axis.logarithmic unit
        Series =
            [
                for i, (mode, task, ofNodes, ofWidth) in List.indexed series do
                    let points = against measured (if id.StartsWith "nodes" then ofNodes else ofWidth)

                    if isMeasurable id task && List.length points > 2 then
                        let c, p = power (largerHalf points)

                        Series.points (name mode task) (Palette.at i) points

                        Series.dashed
                            $"fit %.2g{c} x^%.2f{p}"
                            (Palette.at i)
                            [ for x, _ in largerHalf points -> x, c * x ** p ]
            ]
    }

let figures =
    [
        figure
            "nodes-time"
            "Processor time a graph; dashed: fits to the larger half."
            "nodes a graph"
            "ms a graph"
            ofNodes
            _.Milliseconds
        figure "nodes-memory" "Memory of a step a graph." "nodes a graph" "MB a graph" ofNodes _.Megabytes
        figure
            "width-time"
            "Processor time a graph of 33 nodes."
            "width of the node states"
            "ms a graph"
            ofWidth
            _.Milliseconds
        figure
            "width-memory"
            "Memory of a step a graph of 33 nodes."
            "width of the node states"
            "MB a graph"
            ofWidth
            _.Megabytes
    ]

let drawing =
    figures
    |> List.map (fun figure -> FigureDrawing.draw (850.0, 520.0) figure |> Drawing.titled figure.Caption)
    |> Drawing.tiled 2 "Time and memory against size"

File.WriteAllBytes(Path.Combine(folder, "scaling.png"), (Renderer.picture 1.5 drawing).Png)
