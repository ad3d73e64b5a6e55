module Pruning.Tests.Native.ElfVersionsTests

open System
open Expecto
open Pruning.Native.Errors
open Pruning.Native.Posix
open Pruning.Native.Host

let private decode (bytes: byte[]) = ElfVersions.Decode(ReadOnlySpan<byte> bytes, "tiny.so")

let private bytes = TinyElf.encode TinyElf.shim

/// Damaged bytes give an answer or the one exception, and never another.
let private survives (damaged: byte[]) =
    try
        decode damaged |> ignore
    with :? DeviceException as error ->
        Expect.stringContains error.Message "tiny.so" "the message names the file"

[<Tests>]
let tests =
    testList
        "ElfVersions"
        [
            test "the versions of a hand-made library are read" {
                let versions = decode bytes
                Expect.equal versions.SoName "libshim.so" "soname"

                Expect.equal
                    [ for need in versions.Needs -> need.Library, need.Version, need.Index, need.Weak ]
                    [
                        "libstdc++.so.6", "GLIBCXX_3.4", 2, false
                        "libstdc++.so.6", "GLIBCXX_3.4.30", 3, false
                        "libstdc++.so.6", "GLIBCXX_3.4.32", 4, false
                        "libc.so.6", "GLIBC_2.34", 5, false
                    ]
                    "needs"

                Expect.equal (Set.ofSeq versions.Provides) (set [ "SHIM_1"; "SHIM_2" ]) "provides"
            }

            test "only symbols that a relocation names count as used" {
                let versions = decode bytes
                Expect.equal (List.ofSeq versions.RelocatedSymbols[3]) [ "_ZNSt18condition_variable4waitE" ] "3.4.30"
                Expect.isEmpty versions.RelocatedSymbols[4] "3.4.32 has a marker only"
            }

            test "the C++ library of this machine provides its first version" {
                let report = Machine.Probe().LibStdCxx
                Expect.isTrue report.Found "libtorch could not work without it"
                let versions = decode (IO.File.ReadAllBytes(nonNull report.Path))
                Expect.isTrue (versions.Provides.Contains "GLIBCXX_3.4") "GLIBCXX_3.4"
                Expect.equal versions.SoName "libstdc++.so.6" "soname"
            }

            test "a library cut at any byte is refused or read, and nothing else happens" {
                for length in 0 .. bytes.Length - 1 do
                    survives bytes[.. length - 1]
            }

            testProperty "a library with changed bytes is refused or read, and nothing else happens"
            <| fun (changes: (int * byte) list) ->
                let damaged = Array.copy bytes

                for at, value in changes do
                    damaged[((at % damaged.Length) + damaged.Length) % damaged.Length] <- value

                survives damaged

            test "a text file is no library" {
                Expect.throwsC
                    (fun () -> decode (Text.Encoding.ASCII.GetBytes(String('x', 200))) |> ignore)
                    (fun error ->
                        Expect.isTrue (error :? DeviceException) "the exception of exit code 5"
                        Expect.stringContains error.Message "ELF signature" "what is wrong")
            }

            test "a 32-bit library is refused" {
                let other = Array.copy bytes
                other[4] <- 1uy

                Expect.throwsC (fun () -> decode other |> ignore) (fun error ->
                    Expect.stringContains error.Message "64-bit" "what is wrong")
            }
        ]
