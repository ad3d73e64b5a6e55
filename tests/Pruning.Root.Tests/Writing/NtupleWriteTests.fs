/// RNTuples that are written are read back, bit by bit, whatever the pieces and however many threads compressed them.
module Pruning.Tests.Data.NtupleWriteTests

open System
open System.IO
open Expecto
open FsCheck
open Pruning.Root.Checking
open Pruning.Root.Compression
open Pruning.Root.Files
open Pruning.Root.Ntuples.Encoding
open Pruning.Root.Reading
open Pruning.Root.Writing
open Pruning.Root.Writing.Ntuples
open Pruning.Tests.Data.RandomColumns
open Pruning.Tests.Data.WrittenTrees
open Pruning.Tests.Data.WrittenFields

let writeNtuple (options: RootWriteOptions) (name: string) (pieces: int list) entries fields : byte array =
    withDirectory (fun directory ->
        let path = Path.Combine(directory, "f.root")

        do
            use file = RootFileWriter.Create(path, options)
            fill pieces entries (file.CreateNtuple(name, "what it is")) fields
            file.Close()

        Expect.equal (Directory.GetFiles directory) [| path |] "nothing but the file"
        File.ReadAllBytes path)

let private readsBack (content: byte array) (name: string) entries fields =
    RootWriter.opened content (fun file ->
        let ntuple = file.Ntuple name
        Expect.equal ntuple.Description "what it is" "description"
        check ntuple entries fields
        Expect.isEmpty (file.Check()) "nothing wrong is found")

let private randomField (random: Random) (entries: int) (i: int) : Field =
    let levels, count = lists random (random.Next 4) entries
    let name = $"f{i}"

    match random.Next 12 with
    | 0 -> numbers name levels (values<bool> random count)
    | 1 -> numbers name levels (values<sbyte> random count)
    | 2 -> numbers name levels (values<byte> random count)
    | 3 -> numbers name levels (values<int16> random count)
    | 4 -> numbers name levels (values<uint16> random count)
    | 5 -> numbers name levels (values<int> random count)
    | 6 -> numbers name levels (values<uint32> random count)
    | 7 -> numbers name levels (values<int64> random count)
    | 8 -> numbers name levels (values<uint64> random count)
    | 9 -> numbers name levels (values<float32> random count)
    | 10 -> numbers name levels (values<float> random count)
    | _ -> texts name levels (Array.init count (fun _ -> word random))

/// One field of every type, in no list, in one and in two. Integers of 64 bits are such that a double holds them.
let allFields entries =
    let random = Random 8

    let each (make: string -> int64 array list -> int -> Field) (name: string) =
        [
            for depth in 0..2 do
                let levels, count = lists random depth entries
                make $"{name}{depth}" levels count
        ]

    let noise count = Array.init count (fun _ -> random.NextSingle())

    [
        yield!
            "flag"
            |> each (fun name levels count -> numbers name levels (Array.init count (fun i -> i % 3 = 0)))
        yield!
            "b"
            |> each (fun name levels count -> numbers name levels (Array.init count sbyte))
        yield!
            "ub"
            |> each (fun name levels count -> numbers name levels (Array.init count byte))
        yield!
            "s"
            |> each (fun name levels count -> numbers name levels (Array.init count (fun i -> int16 -i)))
        yield!
            "us"
            |> each (fun name levels count -> numbers name levels (Array.init count uint16))
        yield!
            "i"
            |> each (fun name levels count -> numbers name levels (Array.init count (fun i -> i * -7)))
        yield!
            "ui"
            |> each (fun name levels count -> numbers name levels (Array.init count uint32))
        yield!
            "l"
            |> each (fun name levels count -> numbers name levels (Array.init count (fun i -> int64 i * -1000L)))
        yield!
            "ul"
            |> each (fun name levels count -> numbers name levels (Array.init count (fun i -> uint64 i <<< 49)))
        yield! "f" |> each (fun name levels count -> numbers name levels (noise count))
        yield!
            "d"
            |> each (fun name levels count -> numbers name levels (noise count |> Array.map float))
        yield!
            "t"
            |> each (fun name levels count -> texts name levels (Array.init count (fun i -> $"{i} é")))
    ]

