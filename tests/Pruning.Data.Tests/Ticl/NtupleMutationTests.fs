/// Ntuples with one thing changed: a clear error, or the file that a plain loop over the changed ntuple gives.
module Pruning.Tests.Data.Ticl.NtupleMutationTests

open System
open System.Collections.Generic
open System.IO
open System.Threading
open Expecto
open Pruning.Data.Errors
open Pruning.Data.Simulation
open Pruning.Data.Ticl
open Pruning.Root.Columns
open Pruning.Root.Reading
open Pruning.Root.Writing
open Pruning.Root.Writing.Trees
open Pruning.Tests
open Pruning.Tests.Cli.Run
open Pruning.Tests.Data.Ticl.PreprocessTests

type private Values =
    | Reals of float32[]
    | Counts of uint32[]
    | Wholes of int[]
    | Longs of uint64[]

/// A branch as arrays: one level of offsets for each level of lists.
type private Branch =
    {
        Tree: string
        Name: string
        Levels: int64[] list
        Values: Values
    }

let private read (path: string) : Branch list =
    use file = RootFile.Open path

    [
        for entry in file.List() |> Seq.filter _.IsTree do
            let tree = file.Tree entry.Path

            for branch in tree.Branches do
                // The counts of NanoAOD are made anew with the lists.
                let isCounter = entry.Path = "Events" && branch.Name.StartsWith 'n'

                if not isCounter then
                    let column = Seq.exactlyOne (tree.ReadColumns branch.Name)

                    {
                        Tree = entry.Path
                        Name = branch.Name
                        Levels = List.ofSeq column.Levels
                        Values =
                            match column with
                            | :? NestedColumn<float32> as it -> Reals it.Values
                            | :? NestedColumn<uint32> as it -> Counts it.Values
                            | :? JaggedColumn<float32> as it -> Reals it.Values
                            | :? JaggedColumn<uint32> as it -> Counts it.Values
                            | :? JaggedColumn<int> as it -> Wholes it.Values
                            | :? JaggedColumn<uint64> as it -> Longs it.Values
                            | other -> failtest $"{branch.Name} is a {other.GetType().Name}"
                    }
    ]

