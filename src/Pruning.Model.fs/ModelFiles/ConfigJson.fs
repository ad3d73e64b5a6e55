namespace Pruning.Model.ModelFiles

open System
open System.Text.Json.Nodes
open Pruning.Model.Persistence
open Pruning.Model.Configuration
open Pruning.Model.Features
open Pruning.Model.Losses

/// Configurations as JSON, in the words of the command line. What cannot be read is a `CheckpointException` that
/// names the key, what it holds and what it may hold.
[<RequireQualifiedAccess>]
module ConfigJson =

    let private refuse (key: string) (wanted: string) (found: string) =
        raise (
            CheckpointException
                $"The model configuration wants {wanted} under '{key}', found {found}; was the file written by another program?"
        )

    let private get<'T> (key: string) (wanted: string) (json: JsonObject) : 'T =
        match json[key] with
        | null -> refuse key wanted "nothing"
        | node ->
            try
                // A number that was made in memory has one .NET type; one that was read from text converts to any that holds it.
                (JsonNode.Parse(node.ToJsonString()) |> nonNull).GetValue<'T>()
            with
            | :? InvalidOperationException
            | :? FormatException -> refuse key wanted (node.ToJsonString())

    let private choice (names: (string * 'T) list) (key: string) (json: JsonObject) : 'T =
        let wanted = names |> List.map fst |> String.concat ", "
        let found = get<string> key $"one of {wanted}" json

        match List.tryFind (fun (name, _) -> name = found) names with
        | Some(_, value) -> value
        | None -> refuse key $"one of {wanted}" $"'{found}'"

    let private whole (least: int) (key: string) (json: JsonObject) : int =
        let wanted = $"a number from {least} to 65536"
        let found = get<int> key wanted json

        if found < least || found > 65536 then
            refuse key wanted (string found)
        else
            found

    let private count = whole 1

    let private share (key: string) (wanted: string) (fits: float -> bool) (json: JsonObject) : float =
        let found = get<float> key wanted json
        if fits found then found else refuse key wanted (string found)

    let private ofOrder (order: DecisionOrder) =
        [
            match order with
            | DecisionOrder.Random seed ->
                "order", Json.text "random"
                "order_seed", Json.integer seed
            | other -> "order", Json.text (Choices.nameOf (Choices.orders 0L) other)
        ]

    let private toOrder (json: JsonObject) : DecisionOrder =
        match choice (Choices.orders 0L) "order" json with
        | DecisionOrder.Random _ -> DecisionOrder.Random(get<int64> "order_seed" "a whole number" json)
        | other -> other

    let private lastKey = "scheduled_sampling_last"

    let private ofTeacherForcing (schedule: TeacherForcingSchedule) =
        [
            match schedule with
            | TeacherForcingSchedule.Always -> "scheduled_sampling", Json.text "none"
            | TeacherForcingSchedule.Linear last
            | TeacherForcingSchedule.Exponential last
            | TeacherForcingSchedule.InverseSigmoid last ->
                "scheduled_sampling", Json.text (Choices.nameOf (Choices.schedules last) schedule)
                lastKey, Json.number last
        ]

    let private toTeacherForcing (json: JsonObject) : TeacherForcingSchedule =
        match choice (Choices.schedules 0.0) "scheduled_sampling" json with
        | TeacherForcingSchedule.Always -> TeacherForcingSchedule.Always
        | schedule ->
            let last = share lastKey "a number in [0, 1]" (fun p -> p >= 0.0 && p <= 1.0) json
            let name = Choices.nameOf (Choices.schedules 0.0) schedule
            Choices.schedules last |> List.find (fun (known, _) -> known = name) |> snd

    let private toLayer (json: JsonObject) : LayerKind =
        match choice Choices.layers "layer" json with
        | LayerKind.GatV2 _ -> LayerKind.GatV2(count "heads" json)
        | other -> other

    /// Names; older files give the number of columns, which were the original's.
    let private toFeatures (json: JsonObject) : NodeFeature list =
        let allowed = FeatureTable.all |> List.map _.Name |> String.concat ", "
        let wanted = $"a list of different names among {allowed}"

        let one (node: JsonNode | null) =
            match node with
            | null -> refuse "features" wanted "null"
            | node ->
                let text = node.ToJsonString()

                match NodeFeature.all |> List.tryFind (fun feature -> $"\"{feature.Name}\"" = text) with
                | Some feature -> feature
                | None -> refuse "features" wanted text

        match json["features"] with
        | :? JsonArray as names when names.Count > 0 ->
            let features = [ for name in names -> one name ]

            if List.distinct features <> features then
                refuse "features" wanted (names.ToJsonString())

            features
        | null -> refuse "features" wanted "nothing"
        | number when number.ToJsonString() = string NodeFeature.original.Length -> NodeFeature.original
        | other -> refuse "features" wanted (other.ToJsonString())

    /// The configuration of a network.
    let ofPruner (config: PrunerConfig) : JsonObject =
        Json.record
            [
                "features", Json.list [ for feature in config.Features -> Json.text (FeatureTable.name feature) ]
                if config.Neighbours > 0 then
                    "neighbours", Json.integer config.Neighbours
                "hidden", Json.integer config.Hidden
                "rounds", Json.integer config.Rounds
                match config.Strategy with
                | DecisionStrategy.OnePass -> "strategy", Json.text "one-pass"
                | DecisionStrategy.Autoregressive -> "strategy", Json.text "autoregressive"
                | DecisionStrategy.Tree -> "strategy", Json.text "tree"
                | DecisionStrategy.Equilibrium passes ->
                    "strategy", Json.text "equilibrium"
                    "passes", Json.integer passes
                "decision_cell", Json.text (Choices.nameOf Choices.cells config.DecisionCell)
                "memory_cell", Json.text (Choices.nameOf Choices.memories config.MemoryCell)
                yield! ofOrder config.Order
                yield! ofTeacherForcing config.TeacherForcing
                "layer", Json.text (Choices.layerName config.Layer)
                match config.Layer with
                | LayerKind.GatV2 heads -> "heads", Json.integer heads
                | _ -> ()
                "residual", Json.flag config.Residual
                "round_normalisation", Json.text (Choices.nameOf Choices.normalisations config.RoundNormalisation)
                "round_dropout", Json.number config.RoundDropout
                "neighbour_aggregator", Json.text (Choices.nameOf Choices.aggregators config.Aggregator)
                "normalisation", Json.text (Choices.nameOf Choices.normalisations config.Normalisation)
                "standardise", Json.flag config.Standardise
                "dropout", Json.number config.Dropout
            ]

    /// What a key says, or what files said before there was such a key.
    let private since (key: string) (before: 'T) (read: JsonObject -> 'T) (json: JsonObject) : 'T =
        if json.ContainsKey key then read json else before

    /// Reads what `ofPruner` wrote, and what earlier versions wrote.
    let toPruner (json: JsonObject) : PrunerConfig =
        let hidden = count "hidden" json
        let probability key = share key "a number in [0, 1)" (fun p -> p >= 0.0 && p < 1.0)
        let layer = since "layer" LayerKind.Sage toLayer json

        if hidden % 2 <> 0 then
            refuse "hidden" "an even number" (string hidden)

        match layer with
        | LayerKind.GatV2 heads when hidden % heads <> 0 -> refuse "heads" $"a divisor of {hidden}" (string heads)
        | _ -> ()

        {
            Features = toFeatures json
            Neighbours = since "neighbours" 0 (whole 0 "neighbours") json
            Hidden = hidden
            Rounds = count "rounds" json
            Strategy =
                let wanted = "one of one-pass, equilibrium, autoregressive, tree"

                match get<string> "strategy" wanted json with
                | "one-pass" -> DecisionStrategy.OnePass
                | "autoregressive" -> DecisionStrategy.Autoregressive
                | "tree" -> DecisionStrategy.Tree
                | "equilibrium" -> DecisionStrategy.Equilibrium(count "passes" json)
                | other -> refuse "strategy" wanted $"'{other}'"
            DecisionCell = choice Choices.cells "decision_cell" json
            MemoryCell = choice Choices.memories "memory_cell" json
            Order = since "order" DecisionOrder.Confidence toOrder json
            TeacherForcing = since "scheduled_sampling" TeacherForcingSchedule.Always toTeacherForcing json
            Layer = layer
            Residual = since "residual" false (get<bool> "residual" "true or false") json
            RoundNormalisation =
                since
                    "round_normalisation"
                    Normalisation.Identity
                    (choice Choices.normalisations "round_normalisation")
                    json
            RoundDropout = since "round_dropout" 0.0 (probability "round_dropout") json
            Aggregator = choice Choices.aggregators "neighbour_aggregator" json
            Normalisation = choice Choices.normalisations "normalisation" json
            Standardise = get<bool> "standardise" "true or false" json
            Dropout = probability "dropout" json
        }

    let ofClassWeights (weights: ClassWeights) : JsonObject =
        Json.record [ "keep", Json.number weights.Keep; "prune", Json.number weights.Prune ]

    let toClassWeights (json: JsonObject) : ClassWeights =
        let weight key =
            let found = get<float> key "a positive number" json

            if Double.IsFinite found && found > 0.0 then
                found
            else
                refuse key "a positive number" (string found)

        {
            Keep = weight "keep"
            Prune = weight "prune"
        }

    let losses: (string * LossKind) list =
        [
            "mean-over-graphs", LossKind.MeanOverGraphs
            "mean-over-nodes", LossKind.MeanOverNodes
            "original", LossKind.Original
        ]

    let lossName (kind: LossKind) : string = Choices.nameOf losses kind

    let ofCriterion (criterion: Criterion) : JsonObject =
        Json.record [ "loss", Json.text (lossName criterion.Loss); "class_weights", ofClassWeights criterion.Weights ]

    let toCriterion (json: JsonObject) : Criterion =
        match json["class_weights"] with
        | :? JsonObject as weights ->
            {
                Weights = toClassWeights weights
                Loss = choice losses "loss" json
            }
        | _ -> refuse "class_weights" "an object" "something else"
