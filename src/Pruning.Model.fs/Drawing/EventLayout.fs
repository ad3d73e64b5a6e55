namespace Pruning.Model.Drawing

open System

/// Layer clusters that look alike in a picture.
type MarkGroup =
    {
        Name: string
        Colour: string
        Symbol: Symbol
        /// Drawn as an outline.
        Hollow: bool
        Count: int
    }

/// A layer cluster in a picture.
type EventMark =
    {
        Node: int
        /// cm from the interaction point.
        X: float
        Y: float
        Z: float
        /// Diameter over that of the node with the most energy: areas go with the energy.
        Share: float
        /// Index of its group.
        Group: int
        Colour: string
        /// Probability of prune; NaN without a network.
        Probability: float
        /// What a pointer over it shows, in lines.
        Details: string list
    }

/// The transverse coordinate that a panel shows against z.
[<RequireQualifiedAccess>]
type Projection =
    | X
    | Y

/// A projection on the page. Places are in points.
type EventPanel =
    {
        Projection: Projection
        Box: Box
        /// z.
        Across: PanelAxis
        /// x or y.
        Up: PanelAxis
        /// One a mark, in the order of the marks: (x, y) and diameter.
        Places: (float * float * float) list
        /// One a link.
        Links: ((float * float) * (float * float)) list
    }

/// A trackster laid out: pages, files and TensorBoard show this. Marks and links do not depend on how nodes are numbered.
type EventLayout =
    {
        Title: string
        Note: string
        Colouring: Colouring
        /// Groups that have marks. Their counts add up to the number of nodes.
        Groups: MarkGroup list
        /// One a node. Large ones come first, so that none hides a smaller one.
        Marks: EventMark list
        /// Indices into Marks.
        Links: (int * int) list
        Panels: EventPanel list
        /// Size of the page in points.
        Width: float
        Height: float
    }

