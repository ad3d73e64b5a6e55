module Pruning.Tests.Data.Ticl.LabelTests

open System
open Expecto
open Pruning.Data.Ticl
open Pruning.Tests.Data.Ticl.Clue3DTests

/// Truth from a list of (particle, fraction) for each layer cluster.
let truth particles (pairs: (int * float) list list) : TruthFractions =
    TruthFractions(
        particles,
        pairs |> List.scan (fun n one -> n + one.Length) 0 |> List.toArray,
        pairs |> List.concat |> List.map fst |> List.toArray,
        pairs |> List.concat |> List.map (snd >> float32) |> List.toArray
    )

let private open' = GraphSelection(MinNodes = 1, MinEnergy = 0.0)

let private graphs rule (selection: GraphSelection) energies (pairs: (int * float) list list) pileUp =
    let clusters = columns (energies |> List.mapi (fun i e -> lc (i + 5) 60.0 0.0 e))

    let particles = 1 + (pairs |> List.concat |> List.map fst |> List.append [ 0 ] |> List.max)

    let maker = GraphMaker(rule, selection)

    let known =
        EventTruth(
            HardScatter = truth particles pairs,
            PdgId = Array.init particles (fun p -> 100 + p),
            GeneratedEnergy = Array.create particles 50f,
            PileUp = Option.toObj pileUp
        )

    maker.Begin(7L, clusters, known)
    let n = List.length energies
    let members = Array.init n id
    let parents = Array.init n (fun i -> i - 1)
    maker.Add(TracksterPass.High, 3, members, parents, true) |> ignore
    maker.Take(), maker

