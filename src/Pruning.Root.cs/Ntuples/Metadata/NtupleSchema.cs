using Pruning.Root.Ntuples.Encoding;

namespace Pruning.Root.Ntuples.Metadata;

/// <summary>What a field does in the tree of fields.</summary>
internal enum FieldRole
{
    Leaf,
    Collection,
    Record,
    Variant,
    Streamer,
}

/// <summary>A field as the header describes it.</summary>
/// <param name="Parent">Id of the field above; its own id at the top.</param>
/// <param name="Role">Role; numbers beyond the known ones are kept.</param>
/// <param name="Name">Name.</param>
/// <param name="TypeName">C++ type.</param>
/// <param name="TypeAlias">Another spelling of the type, or empty.</param>
/// <param name="Description">Given by the writer.</param>
/// <param name="Repetition">Elements of an array of constant length, null for other fields.</param>
/// <param name="IsProjected">Shows another field's columns.</param>
/// <param name="Problem">Why the field cannot be read, or null.</param>
internal sealed record FieldRecord(int Parent, FieldRole Role, string Name, string TypeName, string TypeAlias, string Description,
    ulong? Repetition, bool IsProjected, string? Problem)
{
    /// <summary>Bytes of a record with empty texts.</summary>
    public const int MinBytes = NtupleBuffer.RecordHeaderBytes + (3 * sizeof(uint)) + (2 * sizeof(ushort)) + (4 * sizeof(uint));

    private const int RepetitiveFlag = 1;
    private const int ProjectedFlag = 2;
    private const int ChecksumFlag = 4;

    public static FieldRecord Decode(ref NtupleBuffer list, int id)
    {
        NtupleBuffer buffer = list.OpenRecord("a field");
        buffer.Take(2 * sizeof(uint)); // versions of the field and of its type
        uint parent = buffer.ReadUInt32();
        // A field follows the field that contains it, so there are no circles.
        if (parent > id)
            throw buffer.Error($"field {id} is inside of field {parent}, which comes after it");
        int role = buffer.ReadUInt16();
        int flags = buffer.ReadUInt16();
        string name = buffer.ReadString();
        string typeName = buffer.ReadString();
        string typeAlias = buffer.ReadString();
        string description = buffer.ReadString();
        ulong? repetition = (flags & RepetitiveFlag) != 0 ? buffer.ReadUInt64() : null;
        if ((flags & ProjectedFlag) != 0)
            buffer.Take(sizeof(uint)); // the source field: alias columns name the columns themselves
        if ((flags & ChecksumFlag) != 0)
            buffer.Take(sizeof(uint));
        int unknown = flags & ~(RepetitiveFlag | ProjectedFlag | ChecksumFlag);
        string? problem = unknown != 0 ? $"it has a flag that this reader does not know ({unknown:x})"
            : role > (int)FieldRole.Streamer ? $"its structural role {role} is unknown"
            : null;
        return new FieldRecord((int)parent, (FieldRole)role, name, typeName, typeAlias, description, repetition,
            (flags & ProjectedFlag) != 0, problem);
    }
}

/// <summary>A column as the header describes it.</summary>
/// <param name="Id">Index among all physical columns.</param>
/// <param name="Field">Id of its field.</param>
/// <param name="Representation">Which of the encodings that a field may have in turn.</param>
/// <param name="Encoding">Null when the type is unknown.</param>
/// <param name="Problem">Why the column cannot be read, or null.</param>
/// <param name="FirstElement">Elements before it were never written and are zero; 0 for most.</param>
/// <param name="IsDeferred">Added to a schema after entries had been written.</param>
internal sealed record PhysicalColumn(int Id, int Field, int Representation, ColumnEncoding? Encoding, string? Problem, ulong FirstElement,
    bool IsDeferred)
{
    /// <summary>Bytes of the shortest record.</summary>
    public const int MinBytes = NtupleBuffer.RecordHeaderBytes + (4 * sizeof(ushort)) + sizeof(uint);

    private const int DeferredFlag = 1;
    private const int RangeFlag = 2;

    public static PhysicalColumn Decode(ref NtupleBuffer list, int id, int fieldCount)
    {
        NtupleBuffer buffer = list.OpenRecord("a column");
        int type = buffer.ReadUInt16();
        int bits = buffer.ReadUInt16();
        uint field = buffer.ReadUInt32();
        if (field >= fieldCount)
            throw buffer.Error($"column {id} belongs to field {field} of {fieldCount}");
        int flags = buffer.ReadUInt16();
        int representation = buffer.ReadUInt16();
        bool deferred = (flags & DeferredFlag) != 0;
        long first = deferred ? buffer.ReadInt64() : 0;
        (double, double)? range = (flags & RangeFlag) != 0 ? (buffer.ReadDouble(), buffer.ReadDouble()) : null;
        (ColumnEncoding? encoding, string? problem) = ColumnEncoding.Of(type, bits, range);
        if ((flags & ~(DeferredFlag | RangeFlag)) != 0)
            problem = $"its column has a flag that this reader does not know ({flags:x})";
        // A negative index says that this representation was not the first that was used.
        return new PhysicalColumn(id, (int)field, representation, encoding, problem, (ulong)Int128.Abs(first), deferred);
    }
}

/// <summary>A column of a projected field: another field's.</summary>
internal readonly record struct AliasColumn(int Column, int Field)
{
    public const int MinBytes = NtupleBuffer.RecordHeaderBytes + (2 * sizeof(uint));
}

/// <summary>Fields and columns of an RNTuple: the header's, and what the footer adds.</summary>
internal sealed class NtupleSchema
{
    private const int ExtraTypeBytes = NtupleBuffer.RecordHeaderBytes + (2 * sizeof(uint)) + sizeof(uint);

    public List<FieldRecord> Fields { get; } = [];

    public List<PhysicalColumn> Columns { get; } = [];

    public List<AliasColumn> Aliases { get; } = [];

    /// <summary>Reads the four lists of a description; ids go on where the last description ended.</summary>
    public void Decode(ref NtupleBuffer buffer)
    {
        NtupleBuffer fields = buffer.OpenList("fields", FieldRecord.MinBytes, out int fieldCount);
        for (int i = 0; i < fieldCount; i++)
            Fields.Add(FieldRecord.Decode(ref fields, Fields.Count));
        NtupleBuffer columns = buffer.OpenList("columns", PhysicalColumn.MinBytes, out int columnCount);
        for (int i = 0; i < columnCount; i++)
            Columns.Add(PhysicalColumn.Decode(ref columns, Columns.Count, Fields.Count));
        NtupleBuffer aliases = buffer.OpenList("alias columns", AliasColumn.MinBytes, out int aliasCount);
        for (int i = 0; i < aliasCount; i++)
        {
            NtupleBuffer alias = aliases.OpenRecord("an alias column");
            uint column = alias.ReadUInt32();
            uint field = alias.ReadUInt32();
            if (column >= Columns.Count || field >= Fields.Count)
                throw alias.Error($"an alias joins column {column} of {Columns.Count} and field {field} of {Fields.Count}");
            Aliases.Add(new AliasColumn((int)column, (int)field));
        }
        buffer.OpenList("type descriptions", ExtraTypeBytes, out _); // only streamer fields need them
    }
}