let private message<'E when 'E :> exn> (act: unit -> unit) =
    try
        act ()
        "nothing happened"
    with :? 'E as e ->
        e.Message

let private ints (values: int list) = ReadOnlyMemory(Array.ofList values)
let private longs (values: int list) = ReadOnlyMemory(values |> List.map int64 |> Array.ofList)

let private withNtuple (use': NtupleWriter -> unit) =
    withDirectory (fun directory ->
        use file = RootFileWriter.Create(Path.Combine(directory, "f.root"))
        use' (file.CreateNtuple "n"))

[<Tests>]
let tests =
    testList
        "writing RNTuples"
        [
            testPropertyWithConfig
                { FsCheckConfig.defaultConfig with
                    maxTest = 40
                }
                "what is written is read back, the same bytes for all pieces and numbers of threads"
            <| fun (seed: int) ->
                let random = Random seed
                let entries = if random.Next 8 = 0 then random.Next 3 else random.Next 300
                let fields = List.init (1 + random.Next 6) (randomField random entries)
                let options = randomOptions random
                let pieces = List.init 3 (fun _ -> 1 + random.Next 120)
                let name = if random.Next 2 = 0 then "n" else "a/b/n"
                let one = writeNtuple options name [ 1 ] entries fields
                let two = writeNtuple (withWorkers 2 options) name pieces entries fields
                let four = writeNtuple (withWorkers 4 options) name [ max 1 entries ] entries fields
                Expect.isTrue (one = two) "entry by entry with one thread, in pieces with two"
                Expect.isTrue (one = four) "entry by entry with one thread, at once with four"
                readsBack one name entries fields

            for entries in [ 0; 1; 2; 1000 ] do
                test $"every type, in no list, one and two, with {entries} entries" {
                    let fields = allFields entries
                    let options = RootWriteOptions(BasketBytes = 1000, ClusterBytes = 100000L)
                    readsBack (writeNtuple options "n" [ 77 ] entries fields) "n" entries fields
                }

            testProperty "elements taken apart and put together are what they were"
            <| fun (seed: int) ->
                let random = Random seed

                for width in [ 2; 4; 8 ] do
                    let elements: byte array = Array.zeroCreate (width * random.Next 100)
                    random.NextBytes elements
                    let page: byte array = Array.zeroCreate elements.Length
                    ByteSplit.Separate(ReadOnlySpan elements, width, Span page)

                    let plane k = [| for i in 0 .. elements.Length / width - 1 -> elements[i * width + k] |]
                    Expect.equal page (Array.collect plane [| 0 .. width - 1 |]) $"planes of {width} bytes"
                    let back: byte array = Array.zeroCreate elements.Length
                    ByteSplit.Join(ReadOnlySpan page, elements.Length / width, 0, width, Span back)
                    Expect.equal back elements $"elements of {width} bytes"

            test "trees and RNTuples stand in one file" {
                withDirectory (fun directory ->
                    let path = Path.Combine(directory, "f.root")
                    use file = RootFileWriter.Create(path, RootWriteOptions(ClusterEntries = 7L))
                    let tree = file.CreateTree "d/t"
                    let branch = tree.Flat<int> "i"
                    let ntuple = file.CreateNtuple "d/n"
                    let field = ntuple.Field<int> "i"

                    for i in 0..49 do
                        branch.Set i
                        tree.Fill()
                        ntuple.Append [| field.Values(ints [ i; i ]) |]

                    file.Close()
                    use read = RootFile.Open path
                    Expect.equal ((read.Tree "d/t").Read<int>("i").Values) [| 0..49 |] "tree"
                    Expect.equal ((read.Ntuple "d/n").Read<int>("i").Values) [| for i in 0..99 -> i / 2 |] "RNTuple"
                    Expect.isEmpty (read.Check()) "nothing wrong is found")
            }

            test "ROOT's class of RNTuples is described in files that have some, as ROOT describes it" {
                let described content =
                    RootWriter.opened content (fun file ->
                        [
                            for info in file.Classes.Versions "ROOT::RNTuple" do
                                info.Version, info.Elements.Count
                        ])

                let columns = [ WrittenColumns.flat "i" [| 1 |] ]

                Expect.equal
                    (described (write RootWriteOptions.Default WrittenColumns.ByEntry "t" 1 columns))
                    []
                    "trees"

                let content = writeNtuple RootWriteOptions.Default "n" [ 1 ] 1 [ numbers "i" [] [| 1 |] ]
                Expect.equal (described content) [ 2, 11 ] "RNTuples"
            }

            test "fields of lists of the same lengths share the ends of their lists" {
                let levels, count = lists (Random 5) 1 5000
                let other, otherCount = lists (Random 6) 1 5000
                let field levels count i = numbers $"f{i}" levels (Array.init count (fun k -> byte (k * i)))

                let bytes fields =
                    (writeNtuple (RootWriteOptions(Compression = RootCompressionSetting.None)) "n" [ 5000 ] 5000 fields)
                        .Length

                let one = bytes [ field levels count 1 ]
                let same = bytes [ field levels count 1; field levels count 2 ]
                let different = bytes [ field levels count 1; field other otherCount 2 ]
                let ends = 5000 * sizeof<int64>
                Expect.isLessThan (same - one - count) 1000 "a second field of the same lists adds its values"
                Expect.isGreaterThan (different - one - otherCount) (ends - 1) "one of other lists adds their ends, too"
            }

            test "an entry larger than a page, and one larger than a cluster" {
                let levels = [ [| 0L; 0L; 300000L; 300001L |] ]
                let fields = [ numbers "x" levels (Array.init 300001 float) ]

                for setting in [ RootCompressionSetting.None; RootCompressionSetting.Zstd() ] do
                    let options = RootWriteOptions(Compression = setting, ClusterBytes = 1000L, BasketBytes = 10000)
                    readsBack (writeNtuple options "n" [ 2 ] 3 fields) "n" 3 fields
            }

            test "offsets of 8 bytes, as in files over 2 GB" {
                let fields = allFields 50
                let options = RootWriteOptions(LargeFileBytes = 0L, ClusterEntries = 20L, CheckpointEvery = 1L)
                readsBack (writeNtuple options "a/n" [ 9 ] 50 fields) "a/n" 50 fields
            }

            test "a complete file has one group of clusters, its checkpoints one each" {
                withDirectory (fun directory ->
                    let path = Path.Combine(directory, "f.root")

                    use file =
                        RootFileWriter.Create(path, RootWriteOptions(ClusterEntries = 10L, CheckpointEvery = 1L))

                    let ntuple = file.CreateNtuple "n"
                    let field = ntuple.Field<int> "i"

                    let read (path: string) =
                        use read = RootFile.Open path
                        let found = read.Ntuple "n"
                        found.Read<int>("i").Values, found.Clusters.Count, found.GroupCount

                    for i in 0..4 do
                        ntuple.Append [| field.Values(ints [ 10 * i .. 10 * i + 9 ]) |]
                        Expect.equal (read file.TemporaryPath) ([| 0 .. 10 * i + 9 |], i + 1, i + 1) "checkpoint"

                    file.Close()
                    Expect.equal (read path) ([| 0..49 |], 5, 1) "closed")
            }

            test "a file that is cut at any byte gives the entries of a checkpoint" {
                let entries = 400
                let fields = [ numbers "i" [] [| 1..entries |]; texts "t" [] (Array.init entries string) ]

                let options = RootWriteOptions(ClusterEntries = 50L, CheckpointEvery = 1L, Reproducible = true)

                let content = writeNtuple options "d/n" [ 30 ] entries fields
                let found = Collections.Generic.HashSet<int64>()
                let random = Random 4

                for length in content.Length - 1 :: List.init 100 (fun _ -> random.Next(200, content.Length)) do
                    RootWriter.openWith (RootReadOptions(Recover = true)) content[.. length - 1] (fun file ->
                        match file.TryNtuple "d/n" with
                        | true, ntuple ->
                            let count = (nonNull ntuple).EntryCount
                            Expect.equal ((nonNull ntuple).Read<int>("i").Values) [| 1 .. int count |] "entries"
                            Expect.equal (nonNull file.Recovery).EntryCount count "told"
                            found.Add count |> ignore
                        | _ -> found.Add -1L |> ignore)

                Expect.isGreaterThan found.Count 5 "some checkpoints"
            }

            test "wrong use is refused in words, and nothing is written" {
                withNtuple (fun ntuple ->
                    let i = ntuple.Field<int> "i"
                    let x = ntuple.Field<float32>("x", 1)
                    let append (data: NtupleData list) () = ntuple.Append(Array.ofList data)
                    let one = i.Values(ints [ 1 ])
                    let lists = x.List(longs [ 0; 2 ], ReadOnlyMemory [| 1f; 2f |])

                    for act, wanted in
                        [
                            append [ one ], "Cannot append to RNTuple 'n': field 'x' is given no data."
                            append [ one; lists; one ], "Cannot append to RNTuple 'n': field 'i' is given twice."
                            append [ i.Values(ints [ 1; 2 ]); lists ],
                            "Cannot append to RNTuple 'n': field 'x' is given 1 entries but field 'i' 2."
                            (fun () -> ntuple.Field<int> "i" |> ignore),
                            "Cannot add field 'i' to RNTuple 'n': it has a field of that name already. Choose another name."
                            (fun () -> ntuple.Field<char> "c" |> ignore),
                            "Cannot add field 'c': ROOT has no values of type Char. Use bool, integers of 8 to 64 bits, float or double."
                            (fun () -> ntuple.Field<int> "a.b" |> ignore),
                            "Cannot name a field 'a.b': a name must not be empty, and must not contain control characters or any of . \
                             / \\ space : ;."
                            (fun () -> x.Values(ReadOnlyMemory [| 1f |]) |> ignore),
                            "Cannot write field 'x': it is std::vector<float> and needs 1 arrays of offsets, not 0."
                            (fun () -> x.List(longs [], ReadOnlyMemory [| 1f |]) |> ignore),
                            "Cannot write field 'x': there are no offsets. Give one for each list and one more."
                            (fun () -> x.List(longs [ 0; 2 ], ReadOnlyMemory [| 1f |]) |> ignore),
                            "Cannot write field 'x': the offsets 0 to 2 are outside of its 1 items."
                            (fun () -> x.List(longs [ 0; 1; 0; 1 ], ReadOnlyMemory [| 1f |]) |> ignore),
                            "Cannot write field 'x': its offsets decrease after list 1, from 1 to 0."
                        ] do
                        Expect.equal (message<ArgumentException> act) wanted "message"

                    Expect.equal ntuple.EntryCount 0L "nothing was added"
                    append [ one; lists ] ()

                    Expect.equal
                        (message<InvalidOperationException>(fun () -> ntuple.Field<int> "late" |> ignore))
                        "Cannot add field 'late' to RNTuple 'n': it is being written already and has 1 entries. Add all fields before the \
                         first entry."
                        "message")

                withDirectory (fun directory ->
                    use file = RootFileWriter.Create(Path.Combine(directory, "f.root"))
                    file.CreateNtuple "a" |> ignore

                    Expect.equal
                        (message<ArgumentException>(fun () -> file.CreateTree "a" |> ignore))
                        $"Cannot add 'a' to {file.Path}: the file has a tree, RNTuple or directory of that name already. Choose another \
                         name."
                        "taken"

                    Expect.equal
                        (message<ArgumentException>(fun () -> file.CreateNtuple "a/b" |> ignore))
                        $"Cannot add 'a/b' to {file.Path}: 'a' is an RNTuple already and cannot be a directory too. Choose another name."
                        "no directory")
            }

            test "a field of another RNTuple is refused" {
                withNtuple (fun ntuple ->
                    withNtuple (fun other ->
                        ntuple.Field<int> "i" |> ignore
                        let stranger = other.Field<int> "j"

                        Expect.equal
                            (message<ArgumentException>(fun () -> ntuple.Append [| stranger.Values(ints [ 1 ]) |]))
                            "Cannot append to RNTuple 'n': field 'j' belongs to another RNTuple."
                            "message"))
            }
        ]
