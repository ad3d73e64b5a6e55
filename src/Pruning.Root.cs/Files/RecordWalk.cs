using System.Buffers.Binary;
using Pruning.Root.Errors;
using Pruning.Root.Sources;

namespace Pruning.Root.Files;

/// <summary>
/// Walks from record to record through a file whose lists cannot be used, and keeps the keys that directories would list.
/// It stops at the first record that is cut or invalid.
/// </summary>
internal sealed class RecordWalk
{
    private const int UsualKeyBytes = 1024;
    private const int KeyBytesAt = 14;
    private const int MaxDepth = 64;

    private readonly Dictionary<long, string> _directories = [];
    private readonly Dictionary<string, ListedKey> _found = new(StringComparer.Ordinal);

    private RecordWalk()
    {
    }

    /// <summary>Directories and objects. Of equal names and cycles, the last in the file.</summary>
    public IEnumerable<ListedKey> Keys => _found.Values;

    /// <summary>The newest list of class descriptions.</summary>
    public RootKey? Descriptions { get; private set; }

    /// <summary>Byte after the last complete record.</summary>
    public long End { get; private set; }

    /// <summary>Where the last complete description of a tree or RNTuple begins; 0 for none.</summary>
    public long LastTable { get; private set; }

    public static RecordWalk Through(OpenedFile file, RootHeader header)
    {
        var walk = new RecordWalk();
        walk._directories[header.Begin] = "";
        long at = header.Begin;
        byte[] start = new byte[UsualKeyBytes];
        while (at <= file.Length - RootKey.MinBytes + 3)
        {
            ReadOnlySpan<byte> bytes = ReadStart(file, at, ref start);
            int size = BinaryPrimitives.ReadInt32BigEndian(bytes);
            if (size is 0 or int.MinValue || Math.Abs((long)size) > file.Length - at)
                break;
            if (size > 0 && !walk.TryAdd(bytes, at, file.Path))
                break;
            at += Math.Abs((long)size); // less than 0: a gap
        }
        walk.End = Math.Min(at, file.Length);
        return walk;
    }

    // The key and the first bytes after it. Names may be long; a key has fewer than 2^15 bytes.
    private static ReadOnlySpan<byte> ReadStart(OpenedFile file, long at, ref byte[] start)
    {
        while (true)
        {
            Span<byte> bytes = start.AsSpan(0, (int)Math.Min(start.Length, file.Length - at));
            file.Source.Read(at, bytes, new RootLocation(file.Path) with { Byte = at });
            int keyBytes = BinaryPrimitives.ReadInt16BigEndian(bytes[KeyBytesAt..]);
            if (keyBytes + sizeof(short) <= start.Length)
                return bytes;
            start = new byte[short.MaxValue + sizeof(short)];
        }
    }

    private bool TryAdd(ReadOnlySpan<byte> bytes, long at, string path)
    {
        RootKey key;
        try
        {
            RootBuffer buffer = RootBuffer.OfFile(bytes, new RootLocation(path) with { Byte = at });
            key = RootKey.Decode(ref buffer);
        }
        catch (RootFormatException)
        {
            return false;
        }
        if (key.Seek != at)
            return false;
        if (key is { ClassName: "TList", Name: "StreamerInfo" })
            Descriptions = key;
        else if (IsListed(key, bytes) && _directories.TryGetValue(key.ParentSeek, out string? directory))
            Add(key, directory);
        return true;
    }

    // Baskets and the file's own records are in no list. A directory's list of keys looks like a directory, but begins
    // with a number of keys where a directory has its version.
    private static bool IsListed(RootKey key, ReadOnlySpan<byte> bytes) => key.ClassName switch
    {
        "TBasket" or "" or "TFile" or "RBlob" => false,
        "TDirectory" or "TDirectoryFile" => bytes.Length >= key.KeyBytes + sizeof(short)
            && BinaryPrimitives.ReadInt16BigEndian(bytes[key.KeyBytes..]) != 0,
        _ => true,
    };

    private void Add(RootKey key, string directory)
    {
        string path = directory.Length == 0 ? key.Name : $"{directory}/{key.Name}";
        var entry = new RootEntry(path, key.ClassName, key.Title, key.Cycle, key.ObjectBytes, key.RecordBytes);
        if (entry.IsDirectory && path.Count(letter => letter == '/') < MaxDepth)
            _directories.TryAdd(key.Seek, path);
        if (entry.IsTable)
            LastTable = key.Seek;
        _found[$"{path};{key.Cycle}"] = new ListedKey(key, entry);
    }
}
