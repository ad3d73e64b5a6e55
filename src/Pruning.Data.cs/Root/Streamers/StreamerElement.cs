namespace Pruning.Data.Root;

/// <summary>ROOT's TStreamerElement: one member of a class as the writer stored it.</summary>
/// <param name="Name">Name of the member.</param>
/// <param name="Title">Its comment, which may hold the range of a packed float: <c>[min,max,bits]</c>.</param>
/// <param name="Type">fType: the type code.</param>
/// <param name="TypeName">C++ type.</param>
internal sealed record StreamerElement(string Name, string Title, int Type, string TypeName)
{
    /// <summary>Reads an element behind its class tag; what its class adds is stepped over.</summary>
    public static StreamerElement Decode(ref RootBuffer buffer, string className)
    {
        Frame outer = Frame.Open(ref buffer, className);
        if (className == "TStreamerSTLstring") // wraps a whole TStreamerSTL
            Frame.Open(ref buffer, "TStreamerSTL");
        Frame frame = Frame.Open(ref buffer, "TStreamerElement");
        (string name, string title) = StreamedBases.ReadNamed(ref buffer);
        int type = buffer.ReadInt32();
        buffer.Skip(4 * (3 + 5)); // fSize (the writer's sizeof), fArrayLength, fArrayDim, fMaxIndex
        string typeName = buffer.ReadString();
        frame.Close(ref buffer);
        outer.Close(ref buffer);
        return new StreamerElement(name, title, type, typeName);
    }
}
