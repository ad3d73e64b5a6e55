namespace Pruning.Cli.Runs

open System
open System.Collections.Generic
open System.IO
open System.Text.Json
open System.Text.Json.Nodes
open Pruning.Data.Batching
open Pruning.Model.Persistence
open Pruning.Model.Losses
open Pruning.Model.ModelFiles
open Pruning.Cli.Framework
open Pruning.Cli.Options

/// What config.json of a run holds: everything that was chosen, with nothing left to a default that may change.
type RunConfig =
    {
        /// The files of the input are full paths, in the order in which they were read, without those that were skipped.
        Settings: TrainSettings
        /// The weights of the two classes: given or measured.
        ClassWeights: ClassWeights
    }

/// Writes and reads config.json. The options say under which keys their values stand; besides them there are the version of
/// the layout, the network in the words of model files, the class weights and the files.
[<RequireQualifiedAccess>]
module RunConfig =

    let fileName = "config.json"

    /// 1: files without a version, of programs before this one. They repeat the seed under "split".
    let version = 2

    /// The section that model files have too, and that is written and read as they do.
    let private modelSection = "model"

    /// Options by the section of config.json that keeps them.
    let private sections: (string * (Opt<TrainSettings> * string) list) list =
        [
            for option in TrainSettings.options do
                match option.Info.Key with
                | Some(section, key) when section <> modelSection -> section, (option, key)
                | _ -> ()
        ]
        |> List.groupBy fst
        |> List.map (fun (section, options) -> section, List.map snd options)

    /// The fields of one option.
    let fieldsOf (config: RunConfig) (option: Opt<TrainSettings>) : (string * (JsonNode | null)) list =
        match option.Info.Key with
        | Some(section, key) when section <> modelSection ->
            [ for name, node in option.ToJson key config.Settings -> $"{section}.{name}", node ]
        | _ -> []

    let private filesOf (config: RunConfig) =
        "files", Json.list [ for file in config.Settings.Input.Files -> Json.text file ]

    let toJson (config: RunConfig) : JsonObject =
        Json.record
            [
                "version", Json.integer version
                modelSection, ConfigJson.ofPruner config.Settings.Model
                "class_weights", ConfigJson.ofClassWeights config.ClassWeights
                for section, options in sections do
                    section,
                    Json.record
                        [
                            if section = "input" then
                                filesOf config

                            for option, key in options do
                                yield! option.ToJson key config.Settings
                        ]
            ]

    let private readSection
        (version: int)
        (section: string)
        (options: (Opt<TrainSettings> * string) list)
        (settings: TrainSettings)
        (fields: JsonFields)
        : TrainSettings =
        if version = 1 && section = "split" then
            fields.Since("seed", settings.Training.Seed, (fun () -> fields.Long("seed", 0L, Int64.MaxValue)))
            |> ignore

        let settings =
            if section = "input" then
                { settings with
                    Input.Files = fields.Texts "files"
                }
            else
                settings

        (settings, options)
        ||> List.fold (fun settings (option, key) ->
            if option.Required then
                option.OfJson key fields settings
            else
                // Files that were written before there was such an option do not have it.
                fields.Since(key, settings, (fun () -> option.OfJson key fields settings)))

    /// Reads what `toJson` wrote, here or in an earlier program. `place` says where it stands. What does not fit, and what
    /// nobody knows, is a CheckpointException.
    let ofJson (place: string) (json: JsonObject) : RunConfig =
        let fields = JsonFields(place, json)
        let found = fields.Since("version", 1, (fun () -> fields.Int("version", 1, version)))

        let readInto settings (section, options) =
            let read () = fields.Object(section, readSection found section options settings)

            if options |> List.exists (fun (option: Opt<TrainSettings>, _) -> option.Required) then
                read ()
            else
                fields.Since(section, settings, read)

        let start =
            { TrainSettings.standard with
                Model = ConfigJson.toPruner (fields.Raw modelSection)
            }

        let settings = List.fold readInto start sections
        let weights = ConfigJson.toClassWeights (fields.Raw "class_weights")
        fields.Close()

        {
            Settings =
                { settings with
                    Training.Workers = settings.Input.Workers
                }
            ClassWeights = weights
        }

    /// Reads config.json of a run.
    let read (run: string) : RunConfig =
        let path = Path.Combine(run, fileName)

        if not (File.Exists path) then
            raise (
                CheckpointException
                    $"Cannot read the choices of a training run: there is no file {path}. Is {run} the directory of a run?"
            )

        ofJson path (JsonText.parse path (File.ReadAllBytes path))

    /// The settings of a new run like this one. It does not write over the file that received the best model of this one.
    let toSettings (config: RunConfig) : TrainSettings =
        { config.Settings with
            OutputFile = None
        }

    /// SHA-256 of the files that a run has read, from its run.json; empty if it does not say.
    let readHashes (run: string) : string list =
        let path = Path.Combine(run, "run.json")

        if not (File.Exists path) then
            []
        else
            try
                use document = JsonDocument.Parse(File.ReadAllText path)

                [
                    for input in document.RootElement.GetProperty("inputs").EnumerateArray() ->
                        string (input.GetProperty("sha256").GetString())
                ]
            with
            | :? JsonException
            | :? KeyNotFoundException
            | :? InvalidOperationException -> []
