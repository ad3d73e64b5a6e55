namespace Pruning.Model.Training

open System
open System.Globalization
open System.IO
open System.Text.RegularExpressions
open Pruning.Model.Persistence
open Pruning.Model.Tensors

/// The checkpoints of a run, a directory each: `epoch-0003` after an epoch, `epoch-0004-step-00000120` within one (steps of the
/// whole run), and the links `last` and `best` to two of them. One training at a time writes here.
[<RequireQualifiedAccess>]
module CheckpointStore =

    /// Newest checkpoints that are kept whatever their rank: if the newest one is damaged there is one before it.
    let private newestKept = 2

    let private pattern = Regex(@"^epoch-(\d{4,10})(?:-step-(\d{8,19}))?$", RegexOptions.CultureInvariant)

    let private endOfEpoch (epoch: int) : string = $"epoch-{epoch:D4}"

    /// The name of the checkpoint at this point of a training.
    let nameOf (progress: TrainingProgress) : string =
        if progress.Step = 0 then
            endOfEpoch (progress.Epoch - 1)
        else
            $"epoch-{progress.Epoch:D4}-step-{progress.GlobalStep:D8}"

    /// Epoch and step of a name, so that later ones compare greater; None for any other name.
    let private tryPlace (name: string) : (int64 * int64) option =
        let found = pattern.Match name

        let number (group: Group) =
            match Int64.TryParse(group.Value, NumberStyles.None, CultureInfo.InvariantCulture) with
            | true, number -> Some number
            | _ -> None

        if not found.Success then
            None
        elif found.Groups[2].Success then
            Option.map2 (fun epoch step -> epoch, step) (number found.Groups[1]) (number found.Groups[2])
        else
            number found.Groups[1] |> Option.map (fun epoch -> epoch, Int64.MaxValue)

    /// Names of the checkpoints, the newest first. A directory that is not there has none.
    let names (store: string) : string list =
        if not (Directory.Exists store) then
            []
        else
            [ for path in Directory.GetDirectories store -> string (Path.GetFileName path) ]
            |> List.choose (fun name -> tryPlace name |> Option.map (fun place -> place, name))
            |> List.sortDescending
            |> List.map snd

    /// Where a directory stands until all of it is deleted: a half-deleted one must not look like a damaged checkpoint.
    let private remove (store: string) (name: string) : unit =
        let beside = Path.Combine(store, $".{name}.writing-{Guid.NewGuid():N}")
        Directory.Move(Path.Combine(store, name), beside)
        Directory.Delete(beside, recursive = true)

    /// Removes what killed processes left half-written or half-deleted.
    let clean (store: string) : unit =
        if Directory.Exists store then
            AtomicFile.removeLeftovers store

    /// Writes a checkpoint, lets `last` and `best` point to the right ones, and removes those that are neither among the
    /// newest two nor among the best epochs.
    let save (store: string) (trainer: Trainer) (progress: TrainingProgress) : unit =
        let name = nameOf progress
        Checkpoint.save (Path.Combine(store, name)) trainer progress
        AtomicFile.link (Path.Combine(store, "last")) name
        let best = progress.Best |> Option.map (fun best -> endOfEpoch best.Epoch) |> Option.toList

        for name in best do
            AtomicFile.link (Path.Combine(store, "best")) name

        let kept = set (best @ [ for ranked in progress.Ranking -> endOfEpoch ranked.Epoch ])

        for name in names store |> List.skip (min newestKept (names store).Length) do
            if not (kept.Contains name) then
                remove store name

    /// Gives a checkpoint that cannot be used another name, under which nobody looks for it.
    let private setDamagedAside (store: string) (name: string) : unit =
        let aside = Path.Combine(store, $"damaged-{name}")

        if Directory.Exists aside then
            Directory.Delete(aside, recursive = true)

        Directory.Move(Path.Combine(store, name), aside)

    /// The newest checkpoint that can be used, if there is any. Newer ones that cannot are passed to `damaged` and renamed:
    /// the training will come to that point again.
    let loadNewest (placement: Placement) (store: string) (damaged: CheckpointException -> unit) : Checkpoint option =
        let rec search names =
            match names with
            | [] -> None
            | name :: older ->
                match
                    (try
                        Ok(Checkpoint.load placement (Path.Combine(store, name)))
                     with :? CheckpointException as error ->
                         Error error)
                with
                | Ok checkpoint -> Some checkpoint
                | Error error ->
                    damaged error
                    setDamagedAside store name
                    search older

        search (names store)
