namespace Pruning.Cli.Options

open System
open Pruning.Model.Configuration
open Pruning.Model.Features
open Pruning.Cli.Framework

/// The options that describe a network. Some make sense together only: a strategy and its iterations, an attention layer and
/// its heads, an order and the run's seed.
[<RequireQualifiedAccess>]
module NetworkOptions =

    let private defaultIterations =
        match PrunerConfig.standard.Strategy with
        | DecisionStrategy.Equilibrium iterations -> iterations
        | _ -> 1

    /// Strategies by name; the number of iterations is another option's.
    let private modes =
        [
            "equilibrium", DecisionStrategy.Equilibrium defaultIterations
            "one-pass", DecisionStrategy.OnePass
            "autoregressive", DecisionStrategy.Autoregressive
            "tree", DecisionStrategy.Tree
        ]

    /// The name of a strategy.
    let modeName (strategy: DecisionStrategy) : string =
        match strategy with
        | DecisionStrategy.Equilibrium _ -> "equilibrium"
        | other -> Choices.nameOf modes other

    let private setMode (strategy: DecisionStrategy) (config: PrunerConfig) : PrunerConfig =
        match strategy, config.Strategy with
        | DecisionStrategy.Equilibrium _, DecisionStrategy.Equilibrium _ -> config
        | strategy, _ -> { config with Strategy = strategy }

    /// How decisions are taken.
    let mode: Opt<PrunerConfig> =
        Opt.ofKind
            { Kind.choice modes with
                Text = modeName >> Some
            }
            "--mode"
            "How decisions are taken. equilibrium: all at once, in several iterations, each of which reads the decisions of the previous \
             one. one-pass: only the first iteration. autoregressive: one layer cluster at a time. tree: all jointly, by exact inference \
             over the links."
            _.Strategy
            setMode
        |> Opt.kept "model" "strategy"

    let autoregressive: Opt<PrunerConfig> =
        { Opt.flag
              "--autoregressive"
              "The same as --mode autoregressive."
              (fun config -> config.Strategy = DecisionStrategy.Autoregressive)
              (fun on -> if on then setMode DecisionStrategy.Autoregressive else id) with
            Text = fun _ -> None
        }
        |> Opt.notKept

    /// Iterations of the equilibrium strategy; other strategies have none.
    let iterations: Opt<PrunerConfig> =
        Opt.ofKind
            (Kind.omitted (Kind.whole (1, 1000)))
            "--iterations"
            "Iterations of the equilibrium strategy."
            (fun config ->
                match config.Strategy with
                | DecisionStrategy.Equilibrium iterations -> Some iterations
                | _ -> None)
            (fun iterations config ->
                match config.Strategy, iterations with
                | DecisionStrategy.Equilibrium _, Some iterations ->
                    { config with
                        Strategy = DecisionStrategy.Equilibrium iterations
                    }
                | _ -> config)
        |> Opt.original "--num-iterations"
        |> Opt.alias "--passes"
        |> Opt.kept "model" "passes"
        |> Opt.late

    let decisionCell: Opt<PrunerConfig> =
        Opt.choice
            "--decision-cell"
            Choices.cells
            "Recurrent cell that feeds decisions back into the node states."
            _.DecisionCell
            (fun v s -> { s with DecisionCell = v })
        |> Opt.original "--aggregator"
        |> Opt.kept "model" "decision_cell"

    let memoryCell: Opt<PrunerConfig> =
        Opt.choice
            "--memory-cell"
            Choices.memories
            "Recurrent cell that remembers the node states between iterations or steps."
            _.MemoryCell
            (fun v s -> { s with MemoryCell = v })
        |> Opt.original "--memory"
        |> Opt.kept "model" "memory_cell"

    let neighbourAggregator: Opt<PrunerConfig> =
        Opt.choice
            "--neighbour-aggregator"
            Choices.aggregators
            "How a sage layer combines the messages of the neighbours. mean-max puts mean and max side by side. mean is much faster than \
             lstm."
            _.Aggregator
            (fun v s -> { s with Aggregator = v })
        |> Opt.alias "--neighbor-aggregator"

    /// The width of the node states.
    let hidden: Opt<PrunerConfig> =
        let even (option: string) (text: string) =
            let hidden = Value.whole option (2, 8192) text

            if hidden % 2 = 1 then
                Value.refuse option "an even number (the encoder starts with half of it)" text

            hidden

        Opt.ofKind
            { Kind.whole (2, 8192) with
                Parse = even
            }
            "--hidden-dim"
            "Width of the node states: an even number."
            _.Hidden
            (fun v s -> { s with Hidden = v })
        |> Opt.alias "--hidden"
        |> Opt.kept "model" "hidden"

    let private heads: Opt<PrunerConfig> =
        let set heads (config: PrunerConfig) =
            match config.Layer, heads with
            | LayerKind.GatV2 _, Some heads ->
                { config with
                    Layer = LayerKind.GatV2 heads
                }
            | other, _ ->
                raise (UsageException $"--heads belongs to --layer gatv2; found --layer {Choices.layerName other}.")

        Opt.ofKind
            (Kind.omitted (Kind.whole (1, 8192)))
            "--heads"
            "Attention heads of a gatv2 layer. They divide the width of the node states."
            (fun (config: PrunerConfig) ->
                match config.Layer with
                | LayerKind.GatV2 heads -> Some heads
                | _ -> None)
            set
        |> Opt.unset (string Choices.defaultHeads)
        |> Opt.late

    let private order: Opt<PrunerConfig> =
        let kind = Kind.choice (Choices.orders 0L)

        Opt.ofKind
            { kind with
                // The seed is another option's.
                Text =
                    function
                    | DecisionOrder.Random _ -> kind.Text(DecisionOrder.Random 0L)
                    | order -> kind.Text order
            }
            "--order"
            "Which layer cluster an autoregressive network decides next: confidence (learnt), energy (highest first), layer (from the \
             front) or random."
            _.Order
            (fun v s -> { s with Order = v })

    let private normalisation name help (get: PrunerConfig -> Normalisation) set =
        Opt.choice name Choices.normalisations help get set

    /// Options of the strategy, the cells and the message-passing steps.
    let private decisions: Opt<PrunerConfig> list =
        [
            mode
            autoregressive
            iterations
            Opt.whole
                "--message-passing-steps"
                (1, 100)
                "Message-passing steps of each iteration or decision."
                _.Rounds
                (fun v s -> { s with Rounds = v })
            |> Opt.original "--num-gnn-steps"
            |> Opt.alias "--rounds"
            |> Opt.kept "model" "rounds"
            hidden
            decisionCell
            memoryCell
            order
            Opt.choice
                "--layer"
                Choices.layers
                "Operator of a message-passing step. gatv2 is attention."
                (fun (config: PrunerConfig) -> config.Layer)
                (fun v s -> { s with Layer = v })
            |> fun option ->
                { option with
                    Text = fun config -> Some(Choices.layerName config.Layer)
                }
            heads
            neighbourAggregator
            Opt.whole
                "--neighbours"
                (0, 1000)
                "Edges that each layer cluster gets from its nearest neighbours in the trackster, besides the links."
                _.Neighbours
                (fun v s -> { s with Neighbours = v })
            |> Opt.alias "--neighbors"
            Opt.flag
                "--residual"
                "Add the output of a message-passing step to its input instead of replacing it. This helps with many steps."
                _.Residual
                (fun v s -> { s with Residual = v })
        ]

    /// Options of the encoder, the heads and normalisation.
    let private layers: Opt<PrunerConfig> list =
        [
            normalisation
                "--step-normalisation"
                "Normalisation of the output of a message-passing step."
                _.RoundNormalisation
                (fun v s -> { s with RoundNormalisation = v })
            |> Opt.alias "--round-normalisation"
            |> Opt.alias "--round-normalization"
            |> Opt.kept "model" "round_normalisation"
            Opt.real
                "--step-dropout"
                (Interval.below 0.0 1.0)
                "Dropout probability in the output of a message-passing step."
                _.RoundDropout
                (fun v s -> { s with RoundDropout = v })
            |> Opt.alias "--round-dropout"
            |> Opt.kept "model" "round_dropout"
            Opt.ofKind
                NetworkKinds.features
                "--features"
                "What the network reads of a layer cluster: original, extended, oriented, physics, or names separated by commas. The \
                 reference page of the features describes the sets and the names."
                _.Features
                (fun v s -> { s with Features = v })
            normalisation
                "--normalisation"
                "Normalisation between the layers of the encoder."
                _.Normalisation
                (fun v s -> { s with Normalisation = v })
            |> Opt.alias "--normalization"
            Opt.flag
                "--no-standardise"
                "Read cm, GeV and ns as they are, instead of shifting and scaling each feature."
                (fun config -> not config.Standardise)
                (fun v s -> { s with Standardise = not v })
            |> Opt.alias "--no-standardize"
            |> Opt.kept "model" "standardise"
            Opt.real "--dropout" (Interval.below 0.0 1.0) "Dropout probability in the heads." _.Dropout (fun v s ->
                { s with Dropout = v })
            Opt.ofKind
                NetworkKinds.teacherForcing
                "--scheduled-sampling"
                "How teacher forcing of an autoregressive network falls from the first epoch to the last: none (always the true label), \
                 linear, exponential or inverse-sigmoid. A number after a colon is the probability of the true label in the last epoch, as \
                 in linear:0.1."
                _.TeacherForcing
                (fun v s -> { s with TeacherForcing = v })
        ]

    /// Every option of a network.
    let options: Opt<PrunerConfig> list = decisions @ layers |> Opt.group "Network" "model"

    let private refuseStrays (line: Line) (config: PrunerConfig) =
        let mode = modeName config.Strategy

        if config.Strategy <> DecisionStrategy.Autoregressive then
            for option, isThere in
                [
                    "--order", config.Order <> DecisionOrder.Confidence
                    "--scheduled-sampling", config.TeacherForcing <> TeacherForcingSchedule.Always
                ] do
                if isThere then
                    raise (UsageException $"{option} belongs to --mode autoregressive; found --mode {mode}.")

        let isWeighted =
            Line.typed "--class-weight" line
            |> Option.exists (fun text -> text.ToLowerInvariant() <> "measured")

        if config.Strategy = DecisionStrategy.Tree && isWeighted then
            raise (
                UsageException
                    "--class-weight has no meaning with --mode tree, which learns exact probabilities. Leave it out, and choose where to \
                     prune with evaluate --working-point."
            )

        if
            config.Layer <> LayerKind.Sage
            && (Line.typed "--neighbour-aggregator" line).IsSome
        then
            raise (
                UsageException
                    $"--neighbour-aggregator belongs to --layer sage; found --layer {Choices.layerName config.Layer}."
            )

    /// The network with what its options say together. Refuses options that contradict each other.
    let complete (seed: int64) (line: Line) (config: PrunerConfig) : PrunerConfig =
        match config.Layer with
        | LayerKind.GatV2 heads when config.Hidden % heads <> 0 ->
            let text = Line.last "--heads" line |> Option.defaultValue (string heads)
            Value.refuse "--heads" $"a divisor of the width of the node states, {config.Hidden}" text
        | _ -> ()

        refuseStrays line config

        match config.Order with
        | DecisionOrder.Random _ when (Line.last "--order" line).IsSome ->
            { config with
                Order = DecisionOrder.Random seed
            }
        | _ -> config

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
            config.RoundNormalisation <> fixedTo.RoundNormalisation, "--step-normalisation", "to identity"
            config.RoundDropout <> fixedTo.RoundDropout, "--step-dropout", "to 0"
            config.Order <> fixedTo.Order, "--order", "to confidence"
            config.TeacherForcing <> fixedTo.TeacherForcing, "--scheduled-sampling", "to none"
        ]
        |> List.tryPick (fun (isBroken, option, value) -> if isBroken then Some(option, value) else None)
