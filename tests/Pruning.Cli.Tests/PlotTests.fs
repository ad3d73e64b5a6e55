/// Figures, pages, drawings and tables as texts, without a process.
module Pruning.Tests.Cli.PlotTests

open System
open System.IO
open System.Text.Json
open Expecto
open Pruning.Cli.Framework
open Pruning.Cli.Runs
open Pruning.Cli.Drawing
open Pruning.Data.Batching
open Pruning.Data.Tracksters
open Pruning.Model.Drawing
open Pruning.Model.Evaluation
open Pruning.Tests.Cli.InspectTests

let private hostile = "</script><script>alert(1)</script> \"x\" 'y' <img src=x onerror=alert(1)>"

let private figure: Figure =
    {
        Id = "one"
        Caption = hostile
        X = Axis.linear hostile
        Y = Axis.logarithmic "Energy [GeV]"
        Series =
            [
                { Series.line hostile Palette.blue [ 1.0, 2.0; 2.0, nan; 3.0, 4.0 ] with
                    Low = [ 1.5; 0.0; nan ]
                    High = [ 2.5; 9.0; nan ]
                    Texts = [ hostile; "b"; "c" ]
                }
            ]
    }

let private layout colouring margins =
    use dataset = GraphDataset.Open([| sample |], TracksterReadOptions())

    { EventView.ofDataset dataset 7 margins with
        Title = hostile
        Note = hostile
    }
    |> EventLayout.create colouring EventLayout.both

