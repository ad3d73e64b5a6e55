namespace Pruning.Model.ModelFiles

open System
open System.Buffers.Binary
open System.IO
open System.Text.Encodings.Web
open System.Text.Json
open Pruning.Model.Persistence

/// Element types of a safetensors file that we read and write.
[<RequireQualifiedAccess>]
type SafeTensorType =
    | F64
    | F32
    | F16
    | BF16
    | I64
    | I32
    | I16
    | I8
    | U8
    | Bool

/// Names and sizes of element types.
[<RequireQualifiedAccess>]
module SafeTensorType =

    /// All of them, widest first: the order in which tensors are laid out, so that each is aligned to its elements.
    let all: SafeTensorType list =
        [
            SafeTensorType.F64
            SafeTensorType.I64
            SafeTensorType.F32
            SafeTensorType.I32
            SafeTensorType.F16
            SafeTensorType.BF16
            SafeTensorType.I16
            SafeTensorType.I8
            SafeTensorType.U8
            SafeTensorType.Bool
        ]

    /// The name in the file's header.
    let name (dtype: SafeTensorType) : string =
        match dtype with
        | SafeTensorType.Bool -> "BOOL"
        | other -> $"%A{other}"

    /// The type of a name in a header.
    let tryOfName (text: string) : SafeTensorType option = all |> List.tryFind (fun dtype -> name dtype = text)

    /// Bytes an element.
    let size (dtype: SafeTensorType) : int64 =
        match dtype with
        | SafeTensorType.F64
        | SafeTensorType.I64 -> 8L
        | SafeTensorType.F32
        | SafeTensorType.I32 -> 4L
        | SafeTensorType.F16
        | SafeTensorType.BF16
        | SafeTensorType.I16 -> 2L
        | SafeTensorType.I8
        | SafeTensorType.U8
        | SafeTensorType.Bool -> 1L

/// One tensor of a safetensors file: what it is and where its bytes are.
type SafeTensorEntry =
    {
        /// Unique in the file.
        Name: string
        /// Type of the elements.
        Type: SafeTensorType
        /// Sizes of the dimensions; empty for a single number.
        Shape: int64 list
        /// First byte, counted from the end of the header.
        First: int64
        /// One past the last byte, counted from the end of the header.
        End: int64
    }

/// The header of a safetensors file.
type SafeTensorsHeader =
    {
        /// Free text by name, such as the configuration of the model.
        Metadata: Map<string, string>
        /// The tensors in the order of their bytes.
        Entries: SafeTensorEntry list
        /// Where the bytes of the tensors begin in the file.
        DataStart: int64
    }

