module Pruning.Tests.Native.TorchSearchTests

open System.IO
open Expecto
open Pruning.Native.Errors
open Pruning.Native.Posix
open Pruning.Native.Torch

let private nowhere =
    TorchSearchInputs(
        ApplicationDirectory = "/nowhere/app",
        TorchSharpDirectory = "/nowhere/app",
        TorchSharpVersion = "0.107.0",
        LibTorchVersion = "2.10.0",
        BuildDirectory = "/nowhere/build",
        PackageFolders = [| "/nowhere/packages" |]
    )

let private asked (explicit: string | null) (environment: string | null) =
    TorchSearchInputs(
        Explicit = explicit,
        Environment = environment,
        ApplicationDirectory = "/nowhere/app",
        BuildDirectory = "/nowhere/build",
        LibTorchVersion = "2.10.0"
    )

let private directories inputs = [ for candidate in TorchSearch.Directories inputs -> candidate.Directory ]

let private message (inputs: TorchSearchInputs) =
    try
        TorchSearch.FindDirectory inputs |> ignore
        failtest "nothing is there"
    with :? DeviceException as error ->
        error.Message

[<Tests>]
let tests =
    testList
        "TorchSearch"
        [
            test "the build's directory comes first, then the program's folder, then NuGet's" {
                Expect.equal
                    (directories nowhere)
                    [
                        "/nowhere/build"
                        "/nowhere/app/libtorch"
                        "/nowhere/app/runtimes/linux-x64/native"
                        "/nowhere/app"
                        "/nowhere/packages/libtorch-cpu-linux-x64/2.10.0/runtimes/linux-x64/native"
                    ]
                    "order"
            }

            test "a directory that was named is the only one, and --libtorch wins over the environment" {
                Expect.equal (directories (asked "/own" "/env")) [ "/own"; "/own/lib"; "/own/torch/lib" ] "--libtorch"
                Expect.equal (directories (asked null "/env")) [ "/env"; "/env/lib"; "/env/torch/lib" ] "environment"

                Expect.equal
                    (directories (asked "" " ") |> List.truncate 2)
                    [ "/nowhere/build"; "/nowhere/app/libtorch" ]
                    "empty is not named"
            }

            test "the error lists every path that was tried and what to do" {
                let text = message nowhere

                for path in directories nowhere do
                    Expect.stringContains text path "a path"

                Expect.stringContains text "./graph-pruning doctor" "what to do"
            }

            test "the error for a named directory says who named it" {
                let text = message (asked "/own" null)

                for part in [ "/own "; "/own/lib"; "/own/torch/lib"; "from --libtorch"; "2.10.0" ] do
                    Expect.stringContains text part "the message"

                Expect.stringContains (message (asked null "/env")) "GRAPH_PRUNING_LIBTORCH" "the variable"
            }

            test "lib/ below the named directory is found, as archives of libtorch have it" {
                let root = Directory.CreateTempSubdirectory()

                try
                    let lib = root.CreateSubdirectory "lib"
                    File.WriteAllText(Path.Combine(lib.FullName, "libtorch_cpu.so"), "")
                    let found = TorchSearch.FindDirectory(asked root.FullName null)
                    Expect.equal found.Directory lib.FullName "the directory"
                    Expect.equal found.Source "--libtorch" "who named it"
                finally
                    root.Delete true
            }

            test "TorchSharp's native part is looked for beside the program, in its package and in NuGet's folders" {
                let paths =
                    List.ofSeq (
                        TorchSearch.ShimPaths(
                            TorchSearchInputs(
                                ApplicationDirectory = "/app",
                                TorchSharpDirectory = "/p/torchsharp/0.107.0/lib/net8.0",
                                TorchSharpVersion = "0.107.0",
                                PackageFolders = [| "/q" |]
                            )
                        )
                    )

                for path in
                    [
                        "/app/libLibTorchSharp.so"
                        "/app/runtimes/linux-x64/native/libLibTorchSharp.so"
                        "/p/torchsharp/0.107.0/runtimes/linux-x64/native/libLibTorchSharp.so"
                        "/q/torchsharp/0.107.0/runtimes/linux-x64/native/libLibTorchSharp.so"
                    ] do
                    Expect.contains paths path "a path"
            }

            test "the error for TorchSharp's native part lists every path" {
                Expect.throwsC (fun () -> TorchSearch.FindShim nowhere |> ignore) (fun error ->
                    Expect.isTrue (error :? DeviceException) "the exception of exit code 5"

                    for path in TorchSearch.ShimPaths nowhere do
                        Expect.stringContains error.Message path "a path")
            }

            test "a mapped library is found by its soname" {
                let maps =
                    [
                        "7f00-7f01 r-xp 00000000 fe:00 1   /lib/libstdc++.so.6.0.30"
                        "7f02-7f03 rw-p 00000000 00:00 0   [heap]"
                        "7f04-7f05 r-xp 00000000 fe:00 2   /a b/libc.so.6"
                    ]

                Expect.equal (MappedLibraries.Find("libstdc++.so.6", maps)) "/lib/libstdc++.so.6.0.30" "longer name"
                Expect.equal (MappedLibraries.Find("libc.so.6", maps)) "/a b/libc.so.6" "space in the path"
                Expect.isNull (MappedLibraries.Find("libc.so", [])) "absent"
            }
        ]
