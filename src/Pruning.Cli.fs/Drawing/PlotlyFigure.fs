namespace Pruning.Cli.Drawing

open System
open Plotly.NET
open Plotly.NET.LayoutObjects
open Plotly.NET.TraceObjects
open Pruning.Model.Drawing

/// Figures for pages, in Plotly's JSON.
[<RequireQualifiedAccess>]
module PlotlyFigure =

    // A function: a value would load Plotly at every start of the program.
    let font () = StyleParam.FontFamily.Custom "Helvetica, Arial, 'DejaVu Sans', sans-serif"

    let private axisOf (axis: Axis) : LinearAxis =
        let kind = if axis.Logarithmic then StyleParam.AxisType.Log else StyleParam.AxisType.Auto

        let range =
            axis.Range
            |> Option.map (fun (low, high) ->
                if axis.Logarithmic then
                    StyleParam.Range.MinMax(log10 low, log10 high)
                else
                    StyleParam.Range.MinMax(low, high))

        LinearAxis.init (
            Title = Title.init (Text = Html.escape axis.Title),
            AxisType = kind,
            ?Range = range,
            ShowLine = true,
            LineColor = Color.fromHex Palette.frame,
            Mirror = StyleParam.Mirror.AllTicks,
            Ticks = StyleParam.TickOptions.Inside,
            ShowGrid = true,
            GridColor = Color.fromHex Palette.grid,
            ZeroLine = false
        )

    let private traceOf (series: Series) : GenericChart =
        let mode, dash =
            match series.Mark with
            | Mark.Line -> StyleParam.Mode.Lines, StyleParam.DrawingStyle.Solid
            | Mark.Dashed -> StyleParam.Mode.Lines, StyleParam.DrawingStyle.Dash
            | Mark.Points -> StyleParam.Mode.Markers, StyleParam.DrawingStyle.Solid
            | Mark.LineAndPoints -> StyleParam.Mode.Lines_Markers, StyleParam.DrawingStyle.Solid

        // JSON has no NaN: a point that is not there is left out.
        let kept =
            [
                for i, y in List.indexed series.Y do
                    if Double.IsFinite y then
                        i
            ]

        let pick (values: 'T list) = let all = List.toArray values in [ for i in kept -> all[i] ]
        let y = pick series.Y
        let colour = Color.fromHex series.Colour
        let line = Line.init (Color = colour, Width = 2.0, Dash = dash)
        let marker = Marker.init (Color = colour, Size = 8)
        let name = Html.escape series.Name

        let texts =
            if series.Texts.IsEmpty then
                None
            else
                Some(pick series.Texts |> List.map Html.escape |> List.toSeq)

        let chart =
            match series.X with
            | Places.Numbers x ->
                Chart.Scatter(
                    x = pick x,
                    y = y,
                    mode = mode,
                    Name = name,
                    Line = line,
                    Marker = marker,
                    ?MultiText = texts,
                    UseDefaults = false
                )
            | Places.Categories x ->
                Chart.Scatter(
                    x = (pick x |> List.map Html.escape),
                    y = y,
                    mode = mode,
                    Name = name,
                    Line = line,
                    Marker = marker,
                    ?MultiText = texts,
                    UseDefaults = false
                )

        if series.Low.IsEmpty then
            chart
        else
            let length (ends: float list) sign =
                List.map2 (fun e y -> if Double.IsFinite e then max 0.0 (sign * (e - y)) else 0.0) (pick ends) y

            chart
            |> Chart.withYErrorStyle (
                Visible = true,
                Symmetric = false,
                Array = length series.High 1.0,
                Arrayminus = length series.Low -1.0,
                Color = colour,
                Thickness = 1.5,
                Width = 4.0
            )

    /// { "data": [...], "layout": {...} }. It may hold `<`: see Page for putting it into a page.
    let toJson (figure: Figure) : string =
        figure.Series
        |> List.map traceOf
        |> Chart.combine
        |> Chart.withXAxis (axisOf figure.X)
        |> Chart.withYAxis (axisOf figure.Y)
        |> Chart.withLayout (
            Layout.init (
                Font = Font.init (Family = font (), Size = 15.0, Color = Color.fromHex Palette.ink),
                PaperBGColor = Color.fromString "white",
                PlotBGColor = Color.fromString "white",
                Height = 440,
                AutoSize = true,
                ShowLegend = true,
                Margin = Margin.init (Left = 75, Right = 20, Top = 20, Bottom = 60),
                HoverMode = StyleParam.HoverMode.Closest
            )
        )
        |> Chart.withLegend (
            Legend.init (
                Orientation = StyleParam.Orientation.Horizontal,
                X = 0.0,
                Y = 1.02,
                YAnchor = StyleParam.YAnchorPosition.Bottom
            )
        )
        |> GenericChart.toFigureJson