/// Reading and writing headers of safetensors files, without any tensor: eight bytes of length (little endian), a JSON
/// object padded with spaces, then the tensors' bytes end to end (github.com/huggingface/safetensors).
[<RequireQualifiedAccess>]
module SafeTensorsHeader =

    /// Longest header that is read, in bytes; the same limit as other readers have.
    [<Literal>]
    let LongestHeader = 100_000_000L

    [<Literal>]
    let private MetadataKey = "__metadata__"

    let private refuse (path: string) (wantedAndFound: string) : 'a =
        raise (
            CheckpointException
                $"{wantedAndFound} in {path}: it is damaged or no safetensors file; copy it again or choose another one"
        )

    /// Bytes of a tensor of this shape; None when there are more than a file can hold.
    let private tryByteCount (dtype: SafeTensorType) (shape: int64 list) : int64 option =
        if List.contains 0L shape then
            Some 0L
        else
            try
                Some(
                    shape
                    |> List.fold (fun count size -> Checked.(*) count size) (SafeTensorType.size dtype)
                )
            with :? OverflowException ->
                None

    let private decodeEntry (path: string) (tensor: JsonProperty) : SafeTensorEntry =
        let name = tensor.Name
        let refuse wantedAndFound = refuse path $"tensor '{name}': {wantedAndFound}"

        if tensor.Value.ValueKind <> JsonValueKind.Object then
            refuse $"wanted an object, found {tensor.Value.ValueKind}"

        let keys = set [ for property in tensor.Value.EnumerateObject() -> property.Name ]

        if keys <> set [ "dtype"; "shape"; "data_offsets" ] then
            let found = String.Join(", ", keys)
            refuse $"wanted dtype, shape and data_offsets, found {found}"

        let dtype = tensor.Value.GetProperty "dtype"

        let elementType =
            match
                (if dtype.ValueKind = JsonValueKind.String then
                     SafeTensorType.tryOfName (string (dtype.GetString()))
                 else
                     None)
            with
            | Some elementType -> elementType
            | None ->
                let known = String.Join(", ", SafeTensorType.all |> List.map SafeTensorType.name)
                refuse $"wanted a dtype of {known}, found {dtype.GetRawText()}"

        let counts (key: string) : int64 list =
            let value = tensor.Value.GetProperty key

            if value.ValueKind <> JsonValueKind.Array then
                refuse $"wanted {key} to be a list, found {value.ValueKind}"

            [
                for item in value.EnumerateArray() ->
                    match
                        item.ValueKind = JsonValueKind.Number,
                        (if item.ValueKind = JsonValueKind.Number then
                             item.TryGetInt64()
                         else
                             (false, 0L))
                    with
                    | true, (true, count) when count >= 0L -> count
                    | _ -> refuse $"wanted whole numbers from 0 in {key}, found {item.GetRawText()}"
            ]

        let shape = counts "shape"

        match counts "data_offsets" with
        | [ first; last ] when first <= last ->
            if tryByteCount elementType shape <> Some(last - first) then
                let sizes = String.Join(", ", shape)
                refuse $"wanted the bytes of [{sizes}] {SafeTensorType.name elementType}, found {last - first}"

            {
                Name = name
                Type = elementType
                Shape = shape
                First = first
                End = last
            }
        | offsets ->
            let found = String.Join(", ", offsets)
            refuse $"wanted two rising data_offsets, found [{found}]"

    let private decodeMetadata (path: string) (value: JsonElement) : Map<string, string> =
        if value.ValueKind <> JsonValueKind.Object then
            refuse path $"wanted {MetadataKey} to be an object of texts, found {value.ValueKind}"

        Map
            [
                for item in value.EnumerateObject() do
                    if item.Value.ValueKind <> JsonValueKind.String then
                        refuse path $"wanted a text as {MetadataKey} '{item.Name}', found {item.Value.ValueKind}"

                    item.Name, string (item.Value.GetString())
            ]

    /// The header whose JSON text is `json`, of a file of `fileLength` bytes. `path` names the file in errors.
    let decode (path: string) (fileLength: int64) (json: byte[]) : SafeTensorsHeader =
        use document =
            try
                // JSON can spell half a UTF-16 pair, which is no text: InvalidOperationException, here or where it is read.
                JsonDocument.Parse(ReadOnlyMemory json, JsonDocumentOptions(AllowDuplicateProperties = false))
            with
            | :? JsonException
            | :? InvalidOperationException as error ->
                raise (
                    CheckpointException(
                        $"wanted a header in JSON without repeated names, found something else in {path} ({error.Message}): it is damaged \
                         or no safetensors file",
                        error
                    )
                )

        if document.RootElement.ValueKind <> JsonValueKind.Object then
            refuse path $"wanted a JSON object as the header, found {document.RootElement.ValueKind}"

        let dataStart = 8L + json.LongLength

        let metadata, entries =
            try
                let properties = [ for property in document.RootElement.EnumerateObject() -> property ]
                let metadata, tensors = properties |> List.partition (fun property -> property.Name = MetadataKey)

                (match metadata with
                 | [ one ] -> decodeMetadata path one.Value
                 | _ -> Map.empty),
                tensors
                |> List.map (decodeEntry path)
                |> List.sortBy (fun entry -> struct (entry.First, entry.End))
            with :? InvalidOperationException as error ->
                raise (
                    CheckpointException(
                        $"wanted Unicode texts in the header, found broken ones in {path}: it is damaged or no safetensors file",
                        error
                    )
                )

        let mutable next = 0L

        for entry in entries do
            if entry.First <> next then
                refuse
                    path
                    $"wanted tensor '{entry.Name}' to begin at byte {next} of the data, found {entry.First} (a gap or an overlap)"

            next <- entry.End

        if dataStart + next <> fileLength then
            refuse path $"wanted {dataStart + next} bytes in all, found {fileLength}"

        {
            Metadata = metadata
            Entries = entries
            DataStart = dataStart
        }

    /// Reads and checks the header of an open file.
    let read (path: string) (stream: Stream) : SafeTensorsHeader =
        let length = stream.Length

        if length < 10L then
            refuse path $"wanted at least 10 bytes, found {length}"

        let prefix: byte[] = Array.zeroCreate 8
        stream.ReadExactly prefix
        let headerLength = BinaryPrimitives.ReadUInt64LittleEndian prefix

        if headerLength < 2UL || headerLength > uint64 (min LongestHeader (length - 8L)) then
            refuse
                path
                $"wanted a header of 2 to {min LongestHeader (length - 8L)} bytes, found a length of {headerLength}"

        let json: byte[] = Array.zeroCreate (int headerLength)
        stream.ReadExactly json
        decode path length json

    /// Lays tensors out: widest elements first, then by name, end to end. The same tensors get the same layout in
    /// whatever order they come. A name twice or the reserved one: ArgumentException.
    let layOut
        (metadata: Map<string, string>)
        (tensors: (string * SafeTensorType * int64 list) list)
        : SafeTensorsHeader =
        let mutable next = 0L
        let rank = SafeTensorType.all |> List.mapi (fun index dtype -> dtype, index) |> Map

        for name, copies in List.countBy (fun (name, _, _) -> name) tensors do
            if copies > 1 || name = MetadataKey then
                invalidArg
                    (nameof tensors)
                    $"wanted one tensor a name and none called {MetadataKey}, found '{name}' {copies} times"

        let entries =
            tensors
            |> List.sortWith (fun (a, aType, _) (b, bType, _) ->
                match compare rank[aType] rank[bType] with
                | 0 -> String.CompareOrdinal(a, b)
                | order -> order)
            |> List.map (fun (name, dtype, shape) ->
                match tryByteCount dtype shape with
                | None ->
                    invalidArg (nameof tensors) $"wanted tensors that fit a file, found '{name}' of shape {shape}"
                | Some count ->
                    let first = next
                    next <- next + count

                    {
                        Name = name
                        Type = dtype
                        Shape = shape
                        First = first
                        End = next
                    })

        {
            Metadata = metadata
            Entries = entries
            DataStart = 0L
        }

    /// The bytes of a file up to its data: length, JSON, and spaces up to a multiple of eight.
    let encode (header: SafeTensorsHeader) : byte[] =
        use buffer = new MemoryStream()
        buffer.Write(Array.zeroCreate<byte> 8)

        // Metadata often holds JSON: escape what JSON wants escaped and no more.
        using
            (new Utf8JsonWriter(buffer, JsonWriterOptions(Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping)))
            (fun json ->
                json.WriteStartObject()

                if not header.Metadata.IsEmpty then
                    json.WriteStartObject MetadataKey

                    for KeyValue(name, text) in header.Metadata do
                        json.WriteString(name, text)

                    json.WriteEndObject()

                for entry in header.Entries do
                    json.WriteStartObject entry.Name
                    json.WriteString("dtype", SafeTensorType.name entry.Type)
                    json.WriteStartArray "shape"

                    for size in entry.Shape do
                        json.WriteNumberValue size

                    json.WriteEndArray()
                    json.WriteStartArray "data_offsets"
                    json.WriteNumberValue entry.First
                    json.WriteNumberValue entry.End
                    json.WriteEndArray()
                    json.WriteEndObject()

                json.WriteEndObject())

        while buffer.Length % 8L <> 0L do
            buffer.WriteByte(byte ' ')

        let bytes = buffer.ToArray()
        BinaryPrimitives.WriteUInt64LittleEndian(Span bytes, uint64 (bytes.Length - 8))
        bytes
