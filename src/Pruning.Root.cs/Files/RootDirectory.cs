using Pruning.Root.Sources;

namespace Pruning.Root.Files;

/// <summary>ROOT's TDirectory as stored: where its list of keys is.</summary>
/// <param name="KeyListBytes">fNbytesKeys.</param>
/// <param name="Seek">fSeekDir: the record of the directory itself.</param>
/// <param name="SeekKeys">fSeekKeys: the record with the keys; 0 when the file was not closed.</param>
internal sealed record RootDirectory(int KeyListBytes, long Seek, long SeekKeys)
{
    /// <summary>Bytes to read for the fields of either width.</summary>
    public const int MaxBytes = 42;

    public static RootDirectory Decode(ref RootBuffer buffer)
    {
        bool wide = buffer.ReadInt16() > 1000;
        buffer.Skip(8); // creation and modification time
        int keyListBytes = buffer.ReadInt32();
        buffer.Skip(4); // fNbytesName
        long seek = buffer.ReadSeek(wide);
        buffer.ReadSeek(wide); // fSeekParent: not reliable
        return new RootDirectory(keyListBytes, seek, buffer.ReadSeek(wide));
    }
}
