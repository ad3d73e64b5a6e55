namespace Pruning.Model.Drawing

open System
open System.IO
open System.Text
open SkiaSharp
open Pruning.Native.Errors

/// The letters of all drawings: Liberation Sans, which is inside the program, so that text looks the same on machines without
/// fonts. Its letters are as wide as those of Arial and Helvetica.
[<RequireQualifiedAccess>]
module Lettering =

    let private resource = "Pruning.Model.Drawing.Fonts.LiberationSans-Regular.ttf"

    let private load () : SKTypeface =
        use stream =
            typeof<Drawing>.Assembly.GetManifestResourceStream resource
            |> Option.ofObj
            |> Option.defaultWith (fun () -> raise (FileNotFoundException $"Cannot find the resource {resource}."))

        use data = SKData.Create(stream: Stream)
        SKTypeface.FromData data

    let private typeface: Lazy<SKTypeface> =
        lazy
            (try
                load ()
             with
             | :? DllNotFoundException
             | :? TypeInitializationException as error ->
                 let reason = error.GetBaseException().Message

                 raise (
                     DeviceException(
                         $"Cannot draw pictures: the library libSkiaSharp does not load ({reason}). Build the program again, or write \
                          HTML.",
                         error
                     )
                 ))

    /// The font in a size in points. Positions are exact and not fitted to pixels.
    let font (size: float) : SKFont =
        new SKFont(
            typeface.Value,
            float32 size,
            Subpixel = true,
            Hinting = SKFontHinting.None,
            Edging = SKFontEdging.Antialias
        )

    /// A text as it can be drawn: characters that the font does not have become question marks, and spaces in a row become one.
    let clean (words: string) : string =
        let text = StringBuilder()

        for rune in words.EnumerateRunes() do
            if Rune.IsWhiteSpace rune then
                if text.Length > 0 && text[text.Length - 1] <> ' ' then
                    text.Append ' ' |> ignore
            elif Rune.IsControl rune || not (typeface.Value.ContainsGlyph rune.Value) then
                text.Append '?' |> ignore
            else
                text.Append(rune.ToString()) |> ignore

        text.ToString().TrimEnd()

    /// Width of a text in points, which is clean.
    let measure (font: SKFont) (words: string) : float =
        use paint = new SKPaint(font)
        float (paint.MeasureText(words: string))

    /// Width of any text in points.
    let width (size: float) (words: string) : float =
        use font = font size
        measure font (clean words)

    /// A text that is at most so wide: one that is longer loses its beginning, because names of files end with what differs.
    let fit (size: float) (most: float) (words: string) : string =
        let words = clean words
        let runes = [| for rune in words.EnumerateRunes() -> rune.ToString() |]

        let rec shorten (start: int) =
            let rest = "…" + String.Concat(runes[start..])

            if start >= runes.Length || width size rest <= most then
                rest
            else
                shorten (start + 1)

        if width size words <= most then words else shorten 1
