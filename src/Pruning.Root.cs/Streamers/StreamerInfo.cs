using Pruning.Root.Sources;

namespace Pruning.Root.Streamers;

/// <summary>ROOT's TStreamerInfo: the members of one version of a class, in the order in which they are stored.</summary>
/// <param name="ClassName">Name of the class.</param>
/// <param name="Checksum">fCheckSum.</param>
/// <param name="Version">fClassVersion.</param>
/// <param name="Elements">Base classes and members; branches refer to them by index.</param>
internal sealed record StreamerInfo(string ClassName, uint Checksum, int Version, IReadOnlyList<StreamerElement?> Elements)
{
    /// <summary>Reads a description after its class tag.</summary>
    public static StreamerInfo Decode(ref RootBuffer buffer, ObjectMap map)
    {
        Frame frame = Frame.Open(ref buffer, "TStreamerInfo");
        (string name, _) = StreamedBases.ReadNamed(ref buffer);
        uint checksum = buffer.ReadUInt32();
        int version = buffer.ReadInt32();
        var elements = new List<StreamerElement?>();
        ObjectSlot list = map.Open(ref buffer);
        if (list.ClassName == "TObjArray")
        {
            (Frame array, int count) = StreamedBases.OpenArray(ref buffer);
            for (int i = 0; i < count; i++)
            {
                ObjectSlot slot = map.Open(ref buffer);
                bool known = slot.ClassName?.StartsWith("TStreamer", StringComparison.Ordinal) == true;
                elements.Add(known ? StreamerElement.Decode(ref buffer, slot.ClassName!) : null);
                ObjectMap.Close(ref buffer, slot);
            }
            array.Close(ref buffer);
        }
        ObjectMap.Close(ref buffer, list);
        frame.Close(ref buffer);
        return new StreamerInfo(name, checksum, version, elements);
    }
}
