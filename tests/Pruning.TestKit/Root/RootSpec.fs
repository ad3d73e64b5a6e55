/// What a file made by hand holds: described here, written by RootWriter.
module Pruning.Tests.Data.RootSpec

open Pruning.Tests.Data.RootBytes
open Pruning.Tests.Data.RootCodecs

type Leaf =
    {
        Class: string
        Title: string
        Length: int
        Unsigned: bool
        /// Name of the branch whose leaf counts.
        Counter: string option
    }

type Element =
    {
        ClassName: string
        Id: int
        Type: int
        StreamerType: int
    }

/// How a basket says where its entries begin.
type Table =
    | NoTable
    | Offsets
    | Sizes
    | Generated

type Basket =
    {
        Entries: byte array list
        Table: Table
        Codec: Codec
        BlockBytes: int
        Embedded: bool
    }

type Branch =
    {
        Name: string
        Leaves: Leaf list
        Element: Element option
        Version: int
        Baskets: Basket list
        /// Branches below: members of a split object or collection.
        Children: Branch list
    }

type Tree =
    {
        Name: string
        Cycle: int
        Class: string
        Version: int
        /// Entries of a cluster, where positive.
        AutoFlush: int64
        /// Last entry and size of clusters of other sizes.
        Clusters: (int64 * int64) list
        Branches: Branch list
    }

/// One member of a class, as descriptions of classes (streamer infos) have it.
type Member =
    {
        Name: string
        /// Comment: may hold the range of a packed number.
        Comment: string
        /// Type code.
        Code: int
        TypeName: string
        Dimensions: int list
        /// The member that counts a counted pointer.
        CountName: string
        BaseVersion: int
    }

type StreamedClass =
    {
        Name: string
        Version: int
        Checksum: int
        Members: Member list
    }

type File =
    {
        Wide: bool
        /// Sub-directory that holds the trees.
        Directory: string option
        Trees: Tree list
        /// Objects that are no trees: each writes its records and gives the key that the directory lists.
        Objects: (Bytes -> byte array) list
        /// Bytes left out behind the top directory, to bring the rest beyond 2 or 4 GB.
        Gap: int64
        /// Classes that the file describes; none: there is no record of descriptions.
        Classes: StreamedClass list
    }

let basket (table: Table) (entries: byte array list) : Basket =
    {
        Entries = entries
        Table = table
        Codec = Raw
        BlockBytes = 0xFFFFFF
        Embedded = false
    }

let leaf (className: string) (title: string) : Leaf =
    {
        Class = className
        Title = title
        Length = 1
        Unsigned = false
        Counter = None
    }

let branch (name: string) (leaf: Leaf) (baskets: Basket list) : Branch =
    {
        Name = name
        Leaves = [ leaf ]
        Element = None
        Version = 13
        Baskets = baskets
        Children = []
    }

/// A branch `vector<...>`.
let vector (name: string) (className: string) (baskets: Basket list) : Branch =
    { branch name (leaf "TLeafElement" name) baskets with
        Element =
            Some
                {
                    ClassName = className
                    Id = -1
                    Type = 0
                    StreamerType = -1
                }
    }

/// A counted branch `name[counter]`.
let counted (name: string) (className: string) (counter: string) (baskets: Basket list) : Branch =
    branch
        name
        { leaf className $"{name}[{counter}]" with
            Counter = Some counter
        }
        baskets

let tree (branches: Branch list) : Tree =
    {
        Name = "t"
        Cycle = 1
        Class = "TTree"
        Version = 20
        AutoFlush = 0L
        Clusters = []
        Branches = branches
    }

let file (trees: Tree list) : File =
    {
        Wide = false
        Directory = None
        Trees = trees
        Objects = []
        Gap = 0L
        Classes = []
    }

/// Checksum and version that every branch of a class or member is written with.
let classChecksum, classVersion = 0x055a169b, 6

let memberOf (code: int) (typeName: string) (name: string) : Member =
    {
        Name = name
        Comment = ""
        Code = code
        TypeName = typeName
        Dimensions = []
        CountName = ""
        BaseVersion = 0
    }

let classOf (name: string) (members: Member list) : StreamedClass =
    {
        Name = name
        Version = classVersion
        Checksum = classChecksum
        Members = members
    }

/// A branch of a class or of one of its members.
let element (name: string) (className: string) (id: int) (type': int) (code: int) (baskets: Basket list) : Branch =
    { branch name (leaf "TLeafElement" name) baskets with
        Element =
            Some
                {
                    ClassName = className
                    Id = id
                    Type = type'
                    StreamerType = code
                }
    }

let int32s (values: int list) : byte array = bytes (fun b -> values |> List.iter b.I32)

/// An entry of a `vector<T>`: header and elements.
let vectorEntry (count: int) (elements: byte array) : byte array =
    bytes (fun b ->
        b.I32((elements.Length + 6) ||| 0x40000000)
        b.I16 9
        b.I32 count
        b.Raw elements)
