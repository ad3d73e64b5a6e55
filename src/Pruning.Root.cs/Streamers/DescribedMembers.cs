using Pruning.Root.Errors;
using Pruning.Root.Sources;

namespace Pruning.Root.Streamers;

/// <summary>
/// Reads an object of a class version that has no code here, member by member as the file's class description says.
/// Numbers are kept by their names, everything else is skipped.
/// </summary>
internal sealed class DescribedMembers(ObjectMap map)
{
    private readonly Dictionary<string, long> _numbers = new(StringComparer.Ordinal);

    /// <summary>A number that was read; 0 where this version has no such member.</summary>
    public long this[string name] => _numbers.GetValueOrDefault(name);

    /// <summary>Reads and keeps a number, or skips a member of another kind.</summary>
    public void Take(ref RootBuffer buffer, StreamerElement element)
    {
        int code = element.Type;
        if (code is > 0 and < 20 and not 7)
            _numbers[element.Name] = ReadNumber(ref buffer, element);
        else if (code is > 20 and < 60 && Width(code % 20) is int width)
            buffer.Skip((int)Math.Min(int.MaxValue, width * Count(ref buffer, element)));
        else
            Skip(ref buffer, element);
    }

    /// <summary>One value of a member: integers of any width, and counts that old versions kept as doubles.</summary>
    public static long ReadNumber(ref RootBuffer buffer, StreamerElement element)
    {
        double real;
        switch (element.Type % 20)
        {
            case 1:
                return (sbyte)buffer.ReadByte();
            case 11 or 18:
                return buffer.ReadByte();
            case 2:
                return buffer.ReadInt16();
            case 12:
                return (ushort)buffer.ReadInt16();
            case 3 or 6:
                return buffer.ReadInt32();
            case 13 or 15:
                return buffer.ReadUInt32();
            case 4 or 14 or 16 or 17:
                return buffer.ReadInt64();
            case 5 or 9 or 19:
                real = BitConverter.Int32BitsToSingle(buffer.ReadInt32());
                break;
            case 8:
                real = buffer.ReadDouble();
                break;
            default:
                throw buffer.Error(RootErrorKind.UnsupportedVersion,
                    $"'{element.Name}' has the type code {element.Type}, which is not a number");
        }
        return double.IsFinite(real) && Math.Abs(real) < 1e18 ? (long)real : 0;
    }

    private long Count(ref RootBuffer buffer, StreamerElement element)
    {
        long dimensions = element.Dimensions.Aggregate(1L, (product, size) => product * size);
        if (element.Type < 40)
            return dimensions;
        bool present = buffer.ReadByte() != 0;
        long count = present ? this[element.CountName] : 0;
        if (count < 0 || count > buffer.Remaining)
            throw buffer.Error(RootErrorKind.CorruptObject,
                $"'{element.Name}' should have {count} values but only {buffer.Remaining} bytes remain");
        return count * dimensions;
    }

    private void Skip(ref RootBuffer buffer, StreamerElement element)
    {
        switch (element.Type)
        {
            case 0 when element.Name == "TObject":
            case 66:
                StreamedBases.SkipObject(ref buffer);
                break;
            case 65:
                buffer.ReadString();
                break;
            case 61 or 62 when element.TypeName is ['T', 'A', 'r', 'r', 'a', 'y', char kind]:
                int count = buffer.ReadInt32();
                int width = kind switch { 'C' => 1, 'S' => 2, 'I' or 'F' => 4, _ => 8 };
                if (count < 0 || count > buffer.Remaining / width)
                    throw buffer.Error(RootErrorKind.CorruptObject,
                        $"an array of {count} values does not fit the {buffer.Remaining} bytes that remain");
                buffer.Skip(count * width);
                break;
            case 64 or 69:
                map.Skip(ref buffer);
                break;
            case 0 or 61 or 62 or 63 or 67 or 68 or 300 or 365 or 500:
                Frame.Skip(ref buffer, element.Type == 0 ? element.Name : element.TypeName);
                break;
            default:
                throw buffer.Error(RootErrorKind.UnsupportedVersion,
                    $"'{element.Name}' has the type code {element.Type}, which cannot be skipped");
        }
    }

    private static int? Width(int code) => code switch
    {
        1 or 11 or 18 => 1,
        2 or 12 => 2,
        3 or 5 or 6 or 9 or 13 or 15 => 4,
        4 or 8 or 14 or 16 or 17 => 8,
        _ => null,
    };
}
