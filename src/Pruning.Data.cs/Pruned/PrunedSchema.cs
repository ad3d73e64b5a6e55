namespace Pruning.Data.Pruned;

/// <summary>Names in files of scores; those of the input keep theirs (<see cref="Tracksters.TracksterSchema"/>).</summary>
public static class PrunedSchema
{
    /// <summary>Tree with one entry a trackster.</summary>
    public const string ScoreTree = "Scores";

    /// <summary>Entry of the trackster in its file.</summary>
    public const string Entry = "entry";

    /// <summary>False where the trackster contradicts itself: its scores are NaN and nothing of it is pruned.</summary>
    public const string Scored = "judged";

    /// <summary>Probability of prune.</summary>
    public const string Score = "score";

    /// <summary>The decision.</summary>
    public const string Pruned = "pruned";
}
