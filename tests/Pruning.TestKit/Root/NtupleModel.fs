/// Values of any nested type, how an RNTuple stores them, and which columns a reader has to give for them.
module Pruning.Tests.Data.NtupleModel

open System
open System.Text
open Pruning.Root.Columns
open Pruning.Tests.Data.NtupleBytes
open Pruning.Tests.Data.NtupleSpec

/// A type.
type Kind =
    | Number of Encoding
    | Text of Ends
    /// std::vector, and everything else that is a list.
    | Sequence of Ends * Kind
    /// std::array.
    | Fixed of int * Kind
    | Record of (string * Kind) list
    | Variant of Kind list

/// A value of a type; numbers as the bits of their columns' elements.
type Value =
    | N of int64
    | T of string
    /// Elements of a sequence or an array, members of a record.
    | L of Value list
    /// Alternative from 1 on and its value; 0 for none.
    | V of int * Value

/// A column while a cluster is filled.
type private Filling =
    {
        Column: Column
        Page: (int64 * int) array -> byte array
        Elements: ResizeArray<int64 * int>
    }

/// A type with the columns that its values go to, and the number of items it has got in this cluster.
type private Node =
    {
        Kind: Kind
        Columns: Filling list
        Children: Node list
        mutable Items: int64
    }

let private switchPage (elements: (int64 * int) array) : byte array =
    elements
    |> Array.collect (fun (index, tag) -> Array.append (i64 index) (u32 tag))

/// Fields and columns of a type, appended to those that there are.
let rec private compile (fields: ResizeArray<Field>) (columns: ResizeArray<Filling>) parent name kind : Node =
    let id = fields.Count

    let add (code, bits, range) page =
        let filling =
            {
                Column =
                    { column id code bits with
                        Range = range
                    }
                Page = page
                Elements = ResizeArray()
            }

        columns.Add filling
        filling

    let ends kind =
        let code, bits, page = endsEncoding kind
        add (code, bits, None) (Array.map fst >> page)

    let declare typeName role repeats =
        fields.Add
            { field (parent |> Option.defaultValue id) name typeName with
                Role = role
                Repeats = repeats
            }

    let child name kind = compile fields columns (Some id) name kind

    let node columns children =
        {
            Kind = kind
            Columns = columns
            Children = children
            Items = 0L
        }

    match kind with
    | Number e ->
        declare e.Type 0 None
        node [ add (e.Code, e.Bits, e.Range) (Array.map fst >> e.Page) ] []
    | Text e ->
        declare "std::string" 0 None
        let index = ends e
        node [ index; add (0x02, 8, None) (Array.map fst >> plain 1) ] []
    | Sequence(e, inner) ->
        declare "std::vector<T>" 1 None
        let index = ends e
        node [ index ] [ child "_0" inner ]
    | Fixed(length, inner) ->
        declare "std::array<T,N>" 0 (Some(int64 length))
        node [] [ child "_0" inner ]
    | Record members ->
        declare "Record" 2 None
        node [] (members |> List.map (fun (name, kind) -> child name kind))
    | Variant kinds ->
        declare "std::variant<Ts>" 3 None
        let switch = add (0x10, 96, None) switchPage
        node [ switch ] (kinds |> List.mapi (fun i kind -> child $"_{i}" kind))

let rec private fill (node: Node) (value: Value) : unit =
    node.Items <- node.Items + 1L

    match node.Kind, value with
    | Number _, N bits -> node.Columns[0].Elements.Add((bits, 0))
    | Text _, T text ->
        for b in Encoding.UTF8.GetBytes text do
            node.Columns[1].Elements.Add((int64 b, 0))

        node.Columns[0].Elements.Add((int64 node.Columns[1].Elements.Count, 0))
    | Sequence _, L items ->
        items |> List.iter (fill node.Children[0])
        node.Columns[0].Elements.Add((node.Children[0].Items, 0))
    | Fixed _, L items -> items |> List.iter (fill node.Children[0])
    | Record _, L members -> List.iter2 fill node.Children members
    | Variant _, V(0, _) -> node.Columns[0].Elements.Add((0L, 0))
    | Variant _, V(tag, inner) ->
        let alternative = node.Children[tag - 1]
        node.Columns[0].Elements.Add((alternative.Items, tag))
        fill alternative inner
    | _ -> invalidArg (nameof value) $"{value} is no {node.Kind}"

