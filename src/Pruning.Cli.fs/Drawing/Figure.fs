namespace Pruning.Cli.Drawing

open System
open Plotly.NET
open Plotly.NET.LayoutObjects
open Plotly.NET.TraceObjects

/// Okabe and Ito's colours (2008), which people with any colour vision tell apart.
[<RequireQualifiedAccess>]
module Palette =

    let blue = "#0072B2"
    let orange = "#E69F00"
    let vermilion = "#D55E00"
    let green = "#009E73"
    let purple = "#CC79A7"
    let sky = "#56B4E9"
    let grey = "#7F7F7F"
    let black = "#000000"

    /// One after the other, for series without a meaning of their own.
    let all = [ blue; vermilion; green; purple; orange; sky; black; grey ]

    let at (index: int) = all[index % all.Length]

/// Texts of others inside a page.
[<RequireQualifiedAccess>]
module Html =

    /// A text as it may stand in HTML, in an attribute too. Plotly takes a little HTML in names and labels: they want this
    /// as well.
    let escape (text: string) : string =
        text
            .Replace("&", "&amp;")
            .Replace("<", "&lt;")
            .Replace(">", "&gt;")
            .Replace("\"", "&quot;")
            .Replace("'", "&#39;")

/// Where the points of a series are along the horizontal axis.
[<RequireQualifiedAccess>]
type Places =
    | Numbers of float list
    | Words of string list

/// How a series is drawn.
[<RequireQualifiedAccess>]
type Mark =
    | Line
    | Dashed
    | Points
    | LineAndPoints

/// One series of a figure. Names and texts are taken literally.
type Series =
    {
        Name: string
        Colour: string
        Mark: Mark
        X: Places
        /// NaN = no point.
        Y: float list
        /// Ends of error bars, as values; empty = none, NaN = none here.
        Low: float list
        High: float list
        /// What a pointer over a point shows; empty = its coordinates.
        Texts: string list
    }

type Axis =
    {
        /// With the unit in brackets.
        Title: string
        Logarithmic: bool
        Range: (float * float) option
    }

/// A plot as a page shows it.
type Figure =
    {
        /// Letters and dashes: the id of its element.
        Id: string
        /// A sentence or two below it.
        Caption: string
        X: Axis
        Y: Axis
        Series: Series list
    }

[<RequireQualifiedAccess>]
module Axis =

    let linear (title: string) =
        {
            Title = title
            Logarithmic = false
            Range = None
        }

    let logarithmic (title: string) = { linear title with Logarithmic = true }
    let within (low: float) (high: float) (axis: Axis) = { axis with Range = Some(low, high) }

[<RequireQualifiedAccess>]
module Series =

    /// Points (x, y), joined by a line.
    let line (name: string) (colour: string) (points: (float * float) list) : Series =
        {
            Name = name
            Colour = colour
            Mark = Mark.Line
            X = Places.Numbers(List.map fst points)
            Y = List.map snd points
            Low = []
            High = []
            Texts = []
        }

    let dashed name colour points =
        { line name colour points with
            Mark = Mark.Dashed
        }

    let points name colour points =
        { line name colour points with
            Mark = Mark.Points
        }

    /// A histogram as an outline: edges (one more than heights) and heights.
    let outline (name: string) (colour: string) (edges: float list) (heights: float list) : Series =
        line
            name
            colour
            [
                for (low, high), height in List.zip (List.pairwise edges) heights do
                    low, height
                    high, height
            ]

/// Figures in Plotly's JSON. The only place of 2-D plots that knows Plotly.
[<RequireQualifiedAccess>]
module Figure =

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
            LineColor = Color.fromHex "#333333",
            Mirror = StyleParam.Mirror.AllTicks,
            Ticks = StyleParam.TickOptions.Inside,
            ShowGrid = true,
            GridColor = Color.fromHex "#E8E8E8",
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
            | Places.Words x ->
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
                Font = Font.init (Family = font (), Size = 15.0, Color = Color.fromHex "#222222"),
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
