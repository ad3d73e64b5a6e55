using Pruning.Root.Errors;
using Pruning.Root.Sources;

namespace Pruning.Root.Streamers;

/// <summary>The base classes that start most streamed objects.</summary>
internal static class StreamedBases
{
    /// <summary>Bit of an object that others refer to: two bytes with the process number follow the bits.</summary>
    public const uint IsReferenced = 0x10;

    private const int CountBit = 0x4000;

    /// <summary>Skips a TObject: identity and bits.</summary>
    public static void SkipObject(ref RootBuffer buffer)
    {
        int begin = buffer.Position;
        if ((buffer.ReadInt16() & CountBit) != 0) // a byte count came first
        {
            buffer.Seek(begin + 4);
            buffer.ReadInt16();
        }
        buffer.Skip(4); // fUniqueID
        if ((buffer.ReadUInt32() & IsReferenced) != 0)
            buffer.Skip(2); // number of the process
    }

    /// <summary>TNamed: name and title.</summary>
    public static (string Name, string Title) ReadNamed(ref RootBuffer buffer)
    {
        Frame frame = Frame.Open(ref buffer, "TNamed");
        SkipObject(ref buffer);
        string name = buffer.ReadString();
        string title = buffer.ReadString();
        frame.Close(ref buffer);
        return (name, title);
    }

    /// <summary>Skips a TNamed and returns the positions of its name and its title.</summary>
    public static (int Name, int Title) WalkNamed(ref RootBuffer buffer)
    {
        Frame frame = Frame.Open(ref buffer, "TNamed");
        SkipObject(ref buffer);
        int name = buffer.Position;
        buffer.ReadStringBytes();
        int title = buffer.Position;
        buffer.ReadStringBytes();
        frame.Close(ref buffer);
        return (name, title);
    }

    /// <summary>Opens a TObjArray; its slots follow.</summary>
    public static (Frame Frame, int Count) OpenArray(ref RootBuffer buffer)
    {
        Frame frame = Frame.Open(ref buffer, "TObjArray");
        SkipObject(ref buffer);
        buffer.ReadStringBytes();
        int count = buffer.ReadInt32();
        buffer.Skip(4); // lower bound
        if (count < 0 || count > buffer.Remaining / 4)
            throw buffer.Error(RootErrorKind.CorruptObject,
                $"a list of {count} objects does not fit the {buffer.Remaining} bytes that remain");
        return (frame, count);
    }
}
