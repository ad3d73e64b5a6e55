namespace Pruning.Model

open System
open System.Text.Json.Nodes

/// Configurations as JSON, in the words of the command line. What cannot be read is a `CheckpointException` that
/// names the key, what it holds and what it may hold.
[<RequireQualifiedAccess>]
module ConfigJson =

    let private cells = [ "gru", CellKind.Gru; "lstm", CellKind.Lstm ]

    let private aggregators =
        [
            "lstm", Aggregator.Lstm
            "gru", Aggregator.Gru
            "mean", Aggregator.Mean
            "max", Aggregator.Max
            "sum", Aggregator.Sum
        ]

    let private normalisations =
        [
            "layer", Normalisation.Layer
            "graph-batch", Normalisation.GraphBatch
            "identity", Normalisation.Identity
        ]

    let private nameOf (names: (string * 'T) list) (value: 'T) : string =
        names |> List.find (fun (_, v) -> v = value) |> fst

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
                node.GetValue<'T>()
            with
            | :? InvalidOperationException
            | :? FormatException -> refuse key wanted (node.ToJsonString())

    let private choice (names: (string * 'T) list) (key: string) (json: JsonObject) : 'T =
        let wanted = names |> List.map fst |> String.concat ", "
        let found = get<string> key $"one of {wanted}" json

        match List.tryFind (fun (name, _) -> name = found) names with
        | Some(_, value) -> value
        | None -> refuse key $"one of {wanted}" $"'{found}'"

    let private count (key: string) (json: JsonObject) : int =
        let found = get<int> key "a number from 1 to 65536" json

        if found < 1 || found > 65536 then
            refuse key "a number from 1 to 65536" (string found)
        else
            found

    /// The configuration of a network.
    let ofPruner (config: PrunerConfig) : JsonObject =
        let memory = config.MemoryCell |> Option.map (nameOf cells) |> Option.defaultValue "none"

        Json.record
            [
                "features", Json.integer config.Features
                "hidden", Json.integer config.Hidden
                "rounds", Json.integer config.Rounds
                match config.Strategy with
                | DecisionStrategy.Autoregressive -> "strategy", Json.text "autoregressive"
                | DecisionStrategy.Equilibrium passes ->
                    "strategy", Json.text "equilibrium"
                    "passes", Json.integer passes
                "decision_cell", Json.text (nameOf cells config.DecisionCell)
                "memory_cell", Json.text memory
                "neighbour_aggregator", Json.text (nameOf aggregators config.Aggregator)
                "normalisation", Json.text (nameOf normalisations config.Normalisation)
                "standardise", Json.flag config.Standardise
                "dropout", Json.number config.Dropout
            ]

    /// Reads what `ofPruner` wrote.
    let toPruner (json: JsonObject) : PrunerConfig =
        let hidden = count "hidden" json
        let dropout = get<float> "dropout" "a number in [0, 1)" json

        if hidden % 2 <> 0 then
            refuse "hidden" "an even number" (string hidden)

        if not (dropout >= 0.0 && dropout < 1.0) then
            refuse "dropout" "a number in [0, 1)" (string dropout)

        {
            Features = count "features" json
            Hidden = hidden
            Rounds = count "rounds" json
            Strategy =
                match get<string> "strategy" "autoregressive or equilibrium" json with
                | "autoregressive" -> DecisionStrategy.Autoregressive
                | "equilibrium" -> DecisionStrategy.Equilibrium(count "passes" json)
                | other -> refuse "strategy" "autoregressive or equilibrium" $"'{other}'"
            DecisionCell = choice cells "decision_cell" json
            MemoryCell =
                choice (("none", None) :: List.map (fun (name, kind) -> name, Some kind) cells) "memory_cell" json
            Aggregator = choice aggregators "neighbour_aggregator" json
            Normalisation = choice normalisations "normalisation" json
            Standardise = get<bool> "standardise" "true or false" json
            Dropout = dropout
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

    let private losses = [ "mean-over-graphs", LossKind.MeanOverGraphs; "original", LossKind.Original ]

    let lossName (kind: LossKind) : string = nameOf losses kind

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
