using Pruning.Root.Errors;
using Pruning.Root.Sources;

namespace Pruning.Root.Streamers;

/// <summary>
/// The envelope of a streamed object: byte count and class version. Closing it moves to the end of the object, however
/// much was read, so members that newer writers append are skipped.
/// </summary>
/// <param name="ClassName">For errors.</param>
/// <param name="Version">Class version.</param>
/// <param name="End">Position after the object, or -1 where the writer stored no byte count.</param>
/// <param name="MemberWise">A collection stored column by column.</param>
internal readonly record struct Frame(string ClassName, int Version, int End, bool MemberWise)
{
    private const uint CountMask = 0x40000000;
    private const int MemberWiseMask = 0x4000;

    public static Frame Open(ref RootBuffer buffer, string className)
    {
        int begin = buffer.Position;
        uint word = buffer.ReadUInt32();
        int end = -1;
        if ((word & CountMask) != 0)
        {
            long last = buffer.Position + (long)(word & ~CountMask);
            if (last > buffer.Length)
            {
                buffer.Seek(begin);
                throw buffer.Error(RootErrorKind.CorruptObject,
                    $"{className} claims {word & ~CountMask} bytes but only {buffer.Remaining - 4} remain");
            }
            end = (int)last;
        }
        else
        {
            buffer.Seek(begin);
        }
        int version = buffer.ReadInt16();
        return new Frame(className, version & ~MemberWiseMask, end, (version & MemberWiseMask) != 0);
    }

    /// <summary>Skips an object.</summary>
    public static void Skip(ref RootBuffer buffer, string className)
    {
        Frame frame = Open(ref buffer, className);
        if (frame.End < 0)
            throw buffer.Error(RootErrorKind.CorruptObject, $"{className} has no byte count, so it cannot be skipped");
        frame.Close(ref buffer);
    }

    /// <summary>Moves to the end of the object.</summary>
    public void Close(ref RootBuffer buffer)
    {
        if (End < 0)
            return;
        if (buffer.Position > End)
            throw buffer.Error(RootErrorKind.CorruptObject,
                $"{ClassName} version {Version} is {buffer.Position - End} bytes longer than its byte count");
        buffer.Seek(End);
    }
}
