/// The checks of namespaces find what they are made for.
module Pruning.Tests.Architecture.NamespaceArrowsTests

open System.IO
open Expecto
open Pruning.Tests

let private arrow (source: string) (target: string) =
    {
        FromNamespace = source
        From = "Upper"
        Member = "Run"
        ToNamespace = target
        To = "Lower"
    }

let private layout: NamespaceLayout = [ "Low", []; "Middle", [ "Low" ]; "High", [ "Low"; "Middle" ] ]
let private names = [ "Low"; "Middle"; "High" ]
let private used = [ arrow "Middle" "Low"; arrow "High" "Low"; arrow "High" "Middle" ]

[<Tests>]
let tests =
    testList
        "Namespace arrows"
        [
            test "a layout that is exactly what the code does has no problems" {
                Expect.isEmpty (NamespaceArrows.problems layout names used) "problems"
            }

            test "an arrow up is a problem with an example" {
                Expect.equal
                    (NamespaceArrows.problems layout names (arrow "Low" "High" :: used))
                    [
                        "Low must not use High: Low.Upper.Run uses High.Lower. Move one of the types, or allow the arrow in the list."
                    ]
                    "problems"
            }

            test "an arrow that is allowed and not used is a problem" {
                Expect.equal
                    (NamespaceArrows.problems layout names (List.tail used))
                    [ "Middle may use Low but does not. Remove the arrow from the list." ]
                    "problems"
            }

            test "a list that points up is a problem, and so is a namespace that is not listed" {
                let circle = [ "Low", [ "High" ]; "High", [ "Low" ] ]

                Expect.equal
                    (NamespaceArrows.problems circle [ "Low"; "High"; "New" ] [ arrow "Low" "High"; arrow "High" "Low" ])
                    [
                        "The namespace New is not in the list. Add it at its place in the order of dependence."
                        "The list lets Low use High, which is not below it. Arrows point down only."
                    ]
                    "problems"
            }

            test "compiled code shows uses in bodies, signatures, bases and generic arguments" {
                let isOurs (name: string) = name.StartsWith "Pruning."
                let here = System.Reflection.Assembly.GetExecutingAssembly().Location

                let found =
                    [
                        for arrow in NamespaceArrows.ofAssembly isOurs here do
                            if arrow.From = "RootArchitectureTests" || arrow.From = "NamespaceArrowsTests" then
                                arrow.ToNamespace, arrow.To
                    ]

                Expect.contains found ("Pruning.Root.Reading", "RootFile") "typeof in a body"
                Expect.contains found ("Pruning.Tests", "Fixture") "a module's value"
            }

            test "sources show what they open, in C# and F#" {
                let directory = Directory.CreateTempSubdirectory "pruning-arrows-"

                try
                    let write (name: string) (text: string) =
                        let path = Path.Combine(directory.FullName, name)
                        Directory.CreateDirectory(Path.GetDirectoryName path |> nonNull) |> ignore
                        File.WriteAllText(path, text)

                    write "High/One.cs" "using System;\nusing static A.Low.Table;\n\nnamespace A.High;\n"
                    write "High/Two.fs" "module A.High.Two\n\nopen A.Middle\nopen type A.Low.Table\n"
                    write "Three.cs" "namespace A;\n"
                    write "obj/Four.cs" "using A.High;\n\nnamespace A.Low;\n"

                    Expect.equal
                        [
                            for arrow in NamespaceArrows.ofSources (fun name -> name.StartsWith "A") directory.FullName ->
                                arrow.From, arrow.FromNamespace, arrow.ToNamespace
                        ]
                        [
                            "High/One.cs", "A.High", "A.Low"
                            "High/Two.fs", "A.High", "A.Middle"
                            "High/Two.fs", "A.High", "A.Low"
                        ]
                        "arrows"

                    Expect.equal
                        (NamespaceArrows.folderProblems "A" directory.FullName)
                        [ "Three.cs is directly in the project's folder. Move it into the folder of its subject." ]
                        "folders"
                finally
                    directory.Delete true
            }
        ]
