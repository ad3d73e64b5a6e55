namespace Pruning.Model.ModelFiles

open System.Text.Json.Nodes
open TorchSharp
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Features
open Pruning.Model.Losses
open Pruning.Model.Decoding

/// A network with what is needed to use it and to evaluate it.
[<NoComparison; NoEquality>]
type TrainedModel =
    {
        Pruner: Pruner
        /// What it was trained to make small.
        Criterion: Criterion
        /// What else the file says: epoch, version, ...
        Notes: Map<string, string>
    }

/// Models as safetensors files: weights and buffers under our names, the configuration as JSON in the metadata. They
/// hold no code and any language reads them.
[<RequireQualifiedAccess>]
module ModelFile =

    let private format = "graph-pruning model 1"

    /// The columns that a network reads, in their order.
    let private featureNames (config: PrunerConfig) : string =
        config.Features |> List.map FeatureTable.name |> String.concat ","

    let private own = set [ "format"; "config"; "criterion"; "features" ]

    /// Writes a model; the file appears whole or not at all.
    let save (path: string) (model: TrainedModel) : unit =
        let metadata =
            model.Notes
            |> Map.add "format" format
            |> Map.add "config" ((ConfigJson.ofPruner model.Pruner.Config).ToJsonString())
            |> Map.add "criterion" ((ConfigJson.ofCriterion model.Criterion).ToJsonString())
            |> Map.add "features" (featureNames model.Pruner.Config)

        SafeTensors.write path metadata (Weights.tensors model.Pruner.Network.Weights)

    let private field (path: string) (metadata: Map<string, string>) (key: string) : string =
        match Map.tryFind key metadata with
        | Some value -> value
        | None ->
            raise (
                CheckpointException
                    $"Wanted a model of this program, found the safetensors file {path} without '{key}' in its metadata; it comes from \
                     another program."
            )

    let private parse (path: string) (key: string) (text: string) : JsonObject =
        JsonText.parse $"'{key}' in the metadata of {path}" (System.Text.Encoding.UTF8.GetBytes text)

    /// Refuses a configuration of which the file cannot hold the weights, before a network of that size is made.
    let private checkSize (path: string) (file: SafeTensorsFile) (config: PrunerConfig) : unit =
        let width =
            file.TryEntry "encoder.linear3.weight"
            |> Option.bind (fun entry -> List.tryHead entry.Shape)

        if width <> Some(int64 config.Hidden) || file.Names.Length < config.Rounds then
            raise (
                CheckpointException
                    $"The weights in {path} do not fit the configuration beside them: wanted {config.Rounds} rounds of width \
                     {config.Hidden}, found {file.Names.Length} tensors and the width {width}."
            )

    let private checkFinite (path: string) (name: string) (tensor: Tensor) : unit =
        if tensor.is_floating_point () then
            use finite = tensor.isfinite ()
            use all = finite.all ()

            if not (all.item<bool>()) then
                raise (
                    CheckpointException
                        $"Wanted finite weights, found NaN or infinity in '{name}' of {path}; take an earlier checkpoint."
                )

    /// Reads a model to a place. Everything is checked: format, configuration, names, shapes, finite numbers.
    let load (placement: Placement) (path: string) : TrainedModel =
        use file = SafeTensors.read path
        let text = field path file.Metadata

        let expect (key: string) (wanted: string) =
            let found = text key

            if found <> wanted then
                raise (
                    CheckpointException
                        $"Wanted '{wanted}' as {key}, found '{found}' in {path}; it was written by another version."
                )

        expect "format" format
        let config = text "config" |> parse path "config" |> ConfigJson.toPruner
        expect "features" (featureNames config)
        checkSize path file config
        let criterion = text "criterion" |> parse path "criterion" |> ConfigJson.toCriterion

        use random = new torch.Generator(0UL)
        let pruner = Pruner.create (Init.create placement random) config
        use _scope = torch.NewDisposeScope()
        let stored = file.Names |> List.map (fun name -> name, file.Tensor name)

        for name, tensor in stored do
            checkFinite path name tensor

        try
            Weights.load stored pruner.Network.Weights
        with :? System.ArgumentException as error ->
            raise (
                CheckpointException(
                    $"The weights in {path} do not fit the configuration beside them: {error.Message}",
                    error
                )
            )

        {
            Pruner = pruner
            Criterion = criterion
            Notes = file.Metadata |> Map.filter (fun key _ -> not (own.Contains key))
        }
