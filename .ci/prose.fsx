// prose: is the text of this repository easy to read, and do its links lead somewhere?
//
// Run:     dotnet fsi .ci/prose.fsx               checks every page, help text, error text and link
//          dotnet fsi .ci/prose.fsx --means       the same, and prints the mean of every page
// Prints:  a line for each finding, with file, line and sentence, then a summary.
// Exits:   0 without findings, 1 with some, 2 if the script does not find the faults of its own samples.
//
// Rules: the mean sentence of a page has at most 18 words and none has more than 35. A page has at most 200 lines of at most 140
// columns. Code blocks, headings, inline code and link targets do not count. Cells of tables count for the longest sentence only.
// The help text of a verb is a page. The error texts of a project are a page.

open System
open System.Diagnostics
open System.IO
open System.Text
open System.Text.RegularExpressions

let mostMeanWords, mostWords, mostLines, mostColumns = 18.0, 35, 200, 140
let repository = Path.GetFullPath(Path.Combine(__SOURCE_DIRECTORY__, ".."))

type Sentence =
    {
        Page: string
        Line: int
        Text: string
        Words: int
        /// False in a cell of a table: cells would make every mean small.
        CountsForMean: bool
    }

/// Text with the line on which each of its characters stands.
type Passage =
    {
        Lines: (int * string) list
        IsCell: bool
    }

// ------------------------------------------------------------------------------------------------ Sentences of a passage

let abbreviations =
    set
        [
            "e.g."
            "i.e."
            "cf."
            "vs."
            "al."
            "etc."
            "approx."
            "Fig."
            "Eq."
            "Sec."
            "Ref."
            "No."
            "ca."
        ]

let isWord (token: string) = token |> Seq.exists Char.IsLetterOrDigit

/// Whether a sentence ends with this token, given the token after it. Three dots end one only before a capital letter.
let endsSentence (token: string) (next: string option) : bool =
    let bare = token.TrimEnd('"', '\'', ')', ']', '*', '_', '”')

    let isLower (text: string) =
        let first = text.TrimStart('"', '\'', '(', '[', '*', '_', '“')
        first <> "" && Char.IsLower first[0]

    bare.Length > 0
    && ".!?".Contains bare[bare.Length - 1]
    && not (abbreviations.Contains bare)
    && not (bare.EndsWith "..." && Option.exists isLower next)

let sentences (page: string) (passage: Passage) : Sentence list =
    let tokens =
        [
            for line, text in passage.Lines do
                for token in text.Split([| ' '; '\t' |], StringSplitOptions.RemoveEmptyEntries) do
                    line, token
        ]

    let rec split (current: (int * string) list) (rest: (int * string) list) =
        [
            match rest with
            | [] ->
                if not current.IsEmpty then
                    List.rev current
            | (line, token) :: later ->
                let next = later |> List.tryHead |> Option.map snd

                if endsSentence token next then
                    List.rev ((line, token) :: current)
                    yield! split [] later
                else
                    yield! split ((line, token) :: current) later
        ]

    [
        for sentence in split [] tokens do
            let words = sentence |> List.filter (snd >> isWord) |> List.length

            if words > 0 then
                {
                    Page = page
                    Line = fst sentence.Head
                    Text = sentence |> List.map snd |> String.concat " "
                    Words = words
                    CountsForMean = not passage.IsCell
                }
    ]

// ------------------------------------------------------------------------------------------------------------- Markdown

/// Stands between the lines of a paragraph while it is one text.
let private mark = "\u0001"

/// Inline code and formulas are one word, a link is its text, and an address is one word.
let plain (text: string) : string =
    let replace (pattern: string) (by: string) (text: string) = Regex.Replace(text, pattern, by)

    text
    |> fun text ->
        Regex.Replace(text, "`[^`]*`", fun code -> if code.Value.Contains mark then $"Code {mark} " else "Code")
    |> replace @"!?\[([^\]]*)\]\([^)]*\)" "$1"
    |> replace @"<https?://[^>]*>|https?://\S+" "Address"
    |> replace @"<[^>]+>" " "
    |> replace @"\*\*|__" ""

let private isTable (line: string) = line.TrimStart().StartsWith '|'
let private isHeading (line: string) = Regex.IsMatch(line, @"^#{1,6}\s")
let private isItem (line: string) = Regex.IsMatch(line, @"^\s*([-*+]|\d+[.)])\s")
let private isFence (line: string) = Regex.IsMatch(line, @"^\s*(```|~~~)")

