namespace Pruning.Model.Drawing

open System
open System.Collections.Generic
open System.IO
open System.Security
open System.Text
open System.Text.RegularExpressions
open SkiaSharp

/// Drawings as PNG, SVG and PDF, by Skia. Equal drawings give equal bytes.
[<RequireQualifiedAccess>]
module Renderer =

    let private colourOf (colour: string) : SKColor =
        let bytes = Palette.channels colour
        SKColor(bytes[0], bytes[1], bytes[2])

    let private filling (colour: string) : SKPaint =
        new SKPaint(IsAntialias = true, Style = SKPaintStyle.Fill, Color = colourOf colour)

    let private stroking (stroke: Stroke) : SKPaint =
        let paint =
            new SKPaint(
                IsAntialias = true,
                Style = SKPaintStyle.Stroke,
                Color = colourOf stroke.Colour,
                StrokeWidth = float32 stroke.Width
            )

        if not stroke.Dashes.IsEmpty then
            use dashes = SKPathEffect.CreateDash([| for length in stroke.Dashes -> float32 length |], 0f)
            paint.PathEffect <- dashes

        paint

    let private rectangle (box: Box) : SKRect =
        SKRect(float32 box.Left, float32 box.Top, float32 box.Right, float32 box.Bottom)

    let private path (closed: bool) (points: (float * float) list) : SKPath =
        let made = new SKPath()
        made.AddPoly([| for x, y in points -> SKPoint(float32 x, float32 y) |], closed)
        made

    /// Corners of a symbol about the origin for a radius; none for a circle. All have about the area of the circle.
    let private corners (symbol: Symbol) (r: float) : (float * float) list =
        match symbol with
        | Symbol.Circle -> []
        | Symbol.Diamond ->
            let d = 1.25 * r
            [ 0.0, -d; d, 0.0; 0.0, d; -d, 0.0 ]
        | Symbol.Square ->
            let d = 0.886 * r
            [ -d, -d; d, -d; d, d; -d, d ]
        | Symbol.Cross ->
            // A cross of five equal squares.
            let d, s = 1.2 * r, 0.4 * r

            [ -s, -d; s, -d; s, -s; d, -s; d, s; s, s; s, d; -s, d; -s, s; -d, s; -d, -s; -s, -s ]

    let private drawMarker (canvas: SKCanvas) (marker: PlacedSymbol) : unit =
        let with' (paint: SKPaint) =
            use paint = paint

            match corners marker.Symbol (marker.Diameter / 2.0) with
            | [] -> canvas.DrawCircle(float32 marker.X, float32 marker.Y, float32 (marker.Diameter / 2.0), paint)
            | points ->
                use outline = path true [ for x, y in points -> marker.X + x, marker.Y + y ]
                canvas.DrawPath(outline, paint)

        marker.Fill |> Option.iter (filling >> with')
        marker.Edge |> Option.iter (stroking >> with')

    let private drawText (canvas: SKCanvas) (text: Text) : unit =
        let words = Lettering.clean text.Content
        use font = Lettering.font text.Size
        use paint = filling text.Colour

        let shift =
            match text.Anchor with
            | Anchor.Start -> 0.0
            | Anchor.Middle -> -0.5 * Lettering.measure font words
            | Anchor.End -> -(Lettering.measure font words)

        canvas.Save() |> ignore
        canvas.Translate(float32 text.X, float32 text.Y)

        if text.Upwards then
            canvas.RotateDegrees -90.0f

        canvas.DrawText(words, float32 shift, 0.0f, font, paint)
        canvas.Restore()

    let rec private drawShape (canvas: SKCanvas) (shape: Shape) : unit =
        match shape with
        | Shape.Line(points, stroke) ->
            use paint = stroking stroke
            use line = path false points
            canvas.DrawPath(line, paint)
        | Shape.Rectangle(box, fill, edge) ->
            let with' (paint: SKPaint) =
                use paint = paint
                canvas.DrawRect(rectangle box, paint)

            fill |> Option.iter (filling >> with')
            edge |> Option.iter (stroking >> with')
        | Shape.Symbol marker -> drawMarker canvas marker
        | Shape.Text text -> drawText canvas text
        | Shape.Moved(x, y, shapes) ->
            canvas.Save() |> ignore
            canvas.Translate(float32 x, float32 y)
            shapes |> List.iter (drawShape canvas)
            canvas.Restore()
        | Shape.Clipped(box, shapes) ->
            canvas.Save() |> ignore
            canvas.ClipRect(rectangle box)
            shapes |> List.iter (drawShape canvas)
            canvas.Restore()

    let private drawOn (canvas: SKCanvas) (drawing: Drawing) : unit =
        use paper = filling Palette.paper
        canvas.DrawRect(SKRect(0.0f, 0.0f, float32 drawing.Width, float32 drawing.Height), paper)
        drawing.Shapes |> List.iter (drawShape canvas)

    /// A drawing as pixels, `scale` a point.
    let picture (scale: float) (drawing: Drawing) : Picture =
        let pixels (points: float) = max 1 (int (Math.Round(points * scale)))
        let width, height = pixels drawing.Width, pixels drawing.Height
        // Opaque: three bytes a pixel.
        use surface = SKSurface.Create(SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque))
        surface.Canvas.Scale(float32 scale)
        drawOn surface.Canvas drawing
        use image = surface.Snapshot()
        use png = image.Encode(SKEncodedImageFormat.Png, 100)

        {
            Width = width
            Height = height
            Png = png.ToArray()
        }

    /// Skia counts clips through the whole process: here they are numbered through the drawing.
    let private renumberClips (svg: string) : string =
        let numbers = Dictionary<string, int>()

        Regex.Replace(
            svg,
            @"\bcl_[0-9a-f]+",
            fun found ->
                if not (numbers.ContainsKey found.Value) then
                    numbers[found.Value] <- numbers.Count + 1

                $"clip-{numbers[found.Value]}"
        )

    /// A drawing as SVG. Texts stay texts; readers without the font take one of the same widths.
    let svg (drawing: Drawing) : string =
        use stream = new MemoryStream()

        using
            (SKSvgCanvas.Create(SKRect(0.0f, 0.0f, float32 drawing.Width, float32 drawing.Height), stream))
            (fun canvas -> drawOn canvas drawing)

        let text = Encoding.UTF8.GetString(stream.ToArray())
        let start = text.IndexOf("<svg", StringComparison.Ordinal)
        let inside = text.IndexOf('>', start) + 1
        let title = SecurityElement.Escape(Lettering.clean drawing.Title)

        text[.. inside - 1] + $"\n\t<title>{title}</title>" + text[inside..]
        |> _.Replace("font-family=\"Liberation Sans\"", "font-family=\"Liberation Sans, Arial, Helvetica, sans-serif\"")
        |> renumberClips

    /// Every PDF is as old, so that equal drawings give equal bytes.
    let private pdfDate = DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc)

    /// Drawings as the pages of a PDF. The font is inside.
    let pdf (drawings: Drawing list) : byte[] =
        let title = drawings |> List.tryHead |> Option.map _.Title |> Option.defaultValue ""

        let metadata =
            SKDocumentPdfMetadata(
                Title = Lettering.clean title,
                Creator = "GraphPruning",
                Creation = pdfDate,
                Modified = pdfDate
            )

        use stream = new MemoryStream()

        using (SKDocument.CreatePdf(stream, metadata)) (fun document ->
            for drawing in drawings do
                use canvas = document.BeginPage(float32 drawing.Width, float32 drawing.Height)
                drawOn canvas drawing
                document.EndPage()

            document.Close())

        stream.ToArray()
