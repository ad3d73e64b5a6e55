namespace Pruning.Model.ModelFiles

open System
open TorchSharp
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding

/// Weights of the original research code, as a safetensors file under its own parameter names or under ours. What the shapes
/// tell of the network is read off them; how it decides they do not tell.
[<RequireQualifiedAccess>]
module OriginalModel =

    let private refuse (path: string) (wanted: string) (found: string) : 'a =
        raise (
            CheckpointException
                $"wanted {wanted} in the original's weights, found {found} in {path}; docs/how-to/use-original-weights.md shows how to \
                 write the file"
        )

    /// Lightning and torch.compile put these before the names of a module's parameters.
    let private prefixes = [ "model."; "module."; "net."; "_orig_mod." ]

    let rec private plain (name: string) : string =
        match
            prefixes
            |> List.tryFind (fun prefix -> name.StartsWith(prefix, StringComparison.Ordinal))
        with
        | Some prefix -> plain (name.Substring prefix.Length)
        | None -> name

    /// Our name of a tensor; None for what the network has no use for.
    let private tryName (name: string) : string option =
        let name = plain name

        if name.EndsWith(".num_batches_tracked", StringComparison.Ordinal) then
            OriginalNames.tryTranslate name
        else
            Some(OriginalNames.tryTranslate name |> Option.defaultValue name)

    let private shapeOf (path: string) (shapes: Map<string, int64 list>) (name: string) : int64 list =
        match Map.tryFind name shapes with
        | Some shape -> shape
        | None -> refuse path $"a tensor '{name}'" "none"

    /// LSTM or GRU, by the number of gates: rows of the hidden weight over its columns.
    let private cellOf (path: string) (shapes: Map<string, int64 list>) (name: string) : CellKind =
        match shapeOf path shapes name with
        | [ rows; hidden ] when rows = 4L * hidden -> CellKind.Lstm
        | [ rows; hidden ] when rows = 3L * hidden -> CellKind.Gru
        | shape -> refuse path $"[4 h, h] or [3 h, h] as '{name}'" $"{shape}"

    let private configOf (path: string) (shapes: Map<string, int64 list>) (strategy: DecisionStrategy) : PrunerConfig =
        let hidden =
            match shapeOf path shapes "encoder.linear3.weight" with
            | [ hidden; _ ] when hidden >= 2L && hidden <= 8192L && hidden % 2L = 0L -> int hidden
            | shape -> refuse path "an even width from 2 to 8192 as 'encoder.linear3.weight'" $"{shape}"

        let rounds =
            Seq.initInfinite id
            |> Seq.takeWhile (fun round -> shapes.ContainsKey $"rounds.{round}.self.weight")
            |> Seq.length

        if rounds = 0 then
            refuse path "at least one message-passing round" "none"

        { PrunerConfig.parity PrunerConfig.standard with
            Hidden = hidden
            Rounds = rounds
            Strategy = strategy
            DecisionCell = cellOf path shapes "decision.hidden.weight"
            MemoryCell =
                if shapes.ContainsKey "memory.hidden.weight" then
                    Some(cellOf path shapes "memory.hidden.weight")
                else
                    None
        }

    /// Reads weights and builds the network that they fit. Names, shapes and numbers are checked: CheckpointException.
    let load (path: string) (strategy: DecisionStrategy) (criterion: Criterion) : TrainedModel =
        use file = SafeTensors.read path

        let named =
            file.Names
            |> List.choose (fun name -> tryName name |> Option.map (fun ours -> ours, name))

        for ours, copies in named |> List.countBy fst do
            if copies > 1 then
                refuse path $"one tensor for '{ours}'" $"{copies}"

        let shapes = Map [ for ours, name in named -> ours, (file.Entry name).Shape ]
        let config = configOf path shapes strategy
        use random = new torch.Generator(0UL)
        let pruner = Pruner.create (Init.standard random) config
        use _scope = torch.NewDisposeScope()
        let tensors = [ for ours, name in named -> ours, file.Tensor name ]

        for name, tensor in tensors do
            if tensor.is_floating_point () && not (tensor.isfinite().all().item<bool>()) then
                refuse path $"finite numbers as '{name}'" "NaN or infinity"

        try
            Weights.load tensors pruner.Network.Weights
        with :? ArgumentException as error ->
            refuse path "the tensors of one network" error.Message

        {
            Pruner = pruner
            Criterion = criterion
            Notes = Map [ "imported_from", string (IO.Path.GetFileName path) ]
        }
