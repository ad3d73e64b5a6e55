// #load "load.fsx" gives a script the GraphPruning libraries, TorchSharp and libtorch.
//
//     ./graph-pruning doctor                 once, and after every change of the sources: builds the libraries
//     dotnet fsi scripts/01-inspect-event.fsx
//
// "not resolved or could not be found" for a line below means that they are not built yet: run ./graph-pruning doctor.

#r "../src/Pruning.Cli.fs/bin/Release/net10.0/Pruning.Root.dll"
#r "../src/Pruning.Cli.fs/bin/Release/net10.0/Pruning.Data.dll"
#r "../src/Pruning.Cli.fs/bin/Release/net10.0/Pruning.Native.dll"
#r "../src/Pruning.Cli.fs/bin/Release/net10.0/Pruning.Model.dll"
#r "../src/Pruning.Cli.fs/bin/Release/net10.0/TorchSharp.dll"
#r "../src/Pruning.Cli.fs/bin/Release/net10.0/SkiaSharp.dll"
#r "../src/Pruning.Cli.fs/bin/Release/net10.0/Google.Protobuf.dll"

open System
open System.Globalization
open System.IO
open System.Runtime.InteropServices
open System.Text.Json
open Pruning.Native.Errors
open Pruning.Native.Torch

// Numbers are written and read with a point, whatever the locale says.
CultureInfo.DefaultThreadCurrentCulture <- CultureInfo.InvariantCulture
CultureInfo.CurrentCulture <- CultureInfo.InvariantCulture

/// The root of the repository: paths in scripts start here, so that they run from any directory.
let repository = Path.GetFullPath(Path.Combine(__SOURCE_DIRECTORY__, ".."))

/// A path of the repository, as `inRepository "samples/tracksters.root"`.
let inRepository (path: string) = Path.Combine(repository, path)

// The build wrote where libtorch is into the program's configuration; a script has no configuration of its own.
do
    use configuration =
        inRepository "src/Pruning.Cli.fs/bin/Release/net10.0/graph-pruning.runtimeconfig.json"
        |> File.ReadAllText
        |> JsonDocument.Parse

    match configuration.RootElement.GetProperty("runtimeOptions").TryGetProperty "configProperties" with
    | true, properties ->
        match properties.TryGetProperty "GraphPruning.LibTorch" with
        | true, directory -> AppContext.SetData("GraphPruning.LibTorch", directory.GetString())
        | _ -> ()
    | _ -> ()

// The program finds the library behind SkiaSharp by its own configuration, too.
do
    let folder =
        inRepository $"src/Pruning.Cli.fs/bin/Release/net10.0/runtimes/{RuntimeInformation.RuntimeIdentifier}/native"

    NativeLibrary.SetDllImportResolver(
        typeof<SkiaSharp.SKObject>.Assembly,
        fun name _ _ ->
            match NativeLibrary.TryLoad(Path.Combine(folder, name + ".so")) with
            | true, library -> library
            | _ -> 0n
    )

/// The libtorch of this script: the environment variable GRAPH_PRUNING_LIBTORCH names another one.
let libtorch =
    try
        TorchNative.Load()
    with :? DeviceException as error ->
        eprintfn "%s" error.Message
        exit 5
