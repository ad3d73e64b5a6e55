using Pruning.Data.Tracksters;
using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Writing;
using Pruning.Root.Writing.Trees;

namespace Pruning.Data.Pruned;

/// <summary>
/// Writes scores and decisions as a ROOT file: a tree <c>Scores</c> with the entries of the tracksters they belong to, in
/// the same order, so that it can be a friend of the input; and a tree <c>Metadata</c>.
/// </summary>
public sealed class ScoreFile : IDisposable
{
    private readonly RootFileWriter _file;
    private readonly TreeWriter _tree;
    private readonly FlatBranch<long> _entry;
    private readonly FlatBranch<long>? _event;
    private readonly FlatBranch<int>? _trackster;
    private readonly FlatBranch<bool> _scored;
    private readonly CounterGroup _count;
    private readonly JaggedBranch<long> _id;
    private readonly JaggedBranch<float> _score;
    private readonly JaggedBranch<bool> _pruned;

    private ScoreFile(RootFileWriter file, bool withEvents, bool withTracksters)
    {
        _file = file;
        _tree = file.CreateTree(PrunedSchema.ScoreTree, "what a network says about each layer cluster");
        _entry = _tree.Flat<long>(PrunedSchema.Entry);
        _event = withEvents ? _tree.Flat<long>(TracksterSchema.Event[0]) : null;
        _trackster = withTracksters ? _tree.Flat<int>(TracksterSchema.Trackster) : null;
        _scored = _tree.Flat<bool>(PrunedSchema.Scored);
        _count = _tree.Counter(TracksterSchema.NodeCount);
        _id = _count.Jagged<long>(TracksterSchema.Id);
        _score = _count.Jagged<float>(PrunedSchema.Score);
        _pruned = _count.Jagged<bool>(PrunedSchema.Pruned);
    }

    /// <summary>Begins a file.</summary>
    /// <param name="path">Where it is to be.</param>
    /// <param name="source">The file that the tracksters are of.</param>
    /// <param name="metadata">What the file is to say about itself.</param>
    /// <param name="options">Compression, threads; null for the defaults.</param>
    /// <exception cref="RootWriteException">The file cannot be written there.</exception>
    public static ScoreFile Create(string path, TracksterFile source, IReadOnlyDictionary<string, string> metadata,
        RootWriteOptions? options = null)
    {
        RootFileWriter file = RootFileWriter.Create(path, options);
        try
        {
            ScoreFile scores = new(file, source.HasEvents, source.HasTracksterNumbers);
            TracksterWriter.WriteMetadata(file, metadata);
            return scores;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Adds the scores of a block; blocks come in the order of their entries.</summary>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Append(PrunedBlock block)
    {
        TracksterTable table = block.Table;
        int entries = (int)table.EntryCount;
        List<BranchData> data =
        [
            _entry.Values(Of(entry => table.FirstEntry + entry)),
            _scored.Values(block.ScoredColumn),
            _count.Lists(table.NodeOffsets),
            _id.Values(table.Ids),
            _score.Values(block.Scores()),
            _pruned.Values(block.Pruned),
        ];
        if (_event is not null)
            data.Add(_event.Values(Of(entry => table.EventOf(entry)!.Value)));
        if (_trackster is not null)
            data.Add(_trackster.Values(Of(entry => table.TracksterOf(entry)!.Value)));
        _tree.Append(data);

        T[] Of<T>(Func<int, T> value)
        {
            T[] values = new T[entries];
            for (int entry = 0; entry < entries; entry++)
                values[entry] = value(entry);
            return values;
        }
    }

    /// <summary>Completes the file and gives it its name.</summary>
    /// <exception cref="RootWriteException">The disk failed.</exception>
    public void Close() => _file.Close();

    /// <summary>Gives everything back; a file that was not closed is removed.</summary>
    public void Dispose() => _file.Dispose();
}
