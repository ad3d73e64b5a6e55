using Pruning.Root.Files;

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

    /// <summary>
    /// Most bytes that each group of columns of a file may take (the layer clusters, the links, each column of truth); a
    /// file that claims more is refused before memory is taken. Default: three quarters of the memory that the process may use.
    /// </summary>
    public long MaxReadBytes { get; init; } = RootReadOptions.Default.MaxReadBytes;

    /// <summary>Threads that decode and check. Default: one per core.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;
}
