namespace Pruning.Cli.Prune

open System
open System.IO
open Pruning.Model.Evaluation
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs

/// What is written for an input file.
[<RequireQualifiedAccess>]
type PruneOutput =
    | Scores
    | Parquet
    | Copy

[<RequireQualifiedAccess>]
module PruneOutput =

    let words = [ "scores", PruneOutput.Scores; "parquet", PruneOutput.Parquet; "copy", PruneOutput.Copy ]

    let name (output: PruneOutput) : string = words |> List.find (snd >> (=) output) |> fst

    /// Name of the file for an input of this name.
    let fileName (output: PruneOutput) (input: string) : string =
        match output with
        | PruneOutput.Parquet -> nonNull (Path.GetFileNameWithoutExtension input) + ".parquet"
        | PruneOutput.Scores
        | PruneOutput.Copy -> input

type PruneSettings =
    {
        /// Run directory or model file.
        Model: string
        /// The files; None = those that the run trained on.
        Input: InputSettings option
        /// What is done with files and graphs that cannot be used, whichever the files are.
        Reading: InputSettings
        Network: NetworkUse
        Threshold: Threshold
        /// Labelled files that thresholds are chosen on instead of the run's validation split.
        ChooseOn: string list
        Write: PruneOutput
        Production: ProductionSettings
    }

/// From the words of prune to its settings.
[<RequireQualifiedAccess>]
module PruneSettings =

    let private standard: PruneSettings =
        {
            Model = ""
            Input = None
            Reading = Inputs.standard
            Network = NetworkUse.standard 0
            Threshold = Threshold.Probability 0.5
            ChooseOn = []
            Write = PruneOutput.Scores
            Production = ProductionSettings.standard
        }

    let private network names =
        NetworkUse.options names
        |> Opt.within _.Network (fun v s -> { s with Network = v })

    let private production names =
        ProductionSettings.options names
        |> Opt.within _.Production (fun v s -> { s with Production = v })

    let private input names =
        Opt.pick names Inputs.options
        |> Opt.within _.Reading (fun v s -> { s with Reading = v })

    let private chooseOn: Opt<PruneSettings> =
        { Opt.ofKind
              (Kind.path "FILE")
              "--choose-on"
              "Labelled file or glob on which efficiency=E and best-f1 are chosen instead."
              (fun settings -> String.Join(",", settings.ChooseOn))
              (fun file s ->
                  { s with
                      ChooseOn = s.ChooseOn @ [ file ]
                  }) with
            Text = fun _ -> None
        }
        |> Opt.repeated

    let private output: Opt<PruneSettings> list =
        Opt.choice
            "--write"
            PruneOutput.words
            "What is written. scores: a ROOT file with the score and the decision of each layer cluster, entry by entry. parquet: the \
             same as rows. copy: the input without what is pruned."
            _.Write
            (fun v s -> { s with Write = v })
        :: production [ "--output"; "--output-dir"; "--resume"; "--overwrite"; "--compression"; "--json" ]

    let private badGraphs =
        input [ "--bad-graphs" ]
        |> List.map (
            Opt.help
                "What to do with an invalid trackster (unknown node ids, NaN values): stop or skip. A skipped one gets NaN scores and \
                 nothing of it is pruned; a copy leaves it out."
        )

    let private machine: Opt<PruneSettings> list =
        network [ "--batch-size"; "--threads"; "--gpus"; "--libtorch" ]
        |> List.map (fun option ->
            match option.Info.Name with
            | "--batch-size" ->
                option
                |> Opt.help "Graphs that are computed together."
                |> Opt.unset "32, for autoregressive networks 256"
            | "--threads" ->
                option
                |> Opt.help "Threads that read and compute. Scores and decisions do not depend on their number."
                |> Opt.unset "number of cores"
            | "--gpus" -> option |> Opt.unset "0"
            | _ -> option)

    let options: Opt<PruneSettings> list =
        let point = WorkingPointOption.option _.Threshold (fun v s -> { s with Threshold = v })

        [
            Opt.section "Working point" (network [ "--checkpoint" ] @ [ point; chooseOn ])
            Opt.section "Output" output
            Opt.section
                "Input"
                (input [ "--tracksters"; "--edges"; "--bad-files" ]
                 @ badGraphs
                 @ production [ "--shard" ])
            Opt.section "Machine" machine
        ]
        |> List.concat

    let describe () : OptionInfo list = Opt.describe standard options

    /// From the words after `prune`.
    let ofWords (exists: string -> bool) (words: string list) : PruneSettings =
        let line = Arguments.read true (describe ()) words

        let model, files =
            match line.Positional with
            | model :: files -> model, files
            | [] ->
                raise (UsageException "nothing to prune with: give a run directory or a model file, then the files.")

        let settings = Arguments.apply options line standard

        match settings.Threshold with
        | Threshold.Probability _ when not settings.ChooseOn.IsEmpty ->
            raise (
                UsageException "--choose-on has nothing to choose: give --working-point efficiency=E or best-f1 too."
            )
        | _ -> ()

        ProductionSettings.existing settings.Production |> ignore
        ProductionSettings.destination settings.Production |> ignore

        { settings with
            Model = model
            Input =
                if files.IsEmpty then
                    None
                else
                    Some(Inputs.withWords exists line files settings.Reading)
        }
