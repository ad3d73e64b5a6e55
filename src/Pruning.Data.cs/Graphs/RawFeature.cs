namespace Pruning.Data.Graphs;

#pragma warning disable CS1591 // the attribute of each member describes it

/// <summary>The columns of <see cref="ShowerGraph.Features"/>, in order. Positions are relative to the seed node.</summary>
public enum RawFeature
{
    [FeatureColumn("pos_x", "cm", "x minus the seed's")]
    PosX,

    [FeatureColumn("pos_y", "cm", "y minus the seed's")]
    PosY,

    [FeatureColumn("pos_z", "cm", "z minus the seed's")]
    PosZ,

    [FeatureColumn("energy", "GeV", "energy")]
    Energy,

    [FeatureColumn("time", "ns", "time, 0 without one")]
    Time,

    [FeatureColumn("eta", "", "pseudorapidity")]
    Eta,

    [FeatureColumn("phi", "rad", "azimuth")]
    Phi,

    [FeatureColumn("isSeedCLUE3DHigh", "", "1 on the seed of the first CLUE3D pass")]
    SeedHigh,

    [FeatureColumn("isSeedCLUE3DLow", "", "1 on the seed of the second CLUE3D pass")]
    SeedLow,
}