let private labels rule energies pairs = List.ofArray (fst (graphs rule open' energies pairs None)).Label

let private rules =
    testList
        "rules"
        [
            test "majority: less than half in the particle with the largest shared energy" {
                let pairs = [ [ 0, 1.0 ]; [ 0, 0.5; 1, 0.5 ]; [ 0, 0.49; 1, 0.51 ]; [ 1, 1.0 ]; [] ]
                Expect.equal (labels LabelRule.Majority [ 5.0; 1.0; 1.0; 1.0; 1.0 ] pairs) [ 0; 0; 1; 1; 1 ] "labels"
            }

            test "a cut elsewhere" {
                let pairs = [ [ 0, 1.0 ]; [ 0, 0.15 ]; [ 0, 0.25 ] ]
                Expect.equal (labels (LabelRule.Cut 0.2) [ 5.0; 1.0; 1.0 ] pairs) [ 0; 1; 0 ] "labels"
                Expect.equal (labels (LabelRule.Cut 0.0) [ 5.0; 1.0; 1.0 ] pairs) [ 0; 0; 0 ] "nothing is below 0"
            }

            test "energy decides for majority, count for any" {
                // Two layer clusters of particle 0 have 2 GeV, one of particle 1 has 5.
                let pairs = [ [ 0, 1.0 ]; [ 0, 1.0 ]; [ 1, 1.0 ] ]
                Expect.equal (labels LabelRule.Majority [ 1.0; 1.0; 5.0 ] pairs) [ 1; 1; 0 ] "energy"
                Expect.equal (labels LabelRule.Any [ 1.0; 1.0; 5.0 ] pairs) [ 0; 0; 1 ] "count"
            }

            test "any keeps whoever has the particle among the three largest, however little" {
                let pairs = [ [ 0, 1.0 ]; [ 0, 0.01; 1, 0.99 ]; [ 0, 0.1; 1, 0.2; 2, 0.3; 3, 0.4 ]; [ 0, 0.9 ]; [] ]
                Expect.equal (labels LabelRule.Any [ 1.0; 1.0; 1.0; 1.0; 1.0 ] pairs) [ 0; 0; 1; 0; 1 ] "labels"
            }

            test "equal shares: the smaller index" {
                let g, _ = graphs LabelRule.Majority open' [ 1.0; 1.0 ] [ [ 1, 1.0 ]; [ 0, 1.0 ] ] None
                Expect.equal (g.Particle[0], List.ofArray g.Label) (0, [ 1; 0 ]) "particle 0"
            }

            test "names are read back as they are written" {
                for name in [ "majority"; "any"; "cut=0.25"; "cut=1" ] do
                    Expect.equal (string (LabelRule.Parse name)) name name

                for bad in [ "most"; "cut="; "cut=x"; "" ] do
                    Expect.throwsT<ArgumentException> (fun () -> LabelRule.Parse bad |> ignore) bad

                Expect.throwsT<ArgumentOutOfRangeException> (fun () -> LabelRule.Parse "cut=1.5" |> ignore) "above 1"
                Expect.throwsT<ArgumentOutOfRangeException> (fun () -> LabelRule.Parse "cut=NaN" |> ignore) "NaN"
            }
        ]

let private columnsOfGraphs =
    testList
        "columns"
        [
            test "what is known of a graph" {
                let g, _ =
                    graphs
                        LabelRule.Majority
                        open'
                        [ 4.0; 2.0; 1.0 ]
                        [ [ 0, 1.0 ]; [ 0, 0.75; 1, 0.25 ]; [ 1, 1.0 ] ]
                        None

                Expect.equal (g.Event[0], g.Trackster[0], g.PdgId[0]) (7L, 3, 100) "origin"
                Expect.floatClose Accuracy.low (float g.SimEnergy[0]) 5.5 "energy of the particle in layer clusters"
                Expect.equal g.Contributors[0] 2 "two above 1 %"
                // (0² 16 + 0.25² 4 + 1² 1) / 21
                Expect.floatClose Accuracy.low (float g.RecoToSimScore[0]) (1.25 / 21.0) "score"
                Expect.equal (List.ofArray g.Origin, List.ofArray g.Target) ([ 0; 1 ], [ 1; 2 ]) "links"
                Expect.equal (List.ofArray g.IsSeedHigh) [ 1; 0; 0 ] "seed"
            }

            test "joining keeps every graph" {
                let one, _ = graphs LabelRule.Majority open' [ 4.0; 2.0 ] [ [ 0, 1.0 ]; [ 0, 1.0 ] ] None
                let two, _ = graphs LabelRule.Majority open' [ 1.0; 2.0; 3.0 ] [ [ 0, 1.0 ]; [ 0, 1.0 ]; [] ] None
                let all = PreparedGraphs.Concat [ one; two; one ]
                Expect.equal (List.ofArray all.NodeOffsets) [ 0L; 2L; 5L; 7L ] "nodes"
                Expect.equal (List.ofArray all.LinkOffsets) [ 0L; 1L; 3L; 4L ] "links"
                Expect.equal all.Energy (Array.concat [ one.Energy; two.Energy; one.Energy ]) "values"
                Expect.equal (PreparedGraphs.Concat []).GraphCount 0 "none"
            }
        ]

let private selections =
    testList
        "selection"
        [
            test "size, energy, direction and purity" {
                let kept selection =
                    (fst (graphs LabelRule.Majority selection [ 4.0; 2.0 ] [ [ 0, 0.6 ]; [ 0, 0.6 ] ] None)).GraphCount

                Expect.equal (kept open') 1 "everything"
                Expect.equal (kept (GraphSelection(MinNodes = 3, MinEnergy = 0.0))) 0 "too small"
                Expect.equal (kept (GraphSelection(MinNodes = 1, MaxNodes = 1, MinEnergy = 0.0))) 0 "too large"
                Expect.equal (kept (GraphSelection(MinNodes = 1, MinEnergy = 6.1))) 0 "too soft"
                // asinh(328 / 60) is 2.4.
                Expect.equal (kept (GraphSelection(MinNodes = 1, MinEnergy = 0.0, MinEta = 2.5))) 0 "eta too small"
                Expect.equal (kept (GraphSelection(MinNodes = 1, MinEnergy = 0.0, MaxEta = 2.3))) 0 "eta too large"
                Expect.equal (kept (GraphSelection(MinNodes = 1, MinEnergy = 0.0, MinPurity = 0.61))) 0 "too mixed"
                Expect.equal (kept (GraphSelection(MinNodes = 1, MinEnergy = 0.0, MinPurity = 0.59))) 1 "pure enough"
            }

            test "without a particle of the hard scatter there is no graph, or one of labels 1" {
                let none, maker = graphs LabelRule.Majority open' [ 4.0; 2.0 ] [ []; [] ] None
                Expect.equal (none.GraphCount, maker.LeftOut, maker.Unmatched) (0, 1L, 1L) "left out"

                let all, _ =
                    graphs
                        LabelRule.Any
                        (GraphSelection(MinNodes = 1, KeepUnmatched = true))
                        [ 4.0; 2.0 ]
                        [ []; [] ]
                        None

                Expect.equal (all.Particle[0], all.PdgId[0], List.ofArray all.Label) (-1, 0, [ 1; 1 ]) "unmatched"
                Expect.equal all.RecoToSimScore[0] 1f "nothing shared"
            }

            test "a trackster of which a particle of pile-up owns more is unmatched" {
                let pairs = [ [ 0, 0.4 ]; [ 0, 0.4 ] ]
                let under fraction = Some(truth 2 [ [ 1, fraction ]; [ 1, fraction ] ])
                Expect.equal (fst (graphs LabelRule.Majority open' [ 4.0; 2.0 ] pairs (under 0.6))).GraphCount 0 "more"
                Expect.equal (fst (graphs LabelRule.Majority open' [ 4.0; 2.0 ] pairs (under 0.3))).GraphCount 1 "less"
            }
        ]

[<Tests>]
let tests = testList "labels" [ rules; columnsOfGraphs; selections ]
