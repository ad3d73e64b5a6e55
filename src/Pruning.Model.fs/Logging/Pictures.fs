namespace Pruning.Model.Logging

open System
open System.Globalization
open Pruning.Data.Graphs
open Pruning.Model.Metrics

/// Pictures of results for TensorBoard, drawn without a graphics library or a browser.
[<RequireQualifiedAccess>]
module Pictures =

    // Okabe and Ito's colours (2008), which people with any colour vision tell apart.
    let private blue = Rgb.ofHex 0x0072B2
    let private orange = Rgb.ofHex 0xE69F00
    let private vermilion = Rgb.ofHex 0xD55E00
    let private purple = Rgb.ofHex 0xCC79A7
    let private white = Rgb.ofHex 0xFFFFFF
    let private black = Rgb.ofHex 0x222222
    let private grey = Rgb.ofHex 0x888888

    let private invariant (format: string) (x: float) : string = x.ToString(format, CultureInfo.InvariantCulture)

    /// Decisions against labels: counts, and shares of each label. Rows are labels, columns are decisions.
    let confusion (counts: Confusion) : Picture =
        let canvas = Canvas(420, 300, white)
        let left, top, cellWidth, cellHeight = 100, 60, 150, 110

        let cells =
            [
                0, 0, counts.KeptRightly, counts.PrunedWrongly
                1, 0, counts.PrunedWrongly, counts.KeptRightly
                0, 1, counts.KeptWrongly, counts.PrunedRightly
                1, 1, counts.PrunedRightly, counts.KeptWrongly
            ]

        for column, row, count, other in cells do
            let share = if count + other = 0L then 0.0 else float count / float (count + other)
            let x, y = left + column * cellWidth, top + row * cellHeight
            canvas.Rectangle(x, y, x + cellWidth - 2, y + cellHeight - 2, Rgb.mix (Rgb.ofHex 0xEEF4F8) blue share)
            let ink = if share > 0.5 then white else black
            let number = count.ToString("#,0", CultureInfo.InvariantCulture)
            canvas.TextAround(x + cellWidth / 2, y + 44, 2, ink, number)
            canvas.TextAround(x + cellWidth / 2, y + 72, 2, ink, invariant "0.0" (100.0 * share) + "%")

        canvas.TextAround(left + cellWidth, 15, 2, black, "decision")
        canvas.TextAround(left + cellWidth / 2, 42, 2, black, "keep")
        canvas.TextAround(left + 3 * cellWidth / 2, 42, 2, black, "prune")
        canvas.Text(8, 42, 2, black, "label")
        canvas.Text(8, top + cellHeight / 2 - 7, 2, black, "keep")
        canvas.Text(8, top + 3 * cellHeight / 2 - 7, 2, black, "prune")
        canvas.ToPicture()

    /// A trackster along the beam: z to the right, the transverse direction in which it is widest upwards, both in cm from the
    /// seed. Discs grow with the energy; colours say what was decided. `margins`: one a node, above zero = pruned.
    let trackster (title: string) (graph: ShowerGraph) (margins: float32[]) : Picture =
        let canvas = Canvas(560, 400, white)
        let left, top, right, bottom = 60, 34, 540, 330
        let feature (node: int) (column: RawFeature) = float (graph.Feature(node, column))
        let nodes = [ 0 .. graph.NodeCount - 1 ]

        let range (values: float list) =
            let low, high = List.min values, List.max values
            let pad = max 0.5 (0.05 * (high - low))
            low - pad, high + pad

        let spread (column: RawFeature) =
            let values = nodes |> List.map (fun node -> feature node column)
            List.max values - List.min values

        let across, name =
            if spread RawFeature.PosX >= spread RawFeature.PosY then
                RawFeature.PosX, "x"
            else
                RawFeature.PosY, "y"

        let zLow, zHigh = range (nodes |> List.map (fun node -> feature node RawFeature.PosZ))
        let low, high = range (nodes |> List.map (fun node -> feature node across))
        let atX z = float left + (z - zLow) / (zHigh - zLow) * float (right - left)
        let atY value = float bottom - (value - low) / (high - low) * float (bottom - top)
        let place node = atX (feature node RawFeature.PosZ), atY (feature node across)

        canvas.Rectangle(left - 1, top - 1, right + 1, bottom + 1, Rgb.ofHex 0xCCCCCC)
        canvas.Rectangle(left, top, right, bottom, white)

        for edge in 0 .. graph.EdgeCount - 1 do
            if graph.Source[edge] <> graph.Target[edge] then
                let x0, y0 = place graph.Source[edge]
                let x1, y1 = place graph.Target[edge]
                canvas.Line(x0, y0, x1, y1, grey, 0.35)

        let colourOf node =
            match graph.Labels[node] = 1uy, Confusion.isPruned margins[node] with
            | false, false -> blue
            | true, true -> orange
            | true, false -> vermilion
            | false, true -> purple

        // Small ones last, so that none is hidden.
        for node in nodes |> List.sortByDescending (fun node -> feature node RawFeature.Energy) do
            let x, y = place node
            let radius = 3.0 + 1.6 * max 0.0 (log (1.0 + 10.0 * max 0.0 (float (graph.Energy node))))
            canvas.Disc(x, y, radius + 1.0, white)
            canvas.Disc(x, y, radius, colourOf node)

        canvas.Text(left, 12, 2, black, title)
        let tick = invariant "0.0"
        canvas.Text(left, bottom + 8, 1, black, tick zLow)
        let last = tick zHigh
        canvas.Text(right - PixelFont.widthOf last, bottom + 8, 1, black, last)
        canvas.TextAround((left + right) / 2, bottom + 12, 1, black, "z - z of the seed (cm)")
        canvas.Text(6, top, 1, black, tick high)
        canvas.Text(6, bottom - 8, 1, black, tick low)
        canvas.Text(6, (top + bottom) / 2, 1, black, $"{name} (cm)")

        for place, (colour, words) in
            List.indexed
                [
                    blue, "kept rightly"
                    orange, "pruned rightly"
                    vermilion, "kept wrongly"
                    purple, "pruned wrongly"
                ] do
            let x, y = left + 250 * (place % 2), 360 + 20 * (place / 2)
            canvas.Disc(float x + 5.0, float y + 5.0, 5.0, colour)
            canvas.Text(x + 16, y + 1, 1, black, words)

        canvas.ToPicture()
