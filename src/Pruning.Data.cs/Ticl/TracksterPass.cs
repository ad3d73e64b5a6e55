namespace Pruning.Data.Ticl;

/// <summary>CLUE3D pass that found a trackster; its seed carries the flag of this name.</summary>
public enum TracksterPass
{
    /// <summary>The first pass, over all layer clusters; the only one of current CMSSW.</summary>
    High = 0,

    /// <summary>The second pass, over those that the first one left.</summary>
    Low = 1,
}
