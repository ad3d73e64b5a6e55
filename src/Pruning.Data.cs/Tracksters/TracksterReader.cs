using Pruning.Data.Errors;

namespace Pruning.Data.Tracksters;

/// <summary>
/// Prepared ROOT files to columns, from trees or RNTuples. Only the branches of the schema are read, each of any numeric type.
/// </summary>
public static class TracksterReader
{
    /// <summary>Reads all tracksters of one file; <see cref="TracksterFile"/> reads parts.</summary>
    /// <param name="path">Path of the file.</param>
    /// <param name="options">Names of the trees, threads.</param>
    /// <exception cref="DataException">The file is not there or is no ROOT file, a tree (or RNTuple) or a branch is missing or
    /// of a strange type, or the trees do not match.</exception>
    public static TracksterTable Read(string path, TracksterReadOptions options)
    {
        using TracksterFile file = TracksterFile.Open(path, options);
        return file.Read(0, file.EntryCount);
    }
}
