module Pruning.Tests.Model.SafeTensorsTests

open System
open System.IO
open System.Text
open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open Pruning.Model.Persistence
open Pruning.Model.ModelFiles
open Pruning.Tests

/// A file name in a new directory that goes away afterwards.
let private withPath (check: string -> unit) =
    let directory = Directory.CreateTempSubdirectory "safetensors-"

    try
        check (Path.Combine(directory.FullName, "some tensors.safetensors"))
    finally
        directory.Delete(recursive = true)

/// The bytes of a file with this header text and this data.
let private bytesOf (json: string) (data: byte[]) : byte[] =
    let header = Encoding.UTF8.GetBytes json
    Array.concat [ BitConverter.GetBytes(uint64 header.Length); header; data ]

let private refused (bytes: byte[]) (fragment: string) =
    withPath (fun path ->
        File.WriteAllBytes(path, bytes)

        let error =
            try
                SafeTensors.readHeader path |> ignore
                None
            with :? CheckpointException as error ->
                Some error.Message

        match error with
        | None -> failtest $"wanted a refusal with '{fragment}'"
        | Some message ->
            Expect.stringContains message fragment "what is wrong"
            Expect.stringContains message path "where")

type private Spec = string * SafeTensorType * int64 list

/// Names, types and shapes of a few tensors; none, single numbers and sizes of zero included.
let private specs: Gen<Spec list> =
    let name = Gen.elements [ "w"; "bias"; "encoder.0.weight"; "a b"; "π\"\\"; "zero"; "" ]

    let shape = Gen.choose (0, 4) |> Gen.map int64 |> Gen.listOf |> Gen.map (List.truncate 4)

    Gen.zip3 name (Gen.elements SafeTensorType.all) shape
    |> Gen.listOf
    |> Gen.map (List.distinctBy (fun (name, _, _) -> name))

/// Random bytes as a tensor of this type and shape; any bit pattern, NaNs too.
let private tensorOf (random: Random) ((_, dtype, shape): Spec) : torch.Tensor * byte[] =
    let count = List.fold (*) 1L shape * SafeTensorType.size dtype
    let bytes: byte[] = Array.zeroCreate (int count)
    random.NextBytes bytes

    if dtype = SafeTensorType.Bool then
        for i in 0 .. bytes.Length - 1 do
            bytes[i] <- bytes[i] &&& 1uy

    let torchType =
        match dtype with
        | SafeTensorType.F64 -> torch.float64
        | SafeTensorType.F32 -> torch.float32
        | SafeTensorType.F16 -> torch.float16
        | SafeTensorType.BF16 -> torch.bfloat16
        | SafeTensorType.I64 -> torch.int64
        | SafeTensorType.I32 -> torch.int32
        | SafeTensorType.I16 -> torch.int16
        | SafeTensorType.I8 -> torch.int8
        | SafeTensorType.U8 -> torch.uint8
        | SafeTensorType.Bool -> torch.bool

    let tensor = torch.empty (List.toArray shape, dtype = torchType)

    if bytes.Length > 0 then
        tensor.bytes <- Span bytes

    tensor, bytes