/// Lines outside of code blocks, with their numbers from 1. Lines inside are empty: they still end a paragraph.
let withoutCode (lines: string array) : (int * string) list =
    let rec walk fenced inItem afterBlank index =
        [
            if index < lines.Length then
                let line = lines[index]
                let blank = String.IsNullOrWhiteSpace line
                let indented = line.StartsWith "    " && afterBlank && not inItem && not blank
                let code = fenced || isFence line || indented
                index + 1, (if code then "" else line)
                let fenced = if isFence line then not fenced else fenced
                let inItem = isItem line || (inItem && (blank || line.StartsWith ' '))
                yield! walk fenced inItem (blank || indented) (index + 1)
        ]

    walk false false true 0

let cells (number: int) (line: string) : Passage list =
    if Regex.IsMatch(line, @"^[\s|:-]*$") then
        []
    else
        let inner = (plain line).Replace("\\|", "/").Trim().Trim('|')

        [
            for cell in inner.Split '|' ->
                {
                    Lines = [ (number, cell) ]
                    IsCell = true
                }
        ]

/// Paragraphs, list items and cells of a page.
let passages (lines: string array) : Passage list =
    let close (open': (int * string) list) =
        match List.rev open' with
        | [] -> []
        | lines ->
            // Code and links may go over the end of a line: marks between the lines keep the numbers.
            let joined = lines |> List.map snd |> String.concat $" {mark} "
            let pieces = (plain joined).Split mark

            [
                {
                    Lines = [ for i, piece in Array.indexed pieces -> fst lines[min i (lines.Length - 1)], piece ]
                    IsCell = false
                }
            ]

    let rec walk open' rest =
        [
            match rest with
            | [] -> yield! close open'
            | (number, line: string) :: later when isTable line ->
                yield! close open'
                yield! cells number line
                yield! walk [] later
            | (_, line) :: later when String.IsNullOrWhiteSpace line || isHeading line ->
                yield! close open'
                yield! walk [] later
            | (number, line) :: later when isItem line ->
                yield! close open'
                yield! walk [ (number, Regex.Replace(line, @"^\s*([-*+]|\d+[.)])\s", "")) ] later
            | (number, line) :: later -> yield! walk ((number, line.TrimStart('>', ' ')) :: open') later
        ]

    walk [] (withoutCode lines)

// ------------------------------------------------------------------------------------------------------------ Help texts

/// Paragraphs and descriptions of a help text. Usage lines, headings of groups, names of options and example commands are left out.
let helpPassages (text: string) : Passage list =
    let description (line: string) =
        if
            Regex.IsMatch(line, @"^  -{1,2}\w")
            || Regex.IsMatch(line, @"^  [a-z][\w-]*\s{2,}\S")
        then
            // The description stands after the name, behind two blanks or more.
            let found = Regex.Match(line, @"^  \S.*?\s{2,}(\S.*)$")
            Some(if found.Success then found.Groups[1].Value else "")
        elif Regex.IsMatch(line, @"^      \S") && line.Length - line.TrimStart().Length < 12 then
            Some line
        else
            None

    let rec walk (open': (int * string) list) (rest: (int * string) list) =
        let close () =
            if open'.IsEmpty then
                []
            else
                [
                    {
                        Lines = List.rev open'
                        IsCell = false
                    }
                ]

        [
            match rest with
            | [] -> yield! close ()
            | (_, line) :: later when
                String.IsNullOrWhiteSpace line
                || line.StartsWith "Usage:"
                || Regex.IsMatch(line, @"^\S.*:$")
                || Regex.IsMatch(line, @"^  graph-pruning ")
                ->
                yield! close ()
                yield! walk [] later
            | (number, line) :: later ->
                match description line with
                | Some text ->
                    yield! close ()
                    yield! walk [ (number, text) ] later
                | None -> yield! walk ((number, line) :: open') later
        ]

    walk
        []
        (List.indexed (List.ofArray (text.Split '\n'))
         |> List.map (fun (i, line) -> i + 1, line))

let run (arguments: string list) : string =
    let start =
        ProcessStartInfo(Path.Combine(repository, "graph-pruning"), arguments, RedirectStandardOutput = true)

    use child = nonNull (Process.Start start)
    let text = child.StandardOutput.ReadToEnd()
    child.WaitForExit()

    if child.ExitCode <> 0 then
        let words = String.concat " " arguments
        eprintfn $"graph-pruning {words} ended with exit code {child.ExitCode}."
        exit 1

    text

let helpTexts () : (string * string) list =
    let overview = run [ "--help" ]

    let verbs =
        [
            for found in Regex.Matches(overview, @"^  ([a-z]+) {2,}\S", RegexOptions.Multiline) -> found.Groups[1].Value
        ]

    ("graph-pruning --help", overview)
    :: [ for verb in verbs -> $"graph-pruning {verb} --help", run [ verb; "--help" ] ]

// ----------------------------------------------------------------------------------------------------------- Error texts

/// What a lexer of F# and C# sees that only cares for texts: code with a mark for each text, and the texts.
type Literal = { Line: int; Text: string }

let private openers =
    Regex
        @"^(?:\$+@?|@\$?)?""""""|^(?:\$@|@\$|\$|@)?""|^//[^\n]*|^/\*[\s\S]*?\*/|^\(\*[\s\S]*?\*\)|^'(?:\\.[^']*|[^'\\\n])'"

/// The end of a text that begins at `start` (after its opening quotes), and its content with {...} as one word.
let private literal (code: string) (start: int) (interpolated: bool) (verbatim: bool) (raw: bool) : int * string =
    let content = StringBuilder()
    let mutable at, depth, ended = start, 0, false

    while not ended && at < code.Length do
        let rest = code.AsSpan at

        if depth = 0 && raw && rest.StartsWith "\"\"\"" then
            at <- at + 3
            ended <- true
        elif depth = 0 && not raw && verbatim && rest.StartsWith "\"\"" then
            content.Append '"' |> ignore
            at <- at + 2
        elif depth = 0 && not raw && code[at] = '"' then
            at <- at + 1
            ended <- true
        elif not raw && not verbatim && code[at] = '\\' then
            content.Append ' ' |> ignore
            at <- at + 2
        elif interpolated && depth = 0 && rest.StartsWith "{{" then
            at <- at + 2
        elif depth > 0 && code[at] = '"' then
            let closing = code.IndexOf('"', at + 1) // a text within {...}
            at <- if closing < 0 then code.Length else closing + 1
        elif interpolated && code[at] = '{' then
            depth <- depth + 1
            at <- at + 1
        elif interpolated && depth > 0 && code[at] = '}' then
            depth <- depth - 1

            if depth = 0 then
                content.Append 'X' |> ignore

            at <- at + 1
        else
            if depth = 0 then
                content.Append code[at] |> ignore

            at <- at + 1

    at, content.ToString()

/// Code in which each text is \u0002, comments are gone, and lines stay; and the texts in their order.
let lex (code: string) : string * Literal list =
    let kept = StringBuilder()
    let texts = ResizeArray<Literal>()
    let mutable at, line = 0, 1

    let pass (from: int) (until: int) =
        for i in from .. until - 1 do
            if code[i] = '\n' then
                line <- line + 1
                kept.Append '\n' |> ignore

    while at < code.Length do
        let found =
            if "\"$@/('".Contains code[at] then
                openers.Match(code.Substring(at, min 4000 (code.Length - at)))
            else
                Match.Empty

        if found.Success && Regex.IsMatch(found.Value, "^[$@]*\"+$") then
            let prefix = found.Value.TrimEnd '"'
            let raw = found.Value.EndsWith "\"\"\""
            let first = line

            let until, text = literal code (at + found.Length) (prefix.Contains '$') (prefix.Contains '@') raw

            kept.Append '\u0002' |> ignore
            texts.Add { Line = first; Text = text }
            pass at until
            at <- until
        elif found.Success then
            pass at (at + found.Length)
            at <- at + found.Length
        else
            if code[at] = '\n' then
                line <- line + 1

            kept.Append code[at] |> ignore
            at <- at + 1

    kept.ToString(), List.ofSeq texts

let private throwsInCSharp = Regex @"\bthrow\b"

let private throwsInFSharp =
    Regex @"\b(raise|failwith|failwithf|invalidArg|invalidOp|fail|refuse|\w+Exception)\b"

let private balance (text: string) =
    text
    |> Seq.sumBy (fun c ->
        match c with
        | '('
        | '['
        | '{' -> 1
        | ')'
        | ']'
        | '}' -> -1
        | _ -> 0)

/// The lines of the statement that begins on line `first`.
let private statement (isFSharp: bool) (lines: string array) (first: int) : int =
    let indent (line: string) = line.Length - line.TrimStart().Length

    let rec last (depth: int) (index: int) =
        let depth = depth + balance lines[index]

        let isOver =
            index + 1 >= lines.Length
            || (if isFSharp then
                    depth <= 0 && indent lines[index + 1] <= indent lines[first]
                else
                    depth <= 0 && lines[index].TrimEnd().EndsWith ';'
                    || lines[index].TrimEnd().EndsWith "};")

        if isOver || index - first > 30 then index else last depth (index + 1)

    last 0 first

/// Texts of exceptions. Texts that are joined by + are one.
let errorPassages (isFSharp: bool) (code: string) : Passage list =
    let kept, texts = lex code
    let lines = kept.Split '\n'
    let throws = if isFSharp then throwsInFSharp else throwsInCSharp

    let wanted =
        [
            for index, line in Array.indexed lines do
                if throws.IsMatch line then
                    yield! [ index .. statement isFSharp lines index ]
        ]
        |> set

    let between = Regex.Split(kept, "\u0002") // the code before each text, and after the last

    let joined =
        (List.indexed texts, [])
        ||> List.foldBack (fun (i, text) later ->
            let isJoined = Regex.IsMatch(between[i + 1], @"^\s*\+\s*$")

            match later with
            | (head: Passage) :: tail when isJoined ->
                { head with
                    Lines = (text.Line, text.Text) :: head.Lines
                }
                :: tail
            | _ ->
                {
                    Lines = [ (text.Line, text.Text) ]
                    IsCell = false
                }
                :: later)

    [
        for passage in joined do
            let whole = passage.Lines |> List.map snd |> String.concat ""

            if
                wanted.Contains(fst passage.Lines.Head - 1)
                && whole.Trim().Split(' ').Length > 2
            then
                passage
    ]

// ------------------------------------------------------------------------------------------------------- Links and paths

let slug (heading: string) : string =
    let text = (Regex.Replace(heading, @"!?\[([^\]]*)\]\([^)]*\)", "$1")).Trim().ToLowerInvariant()

    String
        [|
            for c in text do
                if Char.IsLetterOrDigit c || c = '-' || c = '_' then
                    c
                elif c = ' ' then
                    '-'
        |]

/// The anchors of a page: its headings as GitHub names them.
let anchors (text: string) : Set<string> =
    let headings =
        [
            for _, line in withoutCode (text.Split '\n') do
                if isHeading line then
                    slug (line.TrimStart '#')
        ]

    [
        for name, same in List.groupBy id headings do
            for i in 0 .. same.Length - 1 -> if i = 0 then name else $"{name}-{i}"
    ]
    |> set

/// Dead links of a page. `tryRead` gives the text of a file, "" for a folder or a picture, None where there is nothing.
let deadLinks (tryRead: string -> string option) (page: string) (text: string) : string list =
    let folder = Path.GetDirectoryName page |> string

    [
        for number, line in withoutCode (text.Split '\n') do
            let line = Regex.Replace(line, "`[^`]*`", "")

            for found in Regex.Matches(line, @"\]\(([^)\s]+)[^)]*\)") do
                let target = found.Groups[1].Value

                if not (Regex.IsMatch(target, "^[a-z]+:")) then
                    let parts = target.Split '#'

                    let file =
                        if parts[0] = "" then
                            page
                        else
                            Path.GetFullPath(Path.Combine("/", folder, parts[0])).TrimStart '/'

                    match tryRead file with
                    | None -> $"{page}:{number}: the link {target} leads to no file."
                    | Some content when parts.Length > 1 && not ((anchors content).Contains parts[1]) ->
                        $"{page}:{number}: {file} has no heading for the link {target}."
                    | Some _ -> ()
    ]

/// Pages of the documentation that a source names and that do not exist.
let deadPaths (tryRead: string -> string option) (file: string) (text: string) : string list =
    [
        for index, line in Array.indexed (text.Split '\n') do
            for found in Regex.Matches(line, @"(?<![\w./-])(?:docs|benchmarks)/[\w./-]+\.md\b") do
                if (tryRead found.Value).IsNone then
                    $"{file}:{index + 1}: the page {found.Value} does not exist."
    ]

// -------------------------------------------------------------------------------------------------------------- Findings

let mean (found: Sentence list) : float =
    match found |> List.filter _.CountsForMean with
    | [] -> 0.0
    | counted -> counted |> List.averageBy (fun sentence -> float sentence.Words)

/// What is wrong with the sentences of one page.
let faults (page: string) (found: Sentence list) : string list =
    [
        for sentence in found do
            if sentence.Words > mostWords then
                $"{sentence.Page}:{sentence.Line}: a sentence of {sentence.Words} words, more than {mostWords}: {sentence.Text}"

        if mean found > mostMeanWords then
            $"{page}: a sentence has {mean found:F1} words in the mean, more than {mostMeanWords:F0}."
    ]

/// What is wrong with the shape of a page: its length, and lines that are too long. Tables and addresses cannot be wrapped.
let shapeFaults (page: string) (text: string) : string list =
    let lines = text.TrimEnd('\n').Split '\n'

    [
        if lines.Length > mostLines then
            $"{page}: {lines.Length} lines, more than {mostLines}."

        for number, line in withoutCode lines do
            if line.Length > mostColumns && not (isTable line) && not (line.Contains "](http") then
                $"{page}:{number}: {line.Length} columns, more than {mostColumns}."
    ]

let ofPage (page: string) (text: string) : Sentence list = text.Split '\n' |> passages |> List.collect (sentences page)

// ------------------------------------------------------------------------------------------------------------- Self-test

let private many (count: int) = String.concat " " (List.replicate count "word")

/// Samples of this script: each has a name, what the script finds, and what it must find.
let private samples: (string * string * string) list =
    let counts text =
        ofPage "p.md" text
        |> List.map (fun s -> $"{s.Line}:{s.Words}")
        |> String.concat " "

    let messages (found: string list) = found |> List.map (fun text -> text[..39]) |> String.concat " / "

    let errors isFSharp code =
        errorPassages isFSharp code
        |> List.collect (sentences "e")
        |> List.map (fun s -> $"{s.Line}:{s.Text}")
        |> String.concat " / "

    let help text =
        helpPassages text
        |> List.collect (sentences "h")
        |> List.map _.Text
        |> String.concat " / "

    let files = Map [ "docs/a.md", "# A title, of `code`\n## Twice\n## Twice\n"; "docs/b/c.md", "x" ]

    let dead text = deadLinks files.TryFind "docs/b/c.md" text |> List.length |> string

    [
        "two sentences on two lines", counts "One two three. Four\nfive.", "1:3 1:2"
        "decimals, abbreviations", counts "It takes 0.5 s, e.g. here. So.", "1:6 1:1"
        "values and three dots", counts "How it goes. one-pass: once. It is a ... and so on.", "1:3 1:2 1:6"
        "code is one word", counts "Run `a b c d` now.", "1:3"
        "code over the end of a line", counts "Run `a b\nc d` now. Stop.", "1:3 2:1"
        "a code block", counts "One.\n\n```sh\nnot a sentence\n```\n\nTwo.", "1:1 7:1"
        "an indented block", counts "One:\n\n    not a sentence\n\nTwo.", "1:1 5:1"
        "headings and link targets", counts "# Not a word\n\nA [link text](to/some-where.md).", "3:3"
        "items are passages", counts "- one two\n- three\n  four", "1:2 2:2"
        "cells", counts "| a b | c |\n|---|---|\n| `x` | d e f. G |", "1:2 1:1 3:1 3:3 3:1"
        "a long sentence",
        messages (faults "p.md" (ofPage "p.md" (many 36 + "."))),
        "p.md:1: a sentence of 36 words, more tha / p.md: a sentence has 36.0 words in the m"
        "a sentence at the limit", messages (faults "p.md" (ofPage "p.md" (many 18 + "."))), ""
        "a long page", messages (shapeFaults "p.md" (String.replicate 201 "x\n")), "p.md: 201 lines, more than 200."
        "a long line", messages (shapeFaults "p.md" (String.replicate 141 "x")), "p.md:1: 141 columns, more than 140."
        "help",
        help
            "Usage: x y\n\nIt works.\n\nGroup:\n  --a, --b N                what a does\n                            and b\n  --long-name \
             N\n                            more\n\nExamples:\n  graph-pruning x\n      an example",
        "It works. / what a does and b / more / an example"
        "errors of F#",
        errors
            true
            "let f x =\n    raise (\n        UsageException(\n            $\"a {x + \"n\"} b.\"\n            + \" C d e.\"))\nlet g \
             = \"no error at all\"",
        "4:a X b. / 5:C d e."
        "errors of C#",
        errors false "throw new E($\"a {b(\"}\")} c\" // \"x y z\"\n  + \" d\");\nvar s = \"no error at all\";",
        "1:a X c d"
        "links", dead "[a](../a.md) [b](../a.md#a-title-of-code) [c](../a.md#twice-1) [d](https://x)", "0"
        "dead links", dead "[a](a.md) [b](../a.md#nothing) `[c](c)`", "2"
        "dead paths", string (deadPaths files.TryFind "f.fs" "see docs/a.md, docs/none.md" |> List.length), "1"
    ]

let selfTest () =
    let failed = samples |> List.filter (fun (_, found, wanted) -> found <> wanted)

    for name, found, wanted in failed do
        eprintfn $"prose.fsx is broken, sample '{name}': found [{found}], wanted [{wanted}]"

    if not failed.IsEmpty then
        exit 2

// ------------------------------------------------------------------------------------------------------------ Everything

let relative (path: string) = Path.GetRelativePath(repository, path).Replace('\\', '/')

/// Files below a folder of the repository, without build results.
let filesOf (folder: string) (patterns: string list) : string list =
    let root = Path.Combine(repository, folder)

    [
        if Directory.Exists root then
            for pattern in patterns do
                for path in Directory.GetFiles(root, pattern, SearchOption.AllDirectories) do
                    let name = relative path

                    if not (Regex.IsMatch(name, "(^|/)(bin|obj|node_modules|\.build)/")) then
                        name
    ]
    |> List.sort

let read (name: string) = File.ReadAllText(Path.Combine(repository, name))

let tryRead (name: string) : string option =
    let path = Path.Combine(repository, name)

    if Directory.Exists path then Some ""
    elif not (File.Exists path) then None
    elif path.EndsWith ".md" then Some(File.ReadAllText path)
    else Some ""

selfTest ()

let pages =
    [ "README.md"; "CONTRIBUTING.md"; "CHANGELOG.md" ]
    @ filesOf "docs" [ "*.md" ]
    @ filesOf "benchmarks" [ "*.md" ]

let sources =
    [ "Directory.Build.props"; "Directory.Build.targets"; "graph-pruning"; "test.sh" ]
    @ ([ "src"; "tests"; "scripts"; "build"; "benchmarks" ]
       |> List.collect (fun folder -> filesOf folder [ "*.fs"; "*.cs"; "*.fsx"; "*.sh"; "*proj" ]))

let errorPage (file: string) = "errors of " + String.concat "/" (file.Split('/')[..1])

/// Every page with its sentences: Markdown, help texts, error texts.
let measured: (string * Sentence list) list =
    [
        for page in pages -> page, ofPage page (read page)

        for page, text in helpTexts () -> page, helpPassages text |> List.collect (sentences page)

        let errors =
            filesOf "src" [ "*.fs"; "*.cs" ]
            |> List.map (fun file ->
                errorPage file,
                read file
                |> errorPassages (file.EndsWith ".fs")
                |> List.collect (sentences file))

        for page, found in errors |> List.groupBy fst -> page, found |> List.collect snd
    ]

let findings =
    [
        for page, found in measured do
            yield! faults page found

        for page in pages do
            yield! shapeFaults page (read page)

        for page in List.distinct (pages @ filesOf "tests" [ "*.md" ] @ filesOf "samples" [ "*.md" ]) do
            yield! deadLinks tryRead page (read page)
            yield! deadPaths tryRead page (read page)

        for file in sources do
            yield! deadPaths tryRead file (read file)
    ]

if fsi.CommandLineArgs |> Array.contains "--means" then
    for page, found in measured do
        let longest = if found.IsEmpty then 0 else found |> List.map _.Words |> List.max
        printfn $"%5.1f{mean found} words in the mean, %3d{longest} at most, %4d{found.Length} sentences: {page}"

for finding in findings do
    printfn $"{finding}"

let all = measured |> List.collect snd
printfn $"{measured.Length} pages, {all.Length} sentences, {mean all:F1} words in the mean; {findings.Length} findings."
exit (if findings.IsEmpty then 0 else 1)
