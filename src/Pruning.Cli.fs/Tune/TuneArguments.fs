namespace Pruning.Cli.Tune

open System
open System.IO
open Argu
open Pruning.Cli.Framework
open Pruning.Cli.Options
open Pruning.Cli.Runs
open Pruning.Model.Metrics
open Pruning.Model.Training

/// The words of `tune`. Everything else is a word of `train` that all trials share.
type TuneArgument =
    | [<Section "The space">] Space of file: string
    | Grid of values: string
    | Uniform of range: string
    | Log_Uniform of range: string
    | Integer of range: string
    | [<Section "The search">] Method of name: string
    | Trials of n: string
    | Min_Epochs of n: string
    | Eta of n: string
    | Metric of name: string
    | Study_Seed of n: string
    | [<Section "The machine">] Workers of n: string
    | Devices of list: string
    | [<Section "Output">] Study of directory: string
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Space _ ->
                "JSON object: names of train options with a list of values, or with uniform, log-uniform or integer and two ends (docs/tuning.md)"
            | Grid _ ->
                "NAME=A,B,C: a train option takes each of these values (separated by ';' where they hold commas; on,off for an option without a value); may be repeated"
            | Uniform _ -> "NAME=LOW:HIGH: a real number between them, every number as likely; may be repeated"
            | Log_Uniform _ -> "NAME=LOW:HIGH: the same, every power of ten as likely"
            | Integer _ -> "NAME=LOW:HIGH: a whole number, both ends included"
            | Method _ ->
                "grid (every combination), random, or asha (successive halving: many trials for few epochs, the best ones for more) (default: grid where all options have values, else random)"
            | Trials _ -> "how many trials random and asha make (default 20)"
            | Min_Epochs _ -> "asha: epochs of the first rung (default 1); --epochs are those of the last one"
            | Eta _ -> "asha: one trial in so many goes on to the next rung, with so many times the epochs (default 3)"
            | Metric _ ->
                "validation metric by its name in metrics.jsonl; best epoch of each trial (default average_precision)"
            | Study_Seed _ -> "draws the trials; --seed is that of every training (default 42)"
            | Workers _ -> "trainings at a time (default: as many as --devices, else one for every two cores)"
            | Devices _ -> "GPUs by number, as in 0,1,2: each worker has one to itself (default: the CPU)"
            | Study _ ->
                "directory of the study: journal, trials, results (default studies/tune); one that is there is gone on with"
            | Json -> "print the trials and the best command line as JSON on stdout"

/// What `tune` was asked to do, validated. Trials are checked by train's own parser before anything starts.
type TuneSettings =
    {
        Directory: string
        /// None: go on with the plan of a study that is there.
        Plan: StudyPlan option
        Workers: int
        Devices: int list
        Json: bool
    }

