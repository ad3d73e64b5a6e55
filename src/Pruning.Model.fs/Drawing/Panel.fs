namespace Pruning.Model.Drawing

open System
open System.Globalization

/// How values become places along one direction of a page.
type Scale =
    {
        Low: float
        High: float
        Logarithmic: bool
        /// Place of the low end in points.
        From: float
        /// Place of the high end in points.
        To: float
    }

[<RequireQualifiedAccess>]
module Scale =

    let place (scale: Scale) (value: float) : float =
        let share =
            if scale.Logarithmic then
                log (value / scale.Low) / log (scale.High / scale.Low)
            else
                (value - scale.Low) / (scale.High - scale.Low)

        scale.From + share * (scale.To - scale.From)

/// Places along an axis that have a number.
[<RequireQualifiedAccess>]
module Ticks =

    let private text (value: float) : string =
        if value <> 0.0 && (abs value >= 1e6 || abs value < 1e-4) then
            value.ToString("0.###e0", CultureInfo.InvariantCulture)
        else
            value.ToString("0.########", CultureInfo.InvariantCulture)

    /// About five values at distances of 1, 2 or 5 times a power of ten, with their texts.
    let linear (low: float) (high: float) : (float * string) list =
        let raw = max 1e-9 ((high - low) / 5.0)
        let power = 10.0 ** floor (log10 raw)

        let step =
            [ 1.0; 2.0; 5.0; 10.0 ]
            |> List.map (fun factor -> factor * power)
            |> List.find (fun step -> step >= raw * 0.999)

        let decimals = max 0 (min 12 (int (ceil -(log10 step) + 0.5)))

        [
            for i in ceil (low / step - 1e-9) .. floor (high / step + 1e-9) do
                // Without minus zero.
                let value = Math.Round(i * step, decimals) + 0.0
                value, text value
        ]

    /// Powers of ten; with 2 and 5 times them where there are few.
    let logarithmic (low: float) (high: float) : (float * string) list =
        let first, last = int (floor (log10 low)), int (ceil (log10 high))

        let within factors step =
            [
                for power in first..step..last do
                    for factor: float in factors do
                        let value = factor * 10.0 ** float power

                        if value >= low * 0.999999 && value <= high * 1.000001 then
                            value, text value
            ]

        let decades = within [ 1.0 ] (max 1 ((last - first) / 8))

        if decades.Length >= 3 then
            decades
        else
            match within [ 1.0; 2.0; 5.0 ] 1 with
            | few when few.Length < 2 -> linear low high
            | ticks -> ticks

    let ofScale (scale: Scale) : (float * string) list =
        if scale.Logarithmic then
            logarithmic scale.Low scale.High
        else
            linear scale.Low scale.High

/// One direction of a panel.
type PanelAxis =
    {
        /// With the unit in brackets.
        Title: string
        Scale: Scale
        /// Values and their texts.
        Ticks: (float * string) list
    }

/// The frame of a plot: ticks inside on all sides, numbers and titles outside, as is usual in particle physics.
[<RequireQualifiedAccess>]
module Panel =

    let textSize = 15.0

    /// Width of the widest number along an axis in points.
    let numbersWidth (axis: PanelAxis) : float =
        axis.Ticks
        |> List.map (fun (_, text) -> Lettering.width textSize text)
        |> List.fold max 0.0

    let private tickLength = 7.0

    let private horizontal (box: Box) (axis: PanelAxis) : Shape list =
        [
            let stroke = Stroke.solid Palette.frame 1.0

            for value, text in axis.Ticks do
                let x = Scale.place axis.Scale value
                Shape.Line([ x, box.Bottom; x, box.Bottom - tickLength ], stroke)
                Shape.Line([ x, box.Top; x, box.Top + tickLength ], stroke)

                Text.at x (box.Bottom + 20.0) textSize text
                |> Text.anchored Anchor.Middle
                |> Shape.Text

            Text.at box.Right (box.Bottom + 44.0) textSize axis.Title
            |> Text.anchored Anchor.End
            |> Shape.Text
        ]

    let private vertical (box: Box) (axis: PanelAxis) : Shape list =
        [
            let stroke = Stroke.solid Palette.frame 1.0

            for value, text in axis.Ticks do
                let y = Scale.place axis.Scale value
                Shape.Line([ box.Left, y; box.Left + tickLength, y ], stroke)
                Shape.Line([ box.Right, y; box.Right - tickLength, y ], stroke)

                Text.at (box.Left - 8.0) (y + 5.0) textSize text
                |> Text.anchored Anchor.End
                |> Shape.Text

            Shape.Text
                { Text.at (box.Left - numbersWidth axis - 18.0) box.Top textSize axis.Title with
                    Anchor = Anchor.End
                    Upwards = true
                }
        ]

    let private grid (box: Box) (across: PanelAxis) (up: PanelAxis) : Shape list =
        [
            let stroke = Stroke.solid Palette.grid 1.0

            for value, _ in across.Ticks do
                let x = Scale.place across.Scale value
                Shape.Line([ x, box.Bottom; x, box.Top ], stroke)

            for value, _ in up.Ticks do
                let y = Scale.place up.Scale value
                Shape.Line([ box.Left, y; box.Right, y ], stroke)
        ]

    /// The frame around some content, which is cut off at the frame.
    let draw (box: Box) (across: PanelAxis) (up: PanelAxis) (withGrid: bool) (content: Shape list) : Shape list =
        [
            if withGrid then
                yield! grid box across up

            Shape.Clipped(box, content)
            yield! horizontal box across
            yield! vertical box up
            Shape.Rectangle(box, None, Some(Stroke.solid Palette.frame 1.2))
        ]

/// One line of a legend.
type LegendEntry =
    {
        /// Shapes about the origin.
        Sample: Shape list
        /// How far the sample reaches to each side of the origin.
        Reach: float
        Label: string
    }

/// Entries side by side, in as many rows as the width wants.
[<RequireQualifiedAccess>]
module LegendRows =

    let rowHeight = 22.0

    let private gap = 20.0
    let private size = 14.0

    let private widthOf (entry: LegendEntry) = 2.0 * entry.Reach + 6.0 + Lettering.width size entry.Label

    /// Shapes of a legend whose first row has its middle at `y`, and the number of rows.
    let draw (left: float) (y: float) (width: float) (entries: LegendEntry list) : Shape list * int =
        let place (x: float, row: int) (entry: LegendEntry) =
            let needed = widthOf entry
            let x, row = if x > 0.0 && x + needed > width then 0.0, row + 1 else x, row
            (left + x, row, entry), (x + needed + gap, row)

        let placed, (_, last) = List.mapFold place (0.0, 0) entries

        let shapes =
            [
                for x, row, entry in placed do
                    let middle = y + float row * rowHeight
                    Shape.Moved(x + entry.Reach, middle, entry.Sample)

                    Text.at
                        (x + 2.0 * entry.Reach + 6.0)
                        (middle + 5.0)
                        size
                        (Lettering.fit size (width - 2.0 * entry.Reach - 6.0) entry.Label)
                    |> Shape.Text
            ]

        shapes, (if entries.IsEmpty then 0 else last + 1)
