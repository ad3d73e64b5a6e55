namespace Pruning.Root.Errors;

/// <summary>What is wrong with a ROOT file or with a request.</summary>
public enum RootErrorKind
{
    /// <summary>The file cannot be opened or read: missing, a directory, no permission, a failing disk.</summary>
    Io,

    /// <summary>The file does not start with ROOT's magic bytes, or is too short to hold a header.</summary>
    NotARootFile,

    /// <summary>A field of the file header is impossible.</summary>
    CorruptHeader,

    /// <summary>The file is shorter than its header or one of its records says.</summary>
    Truncated,

    /// <summary>The writer did not close the file: there is no key list.</summary>
    NotClosed,

    /// <summary>A record header (TKey) is impossible.</summary>
    CorruptKey,

    /// <summary>The list of keys of a directory is impossible.</summary>
    CorruptKeyList,

    /// <summary>A directory contains itself, or directories are nested too deep.</summary>
    DirectoryLoop,

    /// <summary>No tree or directory of that name and cycle.</summary>
    ObjectNotFound,

    /// <summary>No branch of that name.</summary>
    BranchNotFound,

    /// <summary>The name belongs to something that is not a tree.</summary>
    WrongClass,

    /// <summary>A class version that this reader does not know.</summary>
    UnsupportedVersion,

    /// <summary>A compression tag that no ROOT version writes.</summary>
    UnknownCompression,

    /// <summary>The sizes of a compressed block do not fit its record.</summary>
    CorruptBlock,

    /// <summary>The codec refused a compressed block, or made another number of bytes than announced.</summary>
    DecompressFailed,

    /// <summary>A stored checksum does not match the bytes.</summary>
    ChecksumMismatch,

    /// <summary>More memory would be needed than <c>RootReadOptions</c> allows.</summary>
    MemoryLimit,

    /// <summary>A streamed object does not fit its byte count, or refers to what is not there.</summary>
    CorruptObject,

    /// <summary>The basket table of a branch is impossible.</summary>
    CorruptBranch,

    /// <summary>Entries belong to a basket that is not in the file.</summary>
    MissingBasket,

    /// <summary>The record that a branch points at is not the basket it should be.</summary>
    WrongBasket,

    /// <summary>Sizes or offsets inside a basket are impossible.</summary>
    CorruptBasket,

    /// <summary>One entry of a basket is impossible.</summary>
    CorruptEntry,

    /// <summary>A counter branch and the branch it counts disagree.</summary>
    InconsistentCounts,

    /// <summary>A branch of a type that this reader does not decode.</summary>
    UnsupportedBranch,

    /// <summary>The baskets of a branch are in another file.</summary>
    ExternalFile,

    /// <summary>A branch was requested as another element type than it has.</summary>
    WrongElementType,

    /// <summary>A value does not fit the requested element type.</summary>
    ValueOutOfRange,

    /// <summary>The description or the pages of an RNTuple contradict themselves.</summary>
    CorruptNtuple,

    /// <summary>An RNTuple that needs a feature which this reader does not know.</summary>
    UnsupportedNtuple,
}
