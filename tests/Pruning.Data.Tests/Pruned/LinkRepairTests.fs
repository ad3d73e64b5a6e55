/// Links of what is left, against the definition: the nearest kept one on the way up.
module Pruning.Tests.Data.LinkRepairTests

open Expecto
open FsCheck
open FsCheck.FSharp
open Pruning.Data.Pruned
open Pruning.Data.Tracksters

let private columns (ids: int64 array) (links: (int * int) array) =
    TracksterColumns(
        Id = System.ReadOnlySpan ids,
        Origin = System.ReadOnlySpan [| for parent, _ in links -> ids[parent] |],
        Target = System.ReadOnlySpan [| for _, follower in links -> ids[follower] |]
    )

/// Links that are left (ids of parent and follower, position of the link they come from), relinked, detached.
let private repair (nodes: int) (links: (int * int) array) (pruned: bool array) =
    let ids = Array.init nodes (fun node -> 7L * int64 (nodes - node))
    let repair, selection = LinkRepair(), Selection()
    let one = columns ids links
    repair.Add(&one, System.ReadOnlySpan pruned, selection)
    let row (id: int64) = System.Array.IndexOf(ids, id)

    [
        for i in 0 .. repair.Origins.Count - 1 -> row repair.Origins[i], row repair.Targets[i], selection.Items[i]
    ],
    repair.Relinked,
    repair.Detached

/// Parent of each node, always an earlier one or none, and which nodes are pruned.
let private forest = gen {
    let! nodes = Gen.choose (1, 25)

    let! parents =
        [ for node in 0 .. nodes - 1 -> Gen.choose (-1, node - 1) ]
        |> Gen.sequenceToList

    let! pruned = Gen.elements [ true; false ] |> Gen.listOfLength nodes
    return parents, List.toArray pruned
}

let private nearestKept (parents: int array) (pruned: bool array) (node: int) =
    let rec up at =
        if at < 0 then None
        elif pruned[at] then up parents[at]
        else Some at

    up parents[node]

[<Tests>]
let tests =
    testList
        "links of pruned tracksters"
        [
            testProperty "in a forest every kept node hangs on its nearest kept ancestor, in the order of the links"
            <| Prop.forAll (Arb.fromGen forest) (fun (parents, pruned) ->
                let parents = List.toArray parents

                let links =
                    [|
                        for node in 0 .. parents.Length - 1 do
                            if parents[node] >= 0 then
                                parents[node], node
                    |]

                let found, relinked, detached = repair parents.Length links pruned

                let wanted =
                    [
                        for link, (_, node) in Array.indexed links do
                            if not pruned[node] then
                                match nearestKept parents pruned node with
                                | Some parent -> parent, node, link
                                | None -> ()
                    ]

                let moved = wanted |> List.filter (fun (parent, node, _) -> parents[node] <> parent)

                let lost =
                    links
                    |> Array.filter (fun (_, node) -> not pruned[node] && (nearestKept parents pruned node).IsNone)

                Expect.equal found wanted "links"
                Expect.equal (relinked, detached) (int64 moved.Length, int64 lost.Length) "counts")

            test "several parents, cycles, self links and duplicates" {
                // 0 <-> 1 is a cycle of pruned ones above 2; 3 and 4 are parents of 5, which 6 hangs on.
                let links = [| 0, 1; 1, 0; 1, 2; 3, 5; 4, 5; 5, 6; 6, 6; 5, 6; 2, 5 |]
                let pruned = [| true; true; false; false; false; true; false |]
                let found, relinked, detached = repair 7 links pruned

                let of' link =
                    found
                    |> List.filter (fun (_, _, from) -> from = link)
                    |> List.map (fun (a, b, _) -> a, b)

                Expect.isEmpty (of' 2) "nothing kept above the cycle"
                Expect.equal (List.sort (of' 5)) [ 2, 6; 3, 6; 4, 6 ] "every parent of the pruned one"
                Expect.equal (List.sort (of' 7)) [ 2, 6; 3, 6; 4, 6 ] "a duplicate is treated like the first"
                Expect.equal (of' 6) [ 6, 6 ] "a self link stays"
                Expect.equal (relinked, detached) (6L, 1L) "counts"

                // A cycle through a pruned node comes back to the follower: no link to itself.
                let found, _, detached = repair 2 [| 0, 1; 1, 0 |] [| true; false |]
                Expect.equal (found, detached) ([], 1L) "a cycle of two"
            }
        ]
