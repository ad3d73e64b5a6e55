namespace Pruning.Cli.Drawing

open System
open System.Globalization
open System.Text
open Plotly.NET
open Plotly.NET.LayoutObjects
open Plotly.NET.TraceObjects
open Pruning.Cli.Framework
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Model.Metrics
open Pruning.Model.Evaluation
open Pruning.Model.Baselines

/// What the colour of a layer cluster says.
[<RequireQualifiedAccess>]
type Colouring =
    | Label
    | Decision
    | Score

/// A trackster as it is drawn.
[<NoComparison; NoEquality>]
type EventView =
    {
        /// Literal texts above the picture.
        Title: string
        Evaluated: EvaluatedGraph
        /// [nodes] Positions in cm from the interaction point.
        X: float[]
        Y: float[]
        Z: float[]
        /// [nodes] Ids of the layer clusters in the file.
        Ids: int64[]
        /// [nodes] Margins of a model, if there is one.
        Margins: float32[] option
        Colouring: Colouring
    }

/// A kind of layer cluster in a picture: which ones, in which colour and shape.
type internal Kind =
    {
        Name: string
        Colour: string
        Symbol: StyleParam.MarkerSymbol3D
        Nodes: int list
    }

[<RequireQualifiedAccess>]
module EventView =

    /// A trackster of a file. `margins` as a model gives them.
    let create (dataset: GraphDataset) (index: int) (margins: float32[] option) (colouring: Colouring) : EventView =
        let evaluated = EvaluatedGraph.ofDataset dataset index
        let columns = dataset.ColumnsOf index
        let x, y, z = columns.PosX.ToArray(), columns.PosY.ToArray(), columns.PosZ.ToArray()

        {
            Title = $"{evaluated.Graph.Origin}"
            Evaluated = evaluated
            X = Array.map float x
            Y = Array.map float y
            Z = Array.map float z
            Ids = columns.Id.ToArray()
            Margins = margins
            Colouring = colouring
        }

    let internal text (format: string) (x: float) = x.ToString(format, CultureInfo.InvariantCulture)

    let internal links (view: EventView) : (int * int) list =
        let graph = view.Evaluated.Graph
        [ for e in 0 .. graph.LinkCount.GetValueOrDefault() - 1 -> graph.Source[e], graph.Target[e] ]

    let private pruned (view: EventView) (node: int) =
        match view.Margins with
        | Some margins -> Confusion.isPruned margins[node]
        | None -> false

    let internal kinds (view: EventView) : Kind list =
        let labels = view.Evaluated.Graph.Labels

        let kind name colour symbol chosen =
            {
                Name = name
                Colour = colour
                Symbol = symbol
                Nodes =
                    [
                        for node in 0 .. labels.Length - 1 do
                            if chosen node then
                                node
                    ]
            }

        let prune node = labels[node] = 1uy

        let circle, cross, diamond, square =
            StyleParam.MarkerSymbol3D.Circle,
            StyleParam.MarkerSymbol3D.Cross,
            StyleParam.MarkerSymbol3D.Diamond,
            StyleParam.MarkerSymbol3D.Square

        match view.Colouring with
        | Colouring.Label ->
            [
                kind "label keep" Palette.blue circle (prune >> not)
                kind "label prune" Palette.vermilion diamond prune
            ]
        | Colouring.Decision ->
            [
                kind "kept rightly" Palette.blue circle (fun n -> not (prune n) && not (pruned view n))
                kind "pruned rightly" Palette.green diamond (fun n -> prune n && pruned view n)
                kind "kept wrongly" Palette.purple square (fun n -> prune n && not (pruned view n))
                kind "pruned wrongly" Palette.vermilion cross (fun n -> not (prune n) && pruned view n)
            ]
        | Colouring.Score -> [ kind "layer clusters" Palette.blue circle (fun _ -> true) ]
        |> List.filter (fun kind -> not kind.Nodes.IsEmpty)

    let internal probability (view: EventView) (node: int) =
        match view.Margins with
        | Some margins -> Calibration.probability margins[node]
        | None -> nan

    /// Everything about a layer cluster, in lines.
    let private describe (view: EventView) (node: int) : string =
        let graph = view.Evaluated.Graph
        let feature (column: RawFeature) = float (graph.Feature(node, column))
        let flag column = if feature column > 0.0 then "yes" else "no"
        let layer = view.Evaluated.Layer[node]

        [
            $"id {view.Ids[node]}"
            $"""x {text "0.00" view.X[node]}, y {text "0.00" view.Y[node]}, z {text "0.00" view.Z[node]} cm"""
            if layer > 0 then
                $"layer {layer}"
            $"""energy {text "0.####" (feature RawFeature.Energy)} GeV"""
            (if feature RawFeature.Time > 0.0 then
                 $"""time {text "0.###" (feature RawFeature.Time)} ns"""
             else
                 "no time")
            $"""eta {text "0.0000" (feature RawFeature.Eta)}, phi {text "0.0000" (feature RawFeature.Phi)} rad"""
            $"seed High {flag RawFeature.SeedHigh}, seed Low {flag RawFeature.SeedLow}"
            $"""{text "0.00" (float view.Evaluated.Distance[node])} cm from the axis"""
            (if graph.Labels[node] = 1uy then "label prune" else "label keep")
            if view.Evaluated.HasFraction then
                $"""share of the shower {text "0.###" (float view.Evaluated.Fraction[node])}"""
            if view.Margins.IsSome then
                let decision = if pruned view node then "prune" else "keep"
                $"""probability of prune {text "0.0000" (probability view node)}: {decision}"""
        ]
        |> String.concat "<br>"

    /// Diameters in points: areas go with the energy, and the least are still seen.
    let internal diameters (view: EventView) (least: float) (largest: float) : float[] =
        let graph = view.Evaluated.Graph
        let energies = Array.init graph.NodeCount (fun node -> max 0.0 (float (graph.Energy node)))
        let most = Array.fold max 1e-9 energies
        energies |> Array.map (fun energy -> max least (largest * sqrt (energy / most)))

    let private pick (values: 'T[]) (nodes: int list) = nodes |> List.map (fun node -> values[node])

    /// The picture in space as Plotly's JSON; z lies flat, as the beam does.
    let toJson (view: EventView) : string =
        let sizes = diameters view 7.0 34.0

        let axis (title: string) =
            LinearAxis.init (
                Title = Title.init (Text = title),
                ShowBackground = true,
                BackgroundColor = Color.fromHex "#FAFAFA",
                GridColor = Color.fromHex "#DDDDDD",
                ZeroLine = false
            )

        let lines =
            // One line through all links: a point that is no number lifts the pen.
            let along (values: float[]) =
                [
                    for a, b in links view do
                        yield! [ values[a]; values[b]; nan ]
                ]

            Chart.Scatter3D(
                x = along view.Z,
                y = along view.X,
                z = along view.Y,
                mode = StyleParam.Mode.Lines,
                Name = "links",
                Line = Line.init (Color = Color.fromHex "#999999", Width = 2.0),
                UseDefaults = false
            )

        let points (kind: Kind) =
            let colour =
                match view.Colouring with
                | Colouring.Score -> Color.fromColorScaleValues (kind.Nodes |> List.map (probability view))
                | _ -> Color.fromHex kind.Colour

            let marker =
                match view.Colouring with
                | Colouring.Score ->
                    Marker.init (
                        MultiSize = (pick sizes kind.Nodes |> List.map int),
                        Color = colour,
                        Colorscale = StyleParam.Colorscale.Viridis,
                        CMin = 0.0,
                        CMax = 1.0,
                        ShowScale = true,
                        ColorBar = ColorBar.init (Title = Title.init (Text = "probability of prune")),
                        Outline = Line.init (Width = 0.5, Color = Color.fromHex "#FFFFFF")
                    )
                | _ ->
                    Marker.init (
                        MultiSize = (pick sizes kind.Nodes |> List.map int),
                        Color = colour,
                        // A cross in space is too thin to be seen when it is small.
                        Symbol3D =
                            (if kind.Symbol = StyleParam.MarkerSymbol3D.Cross then
                                 StyleParam.MarkerSymbol3D.Square
                             else
                                 kind.Symbol),
                        Outline = Line.init (Width = 0.5, Color = Color.fromHex "#FFFFFF")
                    )

            Chart.Scatter3D(
                x = pick view.Z kind.Nodes,
                y = pick view.X kind.Nodes,
                z = pick view.Y kind.Nodes,
                mode = StyleParam.Mode.Markers,
                Name = kind.Name,
                MultiText = (kind.Nodes |> List.map (describe view)),
                Marker = marker,
                UseDefaults = false
            )
            |> GenericChart.mapTrace (fun trace ->
                trace.SetProperty("hoverinfo", "text")
                trace)

        let traces =
            (if (links view).IsEmpty then [] else [ lines ])
            @ (kinds view |> List.map points)

        traces
        |> Chart.combine
        |> Chart.withScene (
            Scene.init (
                XAxis = axis "z [cm]",
                YAxis = axis "x [cm]",
                ZAxis = axis "y [cm]",
                AspectMode = StyleParam.AspectMode.Cube,
                Camera =
                    Camera.init (
                        Eye = CameraEye.init (X = 0.85, Y = -1.75, Z = 0.5),
                        Center = CameraCenter.init (X = 0.0, Y = 0.0, Z = -0.12)
                    )
            )
        )
        |> Chart.withLayout (
            Layout.init (
                Font = Font.init (Family = Figure.font (), Size = 14.0, Color = Color.fromHex "#222222"),
                PaperBGColor = Color.fromString "white",
                Height = 720,
                AutoSize = true,
                ShowLegend = true,
                Margin = Margin.init (Left = 0, Right = 0, Top = 0, Bottom = 0)
            )
        )
        |> Chart.withLegend (
            Legend.init (
                Orientation = StyleParam.Orientation.Horizontal,
                ItemSizing = StyleParam.TraceItemSizing.Constant,
                X = 0.0,
                Y = 1.0
            )
        )
        |> GenericChart.toFigureJson

    /// What the trackster is, for the lines above the picture.
    let summary (view: EventView) : (string * string) list =
        let graph = view.Evaluated.Graph
        let evaluated = view.Evaluated

        let values =
            TracksterMetrics.evaluate
                0f
                0
                evaluated
                (view.Margins
                 |> Option.defaultWith (fun () -> Array.create graph.NodeCount Baselines.Keep))

        let at quantity = Say.number values.Values[TracksterQuantity.index quantity]

        [
            "layer clusters", Say.count (int64 graph.NodeCount)
            "links", Say.count (int64 (links view).Length)
            "labelled prune", Say.count (graph.Labels |> Array.sumBy int64)
            "energy", $"{Say.number (Dimension.energyOf evaluated)} GeV"
            "|eta|", Say.number (Dimension.etaOf evaluated)
            match evaluated.PdgId with
            | Some number -> "PDG id", string number
            | None -> ()
            "purity before pruning", at TracksterQuantity.PurityBefore
            if view.Margins.IsSome then
                "purity after", at TracksterQuantity.PurityAfter
                "energy efficiency", at TracksterQuantity.Efficiency
                "every node decided as labelled", (if values.Exact then "yes" else "no")
        ]

    /// A page with the picture in space and what is known of the trackster.
    let toHtml (view: EventView) : string =
        Page.toHtml
            $"Trackster {view.Title}"
            [
                Block.Table(
                    [ for name, _ in summary view -> name, true ],
                    [ [ for _, value in summary view -> value ] ]
                )
                Block.Plot(
                    "event",
                    "Layer clusters where they are, with the beam along z. Areas go with the energy (the least are drawn larger), lines are the links of CLUE3D. Turn with the mouse, point at a layer cluster for all of its features, click on a name to hide it.",
                    toJson view
                )
            ]
