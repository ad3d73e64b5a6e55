module Pruning.Tests.Data.RootTreeTests

open System
open System.Buffers.Binary
open Expecto
open FsCheck
open Pruning.Data.Root
open Pruning.Tests.Data.RootBytes

let private problem (act: unit -> unit) : RootErrorKind * string =
    try
        act ()
        failtest "nothing was refused"
    with :? RootFormatException as e ->
        e.Kind, e.Problem

let private numbers = [ [ 1; 2; 3 ]; []; [ -4 ]; [ 5; 6 ]; []; [ 7; 8; 9; 10 ] ]

/// The same jagged integers as a counter, a counted array and a vector, cut into baskets of three entries.
let private jagged (shape: Basket -> Basket) =
    let cut table encode =
        numbers
        |> List.chunkBySize 3
        |> List.map (List.map encode >> basket table >> shape)

    [
        branch "n" (leaf "TLeafI" "n") (cut NoTable (fun values -> int32s [ values.Length ]))
        counted "x" "TLeafI" "n" (cut Offsets int32s)
        vector "v" "vector<int>" (cut Offsets (fun values -> vectorEntry values.Length (int32s values)))
    ]

let private entriesOf (column: JaggedColumn<'T>) =
    [ for entry in 0L .. column.EntryCount - 1L -> column[entry].ToArray() |> List.ofArray ]

let private expectNumbers (root: RootFile) (name: string) =
    let t = root.Tree name
    Expect.equal t.EntryCount 6L "entries"
    Expect.equal (entriesOf (t.Read<int>("x"))) numbers "the counted array"
    Expect.equal (entriesOf (t.Read<int>("v"))) numbers "the vector"
    Expect.equal (t.Read<int>("n").Values) [| 3; 0; 1; 2; 0; 4 |] "the counter"

let private doubles = [ 1.5; -2.25; 0.0; 1e300 ]

// Compared as text: NaN equals itself there.
let private show (values: 'T array) = $"%A{values}"

// Type of leaf, unsigned, vector's class, four values as they stand in the file, and as .NET values.
let private types: (string * bool * string * string * (Bytes -> unit) * (RootTree -> string -> string) * string) list =
    let column (read: RootTree -> string -> JaggedColumn<'T>) (tree: RootTree) name = show (read tree name).Values

    [
        "TLeafO",
        false,
        "vector<bool>",
        "bool",
        (fun b ->
            for v in [ 1; 0; 7; 0 ] do
                b.U8 v),
        column (fun t n -> t.Read<bool> n),
        show [| true; false; true; false |]
        "TLeafB",
        false,
        "vector<Char_t>",
        "char",
        (fun b ->
            for v in [ 1; 255; 128; 127 ] do
                b.U8 v),
        column (fun t n -> t.Read<sbyte> n),
        show [| 1y; -1y; -128y; 127y |]
        "TLeafB",
        true,
        "vector<unsigned char>",
        "unsigned char",
        (fun b ->
            for v in [ 1; 255; 128; 0 ] do
                b.U8 v),
        column (fun t n -> t.Read<byte> n),
        show [| 1uy; 255uy; 128uy; 0uy |]
        "TLeafS",
        false,
        "vector<short>",
        "short",
        (fun b ->
            for v in [ 1; -2; 32767; -32768 ] do
                b.I16 v),
        column (fun t n -> t.Read<int16> n),
        show [| 1s; -2s; 32767s; -32768s |]
        "TLeafS",
        true,
        "std::vector<UShort_t>",
        "unsigned short",
        (fun b ->
            for v in [ 1; -2; 0; 9 ] do
                b.I16 v),
        column (fun t n -> t.Read<uint16> n),
        show [| 1us; 65534us; 0us; 9us |]
        "TLeafI",
        false,
        "vector<int, std::allocator<int> >",
        "int",
        (fun b ->
            for v in [ 1; -2; 3; Int32.MinValue ] do
                b.I32 v),
        column (fun t n -> t.Read<int> n),
        show [| 1; -2; 3; Int32.MinValue |]
        "TLeafI",
        true,
        "vector<unsigned int>",
        "unsigned int",
        (fun b ->
            for v in [ 1; -2; 3; 0 ] do
                b.I32 v),
        column (fun t n -> t.Read<uint32> n),
        show [| 1u; 4294967294u; 3u; 0u |]
        "TLeafL",
        false,
        "vector<long>",
        "long",
        (fun b ->
            for v in [ 1L; -2L; Int64.MaxValue; 0L ] do
                b.I64 v),
        column (fun t n -> t.Read<int64> n),
        show [| 1L; -2L; Int64.MaxValue; 0L |]
        "TLeafL",
        true,
        "vector<ULong64_t>",
        "unsigned long",
        (fun b ->
            for v in [ 1L; -2L; 3L; 0L ] do
                b.I64 v),
        column (fun t n -> t.Read<uint64> n),
        show [| 1UL; UInt64.MaxValue - 1UL; 3UL; 0UL |]
        "TLeafG",
        false,
        "ROOT::VecOps::RVec<long long>",
        "long",
        (fun b ->
            for v in [ 1L; -2L; 3L; 0L ] do
                b.I64 v),
        column (fun t n -> t.Read<int64> n),
        show [| 1L; -2L; 3L; 0L |]
        "TLeafF",
        false,
        "vector<float,ROOT::Detail::VecOps::RAdoptAllocator<float> >",
        "float",
        (fun b ->
            for v in [ 1.5f; -2.25f; nanf; 0.0f ] do
                b.I32(BitConverter.SingleToInt32Bits v)),
        column (fun t n -> t.Read<float32> n),
        show [| 1.5f; -2.25f; nanf; 0.0f |]
        "TLeafD",
        false,
        "vector<Double_t>",
        "double",
        (fun b -> List.iter b.F64 doubles),
        column (fun t n -> t.Read<float> n),
        show (Array.ofList doubles)
    ]

let private typeTests =
    [
        for leafClass, isUnsigned, className, cpp, encode, read, wanted in types do
            test $"{leafClass} reads {cpp} as a number, a fixed array, a counted array and a vector" {
                let all = bytes encode
                let each = all |> Array.chunkBySize (all.Length / 4) |> List.ofArray

                let plain title length =
                    { leaf leafClass title with
                        Unsigned = isUnsigned
                        Length = length
                    }

                let content =
                    [
                        branch "scalar" (plain "scalar" 1) [ basket NoTable each ]
                        branch "n" (leaf "TLeafI" "n") [ basket NoTable [ int32s [ 3 ]; int32s [ 1 ] ] ]
                        branch "fixed" (plain "fixed[2][2]" 4) [ basket NoTable [ all ] ]
                        { counted "counted" leafClass "n" [ basket Offsets [ Array.concat each[..2]; each[3] ] ] with
                            Leaves =
                                [
                                    { plain "counted[n]" 1 with
                                        Counter = Some "n"
                                    }
                                ]
                        }
                        vector
                            "vector"
                            className
                            [
                                basket
                                    Offsets
                                    [
                                        vectorEntry 1 each[0]
                                        vectorEntry 0 [||]
                                        vectorEntry 3 (Array.concat each[1..])
                                    ]
                            ]
                    ]

                opened (write (file [ tree content ])) (fun root ->
                    let t = root.Tree "t"

                    for name in [ "scalar"; "fixed"; "counted"; "vector" ] do
                        Expect.equal (read t name) wanted name

                    Expect.equal (t.Branch("scalar").TypeName) cpp "scalar's type"
                    Expect.equal (t.Branch("fixed").TypeName) $"{cpp}[2][2]" "fixed array's type"
                    Expect.equal (t.Branch("counted").TypeName) $"{cpp}[n]" "counted array's type"
                    Expect.stringEnds (t.Branch("vector").TypeName) $"<{cpp}>" "vector's type"
                    Expect.equal (t.Branch("fixed").FixedLength) (Nullable 4) "values of an entry"
                    Expect.equal (t.Branch("counted").FixedLength) (Nullable()) "a jagged branch has no fixed length")
            }
    ]

let private layoutTests =
    [
        for codec in [ Raw; Zlib; Deflate; Lz4; Zstd ] do
            for blockBytes in [ 0xFFFFFF; 200 ] do
                test $"baskets stored as {codec} in blocks of {blockBytes} bytes give the same values" {
                    // Enough repetition that every codec makes the basket smaller, as writers only then compress.
                    let values = List.init 300 (fun i -> List.init (i % 4) (fun _ -> 7))

                    let packed =
                        { basket Offsets (values |> List.map int32s) with
                            Codec = codec
                            BlockBytes = blockBytes
                        }

                    let content =
                        [
                            branch
                                "n"
                                (leaf "TLeafI" "n")
                                [ basket NoTable (values |> List.map (fun v -> int32s [ v.Length ])) ]
                            counted "x" "TLeafI" "n" [ packed ]
                        ]

                    opened (write (file [ tree content ])) (fun root ->
                        let t = root.Tree "t"
                        Expect.equal (entriesOf (t.Read<int> "x")) values "values"

                        let name =
                            match codec with
                            | Raw -> "none"
                            | Zstd -> "zstd 505"
                            | other -> (string other).ToLowerInvariant()

                        Expect.equal (t.Branch("x").Compression) name "the codec that was seen")
                }

        test "an xz block gives the bytes that liblzma packed" {
            let packed =
                { basket NoTable (ramp |> Array.chunkBySize 1 |> List.ofArray) with
                    Codec = Xz
                }

            opened
                (write (
                    file
                        [
                            tree
                                [
                                    branch
                                        "x"
                                        { leaf "TLeafB" "x" with
                                            Unsigned = true
                                        }
                                        [ packed ]
                                ]
                        ]
                ))
                (fun root ->
                    Expect.equal (root.Tree("t").Read<byte>("x").Values) ramp "values"
                    Expect.equal (root.Tree("t").Branch("x").Compression) "xz" "codec")
        }

        for wide in [ false; true ] do
            for directory in [ None; Some "deep" ] do
                let where = if directory.IsSome then "in a sub-directory" else "at the top"

                test $"a file with {(if wide then 64 else 32)}-bit places, tree {where}, is read" {
                    let content =
                        write
                            { file [ tree (jagged id) ] with
                                Wide = wide
                                Directory = directory
                            }

                    let name =
                        match directory with
                        | Some d -> $"{d}/t"
                        | None -> "t"

                    opened content (fun root ->
                        expectNumbers root name
                        expectNumbers root $"{name};1"
                        expectNumbers root $"/{name}")
                }

        for treeVersion in 16..20 do
            for branchVersion in 10..13 do
                test $"TTree version {treeVersion} with TBranch version {branchVersion} is read" {
                    let branches =
                        jagged id
                        |> List.map (fun b ->
                            { b with
                                Branch.Version = branchVersion
                            })

                    opened
                        (write (
                            file
                                [
                                    { tree branches with
                                        Version = treeVersion
                                    }
                                ]
                        ))
                        (fun root -> expectNumbers root "t")
                }

        test "a TNtuple is a tree in an envelope" {
            opened
                (write (
                    file
                        [
                            { tree (jagged id) with
                                Class = "TNtuple"
                            }
                        ]
                ))
                (fun root -> expectNumbers root "t")
        }

        test "baskets that stand inside the tree's description are read" {
            opened (write (file [ tree (jagged (fun b -> { b with Embedded = true })) ])) (fun root ->
                expectNumbers root "t")
        }

        test "a last basket inside the tree's description follows those on disk" {
            let mutable i = 0

            let lastOnly (b: Basket) =
                i <- i + 1
                { b with Embedded = i % 2 = 0 }

            opened (write (file [ tree (jagged lastOnly) ])) (fun root -> expectNumbers root "t")
        }

        for table in [ Sizes; Generated ] do
            test $"a counted branch whose offsets are stored as {table} is read" {
                let branches =
                    jagged id
                    |> List.map (fun b ->
                        if b.Name = "x" then
                            { b with
                                Baskets = b.Baskets |> List.map (fun k -> { k with Table = table })
                            }
                        else
                            b)

                opened (write (file [ tree branches ])) (fun root ->
                    expectNumbers root "t"

                    Expect.equal
                        (entriesOf (root.Tree("t").Read<int>("x", 2L, Nullable 5L)))
                        numbers[2..4]
                        "a range across baskets")
            }

        test "the newest cycle is read unless another is named" {
            let cycle number (value: int) =
                { tree [ branch "x" (leaf "TLeafI" "x") [ basket NoTable [ int32s [ value ] ] ] ] with
                    Cycle = number
                }

            opened (write (file [ cycle 1 10; cycle 3 30; cycle 2 20 ])) (fun root ->
                let value name = (root.Tree name).Read<int>("x").Values[0]

                Expect.equal
                    [ value "t"; value "t;1"; value "t;2"; value "t;3" ]
                    [ 30; 10; 20; 30 ]
                    "values of the cycles"

                Expect.equal
                    (problem (fun () -> root.Tree "t;7" |> ignore))
                    (RootErrorKind.ObjectNotFound, "there is no tree 't;7'; its cycles are 1, 3, 2")
                    "a cycle that is not there")
        }

        test "an empty branch and an empty tree have no values" {
            opened
                (write (file [ tree [ branch "x" (leaf "TLeafF" "x") []; vector "v" "vector<float>" [] ] ]))
                (fun root ->
                    let t = root.Tree "t"

                    Expect.equal
                        (t.EntryCount, t.Read<float32>("x").ValueCount, t.Read<float32>("v").Offsets)
                        (0L, 0L, [| 0L |])
                        "nothing")
        }

        testProperty "any range of entries, any cut into baskets and any number of threads give the same values"
        <| fun (lists: int list list) (cut: PositiveInt) (a: NonNegativeInt) (b: NonNegativeInt) ->
            let count = List.length lists
            let first, last = (let x, y = a.Get % (count + 1), b.Get % (count + 1) in min x y, max x y)
            let size = 1 + cut.Get % 7
            let chunks table encode = lists |> List.chunkBySize size |> List.map (List.map encode >> basket table)

            let content =
                write (
                    file
                        [
                            tree
                                [
                                    branch "n" (leaf "TLeafI" "n") (chunks NoTable (fun v -> int32s [ v.Length ]))
                                    counted "x" "TLeafI" "n" (chunks Offsets int32s)
                                    vector "v" "vector<int>" (chunks Offsets (fun v -> vectorEntry v.Length (int32s v)))
                                ]
                        ]
                )

            let wanted = if first = last then [] else lists[first .. last - 1]

            for workers in [ 1; 3 ] do
                openWith (RootReadOptions(Workers = workers)) content (fun root ->
                    let t = root.Tree "t"
                    let together = t.Read([| "x"; "v"; "n" |], int64 first, Nullable(int64 last))
                    Expect.equal (entriesOf (together.Column<int> "x")) wanted "counted"
                    Expect.equal (entriesOf (together.Column<int> "v")) wanted "vector"

                    Expect.equal
                        (List.ofArray (together.Column<int>("n").Values))
                        (wanted |> List.map List.length)
                        "counter"

                    Expect.equal
                        (t.ReadAs<float>("v", int64 first, Nullable(int64 last)).Offsets)
                        (together.Column<int>("x").Offsets)
                        "offsets")
    ]

let private oneBranch (b: Branch) (use': RootTree -> 'a) =
    opened (write (file [ tree [ b ] ])) (fun root -> use' (root.Tree "t"))

let private scalars (leafClass: string) (values: byte array list) =
    branch "x" (leaf leafClass "x") [ basket NoTable values ]

let private float64s (values: float list) = values |> List.map (fun v -> bytes (fun b -> b.F64 v))

let private misfit (values: string) (type': string) =
    RootErrorKind.ValueOutOfRange, $"the value {values} does not fit the type {type'} without loss"

let private conversionTests =
    [
        test "numbers are converted where nothing is lost" {
            oneBranch (scalars "TLeafD" (float64s [ 0.0; 1.0; 200.0 ])) (fun t ->
                Expect.equal (t.ReadAs<float32>("x").Values) [| 0f; 1f; 200f |] "float"
                Expect.equal (t.ReadAs<int>("x").Values) [| 0; 1; 200 |] "int"
                Expect.equal (t.ReadAs<byte>("x").Values) [| 0uy; 1uy; 200uy |] "byte"
                Expect.equal (t.ReadAs<uint64>("x").Values) [| 0UL; 1UL; 200UL |] "unsigned long"
                Expect.equal (t.ReadAs<bool>("x", 0L, Nullable 2L).Values) [| false; true |] "bool")

            oneBranch (scalars "TLeafO" [ [| 0uy |]; [| 5uy |] ]) (fun t ->
                Expect.equal (t.ReadAs<float32>("x").Values) [| 0f; 1f |] "bool to float"
                Expect.equal (t.ReadAs<int64>("x").Values) [| 0L; 1L |] "bool to long")
        }

        for name, values, read, wanted in
            [
                "a fraction as int",
                [ 1.0; 1.5 ],
                (fun (t: RootTree) -> t.ReadAs<int> "x" |> ignore),
                misfit "1.5" "int"
                "NaN as int", [ 1.0; nan ], (fun t -> t.ReadAs<int> "x" |> ignore), misfit "NaN" "int"
                "2^31 as int", [ 1.0; 2147483648.0 ], (fun t -> t.ReadAs<int> "x" |> ignore), misfit "2147483648" "int"
                "2^63 as long",
                [ 1.0; 9223372036854775808.0 ],
                (fun t -> t.ReadAs<int64> "x" |> ignore),
                misfit "9.223372036854776E+18" "long"
                "2^64 as unsigned long",
                [ 1.0; 18446744073709551616.0 ],
                (fun t -> t.ReadAs<uint64> "x" |> ignore),
                misfit "1.8446744073709552E+19" "unsigned long"
                "256 as byte", [ 1.0; 256.0 ], (fun t -> t.ReadAs<byte> "x" |> ignore), misfit "256" "unsigned char"
                "-1 as byte", [ 1.0; -1.0 ], (fun t -> t.ReadAs<byte> "x" |> ignore), misfit "-1" "unsigned char"
                "2 as bool", [ 1.0; 2.0 ], (fun t -> t.ReadAs<bool> "x" |> ignore), misfit "2" "bool"
                "1e300 as float", [ 1.0; 1e300 ], (fun t -> t.ReadAs<float32> "x" |> ignore), misfit "1E+300" "float"
            ] do
            test $"{name} is refused, and the entry named" {
                oneBranch (scalars "TLeafD" (float64s values)) (fun t ->
                    Expect.equal (problem (fun () -> read t)) wanted "the error"

                    let entry =
                        try
                            (read t
                             -1L)
                        with :? RootFormatException as e ->
                            e.Location.Entry.Value

                    Expect.equal entry 1L "the entry")
            }

        test "integers that do not fit are refused" {
            oneBranch (scalars "TLeafL" [ for v in [ 1L; -1L ] -> bytes (fun b -> b.I64 v) ]) (fun t ->
                Expect.equal (t.ReadAs<float>("x").Values) [| 1.0; -1.0 |] "to double"
                Expect.equal (problem (fun () -> t.ReadAs<uint64> "x" |> ignore)) (misfit "-1" "unsigned long") "sign"

                Expect.equal
                    (problem (fun () -> t.ReadAs<uint32> "x" |> ignore))
                    (misfit "-1" "unsigned int")
                    "sign, narrower")
        }

        test "a wrong type is named with the right one" {
            oneBranch (scalars "TLeafD" (float64s [ 1.0 ])) (fun t ->
                Expect.equal
                    (problem (fun () -> t.Read<float32> "x" |> ignore))
                    (RootErrorKind.WrongElementType,
                     "wanted float but the branch is double; read it as double, or let ReadAs convert it")
                    "error"

                Expect.equal
                    (problem (fun () -> t.ReadAs<char> "x" |> ignore) |> fst)
                    RootErrorKind.WrongElementType
                    "not a number type")
        }

        test "packed floats are unpacked" {
            let stored = [ 0; 0x80; 0x1ff; 0x3ff ]

            oneBranch
                (branch "x" (leaf "TLeafD32" "x[-2,6,10]") [ basket NoTable [ for v in stored -> int32s [ v ] ] ])
                (fun t ->
                    Expect.equal
                        (t.Read<float>("x").Values)
                        [| for v in stored -> -2.0 + float v * (8.0 / 1024.0) |]
                        "Double32_t with a range")

            oneBranch
                (branch "x" (leaf "TLeafD32" "x") [ basket NoTable [ int32s [ BitConverter.SingleToInt32Bits 1.5f ] ] ])
                (fun t -> Expect.equal (t.Read<float>("x").Values) [| 1.5 |] "Double32_t without")

            oneBranch
                (branch
                    "x"
                    (leaf "TLeafF16" "x")
                    [ basket NoTable [ [| 127uy; 0x08uy; 0uy |]; [| 128uy; 0x24uy; 0uy |] ] ])
                (fun t -> Expect.equal (t.Read<float32>("x").Values) [| 1.5f; -2.5f |] "Float16_t without")
        }
    ]

let private unsupportedTests =
    [
        test "an unsupported branch costs itself, not the file" {
            let leafList =
                { branch "point" (leaf "TLeafF" "x") [ basket NoTable [ Array.zeroCreate 8 ] ] with
                    Leaves = [ leaf "TLeafF" "x"; leaf "TLeafF" "y" ]
                }

            let text = branch "name" (leaf "TLeafC" "name") [ basket Offsets [ [| 1uy; 65uy |] ] ]
            let objects = vector "muons" "vector<TLorentzVector>" [ basket Offsets [ vectorEntry 0 [||] ] ]

            let other =
                { branch "old" (leaf "TLeafF" "old") [ basket NoTable [ int32s [ 1 ] ] ] with
                    Version = 9
                }

            opened
                (write (file [ tree (scalars "TLeafI" [ int32s [ 42 ] ] :: [ leafList; text; objects; other ]) ]))
                (fun root ->
                    let t = root.Tree "t"
                    Expect.equal (t.Read<int>("x").Values) [| 42 |] "the good branch"

                    Expect.equal
                        [ for b in t.Branches -> b.Unsupported |> Option.ofObj ]
                        [
                            None
                            Some "leaf lists are not decoded, this one has 2 leaves"
                            Some "text is not decoded"
                            Some "objects of class vector<TLorentzVector> are not decoded"
                            Some "TBranch version 9 is not known, only 10 to 13"
                        ]
                        "reasons"

                    Expect.equal
                        (problem (fun () -> t.ReadAs<float>("muons") |> ignore))
                        (RootErrorKind.UnsupportedBranch,
                         "the branch cannot be read: objects of class vector<TLorentzVector> are not decoded; its type is vector<TLorentzVector>")
                        "the error when it is read")
        }

        test "a branch that is not there is answered with the nearest names" {
            opened
                (write (file [ tree [ for name in [ "energy"; "eta"; "phi" ] -> branch name (leaf "TLeafF" name) [] ] ]))
                (fun root ->
                    let t = root.Tree "t"

                    Expect.equal
                        (problem (fun () -> t.Branch "enery" |> ignore) |> snd)
                        "there is no branch 'enery'; did you mean 'energy'?"
                        "one is near"

                    Expect.equal
                        (problem (fun () -> t.Branch "qqqqqq" |> ignore) |> snd)
                        "there is no branch 'qqqqqq'; there is 'energy', 'eta', 'phi'"
                        "none is near"

                    Expect.equal
                        (problem (fun () -> root.Tree "tt" |> ignore) |> snd)
                        "there is no tree 'tt'; did you mean 't'?"
                        "trees too"

                    Expect.isFalse (fst (root.TryTree "nothing")) "TryTree")
        }

        test "entries that a branch does not have are the caller's mistake" {
            oneBranch (scalars "TLeafI" [ int32s [ 1 ] ]) (fun t ->
                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> t.Read<int>("x", 0L, Nullable 2L) |> ignore)
                    "end")
        }
    ]

[<Tests>]
let tests =
    testList
        "ROOT trees"
        [
            testList "types" typeTests
            testList "layouts" layoutTests
            testList "conversions" conversionTests
            testList "refusals" unsupportedTests
        ]
