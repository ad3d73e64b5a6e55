namespace Pruning.Model.Training

open System
open System.IO
open System.Text
open System.Text.Json
open TorchSharp
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles

/// A checkpoint that was read: everything that a training needs to go on. Dispose it to free the tensors.
[<Sealed; NoComparison; NoEquality>]
type Checkpoint
    internal (directory: string, model: TrainedModel, progress: TrainingProgress, tensors: Map<string, Tensor>) =

    /// Where it was read.
    member _.Directory: string = directory

    /// The network that is evaluated.
    member _.Model: TrainedModel = model

    member _.Progress: TrainingProgress = progress

    /// The optimiser's moments and step counts, and the weights that are trained where the network above is an average.
    member internal _.Tensors: Map<string, Tensor> = tensors

    interface IDisposable with
        member _.Dispose() =
            for KeyValue(_, tensor) in tensors do
                tensor.Dispose()

/// One checkpoint: a directory with `model.safetensors` (the network that is evaluated, usable alone), `training.safetensors`
/// (the optimiser's moments and steps, and with an average the weights behind it) and `state.json` (where the training
/// stands). No part of it is code, and every part is checked when it is read.
[<RequireQualifiedAccess>]
module Checkpoint =

    /// The model's file.
    [<Literal>]
    let ModelName = "model.safetensors"

    [<Literal>]
    let private TensorsName = "training.safetensors"

    [<Literal>]
    let private StateName = "state.json"

    [<Literal>]
    let private Format = "graph-pruning checkpoint 1"

    /// Longest state.json that is read: far more than a full score histogram needs.
    [<Literal>]
    let private LongestState = 1_000_000_000L

    let private first, second, steps, trained = "adam.first.", "adam.second.", "adam.steps.", "weights."

    let private tensorsOf (trainer: Trainer) : (string * Tensor) list =
        [
            for name, moment, square, count in trainer.Optimiser.State do
                first + name, moment
                second + name, square
                steps + name, torch.tensor (int64 count)
            if trainer.Average.IsSome then
                for name, weight in Weights.tensors trainer.Model.Pruner.Network.Weights do
                    trained + name, weight
        ]

    let private ofEngine (engine: Engine) =
        match engine with
        | Engine.Auto -> "auto"
        | Engine.Portable -> "portable"
        | Engine.Fused -> "fused"

    /// Writes a checkpoint; it appears whole or not at all.
    let save (directory: string) (trainer: Trainer) (progress: TrainingProgress) : unit =
        use _scope = torch.NewDisposeScope()
        let model = Trainer.evaluated trainer

        let notes =
            model.Notes
            |> Map.add "epoch" (string (if progress.Step = 0 then progress.Epoch - 1 else progress.Epoch))
            |> Map.add "global_step" (string progress.GlobalStep)

        let state =
            Json.record
                [
                    "format", Json.text Format
                    "engine", Json.text (ofEngine model.Pruner.Network.Arithmetic.Engine)
                    "threads", Json.integer trainer.Config.Threads
                    "progress", ProgressJson.toJson progress
                ]

        AtomicDirectory.replace directory (fun beside ->
            ModelFile.save (Path.Combine(beside, ModelName)) { model with Notes = notes }
            SafeTensors.write (Path.Combine(beside, TensorsName)) Map.empty (tensorsOf trainer)
            AtomicFile.writeText (Path.Combine(beside, StateName)) (state.ToJsonString() + "\n"))

    let private readState (path: string) : TrainingProgress =
        let length = FileInfo(path).Length

        if length > LongestState then
            raise (CheckpointException $"wanted at most {LongestState} bytes, found {length} in {path}; it is damaged")

        let fields = JsonFields(path, JsonText.parse path (File.ReadAllBytes path))
        let format = fields.Text "format"

        if format <> Format then
            fields.Refuse("format", $"'{Format}'", $"'{format}'")

        // For people: a checkpoint goes on under another engine and number of threads.
        fields.Text "engine" |> ignore
        fields.Int("threads", 1, Int32.MaxValue) |> ignore
        // Earlier programs repeated the choices of config.json here.
        fields.Since("training", (), (fun () -> fields.Raw "training" |> ignore))
        let progress = fields.Object("progress", ProgressJson.ofJson)
        fields.Close()
        progress

    let private refuse (path: string) (name: string) (wanted: string) (found: string) : 'a =
        raise (CheckpointException $"wanted {wanted} as '{name}', found {found} in {path}; take another checkpoint")

    let private text (shape: int64 seq) = shape |> Seq.map string |> String.concat ", " |> sprintf "[%s]"

    let private isFinite (tensor: Tensor) : bool =
        use _scope = torch.NewDisposeScope()
        tensor.isfinite().all().item<bool>()

    let private isNegative (tensor: Tensor) : bool =
        use _scope = torch.NewDisposeScope()
        tensor.lt(scalar 0.0).any().item<bool>()

    /// Reads one tensor and checks it against a tensor of the network that it has to fit.
    let private readLike (file: SafeTensorsFile) (name: string) (like: Tensor) : Tensor =
        let entry = file.Entry name

        if entry.Shape <> List.ofArray like.shape then
            refuse file.Path name $"the shape {text like.shape}" (text entry.Shape)

        let tensor = file.Tensor name

        if tensor.dtype <> like.dtype then
            refuse file.Path name $"{like.dtype}" $"{tensor.dtype}"

        if tensor.is_floating_point () && not (isFinite tensor) then
            refuse file.Path name "finite numbers" "NaN or infinity"

        tensor

    let private readTensors (path: string) (pruner: Pruner) : (string * Tensor) list =
        use file = SafeTensors.read path
        let weights = pruner.Network.Weights
        let hasWeights = file.Names |> List.exists _.StartsWith(trained, StringComparison.Ordinal)

        let moments =
            [
                for name, parameter in weights.Parameters do
                    first + name, parameter :> Tensor
                    second + name, parameter :> Tensor
            ]

        let others =
            if hasWeights then
                [ for name, weight in Weights.tensors weights -> trained + name, weight ]
            else
                []

        use count = torch.tensor 0L
        let counts = [ for name, _ in weights.Parameters -> steps + name, count ]
        let wanted = moments @ others @ counts
        let known = wanted |> List.map fst |> Set.ofList

        match file.Names |> List.tryFind (fun name -> not (known.Contains name)) with
        | Some name -> refuse path name "only what belongs to the network" "another tensor"
        | None -> ()

        let tensors = [ for name, like in wanted -> name, readLike file name like ]

        for name, tensor in tensors do
            let isCount = name.StartsWith(steps, StringComparison.Ordinal)

            if
                (isCount || name.StartsWith(second, StringComparison.Ordinal))
                && isNegative tensor
            then
                refuse path name "no negative number" "one"

            if isCount && tensor.item<int64>() > int64 Int32.MaxValue then
                refuse path name $"at most {Int32.MaxValue}" $"{tensor.item<int64>()}"

        tensors

    /// Reads the files of a checkpoint directory whose hashes were checked, or are not to be.
    let internal readFrom (placement: Placement) (directory: string) : Checkpoint =
        let path name = Path.Combine(directory, name)

        for name in [ ModelName; TensorsName; StateName ] do
            if not (File.Exists(path name)) then
                raise (
                    CheckpointException
                        $"wanted {name} in {directory}, found no such file; a model alone can be used but not trained on"
                )

        let progress = readState (path StateName)
        let model = ModelFile.load placement (path ModelName)
        // After the model, whose weights live on.
        use scope = torch.NewDisposeScope()
        let tensors = readTensors (path TensorsName) model.Pruner

        for _, tensor in tensors do
            scope.Detach tensor |> ignore

        new Checkpoint(directory, model, progress, Map tensors)

    /// Reads a checkpoint; its network goes to the place that is given. Hashes, sizes, names, shapes, numbers and the state are all checked: CheckpointException.
    let load (placement: Placement) (directory: string) : Checkpoint =
        AtomicDirectory.verify directory |> readFrom placement

    /// The network that goes on learning: the weights behind the average where there is one.
    let trainedModel (checkpoint: Checkpoint) : TrainedModel =
        let stored =
            [
                for KeyValue(name, tensor) in checkpoint.Tensors do
                    if name.StartsWith(trained, StringComparison.Ordinal) then
                        name.Substring trained.Length, tensor
            ]

        if stored.IsEmpty then
            checkpoint.Model
        else
            let pruner = Pruner.copy checkpoint.Model.Pruner
            Weights.load stored pruner.Network.Weights

            { checkpoint.Model with
                Pruner = pruner
            }

    /// Puts a trainer of that network where the checkpoint stands: moments, steps and the average.
    let restore (checkpoint: Checkpoint) (trainer: Trainer) : unit =
        trainer.Optimiser.Load(fun name ->
            checkpoint.Tensors[first + name],
            checkpoint.Tensors[second + name],
            int (checkpoint.Tensors[steps + name].item<int64>()))

        trainer.Average
        |> Option.iter (fun average ->
            Weights.load (Weights.tensors checkpoint.Model.Pruner.Network.Weights) average.Network.Weights)
