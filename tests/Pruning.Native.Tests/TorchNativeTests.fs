module Pruning.Tests.Native.TorchNativeTests

open System.IO
open System.Runtime.InteropServices
open System.Threading.Tasks
open Expecto
open Pruning.Native.Errors
open Pruning.Native.Torch
open Pruning.Tests.Cli
open TorchSharp

/// What native code sees; .NET has a copy of its own.
[<DllImport("libc")>]
extern nativeint private getenv(string name)

[<Tests>]
let tests =
    testList
        "TorchNative"
        [
            test "loading again, from many threads, gives the library that was loaded first" {
                let first = TorchNative.Load()
                let others = Array.init 8 (fun _ -> Task.Run(fun () -> TorchNative.Load()))
                Task.WaitAll(others |> Array.map (fun t -> t :> Task))

                for other in others do
                    Expect.isTrue (obj.ReferenceEquals(first, other.Result)) "the same record"

                Expect.equal TorchNative.Loaded first "what is loaded"
            }

            test "libtorch says the version that TorchSharp was built for" {
                let library = TorchNative.Load()

                Expect.isTrue
                    (torch.__version__.StartsWith(library.Version))
                    $"{torch.__version__} and {library.Version}"
            }

            test "the directory that is loaded may be named again" {
                let library = TorchNative.Load()
                Expect.equal (TorchNative.Load library.Directory) library "the same library"
            }

            test "a directory without libtorch is refused after loading, and what is loaded stays" {
                let library = TorchNative.Load()
                let empty = Directory.CreateTempSubdirectory()

                try
                    Expect.throwsC (fun () -> TorchNative.Load empty.FullName |> ignore) (fun error ->
                        Expect.isTrue (error :? DeviceException) "the exception of exit code 5"
                        Expect.stringContains error.Message empty.FullName "names the directory")

                    Expect.equal (TorchNative.Load()) library "still loaded"
                finally
                    empty.Delete true
            }

            test "exactly one libtorch is mapped" {
                TorchNative.Load() |> ignore

                let mapped =
                    File.ReadAllLines "/proc/self/maps"
                    |> Array.filter (fun line -> line.EndsWith "/libtorch_cpu.so")
                    |> Array.map (fun line -> line.Substring(line.IndexOf '/'))
                    |> Array.distinct

                Expect.hasLength mapped 1 "paths of libtorch_cpu.so"
            }

            test "OpenMP's threads sleep while they wait, unless somebody asked for something else" {
                TorchNative.Load() |> ignore

                for name in [ "OMP_WAIT_POLICY"; "GOMP_SPINCOUNT" ] do
                    Expect.notEqual (getenv name) 0n name
            }

            test "tensors compute" {
                TorchNative.Load() |> ignore
                use x = torch.arange (4L, dtype = torch.float32) // [4]
                use sum = x.square().sum()
                Expect.equal (sum.item<float32>()) 14.0f "0 + 1 + 4 + 9"
            }
        ]

/// The verb that says what was loaded, in a process of its own: a failed attempt cannot be repeated in one.
[<Tests>]
let processes =
    testList
        "TorchNative in a process"
        [
            test "a directory that lacks a part of libtorch is refused with the loader's own words" {
                Run.inTemporaryDirectory (fun directory ->
                    let part = Path.Combine(directory, "libtorch_cpu.so")
                    File.WriteAllText(part, "no library")

                    let outcome =
                        Run.graphPruning [ "doctor" ]
                        |> Run.withVariable "GRAPH_PRUNING_LIBTORCH" directory
                        |> Run.expecting 5

                    for words in [ part; "GRAPH_PRUNING_LIBTORCH"; "file too short"; "complete" ] do
                        Expect.stringContains (outcome.Out + outcome.Error) words "the sentence")
            }

            test "a directory of the user's own is loaded, without a home directory too" {
                let here = TorchNative.Load().Directory

                Run.inTemporaryDirectory (fun directory ->
                    // As an unpacked archive has it: the libraries are in lib/.
                    let lib = Directory.CreateDirectory(Path.Combine(directory, "own libtorch", "lib"))

                    for file in Directory.GetFiles here do
                        File.CreateSymbolicLink(Path.Combine(lib.FullName, nonNull (Path.GetFileName file)), file)
                        |> ignore

                    let outcome =
                        Run.graphPruning [ "doctor"; "--libtorch"; nonNull (Path.GetDirectoryName lib.FullName) ]
                        |> Run.withVariable "HOME" "/proc/nowhere"
                        |> Run.withoutVariable "XDG_CACHE_HOME"
                        |> Run.expecting 0

                    Expect.stringContains (outcome.Out + outcome.Error) lib.FullName "where it was found")
            }
        ]
