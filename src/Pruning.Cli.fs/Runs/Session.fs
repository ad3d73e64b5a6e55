namespace Pruning.Cli.Runs

open System
open System.Diagnostics
open System.IO
open System.Runtime.CompilerServices
open System.Threading
open TorchSharp
open Pruning.Data.Batching
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Metrics
open Pruning.Model.Distributed
open Pruning.Model.Training
open Pruning.Model.Logging
open Pruning.Native.Torch
open Pruning.Native.Kernels
open Pruning.Cli.Framework
open Pruning.Cli.Options

/// Data, divided as a run divides it.
[<NoEquality; NoComparison>]
type SplitData =
    {
        Dataset: GraphDataset
        Split: SplitIndices
    }

/// How every verb that runs a network starts: libtorch, data, weights.
[<RequireQualifiedAccess>]
module Session =

    // Apart and not inlined: its caller must be able to load libtorch before this touches a TorchSharp type.
    [<MethodImpl(MethodImplOptions.NoInlining)>]
    let private selectDevice (arithmetic: Arithmetic) (gpus: int) : torch.Device =
        // libtorch has one number of threads for the whole process, and this is the only place that sets it. Threads of ours share the graphs of a batch (Workers); libtorch's own would wait for each other at every operation.
        torch.set_num_threads 1
        FusedAggregator.RefuseMissing arithmetic.Precision
        Device.select gpus

    /// Loads libtorch and chooses the device; DeviceException if one of them, or the arithmetic, is not there.
    let start (terminal: Terminal) (libtorch: string option) (arithmetic: Arithmetic) (gpus: int) : torch.Device =
        let library = TorchNative.Load(Option.toObj libtorch)
        Terminal.detail terminal $"libtorch {library.Version} in {library.Directory}"
        selectDevice arithmetic gpus

    /// Reads and divides the data, and says how.
    let openData (terminal: Terminal) (input: InputSettings) (options: SplitOptions) : SplitData =
        let clock = Stopwatch.StartNew()
        let dataset = Inputs.openDataset terminal input
        let split = Split.Create(dataset, options)
        let count (indices: int array) = Say.count (int64 indices.Length)
        let by = if split.ByEvent then "event" else "graph"
        let files = if dataset.Files.Count = 1 then "file" else "files"

        Terminal.say
            terminal
            $"{Say.count (int64 dataset.Count)} graphs from {dataset.Files.Count} {files} in {Say.duration clock.Elapsed}; split by {by}: \
             {count split.Training} training, {count split.Validation} validation, {count split.Test} test."

        { Dataset = dataset; Split = split }

    /// The model of a checkpoint directory, its files checked first.
    let loadCheckpoint (placement: Placement) (directory: string) : TrainedModel =
        ModelFile.load placement (Path.Combine(AtomicDirectory.verify directory, Checkpoint.ModelName))
