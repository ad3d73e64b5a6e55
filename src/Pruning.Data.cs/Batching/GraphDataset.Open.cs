using Pruning.Data.Errors;
using Pruning.Data.Tracksters;

namespace Pruning.Data.Batching;

/// <content>From files to a dataset.</content>
public sealed partial class GraphDataset
{
    /// <summary>Reads and checks every file.</summary>
    /// <param name="filesOrGlobs">Paths and patterns, see <see cref="InputFiles.Expand"/>.</param>
    /// <param name="options">Names, what to skip, threads.</param>
    /// <exception cref="DataException">A file or a trackster that does not fit and is not to be skipped, or no graph at all.</exception>
    public static GraphDataset Open(IReadOnlyList<string> filesOrGlobs, TracksterReadOptions options)
    {
        IReadOnlyList<string> paths = InputFiles.Expand(filesOrGlobs);
        List<TracksterTable> tables = [];
        List<SkippedInput> skipped = [];
        foreach (string path in paths)
        {
            try
            {
                tables.Add(TracksterReader.Read(path, options));
            }
            catch (Exception error) when (options.SkipBadFiles && DataException.Covers(error))
            {
                skipped.Add(new SkippedInput(path, null, error.Message));
            }
        }

        if (tables.Count == 0)
            throw new DataException(
                $"wanted at least one readable file, found none among {paths.Count}; the first says: {skipped[0].Reason}");
        return OfTables(tables, options, skipped);
    }
}
