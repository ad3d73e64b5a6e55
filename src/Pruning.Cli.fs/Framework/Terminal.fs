namespace Pruning.Cli.Framework

open System
open System.Globalization
open System.IO
open System.Runtime.InteropServices
open System.Text.Json
open System.Text.Json.Serialization
open System.Threading
open Spectre.Console

/// How much is said on stderr.
[<RequireQualifiedAccess>]
type Verbosity =
    | Quiet
    | Normal
    | Verbose

/// Numbers and durations for people.
[<RequireQualifiedAccess>]
module Say =

    /// Six significant digits or fewer; NaN is "-": there was nothing to divide by.
    let number (x: float) : string =
        if Double.IsNaN x then
            "-"
        elif x <> 0.0 && (abs x >= 1e6 || abs x < 1e-4) then
            x.ToString("0.####e+0", CultureInfo.InvariantCulture)
        else
            x.ToString("0.####", CultureInfo.InvariantCulture)

    /// 1,234,567
    let count (n: int64) : string = n.ToString("#,0", CultureInfo.InvariantCulture)

    /// "17 B", "3.2 MB": powers of 1000, as file managers and ROOT users count.
    let bytes (n: int64) : string =
        let units = [| "B"; "kB"; "MB"; "GB"; "TB"; "PB" |]
        let mutable value = float n
        let mutable unit = 0

        while abs value >= 999.5 && unit < units.Length - 1 do
            value <- value / 1000.0
            unit <- unit + 1

        if unit = 0 then
            $"{n} B"
        else
            let digits =
                if abs value < 9.995 then "0.00"
                elif abs value < 99.95 then "0.0"
                else "0"

            value.ToString(digits, CultureInfo.InvariantCulture) + " " + units[unit]

    /// "42 s", "3:07 min", "1:02:30 h"
    let duration (time: TimeSpan) : string =
        let total = int64 (Math.Round time.TotalSeconds)

        if total < 60L then $"{total} s"
        elif total < 3600L then $"{total / 60L}:{total % 60L:D2} min"
        else $"{total / 3600L}:{total / 60L % 60L:D2}:{total % 60L:D2} h"

/// What surrounds a run of the program: where it writes and what may stop it. Data goes to stdout, everything that is said
/// about it to stderr. Tests give one of their own and run the program in their process.
type Terminal =
    {
        Data: TextWriter
        Talk: TextWriter
        /// stderr is a terminal that can move its cursor: bars are welcome.
        Lively: bool
        /// stdout is a pipe or a file: tables are plain, and no line is folded.
        Piped: bool
        /// NO_COLOR is not set.
        Colour: bool
        /// Signals to the process ask the work to stop.
        Signals: bool
        /// The words that started the program, for the record of a run.
        Command: string list
        Verbosity: Verbosity
    }

/// NaN and infinities are null in JSON.
type private FiniteConverter() =
    inherit JsonConverter<float>()
    override _.Read(reader, _, _) = reader.GetDouble()

    override _.Write(writer, value, _) =
        if Double.IsFinite value then
            writer.WriteNumberValue value
        else
            writer.WriteNullValue()

