using System.Globalization;
using Pruning.Root.Errors;
using Pruning.Root.Sources;

namespace Pruning.Root.Files;

/// <summary>A key and its public description.</summary>
internal sealed record ListedKey(RootKey Key, RootEntry Entry);

/// <summary>The objects of all directories of a file.</summary>
internal sealed class DirectoryTree
{
    private const int MaxDepth = 64;

    private readonly List<ListedKey> _keys = [];

    private DirectoryTree()
    {
    }

    /// <summary>Every object; a directory precedes its contents.</summary>
    public IReadOnlyList<RootEntry> Entries => [.. _keys.Select(key => key.Entry)];

    /// <summary>The same objects with their keys.</summary>
    public IReadOnlyList<ListedKey> Keys => _keys;

    /// <summary>Where the last description of a tree or RNTuple begins; 0 for none.</summary>
    public long LastTable => _keys.Where(key => key.Entry.IsTable).Select(key => key.Key.Seek).DefaultIfEmpty().Max();

    public static DirectoryTree Read(OpenedFile file, RootHeader header)
    {
        var tree = new DirectoryTree();
        var at = new RootLocation(file.Path);
        RootDirectory top = ReadDirectory(file, header.Begin + header.NameBytes, at);
        if (top.SeekKeys == 0)
        {
            RootLocation place = at with { Byte = header.Begin + header.NameBytes };
            throw new RootFormatException(
                RootErrorKind.NotClosed, "the file has no list of keys because its writer did not close it", place,
                $"Write it again, or open it with {nameof(RootReadOptions.Recover)} (on the command line: inspect --recover) to read what it holds.");
        }

        tree.Walk(file, header, top, "", [], at);
        return tree;
    }

    /// <summary>The keys that were found in a file whose lists are missing.</summary>
    public static DirectoryTree Of(IEnumerable<ListedKey> keys)
    {
        var tree = new DirectoryTree();
        tree._keys.AddRange(keys);
        return tree;
    }

    /// <summary>The newest key of a path, or the key of the cycle after its semicolon; null when there is none.</summary>
    public ListedKey? Find(string name)
    {
        int? cycle = CycleOf(name);
        string path = WithoutCycle(name);
        ListedKey? best = null;
        foreach (ListedKey key in _keys)
        {
            if (key.Entry.Path == path && (cycle is null || cycle == key.Entry.Cycle)
                && (best is null || key.Entry.Cycle > best.Entry.Cycle))
                best = key;
        }
        return best;
    }

    /// <summary>The path without <c>;7</c> and without slashes around it.</summary>
    public static string WithoutCycle(string name) => (CycleOf(name) is null ? name : name[..name.LastIndexOf(';')]).Trim('/');

    private static int? CycleOf(string name)
    {
        int at = name.LastIndexOf(';');
        return at >= 0 && int.TryParse(name.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int cycle) ? cycle : null;
    }

    private static RootDirectory ReadDirectory(OpenedFile file, long seek, RootLocation at)
    {
        if (seek <= 0 || seek >= file.Length)
            throw new RootFormatException(RootErrorKind.CorruptKey,
                $"a directory should be at byte {seek}, outside of the file's {file.Length} bytes", at with { Byte = seek });
        Span<byte> fields = stackalloc byte[RootDirectory.MaxBytes];
        fields = fields[..(int)Math.Min(fields.Length, file.Length - seek)];
        file.Source.Read(seek, fields, at);
        RootBuffer buffer = RootBuffer.OfFile(fields, at with { Byte = seek });
        return RootDirectory.Decode(ref buffer);
    }

    private void Walk(OpenedFile file, RootHeader header, RootDirectory directory, string above, HashSet<long> seen, RootLocation at,
        int depth = 0)
    {
        if (!seen.Add(directory.SeekKeys) || depth > MaxDepth)
            throw new RootFormatException(RootErrorKind.DirectoryLoop,
                $"directory '{above}' contains itself, or is nested deeper than {MaxDepth}", at with { Byte = directory.SeekKeys });
        foreach (RootKey key in ReadKeys(file, directory, at))
        {
            string path = above.Length == 0 ? key.Name : $"{above}/{key.Name}";
            var entry = new RootEntry(path, key.ClassName, key.Title, key.Cycle, key.ObjectBytes, key.RecordBytes);
            _keys.Add(new ListedKey(key, entry));
            if (!entry.IsDirectory)
                continue;
            RootDirectory inner = ReadDirectory(file, key.Seek + key.KeyBytes, at);
            if (inner.SeekKeys != 0) // 0: nothing was ever written into it
                Walk(file, header, inner, path, seen, at, depth + 1);
        }
    }

    private static List<RootKey> ReadKeys(OpenedFile file, RootDirectory directory, RootLocation at)
    {
        byte[] record = RecordReader.ReadBytes(file, directory.SeekKeys, directory.KeyListBytes, at);
        RootBuffer buffer = RootBuffer.OfFile(record, at with { Byte = directory.SeekKeys });
        RootKey.Decode(ref buffer); // of the list itself; its class name varies
        int count = buffer.ReadInt32();
        if (count < 0 || count > buffer.Remaining / (RootKey.MinBytes - 3))
            throw buffer.Error(RootErrorKind.CorruptKeyList,
                $"a list of {count} keys does not fit the {buffer.Remaining} bytes that remain");
        var keys = new List<RootKey>(count);
        for (int i = 0; i < count; i++)
            keys.Add(RootKey.Decode(ref buffer)); // the parsed length counts: some writers store a key length that is wrong by 4 here
        return keys;
    }
}
