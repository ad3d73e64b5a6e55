/// Reads PNG files byte by byte, without the library that wrote them.
module Pruning.Tests.Model.Png

open System
open System.Buffers.Binary
open System.IO
open System.IO.Compression
open Expecto
open Pruning.Model.Drawing

/// CRC-32 of ISO 3309 bit by bit, as the PNG standard describes it.
let private crc32 (bytes: byte[]) : uint32 =
    let mutable crc = UInt32.MaxValue

    for b in bytes do
        crc <- crc ^^^ uint32 b

        for _ in 1..8 do
            crc <- if crc &&& 1u = 1u then (crc >>> 1) ^^^ 0xEDB88320u else crc >>> 1

    ~~~crc

let private number (bytes: byte[]) (place: int) : uint32 =
    BinaryPrimitives.ReadUInt32BigEndian(ReadOnlySpan(bytes, place, 4))

/// Chunks of a PNG by name, their checksums checked.
let private chunks (png: byte[]) : (string * byte[]) list =
    Expect.equal (png[..7]) [| 0x89uy; 0x50uy; 0x4Euy; 0x47uy; 0x0Duy; 0x0Auy; 0x1Auy; 0x0Auy |] "signature"
    let mutable at = 8

    [
        while at < png.Length do
            let length = int (number png at)
            let named = png[at + 4 .. at + 7 + length]
            Expect.equal (number png (at + 8 + length)) (crc32 named) "checksum"
            at <- at + 12 + length
            Text.Encoding.ASCII.GetString(named, 0, 4), named[4..]
    ]

/// Width, height and the bytes of all rows, each with its filter's number before it.
let private unpack (png: byte[]) : int * int * byte[] =
    let found = chunks png
    Expect.equal (fst (List.head found)) "IHDR" "the header is first"
    Expect.equal (fst (List.last found)) "IEND" "the end is last"
    let header = snd (List.head found)
    Expect.equal (header[8..]) [| 8uy; 2uy; 0uy; 0uy; 0uy |] "eight bits, RGB"

    let data = found |> List.filter (fst >> (=) "IDAT") |> List.map snd |> Array.concat
    use packed = new MemoryStream(data)
    use zlib = new ZLibStream(packed, CompressionMode.Decompress)
    use plain = new MemoryStream()
    zlib.CopyTo plain
    int (number header 0), int (number header 4), plain.ToArray()

/// Paeth's predictor, as the standard has it.
let private paeth (left: int) (above: int) (corner: int) : int =
    let estimate = left + above - corner
    let a, b, c = abs (estimate - left), abs (estimate - above), abs (estimate - corner)

    if a <= b && a <= c then left
    elif b <= c then above
    else corner

/// Undoes the filters of rows of three bytes a pixel.
let private unfilter (width: int) (height: int) (bytes: byte[]) : byte[][] =
    let stride = 3 * width
    let rows = Array.init height (fun _ -> Array.zeroCreate<byte> stride)

    for y in 0 .. height - 1 do
        let start = y * (stride + 1)
        let filter = bytes[start]

        for i in 0 .. stride - 1 do
            let left = if i >= 3 then int (rows[y][i - 3]) else 0
            let above = if y > 0 then int (rows[y - 1][i]) else 0
            let corner = if i >= 3 && y > 0 then int (rows[y - 1][i - 3]) else 0

            let predicted =
                match filter with
                | 0uy -> 0
                | 1uy -> left
                | 2uy -> above
                | 3uy -> (left + above) / 2
                | 4uy -> paeth left above corner
                | other -> failtest $"unknown filter {other}"

            rows[y][i] <- byte ((int bytes[start + 1 + i] + predicted) &&& 255)

    rows

/// Pixels [rows][columns] of a picture as "#RRGGBB".
let pixelsOf (picture: Picture) : string[][] =
    let width, height, bytes = unpack picture.Png
    Expect.equal (width, height) (picture.Width, picture.Height) "size"
    Expect.equal bytes.Length ((1 + 3 * width) * height) "bytes"

    unfilter width height bytes
    |> Array.map (fun row ->
        row
        |> Array.chunkBySize 3
        |> Array.map (fun pixel -> "#" + Convert.ToHexString pixel))
