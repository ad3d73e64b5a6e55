namespace Pruning.Cli.Drawing

open System.IO
open System.Text
open Pruning.Model.Drawing

/// What stands in a page, from top to bottom. Texts are taken literally.
[<RequireQualifiedAccess>]
type Block =
    | Heading of string
    | Paragraph of string
    /// Column titles with "is a number", then rows.
    | Table of (string * bool) list * string list list
    /// Text in its own lines and in letters of one width.
    | Listing of string
    | Figure of Figure
    /// A plot that no figure describes: id, caption, and Plotly's JSON.
    | Plot of id: string * caption: string * json: string

/// Pages that are one file: plotly.js stands in them, and their policy lets them ask no network for anything.
[<RequireQualifiedAccess>]
module Page =

    // plotly.js is a resource of the assembly of Plotly.NET.
    let private plotly () : string =
        let assembly = typeof<Plotly.NET.GenericChart>.Assembly

        let name =
            assembly.GetManifestResourceNames()
            |> Array.find (fun name -> name.Contains "plotly-" && name.EndsWith ".min.js")

        use stream = assembly.GetManifestResourceStream name |> nonNull
        use reader = new StreamReader(stream)
        reader.ReadToEnd()

    let private style =
        "body{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;font-size:16px;line-height:1.45;color:#222;max-width:1240px;margin:2em \
         auto;padding:0 1.2em}"
        + "h1{font-size:1.7em}h2{font-size:1.3em;margin-top:2.2em;border-bottom:1px solid #ccc;padding-bottom:.2em}"
        + "table{border-collapse:collapse;font-size:.84em;display:block;overflow-x:auto}th,td{padding:.25em .55em;border-bottom:1px solid \
         #e2e2e2;text-align:left;white-space:pre;vertical-align:top}"
        + "th{border-bottom:2px solid #888}.n{text-align:right;font-variant-numeric:tabular-nums}"
        + "pre{background:#f6f6f6;padding:1em;overflow-x:auto;font-size:.85em}figure{margin:1.5em \
         0}figcaption{color:#444;font-size:.92em;max-width:60em}"

    /// JSON inside a script: no `<` is left that could end the script or begin a comment.
    let private inScript (json: string) : string =
        json.Replace("<", "\\u003c").Replace("\u2028", "\\u2028").Replace("\u2029", "\\u2029")

    let private plot (line: string -> unit) (id: string) (caption: string) (json: string) : unit =
        line
            $"<figure><div class=\"plot\" id=\"{Html.escape id}\"></div><figcaption>{Html.escape caption}</figcaption></figure>"

        line
            $"<script>(function(){{var f={inScript json};Plotly.newPlot('{Html.escape id}',f.data,f.layout,{{responsive:true,displaylogo:false,toImageButtonOptions:{{format:'svg'}}}});}})();</script>"

    let private block (text: StringBuilder) (block: Block) : unit =
        let add (part: string) = text.Append part |> ignore
        let line (part: string) = text.Append(part).Append('\n') |> ignore

        match block with
        | Block.Heading words -> line $"<h2>{Html.escape words}</h2>"
        | Block.Paragraph words -> line $"<p>{Html.escape words}</p>"
        | Block.Listing words -> line $"<pre>{Html.escape words}</pre>"
        | Block.Table(columns, rows) ->
            let cell tag (words: string) isNumber =
                let numeric = if isNumber then " class=\"n\"" else ""
                add $"<{tag}{numeric}>{Html.escape words}</{tag}>"

            add "<table><tr>"

            for title, isNumber in columns do
                cell "th" title isNumber

            line "</tr>"

            for row in rows do
                add "<tr>"

                for words, (_, isNumber) in List.zip row columns do
                    cell "td" words isNumber

                line "</tr>"

            line "</table>"
        | Block.Figure figure -> plot line figure.Id figure.Caption (PlotlyFigure.toJson figure)
        | Block.Plot(id, caption, json) -> plot line id caption json

    /// A whole page.
    let toHtml (title: string) (blocks: Block list) : string =
        let text = StringBuilder()
        let line (part: string) = text.Append(part).Append('\n') |> ignore
        line "<!DOCTYPE html>"
        line "<html lang=\"en\"><head><meta charset=\"utf-8\">"

        // Nothing is fetched, whatever a file's name or plotly.js would like.
        line
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; \
             style-src 'unsafe-inline'; img-src data: blob:\">"

        line "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
        line $"<title>{Html.escape title}</title><style>{style}</style>"
        line $"<script>{plotly ()}</script>"
        line $"</head><body><h1>{Html.escape title}</h1>"
        blocks |> List.iter (block text)
        line "</body></html>"
        string text

    let ofFigure (figure: Figure) : Block = Block.Figure figure

    /// The figures of a page, which may also be drawn into files.
    let figures (blocks: Block list) : Figure list =
        blocks
        |> List.choose (function
            | Block.Figure figure -> Some figure
            | _ -> None)
