namespace Pruning.Cli.Framework

open System
open System.Globalization

/// The command line itself is wrong. The message is the whole sentence that the user reads; exit code 2.
type UsageException(message: string) =
    inherit Exception(message)

/// Which real numbers an option takes; an end may be left out of the range.
type Interval =
    {
        Low: float
        LowIncluded: bool
        High: float
        HighIncluded: bool
    }

[<RequireQualifiedAccess>]
module Interval =

    /// low <= x <= high
    let closed low high =
        {
            Low = low
            LowIncluded = true
            High = high
            HighIncluded = true
        }

    /// low < x <= high
    let above low high =
        { closed low high with
            LowIncluded = false
        }

    /// low <= x < high
    let below low high =
        { closed low high with
            HighIncluded = false
        }

    /// NaN is in no interval.
    let contains (interval: Interval) (x: float) =
        (if interval.LowIncluded then x >= interval.Low else x > interval.Low)
        && (if interval.HighIncluded then x <= interval.High else x < interval.High)

    /// "a number above 0 and at most 1"
    let describe (interval: Interval) =
        let invariant (x: float) = x.ToString("R", CultureInfo.InvariantCulture)
        let low = if interval.LowIncluded then "from" else "above"

        let high =
            match interval.LowIncluded, interval.HighIncluded with
            | true, true -> "to"
            | false, true -> "and at most"
            | _, false -> "and below"

        if Double.IsPositiveInfinity interval.High then
            let low = if interval.LowIncluded then "not below" else "above"
            $"a number {low} {invariant interval.Low}"
        else
            $"a number {low} {invariant interval.Low} {high} {invariant interval.High}"

/// What a user types, turned into values: always in the invariant culture, always range-checked. The parsers of Argu
/// are not used for numbers: they take `0,001` for 1 (a thousands separator) and let NaN through.
[<RequireQualifiedAccess>]
module Value =

    /// One sentence: which option, what it takes, what was found.
    let refuse (option: string) (wanted: string) (found: string) : 'a =
        raise (UsageException $"{option} wants {wanted}; found '{found}'.")

    /// A whole number, low and high included.
    let wholeLong (option: string) (low: int64, high: int64) (text: string) : int64 =
        let read, value = Int64.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)

        if read && value >= low && value <= high then
            value
        else
            let wanted =
                if high = Int64.MaxValue then
                    $"a whole number not below {low}"
                else
                    $"a whole number from {low} to {high}"

            refuse option wanted text

    /// A whole number, low and high included.
    let whole (option: string) (low: int, high: int) (text: string) : int =
        int (wholeLong option (int64 low, int64 high) text)

    /// A finite number with a decimal point, inside the interval; None for anything else.
    let tryReal (interval: Interval) (text: string) : float option =
        let style =
            NumberStyles.AllowLeadingSign
            ||| NumberStyles.AllowDecimalPoint
            ||| NumberStyles.AllowExponent

        let read, value = Double.TryParse(text, style, CultureInfo.InvariantCulture)

        if read && Double.IsFinite value && Interval.contains interval value then
            Some value
        else
            None

    /// A finite number with a decimal point, inside the interval.
    let real (option: string) (interval: Interval) (text: string) : float =
        match tryReal interval text with
        | Some value -> value
        | None ->
            let point = if text.Contains ',' then ", with a decimal point" else ""
            refuse option (Interval.describe interval + point) text

    /// One of a few words, whatever their case.
    let choice (option: string) (choices: (string * 'a) list) (text: string) : 'a =
        match
            choices
            |> List.tryFind (fun (word, _) -> word.Equals(text, StringComparison.OrdinalIgnoreCase))
        with
        | Some(_, value) -> value
        | None ->
            let words = choices |> List.map fst

            let allowed =
                match List.rev words with
                | [] -> "nothing"
                | [ only ] -> only
                | last :: others -> String.Join(", ", List.rev others) + " or " + last

            refuse option allowed text

    /// Levenshtein distance: letters to insert, delete or replace to turn one word into the other.
    let private distance (a: string) (b: string) =
        let mutable above = Array.init (b.Length + 1) id

        for i in 1 .. a.Length do
            let row = Array.zeroCreate (b.Length + 1)
            row[0] <- i

            for j in 1 .. b.Length do
                let replaced = above[j - 1] + (if a[i - 1] = b[j - 1] then 0 else 1)
                row[j] <- min replaced (1 + min above[j] row[j - 1])

            above <- row

        above[b.Length]

    /// The word that was probably meant, if one is near enough: up to a third of its letters differ, or one starts
    /// with the other.
    let nearest (words: string seq) (typed: string) : string option =
        let typed = typed.ToLowerInvariant()

        let cost (word: string) =
            let word = word.ToLowerInvariant()

            if typed.Length >= 3 && (word.StartsWith typed || typed.StartsWith word) then
                1
            else
                distance typed word

        words
        |> Seq.map (fun word -> cost word, word)
        |> Seq.filter (fun (cost, word) -> cost <= max 1 (word.Length / 3))
        |> Seq.sortBy fst
        |> Seq.tryHead
        |> Option.map snd
