using System.Buffers.Binary;
using System.Text;
using Pruning.Native.Errors;

namespace Pruning.Native.Posix;

/// <summary>Reads numbers and strings of one ELF file at absolute offsets and cannot run past its end.</summary>
internal readonly ref struct ElfReader(ReadOnlySpan<byte> bytes, string path)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public ushort UInt16(ulong offset) => BinaryPrimitives.ReadUInt16LittleEndian(Take(offset, sizeof(ushort)));

    public uint UInt32(ulong offset) => BinaryPrimitives.ReadUInt32LittleEndian(Take(offset, sizeof(uint)));

    public ulong UInt64(ulong offset) => BinaryPrimitives.ReadUInt64LittleEndian(Take(offset, sizeof(ulong)));

    /// <summary>The zero-terminated string at an offset.</summary>
    public string Text(ulong offset)
    {
        _ = Take(offset, 1);
        ReadOnlySpan<byte> rest = _bytes[(int)offset..];
        int end = rest.IndexOf((byte)0);
        if (end < 0)
            throw Malformed($"the string at byte {offset} has no end");
        return Encoding.UTF8.GetString(rest[..end]);
    }

    public DeviceException Malformed(string what) =>
        new($"{path} is not a readable 64-bit ELF library: {what}; restore the package or the directory that it comes from.");

    private ReadOnlySpan<byte> Take(ulong offset, int count)
    {
        if (offset > (ulong)_bytes.Length || (ulong)count > (ulong)_bytes.Length - offset)
            throw Malformed($"needed {count} bytes at byte {offset} but the file has {_bytes.Length}");
        return _bytes.Slice((int)offset, count);
    }
}
