using Pruning.Root.Sources;

namespace Pruning.Root.Streamers;

/// <summary>ROOT's TStreamerElement: one member of a class as the writer stored it.</summary>
/// <param name="Name">Name of the member.</param>
/// <param name="Title">Its comment, which may hold the range of a packed float: <c>[min,max,bits]</c>.</param>
/// <param name="Type">fType: the type code.</param>
/// <param name="TypeName">C++ type.</param>
internal sealed record StreamerElement(string Name, string Title, int Type, string TypeName)
{
    private const int MaxDimensions = 5;

    /// <summary>Constant dimensions; their product is fArrayLength.</summary>
    public IReadOnlyList<int> Dimensions { get; init; } = [];

    /// <summary>fCountName: the member that counts the values of a counted pointer, empty for other members.</summary>
    public string CountName { get; init; } = "";

    /// <summary>Version of a base class, 0 for other members.</summary>
    public int BaseVersion { get; init; }

    /// <summary>Reads an element after its class tag. Members that its class adds are skipped.</summary>
    public static StreamerElement Decode(ref RootBuffer buffer, string className)
    {
        Frame outer = Frame.Open(ref buffer, className);
        if (className == "TStreamerSTLstring") // wraps a whole TStreamerSTL
            Frame.Open(ref buffer, "TStreamerSTL");
        Frame frame = Frame.Open(ref buffer, "TStreamerElement");
        (string name, string title) = StreamedBases.ReadNamed(ref buffer);
        int type = buffer.ReadInt32();
        buffer.Skip(4); // fSize: the writer's sizeof
        int length = buffer.ReadInt32();
        int count = buffer.ReadInt32();
        int[] sizes = new int[MaxDimensions];
        for (int i = 0; i < MaxDimensions; i++)
            sizes[i] = buffer.ReadInt32();
        string typeName = buffer.ReadString();
        frame.Close(ref buffer);
        string countName = "";
        int baseVersion = 0;
        if (className is "TStreamerBasicPointer" or "TStreamerLoop")
        {
            buffer.Skip(4); // fCountVersion
            countName = buffer.ReadString();
        }
        else if (className == "TStreamerBase" && outer.Version >= 3)
        {
            baseVersion = buffer.ReadInt32();
        }
        outer.Close(ref buffer);
        return new StreamerElement(name, title, type, typeName)
        {
            Dimensions = DimensionsOf(length, count, sizes),
            CountName = countName,
            BaseVersion = baseVersion,
        };
    }

    // The sizes if they multiply to the length, else the length alone.
    private static int[] DimensionsOf(int length, int count, int[] sizes)
    {
        if (length <= 0)
            return [];
        long product = 1;
        for (int i = 0; i < count && i < MaxDimensions; i++)
        {
            if (sizes[i] <= 0 || (product *= sizes[i]) > length)
                return [length];
        }
        return product == length && count is > 0 and <= MaxDimensions ? sizes[..count] : [length];
    }
}
