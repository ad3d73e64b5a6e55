/// Prepared files made by hand: trackster by trackster, in every type that a writer may choose, and with anything
/// wrong that a test wants wrong.
module Pruning.Tests.Prepared

open System
open System.IO
open Pruning.Tests.Generators

module Codecs = Pruning.Tests.Data.RootCodecs
module Spec = Pruning.Tests.Data.RootSpec
module Writer = Pruning.Tests.Data.RootWriter
module Bytes = Pruning.Tests.Data.RootBytes
module Model = Pruning.Tests.Data.NtupleModel
module Ntuples = Pruning.Tests.Data.NtupleWriter

/// How a list per entry is stored.
type Shape =
    | Counted
    | Vector

type Real =
    | Float
    | Double

type Whole =
    | Int
    | Long

/// What 0 and 1 are stored as.
type Flag =
    | AsBool
    | AsWhole
    | AsReal

/// How a table is stored.
type Container =
    | Trees
    | Ntuples

/// What a writer chooses freely.
type Layout =
    {
        Container: Container
        Shape: Shape
        Real: Real
        Whole: Whole
        Flag: Flag
        Codec: Codecs.Codec
        /// Entries of a basket or a cluster, at least 1.
        BasketEntries: int
    }

/// What uproot writes from arrays of unequal length.
let usual: Layout =
    {
        Container = Trees
        Shape = Counted
        Real = Float
        Whole = Long
        Flag = AsReal
        Codec = Codecs.Zlib
        BasketEntries = 100
    }

/// Values of a branch, entry by entry, in the type that the file holds.
type Values =
    | Bools of bool list list
    | Ints of int list list
    | Longs of int64 list list
    | Floats of float32 list list
    | Doubles of float list list
    /// One number per entry instead of a list.
    | Plain of int64 list
    /// A class that holds no numbers.
    | Objects of entries: int

type Column =
    {
        Name: string
        Shape: Shape
        Values: Values
    }

type Table = { Name: string; Columns: Column list }

/// A file before it is bytes.
type Prepared =
    {
        Container: Container
        Tables: Table list
        Codec: Codecs.Codec
        BasketEntries: int
    }

