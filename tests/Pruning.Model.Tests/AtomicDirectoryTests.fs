module Pruning.Tests.Model.AtomicDirectoryTests

open System.IO
open Expecto
open Pruning.Model.Persistence

let private withDirectory (check: string -> unit) =
    let directory = Directory.CreateTempSubdirectory "atomic-"

    try
        check directory.FullName
    finally
        directory.Delete(recursive = true)

let private fill (text: string) (directory: string) =
    File.WriteAllText(Path.Combine(directory, "weights.bin"), text)
    Directory.CreateDirectory(Path.Combine(directory, "inner")) |> ignore
    File.WriteAllText(Path.Combine(directory, "inner", "state.json"), $"[{text.Length}]")

let private contentOf (target: string) = File.ReadAllText(Path.Combine(AtomicDirectory.verify target, "weights.bin"))

let private refused (fragment: string) (target: string) =
    Expect.throwsC (fun () -> AtomicDirectory.verify target |> ignore) (fun error ->
        Expect.isTrue (error :? CheckpointException) $"type of {error}"
        Expect.stringContains error.Message fragment "message")

[<Tests>]
let tests =
    testList
        "AtomicDirectory"
        [
            // Every write waits for the disk: few and short sequences.
            testPropertyWithConfig
                { FsCheckConfig.defaultConfig with
                    maxTest = 10
                    endSize = 4
                }
                "what was written last is what is read"
            <| fun (contents: int list) ->
                withDirectory (fun parent ->
                    let target = Path.Combine(parent, "last")

                    for content in contents do
                        AtomicDirectory.replace target (fill (string content))
                        Expect.equal (contentOf target) (string content) "content"
                        Expect.equal (Directory.GetFileSystemEntries parent) [| target |] "nothing beside")

            test "a writer that fails leaves the old content and nothing beside" {
                withDirectory (fun parent ->
                    let target = Path.Combine(parent, "last")
                    AtomicDirectory.replace target (fill "old")

                    Expect.throwsT<IOException>
                        (fun () ->
                            AtomicDirectory.replace target (fun directory ->
                                fill "new" directory
                                raise (IOException "disk full")))
                        "error of the writer"

                    Expect.equal (contentOf target) "old" "content"
                    Expect.equal (Directory.GetFileSystemEntries parent) [| target |] "nothing beside")
            }

            test "leftovers of a writer that was killed half way are cleared away" {
                withDirectory (fun parent ->
                    let target = Path.Combine(parent, "last")
                    AtomicDirectory.replace target (fill "old")
                    fill "half" (Directory.CreateDirectory(Path.Combine(parent, ".last.writing-0123")).FullName)
                    Expect.equal (contentOf target) "old" "content before"
                    AtomicDirectory.replace target (fill "new")
                    Expect.equal (contentOf target) "new" "content after"
                    Expect.equal (Directory.GetFileSystemEntries parent) [| target |] "nothing beside")
            }

            test "a writer killed between its two renames has lost nothing" {
                withDirectory (fun parent ->
                    let target = Path.Combine(parent, "last")
                    AtomicDirectory.replace target (fill "old")
                    Directory.Move(target, Path.Combine(parent, ".last.old"))
                    Expect.equal (contentOf target) "old" "readers find the old content"

                    Expect.throwsT<IOException>
                        (fun () -> AtomicDirectory.replace target (fun _ -> raise (IOException "disk full")))
                        "the next writer fails, too"

                    Expect.isTrue (Directory.Exists target) "the old content has its name back"
                    Expect.equal (contentOf target) "old" "content"
                    AtomicDirectory.replace target (fill "new")
                    Expect.equal (contentOf target) "new" "the one after that succeeds")
            }

            test "a writer killed before it cleared the old content away has written the new one" {
                withDirectory (fun parent ->
                    let target = Path.Combine(parent, "last")
                    AtomicDirectory.replace target (fill "new")
                    AtomicDirectory.replace (Path.Combine(parent, ".last.old")) (fill "old")
                    Expect.equal (contentOf target) "new" "content"
                    AtomicDirectory.replace target (fill "newer")
                    Expect.equal (Directory.GetFileSystemEntries parent) [| target |] "nothing beside")
            }

            test "every kind of damage is found and named" {
                let damaged (damage: string -> unit) (fragment: string) =
                    withDirectory (fun parent ->
                        let target = Path.Combine(parent, "best")
                        AtomicDirectory.replace target (fill "0123456789")
                        damage target
                        refused fragment target)

                damaged
                    (fun target -> File.AppendAllText(Path.Combine(target, "weights.bin"), "x"))
                    "wanted 10 bytes, found 11"

                damaged (fun target -> File.WriteAllText(Path.Combine(target, "weights.bin"), "012345678x")) "SHA-256"

                damaged
                    (fun target -> File.Delete(Path.Combine(target, "inner", "state.json")))
                    "wanted inner/state.json"

                damaged (fun target -> File.Delete(Path.Combine(target, "manifest.json"))) "wanted manifest.json"
                damaged (fun target -> File.WriteAllText(Path.Combine(target, "manifest.json"), "{")) "a list of files"
                damaged (fun target -> File.WriteAllText(Path.Combine(target, "manifest.json"), "[]")) "a list of files"

                damaged
                    (fun target -> File.WriteAllText(Path.Combine(target, "manifest.json"), """{"version":1}"""))
                    "a list of files"

                damaged
                    (fun target ->
                        File.WriteAllText(Path.Combine(target, "manifest.json"), """{"version":2,"files":{}}"""))
                    "wanted version 1"

                damaged
                    (fun target ->
                        File.WriteAllText(
                            Path.Combine(target, "manifest.json"),
                            """{"version":1,"files":{"../other":{"size":1,"sha256":"00"}}}"""
                        ))
                    "wanted files inside"

                damaged (fun target -> Directory.Delete(target, recursive = true)) "found nothing there"
            }

            test "a file of the target's name is refused, not replaced" {
                withDirectory (fun parent ->
                    let target = Path.Combine(parent, "last")
                    File.WriteAllText(target, "mine")

                    Expect.throwsT<CheckpointException>
                        (fun () -> AtomicDirectory.replace target (fill "new"))
                        "refused"

                    Expect.equal (File.ReadAllText target) "mine" "untouched")
            }

            test "of two that make one directory, one does" {
                withDirectory (fun parent ->
                    let path = Path.Combine(parent, "run")
                    let made = Array.Parallel.init 16 (fun _ -> Posix.tryMakeDirectory path)
                    Expect.equal (made |> Array.filter id |> Array.length) 1 "one winner")
            }
        ]
