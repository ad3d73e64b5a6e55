/// Laws of the layouts of tracksters and figures.
module Pruning.Tests.Model.EventLayoutTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Pruning.Model.Drawing
open Pruning.Tests.Model.Png

/// A trackster of the given nodes: (x, y, z, energy), label and margin. A chain of links, and some more.
let private viewOf (nodes: ((float * float * float * float) * bool * float32)[]) (links: (int * int)[]) : EventView =
    let pick f = nodes |> Array.map (fun (place, _, _) -> f place)

    {
        Title = "file.root, entry 3"
        Note = "toy simulation"
        X = pick (fun (x, _, _, _) -> x)
        Y = pick (fun (_, y, _, _) -> y)
        Z = pick (fun (_, _, z, _) -> z)
        Energy = pick (fun (_, _, _, energy) -> energy)
        Labels = nodes |> Array.map (fun (_, label, _) -> label)
        Margins = Some(nodes |> Array.map (fun (_, _, margin) -> margin))
        Links = links
        Details = nodes |> Array.mapi (fun i _ -> [ $"id {i}" ])
    }

/// Places on a coarse grid, so that nodes lie on each other often.
let private views: Arbitrary<EventView> =
    let tenths low high = Gen.choose (low, high) |> Gen.map (fun n -> float n / 10.0)

    let node =
        Gen.zip3
            (Gen.map2
                (fun (x, y, z) energy -> x, y, z, energy)
                (Gen.zip3 (tenths -30 30) (tenths -30 30) (tenths 3200 3240))
                (tenths 0 9))
            (Gen.elements [ false; true ])
            (Gen.choose (-3, 3) |> Gen.map float32)

    gen {
        let! count = Gen.choose (0, 40)
        let! nodes = Gen.arrayOfLength count node
        let end' = Gen.choose (0, max 0 (count - 1))
        let! links = if count = 0 then Gen.constant [||] else Gen.arrayOf (Gen.zip end' end')
        return viewOf nodes links
    }
    |> Arb.fromGen

let private colourings = [ Colouring.Label; Colouring.Decision; Colouring.Score; Colouring.Pruned ]

