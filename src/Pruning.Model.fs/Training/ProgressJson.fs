namespace Pruning.Model.Training

open System
open System.Globalization
open System.Text.Json.Nodes
open Pruning.Model.Persistence
open Pruning.Model.Metrics

/// Where a training stands, as JSON, and back without the loss of a bit: counts are whole numbers, exact sums are whole numbers
/// of their units as text, and .NET writes floating point numbers so that they read back as they were.
[<RequireQualifiedAccess>]
module ProgressJson =

    let private longs (numbers: int64 seq) = Json.list [ for number in numbers -> Json.integer number ]

    let private ofSum (sum: ExactSum) = Json.text ((ExactSum.toUnits sum).ToString CultureInfo.InvariantCulture)

    let ofMetrics (state: MetricState) : JsonObject =
        let decisions, energy = state.Decisions, state.Energy

        Json.record
            [
                "decisions",
                longs [ decisions.PrunedRightly; decisions.PrunedWrongly; decisions.KeptWrongly; decisions.KeptRightly ]
                "score_bins", longs (Seq.map int64 state.Scores.Bins)
                "score_keep", longs state.Scores.Keep
                "score_prune", longs state.Scores.Prune
                "energy_shower", ofSum energy.Shower
                "energy_shower_kept", ofSum energy.ShowerKept
                "energy_kept", ofSum energy.Kept
                "graphs", Json.integer state.Graphs
                "loss", ofSum state.LossSum
            ]

    let private toSum (key: string) (fields: JsonFields) : ExactSum =
        fields.Parsed(
            key,
            "a whole number as text",
            fun text ->
                match Int128.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) with
                | true, units -> Some(ExactSum.ofUnits units)
                | _ -> None
        )

    let private counts (key: string) (fields: JsonFields) : int64[] =
        let found = fields.Longs key

        if found |> Array.exists (fun count -> count < 0L) then
            fields.Refuse(key, "counts", "a negative number")

        found

    let private toScores (fields: JsonFields) : ScoreHistogram =
        let bins, keep, prune =
            fields.Longs "score_bins", counts "score_keep" fields, counts "score_prune" fields

        if keep.Length <> bins.Length || prune.Length <> bins.Length then
            fields.Refuse("score_bins", "as many bins as counts", $"{bins.Length}, {keep.Length} and {prune.Length}")

        let fits (bin: int64) = bin >= int64 Int32.MinValue && bin <= int64 Int32.MaxValue

        if
            Array.exists (fits >> not) bins
            || Array.exists (fun (a, b) -> b <= a) (Array.pairwise bins)
        then
            fields.Refuse("score_bins", "rising bins", "others")

        {
            Bins = Array.map int bins
            Keep = keep
            Prune = prune
        }

    let toMetrics (fields: JsonFields) : MetricState =
        let decisions: Confusion =
            match counts "decisions" fields with
            | [| prunedRightly; prunedWrongly; keptWrongly; keptRightly |] ->
                {
                    PrunedRightly = prunedRightly
                    PrunedWrongly = prunedWrongly
                    KeptWrongly = keptWrongly
                    KeptRightly = keptRightly
                }
            | other -> fields.Refuse("decisions", "four counts", $"{other.Length}")

        {
            Decisions = decisions
            Scores = toScores fields
            Energy =
                {
                    Shower = toSum "energy_shower" fields
                    ShowerKept = toSum "energy_shower_kept" fields
                    Kept = toSum "energy_kept" fields
                }
            Graphs = fields.Long("graphs", 0L, Int64.MaxValue)
            LossSum = toSum "loss" fields
        }

    // JSON has no infinity; the loss of an epoch without graphs is one.
    let private ofScore (value: float) = Json.number value

    let private toScore (key: string) (fields: JsonFields) : float =
        fields.Optional(key, _.Number(key, "a number or null", (fun _ -> true)))
        |> Option.defaultValue -infinity

    let toJson (progress: TrainingProgress) : JsonObject =
        Json.record
            [
                "epoch", Json.integer progress.Epoch
                "step", Json.integer progress.Step
                "global_step", Json.integer progress.GlobalStep
                "learning_rate", Json.number progress.LearningRate
                "metrics", ofMetrics progress.Metrics
                "gradient_norm_sum", Json.number progress.NormSum
                "seconds", Json.number progress.Seconds
                "plateau",
                Json.record
                    [ "scale", Json.number progress.Plateau.Scale; "waited", Json.integer progress.Plateau.Waited ]
                "best",
                (match progress.Best with
                 | None -> null
                 | Some best ->
                     Json.record
                         [
                             "epoch", Json.integer best.Epoch
                             "global_step", Json.integer best.GlobalStep
                             "validation", ofMetrics best.Validation
                         ])
                "ranking",
                Json.list
                    [
                        for ranked in progress.Ranking ->
                            Json.record
                                [
                                    "epoch", Json.integer ranked.Epoch
                                    "score", ofScore (fst ranked.Score)
                                    "loss", ofScore (snd ranked.Score)
                                ]
                    ]
            ]

    let private notNegative (key: string) (fields: JsonFields) : float =
        fields.Number(key, "a number not below 0", (fun x -> x >= 0.0))

    let private epochOf (low: int) (fields: JsonFields) : int = fields.Int("epoch", low, Int32.MaxValue)

    let private stepOf (fields: JsonFields) : int64 = fields.Long("global_step", 0L, Int64.MaxValue)

    let ofJson (fields: JsonFields) : TrainingProgress =
        let progress =
            {
                Epoch = epochOf 1 fields
                Step = fields.Int("step", 0, Int32.MaxValue)
                GlobalStep = stepOf fields
                LearningRate = notNegative "learning_rate" fields
                Metrics = fields.Object("metrics", toMetrics)
                NormSum = notNegative "gradient_norm_sum" fields
                Seconds = notNegative "seconds" fields
                Plateau =
                    fields.Object(
                        "plateau",
                        fun plateau ->
                            {
                                Scale = notNegative "scale" plateau
                                Waited = plateau.Int("waited", 0, Int32.MaxValue)
                            }
                    )
                Best =
                    fields.Optional(
                        "best",
                        _.Object(
                            "best",
                            fun best ->
                                {
                                    Epoch = epochOf 1 best
                                    GlobalStep = stepOf best
                                    Validation = best.Object("validation", toMetrics)
                                }
                        )
                    )
                Ranking =
                    fields.Objects(
                        "ranking",
                        fun ranked ->
                            {
                                Epoch = epochOf 1 ranked
                                Score = toScore "score" ranked, toScore "loss" ranked
                            }
                    )
            }

        if progress.GlobalStep < int64 progress.Step then
            fields.Refuse("global_step", $"at least the {progress.Step} steps of the epoch", string progress.GlobalStep)

        progress
