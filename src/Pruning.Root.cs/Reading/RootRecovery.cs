namespace Pruning.Root.Reading;

/// <summary>The readable part of a file that was not closed or is cut.</summary>
/// <param name="Reason">Why the file's own lists were not used.</param>
/// <param name="ReadableBytes">Byte at which the last complete record ends.</param>
/// <param name="Trees">Trees and RNTuples.</param>
public sealed record RootRecovery(string Reason, long ReadableBytes, IReadOnlyList<RecoveredTree> Trees)
{
    /// <summary>Entries of all of them together.</summary>
    public long EntryCount => Trees.Sum(tree => tree.EntryCount);
}

/// <summary>A tree or RNTuple of a recovered file.</summary>
/// <param name="Path">Directories and name.</param>
/// <param name="EntryCount">Entries that can be read: those of the newest description that is complete.</param>
public sealed record RecoveredTree(string Path, long EntryCount);
