namespace Pruning.Cli.Drawing

open System
open System.Text
open Plotly.NET

/// A trackster as SVG, for papers.
[<RequireQualifiedAccess>]
module EventDrawing =

    /// Width and height of the drawing in points.
    let size = 1000, 560

    let private shapeOf (symbol: StyleParam.MarkerSymbol3D) (x: float) (y: float) (r: float) (style: string) : string =
        let n = EventView.text "0.##"

        let polygon (points: (float * float) list) =
            let corners = String.Join(" ", [ for px, py in points -> $"{n px},{n py}" ])
            $"<polygon points=\"{corners}\" {style}/>"

        match symbol with
        | StyleParam.MarkerSymbol3D.Diamond ->
            let d = 1.25 * r
            polygon [ x, y - d; x + d, y; x, y + d; x - d, y ]
        | StyleParam.MarkerSymbol3D.Square ->
            let d = 0.886 * r
            polygon [ x - d, y - d; x + d, y - d; x + d, y + d; x - d, y + d ]
        | StyleParam.MarkerSymbol3D.Cross ->
            // A cross of five equal squares.
            let d, s = 1.2 * r, 0.4 * r

            polygon
                [
                    x - s, y - d
                    x + s, y - d
                    x + s, y - s
                    x + d, y - s
                    x + d, y + s
                    x + s, y + s
                    x + s, y + d
                    x - s, y + d
                    x - s, y + s
                    x - d, y + s
                    x - d, y - s
                    x - s, y - s
                ]
        | _ -> $"<circle cx=\"{n x}\" cy=\"{n y}\" r=\"{n r}\" {style}/>"

    /// Viridis at five places (Smith and van der Walt 2015), linear between them.
    let private viridis (share: float) : string =
        let stops = [| 68, 1, 84; 59, 82, 139; 33, 145, 140; 94, 201, 98; 253, 231, 37 |]
        let place = 4.0 * max 0.0 (min 1.0 share)
        let at = min 3 (int place)
        let (r0, g0, b0), (r1, g1, b1) = stops[at], stops[at + 1]
        let mix (a: int) (b: int) = int (Math.Round(float a + (place - float at) * float (b - a)))
        $"#{mix r0 r1:X2}{mix g0 g1:X2}{mix b0 b1:X2}"

    /// Tick distances of 1, 2 or 5 times a power of ten.
    let private ticks (low: float) (high: float) : float list =
        let raw = max 1e-9 ((high - low) / 5.0)
        let power = 10.0 ** floor (log10 raw)

        let step =
            [ 1.0; 2.0; 5.0; 10.0 ]
            |> List.map (fun m -> m * power)
            |> List.find (fun step -> step >= raw * 0.999)

        [ for i in ceil (low / step) .. floor (high / step) -> i * step ]

    let private spread (values: float[]) : float * float =
        let low, high = Array.min values, Array.max values
        let margin = max 1.0 (0.08 * (high - low))
        low - margin, high + margin

    /// Two projections side by side, z against x and z against y, as SVG: circles with areas that go with the energy, links,
    /// axes with units.
    let toSvg (view: EventView) : string =
        let width, height = size
        let svg = StringBuilder()
        let line (part: string) = svg.Append(part).Append('\n') |> ignore
        let n = EventView.text "0.##"
        let sizes = EventView.diameters view 4.5 26.0
        let order = Array.init view.Z.Length id |> Array.sortByDescending (fun node -> sizes[node])
        let kinds = EventView.kinds view

        let kindOf =
            Map
                [
                    for kind in kinds do
                        for node in kind.Nodes do
                            node, kind
                ]

        line
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica,Arial,'DejaVu Sans',sans-serif\" font-size=\"15\" fill=\"#222\">"

        line $"<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>"
        line $"<text x=\"20\" y=\"28\" font-size=\"16\">{Html.escape view.Title}</text>"
        let zLow, zHigh = spread view.Z

        let panel (left: float) (name: string) (values: float[]) =
            let top, w, h = 80.0, 410.0, 400.0
            let low, high = spread values
            let px z = left + (z - zLow) / (zHigh - zLow) * w
            let py v = top + h - (v - low) / (high - low) * h

            for tick in ticks zLow zHigh do
                line $"<path d=\"M{n (px tick)} {n (top + h)}v-7M{n (px tick)} {n top}v7\" stroke=\"#333\"/>"
                line $"<text x=\"{n (px tick)}\" y=\"{n (top + h + 20.0)}\" text-anchor=\"middle\">{n tick}</text>"

            for tick in ticks low high do
                line $"<path d=\"M{n left} {n (py tick)}h7M{n (left + w)} {n (py tick)}h-7\" stroke=\"#333\"/>"
                line $"<text x=\"{n (left - 8.0)}\" y=\"{n (py tick + 5.0)}\" text-anchor=\"end\">{n tick}</text>"

            line
                $"<rect x=\"{n left}\" y=\"{n top}\" width=\"{n w}\" height=\"{n h}\" fill=\"none\" stroke=\"#333\" stroke-width=\"1.2\"/>"

            line $"<text x=\"{n (left + w)}\" y=\"{n (top + h + 44.0)}\" text-anchor=\"end\">z [cm]</text>"

            line
                $"<text x=\"{n (left - 46.0)}\" y=\"{n top}\" text-anchor=\"end\" transform=\"rotate(-90 {n (left - 46.0)} {n top})\">{name} [cm]</text>"

            for a, b in EventView.links view do
                line
                    $"<line x1=\"{n (px view.Z[a])}\" y1=\"{n (py values[a])}\" x2=\"{n (px view.Z[b])}\" y2=\"{n (py values[b])}\" stroke=\"#999\" stroke-width=\"1\"/>"

            // The large ones first: none hides a smaller one.
            for node in order do
                let kind = kindOf[node]

                let colour =
                    match view.Colouring with
                    | Colouring.Score -> viridis (EventView.probability view node)
                    | _ -> kind.Colour

                let style = $"fill=\"{colour}\" fill-opacity=\"0.85\" stroke=\"#fff\" stroke-width=\"0.6\""
                line (shapeOf kind.Symbol (px view.Z[node]) (py values[node]) (sizes[node] / 2.0) style)

        panel 75.0 "x" view.X
        panel 570.0 "y" view.Y

        match view.Colouring with
        | Colouring.Score ->
            for i in 0..99 do
                line
                    $"<rect x=\"{n (75.0 + 2.0 * float i)}\" y=\"46\" width=\"2.2\" height=\"12\" fill=\"{viridis (float i / 99.0)}\"/>"

            line "<text x=\"285\" y=\"57\">probability of prune, 0 to 1</text>"
        | _ ->
            let mutable x = 82.0

            for kind in kinds do
                line (shapeOf kind.Symbol x 52.0 6.0 $"fill=\"{kind.Colour}\"")
                line $"<text x=\"{n (x + 12.0)}\" y=\"57\">{kind.Name} ({kind.Nodes.Length})</text>"
                x <- x + 60.0 + 8.5 * float kind.Name.Length

        line "</svg>"
        string svg
