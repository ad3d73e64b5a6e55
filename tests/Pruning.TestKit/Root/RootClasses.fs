/// Descriptions of classes (streamer infos) made by hand.
module Pruning.Tests.Data.RootClasses

open Pruning.Tests.Data.RootBytes
open Pruning.Tests.Data.RootSpec

let private elementClass (m: Member) =
    match m.Code with
    | 0
    | 66
    | 67 -> "TStreamerBase"
    | 61
    | 62 -> "TStreamerObjectAny"
    | 64 -> "TStreamerObjectPointer"
    | 65 -> "TStreamerString"
    | 500 when m.TypeName = "string" -> "TStreamerSTLstring"
    | 500
    | 520 -> "TStreamerSTL"
    | code when code > 40 -> "TStreamerBasicPointer"
    | _ -> "TStreamerBasicType"

let private elementBody (b: Bytes) (m: Member) =
    b.Frame(
        4,
        fun () ->
            b.Named(m.Name, m.Comment)
            b.I32 m.Code
            b.I32 8 // sizeof in the writer's memory: says nothing
            b.I32(if m.Dimensions.IsEmpty then 0 else List.reduce (*) m.Dimensions)
            b.I32 m.Dimensions.Length

            for i in 0..4 do
                b.I32(m.Dimensions |> List.tryItem i |> Option.defaultValue 0)

            b.Text m.TypeName
    )

let private stl (b: Bytes) (m: Member) =
    b.Frame(
        3,
        fun () ->
            elementBody b m
            b.I32 1
            b.I32 3
    )

let private element (b: Bytes) (m: Member) =
    let className = elementClass m

    b.Slot(
        className,
        fun () ->
            match className with
            | "TStreamerSTL" -> stl b m
            | "TStreamerSTLstring" -> b.Frame(2, fun () -> stl b m)
            | "TStreamerBase" ->
                b.Frame(
                    3,
                    fun () ->
                        elementBody b m
                        b.I32 m.BaseVersion
                )
            | "TStreamerBasicPointer" ->
                b.Frame(
                    2,
                    fun () ->
                        elementBody b m
                        b.I32 1
                        b.Text m.CountName
                        b.Text ""
                )
            | _ -> b.Frame(2, fun () -> elementBody b m)
    )
    |> ignore

/// The list of descriptions that a file's header points at.
let payload (classes: StreamedClass list) : byte array =
    bytes (fun b ->
        b.Frame(
            5,
            fun () ->
                b.Object()
                b.Text ""
                b.I32 classes.Length

                for c in classes do
                    b.Slot(
                        "TStreamerInfo",
                        fun () ->
                            b.Frame(
                                9,
                                fun () ->
                                    b.Named(c.Name, "")
                                    b.I32 c.Checksum
                                    b.I32 c.Version

                                    b.Slot(
                                        "TObjArray",
                                        fun () ->
                                            b.Array(c.Members.Length, fun () -> c.Members |> List.iter (element b))
                                    )
                                    |> ignore
                            )
                    )
                    |> ignore

                    b.Text ""
        ))
