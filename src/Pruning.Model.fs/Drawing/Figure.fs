namespace Pruning.Model.Drawing

/// Where the points of a series are along the horizontal axis.
[<RequireQualifiedAccess>]
type Places =
    | Numbers of float list
    | Categories of string list

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

/// A plot, described without saying how it is drawn. Pages show it with Plotly, FigureDrawing draws it for files and TensorBoard.
type Figure =
    {
        /// Letters and dashes: the id of its element, and the name of its files.
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
