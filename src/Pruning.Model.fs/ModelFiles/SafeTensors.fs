namespace Pruning.Model.ModelFiles

open System
open System.IO
open TorchSharp
open Pruning.Model.Persistence

/// An open safetensors file: the header is read and checked, tensors are read when they are asked for. Dispose it to
/// close the file; tensors read from it live on. Not for several threads at once.
[<Sealed>]
type SafeTensorsFile internal (path: string, stream: FileStream, header: SafeTensorsHeader) =

    let entries = header.Entries |> List.map (fun entry -> entry.Name, entry) |> Map

    /// The file that is read.
    member _.Path: string = path

    /// Metadata and tensors, in the order of their bytes.
    member _.Header: SafeTensorsHeader = header

    /// Free text by name.
    member _.Metadata: Map<string, string> = header.Metadata

    /// Names of the tensors, in the order of their bytes.
    member _.Names: string list = header.Entries |> List.map _.Name

    /// What the file says about a tensor, if it has it.
    member _.TryEntry(name: string) : SafeTensorEntry option = entries.TryFind name

    /// What the file says about a tensor. One that is not there: CheckpointException with the nearest names.
    member _.Entry(name: string) : SafeTensorEntry =
        match entries.TryFind name with
        | Some entry -> entry
        | None ->
            let shared (other: string) = Seq.zip name other |> Seq.takeWhile (fun (a, b) -> a = b) |> Seq.length

            let near =
                header.Entries
                |> List.map _.Name
                |> List.sortByDescending shared
                |> List.truncate 3
                |> List.map (fun other -> $"'{other}'")

            let near =
                if near.IsEmpty then
                    "it has none"
                else
                    "the nearest are " + String.Join(", ", near)

            raise (CheckpointException $"wanted the tensor '{name}', found none of that name in {path}; {near}")

    /// The bytes of a tensor, little endian, row-major. At most 2 GB.
    member this.Bytes(name: string) : byte[] =
        let entry = this.Entry name
        let bytes: byte[] = Array.zeroCreate (Checked.int (entry.End - entry.First))
        stream.Position <- header.DataStart + entry.First
        stream.ReadExactly bytes
        bytes

    /// A tensor on the CPU, which the caller (or the current dispose scope) owns.
    member this.Tensor(name: string) : torch.Tensor =
        let entry = this.Entry name

        let dtype =
            match entry.Type with
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

        let tensor = torch.empty (List.toArray entry.Shape, dtype = dtype)

        if entry.Type = SafeTensorType.Bool then
            let bytes = this.Bytes name

            if bytes.AsSpan().ContainsAnyExcept(0uy, 1uy) then
                tensor.Dispose()

                raise (
                    CheckpointException
                        $"wanted 0 or 1 in the truth values of '{name}', found other bytes in {path}: it is damaged"
                )

            use source = new MemoryStream(bytes)
            tensor.ReadBytesFromStream(source, 1 <<< 20)
        elif entry.End > entry.First then
            stream.Position <- header.DataStart + entry.First
            tensor.ReadBytesFromStream(stream, 1 <<< 20)

        tensor

    interface IDisposable with
        member _.Dispose() = stream.Dispose()

/// Tensors in files that any language reads and that hold no code (safetensors).
[<RequireQualifiedAccess>]
module SafeTensors =

    let private typeOf (name: string) (tensor: torch.Tensor) : SafeTensorType =
        match tensor.dtype with
        | torch.ScalarType.Float64 -> SafeTensorType.F64
        | torch.ScalarType.Float32 -> SafeTensorType.F32
        | torch.ScalarType.Float16 -> SafeTensorType.F16
        | torch.ScalarType.BFloat16 -> SafeTensorType.BF16
        | torch.ScalarType.Int64 -> SafeTensorType.I64
        | torch.ScalarType.Int32 -> SafeTensorType.I32
        | torch.ScalarType.Int16 -> SafeTensorType.I16
        | torch.ScalarType.Int8 -> SafeTensorType.I8
        | torch.ScalarType.Byte -> SafeTensorType.U8
        | torch.ScalarType.Bool -> SafeTensorType.Bool
        | other ->
            invalidArg
                (nameof tensor)
                $"wanted real numbers, integers or truth values, found {other} in tensor '{name}'"

    let private openFile (path: string) : FileStream =
        try
            new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read ||| FileShare.Delete)
        with
        | :? FileNotFoundException
        | :? DirectoryNotFoundException as error ->
            raise (
                CheckpointException($"wanted the safetensors file {path}, found nothing there; check the path", error)
            )
        | :? UnauthorizedAccessException
        | :? IOException as error ->
            raise (
                CheckpointException(
                    $"wanted to read the safetensors file {path}, found that it cannot be opened: {error.Message}",
                    error
                )
            )

    /// Reads and checks the header of a file; no tensor is made and libtorch is not needed.
    let readHeader (path: string) : SafeTensorsHeader =
        use stream = openFile path
        SafeTensorsHeader.read path stream

    /// Opens a file and checks its header; tensors are read on demand. Dispose the result.
    let read (path: string) : SafeTensorsFile =
        let stream = openFile path

        try
            new SafeTensorsFile(path, stream, SafeTensorsHeader.read path stream)
        with _ ->
            stream.Dispose()
            reraise ()

    /// Writes tensors of any device and layout. The file appears whole, in one step, and its bytes depend on the metadata
    /// and the tensors alone, not on their order in the list.
    let write (path: string) (metadata: Map<string, string>) (tensors: (string * torch.Tensor) list) : unit =
        let header =
            tensors
            |> List.map (fun (name, tensor) -> name, typeOf name tensor, List.ofArray tensor.shape)
            |> SafeTensorsHeader.layOut metadata

        let tensorOf = Map tensors

        AtomicFile.write path (fun stream ->
            stream.Write(SafeTensorsHeader.encode header)

            for entry in header.Entries do
                use _scope = torch.NewDisposeScope()

                if entry.End > entry.First then
                    tensorOf[entry.Name].detach().cpu().contiguous().WriteBytesToStream(stream, 1 <<< 20))
