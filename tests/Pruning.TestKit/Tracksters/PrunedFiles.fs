/// A prepared file with everything that a copy has to carry: vectors and counted lists, small types, texts, constant
/// dimensions, values of links and of tracksters, another tree.
module Pruning.Tests.Data.PrunedFiles

open System
open System.IO
open Pruning.Root.Reading
open Pruning.Root.Writing
open Pruning.Root.Writing.Trees
open Pruning.Data.Tracksters

/// A trackster as it is written: nodes with ids 100, 101, ... and the parent of each (none for -1), by position.
type Tree = { Parents: int list; Mark: int }

let nodesOf (trees: Tree list) = trees |> List.collect (fun tree -> List.indexed tree.Parents)

let private linksOf (tree: Tree) =
    [
        for follower, parent in List.indexed tree.Parents do
            if parent >= 0 then
                parent, follower
    ]

let private offsets (counts: int list) = counts |> List.scan (fun sum n -> sum + int64 n) 0L |> List.toArray

/// How a file is written.
type Style =
    {
        /// Lists as `vector<T>`, else counted by another branch.
        Vectors: bool
        Labels: bool
        /// x of the first layer cluster of this entry is NaN.
        Broken: int option
    }

let usual =
    {
        Vectors = false
        Labels = true
        Broken = None
    }

/// Lists of a tree, in either style; offsets belong to all of them.
type private Lists(tree: TreeWriter, counter: string, offsets: int64 array, vectors: bool) =
    let group = if vectors then None else Some(tree.Counter counter)

    /// The counts, where there are any.
    member _.Counts: BranchData list =
        [
            match group with
            | Some group -> group.Lists(ReadOnlyMemory offsets)
            | None -> ()
        ]

    member _.Add(name: string, values: 'T array) : BranchData =
        match group with
        | Some group -> group.Jagged<'T>(name).Values(ReadOnlyMemory values)
        | None -> tree.Vector<'T>(name).Lists(ReadOnlyMemory offsets, ReadOnlyMemory values)

let private ofNodes (trees: Tree list) (value: Tree -> int -> 'T) : 'T array =
    [|
        for tree in trees do
            for node in 0 .. tree.Parents.Length - 1 -> value tree node
    |]

let write (path: string) (style: Style) (trees: Tree list) : unit =
    use file = RootFileWriter.Create path
    let nodes = offsets [ for tree in trees -> tree.Parents.Length ]
    let links = offsets [ for tree in trees -> (linksOf tree).Length ]
    let count = int (Array.last nodes)

    let number scale = ofNodes trees (fun tree node -> scale * float32 (1000 * tree.Mark + node))
    let x = number 0.001f

    match style.Broken with
    | Some entry -> x[int nodes[entry]] <- nanf
    | None -> ()

    do
        let tree = file.CreateTree("Tracksters", "with a title")
        let lists = Lists(tree, "n", nodes, style.Vectors)

        let data =
            [
                lists.Add("id", (ofNodes trees (fun _ node -> 100 + node))) // 32 bits
                lists.Add("pos_x", x)
                lists.Add("pos_y", (number 0.002f))
                lists.Add("pos_z", (ofNodes trees (fun _ node -> 330f + float32 node)))
                lists.Add("energy", (ofNodes trees (fun _ node -> 1f + float32 node)))
                lists.Add("time", (Array.replicate count -99f))
                lists.Add("eta", (Array.replicate count 2f))
                lists.Add("phi", (number 1e-5f))
                lists.Add("isSeedCLUE3DHigh", (ofNodes trees (fun _ node -> if node = 0 then 1uy else 0uy)))
                lists.Add("isSeedCLUE3DLow", (Array.replicate count false))
                if style.Labels then
                    lists.Add("label", (ofNodes trees (fun tree node -> int16 ((tree.Mark + node) % 2))))
                lists.Add("quality", (ofNodes trees (fun tree node -> float (100 * tree.Mark + node)))) // a double that we do not know
                tree.Flat<uint16>("mark").Values(ReadOnlyMemory [| for tree in trees -> uint16 tree.Mark |])
                tree
                    .Fixed<float32>("corner", 2, 2)
                    .Values(
                        ReadOnlyMemory
                            [|
                                for tree in trees do
                                    for i in 0..3 -> float32 (tree.Mark + i)
                            |]
                    )
                tree.Text("comment").Values [| for tree in trees -> $"trackster {tree.Mark}" |]
                // As many values as it likes: not one for each layer cluster.
                tree
                    .Vector<int>("other")
                    .Lists(
                        offsets [ for tree in trees -> 1 + tree.Mark % 3 ],
                        ReadOnlyMemory
                            [|
                                for tree in trees do
                                    for i in 0 .. tree.Mark % 3 -> tree.Mark + i
                            |]
                    )
            ]

        tree.Append [| yield! lists.Counts; yield! data |]

    do
        let tree = file.CreateTree "Edges"
        let lists = Lists(tree, "m", links, style.Vectors)

        let ends pick =
            [|
                for tree in trees do
                    for link in linksOf tree -> 100 + pick link
            |]

        let data =
            [
                lists.Add("target", (ends snd))
                lists.Add("origin", (ends fst))
                lists.Add(
                    "weight",
                    [|
                        for tree in trees do
                            for _, follower in linksOf tree -> float32 (1000 * tree.Mark + follower)
                    |]
                )
            ]

        tree.Append [| yield! lists.Counts; yield! data |]

    do
        let tree = file.CreateTree "Graphs"

        tree.Append
            [|
                tree.Flat<int64>("event").Values(ReadOnlyMemory [| for tree in trees -> int64 (tree.Mark / 2) |])
                tree.Flat<int>("trackster").Values(ReadOnlyMemory [| for tree in trees -> tree.Mark % 2 |])
            |]

    do
        let tree = file.CreateTree "other/Runs"
        tree.Append [| tree.Flat<int>("run").Values(ReadOnlyMemory [| 7; 8 |]) |]

    TracksterWriter.WriteMetadata(file, dict [ "kind", "a test" ] |> Collections.Generic.Dictionary)
    file.Close()

/// Reads a branch as it stands: type, offsets where entries are lists, values.
let branch (path: string) (tree: string) (name: string) =
    use file = RootFile.Open path
    let column = Seq.exactlyOne (file.Tree(tree).ReadColumns name)
    let kind = file.Tree(tree).Branch(name).TypeName

    kind,
    [ for level in column.Levels -> List.ofArray level ],
    [ for i in 0L .. column.ValueCount - 1L -> string (column.ValueAt i) ]

let names (path: string) (tree: string) =
    use file = RootFile.Open path
    [ for branch in file.Tree(tree).Branches -> branch.Name ]

/// Opens as `prune` does.
let opened (path: string) = TracksterFile.Open(path, TracksterReadOptions(LabelsOptional = true, Workers = 1))

let inDirectory (work: string -> unit) =
    let directory = Directory.CreateTempSubdirectory "graph-pruning-test-"

    try
        work directory.FullName
    finally
        directory.Delete true