[<RequireQualifiedAccess>]
module EventLayout =

    let axisTitle (projection: Projection option) : string =
        match projection with
        | None -> "z [cm]"
        | Some Projection.X -> "x [cm]"
        | Some Projection.Y -> "y [cm]"

    let private checkLengths (view: EventView) : unit =
        let nodes = view.Labels.Length

        let lengths =
            [
                view.X.Length
                view.Y.Length
                view.Z.Length
                view.Energy.Length
                view.Details.Length
                view.Margins |> Option.map _.Length |> Option.defaultValue nodes
            ]

        if lengths |> List.exists ((<>) nodes) then
            invalidArg (nameof view) $"Cannot draw the trackster: {nodes} labels, but arrays of {lengths} nodes."

    /// Which groups there may be, and which one a node is in.
    let private classify (view: EventView) (colouring: Colouring) : MarkGroup list * (int -> int) =
        let group name colour symbol hollow =
            {
                Name = name
                Colour = colour
                Symbol = symbol
                Hollow = hollow
                Count = 0
            }

        let pruned = EventView.isPruned view

        let outcome hollow =
            [
                group "correctly kept" Palette.blue Symbol.Circle false
                group "wrongly kept" Palette.purple Symbol.Square false
                group "correctly pruned" Palette.green Symbol.Diamond hollow
                group "wrongly pruned" Palette.vermilion Symbol.Cross hollow
            ],
            fun node ->
                match view.Labels[node], pruned node with
                | false, false -> 0
                | true, false -> 1
                | true, true -> 2
                | false, true -> 3

        match colouring with
        | Colouring.Label ->
            [
                group "label keep" Palette.blue Symbol.Circle false
                group "label prune" Palette.vermilion Symbol.Diamond false
            ],
            fun node -> if view.Labels[node] then 1 else 0
        | Colouring.Decision -> outcome false
        | Colouring.Score -> [ group "layer clusters" Palette.blue Symbol.Circle false ], (fun _ -> 0)
        | Colouring.Pruned when view.Margins.IsSome -> outcome true
        | Colouring.Pruned ->
            [ group "kept" Palette.blue Symbol.Circle false; group "pruned" Palette.grey Symbol.Diamond true ],
            fun node -> if pruned node then 1 else 0

    let private marksOf (view: EventView) (colouring: Colouring) : MarkGroup list * EventMark list =
        let possible, groupOf = classify view colouring
        let chosen = Array.init view.Labels.Length groupOf

        let counted =
            possible
            |> List.mapi (fun i group ->
                i,
                { group with
                    Count = chosen |> Array.filter ((=) i) |> Array.length
                })
            |> List.filter (fun (_, group) -> group.Count > 0)

        let places = Map(counted |> List.mapi (fun place (i, _) -> i, place))
        let most = view.Energy |> Array.fold max 1e-9

        let mark node =
            let probability = EventView.probability view node

            {
                Node = node
                X = view.X[node]
                Y = view.Y[node]
                Z = view.Z[node]
                Share = sqrt (max 0.0 view.Energy[node] / most)
                Group = places[chosen[node]]
                Colour =
                    match colouring with
                    | Colouring.Score -> Palette.viridis probability
                    | _ -> possible[chosen[node]].Colour
                Probability = probability
                Details = view.Details[node]
            }

        List.map snd counted,
        List.init view.Labels.Length mark
        |> List.sortBy (fun mark -> -mark.Share, mark.Z, mark.X, mark.Y, mark.Group, mark.Colour)

    /// Links between marks, in an order that depends on places only. Pruning takes a node's links with it.
    let private linksOf (view: EventView) (colouring: Colouring) (marks: EventMark list) : (int * int) list =
        let places = Array.zeroCreate view.Labels.Length
        marks |> List.iteri (fun place mark -> places[mark.Node] <- place)
        let isGone node = colouring = Colouring.Pruned && EventView.isPruned view node
        let ordered = List.toArray marks
        let position place = ordered[place].Z, ordered[place].X, ordered[place].Y

        [
            for a, b in view.Links do
                if not (isGone a || isGone b) then
                    min places[a] places[b], max places[a] places[b]
        ]
        |> List.sortBy (fun (a, b) -> position a, position b)

    let private top, private panelWidth, private panelHeight = 80.0, 410.0, 400.0

    /// The range of some coordinates with a margin; around 0 without any.
    let private spread (values: float list) : float * float =
        match values with
        | [] -> -1.0, 1.0
        | _ ->
            let low, high = List.min values, List.max values
            let margin = max 1.0 (0.08 * (high - low))
            low - margin, high + margin

    let private axis title (low, high) (from: float) (towards: float) : PanelAxis =
        {
            Title = title
            Scale =
                {
                    Low = low
                    High = high
                    Logarithmic = false
                    From = from
                    To = towards
                }
            Ticks = Ticks.linear low high
        }

    let private leastDiameter, private largestDiameter = 4.5, 26.0

    let private panel
        (marks: EventMark list)
        (links: (int * int) list)
        (index: int)
        (projection: Projection)
        : EventPanel =
        let value mark =
            match projection with
            | Projection.X -> mark.X
            | Projection.Y -> mark.Y

        let box =
            {
                Left = 75.0 + 495.0 * float index
                Top = top
                Width = panelWidth
                Height = panelHeight
            }

        let across = axis (axisTitle None) (spread (marks |> List.map _.Z)) box.Left box.Right
        let up = axis (axisTitle (Some projection)) (spread (marks |> List.map value)) box.Bottom box.Top

        let places =
            [
                for mark in marks do
                    Scale.place across.Scale mark.Z,
                    Scale.place up.Scale (value mark),
                    max leastDiameter (largestDiameter * mark.Share)
            ]

        let at = places |> List.map (fun (x, y, _) -> x, y) |> List.toArray

        {
            Projection = projection
            Box = box
            Across = across
            Up = up
            Places = places
            Links = links |> List.map (fun (a, b) -> at[a], at[b])
        }

    /// Lays a trackster out with a panel for each projection, side by side.
    let create (colouring: Colouring) (projections: Projection list) (view: EventView) : EventLayout =
        checkLengths view
        let groups, marks = marksOf view colouring
        let links = linksOf view colouring marks

        {
            Title = view.Title
            Note = view.Note
            Colouring = colouring
            Groups = groups
            Marks = marks
            Links = links
            Panels = projections |> List.mapi (panel marks links)
            Width = 10.0 + 495.0 * float (max 1 projections.Length)
            Height = 560.0
        }

    /// Both projections.
    let both = [ Projection.X; Projection.Y ]

    /// The projection in which a trackster is wider.
    let wider (view: EventView) : Projection =
        let width (values: float[]) = if values.Length = 0 then 0.0 else Array.max values - Array.min values
        if width view.X >= width view.Y then Projection.X else Projection.Y
