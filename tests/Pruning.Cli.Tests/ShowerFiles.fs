/// Ntuples in any layout that the TICL dumper had, and the content of files as values that can be compared.
module Pruning.Tests.Cli.ShowerFiles

open Pruning.Root.Columns
open Pruning.Root.Reading
open Pruning.Root.Writing
open Pruning.Root.Writing.Trees
open Pruning.Data.Simulation
open Pruning.Data.Ticl

/// Columns of some events without pile-up.
let columns (generation: TiclGeneration) (count: int) : TiclColumns =
    NtupleColumns.Of(ToySimulation.Run(ToyOptions(PileUp = 0.0), 0L, count, 0), generation)

/// How an ntuple is written by hand.
type Layout =
    {
        /// With its slash; empty for the top of the file.
        Folder: string
        /// Before the names of the branches of the simulated tracksters.
        SimPrefix: string
        /// Names of trees and of associations are those of this generation of the dumper.
        Generation: TiclGeneration
        /// The simulated tracksters are called CaloParticles or SimClusters.
        Truth: TiclTruth
        /// Branches that are left out.
        Without: string list
        /// Shared energies of the reconstructed tracksters with the first particle, when they are to be there.
        SharedEnergy: (int -> int -> float32) option
    }

let usual: Layout =
    {
        Folder = "ticlDumper/"
        SimPrefix = ""
        Generation = TiclGeneration.Old
        Truth = TiclTruth.CaloParticle
        Without = []
        SharedEnergy = None
    }

/// Writes an ntuple; layers and hits have 64 bits here, which a reader must not mind.
let write (path: string) (layout: Layout) (columns: TiclColumns) : unit =
    use file = RootFileWriter.Create path

    let tree name (branches: (string * (TreeWriter -> string -> BranchData)) list) =
        let tree = file.CreateTree(layout.Folder + name)

        tree.Append
            [|
                for name, data in branches do
                    if not (List.contains name layout.Without) then
                        data tree name
            |]

    let floats (values: ListValues<float32>) (tree: TreeWriter) name =
        tree.Vector<float32>(name).Lists(values.Offsets, values.Values)

    let wholes (values: ListValues<uint32>) (tree: TreeWriter) name =
        let wide = values.Values |> Array.map uint64
        tree.Vector<uint64>(name).Lists(values.Offsets, wide)

    let nested (values: NestedValues<'T>) (tree: TreeWriter) name =
        tree.NestedVector<'T>(name).Lists(values.Entries, values.Lists, values.Values)

    let c, s = columns.Clusters, columns.Simulated

    tree
        "clusters"
        [
            "position_x", floats c.X
            "position_y", floats c.Y
            "position_z", floats c.Z
            "position_eta", floats c.Eta
            "position_phi", floats c.Phi
            "energy", floats c.Energy
            "cluster_time", floats c.Time
            "cluster_timeErr", floats c.TimeError
            "cluster_layer_id", wholes c.Layer
            "cluster_number_of_hits", wholes c.HitCount

            match c.State with
            | null -> ()
            | state ->
                let types =
                    state.Values
                    |> Array.map (fun one -> if one = TiclClusterState.Barrel then -1 else 0)

                "cluster_type", fun tree name -> tree.Vector<int>(name).Lists(state.Offsets, types)
        ]

    let vertices = columns.Tracksters[0].Vertices

    let collection =
        if layout.Generation = TiclGeneration.Old then
            TiclSchema.OldTracksters
        else
            TiclSchema.NewTracksters

    tree collection [ "vertices_indexes", nested vertices ]

    tree
        (if layout.Truth = TiclTruth.CaloParticle then
             "simtrackstersCP"
         else
             "simtrackstersSC")
        [
            layout.SimPrefix + "vertices_indexes", nested s.Vertices
            layout.SimPrefix + "vertices_multiplicity", nested s.Multiplicity
            layout.SimPrefix + "pdgID", fun tree name -> tree.Vector<int>(name).Lists(s.PdgId.Offsets, s.PdgId.Values)
            layout.SimPrefix + "regressed_energy", floats s.Energy
        ]

    match layout.SharedEnergy with
    | None -> ()
    | Some energyOf ->
        let count = int vertices.Entries[vertices.EntryCount]
        let one = Array.init (count + 1) int64
        let first = NestedValues<uint32>(vertices.Entries, one, Array.zeroCreate count)

        let energies =
            [|
                for entry in 0 .. vertices.EntryCount - 1 do
                    for trackster in 0 .. vertices.CountOf entry - 1 do
                        energyOf entry trackster
            |]

        let matches =
            match layout.Generation, layout.Truth with
            | TiclGeneration.Old, TiclTruth.CaloParticle -> "tsCLUE3D_recoToSim_CP"
            | TiclGeneration.Old, _ -> "tsCLUE3D_recoToSim_SC"
            | _, TiclTruth.CaloParticle -> "ticlTrackstersCLUE3DHigh_recoToSim_CP"
            | _, _ -> "ticlTrackstersCLUE3DHigh_recoToSim_SC"

        tree
            "associations"
            [
                matches, nested first
                matches + "_sharedE", nested (NestedValues<float32>(vertices.Entries, one, energies))
            ]

    file.Close()

/// What a prepared file holds: offsets and bytes of every branch of its trees but Metadata, and apart from them those
/// numbers that pass an ntuple only nearly, because it holds 1 over a fraction in single precision.
let content (path: string) =
    use file = RootFile.Open path

    let columns =
        [
            for name in [ "Tracksters"; "Edges"; "Graphs" ] do
                for branch in file.Tree(name).Branches do
                    // An ntuple does not say how much pile-up there is.
                    if branch.Name <> "pileUp" then
                        name, branch.Name, Seq.exactlyOne (file.Tree(name).ReadColumns branch.Name)
        ]

    let exact, near =
        columns
        |> List.partition (fun (_, branch, _) -> branch <> "fraction" && branch <> "simEnergy")

    exact
    |> List.map (fun (tree, branch, column) -> (tree, branch), List.ofSeq column.Levels, column.ValueBytes.ToArray()),
    near
    |> List.map (fun (_, branch, column) -> branch, (column :?> JaggedColumn<float32>).Values)
