/// Compressed blocks as ROOT stores them, made by the codecs' own libraries.
module Pruning.Tests.Data.RootCodecs

open System
open System.Buffers.Binary
open System.IO
open System.IO.Compression
open System.IO.Hashing
open System.Text
open K4os.Compression.LZ4

/// The xz container (CRC32 check) of the bytes 0..255 four times, made with liblzma.
let xzOfRamp =
    Convert.FromBase64String(
        "/Td6WFoAAAFpIt42AgAhARYAAAB0L+Wj4AP/APFdAAAAUlAKhPmbsoAhqWnWJ+A+BlpfBI1T1AS6OVcFCcFVJN6duHFZMWChn/lvSXPyyOqMuhqLKWkhgP4zg2avRm3snomK"
        + "C4PwPA6Jjj/tX+eekNkc/zL0suA5UbLSFBW0xXG62wbjeZqfuzjBsACskwuqBhkDEggVW5vISPAyLv4toIfI8KTg0lHrjWdWkrJNhMXxhjHfamJbwnkt2fc8c7p0dAfYPKlW"
        + "IiShZvhahF8wZ9L2S0kufyDr2/gQDpR4d8c/a++0zZXib/ZEbgbPC4Iay9t68FeNmP+QwD7mwRJBde4DKJbrE/unKMyvLNA8AAAAAAAAJkwLtwABiQKACAAALiVgYz4wDYsC"
        + "AAAAAAFZWg=="
    )

let ramp = Array.init 1024 byte

type Codec =
    | Raw
    | Zlib
    | Deflate
    | Lz4
    | Zstd
    | Xz

let private through (codec: Stream -> Stream) (data: byte array) =
    use target = new MemoryStream()

    do
        use packer = codec target
        packer.Write(data, 0, data.Length)

    target.ToArray()

/// One block: nine bytes of header and the compressed data.
let block (codec: Codec) (data: byte array) : byte array =
    let tag, packed =
        match codec with
        | Raw -> failwith "raw payloads have no blocks"
        | Zlib -> "ZL\x08", data |> through (fun s -> new ZLibStream(s, CompressionLevel.Optimal, true))
        | Deflate -> "CS\x08", data |> through (fun s -> new DeflateStream(s, CompressionLevel.Optimal, true))
        | Lz4 ->
            let target = Array.zeroCreate (LZ4Codec.MaximumOutputSize data.Length)
            let size = LZ4Codec.Encode(data, 0, data.Length, target, 0, target.Length)
            let hash: byte array = Array.zeroCreate 8
            BinaryPrimitives.WriteUInt64BigEndian(hash, XxHash64.HashToUInt64(ReadOnlySpan(target, 0, size)))
            "L4\x01", Array.append hash target[.. size - 1]
        | Zstd ->
            use compressor = new ZstdSharp.Compressor(5)
            "ZS\x01", compressor.Wrap(data).ToArray()
        | Xz ->
            if data <> ramp then
                failwith "the only xz sample is the ramp"

            "XZ\x00", xzOfRamp

    let size24 n = [| byte n; byte (n >>> 8); byte (n >>> 16) |]
    Array.concat [ Encoding.Latin1.GetBytes tag; size24 packed.Length; size24 data.Length; packed ]

/// A payload cut into blocks.
let blocks (codec: Codec) (size: int) (data: byte array) : byte array =
    data |> Array.chunkBySize size |> Array.collect (block codec)