[<RequireQualifiedAccess>]
module TuneSettings =

    /// Options of train that take no value, by name without dashes.
    let isFlag (name: string) : bool = Map.tryFind $"--{name}" (Arguments.takesValue<TrainArgument>()) = Some false

    /// What a study sets for each trial, or what makes no sense in one.
    let private ownOfStudy =
        [ "runs"; "name"; "output-file"; "json"; "workers"; "threads"; "resume"; "like" ]

    let private checkNames (space: TunedOption list) : unit =
        let known = Arguments.takesValue<TrainArgument>()

        for tuned in space do
            let option = $"--{tuned.Name}"

            if List.contains tuned.Name ownOfStudy then
                raise (UsageException $"a space cannot hold {option}: a study sets it for its trials.")

            if not (known.ContainsKey option) then
                let names = known |> Map.keys |> Seq.filter (fun name -> name.StartsWith "--")

                match Value.nearest names option with
                | Some near -> raise (UsageException $"unknown option {option} in the space; did you mean {near}?")
                | None -> raise (UsageException $"unknown option {option} in the space: it holds options of train.")

        match space |> List.countBy _.Name |> List.tryFind (fun (_, count) -> count > 1) with
        | Some(name, _) -> raise (UsageException $"--{name} is in the space more than once.")
        | None -> ()

    /// The last of an option's values.
    let private last (arguments: TuneArgument list) (choose: TuneArgument -> 'T option) : 'T option =
        arguments |> List.choose choose |> List.tryLast

    let private spaceOf (arguments: TuneArgument list) : TunedOption list =
        arguments
        |> List.collect (function
            | Space file -> Pruning.Cli.Tune.Space.ofFile file
            | Grid word -> [ Pruning.Cli.Tune.Space.ofGrid word ]
            | Uniform word -> [ Pruning.Cli.Tune.Space.ofUniform word ]
            | Log_Uniform word -> [ Pruning.Cli.Tune.Space.ofLogUniform word ]
            | Integer word -> [ Pruning.Cli.Tune.Space.ofInteger word ]
            | _ -> [])

    let private whole option range text = Value.whole option range text

    let private methodOf (arguments: TuneArgument list) (space: TunedOption list) : SearchMethod =
        let minEpochs =
            last arguments (function
                | Min_Epochs text -> Some(whole "--min-epochs" (1, 1_000_000) text)
                | _ -> None)

        let eta =
            last arguments (function
                | Eta text -> Some(whole "--eta" (2, 100) text)
                | _ -> None)

        let asked =
            last arguments (function
                | Method text -> Some(Value.choice "--method" [ for name in StudyPlan.methods -> name, name ] text)
                | _ -> None)

        let standard = if (Space.gridSize space).IsSome then "grid" else "random"

        match defaultArg asked standard, minEpochs, eta with
        | "asha", _, _ -> SearchMethod.Asha(defaultArg eta 3, defaultArg minEpochs 1)
        | _, None, None when asked = Some "random" || (asked.IsNone && standard = "random") -> SearchMethod.Random
        | _, None, None ->
            match space |> List.tryFind (fun tuned -> (Space.gridSize [ tuned ]).IsNone) with
            | Some tuned ->
                raise (
                    UsageException
                        $"--method grid wants values to choose from; --{tuned.Name} has a range: give it --grid, or use --method random or asha."
                )
            | None -> SearchMethod.Grid
        | _ -> raise (UsageException "--min-epochs and --eta belong to --method asha.")

    let private trialsOf (arguments: TuneArgument list) (space: TunedOption list) (search: SearchMethod) : int =
        let asked =
            last arguments (function
                | Trials text -> Some(whole "--trials" (1, 9_999) text)
                | _ -> None)

        match search, asked with
        | SearchMethod.Grid, None ->
            match Space.gridSize space with
            | Some size when size <= 9_999L -> int size
            | size -> raise (UsageException $"a grid has at most 9,999 trials; found {size |> Option.toNullable}.")
        | SearchMethod.Grid, Some _ ->
            raise (UsageException "--trials belongs to --method random or asha: a grid has every combination.")
        | _, asked -> defaultArg asked 20

    /// Asks train's parser about every trial.
    let private check (plan: StudyPlan) : unit =
        let last = (StudyPlan.rungs plan).Length - 1

        for trial in 0 .. plan.Trials - 1 do
            let words = StudyPlan.trainWords isFlag plan { Trial = trial; Rung = last }

            try
                TrainSettings.ofWords words |> ignore
            with :? UsageException as error ->
                raise (UsageException $"trial {trial} is no training: {error.Message}")

    /// Words without an option that takes a value.
    let rec private without (option: string) (words: string list) : string list =
        match words with
        | word :: _ :: rest when word.Replace('_', '-') = option -> without option rest
        | word :: rest when word.Replace('_', '-').StartsWith(option + "=") -> without option rest
        | word :: rest -> word :: without option rest
        | [] -> []

    let private planOf (arguments: TuneArgument list) (train: string list) (threads: int) : StudyPlan =
        let space = spaceOf arguments

        if space.IsEmpty then
            raise (
                UsageException
                    "wanted a space to search, found none; --grid memory=none,gru,lstm or --space FILE gives one."
            )

        checkNames space
        let search = methodOf arguments space

        match search, space |> List.tryFind (fun tuned -> tuned.Name = "epochs") with
        | SearchMethod.Asha _, Some _ ->
            raise (UsageException "a space for asha cannot hold --epochs: rungs are epochs.")
        | _ -> ()

        for word in train do
            match
                ownOfStudy
                |> List.tryFind (fun name -> word = $"--{name}" || word.StartsWith $"--{name}=")
            with
            | Some "threads"
            | None -> ()
            | Some name -> raise (UsageException $"tune takes no --{name} for its trials: a study sets it.")

        let settings = TrainSettings.ofWords train
        let hasThreads = (without "--threads" train).Length < train.Length

        // Trials may run on another machine, from another directory. What a study says itself for each job goes.
        let words =
            train
            |> without "--epochs"
            |> without "--threads"
            |> List.map (fun word -> if File.Exists word then Path.GetFullPath word else word)

        let metrics = MetricState.report MetricState.zero |> List.map fst

        let plan: StudyPlan =
            {
                Method = search
                Space = space
                Trials = trialsOf arguments space search
                Seed =
                    last arguments (function
                        | Study_Seed text -> Some(Value.wholeLong "--study-seed" (0L, Int64.MaxValue) text)
                        | _ -> None)
                    |> Option.defaultValue 42L
                Metric =
                    last arguments (function
                        | Metric text -> Some(Value.choice "--metric" [ for name in metrics -> name, name ] text)
                        | _ -> None)
                    |> Option.defaultValue "average_precision"
                TrainWords = words
                Epochs = settings.Training.Epochs
                Threads = if hasThreads then settings.Training.Threads else threads
            }

        check plan
        plan

    let private devices (text: string) : int list =
        let device (word: string) = Value.whole "--devices" (0, 1023) word
        text.Split ',' |> Array.map device |> List.ofArray

    /// From the words after `tune`.
    let ofWords (words: string list) : TuneSettings =
        let own, train =
            Arguments.divide (Arguments.takesValue<TuneArgument>()) (Arguments.takesValue<TrainArgument>()) words

        let arguments = Arguments.parse<TuneArgument> own

        let devices =
            last arguments (function
                | Devices text -> Some(devices text)
                | _ -> None)
            |> Option.defaultValue []

        let workers =
            last arguments (function
                | Workers text -> Some(whole "--workers" (1, 1024) text)
                | _ -> None)
            |> Option.defaultWith (fun () ->
                if devices.IsEmpty then
                    max 1 (Environment.ProcessorCount / 2)
                else
                    devices.Length)

        let directory =
            last arguments (function
                | Study path -> Some path
                | _ -> None)
            |> Option.defaultValue (Path.Combine("studies", "tune"))

        let stored = Path.Combine(directory, StudyPlan.fileName)

        let isMachine argument =
            match argument with
            | Study _
            | Workers _
            | Devices _
            | Json -> true
            | _ -> false

        let goesOn = File.Exists stored && train.IsEmpty && List.forall isMachine arguments

        let train =
            if devices.IsEmpty || List.contains "--gpus" train then
                train
            else
                train @ [ "--gpus"; "1" ]

        {
            Directory = directory
            Plan =
                if goesOn then
                    None
                else
                    let share = max 1 (Environment.ProcessorCount / workers)

                    let threads = if File.Exists stored then (StudyPlan.read stored).Threads else share

                    Some(planOf arguments train threads)
            Workers = workers
            Devices = devices
            Json = List.contains Json arguments
        }
