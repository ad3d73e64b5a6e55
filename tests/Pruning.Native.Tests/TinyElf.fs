/// A shared library of a few hundred bytes that has nothing but what the loader reads about symbol versions.
module Pruning.Tests.Native.TinyElf

open System.IO
open System.Text

/// One symbol: the index of the version that it wants, and whether a relocation refers to it.
type Symbol =
    {
        Name: string
        Version: int
        Relocated: bool
    }

type Library =
    {
        SoName: string
        /// Library, its versions with their indices and flags.
        Needs: (string * (string * int * int) list) list
        Provides: string list
        Symbols: Symbol list
    }

let private aligned (bytes: byte[]) = Array.append bytes (Array.zeroCreate ((8 - bytes.Length % 8) % 8))

let private written (write: BinaryWriter -> unit) =
    use stream = new MemoryStream()
    use writer = new BinaryWriter(stream)
    write writer
    writer.Flush()
    aligned (stream.ToArray())

/// The bytes of the file. File offsets are addresses: one segment holds everything.
let encode (library: Library) : byte[] =
    let strings = StringBuilder("\000")

    let text (s: string) =
        let at = strings.Length
        strings.Append(s).Append('\000') |> ignore
        uint32 at

    let soName = text library.SoName

    let symbols =
        written (fun w ->
            w.Write(Array.zeroCreate<byte> 24)

            for symbol in library.Symbols do
                w.Write(text symbol.Name)
                w.Write(Array.zeroCreate<byte> 20))

    let versionOfSymbol =
        written (fun w ->
            w.Write 0us
            library.Symbols |> List.iter (fun symbol -> w.Write(uint16 symbol.Version)))

    let relocations =
        library.Symbols
        |> List.indexed
        |> List.filter (fun (_, symbol) -> symbol.Relocated)

    let rela =
        written (fun w ->
            for i, _ in relocations do
                w.Write 0UL
                w.Write((uint64 (i + 1) <<< 32) ||| 6UL)
                w.Write 0UL)

    let needs =
        written (fun w ->
            library.Needs
            |> List.iteri (fun i (file, versions) ->
                let last = i = library.Needs.Length - 1
                w.Write 1us
                w.Write(uint16 versions.Length)
                w.Write(text file)
                w.Write 16u
                w.Write(if last then 0u else uint32 (16 + 16 * versions.Length))

                versions
                |> List.iteri (fun j (name, index, flags) ->
                    w.Write 0u
                    w.Write(uint16 flags)
                    w.Write(uint16 index)
                    w.Write(text name)
                    w.Write(if j = versions.Length - 1 then 0u else 16u))))

    let provides =
        written (fun w ->
            library.Provides
            |> List.iteri (fun i name ->
                w.Write 1us
                w.Write 0us
                w.Write(uint16 (i + 2))
                w.Write 1us
                w.Write 0u
                w.Write 20u
                w.Write(if i = library.Provides.Length - 1 then 0u else 28u)
                w.Write(text name)
                w.Write 0u))

    let stringTable = aligned (Encoding.ASCII.GetBytes(strings.ToString()))
    let parts = [ stringTable; symbols; versionOfSymbol; rela; needs; provides ]
    let starts = parts |> List.scan (fun at part -> at + part.Length) (64 + 2 * 56)
    let dynamicAt = List.last starts

    let dynamic =
        written (fun w ->
            for tag, value in
                [
                    5L, starts[0]
                    6L, starts[1]
                    0x6ffffff0L, starts[2]
                    7L, starts[3]
                    8L, 24 * relocations.Length
                    0x6ffffffeL, starts[4]
                    0x6fffffffL, library.Needs.Length
                    0x6ffffffcL, starts[5]
                    0x6ffffffdL, library.Provides.Length
                    14L, int soName
                    0L, 0
                ] do
                w.Write tag
                w.Write(int64 value))

    let fileBytes = dynamicAt + dynamic.Length

    written (fun w ->
        w.Write [| 0x7fuy; byte 'E'; byte 'L'; byte 'F'; 2uy; 1uy; 1uy |]
        w.Write(Array.zeroCreate<byte> 9)
        w.Write 3us // shared object
        w.Write 62us // x86-64
        w.Write 1u
        w.Write 0UL
        w.Write 64UL // program headers follow
        w.Write(Array.zeroCreate<byte> 14)
        w.Write 56us
        w.Write 2us
        w.Write(Array.zeroCreate<byte> 6)

        for kind, at, bytes in [ 1u, 0, fileBytes; 2u, dynamicAt, dynamic.Length ] do
            w.Write kind
            w.Write 4u
            w.Write(int64 at)
            w.Write(int64 at)
            w.Write(int64 at)
            w.Write(int64 bytes)
            w.Write(int64 bytes)
            w.Write 8L

        parts |> List.iter (fun part -> w.Write part)
        w.Write dynamic)

/// A library like TorchSharp's: it wants an old version, a new one that only a marker names, and a C function.
let shim =
    {
        SoName = "libshim.so"
        Needs =
            [
                "libstdc++.so.6", [ "GLIBCXX_3.4", 2, 0; "GLIBCXX_3.4.30", 3, 0; "GLIBCXX_3.4.32", 4, 0 ]
                "libc.so.6", [ "GLIBC_2.34", 5, 0 ]
            ]
        Provides = [ "SHIM_1"; "SHIM_2" ]
        Symbols =
            [
                {
                    Name = "_Znwm"
                    Version = 2
                    Relocated = true
                }
                {
                    Name = "_ZNSt18condition_variable4waitE"
                    Version = 3
                    Relocated = true
                }
                {
                    Name = "_ZSt21ios_base_library_initv"
                    Version = 4
                    Relocated = false
                }
                {
                    Name = "exit"
                    Version = 5
                    Relocated = true
                }
            ]
    }