let private headerTests =
    testList
        "headers"
        [
            test "what is wrong with a file is said in one sentence" {
                refused [| 1uy; 2uy |] "at least 10 bytes, found 2"

                refused
                    (Array.append (BitConverter.GetBytes UInt64.MaxValue) [| 0uy; 0uy |])
                    "found a length of 18446744073709551615"

                refused (Array.append (BitConverter.GetBytes 1UL) "{}"B) "found a length of 1"
                refused (bytesOf "{]" [||]) "JSON"
                refused (bytesOf "[]" [||]) "JSON object"
                refused (bytesOf "{} x" [||]) "JSON"
                refused (bytesOf """{"__metadata__":{"a":1}}""" [||]) "wanted a text as __metadata__ 'a'"
                refused (bytesOf """{"__metadata__":3}""" [||]) "object of texts"
                refused (bytesOf """{"a":3}""" [||]) "tensor 'a': wanted an object"
                refused (bytesOf """{"a":{"dtype":"F32","shape":[]}}""" [||]) "dtype, shape and data_offsets"

                refused
                    (bytesOf """{"a":{"dtype":"Q4","shape":[],"data_offsets":[0,4]}}""" [| 1uy; 2uy; 3uy; 4uy |])
                    "found \"Q4\""

                refused
                    (bytesOf """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}}""" [| 1uy |])
                    "wanted the bytes of [2] U8, found 1"

                refused
                    (bytesOf """{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}""" [| 1uy |])
                    "whole numbers from 0"

                refused
                    (bytesOf """{"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}}""" [| 1uy |])
                    "whole numbers from 0"

                refused
                    (bytesOf """{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}""" [| 1uy |])
                    "two rising data_offsets"

                refused
                    (bytesOf """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}""" [| 1uy |])
                    "two rising data_offsets"

                refused
                    (bytesOf """{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""" [| 1uy; 2uy |])
                    "begin at byte 0 of the data, found 1"

                refused
                    (bytesOf """{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""" [||])
                    "wanted the bytes of"

                refused
                    (bytesOf
                        """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"""
                        [| 1uy; 2uy; 3uy |])
                    "a gap or an overlap"

                refused
                    (bytesOf
                        """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"""
                        [| 1uy; 2uy |])
                    "without repeated names"

                refused (bytesOf """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""" [||]) "bytes in all"

                refused
                    (bytesOf """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""" [| 1uy; 2uy |])
                    "bytes in all"

                refused (bytesOf """{"\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""" [| 1uy |]) "in "
            }

            test "a file that is not there is said to be so" {
                withPath (fun path ->
                    Expect.throwsC (fun () -> SafeTensors.readHeader path |> ignore) (fun error ->
                        Expect.isTrue (error :? CheckpointException) "type"
                        Expect.stringContains error.Message $"{path}, found nothing there" "message"))
            }

            testProperty "a header that was laid out and encoded is read back"
            <| Prop.forAll (Arb.fromGen specs) (fun specs ->
                let metadata = Map [ "config", """{"hidden":128}"""; "ü", "" ]
                let header = SafeTensorsHeader.layOut metadata specs
                let bytes = SafeTensorsHeader.encode header
                let length = header.Entries |> List.fold (fun _ entry -> entry.End) 0L
                let read = SafeTensorsHeader.decode "x" (bytes.LongLength + length) bytes[8..]

                read.Metadata = metadata
                && read.Entries = header.Entries
                && read.DataStart = bytes.LongLength
                && bytes.Length % 8 = 0
                && header.Entries
                   |> List.forall (fun entry -> entry.First % SafeTensorType.size entry.Type = 0L)
                && SafeTensorsHeader.encode (SafeTensorsHeader.layOut metadata (List.rev specs)) = bytes)

            testProperty "a damaged file is read or refused with a typed error, never anything else"
            <| Prop.forAll (Arb.fromGen (Gen.zip specs (Gen.choose (0, Int32.MaxValue)))) (fun (specs, seed) ->
                let random = Random seed
                let header = SafeTensorsHeader.layOut (Map [ "a", "b" ]) specs
                let length = header.Entries |> List.fold (fun _ entry -> int entry.End) 0
                let bytes = Array.append (SafeTensorsHeader.encode header) (Array.zeroCreate length)

                for _ in 0 .. random.Next 4 do
                    let at = random.Next bytes.Length
                    let pieces = Array.append "{}[]\":,0123456789-.eEtfn\\ud8 "B [| 0uy; 128uy; 255uy |]
                    bytes[at] <- pieces[random.Next pieces.Length]

                let kept = if random.Next 3 = 0 then random.Next(bytes.Length + 1) else bytes.Length
                use stream = new MemoryStream(bytes, 0, kept)

                try
                    let read = SafeTensorsHeader.read "damaged" stream
                    let total = read.Entries |> List.sumBy (fun entry -> entry.End - entry.First)
                    read.DataStart + total = int64 kept
                with :? CheckpointException as error ->
                    error.Message.Contains "damaged")

            test "files of the Python library are read" {
                let header = SafeTensors.readHeader (Path.Combine(Fixture.own, "graphs.safetensors"))
                let entry = header.Entries |> List.find (fun entry -> entry.Name = "g0.features")
                Expect.equal entry.Type SafeTensorType.F32 "type"
                Expect.equal entry.Shape[1] 9L "features"
            }
        ]