let rec private startCluster (node: Node) : unit =
    node.Items <- 0L
    node.Columns |> List.iter _.Elements.Clear()
    node.Children |> List.iter startCluster

/// Columns of a cluster, each cut into pages of some number of elements.
let private takePages (pageElements: int) (columns: Filling seq) : Pages list =
    [
        for filling in columns ->
            filling.Elements.ToArray()
            |> Array.chunkBySize pageElements
            |> Array.map (fun elements ->
                {
                    Elements = elements.Length
                    Data = filling.Page elements
                })
            |> List.ofArray
            |> Pages
    ]

/// An RNTuple of some fields: entries as values of all fields, cut into clusters of the given sizes.
let store (fields: (string * Kind) list) (clusters: Value list list list) (pageElements: int) : Ntuple =
    let records = ResizeArray<Field>()
    let columns = ResizeArray<Filling>()
    let nodes = fields |> List.map (fun (name, kind) -> compile records columns None name kind)

    let stored =
        [
            for entries in clusters ->
                nodes |> List.iter startCluster
                entries |> List.iter (List.iter2 fill nodes)
                cluster entries.Length (takePages pageElements columns)
        ]

    ntuple
        {
            Fields = List.ofSeq records
            Columns = [ for filling in columns -> filling.Column ]
            Aliases = []
        }
        stored

/// A column as a reader has to give it: member, offsets of each level, values.
type Expected =
    {
        Member: string
        Levels: int64 list list
        Bytes: byte list
        Texts: string list option
    }

let private join above name =
    if above = "" then name
    elif name = "" then above
    else $"{above}.{name}"

let private offsets (sizes: int list) : int64 list = sizes |> List.scan (fun sum size -> sum + int64 size) 0L

let private items value =
    match value with
    | L items -> items
    | _ -> invalidArg (nameof value) "no list"

/// The columns of some values of a type.
let rec expect (kind: Kind) (values: Value list) : Expected list =
    let below levels (columns: Expected list) =
        columns
        |> List.map (fun column ->
            { column with
                Levels = levels @ column.Levels
            })

    match kind with
    | Number e ->
        [
            {
                Member = ""
                Levels = []
                Bytes =
                    [
                        for value in values do
                            match value with
                            | N bits -> yield! e.Value bits
                            | _ -> invalidArg (nameof values) "no number"
                    ]
                Texts = None
            }
        ]
    | Text _ ->
        let texts =
            [
                for value in values do
                    match value with
                    | T text -> text
                    | _ -> invalidArg (nameof values) "no text"
            ]

        [
            {
                Member = ""
                Levels = []
                Bytes =
                    [
                        for text in texts do
                            yield! Encoding.UTF8.GetBytes text
                    ]
                Texts = Some texts
            }
        ]
    | Sequence(_, inner)
    | Fixed(_, inner) ->
        let lists = values |> List.map items

        expect inner (List.concat lists)
        |> below [ offsets (lists |> List.map List.length) ]
    | Record members ->
        [
            for i, (name, inner) in List.indexed members do
                for column in expect inner (values |> List.map (fun value -> (items value)[i])) ->
                    { column with
                        Member = join name column.Member
                    }
        ]
    | Variant kinds ->
        let held number =
            values
            |> List.map (fun value ->
                match value with
                | V(tag, inner) when tag = number -> [ inner ]
                | _ -> [])

        let levels number perItem =
            let lists = held number

            [
                offsets (lists |> List.map List.length)
                offsets (List.replicate (lists |> List.sumBy List.length) perItem)
            ]

        [
            yield
                {
                    Member = "union0"
                    Levels = levels 0 0
                    Bytes = []
                    Texts = None
                }

            for i, inner in List.indexed kinds do
                for column in expect inner (List.concat (held (i + 1))) |> below (levels (i + 1) 1) do
                    yield
                        { column with
                            Member = join $"union{i + 1}" column.Member
                        }
        ]

/// A column that was read, in the same form.
let found (column: RootColumn) : Expected =
    {
        Member = column.Field
        Levels = [ for level in column.Levels -> List.ofArray level ]
        Bytes = List.ofArray (column.ValueBytes.ToArray())
        Texts =
            match column with
            | :? TextColumn as texts -> Some [ for i in 0L .. texts.ValueCount - 1L -> texts[i] ]
            | _ -> None
    }
