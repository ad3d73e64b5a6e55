namespace Pruning.Model.Drawing

open System

/// The colours of all pages and pictures, as "#RRGGBB". Series have the colours of Okabe and Ito (2008), which people with
/// any colour vision tell apart.
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

    /// The background.
    let paper = "#FFFFFF"

    /// Text.
    let ink = "#222222"

    /// Frames and ticks of plots.
    let frame = "#333333"
    let grid = "#E8E8E8"

    /// Links of a trackster.
    let link = "#999999"

    /// An empty cell of a table that is filled with blue.
    let pale = "#EEF4F8"

    /// Red, green and blue, 0 to 255.
    let channels (colour: string) : byte[] =
        let bytes = Convert.FromHexString(colour.AsSpan 1)

        if bytes.Length <> 3 || colour[0] <> '#' then
            invalidArg (nameof colour) $"Cannot read the colour {colour}: expected #RRGGBB."

        bytes

    /// Between two colours: the first at 0, the second at 1.
    let mix (a: string) (b: string) (share: float) : string =
        let between (x: byte) (y: byte) = byte (Math.Round(float x + share * (float y - float x)))
        "#" + Convert.ToHexString(Array.map2 between (channels a) (channels b))

    let private viridisStops = [| "#440154"; "#3B528B"; "#21918C"; "#5EC962"; "#FDE725" |]

    /// Viridis (Smith and van der Walt 2015) at five places, linear between them. `share` from 0 (dark) to 1 (yellow).
    let viridis (share: float) : string =
        let place = 4.0 * max 0.0 (min 1.0 share)
        let stop = min 3 (int place)
        mix viridisStops[stop] viridisStops[stop + 1] (place - float stop)