/// The same trackster with its nodes in another order.
let private renumber (seed: int) (view: EventView) : EventView =
    let nodes = view.Labels.Length
    let order = [| 0 .. nodes - 1 |]
    Random(seed).Shuffle order
    let places = Array.zeroCreate nodes
    order |> Array.iteri (fun place node -> places[node] <- place)
    let pick (values: 'T[]) = order |> Array.map (fun node -> values[node])

    { view with
        X = pick view.X
        Y = pick view.Y
        Z = pick view.Z
        Energy = pick view.Energy
        Labels = pick view.Labels
        Margins = view.Margins |> Option.map pick
        Details = pick view.Details
        // Ends change places too: a link has no direction in a picture.
        Links = view.Links |> Array.rev |> Array.map (fun (a, b) -> places[b], places[a])
    }

let private inside (box: Box) (x: float) (y: float) = x >= box.Left && x <= box.Right && y >= box.Top && y <= box.Bottom

let private property' name (law: EventView -> unit) = testProperty name (Prop.forAll views law)

let private layoutTests =
    testList
        "event layout"
        [
            property' "every node has exactly one mark, and one place inside of each panel" (fun view ->
                let nodes = view.Labels.Length

                for colouring in colourings do
                    let layout = EventLayout.create colouring EventLayout.both view
                    Expect.equal (layout.Marks |> List.map _.Node |> List.sort) [ 0 .. nodes - 1 ] "marks"

                    for panel in layout.Panels do
                        Expect.hasLength panel.Places nodes "places"
                        Expect.all panel.Places (fun (x, y, _) -> inside panel.Box x y) "inside")

            property' "groups count their marks, and kept and pruned are as many as decided" (fun view ->
                for colouring in colourings do
                    let layout = EventLayout.create colouring [] view

                    for index, group in List.indexed layout.Groups do
                        let marks = layout.Marks |> List.filter (fun mark -> mark.Group = index)
                        Expect.equal marks.Length group.Count group.Name
                        Expect.isGreaterThan group.Count 0 "no empty group"

                    let counted (word: string) =
                        layout.Groups
                        |> List.filter (fun group -> group.Name.EndsWith word)
                        |> List.sumBy _.Count

                    if colouring = Colouring.Decision || colouring = Colouring.Pruned then
                        let margins = Option.get view.Margins
                        let pruned = margins |> Array.filter (fun margin -> margin > 0f) |> Array.length
                        Expect.equal (counted "kept", counted "pruned") (margins.Length - pruned, pruned) "decisions")

            property' "renumbering the nodes does not change the picture" (fun view ->
                for seed in 1..3 do
                    let other = renumber seed view

                    for colouring in colourings do
                        let draw view = EventLayout.create colouring EventLayout.both view |> EventDrawing.draw
                        Expect.equal (draw other) (draw view) $"{colouring}"

                    Expect.equal (EventDrawing.beforeAfter other) (EventDrawing.beforeAfter view) "before and after")

            property' "larger energies have larger marks, which are drawn first" (fun view ->
                let layout = EventLayout.create Colouring.Label EventLayout.both view

                for panel in layout.Panels do
                    for (first, (_, _, large)), (second, (_, _, small)) in
                        List.pairwise (List.zip layout.Marks panel.Places) do
                        Expect.isGreaterThanOrEqual view.Energy[first.Node] view.Energy[second.Node] "energies"
                        Expect.isGreaterThanOrEqual large small "diameters")

            property' "links join their nodes, and those of pruned nodes go" (fun view ->
                for colouring in colourings do
                    let layout = EventLayout.create colouring [] view
                    let marks = List.toArray layout.Marks
                    let sorted (a, b) = min a b, max a b
                    let drawn = [ for a, b in layout.Links -> sorted (marks[a].Node, marks[b].Node) ]
                    let isKept (a, b) = not (EventView.isPruned view a || EventView.isPruned view b)

                    let expected =
                        view.Links
                        |> Array.toList
                        |> List.filter (fun link -> colouring <> Colouring.Pruned || isKept link)
                        |> List.map sorted

                    Expect.equal (List.sort drawn) (List.sort expected) $"{colouring}")

            test "no node and one node have pictures of every kind" {
                for nodes in [ [||]; [| (1.0, 2.0, 330.0, 0.5), true, 1f |] ] do
                    let view = viewOf nodes [||]
                    let plain = { view with Margins = None }

                    for drawing in
                        [
                            EventDrawing.beforeAfter view
                            EventDrawing.beforeAfter plain
                            for colouring in colourings do
                                EventDrawing.draw (EventLayout.create colouring EventLayout.both view)
                        ] do
                        Expect.isGreaterThan (Renderer.picture 0.5 drawing |> pixelsOf).Length 0 "PNG"
                        Expect.stringContains (Renderer.svg drawing) "z [cm]" "SVG"
                        Expect.isNonEmpty (Renderer.pdf [ drawing ]) "PDF"
            }

            test "without a network the labels prune" {
                let nodes = [| for i in 0..9 -> (float i, 0.0, 330.0, 1.0), i < 3, 0f |]

                let svg =
                    { viewOf nodes [||] with
                        Margins = None
                    }
                    |> EventDrawing.beforeAfter
                    |> Renderer.svg

                for text in
                    [
                        "file.root, entry 3"
                        "toy simulation"
                        "Before pruning: 10 layer clusters"
                        "After pruning: 7 layer clusters"
                        "label keep (7)"
                        "label prune (3)"
                        "kept (7)"
                        "pruned (3)"
                    ] do
                    Expect.stringContains svg text "text"
            }

            test "arrays of different lengths are refused" {
                let view = viewOf [| (1.0, 2.0, 330.0, 0.5), true, 1f |] [||]

                Expect.throwsT<ArgumentException>
                    (fun () -> EventLayout.create Colouring.Label [] { view with X = [||] } |> ignore)
                    "one node, no x"
            }
        ]

/// Texts of a drawing with their places on the page.
let rec private texts (x: float) (y: float) (shapes: Shape list) : Text list =
    [
        for shape in shapes do
            match shape with
            | Shape.Text text ->
                { text with
                    X = text.X + x
                    Y = text.Y + y
                }
            | Shape.Moved(dx, dy, inner) -> yield! texts (x + dx) (y + dy) inner
            | Shape.Clipped(_, inner) -> yield! texts x y inner
            | _ -> ()
    ]

/// Left and right end of a horizontal text.
let private span (text: Text) : float * float =
    let width = Lettering.width text.Size text.Content

    match text.Anchor with
    | Anchor.Start -> text.X, text.X + width
    | Anchor.Middle -> text.X - width / 2.0, text.X + width / 2.0
    | Anchor.End -> text.X - width, text.X

let private overlaps (drawing: Drawing) : (string * string) list =
    let all = texts 0.0 0.0 drawing.Shapes |> List.filter (fun text -> not text.Upwards)

    [
        for i, one in List.indexed all do
            for other in List.skip (i + 1) all do
                let (left, right), (start, finish) = span one, span other

                if abs (one.Y - other.Y) < 10.0 && left < finish && start < right then
                    one.Content, other.Content
    ]

let private figure (x: Axis) (y: Axis) (series: Series list) : Figure =
    {
        Id = "one"
        Caption = "A caption."
        X = x
        Y = y
        Series = series
    }

