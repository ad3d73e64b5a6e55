namespace Pruning.Root.Files;

/// <summary>One object of a file, as the directories list it.</summary>
/// <param name="Path">Directories and name joined by <c>/</c>, without the cycle.</param>
/// <param name="ClassName">C++ class, for example <c>TTree</c>.</param>
/// <param name="Title">Title given by the writer.</param>
/// <param name="Cycle">Version of the object in the file; higher is newer.</param>
/// <param name="ObjectBytes">Bytes of the object once decompressed; of a tree, its description without the baskets.</param>
/// <param name="StoredBytes">Bytes of the record in the file, header included.</param>
public sealed record RootEntry(string Path, string ClassName, string Title, int Cycle, long ObjectBytes, long StoredBytes)
{
    /// <summary>True for the classes that <c>RootFile.Tree</c> opens.</summary>
    public bool IsTree => ClassName is "TTree" or "TNtuple" or "TNtupleD" or "TChain";

    /// <summary>True for the class that <c>RootFile.Ntuple</c> opens.</summary>
    public bool IsNtuple => ClassName is "ROOT::RNTuple";

    /// <summary>True for the classes that <c>RootFile.Table</c> opens.</summary>
    public bool IsTable => IsTree || IsNtuple;

    /// <summary>True for directories.</summary>
    public bool IsDirectory => ClassName is "TDirectory" or "TDirectoryFile";
}
