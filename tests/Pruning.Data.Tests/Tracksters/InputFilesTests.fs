module Pruning.Tests.Data.Tracksters.InputFilesTests

open System
open System.IO
open Expecto
open Pruning.Data.Errors
open Pruning.Data.Tracksters

/// Runs a test in a directory with some empty files.
let private withFiles (files: string list) (check: string -> unit) =
    let root = Directory.CreateTempSubdirectory("input files ").FullName

    try
        for file in files do
            let path = Path.Combine(root, file)
            Directory.CreateDirectory(Path.Combine(path, "..")) |> ignore
            File.WriteAllText(path, "")

        check root
    finally
        Directory.Delete(root, true)

let private expand (root: string) (patterns: string list) =
    [
        for file in InputFiles.Expand [| for p in patterns -> Path.Combine(root, p) |] ->
            Path.GetRelativePath(root, file)
    ]

[<Tests>]
let tests =
    testList
        "input files"
        [
            test "patterns match names in order, wildcards do not cross directories" {
                withFiles [ "b.root"; "a.root"; "c.txt"; "deep/d.root"; ".hidden.root" ] (fun root ->
                    Expect.equal (expand root [ "*.root" ]) [ "a.root"; "b.root" ] "one level, no hidden file"
                    Expect.equal (expand root [ "?.root"; "c.txt" ]) [ "a.root"; "b.root"; "c.txt" ] "one character"
                    Expect.equal (expand root [ "*/*.root" ]) [ "deep/d.root" ] "one level down"
                    Expect.equal (expand root [ ".h*" ]) [ ".hidden.root" ] "hidden on request")
            }

            test "two stars match any number of directories" {
                withFiles [ "a.root"; "x/b.root"; "x/y/c.root"; "x/y/c.txt" ] (fun root ->
                    Expect.equal (expand root [ "**/*.root" ]) [ "a.root"; "x/b.root"; "x/y/c.root" ] "all depths"
                    Expect.equal (expand root [ "x/**/c.*" ]) [ "x/y/c.root"; "x/y/c.txt" ] "below x"
                    Expect.equal (expand root [ "x/**" ]) [ "x/b.root"; "x/y/c.root"; "x/y/c.txt" ] "every file below")
            }

            test "a file that is named twice comes once, where it came first" {
                withFiles [ "a.root"; "b.root" ] (fun root ->
                    Expect.equal (expand root [ "b.root"; "*.root"; "./b.root" ]) [ "b.root"; "a.root" ] "b first")
            }

            test "a path without wildcards is kept, there or not, and one with them may be a file's name" {
                withFiles [ "a?.root"; "ab.root" ] (fun root ->
                    Expect.equal (expand root [ "none.root" ]) [ "none.root" ] "the reader will say that it is missing"
                    Expect.equal (expand root [ "a?.root" ]) [ "a?.root" ] "the file itself")
            }

            test "no match, a directory and nothing are errors that say so" {
                withFiles [ "a.root" ] (fun root ->
                    let error patterns part =
                        Expect.throwsC (fun () -> expand root patterns |> ignore) (fun e ->
                            Expect.isTrue (DataException.Covers e) "class"
                            Expect.stringContains e.Message part "message")

                    error [ "*.txt" ] "no file matches"
                    error [ "" ] "found the directory"
                    error [] "at least one file")
            }
        ]
