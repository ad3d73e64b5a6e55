module Pruning.Cli.Import.ImportVerb

open System.IO
open Argu
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Data.Batching
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles

type ImportArgument =
    | [<MainCommand>] File of file: string
    | [<Section "The network">] Config of file: string
    | Autoregressive
    | [<AltCommandLine "--passes">] Num_Iterations of n: string
    | Class_Weight of weights: string
    | [<Section "Check">] Sample of file: string
    | [<Section "Output">] Output_File of path: string
    | Libtorch of directory: string

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | File _ -> "safetensors file with the original's weights"
            | Config _ ->
                "JSON file with the original's options by name (autoregressive, num_iterations, class_weight), instead of giving them here"
            | Autoregressive -> "the weights are of an autoregressive network; otherwise of an equilibrium network"
            | Num_Iterations _ -> "passes of the equilibrium network (default 5)"
            | Class_Weight _ -> "loss weights KEEP,PRUNE for later evaluations (default 1,20)"
            | Sample _ ->
                "ROOT file whose first graph the imported network decides, as a check (default: a graph of three nodes)"
            | Output_File _ -> "model file to write (default: beside the weights, ending in .model.safetensors)"
            | Libtorch _ -> "use the libtorch in this directory"

type ImportSettings =
    {
        File: string
        Autoregressive: bool
        Passes: int
        Weights: ClassWeights
        Sample: string option
        Output: string option
        LibTorch: string option
    }

let private weights (text: string) : ClassWeights =
    match text.Split ',' |> Array.map (Value.tryReal (Interval.above 0.0 1e6)) with
    | [| Some keep; Some prune |] -> { Keep = keep; Prune = prune }
    | _ -> Value.refuse "--class-weight" "two numbers above 0 as KEEP,PRUNE, such as 1,20" text

/// The original's options from a JSON file.
let private ofConfig (settings: ImportSettings) (path: string) : ImportSettings =
    if not (File.Exists path) then
        raise (FileNotFoundException $"wanted the JSON file {path} (--config), found nothing there; check the path")

    let fields = JsonFields(path, JsonText.parse path (File.ReadAllBytes path))

    let settings =
        { settings with
            Autoregressive =
                fields.Since("autoregressive", settings.Autoregressive, (fun () -> fields.Flag "autoregressive"))
            Passes = fields.Since("num_iterations", settings.Passes, (fun () -> fields.Int("num_iterations", 1, 1000)))
            Weights = fields.Since("class_weight", settings.Weights, (fun () -> weights (fields.Text "class_weight")))
        }

    fields.Close()
    settings

/// Options in their order: of several the last one counts, those of a --config file included.
let settingsOf (arguments: ImportArgument list) : ImportSettings =
    let apply (settings: ImportSettings) argument =
        match argument with
        | ImportArgument.File path -> { settings with File = path }
        | Config path -> ofConfig settings path
        | Autoregressive -> { settings with Autoregressive = true }
        | Num_Iterations text ->
            { settings with
                Passes = Value.whole "--num-iterations" (1, 1000) text
            }
        | Class_Weight text -> { settings with Weights = weights text }
        | Sample path -> { settings with Sample = Some path }
        | Output_File path -> { settings with Output = Some path }
        | Libtorch directory ->
            { settings with
                LibTorch = Some directory
            }

    let settings =
        arguments
        |> List.fold
            apply
            {
                File = ""
                Autoregressive = false
                Passes = 5
                Weights = { Keep = 1.0; Prune = 20.0 }
                Sample = None
                Output = None
                LibTorch = None
            }

    if settings.File = "" then
        raise (UsageException "no weights: give a safetensors file with the original's weights.")

    settings

/// Three layer clusters in a row.
let private threeNodes () : GraphBatch =
    let features =
        Array.init (3 * Pruning.Data.Graphs.ShowerGraph.FeatureCount) (fun i -> float32 (i % 7) / 7f)

    let graph =
        Pruning.Data.Graphs.ShowerGraph(
            Pruning.Data.Graphs.GraphOrigin("three nodes", 0L, System.Nullable()),
            features,
            [| 0; 1; 1; 2; 0; 1; 2 |],
            [| 1; 2; 0; 1; 0; 1; 2 |],
            [| 0uy; 0uy; 1uy |]
        )

    BatchAssembler.Collate [| graph |]

let private check (terminal: Terminal) (settings: ImportSettings) : GraphBatch =
    match settings.Sample with
    | None -> threeNodes ()
    | Some path ->
        use dataset =
            Inputs.openDataset
                terminal
                { Inputs.standard with
                    Files = [ path ]
                }

        BatchAssembler.Collate [| dataset[0] |]

let private run (terminal: Terminal) (arguments: ImportArgument list) : int =
    let settings = settingsOf arguments
    let device = Session.start terminal settings.LibTorch Arithmetic.standard 0

    let strategy =
        if settings.Autoregressive then
            DecisionStrategy.Autoregressive
        else
            DecisionStrategy.Equilibrium settings.Passes

    let criterion =
        {
            Weights = settings.Weights
            Loss = LossKind.Original
        }

    let model = OriginalModel.load settings.File strategy criterion
    let margins = Pruner.decide device model.Pruner (check terminal settings)

    if margins |> Array.exists (System.Single.IsFinite >> not) then
        raise (
            CheckpointException
                $"wanted numbers from the imported network, found NaN or infinity; the weights in {settings.File} are broken"
        )

    let output =
        settings.Output
        |> Option.defaultWith (fun () -> string (Path.ChangeExtension(settings.File, ".model.safetensors")))

    ModelFile.save output model
    let config = (ConfigJson.ofPruner model.Pruner.Config).ToJsonString()

    Terminal.say
        terminal
        $"Read {Say.count (Weights.count model.Pruner.Network.Weights)} parameters, decided {margins.Length} nodes. The network: {config}"

    Terminal.print terminal output
    ExitCode.ok

let command: Command =
    ArguVerb.command<ImportArgument>
        {
            Verb = "import"
            Summary = "take over weights that the original research code has trained"
            Synopsis = "FILE.safetensors [options]"
            Explanation =
                "Reads weights of the original, written as safetensors by the recipe in docs/how-to/use-original-weights.md, and writes a \
                 model file that every other verb takes. Width, rounds and cells are read off the shapes; whether the network decides one \
                 layer cluster a step or all at once in several passes has to be said. Every name, shape and number is checked, and the \
                 network decides a graph before the file is written."
            Examples =
                [
                    "import argnn.safetensors --num-iterations 5", "an equilibrium network of five passes"
                    "import argnn.safetensors --autoregressive --output-file model.safetensors", "an autoregressive one"
                ]
        }
        run
