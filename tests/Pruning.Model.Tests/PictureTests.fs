/// Pictures that are drawn without a graphics library, read back byte by byte.
module Pruning.Tests.Model.PictureTests

open System
open System.Buffers.Binary
open System.IO
open System.IO.Compression
open Expecto
open FsCheck
open Pruning.Data.Batching
open Pruning.Data.Tracksters
open Pruning.Model.Metrics
open Pruning.Model.Logging
open Pruning.Tests.Cli

/// CRC-32 of ISO 3309 bit by bit, as the PNG standard describes it.
let private crc32 (bytes: byte[]) : uint32 =
    let mutable crc = UInt32.MaxValue

    for b in bytes do
        crc <- crc ^^^ uint32 b

        for _ in 1..8 do
            crc <- if crc &&& 1u = 1u then (crc >>> 1) ^^^ 0xEDB88320u else crc >>> 1

    ~~~crc

/// Chunks of a PNG by name, their checksums checked.
let private chunks (png: byte[]) : (string * byte[]) list =
    Expect.equal (png[..7]) [| 0x89uy; 0x50uy; 0x4Euy; 0x47uy; 0x0Duy; 0x0Auy; 0x1Auy; 0x0Auy |] "signature"
    let mutable at = 8

    [
        while at < png.Length do
            let number (place: int) = BinaryPrimitives.ReadUInt32BigEndian(ReadOnlySpan(png, place, 4))
            let length = int (number at)
            let named = png[at + 4 .. at + 7 + length]
            Expect.equal (number (at + 8 + length)) (crc32 named) "checksum"
            at <- at + 12 + length
            Text.Encoding.ASCII.GetString(named, 0, 4), named[4..]
    ]

/// Pixels [rows][columns] of a picture.
let private pixelsOf (picture: Picture) : Rgb[][] =
    let found = chunks picture.Png
    Expect.equal (found |> List.map fst) [ "IHDR"; "IDAT"; "IEND" ] "chunks"
    let header = found |> List.head |> snd
    let size (place: int) = int (BinaryPrimitives.ReadUInt32BigEndian(ReadOnlySpan(header, place, 4)))
    Expect.equal (size 0, size 4) (picture.Width, picture.Height) "size"
    Expect.equal (header[8..]) [| 8uy; 2uy; 0uy; 0uy; 0uy |] "eight bits, RGB"
    use packed = new MemoryStream(found |> List.find (fst >> (=) "IDAT") |> snd)
    use zlib = new ZLibStream(packed, CompressionMode.Decompress)
    use plain = new MemoryStream()
    zlib.CopyTo plain
    let bytes = plain.ToArray()
    let stride = 1 + 3 * picture.Width
    Expect.equal bytes.Length (stride * picture.Height) "bytes"

    [|
        for y in 0 .. picture.Height - 1 do
            Expect.equal (bytes[y * stride]) 0uy "no filter"

            [|
                for x in 0 .. picture.Width - 1 do
                    let at = y * stride + 1 + 3 * x

                    {
                        Red = bytes[at]
                        Green = bytes[at + 1]
                        Blue = bytes[at + 2]
                    }
            |]
    |]

let private white = Rgb.ofHex 0xFFFFFF
let private blue = Rgb.ofHex 0x0072B2

let private confusion a b c d : Confusion =
    {
        PrunedRightly = a
        PrunedWrongly = b
        KeptWrongly = c
        KeptRightly = d
    }

[<Tests>]
let tests =
    testList
        "pictures"
        [
            testProperty
                "a PNG gives back every pixel"
                (fun (PositiveInt width) (PositiveInt height) (dots: (int * int * int) list) ->
                    let canvas = Canvas(width, height, white)

                    for x, y, colour in dots do
                        // Outside of the canvas too.
                        canvas.Rectangle(x, y, x + 2, y + 1, Rgb.ofHex (colour &&& 0xFFFFFF))

                    let pixels = pixelsOf (canvas.ToPicture())

                    for y in 0 .. height - 1 do
                        for x in 0 .. width - 1 do
                            Expect.equal (pixels[y][x]) (canvas[x, y]) $"pixel {x}, {y}")

            test "text has one pixel for one of its font, times its scale" {
                let canvas = Canvas(60, 20, white)
                canvas.Text(1, 2, 2, blue, "1-9")
                let painted = Seq.length (PixelFont.pixels "1-9") * 4

                let found =
                    pixelsOf (canvas.ToPicture())
                    |> Array.sumBy (Array.filter ((=) blue) >> Array.length)

                Expect.equal found painted "pixels"
                Expect.isGreaterThan painted 0 "there is something to see"
            }

            test "every letter, digit and sign that pictures use is drawn, and no two look the same" {
                let letters = "abcdefghijklmnopqrstuvwxyz0123456789.,-/%:=()+"
                let shapes = [ for letter in letters -> Set.ofSeq (PixelFont.pixels (string letter)) ]
                Expect.isFalse (List.contains Set.empty shapes) "drawn"
                Expect.hasLength (List.distinct shapes) letters.Length "distinct"

                for x, y in Seq.collect id shapes do
                    Expect.isTrue (x < PixelFont.width && y < PixelFont.height) "within 5 by 7"
            }

            test "cells of a confusion matrix are as dark as their share of the label" {
                // Corners of the four cells, away from their numbers.
                let corner counts =
                    let pixels = pixelsOf (Pictures.confusion counts)
                    [ for y in [ 62; 172 ] -> [ for x in [ 102; 252 ] -> pixels[y][x] ] ]

                let pale = Rgb.ofHex 0xEEF4F8
                Expect.equal (corner (confusion 5L 0L 0L 7L)) [ [ blue; pale ]; [ pale; blue ] ] "all right"
                Expect.equal (corner (confusion 0L 7L 5L 0L)) [ [ pale; blue ]; [ blue; pale ] ] "all wrong"
                Expect.equal (corner Confusion.zero) [ [ pale; pale ]; [ pale; pale ] ] "nothing counted"
                let half = Rgb.mix pale blue 0.5
                Expect.equal (corner (confusion 3L 2L 3L 2L)) [ [ half; half ]; [ half; half ] ] "half and half"
            }

            test "a trackster's nodes have the colour of their decision" {
                use dataset =
                    GraphDataset.Open(
                        [| Path.Combine(Run.repository, "samples", "tracksters.root") |],
                        TracksterReadOptions()
                    )

                for index in 0..20 do
                    let graph = dataset[index]

                    let colours margins =
                        pixelsOf (Pictures.trackster "97.0% right" graph margins)
                        |> Seq.concat
                        |> Set.ofSeq

                    // The legend has every colour once, in discs of 5 pixels: count beyond it.
                    let amount colour margins =
                        pixelsOf (Pictures.trackster "" graph margins)
                        |> Array.take 330
                        |> Array.sumBy (Array.filter ((=) (Rgb.ofHex colour)) >> Array.length)

                    let right = graph.Labels |> Array.map (fun label -> if label = 1uy then 1.0f else -1.0f)
                    let wrong = right |> Array.map (~-)
                    Expect.isTrue (Set.contains blue (colours right)) "legend"
                    Expect.equal (amount 0xD55E00 right + amount 0xCC79A7 right) 0 "nothing is wrong"
                    Expect.equal (amount 0x0072B2 wrong + amount 0xE69F00 wrong) 0 "nothing is right"
                    Expect.isGreaterThan (amount 0x0072B2 right + amount 0xE69F00 right) 10 "nodes are seen"
            }
        ]
