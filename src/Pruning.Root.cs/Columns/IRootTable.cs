using System.Diagnostics.CodeAnalysis;
using Pruning.Root.Errors;

namespace Pruning.Root.Columns;

/// <summary>
/// Named branches over the same entries: a tree or an RNTuple. Reading is safe from many threads.
/// </summary>
public interface IRootTable
{
    /// <summary><c>tree</c> or <c>RNTuple</c>, for messages.</summary>
    string Kind { get; }

    /// <summary>Directories and name joined by <c>/</c>.</summary>
    string Path { get; }

    /// <summary>Version of the object; higher is newer.</summary>
    int Cycle { get; }

    /// <summary>Title or description given by the writer.</summary>
    string Title { get; }

    /// <summary>Number of entries.</summary>
    long EntryCount { get; }

    /// <summary>The branches (of an RNTuple, its top-level fields) in the order of the file.</summary>
    IReadOnlyList<IRootBranch> Branches { get; }

    /// <summary>A branch by its name.</summary>
    /// <exception cref="RootFormatException">No such branch; the message names the nearest.</exception>
    IRootBranch Branch(string name);

    /// <summary>As <see cref="Branch"/>, but false where there is none.</summary>
    bool TryBranch(string name, [NotNullWhen(true)] out IRootBranch? branch);

    /// <summary>Reads several branches, each in the requested type, in parallel.</summary>
    /// <param name="requests">Names and types.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    JaggedColumns Read(IReadOnlyList<ColumnRequest> requests, long first = 0, long? end = null);

    /// <summary>Reads a branch of any supported type, one column for each of its members that hold values.</summary>
    /// <param name="branch">Name of the branch.</param>
    /// <param name="first">First entry.</param>
    /// <param name="end">Entry after the last one; null for all.</param>
    IReadOnlyList<RootColumn> ReadColumns(string branch, long first = 0, long? end = null);
}

/// <summary>A branch of a tree, or a field of an RNTuple.</summary>
public interface IRootBranch
{
    /// <summary>Name by which it is read.</summary>
    string Name { get; }

    /// <summary>C++ spelling of its type.</summary>
    string TypeName { get; }

    /// <summary>Entries.</summary>
    long EntryCount { get; }

    /// <summary>Values per entry where all entries have the same number (1 for plain numbers), else null.</summary>
    int? FixedLength { get; }

    /// <summary>Type of the numbers of a branch that <see cref="IRootTable.Read"/> gives, else null.</summary>
    RootElementType? ElementType { get; }

    /// <summary>True when values can be read.</summary>
    bool IsSupported { get; }

    /// <summary>Why not, null when they can.</summary>
    string? Unsupported { get; }

    /// <summary>Members that cannot be read, and why; the branch itself has an empty name.</summary>
    IReadOnlyList<KeyValuePair<string, string>> UnsupportedMembers { get; }

    /// <summary>Baskets of a tree's branch, pages of an RNTuple's field.</summary>
    long PieceCount { get; }

    /// <summary>Bytes of the pieces in the file.</summary>
    long StoredBytes { get; }

    /// <summary>Bytes of the pieces once decompressed.</summary>
    long UncompressedBytes { get; }

    /// <summary>
    /// The codec and setting that the pieces are stored with, for example <c>zstd 505</c> or <c>none</c>. Reads some bytes of
    /// the file.
    /// </summary>
    string Compression { get; }
}
