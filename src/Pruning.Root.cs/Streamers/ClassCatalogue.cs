using Pruning.Root.Errors;
using Pruning.Root.Files;
using Pruning.Root.Sources;

namespace Pruning.Root.Streamers;

/// <summary>The class descriptions of a file. Members of split classes need them; trees of plain numbers do not.</summary>
internal sealed class ClassCatalogue
{
    private readonly Dictionary<string, List<StreamerInfo>> _classes = new(StringComparer.Ordinal);

    /// <summary>Why there are no descriptions; null when there are.</summary>
    public string? Problem { get; private init; }

    /// <summary>The reason why something is not described.</summary>
    public string Missing(string what) => Problem is null ? $"{what} is not described in the file" : $"{what} is not described: {Problem}";

    /// <summary>Reads the descriptions; a file whose descriptions are missing or damaged gives an empty catalogue.</summary>
    public static ClassCatalogue Read(OpenedFile file, RootHeader header)
    {
        if (header.SeekInfo == 0)
            return new ClassCatalogue { Problem = "the file has no class descriptions" };
        try
        {
            return ReadList(file, header);
        }
        catch (RootFormatException e)
        {
            return new ClassCatalogue { Problem = $"the file's class descriptions are damaged: {e.Problem} ({e.Location})" };
        }
    }

    /// <summary>
    /// A member by its number within a class. The checksum distinguishes versions of the class. Null when it is not
    /// described.
    /// </summary>
    public StreamerElement? Member(string className, uint checksum, int version, int id)
    {
        StreamerInfo? found = Find(className, checksum, version);
        return found is not null && id >= 0 && id < found.Elements.Count ? found.Elements[id] : null;
    }

    /// <summary>A class by its checksum, else by its version; null when it is not described.</summary>
    public StreamerInfo? Find(string className, uint checksum, int version)
    {
        List<StreamerInfo> versions = Versions(className);
        return versions.Find(info => info.Checksum == checksum) ?? versions.Find(info => info.Version == version);
    }

    /// <summary>Every described version of a class.</summary>
    public List<StreamerInfo> Versions(string className) => _classes.GetValueOrDefault(className) ?? [];

    private static ClassCatalogue ReadList(OpenedFile file, RootHeader header)
    {
        RootLocation at = new RootLocation(file.Path) with { Byte = header.SeekInfo };
        (RootKey key, byte[] payload) = RecordReader.Read(file, header.SeekInfo, header.InfoBytes, at);
        RootBuffer buffer = RootBuffer.OfPayload(payload, at, key.KeyBytes);
        Frame frame = Frame.Open(ref buffer, "TList");
        StreamedBases.SkipObject(ref buffer);
        buffer.ReadString();
        int count = buffer.ReadInt32();
        var map = new ObjectMap();
        var catalogue = new ClassCatalogue();
        for (int i = 0; i < count; i++)
        {
            ObjectSlot slot = map.Open(ref buffer);
            if (slot.ClassName == "TStreamerInfo")
                catalogue.Add(StreamerInfo.Decode(ref buffer, map));
            else if (slot.ClassName is not null && slot.End < 0)
                throw buffer.Error(RootErrorKind.CorruptObject, $"wanted a TStreamerInfo but found a {slot.ClassName}");
            else if (slot.ClassName is not null)
                buffer.Seek(slot.End); // rules for reading old class versions
            ObjectMap.Close(ref buffer, slot);
            buffer.ReadString(); // option text that lists store with each object
        }
        frame.Close(ref buffer);
        return catalogue;
    }

    private void Add(StreamerInfo info)
    {
        if (!_classes.TryGetValue(info.ClassName, out List<StreamerInfo>? versions))
            _classes[info.ClassName] = versions = [];
        versions.Add(info);
    }
}