[<Tests>]
let tests =
    testList
        "plots"
        [
            test "a figure has its axes, colours and error bars, and no point that is no number" {
                use json = JsonDocument.Parse(PlotlyFigure.toJson figure)
                let trace = json.RootElement.GetProperty("data").EnumerateArray() |> Seq.head

                let numbers (name: string) (element: JsonElement) =
                    [ for x in element.GetProperty(name).EnumerateArray() -> x.GetDouble() ]

                Expect.equal (numbers "x" trace) [ 1.0; 3.0 ] "x"
                Expect.equal (numbers "y" trace) [ 2.0; 4.0 ] "y"
                Expect.equal (numbers "array" (trace.GetProperty "error_y")) [ 0.5; 0.0 ] "up"
                Expect.equal (numbers "arrayminus" (trace.GetProperty "error_y")) [ 0.5; 0.0 ] "down"
                let layout = json.RootElement.GetProperty "layout"
                Expect.equal (layout.GetProperty("yaxis").GetProperty("type").GetString()) "log" "scale"

                Expect.equal
                    (layout.GetProperty("yaxis").GetProperty("title").GetProperty("text").GetString())
                    "Energy [GeV]"
                    "unit"
            }

            test "names of others are taken literally: no script of theirs in a page" {
                let page =
                    Page.toHtml
                        hostile
                        [
                            Block.Heading hostile
                            Block.Paragraph hostile
                            Block.Listing hostile
                            Block.Table([ hostile, false ], [ [ hostile ] ])
                            Page.ofFigure figure
                        ]

                Expect.isFalse (page.Contains "<script>alert") "no script"
                Expect.isFalse (page.Contains "<img src=x") "no element"
                Expect.stringContains page "default-src 'none'" "nothing is fetched"
                Expect.stringContains page "&lt;img src=x onerror=alert(1)&gt;" "but it is shown"
                // Plotly takes a little HTML in names: they are escaped for it too.
                use json = JsonDocument.Parse(PlotlyFigure.toJson figure)
                let trace = json.RootElement.GetProperty("data").EnumerateArray() |> Seq.head
                let name = string (trace.GetProperty("name").GetString())
                Expect.isFalse (name.Contains '<') "name of a series"
            }

            test "a page holds plotly.js and names no address to fetch from" {
                let page = Page.toHtml "x" [ Page.ofFigure figure ]
                Expect.isGreaterThan page.Length 3_000_000 "plotly.js is inside"
                Expect.isFalse (page.Contains "<script src") "no script from elsewhere"
                Expect.isFalse (page.Contains "<link") "no style from elsewhere"
            }

            test "an event shows every layer cluster once, with its features" {
                let margins = Array.init 200 (fun i -> if i % 3 = 0 then 1f else -1f)
                use dataset = GraphDataset.Open([| sample |], TracksterReadOptions())
                let nodes = dataset[7].NodeCount

                for colouring, margins in
                    [
                        Colouring.Label, None
                        Colouring.Decision, Some(Array.truncate nodes margins)
                        Colouring.Score, Some(Array.truncate nodes margins)
                    ] do
                    use json = JsonDocument.Parse(EventPage.toJson (layout colouring margins))

                    let shown =
                        [
                            for trace in json.RootElement.GetProperty("data").EnumerateArray() do
                                if trace.GetProperty("mode").GetString() = "markers" then
                                    for text in trace.GetProperty("text").EnumerateArray() -> string (text.GetString())
                        ]

                    Expect.hasLength shown nodes $"{colouring}"
                    Expect.all shown (fun text -> text.Contains "GeV" && text.Contains "label") "features"
            }

            test "a page of an event shows its title, its remark and what is known of it, taken literally" {
                use dataset = GraphDataset.Open([| sample |], TracksterReadOptions())
                let summary = EventPage.summary (EvaluatedGraph.ofDataset dataset 7) None
                let page = EventPage.toHtml (layout Colouring.Label None) summary
                Expect.isFalse (page.Contains "<script>alert") "no script"
                Expect.isFalse (page.Contains "<img src=x") "no element"
                Expect.stringContains page "&lt;img src=x onerror=alert(1)&gt;" "but it is shown"

                for name, value in summary do
                    Expect.stringContains page (Html.escape name) "name"
                    Expect.stringContains page (Html.escape value) "value"
            }

            test "a drawing is well-formed XML with a shape for every layer cluster in both projections" {
                use dataset = GraphDataset.Open([| sample |], TracksterReadOptions())
                let nodes = dataset[7].NodeCount
                let drawing = EventDrawing.draw (layout Colouring.Label None)
                let svg = Renderer.svg drawing
                Xml.Linq.XDocument.Parse svg |> ignore

                let rec count (which: Shape -> bool) (shapes: Shape list) =
                    shapes
                    |> List.sumBy (function
                        | Shape.Moved(_, _, inner)
                        | Shape.Clipped(_, inner) -> count which inner
                        | shape -> if which shape then 1 else 0)

                let isSymbol shape =
                    match shape with
                    | Shape.Symbol _ -> true
                    | _ -> false

                let isLink shape =
                    match shape with
                    | Shape.Line(_, stroke) -> stroke.Colour = Palette.link
                    | _ -> false

                // And one of each label in the legend.
                let labels = dataset[7].Labels |> Array.distinct |> Array.length
                Expect.equal (count isSymbol drawing.Shapes) (2 * nodes + labels) "shapes"
                Expect.equal (count isLink drawing.Shapes) (2 * (nodes - 1)) "links of a tree"

                // Skia writes a mark as its area and its edge.
                let circles =
                    Xml.Linq.XDocument.Parse(svg).Descendants()
                    |> Seq.filter (fun e -> e.Name.LocalName = "ellipse" || e.Name.LocalName = "circle")
                    |> Seq.length

                let kept = dataset[7].Labels |> Array.filter ((=) 0uy) |> Array.length
                Expect.equal circles (2 * (2 * kept + 1)) "circles of the layer clusters to keep"
                Expect.stringContains svg "z [cm]" "units"
            }

            test "figures of a page are found in it" {
                let blocks = [ Block.Heading "x"; Page.ofFigure figure; Block.Plot("id", "caption", "{}") ]
                Expect.equal (Page.figures blocks |> List.map _.Id) [ "one" ] "figures"
            }

            test "cells of a CSV file are quoted where they must be, and no cell is a formula" {
                Expect.equal (Csv.cell "plain") "plain" "plain"
                Expect.equal (Csv.cell "a,b") "\"a,b\"" "comma"
                Expect.equal (Csv.cell "say \"x\"\n") "\"say \"\"x\"\"\n\"" "quotes and breaks"
                Expect.equal (Csv.cell "=HYPERLINK(1)") "'=HYPERLINK(1)" "formula"
                Expect.equal (Csv.number 0.1) "0.1" "number"
                Expect.equal (Csv.number nan) "" "undefined"
            }

            test "configurations differ in the values that are not the same" {
                let a, b = [ "model.hidden", "16"; "seed", "1"; "old", "true" ], [ "model.hidden", "32"; "seed", "1" ]

                Expect.equal
                    (ConfigDifference.ofConfigs [ a; b ])
                    [ "model.hidden", [ Some "16"; Some "32" ]; "old", [ Some "true"; None ] ]
                    "differences"

                Expect.isEmpty (ConfigDifference.ofConfigs [ a; a ]) "none"
            }
        ]
