namespace Pruning.Cli.Drawing

open Plotly.NET
open Plotly.NET.LayoutObjects
open Plotly.NET.TraceObjects
open Pruning.Cli.Framework
open Pruning.Model.Drawing
open Pruning.Model.Metrics
open Pruning.Model.Evaluation
open Pruning.Model.Baselines

/// A trackster as a page that turns with the mouse.
[<RequireQualifiedAccess>]
module EventPage =

    let private leastDiameter, private largestDiameter = 7.0, 34.0

    /// Symbols in space. A cross is too thin there to be seen when it is small.
    let private symbolOf (symbol: Symbol) : StyleParam.MarkerSymbol3D =
        match symbol with
        | Symbol.Circle -> StyleParam.MarkerSymbol3D.Circle
        | Symbol.Diamond -> StyleParam.MarkerSymbol3D.Diamond
        | Symbol.Square
        | Symbol.Cross -> StyleParam.MarkerSymbol3D.Square

    let private axis (title: string) =
        LinearAxis.init (
            Title = Title.init (Text = title),
            ShowBackground = true,
            BackgroundColor = Color.fromHex "#FAFAFA",
            GridColor = Color.fromHex Palette.grid,
            ZeroLine = false
        )

    let private links (layout: EventLayout) : GenericChart =
        let marks = List.toArray layout.Marks

        // One line through all links: a point that is no number lifts the pen.
        let along (coordinate: EventMark -> float) =
            [
                for a, b in layout.Links do
                    yield! [ coordinate marks[a]; coordinate marks[b]; nan ]
            ]

        Chart.Scatter3D(
            x = along _.Z,
            y = along _.X,
            z = along _.Y,
            mode = StyleParam.Mode.Lines,
            Name = "links",
            Line = Line.init (Color = Color.fromHex Palette.link, Width = 2.0),
            UseDefaults = false
        )

    let private marker (layout: EventLayout) (group: MarkGroup) (marks: EventMark list) : Marker =
        let sizes = [ for mark in marks -> int (max leastDiameter (largestDiameter * mark.Share)) ]
        let outline = Line.init (Width = 0.5, Color = Color.fromHex Palette.paper)

        match layout.Colouring with
        | Colouring.Score ->
            Marker.init (
                MultiSize = sizes,
                Color = Color.fromColorScaleValues (marks |> List.map _.Probability),
                Colorscale = StyleParam.Colorscale.Viridis,
                CMin = 0.0,
                CMax = 1.0,
                ShowScale = true,
                ColorBar = ColorBar.init (Title = Title.init (Text = "probability of prune")),
                Outline = outline
            )
        | _ ->
            Marker.init (
                MultiSize = sizes,
                Color = Color.fromHex group.Colour,
                Symbol3D = symbolOf group.Symbol,
                Outline = outline
            )

    let private group (layout: EventLayout) (index: int) (group: MarkGroup) : GenericChart =
        let marks = layout.Marks |> List.filter (fun mark -> mark.Group = index)

        Chart.Scatter3D(
            x = (marks |> List.map _.Z),
            y = (marks |> List.map _.X),
            z = (marks |> List.map _.Y),
            mode = StyleParam.Mode.Markers,
            Name = $"{group.Name} ({group.Count})",
            MultiText =
                (marks
                 |> List.map (fun mark -> mark.Details |> List.map Html.escape |> String.concat "<br>")),
            Marker = marker layout group marks,
            UseDefaults = false
        )
        |> GenericChart.mapTrace (fun trace ->
            trace.SetProperty("hoverinfo", "text")
            trace)

    let private scene () =
        Scene.init (
            XAxis = axis (EventLayout.axisTitle None),
            YAxis = axis (EventLayout.axisTitle (Some Projection.X)),
            ZAxis = axis (EventLayout.axisTitle (Some Projection.Y)),
            AspectMode = StyleParam.AspectMode.Cube,
            Camera =
                Camera.init (
                    Eye = CameraEye.init (X = 0.85, Y = -1.75, Z = 0.5),
                    Center = CameraCenter.init (X = 0.0, Y = 0.0, Z = -0.12)
                )
        )

    /// The picture in space as Plotly's JSON; z lies flat, as the beam does.
    let toJson (layout: EventLayout) : string =
        [
            if not layout.Links.IsEmpty then
                links layout
            yield! layout.Groups |> List.mapi (group layout)
        ]
        |> Chart.combine
        |> Chart.withScene (scene ())
        |> Chart.withLayout (
            Layout.init (
                Font = Font.init (Family = PlotlyFigure.font (), Size = 14.0, Color = Color.fromHex Palette.ink),
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

    /// What the trackster is: names and values for the table above the picture.
    let summary (evaluated: EvaluatedGraph) (margins: float32[] option) : (string * string) list =
        let graph = evaluated.Graph

        let values =
            margins
            |> Option.defaultWith (fun () -> Array.create graph.NodeCount Baselines.Keep)
            |> TracksterMetrics.evaluate 0f 0 evaluated

        let at quantity = Say.number values.Values[TracksterQuantity.index quantity]

        [
            "layer clusters", Say.count (int64 graph.NodeCount)
            "links", Say.count (int64 (graph.LinkCount.GetValueOrDefault()))
            "labelled prune", Say.count (graph.Labels |> Array.sumBy int64)
            "energy", $"{Say.number (Dimension.energyOf evaluated)} GeV"
            "|eta|", Say.number (Dimension.etaOf evaluated)
            match evaluated.PdgId with
            | Some number -> "PDG id", string number
            | None -> ()
            "purity before pruning", at TracksterQuantity.PurityBefore
            if margins.IsSome then
                "purity after pruning", at TracksterQuantity.PurityAfter
                "energy efficiency", at TracksterQuantity.Efficiency
                "all decisions correct", (if values.Exact then "yes" else "no")
        ]

    let private caption =
        "Layer clusters at their positions, with the beam along z. The area of a mark is proportional to the energy, with a least size. \
         Lines are the links of CLUE3D. Drag to turn the picture. Point at a layer cluster to see its features. Click on a name to hide \
         its layer clusters."

    /// The page of a trackster: what is known of it, and the picture in space. `summary` as above.
    let toHtml (layout: EventLayout) (summary: (string * string) list) : string =
        Page.toHtml
            $"Trackster {layout.Title}"
            [
                if layout.Note <> "" then
                    Block.Paragraph layout.Note
                Block.Table([ for name, _ in summary -> name, true ], [ [ for _, value in summary -> value ] ])
                Block.Plot("event", caption, toJson layout)
            ]
