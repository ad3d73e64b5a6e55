namespace Pruning.Model.Drawing

/// A trackster as a drawing, for files and TensorBoard.
[<RequireQualifiedAccess>]
module EventDrawing =

    let private marker (group: MarkGroup) (colour: string) (x: float, y: float, diameter: float) : Shape =
        Shape.Symbol
            {
                Symbol = group.Symbol
                X = x
                Y = y
                Diameter = diameter
                Fill = if group.Hollow then None else Some colour
                // Neighbours of one colour stay apart.
                Edge = Some(if group.Hollow then Stroke.solid colour 1.4 else Stroke.solid Palette.paper 0.6)
            }

    let private panel (layout: EventLayout) (panel: EventPanel) : Shape list =
        let groups = List.toArray layout.Groups

        Panel.draw
            panel.Box
            panel.Across
            panel.Up
            false
            [
                for from, towards in panel.Links do
                    Shape.Line([ from; towards ], Stroke.solid Palette.link 1.0)

                for mark, place in List.zip layout.Marks panel.Places do
                    marker groups[mark.Group] mark.Colour place
            ]

    let private scaleOfScores (left: float) (y: float) : Shape list =
        [
            for i in 0..99 do
                let box =
                    {
                        Left = left + 2.0 * float i
                        Top = y - 6.0
                        Width = 2.2
                        Height = 12.0
                    }

                Shape.Rectangle(box, Some(Palette.viridis (float i / 99.0)), None)

            Shape.Text(Text.at (left + 210.0) (y + 5.0) 14.0 "probability of prune, from 0 to 1")
        ]

    let private legend (layout: EventLayout) (left: float) (width: float) : Shape list =
        match layout.Colouring with
        | Colouring.Score -> scaleOfScores left 56.0
        | _ ->
            [
                for group in layout.Groups do
                    {
                        Sample = [ marker group group.Colour (0.0, 0.0, 12.0) ]
                        Reach = 7.0
                        Label = $"{group.Name} ({group.Count})"
                    }
            ]
            |> LegendRows.draw left 56.0 width
            |> fst

    let private heading (title: string) (note: string) (width: float) : Shape list =
        let size = 16.0
        let reserved = if note = "" then 0.0 else Lettering.width size note + 20.0

        [
            Shape.Text(Text.at 20.0 28.0 size (Lettering.fit size (width - 40.0 - reserved) title))
            if note <> "" then
                Shape.Text
                    { Text.at (width - 20.0) 28.0 size note with
                        Anchor = Anchor.End
                        Colour = Palette.grey
                    }
        ]

    /// The page of a layout: title, legend, panels.
    let draw (layout: EventLayout) : Drawing =
        let left, right = 75.0, layout.Width - 20.0

        {
            Title = layout.Title
            Width = layout.Width
            Height = layout.Height
            Shapes =
                heading layout.Title layout.Note layout.Width
                @ legend layout left (right - left)
                @ List.collect (panel layout) layout.Panels
        }

    /// A trackster with its labels on the left, and what pruning leaves of it on the right. Both sides show the projection in
    /// which it is wider. A network prunes if there is one, else the labels.
    let beforeAfter (view: EventView) : Drawing =
        let projection = [ EventLayout.wider view ]

        let side title colouring =
            { EventLayout.create colouring projection view with
                Title = title
                Note = ""
            }

        let nodes = view.Labels.Length
        let pruned = Seq.init nodes (EventView.isPruned view) |> Seq.filter id |> Seq.length
        let before = draw (side $"Before pruning: {nodes} layer clusters" Colouring.Label)
        let after = draw (side $"After pruning: {nodes - pruned} layer clusters" Colouring.Pruned)
        let band = 34.0
        let width = before.Width + after.Width

        {
            Title = view.Title
            Width = width
            Height = band + before.Height
            Shapes =
                heading view.Title view.Note width
                @ [ Shape.Moved(0.0, band, before.Shapes); Shape.Moved(before.Width, band, after.Shapes) ]
        }
