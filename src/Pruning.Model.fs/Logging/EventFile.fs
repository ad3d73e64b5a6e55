namespace Pruning.Model.Logging

open System
open System.Buffers.Binary
open System.IO
open System.Numerics
open Google.Protobuf
open Tensorboard
open Pruning.Model.Persistence

/// The format of TensorBoard's event files: records of length, masked CRC-32C of the length, payload and masked CRC-32C of
/// the payload, all little endian; a payload is one protobuf message Event.
[<RequireQualifiedAccess>]
module EventFile =

    /// CRC-32C (Castagnoli, RFC 3720) of some bytes.
    let crc32c (bytes: ReadOnlySpan<byte>) : uint32 =
        let mutable crc = UInt32.MaxValue
        let mutable rest = bytes

        while rest.Length >= 8 do
            crc <- BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian rest)
            rest <- rest.Slice 8

        for i in 0 .. rest.Length - 1 do
            crc <- BitOperations.Crc32C(crc, rest[i])

        ~~~crc

    /// The checksum as records hold it: rotated and shifted, so that the checksum of data with checksums inside stays good.
    let maskedCrc32c (bytes: ReadOnlySpan<byte>) : uint32 =
        let crc = crc32c bytes
        BitOperations.RotateRight(crc, 15) + 0xa282ead8u

    /// One record around a payload.
    let frame (payload: byte[]) : byte[] =
        let record: byte[] = Array.zeroCreate (payload.Length + 16)
        let span = record.AsSpan()
        BinaryPrimitives.WriteUInt64LittleEndian(span, uint64 payload.Length)
        BinaryPrimitives.WriteUInt32LittleEndian(span.Slice 8, maskedCrc32c (ReadOnlySpan(record, 0, 8)))
        payload.CopyTo(span.Slice 12)
        BinaryPrimitives.WriteUInt32LittleEndian(span.Slice(12 + payload.Length), maskedCrc32c (ReadOnlySpan payload))
        record

    let private readUpTo (refuse: int -> string -> Event list -> Event list) (path: string) : Event list =

        use stream =
            new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite ||| FileShare.Delete)

        let bytes: byte[] = Array.zeroCreate (Checked.int stream.Length)
        stream.ReadExactly bytes

        let rec records (at: int) (events: Event list) : Event list =
            let rest = ReadOnlySpan(bytes, at, bytes.Length - at)

            if rest.Length = 0 then
                List.rev events
            elif rest.Length < 16 then
                refuse at $"{rest.Length} bytes at the end of the file" events
            elif
                BinaryPrimitives.ReadUInt32LittleEndian(rest.Slice 8)
                <> maskedCrc32c (rest.Slice(0, 8))
            then
                refuse at "a length with a wrong checksum" events
            else
                let length = BinaryPrimitives.ReadUInt64LittleEndian rest

                if length > uint64 (rest.Length - 16) then
                    refuse at $"{rest.Length - 16} bytes of a payload of {length}" events
                elif
                    BinaryPrimitives.ReadUInt32LittleEndian(rest.Slice(12 + int length))
                    <> maskedCrc32c (rest.Slice(12, int length))
                then
                    refuse at "a payload with a wrong checksum" events
                else
                    let event =
                        try
                            // The classes are older than the library and parse from arrays only, not from spans.
                            Ok(Event.Parser.ParseFrom(bytes, at + 12, int length))
                        with :? InvalidProtocolBufferException as error ->
                            Error error.Message

                    match event with
                    | Ok event -> records (at + 16 + int length) (event :: events)
                    | Error message -> refuse at $"a payload that is no Event ({message})" events

        records 0 []

    /// The events of a file, in order. Both checksums of every record are checked: InvalidDataException with the byte at
    /// which a record is damaged or cut short.
    let read (path: string) : Event list =
        path
        |> readUpTo (fun at found _ ->
            raise (InvalidDataException $"wanted an event record, found {found} in {path} at byte {at}"))

    /// Removes events from a file, in one step, and a record at its end that was not written whole: for a run that goes on
    /// from an earlier point than this file came to.
    let cut (path: string) (keep: Event -> bool) : unit =
        let events = readUpTo (fun _ _ events -> List.rev events) path
        let kept = List.filter keep events

        AtomicFile.write path (fun stream ->
            for event in kept do
                stream.Write(frame (event.ToByteArray())))
