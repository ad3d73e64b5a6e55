namespace Pruning.Cli.Options

open Pruning.Model.Configuration
open Pruning.Model.Features
open Pruning.Cli.Framework

/// Words of `train` about the network that only make sense together: a strategy and its passes, an attention layer and its
/// heads, an order and the run's seed. They are joined here once all of them are known, whatever their order was.
[<RequireQualifiedAccess>]
module NetworkWords =

    let private defaultPasses =
        match PrunerConfig.standard.Strategy with
        | DecisionStrategy.Equilibrium passes -> passes
        | DecisionStrategy.OnePass
        | DecisionStrategy.Tree
        | DecisionStrategy.Autoregressive -> 1

    let private modes (passes: int) : (string * DecisionStrategy) list =
        [
            "equilibrium", DecisionStrategy.Equilibrium passes
            "one-pass", DecisionStrategy.OnePass
            "autoregressive", DecisionStrategy.Autoregressive
            "tree", DecisionStrategy.Tree
        ]

    let modeName (strategy: DecisionStrategy) : string =
        match strategy with
        | DecisionStrategy.Equilibrium _ -> "equilibrium"
        | DecisionStrategy.OnePass -> "one-pass"
        | DecisionStrategy.Autoregressive -> "autoregressive"
        | DecisionStrategy.Tree -> "tree"

    let private last (pick: TrainArgument -> 'T option) (arguments: TrainArgument list) : 'T option =
        arguments |> List.choose pick |> List.tryLast

    let private strategy (before: DecisionStrategy) (arguments: TrainArgument list) : DecisionStrategy =
        let passes =
            arguments
            |> last (function
                | Num_Iterations text -> Some(Value.whole "--num-iterations" (1, 1000) text)
                | _ -> None)
            |> Option.defaultWith (fun () ->
                match before with
                | DecisionStrategy.Equilibrium passes -> passes
                | _ -> defaultPasses)

        arguments
        |> last (function
            | Mode text -> Some(Value.choice "--mode" (modes passes) text)
            | Autoregressive -> Some DecisionStrategy.Autoregressive
            | _ -> None)
        |> Option.defaultWith (fun () ->
            match before with
            | DecisionStrategy.Equilibrium _ -> DecisionStrategy.Equilibrium passes
            | other -> other)

    let private heads (config: PrunerConfig) (arguments: TrainArgument list) : LayerKind =
        let given =
            arguments
            |> last (function
                | Heads text -> Some(Value.whole "--heads" (1, 8192) text, text)
                | _ -> None)

        match config.Layer, given with
        | LayerKind.GatV2 standard, _ ->
            let heads, text = given |> Option.defaultValue (standard, string standard)

            if config.Hidden % heads <> 0 then
                Value.refuse "--heads" $"a divisor of the width of the node states, {config.Hidden}" text

            LayerKind.GatV2 heads
        | other, None -> other
        | other, Some _ ->
            raise (UsageException $"--heads belongs to --layer gatv2; found --layer {Choices.layerName other}.")

    /// The order in which layer clusters are decided.
    let private order (seed: int64) (arguments: TrainArgument list) : DecisionOrder option =
        arguments
        |> last (function
            | Order text -> Some(Value.choice "--order" (Choices.orders seed) text)
            | _ -> None)

    let private defaultProbability = 0.1

    /// A word, or a word and a probability: linear:0.2
    let private scheduleOf (text: string) : TeacherForcingSchedule =
        let words = Choices.schedules defaultProbability |> List.map fst |> String.concat ", "
        let wanted = $"one of {words}, with a probability if you like, as in linear:0.1"
        let isName (name: string) (known: string, _) = known.Equals(name, System.StringComparison.OrdinalIgnoreCase)

        match text.Split ':' with
        | [| name |] ->
            match Choices.schedules defaultProbability |> List.tryFind (isName name) with
            | Some(_, schedule) -> schedule
            | None -> Value.refuse "--scheduled-sampling" wanted text
        | [| name; probability |] ->
            match Value.tryReal (Interval.closed 0.0 1.0) probability with
            | None -> Value.refuse "--scheduled-sampling" wanted text
            | Some p ->
                match Choices.schedules p |> List.tryFind (isName name) with
                | Some(_, TeacherForcingSchedule.Always)
                | None -> Value.refuse "--scheduled-sampling" wanted text
                | Some(_, TeacherForcingSchedule.Exponential _) when p = 0.0 ->
                    Value.refuse "--scheduled-sampling" "a probability above 0 with exponential" text
                | Some(_, schedule) -> schedule
        | _ -> Value.refuse "--scheduled-sampling" wanted text

    let private schedule (arguments: TrainArgument list) : TeacherForcingSchedule option =
        arguments
        |> last (function
            | Scheduled_Sampling text -> Some(scheduleOf text)
            | _ -> None)

    let private features (arguments: TrainArgument list) : NodeFeature list option =
        let read (text: string) =
            match
                text.Split(',', System.StringSplitOptions.TrimEntries)
                |> List.ofArray
                |> FeatureTable.ofNames
            with
            | Ok features -> features
            | Error word ->
                let allowed = String.concat ", " FeatureTable.names
                Value.refuse "--features" $"names separated by commas among {allowed}" word

        arguments
        |> last (function
            | Features text -> Some(read text)
            | _ -> None)

    let private refuseStrays (arguments: TrainArgument list) (config: PrunerConfig) =
        let mode = modeName config.Strategy

        if config.Strategy <> DecisionStrategy.Autoregressive then
            for option, isThere in
                [
                    "--order", config.Order <> DecisionOrder.Confidence
                    "--scheduled-sampling", config.TeacherForcing <> TeacherForcingSchedule.Always
                ] do
                if isThere then
                    raise (UsageException $"{option} belongs to --mode autoregressive; found --mode {mode}.")

        let isClassWeight argument =
            match argument with
            | Class_Weight text -> not (text.Equals("measured", System.StringComparison.OrdinalIgnoreCase))
            | _ -> false

        if config.Strategy = DecisionStrategy.Tree && List.exists isClassWeight arguments then
            raise (
                UsageException
                    "--class-weight has no meaning with --mode tree, which learns exact probabilities: leave it out, and choose where to prune with evaluate --working-point."
            )

        let isAggregator argument =
            match argument with
            | Neighbour_Aggregator _ -> true
            | _ -> false

        if config.Layer <> LayerKind.Sage && List.exists isAggregator arguments then
            raise (
                UsageException
                    $"--neighbour-aggregator belongs to --layer sage; found --layer {Choices.layerName config.Layer}."
            )

    let private count (option: string) (high: int) (text: string) = Value.whole option (1, high) text

    /// A network with what an option alone says of it; None for an option about something else, or one that is joined with
    /// others by `complete`.
    let tryApply (config: PrunerConfig) (argument: TrainArgument) : PrunerConfig option =
        match argument with
        | Layer text ->
            Some
                { config with
                    Layer = Value.choice "--layer" Choices.layers text
                }
        | Residual -> Some { config with Residual = true }
        | Round_Normalisation text ->
            Some
                { config with
                    RoundNormalisation = Value.choice "--round-normalisation" Choices.normalisations text
                }
        | Round_Dropout text ->
            Some
                { config with
                    RoundDropout = Value.real "--round-dropout" (Interval.below 0.0 1.0) text
                }
        | Num_Gnn_Steps text ->
            Some
                { config with
                    Rounds = count "--num-gnn-steps" 100 text
                }
        | Hidden_Dim text ->
            let hidden = Value.whole "--hidden-dim" (2, 8192) text

            if hidden % 2 = 1 then
                Value.refuse "--hidden-dim" "an even number (the encoder starts with half of it)" text

            Some { config with Hidden = hidden }
        | Aggregator text ->
            Some
                { config with
                    DecisionCell = Value.choice "--aggregator" Choices.cells text
                }
        | Memory text ->
            Some
                { config with
                    MemoryCell = Value.choice "--memory" Choices.memories text
                }
        | Neighbour_Aggregator text ->
            Some
                { config with
                    Aggregator = Value.choice "--neighbour-aggregator" Choices.aggregators text
                }
        | Neighbours text ->
            Some
                { config with
                    Neighbours = Value.whole "--neighbours" (0, 1000) text
                }
        | Normalisation text ->
            Some
                { config with
                    Normalisation = Value.choice "--normalisation" Choices.normalisations text
                }
        | No_Standardise -> Some { config with Standardise = false }
        | Dropout text ->
            Some
                { config with
                    Dropout = Value.real "--dropout" (Interval.below 0.0 1.0) text
                }
        | _ -> None

    /// The network that the arguments ask for, from one that has all that each of them says alone.
    let complete (seed: int64) (arguments: TrainArgument list) (config: PrunerConfig) : PrunerConfig =
        let whole =
            { config with
                Strategy = strategy config.Strategy arguments
                Layer = heads config arguments
                Order = order seed arguments |> Option.defaultValue config.Order
                TeacherForcing = schedule arguments |> Option.defaultValue config.TeacherForcing
                Features = features arguments |> Option.defaultValue config.Features
            }

        refuseStrays arguments whole
        whole

    /// Options that would break --parity, and what it fixes them to.
    let againstParity (config: PrunerConfig) : (string * string) option =
        let fixedTo = PrunerConfig.parity config

        [
            config.Normalisation <> fixedTo.Normalisation, "--normalisation", "to graph-batch"
            config.Aggregator <> fixedTo.Aggregator, "--neighbour-aggregator", "to lstm"
            config.Layer <> fixedTo.Layer, "--layer", "to sage"
            config.Features <> fixedTo.Features, "--features", "to original"
            config.Neighbours <> fixedTo.Neighbours, "--neighbours", "to 0"
            config.Residual, "--residual", "off"
            config.Strategy = DecisionStrategy.Tree, "--mode", "to equilibrium or autoregressive"
            config.RoundNormalisation <> fixedTo.RoundNormalisation, "--round-normalisation", "to identity"
            config.RoundDropout <> fixedTo.RoundDropout, "--round-dropout", "to 0"
            config.Order <> fixedTo.Order, "--order", "to confidence"
            config.TeacherForcing <> fixedTo.TeacherForcing, "--scheduled-sampling", "to none"
        ]
        |> List.tryPick (fun (isBroken, option, value) -> if isBroken then Some(option, value) else None)
