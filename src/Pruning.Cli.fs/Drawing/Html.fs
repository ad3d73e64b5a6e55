namespace Pruning.Cli.Drawing

/// Texts of others inside a page.
[<RequireQualifiedAccess>]
module Html =

    /// A text as it may stand in HTML, in an attribute too. Plotly takes a little HTML in names and labels: they want this
    /// as well.
    let escape (text: string) : string =
        text
            .Replace("&", "&amp;")
            .Replace("<", "&lt;")
            .Replace(">", "&gt;")
            .Replace("\"", "&quot;")
            .Replace("'", "&#39;")
