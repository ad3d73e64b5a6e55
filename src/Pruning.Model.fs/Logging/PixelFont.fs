namespace Pruning.Model.Logging

open System
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.ModelFiles
open Pruning.Model.Distributed

/// Letters of 5 by 7 pixels, for pictures that are drawn without a graphics library.
[<RequireQualifiedAccess>]
module PixelFont =

    let width = 5
    let height = 7

    let private drawn: (string * string list) list =
        [
            "0123456789",
            [
                ".###. ..#.. .###. ##### ...#. ##### ..##. ##### .###. .###."
                "#...# .##.. #...# ...#. ..##. #.... .#... ....# #...# #...#"
                "#..## ..#.. ....# ..#.. .#.#. ####. #.... ...#. #...# #...#"
                "#.#.# ..#.. ...#. ...#. #..#. ....# ####. ..#.. .###. .####"
                "##..# ..#.. ..#.. ....# ##### ....# #...# .#... #...# ....#"
                "#...# ..#.. .#... #...# ...#. #...# #...# .#... #...# ...#."
                ".###. .###. ##### .###. ...#. .###. .###. .#... .###. .##.."
            ]
            ".,-/%:=()+",
            [
                "..... ..... ..... ..... ##... ..... ..... ...#. .#... ....."
                "..... ..... ..... ....# ##..# .##.. ..... ..#.. ..#.. ..#.."
                "..... ..... ..... ...#. ...#. .##.. ##### .#... ...#. ..#.."
                "..... ..... ##### ..#.. ..#.. ..... ..... .#... ...#. #####"
                "..... .##.. ..... .#... .#... .##.. ##### .#... ...#. ..#.."
                ".##.. ..#.. ..... #.... #..## .##.. ..... ..#.. ..#.. ..#.."
                ".##.. .#... ..... ..... ...## ..... ..... ...#. .#... ....."
            ]
            "abcdefghij",
            [
                "..... #.... ..... ....# ..... ..##. ..... #.... ..#.. ...#."
                "..... #.... ..... ....# ..... .#..# .#### #.... ..... ....."
                ".###. #.##. .###. .##.# .###. .#... #...# #.##. .##.. ..##."
                "....# ##..# #.... #..## #...# ###.. #...# ##..# ..#.. ...#."
                ".#### #...# #.... #...# ##### .#... .#### #...# ..#.. ...#."
                "#...# #...# #...# #...# #.... .#... ....# #...# ..#.. #..#."
                ".#### ####. .###. .#### .###. .#... .###. #...# .###. .##.."
            ]
            "klmnopqrst",
            [
                "#.... .##.. ..... ..... ..... ..... ..... ..... ..... .#..."
                "#.... ..#.. ..... ..... ..... ..... ..... ..... ..... .#..."
                "#..#. ..#.. ##.#. #.##. .###. ####. .##.# #.##. .###. ###.."
                "#.#.. ..#.. #.#.# ##..# #...# #...# #..## ##..# #.... .#..."
                "##... ..#.. #.#.# #...# #...# ####. .#### #.... .###. .#..."
                "#.#.. ..#.. #...# #...# #...# #.... ....# #.... ....# .#..#"
                "#..#. .###. #...# #...# .###. #.... ....# #.... ####. ..##."
            ]
            "uvwxyz",
            [
                "..... ..... ..... ..... ..... ....."
                "..... ..... ..... ..... ..... ....."
                "#...# #...# #...# #...# #...# #####"
                "#...# #...# #...# .#.#. #...# ...#."
                "#...# #...# #.#.# ..#.. .#### ..#.."
                "#..## .#.#. #.#.# .#.#. ....# .#..."
                ".##.# ..#.. .#.#. #...# .###. #####"
            ]
        ]

    /// [rows][columns] by letter.
    let private glyphs: Map<char, bool[][]> =
        Map
            [
                for letters, rows in drawn do
                    for place, letter in Seq.indexed letters do
                        let start = place * (width + 1)

                        letter,
                        [| for row in rows -> [| for column in start .. start + width - 1 -> row[column] = '#' |] |]
            ]

    /// The pixels (column, row) of a text in one line, a column of space after each letter. Capitals are drawn small; a letter
    /// that is not drawn leaves a gap.
    let pixels (text: string) : (int * int) seq = seq {
        for place, letter in Seq.indexed text do
            match Map.tryFind (Char.ToLowerInvariant letter) glyphs with
            | None -> ()
            | Some rows ->
                for row in 0 .. height - 1 do
                    for column in 0 .. width - 1 do
                        if rows[row][column] then
                            place * (width + 1) + column, row
    }

    /// Columns that a text takes.
    let widthOf (text: string) : int = max 0 (text.Length * (width + 1) - 1)
