namespace Pruning.Model.Drawing

open System.Globalization
open Pruning.Model.Metrics

/// Decisions against labels as a table of two rows and two columns.
[<RequireQualifiedAccess>]
module ConfusionDrawing =

    let private left, private top, private cellWidth, private cellHeight = 100.0, 60.0, 150.0, 110.0
    let private size = 16.0

    let private words (x: float) (y: float) (colour: string) (words: string) : Shape =
        Shape.Text
            { Text.at x y size words with
                Anchor = Anchor.Middle
                Colour = colour
            }

    /// A cell: its count, and the share of the label that it is. The more, the darker.
    let private cell (column: int) (row: int) (count: int64) (other: int64) : Shape list =
        let share = if count + other = 0L then 0.0 else float count / float (count + other)
        let x, y = left + float column * cellWidth, top + float row * cellHeight

        let box =
            {
                Left = x
                Top = y
                Width = cellWidth - 2.0
                Height = cellHeight - 2.0
            }

        let ink = if share > 0.5 then Palette.paper else Palette.ink
        let middle = x + cellWidth / 2.0
        let percent = (100.0 * share).ToString("0.0", CultureInfo.InvariantCulture)

        [
            Shape.Rectangle(box, Some(Palette.mix Palette.pale Palette.blue share), None)
            words middle (y + 50.0) ink (count.ToString("#,0", CultureInfo.InvariantCulture))
            words middle (y + 76.0) ink (percent + "%")
        ]

    /// Rows are labels, columns are decisions.
    let draw (counts: Confusion) : Drawing =
        let right, lower = left + cellWidth, top + cellHeight

        {
            Title = "Decisions against labels"
            Width = 420.0
            Height = 300.0
            Shapes =
                [
                    yield! cell 0 0 counts.KeptRightly counts.PrunedWrongly
                    yield! cell 1 0 counts.PrunedWrongly counts.KeptRightly
                    yield! cell 0 1 counts.KeptWrongly counts.PrunedRightly
                    yield! cell 1 1 counts.PrunedRightly counts.KeptWrongly
                    words right 24.0 Palette.ink "decision"
                    words (left + cellWidth / 2.0) 48.0 Palette.ink "keep"
                    words (right + cellWidth / 2.0) 48.0 Palette.ink "prune"
                    words 50.0 48.0 Palette.ink "label"
                    words 50.0 (top + cellHeight / 2.0 + 5.0) Palette.ink "keep"
                    words 50.0 (lower + cellHeight / 2.0 + 5.0) Palette.ink "prune"
                ]
        }
