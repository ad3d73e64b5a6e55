using Pruning.Data.Graphs;

namespace Pruning.Data.Batching;

#pragma warning disable CS1591 // the attribute of each member describes it

/// <summary>
/// The columns of <see cref="NodeSurroundings"/>, in order. Distances lie within the layer, along the seed's axis. "Others" are the
/// other layer clusters of the trackster.
/// </summary>
public enum Surrounding
{
    [FeatureColumn("axis_radial", "cm", "offset from the seed's axis, away from the beam")]
    AxisRadial,

    [FeatureColumn("axis_azimuthal", "cm", "offset from the seed's axis, around the beam")]
    AxisAzimuthal,

    [FeatureColumn("distance_to_core", "cm", "distance to the axis through the centre of energy")]
    DistanceToCore,

    // That of the trackster where there are no others.
    [FeatureColumn("distance_to_local_core", "cm", "distance to the centre of energy of the others within 3 layers")]
    DistanceToLocalCore,

    [FeatureColumn("log_density", "ln GeV", "CLUE3D's density: energy and a fifth of that within 3 layers and 1.8 cm")]
    LogDensity,

    [FeatureColumn("log_energy_around", "ln GeV", "energy of the others within 3 layers and 4 cm")]
    LogEnergyAround,

    [FeatureColumn("nearest_distance", "cm", "distance to the nearest other within 2 layers, at most 20")]
    NearestDistance,

    [FeatureColumn("log_neighbours", "", "ln of 1 and the others within 3 layers and 3 cm")]
    LogNeighbours,

    [FeatureColumn("layer_energy_share", "", "share of the trackster's energy in the layer")]
    LayerEnergyShare,

    [FeatureColumn("layer_from_maximum", "", "layers behind the one with the most energy")]
    LayerFromMaximum,

    [FeatureColumn("link_length", "cm", "distance to the parent; 0 for a root")]
    LinkLength,

    [FeatureColumn("link_layers", "", "layers from the parent to this one; 0 for a root")]
    LinkLayers,

    [FeatureColumn("log_energy_over_parent", "", "ln of the energy as a share of the parent's; 0 for a root")]
    LogEnergyOverParent,

    [FeatureColumn("link_outwards", "cm", "how much farther than the parent from the seed's axis; 0 for a root")]
    LinkOutwards,

    [FeatureColumn("log_followers", "", "ln of 1 and the number of followers")]
    LogFollowers,

    [FeatureColumn("links_to_root", "", "links to the root")]
    LinksToRoot,

    [FeatureColumn("log_branch_energy_share", "", "ln of the trackster's share of energy in this one and all that follow it")]
    LogBranchEnergyShare,

    [FeatureColumn("log_branch_size", "", "ln of how many follow, directly or not, and this one")]
    LogBranchSize,

    [FeatureColumn("log_trackster_energy", "ln GeV", "energy of the trackster")]
    LogTracksterEnergy,

    [FeatureColumn("log_trackster_size", "", "ln of the trackster's number of layer clusters")]
    LogTracksterSize,

    [FeatureColumn("trackster_width", "cm", "mean distance to the core, weighted by energy")]
    TracksterWidth,

    [FeatureColumn("trackster_depth", "", "mean layer, weighted by energy")]
    TracksterDepth,
}
