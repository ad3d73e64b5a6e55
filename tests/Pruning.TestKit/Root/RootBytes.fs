/// A big-endian buffer with the frames that ROOT's objects stand in.
module Pruning.Tests.Data.RootBytes

open System
open System.Buffers.Binary
open System.IO
open System.Text

/// A growing big-endian buffer.
type Bytes() =
    let stream = new MemoryStream()
    member _.Position = int stream.Position

    /// Bytes of the file that are left out before what follows: a hole in the file.
    member val Gap = 0L with get, set

    /// Where in the file the next byte will be.
    member b.Place = int64 b.Position + b.Gap

    member _.ToArray() = stream.ToArray()
    member _.Raw(bytes: byte array) = stream.Write(bytes, 0, bytes.Length)
    member _.U8(value: int) = stream.WriteByte(byte value)

    member b.I16(value: int) =
        let bytes: byte array = Array.zeroCreate 2
        BinaryPrimitives.WriteInt16BigEndian(bytes, int16 value)
        b.Raw bytes

    member b.I32(value: int) =
        let bytes: byte array = Array.zeroCreate 4
        BinaryPrimitives.WriteInt32BigEndian(bytes, value)
        b.Raw bytes

    member b.I64(value: int64) =
        let bytes: byte array = Array.zeroCreate 8
        BinaryPrimitives.WriteInt64BigEndian(bytes, value)
        b.Raw bytes

    member b.F64(value: float) = b.I64(BitConverter.DoubleToInt64Bits value)
    member b.Seek(wide: bool, value: int64) = if wide then b.I64 value else b.I32(int value)

    member b.Text(text: string) =
        let bytes = Encoding.UTF8.GetBytes text

        if bytes.Length < 255 then
            b.U8 bytes.Length
        else
            b.U8 255
            b.I32 bytes.Length

        b.Raw bytes

    /// Overwrites four bytes.
    member b.Patch(at: int, value: int) =
        let here = stream.Position
        stream.Position <- int64 at
        b.I32 value
        stream.Position <- here

    /// Overwrites four or eight bytes.
    member b.PatchSeek(wide: bool, at: int, value: int64) =
        let here = stream.Position
        stream.Position <- int64 at
        b.Seek(wide, value)
        stream.Position <- here

    /// Byte count, class version, body.
    member b.Frame(version: int, body: unit -> unit) =
        let at = b.Position
        b.I32 0
        b.I16 version
        body ()
        b.Patch(at, (b.Position - at - 4) ||| 0x40000000)

    /// Byte count, class name, body; gives the position that references are counted from.
    member b.Slot(className: string, body: unit -> unit) =
        let at = b.Position
        b.I32 0
        b.I32 -1
        b.Raw(Encoding.ASCII.GetBytes className)
        b.U8 0
        body ()
        b.Patch(at, (b.Position - at - 4) ||| 0x40000000)
        at

    member b.Object() =
        b.I16 1
        b.I32 0
        b.I32 0x03000000

    member b.Named(name: string, title: string) =
        b.Frame(
            1,
            fun () ->
                b.Object()
                b.Text name
                b.Text title
        )

    member b.Array(count: int, body: unit -> unit) =
        b.Frame(
            3,
            fun () ->
                b.Object()
                b.Text ""
                b.I32 count
                b.I32 0
                body ()
        )

let bytes (write: Bytes -> unit) : byte array =
    let b = Bytes()
    write b
    b.ToArray()
