/// Drawings as PNG, SVG and PDF, and the pictures for TensorBoard.
module Pruning.Tests.Model.PictureTests

open System
open System.IO
open System.Text
open System.Text.RegularExpressions
open System.Xml.Linq
open Expecto
open FsCheck
open Pruning.Data.Batching
open Pruning.Data.Tracksters
open Pruning.Model.Drawing
open Pruning.Model.Metrics
open Pruning.Tests.Cli
open Pruning.Tests.Model.Png

let private page (width: float) (height: float) (shapes: Shape list) : Drawing =
    {
        Title = "a page"
        Width = width
        Height = height
        Shapes = shapes
    }

let private box left top width height : Box =
    {
        Left = float left
        Top = float top
        Width = float width
        Height = float height
    }

let private words (text: string) : Shape = Shape.Text(Text.at 4.0 20.0 16.0 text)
let private pixelsAt scale drawing = Renderer.picture scale drawing |> pixelsOf
let private count colour (pixels: string[][]) = pixels |> Array.sumBy (Array.filter ((=) colour) >> Array.length)
let private inked (pixels: string[][]) = pixels |> Array.sumBy (Array.filter ((<>) Palette.paper) >> Array.length)

let private pngTests =
    testList
        "PNG"
        [
            testProperty
                "a PNG gives back every pixel"
                (fun (PositiveInt width) (PositiveInt height) (dots: (int * int * int) list) ->
                    let expected = Array.init height (fun _ -> Array.create width Palette.paper)

                    let shapes =
                        [
                            for x, y, colour in dots do
                                let colour = $"#{colour &&& 0xFFFFFF:X6}"

                                // Outside of the page too.
                                for px, py in [ x, y; x + 1, y ] do
                                    if px >= 0 && px < width && py >= 0 && py < height then
                                        expected[py][px] <- colour

                                Shape.Rectangle(box x y 2 1, Some colour, None)
                        ]

                    Expect.equal (pixelsAt 1.0 (page (float width) (float height) shapes)) expected "pixels")

            test "a scale multiplies the pixels" {
                let picture =
                    Renderer.picture 2.5 (page 40.0 20.0 [ Shape.Rectangle(box 0 0 20 20, Some Palette.blue, None) ])

                Expect.equal (picture.Width, picture.Height) (100, 50) "size"
                let pixels = pixelsOf picture
                Expect.equal (count Palette.blue pixels) 2500 "left half"
                Expect.equal (pixels[49][49], pixels[0][50]) (Palette.blue, Palette.paper) "edge"
            }

            test "symbols of one diameter have about one area" {
                let area symbol =
                    [
                        Shape.Symbol
                            {
                                Symbol = symbol
                                X = 50.0
                                Y = 50.0
                                Diameter = 60.0
                                Fill = Some Palette.blue
                                Edge = None
                            }
                    ]
                    |> page 100.0 100.0
                    |> pixelsAt 1.0
                    |> count Palette.blue
                    |> float

                for symbol in [ Symbol.Circle; Symbol.Diamond; Symbol.Square; Symbol.Cross ] do
                    Expect.isLessThan (abs (area symbol / area Symbol.Circle - 1.0)) 0.1 $"{symbol}"
            }

            test "nothing is drawn outside of a clip" {
                let pixels =
                    [ Shape.Clipped(box 10 10 5 5, [ Shape.Rectangle(box 0 0 40 40, Some Palette.blue, None) ]) ]
                    |> page 30.0 30.0
                    |> pixelsAt 1.0

                Expect.equal (count Palette.blue pixels) 25 "inside"
                Expect.equal (inked pixels) 25 "all"
            }
        ]