let private tensorTests =
    testList
        "tensors"
        [
            testPropertyWithConfig
                { FsCheckConfig.defaultConfig with
                    maxTest = 50
                }
                "tensors of every type and shape come back to the bit"
            <| Prop.forAll (Arb.fromGen (Gen.zip specs (Gen.choose (0, Int32.MaxValue)))) (fun (specs, seed) ->
                use _scope = torch.NewDisposeScope()
                let random = Random seed

                withPath (fun path ->
                    let made = specs |> List.map (fun spec -> spec, tensorOf random spec)
                    let list = made |> List.map (fun ((name, _, _), (tensor, _)) -> name, tensor)
                    SafeTensors.write path (Map [ "note", "ä" ]) list
                    let bytes = File.ReadAllBytes path
                    SafeTensors.write path (Map [ "note", "ä" ]) (List.rev list)
                    Expect.equal (File.ReadAllBytes path) bytes "the order of the list does not matter"
                    use file = SafeTensors.read path
                    Expect.equal file.Metadata (Map [ "note", "ä" ]) "metadata"
                    Expect.equal (Set file.Names) (set [ for name, _, _ in specs -> name ]) "names"

                    for (name, dtype, shape), (tensor, bytes) in made do
                        let read = file.Tensor name
                        Expect.equal read.dtype tensor.dtype "type"
                        Expect.equal (List.ofArray read.shape) shape "shape"
                        Expect.equal (file.Entry name).Type dtype "type in the header"
                        Expect.equal (file.Bytes name) bytes "bytes in the file"

                        if bytes.Length > 0 then
                            Expect.equal (read.bytes.ToArray()) bytes "bytes in memory"))

            test "views, transposes and tensors with gradients are written as they look" {
                use _scope = torch.NewDisposeScope()

                withPath (fun path ->
                    let all = torch.arange(12, dtype = torch.float32).reshape(3L, 4L)
                    let last = all.narrow (0L, 2L, 1L)
                    let weight = (all + 0.5f).requires_grad_ true
                    SafeTensors.write path Map.empty [ "t", all.t (); "last", last; "weight", weight ]
                    use file = SafeTensors.read path

                    Expect.equal
                        (file.Tensor("t").data<float32>().ToArray())
                        [| 0f; 4f; 8f; 1f; 5f; 9f; 2f; 6f; 10f; 3f; 7f; 11f |]
                        "transposed"

                    Expect.equal (file.Tensor("last").data<float32>().ToArray()) [| 8f; 9f; 10f; 11f |] "view"
                    Expect.equal (file.Tensor("weight").shape) [| 3L; 4L |] "shape"
                    Expect.equal (file.Tensor("weight").data<float32>()[0]) 0.5f "value")
            }

            test "a file of the Python library gives the tensors that the independent reader gives" {
                use _scope = torch.NewDisposeScope()
                let path = Path.Combine(Fixture.own, "graphs.safetensors")
                use file = SafeTensors.read path
                let others = Fixture.read path
                Expect.equal (Set file.Names) (Set(Map.keys others)) "names"

                for KeyValue(name, other) in others do
                    let read = file.Tensor name
                    Expect.equal read.shape other.shape name
                    Expect.equal (Near.distance read other) 0.0 name
            }

            test "a tensor that is not there is refused with the nearest names" {
                use _scope = torch.NewDisposeScope()

                withPath (fun path ->
                    SafeTensors.write path Map.empty [ "encoder.weight", torch.zeros 2L; "other", torch.zeros 2L ]
                    use file = SafeTensors.read path

                    Expect.throwsC (fun () -> file.Tensor "encoder.wieght" |> ignore) (fun error ->
                        Expect.isTrue (error :? CheckpointException) "type"
                        Expect.stringContains error.Message "the nearest are 'encoder.weight'" "message"))
            }

            test "a failed write leaves the old file and nothing else" {
                use _scope = torch.NewDisposeScope()

                withPath (fun path ->
                    SafeTensors.write path Map.empty [ "a", torch.ones 2L ]
                    let before = File.ReadAllBytes path

                    Expect.throwsT<ArgumentException>
                        (fun () -> SafeTensors.write path Map.empty [ "a", torch.ones 2L; "a", torch.ones 2L ])
                        "one name twice"

                    Expect.throwsT<ArgumentException>
                        (fun () -> SafeTensors.write path Map.empty [ "a", torch.ones (2L, dtype = torch.complex64) ])
                        "complex numbers"

                    Expect.throwsT<IOException>
                        (fun () ->
                            AtomicFile.write path (fun stream ->
                                stream.WriteByte 1uy
                                raise (IOException "disk full")))
                        "error of the writer"

                    Expect.equal (File.ReadAllBytes path) before "content"
                    Expect.equal (Directory.GetFiles(string (Path.GetDirectoryName path))) [| path |] "files")
            }
        ]

[<Tests>]
let tests = testList "SafeTensors" [ headerTests; tensorTests ]
