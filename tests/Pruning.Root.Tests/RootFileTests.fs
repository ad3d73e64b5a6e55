/// Files that are no ROOT files, or damaged before the first tree. Messages are compared to the letter.
module Pruning.Tests.Data.RootFileTests

open System
open System.IO
open System.Text
open Expecto
open Pruning.Root.Reading
open Pruning.Tests.Data.RootBaskets
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootWriter
open Pruning.Tests.Data.RootExpect

// A good file and what one change makes of it.
let private good =
    lazy (write (file [ tree [ branch "x" (leaf "TLeafI" "x") [ basket NoTable [ int32s [ 1 ]; int32s [ 2 ] ] ] ] ]))

let private changed (offset: int) (replacement: byte array) =
    let copy = Array.copy good.Value
    Array.blit replacement 0 copy offset replacement.Length
    copy

let private fileTests =
    let size = good.Value.Length

    [
        for name, content, wanted in
            [
                "an empty file", [||], "wanted a ROOT file but found an empty file (in f.root)"
                "a text file", "energy eta phi\n1 2 3\n"B, "wanted a ROOT file but found a text file (in f.root)"
                "an HTML page",
                "<!DOCTYPE html><html>sign in</html>"B,
                "wanted a ROOT file but found an HTML page; the download gave an error or login page instead of the file (in f.root)"
                "an HDF5 file",
                Array.append [| 0x89uy |] "HDF\r\n\x1a\n"B,
                "wanted a ROOT file but found an HDF5 file (in f.root)"
                "a Parquet file", "PAR1\x15\x04"B, "wanted a ROOT file but found a Parquet file (in f.root)"
                "a gzip file",
                [| 0x1fuy; 0x8buy; 8uy; 0uy |],
                "wanted a ROOT file but found a gzip file; unpack it first (in f.root)"
                "zeros",
                Array.zeroCreate 200,
                "wanted a ROOT file but found zeros where ROOT's magic bytes belong; the copy was interrupted (in f.root)"
                "other bytes",
                [| 1uy; 2uy; 3uy; 4uy; 5uy |],
                "wanted a ROOT file but found the bytes 01020304 where 726f6f74 (\"root\") belongs (in f.root)"
                "a header cut short",
                good.Value[..30],
                "the file has 31 bytes but ROOT's header alone needs 63; copy it again (in f.root)"
                "a file cut short",
                good.Value[.. size - 11],
                $"the file ends at byte {size - 10} but its header says {size}: 10 bytes are missing; copy it again, or open it with Recover (on the command line: inspect --recover) to read what is there (in f.root, byte 12)"
                "a first record at byte 99",
                changed 8 (int32s [ 99 ]),
                "the first record should begin at byte 100, the header says 99 (in f.root, byte 8)"
                "a directory name of 100,000 bytes",
                changed 28 (int32s [ 100000 ]),
                "the top directory's name cannot have 100000 bytes (in f.root, byte 28)"
            ] do
            test $"{name} is refused in one sentence" { Expect.equal (refused content) wanted "message" }

        test "a file that is not there is refused in one sentence" {
            Expect.equal
                (message (fun () -> RootFile.Open "/nowhere/at/all.root" |> ignore))
                "there is no such file; check the path (in /nowhere/at/all.root)"
                "missing"

            let directory = Path.GetTempPath().TrimEnd('/')

            Expect.equal
                (message (fun () -> RootFile.Open directory |> ignore))
                $"wanted a ROOT file but found a directory (in {directory})"
                "directory"
        }

        test "a file without a key list says that it was not closed" {
            let top = 100 + keyBytes false "TFile" "test.root" "" + 11

            Expect.equal
                (refused (changed (top + 26) (int32s [ 0 ])))
                $"the file has no list of keys: its writer did not close it; write it again, or open it with Recover (on the command line: inspect --recover) to read what is there (in f.root, byte {top})"
                "message"
        }

        test "header and list of objects are told" {
            opened good.Value (fun root ->
                Expect.equal root.Version 62400 "version"
                Expect.equal root.Length (int64 size) "length"
                let entry = Seq.exactlyOne (root.List())

                Expect.equal
                    (entry.Path, entry.ClassName, entry.Title, entry.Cycle, entry.IsTree)
                    ("t", "TTree", "made by hand", 1, true)
                    "the tree")
        }

        test "a directory that contains itself is refused" {
            let nested =
                write
                    { file [ tree [] ] with
                        Directory = Some "deep"
                    }
            // The list of the sub-directory becomes the list of the top directory.
            let top = 100 + keyBytes false "TFile" "test.root" "" + 11 + 26
            let name = Encoding.ASCII.GetBytes "TDirectory\004deep"
            let inner = nested.AsSpan().IndexOf(name.AsSpan()) + name.Length + 1 + 26
            Array.blit nested top nested inner 4
            Array.blit nested (top - 16) nested (inner - 16) 4

            Expect.stringStarts
                (refused nested)
                "directory 'deep' contains itself, or is nested deeper than 64"
                "message"
        }
    ]

[<Tests>]
let tests = testList "ROOT files" fileTests