[<RequireQualifiedAccess>]
module Prepared =

    let private tables (layout: Layout) (raws: RawTrackster list) : Table list =
        let column name values =
            {
                Column.Name = name
                Shape = layout.Shape
                Values = values
            }

        let nodes (f: RawNode -> 'T) = raws |> List.map (fun raw -> raw.Nodes |> List.map f)

        let real name (f: RawNode -> float32) =
            match layout.Real with
            | Float -> column name (Floats(nodes f))
            | Double -> column name (Doubles(nodes (f >> float)))

        let whole name (lists: int64 list list) =
            match layout.Whole with
            | Int -> column name (Ints(lists |> List.map (List.map Checked.int32)))
            | Long -> column name (Longs lists)

        let flag name (f: RawNode -> bool) =
            match layout.Flag with
            | AsBool -> column name (Bools(nodes f))
            | AsWhole -> whole name (nodes (fun node -> if f node then 1L else 0L))
            | AsReal -> real name (fun node -> if f node then 1f else 0f)

        let links f = raws |> List.map (fun raw -> raw.Links |> List.map f)

        [
            {
                Name = "Tracksters"
                Columns =
                    [
                        whole "id" (nodes _.Id)
                        real "pos_x" _.PosX
                        real "pos_y" _.PosY
                        real "pos_z" _.PosZ
                        real "energy" _.Energy
                        real "time" _.Time
                        real "eta" _.Eta
                        real "phi" _.Phi
                        flag "isSeedCLUE3DHigh" _.High
                        flag "isSeedCLUE3DLow" _.Low
                        flag "label" _.Prune
                    ]
            }
            {
                Name = "Edges"
                Columns = [ whole "origin" (links fst); whole "target" (links snd) ]
            }
        ]

    /// The trees Tracksters and Edges of some tracksters.
    let ofTracksters (layout: Layout) (raws: RawTrackster list) : Prepared =
        {
            Container = layout.Container
            Tables = tables layout raws
            Codec = layout.Codec
            BasketEntries = layout.BasketEntries
        }

    /// With a tree Graphs that gives each trackster its event.
    let withEvents (events: int64 list) (file: Prepared) : Prepared =
        let event =
            {
                Column.Name = "event"
                Shape = Counted
                Values = Plain events
            }

        { file with
            Tables = file.Tables @ [ { Name = "Graphs"; Columns = [ event ] } ]
        }

    /// With one more list of numbers per entry beside the layer clusters.
    let withNodeBranch (name: string) (lists: float32 list list) (file: Prepared) : Prepared =
        let column =
            {
                Column.Name = name
                Shape = Counted
                Values = Floats lists
            }

        { file with
            Tables =
                file.Tables
                |> List.map (fun table ->
                    if table.Name = "Tracksters" then
                        { table with
                            Columns = table.Columns @ [ column ]
                        }
                    else
                        table)
        }

    /// With one more number per entry in the tree Graphs, which is made if it is not there.
    let withGraphBranch (name: string) (values: int64 list) (file: Prepared) : Prepared =
        let column =
            {
                Column.Name = name
                Shape = Counted
                Values = Plain values
            }

        let others = file.Tables |> List.filter (fun table -> table.Name <> "Graphs")

        let known =
            file.Tables
            |> List.tryFind (fun table -> table.Name = "Graphs")
            |> Option.map _.Columns
            |> Option.defaultValue []

        { file with
            Tables =
                others
                @ [
                    {
                        Name = "Graphs"
                        Columns = known @ [ column ]
                    }
                ]
        }

    /// Changes, renames or drops trees.
    let editTables (edit: Table -> Table option) (file: Prepared) : Prepared =
        { file with
            Tables = file.Tables |> List.choose edit
        }

    /// Changes, renames or drops the branches of this name, in whichever tree.
    let editColumn (name: string) (edit: Column -> Column option) : Prepared -> Prepared =
        editTables (fun table ->
            Some
                { table with
                    Columns =
                        table.Columns
                        |> List.choose (fun column -> if column.Name = name then edit column else Some column)
                })

    /// Other values for the branch of this name.
    let editValues (name: string) (edit: Values -> Values) : Prepared -> Prepared =
        editColumn name (fun column ->
            Some
                { column with
                    Values = edit column.Values
                })

    /// Without the last value of one entry.
    let cutEntry (entry: int) (values: Values) : Values =
        let cut (lists: 'T list list) =
            lists
            |> List.mapi (fun i list -> if i = entry then List.take (list.Length - 1) list else list)

        match values with
        | Bools lists -> Bools(cut lists)
        | Ints lists -> Ints(cut lists)
        | Longs lists -> Longs(cut lists)
        | Floats lists -> Floats(cut lists)
        | Doubles lists -> Doubles(cut lists)
        | Plain _
        | Objects _ -> invalidArg (nameof values) "there is no list to cut"

    /// The first entries only.
    let takeEntries (count: int) (values: Values) : Values =
        match values with
        | Bools lists -> Bools(List.take count lists)
        | Ints lists -> Ints(List.take count lists)
        | Longs lists -> Longs(List.take count lists)
        | Floats lists -> Floats(List.take count lists)
        | Doubles lists -> Doubles(List.take count lists)
        | Plain values -> Plain(List.take count values)
        | Objects _ -> Objects count

    let private branches (file: Prepared) (column: Column) : Spec.Branch list =
        let baskets table entries =
            entries
            |> List.chunkBySize file.BasketEntries
            |> List.map (fun chunk ->
                { Spec.basket table chunk with
                    Codec = file.Codec
                })

        let jagged (leafClass: string) (cpp: string) (write: Bytes.Bytes -> 'T -> unit) (lists: 'T list list) =
            let encode values = Bytes.bytes (fun b -> values |> List.iter (write b))

            match column.Shape with
            | Vector ->
                let entries = lists |> List.map (fun values -> Spec.vectorEntry values.Length (encode values))
                [ Spec.vector column.Name $"vector<{cpp}>" (baskets Spec.Offsets entries) ]
            | Counted ->
                let counter = "n" + column.Name
                let counts = lists |> List.map (fun values -> Spec.int32s [ values.Length ])

                [
                    Spec.branch counter (Spec.leaf "TLeafI" counter) (baskets Spec.NoTable counts)
                    Spec.counted column.Name leafClass counter (baskets Spec.Offsets (List.map encode lists))
                ]

        match column.Values with
        | Bools lists -> jagged "TLeafO" "bool" (fun b v -> b.U8(if v then 1 else 0)) lists
        | Ints lists -> jagged "TLeafI" "int" (fun b v -> b.I32 v) lists
        | Longs lists -> jagged "TLeafL" "long" (fun b v -> b.I64 v) lists
        | Floats lists -> jagged "TLeafF" "float" (fun b v -> b.I32(BitConverter.SingleToInt32Bits v)) lists
        | Doubles lists -> jagged "TLeafD" "double" (fun b v -> b.F64 v) lists
        | Plain values ->
            let entries = values |> List.map (fun v -> Bytes.bytes (fun b -> b.I64 v))
            [ Spec.branch column.Name (Spec.leaf "TLeafL" column.Name) (baskets Spec.NoTable entries) ]
        | Objects count ->
            let entries = List.replicate count (Spec.vectorEntry 0 [||])
            [ Spec.vector column.Name "vector<TLorentzVector>" (baskets Spec.Offsets entries) ]

    /// A field of an RNTuple and its values, entry by entry.
    let private field (column: Column) : string * Model.Kind * Model.Value list =
        let number name = Model.Number(Pruning.Tests.Data.NtupleBytes.encoding name)

        let jagged encoding (bits: 'T -> int64) (lists: 'T list list) =
            column.Name,
            Model.Sequence(Pruning.Tests.Data.NtupleBytes.SplitIndex64, number encoding),
            lists |> List.map (List.map (bits >> Model.N) >> Model.L)

        match column.Values with
        | Bools lists -> jagged "Bit" (fun v -> if v then 1L else 0L) lists
        | Ints lists -> jagged "SplitInt32" int64 lists
        | Longs lists -> jagged "SplitInt64" id lists
        | Floats lists -> jagged "SplitReal32" (BitConverter.SingleToInt32Bits >> int64) lists
        | Doubles lists -> jagged "SplitReal64" BitConverter.DoubleToInt64Bits lists
        | Plain values -> column.Name, number "SplitInt64", values |> List.map Model.N
        | Objects count ->
            column.Name, Model.Text Pruning.Tests.Data.NtupleBytes.Index64, List.replicate count (Model.T "no number")

    let private ntuple (file: Prepared) (table: Table) : Bytes.Bytes -> byte array =
        let fields = table.Columns |> List.map field

        let clusters =
            fields
            |> List.map (fun (_, _, values) -> values)
            |> List.transpose
            |> List.chunkBySize file.BasketEntries

        Ntuples.write
            { Model.store [ for name, kind, _ in fields -> name, kind ] clusters 64 with
                Name = table.Name
                Codec = file.Codec
            }

    let private tree (file: Prepared) (table: Table) : Spec.Tree =
        { Spec.tree (table.Columns |> List.collect (branches file)) with
            Name = table.Name
        }

    /// The bytes of the file.
    let toBytes (file: Prepared) : byte array =
        Writer.write (
            match file.Container with
            | Trees -> Spec.file (file.Tables |> List.map (tree file))
            | Ntuples ->
                { Spec.file [] with
                    Objects = file.Tables |> List.map (ntuple file)
                }
        )

    /// Writes the file and gives its path back.
    let save (path: string) (file: Prepared) : string =
        File.WriteAllBytes(path, toBytes file)
        path
