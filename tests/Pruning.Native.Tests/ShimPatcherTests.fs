module Pruning.Tests.Native.ShimPatcherTests

open System
open System.Collections.Generic
open System.IO
open Expecto
open Pruning.Native.Errors
open Pruning.Native.Posix
open Pruning.Native.Torch

let private bytes = TinyElf.encode TinyElf.shim

let private having (versions: (string * string list) list) =
    let found = dict versions

    let provided (library: string) : IReadOnlySet<string> | null =
        match found.TryGetValue library with
        | true, names -> HashSet<string> names
        | _ -> null

    Func<string, IReadOnlySet<string> | null> provided

let private weaken (original: byte[]) (path: string) provided =
    ShimPatcher.Weaken(ReadOnlySpan<byte> original, path, provided) |> Option.ofObj

let private debian12 =
    having
        [
            "libstdc++.so.6", [ "GLIBCXX_3.4"; "GLIBCXX_3.4.9"; "GLIBCXX_3.4.30" ]
            "libc.so.6", [ "GLIBC_2.34" ]
        ]

let private inDirectory (test: string -> unit) =
    let directory = Directory.CreateTempSubdirectory()

    try
        test directory.FullName
    finally
        directory.Delete true

[<Tests>]
let tests =
    testList
        "ShimPatcher"
        [
            test "a lacking version that only a marker names becomes weak, in a copy" {
                let original = Array.copy bytes
                let patched = (weaken original "libshim.so" debian12).Value
                Expect.equal (List.ofSeq patched.Weakened) [ "GLIBCXX_3.4.32" ] "what was weakened"
                Expect.equal original bytes "the original's bytes"

                let weak =
                    ElfVersions.Decode(ReadOnlySpan<byte> patched.Bytes, "patched").Needs
                    |> Seq.filter _.Weak
                    |> Seq.map _.Version

                Expect.equal (List.ofSeq weak) [ "GLIBCXX_3.4.32" ] "weak versions of the copy"

                let differing = Seq.zip bytes patched.Bytes |> Seq.filter (fun (a, b) -> a <> b)
                Expect.hasLength differing 1 "bytes that differ"
            }

            test "the copy needs no further patch" {
                let patched = (weaken bytes "libshim.so" debian12).Value
                Expect.isNone (weaken patched.Bytes "libshim.so" debian12) "nothing is lacking any more"
            }

            test "a machine that has every version gets no copy" {
                let all =
                    having
                        [
                            "libstdc++.so.6", [ "GLIBCXX_3.4"; "GLIBCXX_3.4.30"; "GLIBCXX_3.4.32" ]
                            "libc.so.6", [ "GLIBC_2.34" ]
                        ]

                Expect.isNone (weaken bytes "libshim.so" all) "nothing is lacking"
            }

            test "a lacking version that is really called is refused, with the symbol and the newest version here" {
                let old = having [ "libstdc++.so.6", [ "GLIBCXX_3.4"; "GLIBCXX_3.4.9"; "GLIBCXX_3.4.29" ] ]

                Expect.throwsC (fun () -> weaken bytes "libshim.so" old |> ignore) (fun error ->
                    Expect.isTrue (error :? DeviceException) "the exception of exit code 5"

                    for part in
                        [ "libshim.so"; "_ZNSt18condition_variable4waitE"; "GLIBCXX_3.4.30"; "newest: GLIBCXX_3.4.29" ] do
                        Expect.stringContains error.Message part "the message")
            }

            test "versions of a library that was not found stay as they are" {
                Expect.isNone (weaken bytes "libshim.so" (having [])) "no library, no verdict"
            }

            test "TorchSharp's native part loses the marker's version only, and is refused where more is lacking" {
                let path = TorchSearch.FindShim(TorchNative.Inputs null)
                let real = File.ReadAllBytes path

                let wanted =
                    ElfVersions.Decode(ReadOnlySpan<byte> real, path).Needs
                    |> Seq.filter (fun need -> need.Library = "libstdc++.so.6")
                    |> Seq.map _.Version
                    |> List.ofSeq

                let without (version: string) = having [ "libstdc++.so.6", List.except [ version ] wanted ]

                let patched = (weaken real path (without "GLIBCXX_3.4.32")).Value
                Expect.equal (List.ofSeq patched.Weakened) [ "GLIBCXX_3.4.32" ] "what was weakened"

                Expect.throwsC (fun () -> weaken real path (without "GLIBCXX_3.4.30") |> ignore) (fun error ->
                    Expect.stringContains error.Message "condition_variable" "the symbol that is called")
            }

            test "a stored copy is kept, repaired when it is damaged, and leaves no other file" {
                inDirectory (fun directory ->
                    let patched = (weaken bytes "/x/libshim.so" debian12).Value
                    let inner = Path.Combine(directory, "not", "there yet")
                    let path = ShimPatcher.Store(patched, inner)
                    Expect.equal (File.ReadAllBytes path) patched.Bytes "first"
                    let written = File.GetLastWriteTimeUtc path
                    Expect.equal (ShimPatcher.Store(patched, inner)) path "the same path"
                    Expect.equal (File.GetLastWriteTimeUtc path) written "not written again"
                    File.WriteAllText(path, "damaged")
                    ShimPatcher.Store(patched, inner) |> ignore
                    Expect.equal (File.ReadAllBytes path) patched.Bytes "repaired"
                    Expect.equal (Directory.GetFiles inner) [| path |] "files")
            }

            test "another original gives another file name" {
                let other =
                    TinyElf.encode
                        { TinyElf.shim with
                            SoName = "libother.so"
                        }

                let name original = (weaken original "/x/libshim.so" debian12).Value.FileName
                Expect.notEqual (name other) (name bytes) "names carry a hash"
                Expect.stringStarts (name bytes) "libshim-" "and the library's name"
            }
        ]
