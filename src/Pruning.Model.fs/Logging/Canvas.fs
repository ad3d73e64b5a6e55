namespace Pruning.Model.Logging

open System
open System.Buffers.Binary
open System.IO
open System.IO.Compression
open System.IO.Hashing

/// Red, green and blue from 0 to 255.
[<Struct>]
type Rgb = { Red: byte; Green: byte; Blue: byte }

[<RequireQualifiedAccess>]
module Rgb =

    let ofHex (hex: int) : Rgb =
        {
            Red = byte (hex >>> 16)
            Green = byte (hex >>> 8)
            Blue = byte hex
        }

    /// Between two colours: the first at 0, the second at 1.
    let mix (a: Rgb) (b: Rgb) (share: float) : Rgb =
        let between (x: byte) (y: byte) = byte (Math.Round(float x + share * (float y - float x)))

        {
            Red = between a.Red b.Red
            Green = between a.Green b.Green
            Blue = between a.Blue b.Blue
        }

/// A small picture of pixels that is drawn and then written as a PNG. What lies outside is not drawn.
[<Sealed>]
type Canvas(width: int, height: int, background: Rgb) =

    let pixels = Array.create (width * height) background

    let blend (x: int) (y: int) (colour: Rgb) (share: float) : unit =
        if x >= 0 && x < width && y >= 0 && y < height && share > 0.0 then
            pixels[y * width + x] <- Rgb.mix pixels[y * width + x] colour (min 1.0 share)

    member _.Width: int = width
    member _.Height: int = height

    member _.Item
        with get (x: int, y: int): Rgb = pixels[y * width + x]

    /// A filled rectangle; its right and lower edges are outside.
    member _.Rectangle(left: int, top: int, right: int, bottom: int, colour: Rgb) : unit =
        for y in top .. bottom - 1 do
            for x in left .. right - 1 do
                blend x y colour 1.0

    /// A filled disc with smooth edges.
    member _.Disc(x: float, y: float, radius: float, colour: Rgb) : unit =
        for row in int (y - radius) - 1 .. int (y + radius) + 1 do
            for column in int (x - radius) - 1 .. int (x + radius) + 1 do
                let distance = sqrt ((float column - x) ** 2.0 + (float row - y) ** 2.0)
                blend column row colour (max 0.0 (radius + 0.5 - distance))

    /// A line one pixel wide, mixed with what is below it.
    member _.Line(x0: float, y0: float, x1: float, y1: float, colour: Rgb, share: float) : unit =
        let steps = int (ceil (max (abs (x1 - x0)) (abs (y1 - y0))))

        for step in 0..steps do
            let at = if steps = 0 then 0.0 else float step / float steps
            blend (int (Math.Round(x0 + at * (x1 - x0)))) (int (Math.Round(y0 + at * (y1 - y0)))) colour share

    /// Text of PixelFont from its upper left corner, each of its pixels a square of `scale`.
    member this.Text(left: int, top: int, scale: int, colour: Rgb, text: string) : unit =
        for column, row in PixelFont.pixels text do
            let x, y = left + column * scale, top + row * scale
            this.Rectangle(x, y, x + scale, y + scale, colour)

    /// The same, its middle at a place.
    member this.TextAround(x: int, y: int, scale: int, colour: Rgb, text: string) : unit =
        let left = x - PixelFont.widthOf text * scale / 2
        this.Text(left, y - PixelFont.height * scale / 2, scale, colour, text)

    /// The picture as a PNG (ISO/IEC 15948): eight bits a channel, rows unfiltered, one IDAT.
    member _.ToPicture() : Picture =
        use file = new MemoryStream()
        file.Write(ReadOnlySpan [| 0x89uy; 0x50uy; 0x4Euy; 0x47uy; 0x0Duy; 0x0Auy; 0x1Auy; 0x0Auy |])

        let number (value: uint32) : byte[] =
            let bytes = Array.zeroCreate 4
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(), value)
            bytes

        /// Length, name, data, checksum of name and data.
        let chunk (name: string) (data: byte[]) : unit =
            let named = Array.append (Text.Encoding.ASCII.GetBytes name) data
            file.Write(ReadOnlySpan(number (uint32 data.Length)))
            file.Write(ReadOnlySpan named)
            file.Write(ReadOnlySpan(number (Crc32.HashToUInt32(ReadOnlySpan named))))

        let rows: byte[] = Array.zeroCreate (height * (1 + 3 * width))

        for y in 0 .. height - 1 do
            for x in 0 .. width - 1 do
                let pixel = pixels[y * width + x]
                let at = y * (1 + 3 * width) + 1 + 3 * x
                rows[at] <- pixel.Red
                rows[at + 1] <- pixel.Green
                rows[at + 2] <- pixel.Blue

        use packed = new MemoryStream()

        using (new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen = true)) (fun zlib ->
            zlib.Write(ReadOnlySpan rows))

        // Eight bits, colour type 2 (RGB), the only compression and filter method, no interlace.
        let header = [| 8uy; 2uy; 0uy; 0uy; 0uy |]

        chunk "IHDR" (Array.concat [ number (uint32 width); number (uint32 height); header ])
        chunk "IDAT" (packed.ToArray())
        chunk "IEND" [||]

        {
            Width = width
            Height = height
            Png = file.ToArray()
        }
