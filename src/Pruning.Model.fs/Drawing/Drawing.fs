namespace Pruning.Model.Drawing

/// A rectangle in page units (points, y downwards).
type Box =
    {
        Left: float
        Top: float
        Width: float
        Height: float
    }

    member box.Right = box.Left + box.Width
    member box.Bottom = box.Top + box.Height

type Stroke =
    {
        Colour: string
        Width: float
        /// Lengths of dashes and gaps; empty = solid.
        Dashes: float list
    }

/// The shape of a mark.
[<RequireQualifiedAccess>]
type Symbol =
    | Circle
    | Diamond
    | Square
    | Cross

/// Which end of a text is at its place.
[<RequireQualifiedAccess>]
type Anchor =
    | Start
    | Middle
    | End

type Text =
    {
        /// Taken literally.
        Content: string
        X: float
        /// Of the baseline.
        Y: float
        Size: float
        Colour: string
        Anchor: Anchor
        /// Turned by a quarter to the left: it reads upwards.
        Upwards: bool
    }

/// A mark at a place. Symbols of one diameter have about the same area.
type PlacedSymbol =
    {
        Symbol: Symbol
        X: float
        Y: float
        Diameter: float
        Fill: string option
        Edge: Stroke option
    }

/// What a drawing is made of. Later shapes cover earlier ones.
[<RequireQualifiedAccess>]
type Shape =
    | Line of (float * float) list * Stroke
    | Rectangle of Box * fill: string option * edge: Stroke option
    | Symbol of PlacedSymbol
    | Text of Text
    /// Shapes in coordinates of their own, whose origin is at (x, y).
    | Moved of x: float * y: float * Shape list
    /// Shapes of which only what lies within a box is seen.
    | Clipped of Box * Shape list

/// A page: shapes in points on a white background.
type Drawing =
    {
        /// What it shows, in the metadata of files. Taken literally.
        Title: string
        Width: float
        Height: float
        Shapes: Shape list
    }

/// A picture as a file of its kind.
type Picture =
    {
        Width: int
        Height: int
        /// A PNG with three bytes a pixel.
        Png: byte[]
    }

[<RequireQualifiedAccess>]
module Stroke =

    let solid (colour: string) (width: float) : Stroke =
        {
            Colour = colour
            Width = width
            Dashes = []
        }

[<RequireQualifiedAccess>]
module Text =

    /// A horizontal text in ink that starts at a place.
    let at (x: float) (y: float) (size: float) (words: string) : Text =
        {
            Content = words
            X = x
            Y = y
            Size = size
            Colour = Palette.ink
            Anchor = Anchor.Start
            Upwards = false
        }

    let anchored (anchor: Anchor) (text: Text) : Text = { text with Anchor = anchor }

[<RequireQualifiedAccess>]
module Drawing =

    /// A drawing with a line of text above it.
    let titled (words: string) (drawing: Drawing) : Drawing =
        let band = 34.0

        { drawing with
            Title = words
            Height = drawing.Height + band
            Shapes = [ Shape.Text(Text.at 20.0 26.0 16.0 words); Shape.Moved(0.0, band, drawing.Shapes) ]
        }

    /// Drawings in rows of so many, left to right, under one title.
    let tiled (columns: int) (title: string) (drawings: Drawing list) : Drawing =
        let rows = List.chunkBySize columns drawings
        let width = rows |> List.map (List.sumBy _.Width) |> List.fold max 0.0
        let heights = rows |> List.map (List.map _.Height >> List.max)
        let tops = List.scan (+) 0.0 heights

        let shapes =
            [
                for row, top in List.zip rows (List.truncate rows.Length tops) do
                    for drawing, left in
                        List.zip row (List.scan (+) 0.0 (row |> List.map _.Width) |> List.truncate row.Length) do
                        Shape.Moved(left, top, drawing.Shapes)
            ]

        titled
            title
            {
                Title = title
                Width = width
                Height = List.last tops
                Shapes = shapes
            }