let private figureTests =
    testList
        "figure drawing"
        [
            testProperty "ticks lie in their range, and there are some" (fun (NormalFloat a) (NormalFloat b) ->
                let a, b = Math.Clamp(a, -1e9, 1e9), Math.Clamp(b, -1e9, 1e9)
                let low, high = min a b, max a b

                if high - low > 1e-3 * max (abs low) (abs high) && high - low > 1e-6 then
                    let ticks = Ticks.linear low high
                    let margin = 1e-6 * (high - low)
                    Expect.all ticks (fun (value, _) -> value >= low - margin && value <= high + margin) "inside"
                    Expect.isTrue (ticks.Length >= 2 && ticks.Length <= 8) $"{ticks.Length} ticks"
                    Expect.hasLength (ticks |> List.map snd |> List.distinct) ticks.Length "texts differ")

            test "ticks of a logarithmic axis are powers of ten where there are enough" {
                let values low high = Ticks.logarithmic low high |> List.map snd
                Expect.equal (values 0.5 2000.0) [ "1"; "10"; "100"; "1000" ] "decades"
                Expect.equal (values 8.0 60.0) [ "10"; "20"; "50" ] "few"
                Expect.isLessThan (values 1e-12 1e12).Length 13 "not too many"
            }

            test "a figure shows its titles, numbers and names, and no text lies on another" {
                let drawing =
                    figure
                        (Axis.linear "Energy [GeV]" |> Axis.within 0.0 100.0)
                        (Axis.logarithmic "Density")
                        [
                            for i in 0..7 do
                                Series.line $"series number {i}" (Palette.at i) [ 0.0, 0.001; 50.0, 10.0; 100.0, nan ]
                        ]
                    |> FigureDrawing.draw FigureDrawing.size

                let svg = Renderer.svg drawing

                for text in [ "Energy [GeV]"; "Density"; "series number 7"; "100"; "0.001" ] do
                    Expect.stringContains svg text "text"

                Expect.isEmpty (overlaps drawing) "overlaps"

                for text in texts 0.0 0.0 drawing.Shapes do
                    if not text.Upwards then
                        let left, right = span text
                        Expect.isTrue (left >= 0.0 && right <= drawing.Width && text.Y <= drawing.Height) text.Content
            }

            test "words stand along an axis in their order, with error bars" {
                let series =
                    { Series.points "values" Palette.blue [] with
                        X = Places.Categories [ "photon"; "pion"; "kaon" ]
                        Y = [ 1.0; 2.0; nan ]
                        Low = [ 0.5; nan; nan ]
                        High = [ 1.5; nan; nan ]
                    }

                let drawing =
                    figure (Axis.linear "Species") (Axis.linear "Value") [ series ]
                    |> FigureDrawing.draw (400.0, 300.0)

                let places =
                    texts 0.0 0.0 drawing.Shapes
                    |> List.filter (fun text -> text.Content.EndsWith "on")
                    |> List.map _.Content

                Expect.equal places [ "photon"; "pion"; "kaon" ] "words"

                let symbols, bars =
                    let content =
                        drawing.Shapes
                        |> List.collect (function
                            | Shape.Clipped(_, content) -> content
                            | _ -> [])

                    content
                    |> List.filter (function
                        | Shape.Symbol _ -> true
                        | _ -> false)
                    |> List.length,
                    content
                    |> List.filter (function
                        | Shape.Line _ -> true
                        | _ -> false)
                    |> List.length

                Expect.equal symbols 2 "points that are numbers"
                Expect.equal bars 3 "one error bar: a line and two caps"
            }

            test "nothing, one point, and values that no logarithm has can be drawn" {
                for axis in [ Axis.linear "y"; Axis.logarithmic "y" ] do
                    for series in
                        [
                            []
                            [ Series.line "empty" Palette.blue [] ]
                            [ Series.line "one" Palette.blue [ 1.0, 1.0 ] ]
                            [ Series.line "zero" Palette.blue [ 0.0, 0.0; 1.0, -1.0 ] ]
                            [ Series.points "nothing" Palette.blue [ nan, nan; infinity, 1.0 ] ]
                        ] do
                        let picture =
                            figure axis axis series
                            |> FigureDrawing.draw (300.0, 200.0)
                            |> Renderer.picture 1.0

                        Expect.equal (pixelsOf picture).Length 200 "rows"
            }

            test "tiles keep their sizes" {
                let page width =
                    {
                        Title = "x"
                        Width = width
                        Height = 50.0
                        Shapes = []
                    }

                let tiled = Drawing.tiled 2 "title" [ page 100.0; page 120.0; page 90.0 ]
                Expect.equal (tiled.Width, tiled.Height) (220.0, 134.0) "size"
            }
        ]

[<Tests>]
let tests = testList "drawing" [ layoutTests; figureTests ]
