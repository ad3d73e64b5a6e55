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
                "an empty file", [||], "Cannot read f.root: it is an empty file. Copy it again."
                "a text file", "energy eta phi\n1 2 3\n"B, "Cannot read f.root: it is a text file, not a ROOT file."
                "an HTML page",
                "<!DOCTYPE html><html>sign in</html>"B,
                "Cannot read f.root: it is an HTML page, not a ROOT file. The server sent an error or login page instead of the file. \
                 Download it again."
                "an HDF5 file",
                Array.append [| 0x89uy |] "HDF\r\n\x1a\n"B,
                "Cannot read f.root: it is an HDF5 file, not a ROOT file."
                "a Parquet file", "PAR1\x15\x04"B, "Cannot read f.root: it is a Parquet file, not a ROOT file."
                "a gzip file", [| 0x1fuy; 0x8buy; 8uy; 0uy |], "Cannot read f.root: it is a gzip file. Unpack it first."
                "zeros",
                Array.zeroCreate 200,
                "Cannot read f.root: it is zeros instead of a ROOT file. The copy was interrupted. Copy it again."
                "other bytes",
                [| 1uy; 2uy; 3uy; 4uy; 5uy |],
                "Cannot read f.root: it is no ROOT file: it begins with the bytes 01020304 instead of 726f6f74 (\"root\")."
                "a header cut short",
                good.Value[..30],
                "Cannot read f.root: the file has 31 bytes but ROOT's header alone needs 63. Copy it again."
                "a file cut short",
                good.Value[.. size - 11],
                $"Cannot read f.root, byte 12: the file ends at byte {size - 10} but its header says {size}: 10 bytes are missing. Copy \
                 it again, or open it with Recover (on the command line: inspect --recover) to read what it holds."
                "a first record at byte 99",
                changed 8 (int32s [ 99 ]),
                "Cannot read f.root, byte 8: the first record should begin at byte 100, the header says 99. The file is damaged. Copy it \
                 again, or write it again."
                "a directory name of 100,000 bytes",
                changed 28 (int32s [ 100000 ]),
                "Cannot read f.root, byte 28: the top directory's name cannot have 100000 bytes. The file is damaged. Copy it again, or \
                 write it again."
            ] do
            test $"{name} is refused with what it is" { Expect.equal (refused content) wanted "message" }

        test "a file that is not there is refused with what it is" {
            Expect.equal
                (message (fun () -> RootFile.Open "/nowhere/at/all.root" |> ignore))
                "Cannot read /nowhere/at/all.root: there is no such file. Check the path."
                "missing"

            let directory = Path.GetTempPath().TrimEnd('/')

            Expect.equal
                (message (fun () -> RootFile.Open directory |> ignore))
                $"Cannot read {directory}: it is a directory. Name a ROOT file in it."
                "directory"
        }

        test "a file without a key list says that it was not closed" {
            let top = 100 + keyBytes false "TFile" "test.root" "" + 11

            Expect.equal
                (refused (changed (top + 26) (int32s [ 0 ])))
                $"Cannot read f.root, byte {top}: the file has no list of keys because its writer did not close it. Write it again, or \
                 open it with Recover (on the command line: inspect --recover) to read what it holds."
                "message"
        }

        test "header and list of objects are given" {
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
                (refusal nested)
                "directory 'deep' contains itself, or is nested deeper than 64"
                "message"
        }
    ]

[<Tests>]
let tests = testList "ROOT files" fileTests
