namespace Pruning.Cli.Tune

open System
open System.IO
open Pruning.Cli.Framework
open Pruning.Cli.Runs
open Pruning.Model.Metrics
open Pruning.Model.Training

/// What the options of `tune` say, one by one. All other options are those of `train`, which all trials share.
type TuneChoices =
    {
        Space: TunedOption list
        Method: string option
        Trials: int option
        MinEpochs: int option
        Eta: int option
        Metric: Metric
        StudySeed: int64
        Workers: int option
        Devices: int list
        Directory: string
        Json: bool
    }

[<RequireQualifiedAccess>]
module TuneChoices =

    let standard: TuneChoices =
        {
            Space = []
            Method = None
            Trials = None
            MinEpochs = None
            Eta = None
            Metric = Metrics.averagePrecision
            StudySeed = 42L
            Workers = None
            Devices = []
            Directory = Path.Combine("studies", "tune")
            Json = false
        }

    /// An option that adds to the space.
    let private adds name meta help (read: string -> TunedOption list) : Opt<TuneChoices> =
        let kind = Kind.custom meta (fun _ text -> read text) (fun _ -> "")

        { Opt.ofKind kind name help _.Space (fun found s -> { s with Space = s.Space @ found }) with
            Text = fun _ -> None
        }
        |> Opt.repeated

    let private space: Opt<TuneChoices> list =
        [
            adds
                "--space"
                "FILE"
                "JSON object: names of train options, each with a list of values, or with uniform, log-uniform or integer and two ends."
                Space.ofFile
            adds
                "--grid"
                "NAME=A,B,C"
                "A train option takes each of these values. Separate values with ';' where they hold commas. on,off is for a flag."
                (Space.ofGrid >> List.singleton)
            adds
                "--uniform"
                "NAME=LOW:HIGH"
                "A train option takes a real number between two ends, every number with the same probability."
                (Space.ofUniform >> List.singleton)
            adds
                "--log-uniform"
                "NAME=LOW:HIGH"
                "The same, every power of ten with the same probability."
                (Space.ofLogUniform >> List.singleton)
            adds
                "--integer"
                "NAME=LOW:HIGH"
                "A train option takes a whole number, both ends included."
                (Space.ofInteger >> List.singleton)
        ]
        |> Opt.section "Space"

    let private optional kind name help get set = Opt.ofKind (Kind.optional kind) name help get set

    let private search: Opt<TuneChoices> list =
        [
            optional
                (Kind.choice [ for name in StudyPlan.methods -> name, name ])
                "--method"
                "grid (every combination), random, or asha (successive halving: many trials for few epochs, the best ones for more)."
                _.Method
                (fun v s -> { s with Method = v })
            |> Opt.unset "grid where all options have values, else random"
            optional (Kind.whole (1, 9_999)) "--trials" "Trials of random and asha." _.Trials (fun v s ->
                { s with Trials = v })
            |> Opt.unset "20"
            optional
                (Kind.whole (1, 1_000_000))
                "--min-epochs"
                "Epochs of the first rung of asha. --epochs are those of the last one."
                _.MinEpochs
                (fun v s -> { s with MinEpochs = v })
            |> Opt.unset "1"
            optional
                (Kind.whole (2, 100))
                "--eta"
                "asha promotes one trial in this many to the next rung, with this many times the epochs."
                _.Eta
                (fun v s -> { s with Eta = v })
            |> Opt.unset "3"
            Opt.ofKind
                { Kind.choiceAmong (fun () -> [ for metric in MetricState.metrics -> metric.Key, metric ]) [] with
                    Meta = Some "METRIC"
                    Choices = fun () -> []
                    Text = fun metric -> Some metric.Key
                }
                "--metric"
                "Validation metric at the best epoch of each trial, by its name in metrics.jsonl."
                _.Metric
                (fun v s -> { s with Metric = v })
            Opt.ofKind
                (Kind.wholeLong (0L, Int64.MaxValue))
                "--study-seed"
                "Seed that draws the trials. --seed is that of every training."
                _.StudySeed
                (fun v s -> { s with StudySeed = v })
        ]
        |> Opt.section "Search"

    let private devices: Kind<int list> =
        let parse option (text: string) = text.Split ',' |> Array.map (Value.whole option (0, 1023)) |> List.ofArray

        Kind.custom "NUMBERS" parse (fun numbers -> numbers |> List.map string |> String.concat ",")

    let private machine: Opt<TuneChoices> list =
        [
            optional (Kind.whole (1, 1024)) "--workers" "Trainings at a time." _.Workers (fun v s ->
                { s with Workers = v })
            |> Opt.unset "as many as --devices, else one for every two cores"
            Opt.ofKind
                devices
                "--devices"
                "GPUs by number, as in 0,1,2. Each worker has one to itself."
                _.Devices
                (fun v s -> { s with Devices = v })
            |> Opt.unset "the CPU"
        ]
        |> Opt.section "Machine"

    let private output: Opt<TuneChoices> list =
        [
            Opt.ofKind
                (Kind.path "DIRECTORY")
                "--study"
                "Directory of the study: its log, its trials, its results. A study that exists is continued."
                _.Directory
                (fun v s -> { s with Directory = v })
            Opt.flag "--json" "Print the trials and the best command line as JSON on stdout." _.Json (fun v s ->
                { s with Json = v })
        ]
        |> Opt.section "Output"

    let options: Opt<TuneChoices> list = space @ search @ machine @ output

    /// The options that say where and on what a study runs, not what it does.
    let ofMachine: string list = [ "--study"; "--workers"; "--devices"; "--json" ]

    let describe () : OptionInfo list = Opt.describe standard options

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

    /// Options of train by every name.
    let private known: Lazy<Map<string, OptionInfo>> = lazy (Arguments.byName (TrainSettings.describe ()))

    /// Options of train that take no value, by name without dashes.
    let isFlag (name: string) : bool =
        match Map.tryFind $"--{name}" known.Value with
        | Some option -> option.Meta.IsNone
        | None -> false

    /// What a study sets for each trial, or what makes no sense in one.
    let private ownOfStudy =
        [ "runs"; "name"; "output-file"; "json"; "workers"; "threads"; "resume"; "like"; "print-config" ]

    /// The canonical name of an option in a space.
    let private nameOf (tuned: TunedOption) : string =
        let option = $"--{tuned.Name}"

        if List.contains tuned.Name ownOfStudy then
            raise (UsageException $"a space cannot hold {option}: a study sets it for its trials.")

        match Map.tryFind option known.Value with
        | Some found -> found.Name
        | None ->
            match Value.nearest (Map.keys known.Value) option with
            | Some near -> raise (UsageException $"unknown option {option} in the space; did you mean {near}?")
            | None -> raise (UsageException $"unknown option {option} in the space: it holds options of train.")

    let private checkNames (space: TunedOption list) : unit =
        match space |> List.countBy nameOf |> List.tryFind (fun (_, count) -> count > 1) with
        | Some(name, _) -> raise (UsageException $"{name} is in the space more than once.")
        | None -> ()

    let private methodOf (choices: TuneChoices) (space: TunedOption list) : SearchMethod =
        let asked, minEpochs, eta = choices.Method, choices.MinEpochs, choices.Eta
        let standard = if (Space.gridSize space).IsSome then "grid" else "random"

        match defaultArg asked standard, minEpochs, eta with
        | "asha", _, _ -> SearchMethod.Asha(defaultArg eta 3, defaultArg minEpochs 1)
        | _, None, None when asked = Some "random" || (asked.IsNone && standard = "random") -> SearchMethod.Random
        | _, None, None ->
            match space |> List.tryFind (fun tuned -> (Space.gridSize [ tuned ]).IsNone) with
            | Some tuned ->
                raise (
                    UsageException
                        $"--method grid wants values to choose from; --{tuned.Name} has a range: give it --grid, or use --method random \
                         or asha."
                )
            | None -> SearchMethod.Grid
        | _ -> raise (UsageException "--min-epochs and --eta belong to --method asha.")

    let private trialsOf (asked: int option) (space: TunedOption list) (search: SearchMethod) : int =
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
            let words = StudyPlan.trainArguments isFlag plan { Trial = trial; Rung = last }

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

    let private planOf (choices: TuneChoices) (train: string list) (threads: int) : StudyPlan =
        let space = choices.Space

        if space.IsEmpty then
            raise (
                UsageException
                    "wanted a space to search, found none; --grid memory=none,gru,lstm or --space FILE gives one."
            )

        checkNames space
        let search = methodOf choices space

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

        let plan: StudyPlan =
            {
                Method = search
                Space = space
                Trials = trialsOf choices.Trials space search
                Seed = choices.StudySeed
                Metric = choices.Metric
                TrainArguments = words
                Epochs = settings.Training.Epochs
                Threads = if hasThreads then settings.Training.Threads else threads
            }

        check plan
        plan

    /// From the words after `tune`.
    let ofWords (words: string list) : TuneSettings =
        let infos = TuneChoices.describe ()
        let own, train = Arguments.divide infos (TrainSettings.describe ()) words
        let line = Arguments.read false infos own
        let choices = Arguments.apply TuneChoices.options line TuneChoices.standard
        let devices, directory = choices.Devices, choices.Directory

        let workers =
            choices.Workers
            |> Option.defaultWith (fun () ->
                if devices.IsEmpty then
                    max 1 (Environment.ProcessorCount / 2)
                else
                    devices.Length)

        let stored = Path.Combine(directory, StudyPlan.fileName)

        let isOfMachine (word: Word) = List.contains word.Name TuneChoices.ofMachine

        let goesOn = File.Exists stored && train.IsEmpty && List.forall isOfMachine line.Words

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

                    Some(planOf choices train threads)
            Workers = workers
            Devices = devices
            Json = choices.Json
        }
