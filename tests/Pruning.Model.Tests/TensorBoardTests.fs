module Pruning.Tests.Model.TensorBoardTests

open System
open System.IO
open System.Text
open Expecto
open FsCheck
open Pruning.Model.Logging
open Pruning.Tests.Model.Protobuf

/// A clock that a test sets.
type private SetClock(start: DateTimeOffset) =
    inherit TimeProvider()
    member val Now = start with get, set
    override this.GetUtcNow() = this.Now

let private noon = DateTimeOffset(2026, 11, 23, 12, 34, 56, 789, TimeSpan.Zero)

let private withDirectory (check: string -> unit) =
    let directory = Directory.CreateTempSubdirectory "tensorboard-"

    try
        check directory.FullName
    finally
        directory.Delete(recursive = true)

// What follows up to `events` and Protobuf.fs read the format on their own, bit by bit from its description, so that a mistake of
// the writer cannot hide behind the same mistake of a reader of ours.

let private crc32cBitwise (bytes: byte[]) : uint32 =
    let mutable crc = UInt32.MaxValue

    for b in bytes do
        crc <- crc ^^^ uint32 b

        for _ in 1..8 do
            crc <- if crc &&& 1u = 1u then (crc >>> 1) ^^^ 0x82F63B78u else crc >>> 1

    ~~~crc

let private masked (bytes: byte[]) : uint32 =
    let crc = crc32cBitwise bytes
    ((crc >>> 15) ||| (crc <<< 17)) + 0xa282ead8u

type private ReadEvent =
    {
        WallTime: float
        Step: int64
        Version: string
        /// The fields of each Summary.Value.
        Values: (int * Field) list list
    }

/// Payloads of the records of a file: lengths and both checksums must be right.
let private records (bytes: byte[]) : byte[] list =
    let mutable at = 0

    [
        while at < bytes.Length do
            let length = int (BitConverter.ToUInt64(bytes, at))
            Expect.equal (BitConverter.ToUInt32(bytes, at + 8)) (masked bytes[at .. at + 7]) "checksum of the length"
            let payload = bytes[at + 12 .. at + 11 + length]
            Expect.equal payload.Length length "length of the payload"
            Expect.equal (BitConverter.ToUInt32(bytes, at + 12 + length)) (masked payload) "checksum of the payload"
            at <- at + 16 + length
            payload
    ]

let private events (path: string) : ReadEvent list =
    use stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite)
    let bytes: byte[] = Array.zeroCreate (int stream.Length)
    stream.ReadExactly bytes

    [
        for payload in records bytes do
            let event = fields payload

            {
                WallTime =
                    event
                    |> List.pick (function
                        | 1, Fixed64 bits -> Some(BitConverter.UInt64BitsToDouble bits)
                        | _ -> None)
                Step =
                    event
                    |> List.tryPick (function
                        | 2, Varint step -> Some(int64 step)
                        | _ -> None)
                    |> Option.defaultValue 0L
                Version = text 3 event
                Values =
                    [
                        for number, field in event do
                            match number, field with
                            | 5, Bytes summary ->
                                for number, field in fields summary do
                                    match number, field with
                                    | 1, Bytes value -> fields value
                                    | _ -> ()
                            | _ -> ()
                    ]
            }
    ]

let private scalar (value: (int * Field) list) : string * float32 =
    let number =
        value
        |> List.pick (function
            | 2, Fixed32 bits -> Some(BitConverter.UInt32BitsToSingle bits)
            | _ -> None)

    text 1 value, number