[<RequireQualifiedAccess>]
module Terminal =

    let private isSet (variable: string) = not (String.IsNullOrEmpty(Environment.GetEnvironmentVariable variable))

    /// The process's own streams.
    let create (verbosity: Verbosity) : Terminal =
        {
            Data = Console.Out
            Talk = Console.Error
            Lively =
                not Console.IsErrorRedirected
                && Environment.GetEnvironmentVariable "TERM" <> "dumb"
                && verbosity <> Verbosity.Quiet
            Piped = Console.IsOutputRedirected
            Colour = not (isSet "NO_COLOR")
            Signals = true
            Command = Environment.GetCommandLineArgs() |> List.ofArray
            Verbosity = verbosity
        }

    /// The same terminal for a user who wants more or fewer words.
    let withVerbosity (verbosity: Verbosity) (terminal: Terminal) : Terminal =
        { terminal with
            Lively = terminal.Lively && verbosity <> Verbosity.Quiet
            Verbosity = verbosity
        }

    /// A line of talk, unless --quiet.
    let say (terminal: Terminal) (text: string) =
        if terminal.Verbosity <> Verbosity.Quiet then
            terminal.Talk.WriteLine text

    /// A line of talk for --verbose.
    let detail (terminal: Terminal) (text: string) =
        if terminal.Verbosity = Verbosity.Verbose then
            terminal.Talk.WriteLine text

    /// Something that the user should know even with --quiet.
    let warn (terminal: Terminal) (text: string) = terminal.Talk.WriteLine("warning: " + text)

    /// A line of data.
    let print (terminal: Terminal) (text: string) = terminal.Data.WriteLine text

    let private ansi (terminal: Terminal) (writer: TextWriter) (redirected: bool) =
        let plain = redirected || not terminal.Colour

        let console =
            AnsiConsole.Create(
                AnsiConsoleSettings(
                    Ansi = (if redirected then AnsiSupport.No else AnsiSupport.Detect),
                    ColorSystem = (if plain then ColorSystemSupport.NoColors else ColorSystemSupport.Detect),
                    Out = AnsiConsoleOutput writer
                )
            )

        // Nobody reads a pipe by the width of a window: long names must not be folded.
        if redirected then
            console.Profile.Width <- 4000

        console

    /// A table as data. Texts are taken literally; columns of numbers are right-aligned where `numeric` says so.
    let table (terminal: Terminal) (columns: (string * bool) list) (rows: string list list) =
        let table = Table(Border = TableBorder.Simple)

        for title, numeric in columns do
            let column = TableColumn(Text title)
            column.NoWrap <- not numeric && terminal.Piped
            column.Alignment <- if numeric then Justify.Right else Justify.Left
            table.AddColumn column |> ignore

        for row in rows do
            table.AddRow(row |> List.map (fun cell -> Text cell :> Rendering.IRenderable) |> List.toArray)
            |> ignore

        // Spectre pads lines to the table's width; trailing blanks are noise in a pipe.
        use buffer = new StringWriter(CultureInfo.InvariantCulture)
        (ansi terminal buffer terminal.Piped).Write table

        if not terminal.Piped then
            (ansi terminal terminal.Data false).Write table
        else
            for line in buffer.ToString().Split('\n') do
                if line.Trim() <> "" then
                    terminal.Data.WriteLine(line.TrimEnd())

    /// One indented JSON document as data: numbers in full, NaN and infinities as null. Takes records, anonymous records
    /// and JsonNode.
    let json (terminal: Terminal) (value: 'T) =
        let options =
            JsonSerializerOptions(
                WriteIndented = true,
                Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping
            )

        options.Converters.Add(FiniteConverter())
        terminal.Data.WriteLine(JsonSerializer.Serialize(value, options))

    let internal talkConsole (terminal: Terminal) = ansi terminal terminal.Talk false

/// Signals as a token: the first asks the work to stop. `stopping` says what the work does then. A second Ctrl-C leaves at
/// once; other signals may come as often as they like, as batch systems send them. `saves` says that the work can be taken up
/// again afterwards: SIGUSR1 asks for that too, and SIGTERM and SIGUSR1 end with exit code 85.
type Interruption(terminal: Terminal, stopping: string, saves: bool) =
    let source = new CancellationTokenSource()
    let mutable first: PosixSignal option = None

    let onSignal (context: PosixSignalContext) =
        context.Cancel <- true

        if not source.IsCancellationRequested then
            first <- Some context.Signal
            source.Cancel()
            terminal.Talk.WriteLine $"Stopping: {stopping}. Ctrl-C again leaves at once."
        elif context.Signal = PosixSignal.SIGINT then
            exit 130

    /// .NET has no name for it and takes the system's number.
    let sigusr1 = enum<PosixSignal>(if OperatingSystem.IsMacOS() then 30 else 10)

    let registrations =
        [
            if terminal.Signals then
                PosixSignalRegistration.Create(PosixSignal.SIGINT, onSignal)
                PosixSignalRegistration.Create(PosixSignal.SIGTERM, onSignal)

                if saves then
                    PosixSignalRegistration.Create(sigusr1, onSignal)
        ]

    new(terminal, stopping) = new Interruption(terminal, stopping, false)

    /// For work that finishes what it is at and saves.
    new(terminal) = new Interruption(terminal, "finishing this step and saving", false)

    /// Cancelled by the first signal.
    member _.Token = source.Token

    /// Whether this process was asked to stop.
    member _.IsAsked: bool = first.IsSome

    /// What the process should say to whoever sent the signal: 130 after Ctrl-C, 85 after the others where the work was saved.
    member _.ExitCode: int =
        match first with
        | Some PosixSignal.SIGINT
        | None -> 130
        | Some _ -> if saves then 85 else 130

    interface IDisposable with
        member _.Dispose() =
            for registration in registrations do
                registration.Dispose()

            source.Dispose()
