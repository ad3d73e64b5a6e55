using System.IO.Hashing;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;

namespace Pruning.Root.Columns;

/// <summary>
/// A summary of a field that can be compared with another reader's: counts of every level, sums, and a checksum of the
/// values. Columns of consecutive entries are added one by one, so only one of them is in memory. The result does not
/// depend on how the entries were divided.
/// </summary>
public sealed class ColumnSummary
{
    private readonly Crc32 _crc = new();
    private long[] _levelCounts = [];
    private double _sum;
    private double _lost;

    /// <summary>Full name of the branch, or of the RNTuple's top-level field.</summary>
    public string Branch { get; private set; } = "";

    /// <summary>Member within the branch, empty for the branch itself.</summary>
    public string Field { get; private set; } = "";

    /// <summary><c>float32</c>, <c>uint8</c>, <c>bool</c> and so on, or <c>string</c>.</summary>
    public string Kind { get; private set; } = "";

    /// <summary>Entries, then items of each list level, values last.</summary>
    public IReadOnlyList<long> LevelCounts => _levelCounts;

    /// <summary>Entries so far.</summary>
    public long EntryCount => _levelCounts.Length > 0 ? _levelCounts[0] : 0;

    /// <summary>Numbers or texts.</summary>
    public long ValueCount { get; private set; }

    /// <summary>Sum of the finite values (true is 1), computed with compensation (Neumaier).</summary>
    public double Sum => _sum + _lost;

    /// <summary>Values that are NaN or infinite.</summary>
    public long NonFiniteCount { get; private set; }

    /// <summary>Exact sum of integers; null for other kinds.</summary>
    public BigInteger? IntegerSum { get; private set; }

    /// <summary>CRC-32 (zlib's) of the values as little-endian bytes, a bool as one byte; for texts, of their concatenated bytes.</summary>
    public uint Checksum => _crc.GetCurrentHashAsUInt32();

    /// <summary>Characters of all texts (Unicode scalar values; each byte that is not UTF-8 counts as one); null for numbers.</summary>
    public long? CharacterCount { get; private set; }

    /// <summary>Adds the next entries.</summary>
    /// <param name="column">Of the same field as the columns before.</param>
    /// <exception cref="ArgumentException">Another field, type or depth.</exception>
    public void Add(RootColumn column)
    {
        string kind = column is TextColumn ? "string" : NameOf(column);
        long[] counts = [.. column.LevelCounts];
        if (_levelCounts.Length == 0)
            (Branch, Field, Kind, _levelCounts) = (column.Branch, column.Field, kind, new long[counts.Length]);
        if (column.Branch != Branch || column.Field != Field || kind != Kind || counts.Length != _levelCounts.Length)
            throw new ArgumentException(
                $"Cannot add '{column.Branch}' '{column.Field}' ({kind}, {counts.Length} levels) to a summary of '{Branch}' '{Field}' ({Kind}, {_levelCounts.Length} levels): it is another column.", nameof(column));
        for (int level = 0; level < counts.Length; level++)
            _levelCounts[level] += counts[level];
        ValueCount += column.ValueCount;
        if (column is TextColumn)
        {
            CharacterCount = (CharacterCount ?? 0) + CountCharacters(column.ValueBytes);
            _crc.Append(column.ValueBytes);
            return;
        }
        AppendLittleEndian(column.ValueBytes);
        AddNumbers(column);
    }

    private static string NameOf(RootColumn column) => ElementTypeOf(column) switch
    {
        RootElementType.Bool => "bool",
        RootElementType.Int8 => "int8",
        RootElementType.UInt8 => "uint8",
        RootElementType.Int16 => "int16",
        RootElementType.UInt16 => "uint16",
        RootElementType.Int32 => "int32",
        RootElementType.UInt32 => "uint32",
        RootElementType.Int64 => "int64",
        RootElementType.UInt64 => "uint64",
        RootElementType.Float32 => "float32",
        _ => "float64",
    };

    private static RootElementType ElementTypeOf(RootColumn column)
    {
        Type type = column.GetType().GetGenericArguments()[0];
        return RootElementTypes.Of(type)
            ?? throw new ArgumentException($"Cannot summarise a column of {type}: it holds no numbers.", nameof(column));
    }

    private void AppendLittleEndian(ReadOnlySpan<byte> bytes)
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException(
                "Cannot compute the checksum on this machine: it is defined over little-endian bytes, and the machine is big-endian.");
        _crc.Append(bytes);
    }

    private void AddNumbers(RootColumn column)
    {
        ReadOnlySpan<byte> bytes = column.ValueBytes;
        switch (ElementTypeOf(column))
        {
            case RootElementType.Bool:
                long set = 0;
                foreach (byte value in bytes)
                    set += value;
                AddToSum(set);
                break;
            case RootElementType.Int8:
                AddIntegers<sbyte>(bytes);
                break;
            case RootElementType.UInt8:
                AddIntegers<byte>(bytes);
                break;
            case RootElementType.Int16:
                AddIntegers<short>(bytes);
                break;
            case RootElementType.UInt16:
                AddIntegers<ushort>(bytes);
                break;
            case RootElementType.Int32:
                AddIntegers<int>(bytes);
                break;
            case RootElementType.UInt32:
                AddIntegers<uint>(bytes);
                break;
            case RootElementType.Int64:
                AddIntegers<long>(bytes);
                break;
            case RootElementType.UInt64:
                AddIntegers<ulong>(bytes);
                break;
            case RootElementType.Float32:
                AddReals<float>(bytes);
                break;
            default:
                AddReals<double>(bytes);
                break;
        }
    }

    // An array has fewer than 2^63 values below 2^64 each, so an Int128 cannot overflow.
    private void AddIntegers<T>(ReadOnlySpan<byte> bytes)
        where T : unmanaged, IBinaryInteger<T>
    {
        Int128 sum = 0;
        foreach (T value in MemoryMarshal.Cast<byte, T>(bytes))
            sum += Int128.CreateTruncating(value);
        IntegerSum = (IntegerSum ?? BigInteger.Zero) + (BigInteger)sum;
        _sum = (double)IntegerSum.Value;
    }

    private void AddReals<T>(ReadOnlySpan<byte> bytes)
        where T : unmanaged, IFloatingPoint<T>
    {
        foreach (T value in MemoryMarshal.Cast<byte, T>(bytes))
        {
            if (T.IsFinite(value))
                AddToSum(double.CreateTruncating(value));
            else
                NonFiniteCount++;
        }
    }

    // Neumaier 1974: the rounding error of each addition is summed separately.
    private void AddToSum(double value)
    {
        double sum = _sum + value;
        _lost += Math.Abs(_sum) >= Math.Abs(value) ? _sum - sum + value : value - sum + _sum;
        _sum = sum;
    }

    private static long CountCharacters(ReadOnlySpan<byte> bytes)
    {
        long count = 0;
        while (!bytes.IsEmpty)
        {
            bool valid = Rune.DecodeFromUtf8(bytes, out _, out int consumed) == System.Buffers.OperationStatus.Done;
            count += valid ? 1 : consumed;
            bytes = bytes[consumed..];
        }
        return count;
    }
}
