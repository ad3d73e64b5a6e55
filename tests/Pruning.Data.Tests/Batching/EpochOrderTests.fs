module Pruning.Tests.Data.Batching.EpochOrderTests

open Expecto
open Pruning.Data.Batching
open Pruning.Tests.Generators

[<Tests>]
let tests =
    testList
        "epoch order"
        [
            property "an epoch visits every index once" (fun (indices: Set<int>) seed epoch ->
                let indices = Set.toArray indices
                Array.sort (EpochOrder.Shuffled(indices, seed, epoch)) = indices)

            property "the order does not depend on the order of the input" (fun (indices: Set<int>) seed epoch ->
                let rising = Set.toArray indices
                EpochOrder.Shuffled(rising, seed, epoch) = EpochOrder.Shuffled(Array.rev rising, seed, epoch))

            property "a part of the indices keeps its order" (fun (indices: Set<int>) seed epoch ->
                let all = EpochOrder.Shuffled(Set.toArray indices, seed, epoch)
                let even = indices |> Set.filter (fun i -> i % 2 = 0)
                EpochOrder.Shuffled(Set.toArray even, seed, epoch) = (all |> Array.filter even.Contains))

            test "epochs and seeds differ" {
                let order seed epoch = EpochOrder.Shuffled([| 0..99 |], seed, epoch)

                let orders =
                    [
                        for seed in 0L .. 3L do
                            for epoch in 0..3 -> order seed epoch
                    ]

                Expect.equal (List.distinct orders).Length 16 "sixteen orders"
                Expect.equal (order 1L 2) (order 1L 2) "and each of them again"
            }

            test "the order is the same on every machine" {
                Expect.equal
                    (EpochOrder.Shuffled([| 0..7 |], 1L, 0))
                    [| 3; 1; 6; 2; 4; 7; 0; 5 |]
                    "as computed by hand from the definition of SplitMix64"
            }

            test "every index is first about equally often" {
                let firsts = Array.zeroCreate<int> 10

                for epoch in 0..9999 do
                    let first = (EpochOrder.Shuffled([| 0..9 |], 5L, epoch))[0]
                    firsts[first] <- firsts[first] + 1

                // 1000 expected, standard deviation 30: five of them either way.
                for n in firsts do
                    Expect.isTrue (abs (n - 1000) < 150) $"{n} of 10000"
            }
        ]
