namespace Pruning.Model.Drawing

open System

/// A figure as a drawing, for files and TensorBoard.
[<RequireQualifiedAccess>]
module FigureDrawing =

    /// Width and height in points.
    let size = 640.0, 440.0

    let private finite = List.filter Double.IsFinite

    /// Categories along the horizontal axis, each once, in the order in which series name them.
    let private words (figure: Figure) : string list =
        figure.Series
        |> List.collect (fun series ->
            match series.X with
            | Places.Categories words -> words
            | Places.Numbers _ -> [])
        |> List.distinct

    /// Horizontal places: words are 0, 1, 2, ...
    let private across (words: string list) (series: Series) : float list =
        match series.X with
        | Places.Numbers numbers -> numbers
        | Places.Categories own ->
            let places = Map(List.mapi (fun i word -> word, float i) words)
            own |> List.map (fun word -> places[word])

    /// The range of an axis: its own, else that of the values with a margin. It is never empty.
    let private range (axis: Axis) (values: float list) : float * float =
        match axis.Range with
        | Some range -> range
        | None ->
            match finite values |> List.filter (fun value -> not axis.Logarithmic || value > 0.0) with
            | [] -> if axis.Logarithmic then 1.0, 10.0 else 0.0, 1.0
            | seen when axis.Logarithmic ->
                let low, high = List.min seen, List.max seen
                let margin = max 1.1 ((high / low) ** 0.05)
                low / margin, high * margin
            | seen ->
                let low, high = List.min seen, List.max seen
                let margin = if high > low then 0.05 * (high - low) else max 0.5 (0.1 * abs high)
                low - margin, high + margin

    let private axis (axis: Axis) (values: float list) (from: float, towards: float) : PanelAxis =
        let low, high = range axis values

        let scale =
            {
                Low = low
                High = high
                Logarithmic = axis.Logarithmic
                From = from
                To = towards
            }

        {
            Title = axis.Title
            Scale = scale
            Ticks = Ticks.ofScale scale
        }

    let private strokeOf (series: Series) : Stroke option =
        let solid = Stroke.solid series.Colour 2.0

        match series.Mark with
        | Mark.Line
        | Mark.LineAndPoints -> Some solid
        | Mark.Dashed -> Some { solid with Dashes = [ 7.0; 5.0 ] }
        | Mark.Points -> None

    let private dot (series: Series) (x: float, y: float) : Shape option =
        match series.Mark with
        | Mark.Points
        | Mark.LineAndPoints ->
            Some(
                Shape.Symbol
                    {
                        Symbol = Symbol.Circle
                        X = x
                        Y = y
                        Diameter = 7.0
                        Fill = Some series.Colour
                        Edge = None
                    }
            )
        | Mark.Line
        | Mark.Dashed -> None

    /// A bar between two ends with caps.
    let private errorBar (colour: string) (x: float) (low: float) (high: float) : Shape list =
        let stroke = Stroke.solid colour 1.5

        [
            Shape.Line([ x, low; x, high ], stroke)
            for y in [ low; high ] do
                Shape.Line([ x - 4.0, y; x + 4.0, y ], stroke)
        ]

    /// Shapes of a series. A point that is no number, or not above zero on a logarithmic axis, is left out.
    let private shapesOf (words: string list) (x: Scale) (y: Scale) (series: Series) : Shape list =
        let canBe (scale: Scale) value = Double.IsFinite value && (not scale.Logarithmic || value > 0.0)
        let ends = if series.Low.IsEmpty then List.map (fun _ -> nan) series.Y else series.Low
        let tops = if series.High.IsEmpty then List.map (fun _ -> nan) series.Y else series.High

        let points =
            List.zip3 (across words series) series.Y (List.zip ends tops)
            |> List.filter (fun (px, py, _) -> canBe x px && canBe y py)
            |> List.map (fun (px, py, ends) -> Scale.place x px, Scale.place y py, ends)

        [
            match strokeOf series with
            | Some stroke when points.Length > 1 -> Shape.Line([ for px, py, _ in points -> px, py ], stroke)
            | _ -> ()
            for px, _, (low, high) in points do
                if canBe y low && canBe y high then
                    yield! errorBar series.Colour px (Scale.place y low) (Scale.place y high)
            yield! points |> List.choose (fun (px, py, _) -> dot series (px, py))
        ]

    let private entry (series: Series) : LegendEntry =
        {
            Sample =
                [
                    match strokeOf series with
                    | Some stroke -> Shape.Line([ -12.0, 0.0; 12.0, 0.0 ], stroke)
                    | None -> ()
                    yield! Option.toList (dot series (0.0, 0.0))
                ]
            Reach = 12.0
            Label = series.Name
        }

    /// A figure of the given width and height, with its legend above it. Its caption is not drawn.
    let draw (width: float, height: float) (figure: Figure) : Drawing =
        let names = words figure

        let vertical (box: Box) =
            let values =
                figure.Series
                |> List.collect (fun series -> series.Y @ series.Low @ series.High)

            axis figure.Y values (box.Bottom, box.Top)

        let horizontal (box: Box) =
            let values = figure.Series |> List.collect (across names)
            let made = axis figure.X values (box.Left, box.Right)

            if names.IsEmpty then
                made
            else
                { made with
                    Ticks = names |> List.mapi (fun i word -> float i, word)
                }

        let legend, rows = LegendRows.draw 20.0 20.0 (width - 40.0) (figure.Series |> List.map entry)
        let top = 16.0 + float rows * LegendRows.rowHeight

        let boxAt left =
            {
                Left = left
                Top = top
                Width = width - left - 20.0
                Height = height - top - 60.0
            }

        // The numbers decide how much room they take on the left.
        let box = boxAt (Panel.numbersWidth (vertical (boxAt 0.0)) + 44.0)
        let x, y = horizontal box, vertical box
        let series = figure.Series |> List.collect (shapesOf names x.Scale y.Scale)

        {
            Title = figure.Caption
            Width = width
            Height = height
            Shapes = Panel.draw box x y true series @ legend
        }
