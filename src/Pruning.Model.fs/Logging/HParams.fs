namespace Pruning.Model.Logging

open System
open System.IO
open System.Text.Json
open System.Text.Json.Nodes
open Google.Protobuf
open Google.Protobuf.WellKnownTypes

/// How a session of TensorBoard's HParams plug-in ended; the numbers are its enumeration Status.
[<RequireQualifiedAccess>]
type SessionStatus =
    | Success
    | Failure
    | Running

/// Messages of TensorBoard's HParams plug-in. Their classes come with no package, so that they are written field by field;
/// field numbers are those of plugins/hparams/plugin_data.proto and api.proto.
[<RequireQualifiedAccess>]
module HParams =

    let experimentTag = "_hparams_/experiment"
    let sessionStartTag = "_hparams_/session_start_info"
    let sessionEndTag = "_hparams_/session_end_info"

    let private message (write: CodedOutputStream -> unit) : byte[] =
        use memory = new MemoryStream()
        use stream = new CodedOutputStream(memory)
        write stream
        stream.Flush()
        memory.ToArray()

    let private bytes (field: int) (content: byte[]) (stream: CodedOutputStream) : unit =
        stream.WriteTag(field, WireFormat.WireType.LengthDelimited)
        stream.WriteBytes(ByteString.CopyFrom content)

    let private text (field: int) (content: string) (stream: CodedOutputStream) : unit =
        stream.WriteTag(field, WireFormat.WireType.LengthDelimited)
        stream.WriteString content

    let private real (field: int) (x: float) (stream: CodedOutputStream) : unit =
        stream.WriteTag(field, WireFormat.WireType.Fixed64)
        stream.WriteDouble x

    let private number (field: int) (value: int) (stream: CodedOutputStream) : unit =
        stream.WriteTag(field, WireFormat.WireType.Varint)
        stream.WriteEnum value

    /// HParamsPluginData: one of experiment (2), session_start_info (3), session_end_info (4); version (1) is 0, the default.
    let private pluginData (field: int) (content: byte[]) : byte[] = message (bytes field content)

    /// The values of a configuration by dotted name. Null and lists, which the plug-in does not know, become texts.
    let rec private leaves (path: string) (node: JsonNode | null) : (string * Value) list =
        match node with
        | :? JsonObject as fields ->
            [
                for field in fields do
                    yield! leaves (if path = "" then field.Key else $"{path}.{field.Key}") field.Value
            ]
        | null -> [ path, Value.ForString "none" ]
        | node ->
            match node.GetValueKind() with
            | JsonValueKind.Number -> [ path, Value.ForNumber(node.GetValue<JsonElement>().GetDouble()) ]
            | JsonValueKind.True -> [ path, Value.ForBool true ]
            | JsonValueKind.False -> [ path, Value.ForBool false ]
            | JsonValueKind.String -> [ path, Value.ForString(node.GetValue<string>()) ]
            | _ -> [ path, Value.ForString(node.ToJsonString()) ]

    /// Hyperparameters by dotted name, in the order of the configuration.
    let ofConfig (config: JsonObject) : (string * Value) list =
        // Read back, so that every number is of one kind, whatever .NET type it was made of.
        leaves "" (JsonNode.Parse(config.ToJsonString()))

    let private dataType (value: Value) : int =
        match value.KindCase with
        | Value.KindOneofCase.StringValue -> 1
        | Value.KindOneofCase.BoolValue -> 2
        | Value.KindOneofCase.NumberValue -> 3
        | _ -> 0

    /// Names the hyperparameters and the metrics (tags of scalars, with the names that are shown). TensorBoard takes the
    /// experiment of one run of many: all runs of one program should name the same.
    let experiment (hparams: (string * Value) list) (metrics: (string * string) list) : byte[] =
        let hparam (name: string, value: Value) =
            message (fun stream ->
                text 1 name stream
                number 4 (dataType value) stream)

        let metric (tag: string, shown: string) =
            message (fun stream ->
                bytes 1 (message (text 2 tag)) stream
                text 3 shown stream)

        message (fun stream ->
            hparams |> List.iter (fun each -> bytes 4 (hparam each) stream)
            metrics |> List.iter (fun each -> bytes 5 (metric each) stream))
        |> pluginData 2

    /// The values of one run; seconds since 1970.
    let sessionStart (hparams: (string * Value) list) (seconds: float) : byte[] =
        let entry (name: string, value: Value) =
            message (fun stream ->
                text 1 name stream
                bytes 2 (value.ToByteArray()) stream)

        message (fun stream ->
            hparams |> List.iter (fun each -> bytes 1 (entry each) stream)
            real 5 seconds stream)
        |> pluginData 3

    /// How the run ended; seconds since 1970.
    let sessionEnd (status: SessionStatus) (seconds: float) : byte[] =
        let code =
            match status with
            | SessionStatus.Success -> 1
            | SessionStatus.Failure -> 2
            | SessionStatus.Running -> 3

        message (fun stream ->
            number 1 code stream
            real 2 seconds stream)
        |> pluginData 4