let private letterTests =
    testList
        "letters"
        [
            test "every letter, digit and sign is drawn, and no two look the same" {
                let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,-/%:=()+[]<>|ηφσ…é"

                let shapes = [ for letter in letters -> pixelsAt 1.0 (page 30.0 30.0 [ words (string letter) ]) ]
                Expect.all shapes (fun pixels -> inked pixels > 0) "drawn"
                Expect.hasLength (List.distinct shapes) letters.Length "distinct"
            }

            test "what the font does not have becomes a question mark, in every format" {
                Expect.equal (Lettering.clean " a\u0001b\t\n 中\uD800 x ") "a?b ?? x" "clean"
                Expect.stringContains (Renderer.svg (page 99.0 30.0 [ words "中 layers" ])) "? layers" "SVG"
            }

            test "a text is as wide as it is measured, wherever its anchor is" {
                let text = "probability of prune"
                let width = int (ceil (Lettering.width 16.0 text))

                for anchor, left in [ Anchor.Start, 200; Anchor.Middle, 200 - width / 2; Anchor.End, 200 - width ] do
                    let pixels =
                        [ Text.at 200.0 30.0 16.0 text |> Text.anchored anchor |> Shape.Text ]
                        |> page 400.0 40.0
                        |> pixelsAt 1.0

                    let columns =
                        [
                            for x in 0..399 do
                                if pixels |> Array.exists (fun row -> row[x] <> Palette.paper) then
                                    x
                        ]

                    Expect.isGreaterThanOrEqual (List.min columns) (left - 2) $"{anchor}: left"
                    Expect.isLessThanOrEqual (List.max columns) (left + width + 2) $"{anchor}: right"
                    Expect.isGreaterThan (List.max columns - List.min columns) (width - 6) $"{anchor}: all of it"
            }

            testProperty
                "a fitted text keeps its end and is no wider than wanted"
                (fun (letters: char list) (PositiveInt most) ->
                    let text = String.Concat letters
                    let most = 20.0 + float most
                    let fitted = Lettering.fit 14.0 most text
                    Expect.isLessThanOrEqual (Lettering.width 14.0 fitted) most "width"

                    if fitted <> Lettering.clean text then
                        Expect.equal fitted[0] '…' "a sign that something is missing"
                        Expect.isTrue ((Lettering.clean text).EndsWith(fitted[1..], StringComparison.Ordinal)) "end")

            testProperty "any text can be drawn, and its SVG is well-formed" (fun (letters: char list) ->
                let text = String.Concat letters

                let drawing =
                    { page 100.0 30.0 [ words text ] with
                        Title = text
                    }

                XDocument.Parse(Renderer.svg drawing) |> ignore
                Renderer.picture 1.0 drawing |> pixelsOf |> ignore)
        ]

let private fileTests =
    let sample =
        page
            100.0
            60.0
            [
                words "kept <b> & \"pruned\" (12)"
                Shape.Line(
                    [ 0.0, 0.0; 50.0, 50.0 ],
                    { Stroke.solid Palette.blue 2.0 with
                        Dashes = [ 4.0; 2.0 ]
                    }
                )
                Shape.Clipped(
                    box 0 0 50 50,
                    [ Shape.Rectangle(box 10 10 80 80, None, Some(Stroke.solid Palette.green 1.0)) ]
                )
            ]

    testList
        "files"
        [
            test "SVG is well-formed XML with its size, its title and its texts" {
                let root =
                    (XDocument.Parse(Renderer.svg { sample with Title = "<title> & more" })).Root
                    |> nonNull

                let attribute (name: string) = (root.Attribute(XName.Get name) |> nonNull).Value
                Expect.equal (root.Name.LocalName, attribute "width", attribute "height") ("svg", "100", "60") "size"

                let texts name =
                    [
                        for e in root.Descendants() do
                            if e.Name.LocalName = name then
                                e.Value.Trim()
                    ]

                Expect.equal (texts "title") [ "<title> & more" ] "title"
                Expect.equal (texts "text") [ "kept <b> & \"pruned\" (12)" ] "text"
            }

            test "PDF has a page for each drawing, of its size, with the font and no date" {
                let pdf = Encoding.Latin1.GetString(Renderer.pdf [ sample; { sample with Width = 200.0 } ])
                Expect.stringStarts pdf "%PDF-1." "header"
                Expect.isTrue (pdf.TrimEnd().EndsWith "%%EOF") "end"
                Expect.hasLength (Regex.Matches(pdf, @"/Type\s*/Page\b")) 2 "pages"
                Expect.hasLength (Regex.Matches(pdf, @"/MediaBox\s*\[0 0 100 60\]")) 1 "size"
                Expect.hasLength (Regex.Matches(pdf, @"/MediaBox\s*\[0 0 200 60\]")) 1 "the other size"
                Expect.stringContains pdf "/LiberationSans" "font"
                Expect.stringContains pdf "D:20000101" "date"
                Expect.isFalse (pdf.Contains $"D:{DateTime.UtcNow.Year}") "not today's"
            }

            test "equal drawings give equal bytes" {
                Expect.equal (Renderer.svg sample) (Renderer.svg sample) "SVG"
                Expect.equal (Renderer.pdf [ sample ]) (Renderer.pdf [ sample ]) "PDF"
                Expect.equal (Renderer.picture 2.0 sample) (Renderer.picture 2.0 sample) "PNG"
            }

            test "the font is free: its licence is beside it" {
                let folder = Path.Combine(Run.repository, "src", "Pruning.Model.fs", "Drawing", "Fonts")
                let licence = File.ReadAllText(Path.Combine(folder, "LiberationSans-LICENSE.txt"))
                Expect.stringContains licence "SIL OPEN FONT LICENSE Version 1.1" "licence"
                let font = FileInfo(Path.Combine(folder, "LiberationSans-Regular.ttf"))
                Expect.isLessThan font.Length 800_000L "size"
            }
        ]

