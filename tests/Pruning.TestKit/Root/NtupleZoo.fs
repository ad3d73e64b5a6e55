/// One small RNTuple with every kind of field and encoding.
module Pruning.Tests.Data.NtupleZoo

open System
open Pruning.Tests.Data.NtupleBytes
open Pruning.Tests.Data.NtupleModel
open Pruning.Tests.Data.NtupleSpec
open Pruning.Tests.Data.RootCodecs

let private splitInt = encoding "SplitInt32"

let zoo =
    lazy
        (let kinds =
            [ for e in encodings -> e.Name, Number e ]
            @ [
                "text", Text SplitIndex64
                "lists", Sequence(Index32, Sequence(SplitIndex32, Number splitInt))
                "record", Record [ "a", Number splitInt; "b", Sequence(Index64, Text Index32) ]
                "array", Fixed(3, Number(encoding "SplitReal32"))
                "variant", Variant [ Number splitInt; Sequence(SplitIndex64, Number(encoding "Bit")) ]
            ]

         let rec value i kind =
             match kind with
             | Number _ -> N(int64 i)
             | Text _ -> T(String.replicate (i % 3) "ab")
             | Sequence(_, inner) -> L(List.init (i % 3) (fun k -> value (i + k) inner))
             | Fixed(length, inner) -> L(List.init length (fun k -> value (i + k) inner))
             | Record members -> L(members |> List.map (snd >> value i))
             | Variant kinds -> if i % 3 = 0 then V(0, N 0L) else V(i % 3, value i kinds[i % 3 - 1])

         let entries = [ for i in 1..12 -> kinds |> List.map (snd >> value i) ]

         { store kinds [ entries[..6]; entries[7..] ] 5 with
             Codec = Zstd
         })
