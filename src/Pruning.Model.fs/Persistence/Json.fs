namespace Pruning.Model.Persistence

open System
open System.Text.Json.Nodes

/// JSON values by kind, without implicit conversions.
[<RequireQualifiedAccess>]
module Json =

    let text (value: string) : JsonNode | null = JsonValue.Create value

    let integer (value: int64) : JsonNode | null = JsonValue.Create value

    /// JSON has no NaN and no infinity: they become null.
    let number (value: float) : JsonNode | null = if Double.IsFinite value then JsonValue.Create value else null

    let flag (value: bool) : JsonNode | null = JsonValue.Create value

    let list (items: (JsonNode | null) seq) : JsonNode | null =
        let array = JsonArray()

        for item in items do
            array.Add item

        array

    /// An object whose keys keep this order.
    let record (fields: (string * (JsonNode | null)) list) : JsonObject =
        let json = JsonObject()

        for key, value in fields do
            json.Add(key, value)

        json