let private writeBranches (path: string) (branches: Branch list) =
    use file = RootFileWriter.Create path

    for name, members in branches |> List.groupBy _.Tree do
        let tree = file.CreateTree name
        let mutable event: SplitObject option = None

        let data (branch: Branch) (values: 'T[]) : BranchData =
            match branch.Levels with
            | [] when branch.Name.StartsWith "event/" ->
                let id = event |> Option.defaultWith (fun () -> tree.Object("event", "edm::EventID", 11))
                event <- Some id
                id.Member<'T>(branch.Name.Substring 6).Values values
            | [] -> tree.Flat<'T>(branch.Name).Values values
            | [ offsets ] -> tree.Vector<'T>(branch.Name).Lists(offsets, values)
            | outer :: inner :: _ -> tree.NestedVector<'T>(branch.Name).Lists(outer, inner, values)

        tree.Append
            [|
                for branch in members do
                    match branch.Values with
                    | Reals values -> data branch values
                    | Counts values -> data branch values
                    | Wholes values -> data branch values
                    | Longs values -> data branch values
            |]

    file.Close()

let private entriesOf (branch: Branch) =
    match branch.Levels, branch.Values with
    | outer :: _, _ -> outer.Length - 1
    | [], Reals v -> v.Length
    | [], Counts v -> v.Length
    | [], Wholes v -> v.Length
    | [], Longs v -> v.Length

/// The branch with some entries, in this order.
let private take (entries: int list) (branch: Branch) : Branch =
    let pick (indices: int list) (values: 'T[]) = [| for i in indices -> values[i] |]

    let rec chosen (items: int list) levels =
        match levels with
        | [] -> items, []
        | (offsets: int64[]) :: rest ->
            let lengths = [ for i in items -> int (offsets[i + 1] - offsets[i]) ]

            let below =
                [
                    for i in items do
                        yield! [ int offsets[i] .. int offsets[i + 1] - 1 ]
                ]

            let values, deeper = chosen below rest
            values, (lengths |> List.scan (+) 0 |> List.map int64 |> Array.ofList) :: deeper

    let values, levels = chosen entries branch.Levels

    { branch with
        Levels = levels
        Values =
            match branch.Values with
            | Reals v -> Reals(pick values v)
            | Counts v -> Counts(pick values v)
            | Wholes v -> Wholes(pick values v)
            | Longs v -> Longs(pick values v)
    }

let private emptied (entry: int) (branch: Branch) =
    match branch.Levels with
    | [] -> branch
    | outer :: _ ->
        // Entry behind the last has no values: the end of every level.
        let nothing =
            { branch with
                Levels = [ for level in branch.Levels -> Array.append level [| Array.last level |] ]
            }

        take [ for e in 0 .. outer.Length - 2 -> if e = entry then outer.Length - 1 else e ] nothing

let private special (random: Random) (values: Values) =
    let change (of': Random -> 'T) (values: 'T[]) =
        if values.Length = 0 then
            values
        else
            let copy = Array.copy values
            let at = random.Next copy.Length
            copy[at] <- if random.Next 3 = 0 then copy[random.Next copy.Length] else of' random
            copy

    let pick (choices: 'T list) (random: Random) = choices[random.Next choices.Length]

    match values with
    | Reals v -> Reals(change (pick [ nanf; infinityf; -infinityf; 0f; -1f; 1e30f; 2f; 0.3f ]) v)
    | Counts v -> Counts(change (pick [ 0u; 1u; 2u; 60u; 100000u; UInt32.MaxValue ]) v)
    | Wholes v -> Wholes(change (pick [ 0; -1; 5; Int32.MaxValue; Int32.MinValue ]) v)
    | Longs v -> Longs(change (pick [ 0UL; 1UL; UInt64.MaxValue ]) v)

/// Moves one bound of one level by one.
let private moved (random: Random) (branch: Branch) =
    let level = random.Next(max 1 branch.Levels.Length)

    { branch with
        Levels =
            branch.Levels
            |> List.mapi (fun i offsets ->
                if i <> level || offsets.Length < 3 then
                    offsets
                else
                    let copy = Array.copy offsets
                    let at = 1 + random.Next(copy.Length - 2)

                    copy[at] <-
                        if random.Next 2 = 0 then
                            max copy[at - 1] (copy[at] - 1L)
                        else
                            min copy[at + 1] (copy[at] + 1L)

                    copy)
    }

let private mutated (random: Random) (branches: Branch list) : Branch list =
    let which = random.Next branches.Length
    let tree = branches[which].Tree

    let one change =
        branches
        |> List.mapi (fun i branch -> if i = which then change branch else branch)

    let entries = entriesOf branches[which]

    match random.Next 10 with
    | 0 ->
        branches
        |> List.indexed
        |> List.filter (fun (i, _) -> i <> which)
        |> List.map snd
    | 1 -> branches |> List.filter (fun branch -> branch.Tree <> tree)
    | 2 -> one (emptied (random.Next entries))
    | 3 ->
        let entry = random.Next entries
        branches |> List.map (emptied entry)
    | 4 ->
        let turned = [ entries - 1 .. -1 .. 0 ]

        branches
        |> List.map (fun branch -> if branch.Tree = tree then take turned branch else branch)
    | 5 ->
        branches
        |> List.map (fun branch -> if branch.Tree = tree then take [ 0 .. entries - 2 ] branch else branch)
    | 6
    | 7 -> one (moved random)
    | _ ->
        one (fun branch ->
            { branch with
                Values = special random branch.Values
            })

/// Lists of a branch of lists of lists.
let private nested (branches: Branch list) (tree: string -> bool) (name: string) (entry: int) : 'T[][] option =
    branches
    |> List.tryFind (fun branch -> tree branch.Tree && branch.Name = name)
    |> Option.map (fun branch ->
        let values =
            unbox<'T[]>(
                match branch.Values with
                | Reals v -> box v
                | Counts v -> box v
                | Wholes v -> box v
                | Longs v -> box v
            )

        match branch.Levels with
        | [ outer; inner ] ->
            [|
                for list in outer[entry] .. outer[entry + 1] - 1L ->
                    values[int inner[int list] .. int inner[int list + 1] - 1]
            |]
        | [ outer ] -> [| values[int outer[entry] .. int outer[entry + 1] - 1] |]
        | _ -> [| [| values[entry] |] |])

let private flat branches tree name entry = nested branches tree name entry |> Option.map Array.head

/// Lists that counts divide, as NanoAOD has them.
let private counted branches (count: string) (name: string) entry : 'T[][] =
    let counts: uint32[] = flat branches ((=) "Events") count entry |> Option.get
    let values: 'T[] = flat branches ((=) "Events") name entry |> Option.get
    let starts = counts |> Array.scan (fun sum one -> sum + int one) 0
    Array.init counts.Length (fun i -> values[starts[i] .. starts[i + 1] - 1])

type private Event =
    {
        X: float32[]
        Energy: float32[]
        IsBarrel: int -> bool
        Tracksters: uint32[][] list
        SimVertices: uint32[][]
        SimMultiplicity: float32[][]
    }

let private eventOf (format: TiclFormat) (low: bool) (branches: Branch list) entry : Event =
    let passes = format.Collections[0].Name :: (if low then [ format.Low ] else [])

    if format.IsFlat then
        let table = format.LayerClusters[0]
        let sim = format.CaloParticles[0]
        let column name : float32[] = flat branches ((=) "Events") $"{table}_{name}" entry |> Option.get
        let z = column "position_z"

        {
            X = column "position_x"
            Energy = column "energy"
            IsBarrel = fun i -> abs z[i] < 300f
            Tracksters =
                [ for one in passes -> counted branches $"{one}_n{one}vertices" $"{one}vertices_vertices" entry ]
            SimVertices = counted branches $"{sim}_n{sim}vertices" $"{sim}vertices_vertices" entry
            SimMultiplicity = counted branches $"{sim}_n{sim}vertices" $"{sim}vertices_vertex_mult" entry
        }
    else
        let tree name (path: string) = path = "ticlDumper/" + name
        let types: int[] option = flat branches (tree "clusters") "cluster_type" entry
        let isThere name = branches |> List.exists (fun branch -> tree name branch.Tree)
        // Where only SimClusters are there, they are joined: one for each CaloParticle, in the reverse order.
        let isJoined = not (isThere format.CaloParticles[0])
        let sim = tree (if isJoined then format.SimClusters[0] else format.CaloParticles[0])
        let ordered (lists: 'T[][]) = if isJoined then Array.rev lists else lists

        let tracksters: uint32[][] list =
            [ for one in passes -> nested branches (tree one) "vertices_indexes" entry |> Option.get ]

        // Without a tree of layer clusters, the tracksters have copies.
        let clusters (name: string) (copied: string) : float32[] =
            if isThere "clusters" then
                flat branches (tree "clusters") name entry |> Option.get
            else
                let values = Array.create 100000 nanf

                for one, lists in List.zip passes tracksters do
                    let copies: float32[][] = nested branches (tree one) copied entry |> Option.get
                    Array.iter2 (Array.iter2 (fun (i: uint32) value -> values[int i] <- value)) lists copies

                values

        {
            X = clusters "position_x" "vertices_x"
            Energy = clusters "energy" "vertices_energy"
            IsBarrel = fun i -> types |> Option.exists (fun types -> types[i] = -1)
            Tracksters = tracksters
            SimVertices = nested branches sim "vertices_indexes" entry |> Option.get |> ordered
            SimMultiplicity = nested branches sim "vertices_multiplicity" entry |> Option.get |> ordered
        }

/// What is wrong with the graphs of an entry, if anything is.
let private faultOf (event: Event) (graphs: PreparedGraphs) : string option =
    let fraction (particle: int) (cluster: int) =
        if particle < 0 then
            0f
        else
            // The first vertex that is the layer cluster and has a multiplicity.
            Array.zip event.SimVertices[particle] event.SimMultiplicity[particle]
            |> Array.tryFind (fun (vertex, multiplicity) -> int vertex = cluster && multiplicity > 0f)
            |> Option.map (fun (_, multiplicity) -> min (1f / multiplicity) 1f)
            |> Option.defaultValue 0f

    let table = graphs.ToTable "mutated"

    [ 0 .. graphs.GraphCount - 1 ]
    |> List.tryPick (fun g ->
        let ids = graphs.Id[int graphs.NodeOffsets[g] .. int graphs.NodeOffsets[g + 1] - 1]

        let wanted =
            event.Tracksters[graphs.Pass[g]][graphs.Trackster[g]]
            |> Array.map int
            |> Array.distinct
            |> Array.sort
            |> Array.filter (event.IsBarrel >> not)

        let at = int graphs.NodeOffsets[g]
        let particle = graphs.Particle[g]

        if ids <> wanted then
            Some $"graph {g}: its layer clusters are others"
        elif
            ids
            |> Array.indexed
            |> Array.exists (fun (i, id) ->
                graphs.X[at + i] <> event.X[id] || graphs.Energy[at + i] <> event.Energy[id])
        then
            Some $"graph {g}: values of layer clusters are others"
        elif
            ids
            |> Array.indexed
            |> Array.exists (fun (i, id) -> graphs.Fraction[at + i] <> fraction particle id)
        then
            Some $"graph {g}: fractions of particle {particle} are others"
        elif
            ids
            |> Array.indexed
            |> Array.exists (fun (i, id) ->
                (graphs.Label[at + i] = 1) <> (particle < 0 || fraction particle id < 0.5f))
        then
            Some $"graph {g}: labels are others"
        else
            match table.ProblemOf(int64 g) with
            | null -> None
            | problem -> Some $"graph {g}: {problem.Message}")

let private options =
    PreprocessOptions(
        High = Clue3DOptions.ToyHigh,
        Low = Clue3DOptions.ToyLow,
        Selection = GraphSelection(MinNodes = 1, MaxNodes = 1000000, MinEnergy = 0.0, KeepUnmatched = true)
    )

type private Tally() =
    member val Accepted = 0 with get, set
    member val Refused = 0 with get, set
    member val Failures = List<string>() with get

/// One file: refused with a sentence that names it, or right.
let private examine (path: string) (format: TiclFormat) (branches: Branch list) (describe: string) (tally: Tally) =
    writeBranches path branches

    try
        use ntuple = TiclNtuple.Open(path, TiclReadOptions())
        let low = not (isNull ntuple.Trees.Low)

        let faults =
            [
                for block in ntuple.Blocks CancellationToken.None do
                    for entry, struct (graphs, _) in Seq.indexed (TiclPreprocessor.Run(block, options, 0L, 0)) do
                        let entry = int block.FirstEntry + entry

                        match faultOf (eventOf format low branches entry) graphs with
                        | Some fault -> $"{describe}, entry {entry}: {fault}"
                        | None -> ()
            ]

        tally.Accepted <- tally.Accepted + 1
        tally.Failures.AddRange faults
    with
    | error when
        DataException.Covers error
        && error.Message.Contains(Path.GetFileName path |> nonNull)
        ->
        tally.Refused <- tally.Refused + 1
    | error -> tally.Failures.Add $"{describe}: {error.GetType().Name}: {error.Message}"

let private formats =
    TiclFormat.All
    |> Seq.filter (fun format -> format.Generation <> TiclGeneration.NanoHlt)
    |> Array.ofSeq

let private examineAll (files: int) : Tally =
    inTemporaryDirectoryOf (fun directory ->
        let simulated = ToySimulation.Run(ToyOptions(PileUp = 0.0), 0L, 3, 0) |> Seq.toArray

        let bases =
            formats
            |> Array.map (fun format ->
                let path = Path.Combine(directory, $"{format.Name}.root")
                NtupleFormatTests.write path format.Generation false (NtupleColumns.Of(simulated, format.Generation))
                read path)

        let tally = Tally()
        let path = Path.Combine(directory, "mutated.root")

        for i in 0 .. formats.Length - 1 do
            examine path formats[i] bases[i] $"{formats[i].Name} as it is" tally

        Expect.equal (tally.Accepted, tally.Failures.Count) (formats.Length, 0) "as they are"

        for file in 1..files do
            let random = Random file
            let which = random.Next formats.Length
            examine path formats[which] (mutated random bases[which]) $"file {file}, {formats[which].Name}" tally

        tally)

let private check (files: int) =
    let tally = examineAll files
    Expect.equal (String.concat "\n" (Seq.truncate 20 tally.Failures)) "" "failures"
    Expect.equal (tally.Accepted + tally.Refused) (files + formats.Length) "files"
    Expect.isGreaterThan tally.Refused (files / 5) "many are refused"
    Expect.isGreaterThan tally.Accepted (files / 20) "some are taken"

[<Tests>]
let tests =
    testList
        "ticl ntuple mutations"
        [
            test "150 mutated ntuples are refused in a sentence, or prepared as a plain loop would" { check 150 }
        ]

[<SlowTests>]
let slow =
    testList
        "ticl ntuple mutations"
        [
            test "more mutated ntuples are refused in a sentence, or prepared as a plain loop would" {
                check (Slow.count 2000 10000)
            }
        ]
