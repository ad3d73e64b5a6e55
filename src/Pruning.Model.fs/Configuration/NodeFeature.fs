namespace Pruning.Model.Configuration

open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Graphs
open Pruning.Model.Tensors

/// What a column is computed from.
[<RequireQualifiedAccess>]
type FeatureInput =
    /// The columns of the graphs alone.
    | Columns
    /// Also the seed, the layer or the hits of each node (`BatchTensors.Details`).
    | Details
    /// The surroundings of each node (`BatchTensors.Surroundings`).
    | Surroundings

/// A column that a network can read. Two columns are equal when they have the same name.
[<CustomEquality; NoComparison; StructuredFormatDisplay("{Name}")>]
type NodeFeature =
    {
        /// In files and on the command line.
        Name: string
        /// Empty for a pure number.
        Unit: string
        /// What the column holds, as a phrase without a full stop.
        Description: string
        Input: FeatureInput
        /// -> [nodes], in the type of the batch.
        Values: BatchTensors -> Tensor
    }

    override this.ToString() = this.Name
    override this.GetHashCode() = this.Name.GetHashCode()

    override this.Equals(other: objnull) =
        match other with
        | :? NodeFeature as other -> other.Name = this.Name
        | _ -> false

/// The columns that a network can read, each declared once. They are computed inside the network, batch after batch, on its
/// device, so that a model file takes graphs as they are.
[<RequireQualifiedAccess>]
module NodeFeature =

    /// No layer cluster has less; a logarithm needs a limit.
    let private smallestEnergy = 1e-6 // GeV

    let private raw (column: RawFeature) (batch: BatchTensors) : Tensor = batch.X.select (1L, int64 column)

    let private detailsOf (batch: BatchTensors) : NodeDetails =
        match batch.Details with
        | Some details -> details
        | None ->
            invalidOp
                "Cannot compute features from the seed, layer or hits of nodes: the batch was made without them. Make the batch with a \
                 GraphPreparation that sets Details."

    let private ofSeed (column: RawFeature) (batch: BatchTensors) : Tensor =
        (raw column batch).index_select(0L, (detailsOf batch).SeedOfNode)

    let private x: BatchTensors -> Tensor = raw RawFeature.PosX
    let private y: BatchTensors -> Tensor = raw RawFeature.PosY
    let private z: BatchTensors -> Tensor = raw RawFeature.PosZ

    let private logEnergy (batch: BatchTensors) : Tensor =
        (raw RawFeature.Energy batch).clamp_min(scalar smallestEnergy).log()

    let private logEnergyOverSeed (batch: BatchTensors) : Tensor =
        let log = logEnergy batch
        log.sub (log.index_select (0L, (detailsOf batch).SeedOfNode))

    /// -1 in the endcap at negative z, else 1.
    let private side (batch: BatchTensors) : Tensor =
        (ofSeed RawFeature.Eta batch).ge(scalar 0.0).``to``(batch.X.dtype).mul(scalar 2.0).sub(scalar 1.0)

    let private product (a: Tensor) (b: Tensor) (c: Tensor) (d: Tensor) = (a.mul b).sub(c.mul d)

    let private length (parts: Tensor list) : Tensor =
        parts |> List.map (fun part -> part.mul part) |> List.reduce plus |> _.sqrt()

    /// Distance to the line from the centre of the detector through the seed: |d x n| for the seed's direction n.
    let private toAxis (batch: BatchTensors) : Tensor =
        let x, y, z = x batch, y batch, z batch
        let eta, phi = ofSeed RawFeature.Eta batch, ofSeed RawFeature.Phi batch
        let across = eta.cosh().reciprocal()
        let nx, ny, nz = phi.cos().mul across, phi.sin().mul across, eta.tanh ()
        length [ product y nz z ny; product z nx x nz; product x ny y nx ]

    let private radial (batch: BatchTensors) : Tensor =
        let phi = ofSeed RawFeature.Phi batch
        plus ((x batch).mul(phi.cos ())) ((y batch).mul(phi.sin ()))

    let private azimuthal (batch: BatchTensors) : Tensor =
        let phi = ofSeed RawFeature.Phi batch
        product (y batch) (phi.cos ()) (x batch) (phi.sin ())

    let private turned (batch: BatchTensors) : Tensor =
        let angle = (raw RawFeature.Phi batch).sub(ofSeed RawFeature.Phi batch)
        angle.sin().atan2(angle.cos ())

    let private hasTime (batch: BatchTensors) : Tensor = (raw RawFeature.Time batch).gt(scalar 0.0).``to`` batch.X.dtype

    let private surrounding (column: Surrounding) (batch: BatchTensors) : Tensor =
        match batch.Surroundings with
        | Some values -> values.select (1L, int64 column)
        | None ->
            invalidOp
                "Cannot compute features of the surroundings of nodes: the batch was made without them. Make the batch with a \
                 GraphPreparation that sets Surroundings."

    let private declare name unit input (values: BatchTensors -> Tensor) description : NodeFeature =
        {
            Name = name
            Unit = unit
            Description = description
            Input = input
            Values =
                fun batch ->
                    use _scope = torch.NewDisposeScope()
                    (values batch).MoveToOuterDisposeScope()
        }

    /// The nine columns of the original research code, in the order in which a graph holds them.
    let original: NodeFeature list =
        [
            for column in FeatureColumns.Of<RawFeature>() ->
                declare column.Name column.Unit FeatureInput.Columns (raw column.Column) column.Description
        ]

    /// Made from all layer clusters of the trackster together; distances within the layer, along the seed's axis.
    let surroundings: NodeFeature list =
        [
            for column in FeatureColumns.Of<Surrounding>() ->
                declare column.Name column.Unit FeatureInput.Surroundings (surrounding column.Column) column.Description
        ]

    /// Made from the columns of the graph, node by node.
    let private computed: NodeFeature list =
        let columns, details = FeatureInput.Columns, FeatureInput.Details

        [
            declare "log_energy" "ln GeV" columns logEnergy "ln of the energy, not below 1 keV"
            declare "log_energy_over_seed" "" details logEnergyOverSeed "ln of the energy as a share of the seed's"
            declare "distance_to_seed" "cm" columns (fun s -> length [ x s; y s; z s ]) "distance to the seed"
            declare
                "distance_to_axis"
                "cm"
                details
                toAxis
                "distance to the line from the centre of the detector through the seed"
            declare "has_time" "" columns hasTime "1 where there is a time above 0"
            declare
                "layer"
                ""
                details
                (fun s -> (detailsOf s).Layer.alias())
                "calorimeter layer from 1, of the file or else of z; 0 = unknown"
            declare "pos_radial" "cm" details radial "away from the beam, as seen from the seed"
            declare "pos_azimuthal" "cm" details azimuthal "around the beam, as seen from the seed"
            declare
                "pos_depth"
                "cm"
                details
                (fun s -> (z s).mul(side s))
                "away from the collision along the beam, from the seed"
            declare "abs_eta" "" columns (fun s -> (raw RawFeature.Eta s).abs()) "|pseudorapidity|"
            declare "phi_from_seed" "rad" details turned "azimuth minus the seed's, in (-pi, pi]"
            declare
                "log_hits"
                ""
                details
                (fun s -> (detailsOf s).HitCount.log1p())
                "ln of 1 and the number of hits; 0 = unknown"
        ]

    /// Every column, the original nine first and in their order.
    let all: NodeFeature list = original @ computed @ surroundings

    let private named (name: string) : NodeFeature = all |> List.find (fun feature -> feature.Name = name)

    let PosX: NodeFeature = original[int RawFeature.PosX]
    let PosY: NodeFeature = original[int RawFeature.PosY]
    let PosZ: NodeFeature = original[int RawFeature.PosZ]
    let Energy: NodeFeature = original[int RawFeature.Energy]
    let Time: NodeFeature = original[int RawFeature.Time]
    let Eta: NodeFeature = original[int RawFeature.Eta]
    let Phi: NodeFeature = original[int RawFeature.Phi]
    let IsSeedHigh: NodeFeature = original[int RawFeature.SeedHigh]
    let IsSeedLow: NodeFeature = original[int RawFeature.SeedLow]
    let LogEnergy: NodeFeature = named "log_energy"
    let LogEnergyOverSeed: NodeFeature = named "log_energy_over_seed"
    let DistanceToSeed: NodeFeature = named "distance_to_seed"
    let DistanceToAxis: NodeFeature = named "distance_to_axis"
    let HasTime: NodeFeature = named "has_time"
    let Layer: NodeFeature = named "layer"
    let PosRadial: NodeFeature = named "pos_radial"
    let PosAzimuthal: NodeFeature = named "pos_azimuthal"
    let PosDepth: NodeFeature = named "pos_depth"
    let AbsEta: NodeFeature = named "abs_eta"
    let PhiFromSeed: NodeFeature = named "phi_from_seed"
    let LogHits: NodeFeature = named "log_hits"

    /// A column of `NodeSurroundings`.
    let Around (which: Surrounding) : NodeFeature = surroundings[int which]

    /// The original's nine and what physicists look at first: ln E, energy and distance relative to the seed, whether there
    /// is a time, the layer.
    let extended: NodeFeature list =
        original
        @ [ LogEnergy; LogEnergyOverSeed; DistanceToSeed; DistanceToAxis; HasTime; Layer ]

    /// The same information in the shower's own frame: turned about the beam until the seed is at phi 0, and mirrored into
    /// the endcap at positive z. Nothing in it depends on where in phi, or in which endcap, a shower is.
    let oriented: NodeFeature list =
        [
            PosRadial
            PosAzimuthal
            PosDepth
            LogEnergy
            Time
            AbsEta
            PhiFromSeed
            IsSeedHigh
            IsSeedLow
            LogEnergyOverSeed
            DistanceToSeed
            DistanceToAxis
            HasTime
            Layer
        ]

    /// What is known of a node in the shower's own frame, and its surroundings: hits, densities, distances to cores, its link,
    /// its branch, its trackster.
    let physics: NodeFeature list = oriented @ LogHits :: surroundings