[<Tests>]
let tests =
    testList
        "TensorBoard"
        [
            test "CRC-32C gives the published check values" {
                Expect.equal (EventFile.crc32c (ReadOnlySpan "123456789"B)) 0xE3069283u "digits"
                Expect.equal (EventFile.crc32c (ReadOnlySpan(Array.zeroCreate<byte> 32))) 0x8A9136AAu "zeros (RFC 3720)"
                Expect.equal (EventFile.crc32c (ReadOnlySpan(Array.create 32 255uy))) 0x62A8AB43u "ones (RFC 3720)"
            }

            testProperty "CRC-32C is that of the bitwise definition" (fun (bytes: byte[]) ->
                EventFile.crc32c (ReadOnlySpan bytes) = crc32cBitwise bytes)

            testProperty
                "scalars come back, record by record, with their steps and times"
                (fun (steps: (int64 * NormalFloat list) list) ->
                    withDirectory (fun directory ->
                        let clock = SetClock noon
                        use board = TensorBoard.Create(directory, clock)

                        for step, values in steps do
                            clock.Now <- clock.Now + TimeSpan.FromSeconds 0.125
                            board.Scalars(step, values |> List.mapi (fun i v -> $"val/{i}", v.Get))

                        // The writer is still open: what was written is there to be read.
                        match events board.Path with
                        | [] -> failtest "no event"
                        | first :: rest ->
                            Expect.equal first.Version "brain.Event:2" "version"

                            Expect.equal
                                first.WallTime
                                (float (noon.ToUnixTimeMilliseconds()) / 1000.0)
                                "seconds since 1970"

                            let written =
                                steps
                                |> List.indexed
                                |> List.filter (fun (_, (_, values)) -> not values.IsEmpty)

                            Expect.equal rest.Length written.Length "events"

                            for event, (index, (step, values)) in List.zip rest written do
                                Expect.equal event.Step step "step"

                                Expect.floatClose
                                    Accuracy.veryHigh
                                    (event.WallTime - first.WallTime)
                                    (0.125 * float (index + 1))
                                    "time"

                                let wanted = values |> List.mapi (fun i v -> $"val/{i}", float32 v.Get)
                                Expect.equal (List.map scalar event.Values) wanted "tags and values"))

            test "steps beyond 32 bits keep all their digits" {
                withDirectory (fun directory ->
                    use board = TensorBoard.Create directory
                    board.Scalars(5_000_000_000L, [ "train/loss", 0.5 ])
                    Expect.equal (List.last (events board.Path)).Step 5_000_000_000L "step")
            }

            test "a text is a string tensor of the text plug-in" {
                withDirectory (fun directory ->
                    use board = TensorBoard.Create directory
                    board.Text(3L, "config", "**H** = 128, η")
                    let event = List.last (events board.Path)
                    Expect.equal event.Step 3L "step"
                    let value = List.exactlyOne event.Values
                    Expect.equal (text 1 value) "config" "tag"
                    Expect.equal (value |> message 9 |> message 1 |> text 1) "text" "plug-in name"
                    let tensor = message 8 value
                    Expect.contains tensor (1, Varint 7UL) "DT_STRING"
                    Expect.equal (tensor |> message 2 |> message 2) [ 1, Varint 1UL ] "shape [1]"
                    Expect.equal (text 8 tensor) "**H** = 128, η" "text")
            }

            test "the file is named as TensorBoard looks for it, and no two of a process share a name" {
                withDirectory (fun directory ->
                    use one = TensorBoard.Create(directory, SetClock noon)
                    use two = TensorBoard.Create(directory, SetClock noon)
                    let seconds = noon.ToUnixTimeSeconds()
                    let prefix = $"events.out.tfevents.{seconds}.{Environment.MachineName}.{Environment.ProcessId}."

                    for board in [ one; two ] do
                        Expect.stringStarts (string (Path.GetFileName board.Path)) prefix "name"

                    Expect.notEqual one.Path two.Path "names")
            }

            test "events of many threads do not mix" {
                withDirectory (fun directory ->
                    use board = TensorBoard.Create directory

                    Array.Parallel.iter
                        (fun thread ->
                            for step in 0L .. 99L do
                                board.Scalars(step, [ $"thread/{thread}", float step ]))
                        [| 0..7 |]

                    board.Flush()
                    let read = events board.Path |> List.tail

                    for thread in 0..7 do
                        let steps =
                            read
                            |> List.filter (fun e -> fst (scalar e.Values[0]) = $"thread/{thread}")
                            |> List.map _.Step

                        Expect.equal steps [ 0L .. 99L ] "steps in order")
            }

            test "our reader reads what was written, and says where a damaged file is damaged" {
                withDirectory (fun directory ->
                    let path =
                        use board = TensorBoard.Create directory
                        board.Scalars(7L, [ "train/loss", 0.25; "train/accuracy", nan ])
                        board.Text(8L, "note", "x")
                        board.Path

                    let read = EventFile.read path
                    Expect.equal (read |> List.map _.Step) [ 0L; 7L; 8L ] "steps"
                    Expect.equal (read[1].Summary.Value[0].Tag) "train/loss" "tag"
                    Expect.equal (read[1].Summary.Value[0].SimpleValue) 0.25f "value"
                    Expect.isTrue (Single.IsNaN(read[1].Summary.Value[1].SimpleValue)) "nan"
                    let bytes = File.ReadAllBytes path
                    let ends = records bytes |> List.scan (fun at payload -> at + payload.Length + 16) 0

                    for at in 0 .. bytes.Length - 1 do
                        let damaged = Array.copy bytes
                        damaged[at] <- damaged[at] ^^^ 0x10uy
                        File.WriteAllBytes(path, damaged)
                        Expect.throwsT<InvalidDataException> (fun () -> EventFile.read path |> ignore) $"byte {at}"

                        if not (List.contains at ends) then
                            File.WriteAllBytes(path, bytes[.. at - 1])

                            Expect.throwsT<InvalidDataException>
                                (fun () -> EventFile.read path |> ignore)
                                $"cut at {at}")
            }
        ]
