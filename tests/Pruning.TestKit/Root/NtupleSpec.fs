/// What an RNTuple made by hand holds, as lists of what its metadata lists; written by NtupleWriter.
module Pruning.Tests.Data.NtupleSpec

open Pruning.Tests.Data.NtupleBytes
open Pruning.Tests.Data.RootCodecs

type Field =
    {
        Name: string
        Type: string
        /// Id of the field above; its own at the top.
        Parent: int
        Role: int
        /// Length of an array.
        Repeats: int64 option
        /// The field whose columns it shows.
        Source: int option
        /// Flags that no version of the format has.
        Flags: int
    }

type Column =
    {
        Code: int
        Bits: int
        Field: int
        Representation: int
        /// First element of a column that was added late; negative when it is suppressed there.
        First: int64 option
        Range: (float * float) option
    }

type Page = { Elements: int; Data: byte array }

type Pages =
    | Pages of Page list
    | Suppressed

type Cluster =
    {
        Entries: int
        Columns: Pages list
        Flags: int
    }

type Schema =
    {
        Fields: Field list
        Columns: Column list
        /// Physical column and projected field.
        Aliases: (int * int) list
    }

/// A part of the file, for tests that change it before its checksum is taken.
type Part =
    | Anchor
    | Header
    | Footer
    | PageList
    | StoredPage

type Ntuple =
    {
        Name: string
        Cycle: int
        Schema: Schema
        /// What the footer adds to the schema.
        Late: Schema
        /// Clusters of each cluster group.
        Groups: Cluster list list
        Codec: Codec
        /// Pages have checksums.
        Checksums: bool
        /// Equal pages are stored once.
        Deduplicated: bool
        /// Largest piece of a blob; 0 for no limit.
        MaxKey: int64
        Epoch: int
        /// Changes a part's bytes; checksums fit what comes out of it.
        Edit: Part -> byte array -> byte array
        /// Pages are found by locators of the form for large sizes.
        LargeLocators: bool
    }

let emptySchema: Schema =
    {
        Fields = []
        Columns = []
        Aliases = []
    }

let field (id: int) (name: string) (typeName: string) : Field =
    {
        Name = name
        Type = typeName
        Parent = id
        Role = 0
        Repeats = None
        Source = None
        Flags = 0
    }

let column (field: int) (code: int) (bits: int) : Column =
    {
        Code = code
        Bits = bits
        Field = field
        Representation = 0
        First = None
        Range = None
    }

let columnOf (field: int) (e: Encoding) : Column =
    { column field e.Code e.Bits with
        Range = e.Range
    }

let ntuple (schema: Schema) (clusters: Cluster list) : Ntuple =
    {
        Name = "n"
        Cycle = 1
        Schema = schema
        Late = emptySchema
        Groups = [ clusters ]
        Codec = Raw
        Checksums = true
        Deduplicated = false
        MaxKey = 0x40000000L
        Epoch = 1
        Edit = fun _ bytes -> bytes
        LargeLocators = false
    }

let pageOf (e: Encoding) (elements: int64 list) : Page =
    {
        Elements = elements.Length
        Data = e.Page(Array.ofList elements)
    }

let endsPage (ends: Ends) (elements: int64 list) : Page =
    let _, _, page = endsEncoding ends

    {
        Elements = elements.Length
        Data = page (Array.ofList elements)
    }

let cluster (entries: int) (columns: Pages list) : Cluster =
    {
        Entries = entries
        Columns = columns
        Flags = 0
    }

/// An RNTuple of one field of numbers, `x`: a list of pages for each cluster.
let numbers (e: Encoding) (clusters: int64 list list list) : Ntuple =
    ntuple
        {
            Fields = [ field 0 "x" e.Type ]
            Columns = [ columnOf 0 e ]
            Aliases = []
        }
        [
            for pages in clusters -> cluster (pages |> List.sumBy List.length) [ Pages(pages |> List.map (pageOf e)) ]
        ]
