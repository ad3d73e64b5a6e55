namespace Pruning.Model.Evaluation

open System
open Pruning.Data.Batching
open Pruning.Data.Graphs

/// The axis of a trackster: a line through its energy-weighted barycentre, away from the interaction point.
[<Struct>]
type ShowerAxis =
    {
        /// Energy-weighted mean position, cm, in the coordinates of the features.
        X: float
        Y: float
        Z: float
        /// Energy-weighted mean direction seen from the interaction point, of length 1; all zero without energy.
        DirectionX: float
        DirectionY: float
        DirectionZ: float
    }

[<RequireQualifiedAccess>]
module ShowerAxis =

    let private feature (graph: ShowerGraph) (node: int) (column: RawFeature) = float (graph.Feature(node, column))

    let private normalised struct (x: float, y: float, z: float) =
        let length = sqrt (x * x + y * y + z * z)

        if length > 0.0 && Double.IsFinite length then
            struct (x / length, y / length, z / length)
        else
            struct (0.0, 0.0, 0.0)

    /// Mean direction of the nodes seen from the interaction point, each with a weight: (x, y, z) of length 1, or all zero.
    /// Directions are those of eta and phi. Weights below zero count as nothing.
    let direction (graph: ShowerGraph) (weight: int -> float) : struct (float * float * float) =
        let mutable x, y, z = 0.0, 0.0, 0.0

        for node in 0 .. graph.NodeCount - 1 do
            let eta, phi = feature graph node RawFeature.Eta, feature graph node RawFeature.Phi
            let w = max 0.0 (weight node)
            // |p| = 1: pt = 1/cosh(eta), pz = tanh(eta)
            let transverse = w / cosh eta
            x <- x + transverse * cos phi
            y <- y + transverse * sin phi
            z <- z + w * tanh eta

        normalised struct (x, y, z)

    /// Angle between two directions in mrad; NaN when one of them is none.
    let angle (struct (ax, ay, az): struct (float * float * float)) (struct (bx, by, bz)) : float =
        let cx, cy, cz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        let dot = ax * bx + ay * by + az * bz

        if ax * ax + ay * ay + az * az = 0.0 || bx * bx + by * by + bz * bz = 0.0 then
            nan
        else
            // The arc tangent is exact for small angles, where the arc cosine is not.
            1000.0 * atan2 (sqrt (cx * cx + cy * cy + cz * cz)) dot

    /// The axis of all nodes of a graph by their energies; without energy every node weighs the same.
    let ofGraph (graph: ShowerGraph) : ShowerAxis =
        let energy node = max 0.0 (float (graph.Energy node))
        let total = Seq.init graph.NodeCount energy |> Seq.sum
        let weight node = if total > 0.0 then energy node / total else 1.0 / float graph.NodeCount
        let struct (dx, dy, dz) = direction graph weight

        let mean column =
            Seq.init graph.NodeCount (fun node -> weight node * feature graph node column)
            |> Seq.sum

        {
            X = mean RawFeature.PosX
            Y = mean RawFeature.PosY
            Z = mean RawFeature.PosZ
            DirectionX = dx
            DirectionY = dy
            DirectionZ = dz
        }

    /// Distance of every node from the axis of its graph, cm. [nodes]
    let distances (graph: ShowerGraph) : float32[] =
        let axis = ofGraph graph

        Array.init graph.NodeCount (fun node ->
            let x = feature graph node RawFeature.PosX - axis.X
            let y = feature graph node RawFeature.PosY - axis.Y
            let z = feature graph node RawFeature.PosZ - axis.Z
            let along = x * axis.DirectionX + y * axis.DirectionY + z * axis.DirectionZ
            float32 (sqrt (max 0.0 (x * x + y * y + z * z - along * along))))

/// A graph with everything that its evaluation needs and a network must not see.
[<NoComparison; NoEquality>]
type EvaluatedGraph =
    {
        Graph: ShowerGraph
        /// Graphs of one group are correlated: they are from one event. A graph without an event is a group of its own.
        Group: int64
        /// [nodes] Share of each node's energy that belongs to the shower: the file's, else 1 - label.
        Fraction: float32[]
        /// The fractions are the file's.
        HasFraction: bool
        /// [nodes] Layer from 1; 0 where it is not known.
        Layer: int[]
        /// [nodes] Distance from the trackster's axis, cm.
        Distance: float32[]
        PdgId: int64 option
        /// Energy of its particle in all layer clusters of the event, GeV.
        SimEnergy: float option
        /// No other trackster of the event has more of its particle; set by EvaluationSample.create.
        IsLeading: bool
        /// Mean number of simultaneous interactions.
        PileUp: float option
    }

[<RequireQualifiedAccess>]
module EvaluatedGraph =

    /// A graph that nothing else is known about; `group` as in EvaluatedGraph.Group.
    let ofGraph (group: int64) (graph: ShowerGraph) : EvaluatedGraph =
        {
            Graph = graph
            Group = group
            Fraction = graph.Labels |> Array.map (fun label -> if label = 1uy then 0f else 1f)
            HasFraction = false
            Layer = Array.zeroCreate graph.NodeCount
            Distance = ShowerAxis.distances graph
            PdgId = None
            SimEnergy = None
            IsLeading = true
            PileUp = None
        }

    let private ofNullable (value: Nullable<'T>) : 'T option = if value.HasValue then Some value.Value else None

    /// A graph of a dataset with what its file says about it. Without a branch of layers, the layers are computed from z.
    let ofDataset (dataset: GraphDataset) (index: int) : EvaluatedGraph =
        let event = dataset.EventKeyOf index
        // An event number and an index must not be taken for each other.
        let group = if event.HasValue then event.Value else -1L - int64 index
        let plain = ofGraph group dataset[index]
        let columns = dataset.ColumnsOf index
        let truth = dataset.TruthOf index

        let layer =
            if columns.Layer.Length > 0 then
                columns.Layer.ToArray() |> Array.map int
            elif columns.PosZ.Length > 0 then
                columns.PosZ.ToArray() |> Array.map (CalorimeterLayers.Nearest >> int)
            else
                plain.Layer

        { plain with
            Fraction =
                if columns.Fraction.Length > 0 then
                    columns.Fraction.ToArray()
                else
                    plain.Fraction
            HasFraction = columns.Fraction.Length > 0
            Layer = layer
            PdgId = ofNullable truth.PdgId
            SimEnergy = ofNullable truth.SimEnergy |> Option.map float |> Option.filter ((<) 0.0)
            PileUp = ofNullable truth.PileUp |> Option.map float
        }
