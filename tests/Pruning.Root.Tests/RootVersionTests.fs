/// Trees of versions that the reader does not have in its code: the file's own descriptions tell how to read them.
module Pruning.Tests.Data.RootVersionTests

open Expecto
open Pruning.Root.Errors
open Pruning.Tests.Data.RootSpec
open Pruning.Tests.Data.RootWriter
open Pruning.Tests.Data.RootExpect

let private longs names = names |> List.map (memberOf 16 "Long64_t")
let private ints names = names |> List.map (memberOf 3 "Int_t")

let private table code count name =
    { memberOf code "Long64_t*" name with
        CountName = count
    }

/// The newest known layouts under the next version's number.
let private future =
    [
        { classOf
              "TTree"
              ([ memberOf 67 "BASE" "TNamed" ]
               @ ([ "TAttLine"; "TAttFill"; "TAttMarker" ] |> List.map (memberOf 0 "BASE"))
               @ longs [ "fEntries"; "fTotBytes"; "fZipBytes"; "fSavedBytes"; "fFlushedBytes" ]
               @ [ memberOf 8 "Double_t" "fWeight" ]
               @ ints [ "fTimerInterval"; "fScanField"; "fUpdate"; "fDefaultEntryOffsetLen" ]
               @ [ memberOf 6 "Int_t" "fNClusterRange" ]
               @ longs [ "fMaxEntries"; "fMaxEntryLoop"; "fMaxVirtualSize"; "fAutoSave"; "fAutoFlush"; "fEstimate" ]
               @ [ table 56 "fNClusterRange" "fClusterRangeEnd"; table 56 "fNClusterRange" "fClusterSize" ]
               @ [ memberOf 62 "ROOT::TIOFeatures" "fIOFeatures"; memberOf 61 "TObjArray" "fBranches" ]) with
            Version = 21
        }
        { classOf
              "TBranch"
              ([ memberOf 67 "BASE" "TNamed"; memberOf 0 "BASE" "TAttFill" ]
               @ ints [ "fCompress"; "fBasketSize"; "fEntryOffsetLen"; "fWriteBasket" ]
               @ longs [ "fEntryNumber" ]
               @ [ memberOf 62 "ROOT::TIOFeatures" "fIOFeatures" ]
               @ ints [ "fOffset" ]
               @ [ memberOf 6 "UInt_t" "fMaxBaskets" ]
               @ ints [ "fSplitLevel" ]
               @ longs [ "fEntries"; "fFirstEntry"; "fTotBytes"; "fZipBytes" ]
               @ ([ "fBranches"; "fLeaves"; "fBaskets" ] |> List.map (memberOf 61 "TObjArray"))
               @ [
                   table 43 "fMaxBaskets" "fBasketBytes"
                   table 56 "fMaxBaskets" "fBasketEntry"
                   table 56 "fMaxBaskets" "fBasketSeek"
                   memberOf 65 "TString" "fFileName"
               ]) with
            Version = 14
        }
        { classOf
              "TBranchElement"
              ([ memberOf 0 "BASE" "TBranch" ]
               @ ([ "fClassName"; "fParentName"; "fClonesName" ]
                  |> List.map (memberOf 65 "TString"))
               @ [ memberOf 13 "UInt_t" "fCheckSum"; memberOf 2 "Version_t" "fClassVersion" ]
               @ ints [ "fID"; "fType"; "fStreamerType"; "fMaximum" ]
               @ ([ "fBranchCount"; "fBranchCount2" ] |> List.map (memberOf 64 "TBranchElement*"))) with
            Version = 11
        }
    ]

let private branches version =
    [
        { branch
              "x"
              (leaf "TLeafI" "x")
              [ basket NoTable [ int32s [ 1 ]; int32s [ 2 ] ]; basket NoTable [ int32s [ 3 ] ] ] with
            Version = version
        }
    ]

let private vectors =
    { vector
          "v"
          "vector<int>"
          [
              basket Offsets [ vectorEntry 2 (int32s [ 4; 5 ]); vectorEntry 0 [||]; vectorEntry 1 (int32s [ 6 ]) ]
          ] with
        Version = 14
    }

[<Tests>]
let tests =
    testList
        "ROOT versions"
        [
            test "a tree of ROOT 3 is read by its descriptions: counts are doubles, places have 32 bits" {
                let old = { tree (branches 8) with Version = 5 }

                opened
                    (write
                        { file [ old ] with
                            Classes = RootOldTrees.classes
                        })
                    (fun root ->
                        let t = root.Tree "t"
                        Expect.equal (t.EntryCount, t.Branch("x").BasketCount) (3L, 2L) "counts"
                        Expect.equal (t.Read<int>("x").Values) [| 1; 2; 3 |] "values"
                        Expect.equal (t.Read<int>("x", 1L).Values) [| 2; 3 |] "a range")
            }

            test "versions that do not exist yet are read by their descriptions" {
                let tree =
                    { tree (vectors :: branches 14) with
                        Version = 21
                        Clusters = [ 1L, 2L ]
                    }

                opened (write { file [ tree ] with Classes = future }) (fun root ->
                    let t = root.Tree "t"
                    Expect.equal (t.Read<int>("x").Values) [| 1; 2; 3 |] "numbers"
                    Expect.equal (entriesOf (t.Read<int> "v")) [ [ 4; 5 ]; []; [ 6 ] ] "vectors")
            }

            test "a version that nobody describes is refused by its number" {
                let content = write (file [ { tree (branches 13) with Version = 21 } ])

                opened content (fun root ->
                    Expect.equal
                        (problem (fun () -> root.Tree "t" |> ignore))
                        (RootErrorKind.UnsupportedVersion,
                         "TTree version 21 is unknown, and the file does not describe it")
                        "refusal")
            }

            for name in [ "TNtuple"; "TNtupleD"; "TChain" ] do
                test $"a {name} is a tree in an envelope" {
                    let wrapped = { tree (branches 13) with Class = name }

                    opened (write (file [ wrapped ])) (fun root ->
                        Expect.equal (root.Tree("t").Read<int>("x").Values) [| 1; 2; 3 |] "values")
                }
        ]
