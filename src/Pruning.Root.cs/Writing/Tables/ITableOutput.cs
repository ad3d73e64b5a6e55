using Pruning.Root.Files;

namespace Pruning.Root.Writing.Tables;

/// <summary>What a table needs of the file that it is written to.</summary>
internal interface ITableOutput
{
    RootWriteOptions Options { get; }

    /// <summary>Throws when the file is closed.</summary>
    void CheckOpen();

    /// <summary>Saves whole clusters when enough bytes were written since the last checkpoint.</summary>
    void CheckpointIfDue();
}
