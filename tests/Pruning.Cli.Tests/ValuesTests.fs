module Pruning.Tests.Cli.ValuesTests

open System
open System.Globalization
open Expecto
open Pruning.Cli.Framework

let internal refusal (action: unit -> 'a) : string =
    try
        action () |> ignore
        failtest "expected a usage error"
    with :? UsageException as error ->
        error.Message

/// Runs an action as a user in Germany does.
let internal inGerman (action: unit -> unit) =
    let before = CultureInfo.CurrentCulture
    // Built by hand: the process may run without culture data.
    let german = CultureInfo.InvariantCulture.Clone() :?> CultureInfo
    german.NumberFormat.NumberDecimalSeparator <- ","
    german.NumberFormat.NumberGroupSeparator <- "."
    CultureInfo.CurrentCulture <- german

    try
        action ()
    finally
        CultureInfo.CurrentCulture <- before

[<Tests>]
let tests =
    testList
        "Values"
        [
            test "a number is read with a decimal point in a German culture too" {
                inGerman (fun () ->
                    let rate = Value.real "--learning-rate" (Interval.above 0.0 10.0) "0.0015"
                    Expect.equal rate 0.0015 "point"
                    let small = Value.real "--learning-rate" (Interval.above 0.0 10.0) "1e-3"
                    Expect.equal small 0.001 "exponent")
            }

            test "a decimal comma is refused, not taken for a thousands separator" {
                let text = refusal (fun () -> Value.real "--dropout" (Interval.below 0.0 1.0) "0,001")

                Expect.equal
                    text
                    "--dropout wants a number from 0 and below 1, with a decimal point; found '0,001'."
                    "sentence"
            }

            for text in [ "NaN"; "nan"; "Infinity"; "-Infinity"; "1e999"; ""; " "; "1 "; "abc"; "0x10"; "1_000"; "--1" ] do
                test $"'{text}' is not a number" {
                    refusal (fun () -> Value.real "--x" (Interval.closed -infinity infinity) text)
                    |> ignore
                }

            test "the ends of an interval belong to it only if it says so" {
                let inside interval text =
                    try
                        Value.real "--x" interval text |> ignore
                        true
                    with :? UsageException ->
                        false

                Expect.isFalse (inside (Interval.above 0.0 1.0) "0") "0 of (0, 1]"
                Expect.isTrue (inside (Interval.above 0.0 1.0) "1") "1 of (0, 1]"
                Expect.isTrue (inside (Interval.below 0.0 1.0) "0") "0 of [0, 1)"
                Expect.isFalse (inside (Interval.below 0.0 1.0) "1") "1 of [0, 1)"
                Expect.isFalse (inside (Interval.closed 0.0 1.0) "1.0000001") "above [0, 1]"
                Expect.isFalse (inside (Interval.closed 0.0 1.0) "-1e-300") "below [0, 1]"
            }

            test "a whole number out of range names the range" {
                let text = refusal (fun () -> Value.whole "--epochs" (1, 1000) "0")
                Expect.equal text "--epochs wants a whole number from 1 to 1000; found '0'." "sentence"
            }

            for text in [ "1.0"; "1e3"; "1,000"; "99999999999999999999"; "ten"; "" ] do
                test $"'{text}' is not a whole number" {
                    refusal (fun () -> Value.whole "--epochs" (1, Int32.MaxValue) text) |> ignore
                }

            testProperty "every 64-bit number survives being written and read" (fun (n: int64) ->
                Value.wholeLong "--seed" (Int64.MinValue, Int64.MaxValue) (n.ToString CultureInfo.InvariantCulture) = n)

            test "a choice ignores case and a wrong one lists what there is" {
                let cells = [ "lstm", 1; "gru", 2; "none", 3 ]
                Expect.equal (Value.choice "--memory" cells "GRU") 2 "case"

                Expect.equal
                    (refusal (fun () -> Value.choice "--memory" cells "rnn"))
                    "--memory wants lstm, gru or none; found 'rnn'."
                    "sentence"
            }

            test "the nearest word is offered, a far one is not" {
                let words = [ "--workers"; "--epochs"; "--batch-size" ]
                Expect.equal (Value.nearest words "--wrokers") (Some "--workers") "swapped letters"
                Expect.equal (Value.nearest words "--batchsize") (Some "--batch-size") "missing dash"
                Expect.equal (Value.nearest words "--epoch") (Some "--epochs") "beginning of a word"
                Expect.equal (Value.nearest words "--colour") None "nothing like it"
            }

            test "sizes, counts and durations read as people write them" {
                Expect.equal
                    (List.map Say.bytes [ 0L; 999L; 1000L; 801427L; 2513261L; 12_345_678_901L ])
                    [ "0 B"; "999 B"; "1.00 kB"; "801 kB"; "2.51 MB"; "12.3 GB" ]
                    "bytes"

                Expect.equal (Say.bytes 999_600L) "1.00 MB" "rounding never shows 1000 of a unit"
                Expect.equal (Say.count 1234567L) "1,234,567" "count"

                Expect.equal
                    ([ 0.4; 59.4; 61.0; 3599.0; 3750.0 ]
                     |> List.map (TimeSpan.FromSeconds >> Say.duration))
                    [ "0 s"; "59 s"; "1:01 min"; "59:59 min"; "1:02:30 h" ]
                    "duration"

                Expect.equal (List.map Say.number [ 0.0; 0.25; 1e-5; nan ]) [ "0"; "0.25"; "1e-5"; "-" ] "number"
            }
        ]
