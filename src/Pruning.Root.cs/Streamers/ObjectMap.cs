using Pruning.Root.Errors;
using Pruning.Root.Sources;

namespace Pruning.Root.Streamers;

/// <summary>One slot of a list or pointer member: nothing, a reference to an earlier object, or an object.</summary>
/// <param name="Reference">The number by which references name this object, or the object that a reference names; 0 for nothing.</param>
/// <param name="ClassName">Class of the object that follows, null when none does.</param>
/// <param name="End">Position after the object, -1 where no byte count was stored.</param>
internal readonly record struct ObjectSlot(long Reference, string? ClassName, int End);

/// <summary>
/// The class names of one record by their position: writers store each name once and refer to it afterwards. References
/// to objects work the same way, and an object is decoded at its position when it is needed.
/// </summary>
internal sealed class ObjectMap
{
    private const uint CountMask = 0x40000000;
    private const uint NewClass = 0xFFFFFFFF;
    private const uint ClassMask = 0x80000000;
    private const int Offset = 2; // ROOT's positions in the map are shifted by two

    private readonly Dictionary<long, string> _classes = [];

    /// <summary>The file's class descriptions, for objects of class versions without code here.</summary>
    public Func<ClassCatalogue>? Classes { get; init; }

    /// <summary>The description of a class version; null when there is none.</summary>
    public StreamerInfo? TryDescribe(string className, int version) =>
        Classes?.Invoke().Versions(className).Find(info => info.Version == version);

    /// <summary>As <see cref="TryDescribe"/>.</summary>
    /// <exception cref="RootFormatException">The file does not describe it.</exception>
    public StreamerInfo Describe(ref RootBuffer buffer, string className, int version) =>
        TryDescribe(className, version) ?? throw buffer.Error(RootErrorKind.UnsupportedVersion, Unknown(className, version));

    /// <summary>The reason for a version that neither the code nor the file describes.</summary>
    public static string Unknown(string className, int version) =>
        $"{className} version {version} is unknown, and the file does not describe it";

    /// <summary>Reads the tag of a slot; the body of a new object follows.</summary>
    public ObjectSlot Open(ref RootBuffer buffer)
    {
        long begin = buffer.KeyRelative;
        int end = -1;
        uint tag = buffer.ReadUInt32();
        long tagAt = begin;
        if (tag != NewClass && (tag & CountMask) != 0)
        {
            uint count = tag & ~CountMask;
            if (count > buffer.Remaining)
                throw buffer.Error(RootErrorKind.CorruptObject, $"an object claims {count} bytes but only {buffer.Remaining} remain");
            end = buffer.Position + (int)count;
            tagAt = buffer.KeyRelative;
            tag = buffer.ReadUInt32();
        }
        if (tag == 0)
            return new ObjectSlot(0, null, end);
        if ((tag & ClassMask) == 0)
            return new ObjectSlot(tag, null, end);
        if (tag == NewClass)
        {
            if (!_classes.TryGetValue(tagAt + Offset, out string? name))
                _classes[tagAt + Offset] = name = buffer.ReadTerminatedString();
            else
                buffer.Skip(name.Length + 1);
            return new ObjectSlot(begin + Offset, name, end);
        }
        return _classes.TryGetValue(tag & ~ClassMask, out string? known)
            ? new ObjectSlot(begin + Offset, known, end)
            : throw buffer.Error(RootErrorKind.CorruptObject,
                $"an object refers to a class name at byte {tag & ~ClassMask} of the record, where there is none");
    }

    /// <summary>Moves past the object of a slot.</summary>
    public static void Close(ref RootBuffer buffer, ObjectSlot slot)
    {
        if (slot.End < 0)
            return;
        if (buffer.Position > slot.End)
            throw buffer.Error(RootErrorKind.CorruptObject,
                $"{slot.ClassName} is {buffer.Position - slot.End} bytes longer than its byte count");
        buffer.Seek(slot.End);
    }

    /// <summary>Skips a slot and the object in it.</summary>
    public void Skip(ref RootBuffer buffer)
    {
        ObjectSlot slot = Open(ref buffer);
        if (slot.ClassName is null)
            return;
        if (slot.End < 0)
            throw buffer.Error(RootErrorKind.CorruptObject, $"a {slot.ClassName} has no byte count, so it cannot be skipped");
        buffer.Seek(slot.End);
    }
}
