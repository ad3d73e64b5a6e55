namespace Pruning.Data.Tracksters;

/// <summary>How prepared files are read.</summary>
public sealed record TracksterReadOptions
{
    /// <summary>Tree of the layer clusters, with or without cycle ("Tracksters;1"), in a sub-directory or not.</summary>
    public string TracksterTree { get; init; } = TracksterSchema.TracksterTree;

    /// <summary>Tree of the links.</summary>
    public string EdgeTree { get; init; } = TracksterSchema.EdgeTree;

    /// <summary>Tree with one value per trackster; it may be absent.</summary>
    public string GraphTree { get; init; } = TracksterSchema.GraphTree;

    /// <summary>Take files without labels too, as if every layer cluster were to be kept; for those that only apply a network.</summary>
    public bool LabelsOptional { get; init; }

    /// <summary>Go on without the files that cannot be read, and list them; else the first one is an error.</summary>
    public bool SkipBadFiles { get; init; }

    /// <summary>Go on without the tracksters that contradict themselves, and list them; else the first one is an error.</summary>
    public bool SkipBadGraphs { get; init; }

    /// <summary>Threads that decode and check. Default: one per core.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;
}
