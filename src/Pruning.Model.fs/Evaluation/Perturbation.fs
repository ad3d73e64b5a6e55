namespace Pruning.Model.Evaluation

open System
open Pruning.Data.Batching
open Pruning.Data.Graphs

/// How inputs are disturbed, to see what a decision hangs on.
type Perturbation =
    {
        /// Energies are multiplied by 1 + this times a normal number.
        Energy: float
        /// This times a normal number, cm, is added to x and to y.
        Position: float
        /// Each time is dropped with this probability.
        Time: float
    }

[<RequireQualifiedAccess>]
module Perturbation =

    let none: Perturbation =
        {
            Energy = 0.0
            Position = 0.0
            Time = 0.0
        }

    /// A number in (0, 1) from 64 random bits.
    let private uniform (bits: uint64) : float = (float (bits >>> 11) + 0.5) * Math.ScaleB(1.0, -53)

    /// A normal number from two streams (Box and Muller 1958).
    let private normal (stream: uint64) (draw: uint64) : float =
        let radius = sqrt (-2.0 * log (uniform (StableHash.Mix(stream, 2UL * draw))))

        radius
        * cos (2.0 * Math.PI * uniform (StableHash.Mix(stream, 2UL * draw + 1UL)))

    /// A copy of a graph with other features and the same edges and labels. It depends on the seed and on `index` alone.
    /// Eta and phi follow the position: a shift across the line of sight at the node's distance. Where z from the interaction
    /// point is not known (`depth` 0) they stay. `depth` is |z| in cm, one a node.
    let apply (seed: uint64) (index: int) (depth: int -> float) (p: Perturbation) (graph: ShowerGraph) : ShowerGraph =
        let features = Array.copy graph.Features
        let stream = StableHash.Mix(seed, uint64 index)

        for node in 0 .. graph.NodeCount - 1 do
            let at (column: RawFeature) = node * ShowerGraph.FeatureCount + int column
            let draw column = normal stream (uint64 (8 * node + column))

            if p.Energy > 0.0 then
                let energy = at RawFeature.Energy
                features[energy] <- float32 (max 0.0 (float features[energy] * (1.0 + p.Energy * draw 0)))

            if p.Position > 0.0 then
                let dx, dy = p.Position * draw 1, p.Position * draw 2
                features[at RawFeature.PosX] <- features[at RawFeature.PosX] + float32 dx
                features[at RawFeature.PosY] <- features[at RawFeature.PosY] + float32 dy
                let z = depth node

                if z > 0.0 then
                    let eta, phi = float features[at RawFeature.Eta], float features[at RawFeature.Phi]
                    // r = |z| / sinh |eta|
                    let radius = if eta = 0.0 then 0.0 else z / sinh (abs eta)
                    let x, y = radius * cos phi + dx, radius * sin phi + dy
                    let moved = sqrt (x * x + y * y)

                    if radius > 0.0 && moved > 0.0 then
                        features[at RawFeature.Eta] <- float32 (float (sign eta) * Math.Asinh(z / moved))
                        features[at RawFeature.Phi] <- float32 (atan2 y x)

            if p.Time > 0.0 && uniform (StableHash.Mix(stream, ~~~(uint64 node))) < p.Time then
                features[at RawFeature.Time] <- 0f

        graph.WithFeatures features

    /// The graphs of a dataset, disturbed. Graph i is index i of the answer, whatever `indices` leaves out elsewhere.
    let ofDataset (seed: uint64) (p: Perturbation) (dataset: GraphDataset) (indices: int[]) : GraphDataset =
        GraphDataset.OfGraphs
            [|
                for index in indices do
                    let columns = dataset.ColumnsOf index
                    let z = columns.PosZ.ToArray()
                    let depth node = if z.Length > 0 then abs (float z[node]) else 0.0
                    apply seed index depth p dataset[index]
            |]
