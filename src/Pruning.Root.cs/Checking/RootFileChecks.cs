using Pruning.Root.Reading;

namespace Pruning.Root.Checking;

/// <summary>Checks of whole files.</summary>
public static class RootFileChecks
{
    /// <summary>
    /// Reads everything in the file and reports what is damaged or inconsistent, lazily: every record, basket, page,
    /// checksum, offset and count. Takes as long as reading all values. What makes opening impossible is an exception of
    /// <see cref="RootFile.Open"/>.
    /// </summary>
    public static IEnumerable<RootFinding> Check(this RootFile file) => new FileCheck(file).Run();
}