let private confusion a b c d : Confusion =
    {
        PrunedRightly = a
        PrunedWrongly = b
        KeptWrongly = c
        KeptRightly = d
    }

let private resultTests =
    testList
        "results"
        [
            test "colours can be told apart, and mixtures lie between them" {
                Expect.hasLength (List.distinct Palette.all) Palette.all.Length "distinct"
                Expect.equal (Palette.mix "#000000" "#FFFFFF" 0.5) "#808080" "half"
                Expect.equal (Palette.viridis 0.0, Palette.viridis 1.0) ("#440154", "#FDE725") "ends of viridis"
                Expect.throwsT<ArgumentException> (fun () -> Palette.channels "#12" |> ignore) "no colour"
            }

            test "cells of a confusion matrix are as dark as their share of the label" {
                // Corners of the four cells, away from their numbers.
                let corner counts =
                    let pixels = pixelsAt 1.0 (ConfusionDrawing.draw counts)
                    [ for y in [ 62; 172 ] -> [ for x in [ 102; 252 ] -> pixels[y][x] ] ]

                let blue, pale = Palette.blue, Palette.pale
                Expect.equal (corner (confusion 5L 0L 0L 7L)) [ [ blue; pale ]; [ pale; blue ] ] "all right"
                Expect.equal (corner (confusion 0L 7L 5L 0L)) [ [ pale; blue ]; [ blue; pale ] ] "all wrong"
                Expect.equal (corner Confusion.zero) [ [ pale; pale ]; [ pale; pale ] ] "nothing counted"
                let half = Palette.mix pale blue 0.5
                Expect.equal (corner (confusion 3L 2L 3L 2L)) [ [ half; half ]; [ half; half ] ] "half and half"
            }

            test "a confusion matrix shows its counts" {
                let svg = Renderer.svg (ConfusionDrawing.draw (confusion 1234L 22L 33L 44L))

                for text in [ "1,234"; "22"; "33"; "44"; "97.4%"; "decision"; "label"; "keep"; "prune" ] do
                    Expect.stringContains svg text "text"
            }

            test "a trackster's nodes have the colour of their decision" {
                use dataset =
                    GraphDataset.Open(
                        [| Path.Combine(Run.repository, "samples", "tracksters.root") |],
                        TracksterReadOptions()
                    )

                for index in 0..4..20 do
                    let labels = dataset[index].Labels

                    // Pixels of the panels: the legend above has a mark of each kind too.
                    let amount colours margins =
                        let panels =
                            EventView.ofDataset dataset index (Some margins)
                            |> EventLayout.create Colouring.Decision EventLayout.both
                            |> EventDrawing.draw
                            |> pixelsAt 1.0
                            |> Array.skip 80

                        colours |> List.sumBy (fun colour -> count colour panels)

                    let correct = labels |> Array.map (fun label -> if label = 1uy then 1.0f else -1.0f)
                    let wrong = correct |> Array.map (~-)
                    let correctly, wrongly = [ Palette.blue; Palette.green ], [ Palette.purple; Palette.vermilion ]
                    Expect.equal (amount wrongly correct) 0 "nothing is wrong"
                    Expect.equal (amount correctly wrong) 0 "nothing is right"
                    Expect.isGreaterThan (amount correctly correct) 10 "nodes are seen"
                    Expect.isGreaterThan (amount wrongly wrong) 10 "wrong ones too"
            }
        ]

[<Tests>]
let tests = testList "pictures" [ pngTests; letterTests; fileTests; resultTests ]
