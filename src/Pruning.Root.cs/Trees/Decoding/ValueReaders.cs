using Pruning.Root.Columns;
using Pruning.Root.Streamers;

namespace Pruning.Root.Trees.Decoding;

/// <summary>Makes the readers of a shape, and the columns that they fill.</summary>
internal sealed class ValueReaders
{
    private readonly EntryColumns _columns;

    private ValueReaders(EntryColumns columns) => _columns = columns;

    /// <summary>Readers for a shape; its columns are added to <paramref name="columns"/>, always in the same order.</summary>
    public static ValueReader Create(EntryShape shape, EntryColumns columns) => new ValueReaders(columns).Of(shape, "", []);

    private ValueReader Of(EntryShape shape, string field, ListLevel[] levels)
    {
        switch (shape)
        {
            case NumberShape number:
                return NumberOf(number, field, levels);
            case BitsShape:
                return new BitsReader(NumberOf(new NumberShape(ElementEncoding.Plain(RootElementType.UInt32)), field, levels));
            case TextShape text:
                _columns.Columns.Add(new ShapeColumn(field, levels, null, _columns.Texts.Count));
                (GrowingArray<byte> utf8, GrowingArray<int> lengths) = _columns.AddTexts();
                return new TextReader(text.Form, utf8, lengths);
            case ConstantShape constant:
                return new ConstantReader(Of(constant.Item, field, [.. levels, new ListLevel(constant.Length, -1)]), constant.Length);
            case ListShape list:
                return new ListReader(Below(list.Item, field, levels, out GrowingArray<int> counts), Math.Max(1, list.Item.MinBytes),
                    MemberBytes(list.Item), counts);
            case RestShape { Item: CollectionShape { OnlyInColumns: false } column }:
                ValueReader item = Below(column.Body, field, levels, out GrowingArray<int> enveloped);
                return new EnvelopedRestReader(new RestReader(item, enveloped), new RestReader(new ByMemberReader(item), enveloped),
                    ObjectOf(column.Body));
            case RestShape rest:
                return new RestReader(Below(rest.Item, field, levels, out GrowingArray<int> found), found);
            case CollectionShape collection:
                ValueReader body = Of(collection.Body, field, levels);
                return new CollectionReader(body, collection.OnlyInColumns, ObjectOf(collection.Body));
            case ObjectShape instance:
                return new ObjectReader(instance.ClassName, instance.Info, Of(instance.Body, field, levels));
            case RecordShape record:
                return RecordOf(record, field, levels);
            case SkippedShape skipped:
                return new SkippingReader(skipped.Kind);
            default:
                throw new UnsupportedShape($"'{field}' is counted by something that is not a member before it");
        }
    }

    // Smallest number of bytes of an item where a list is stored member by member: members share envelopes there, and base
    // classes have none.
    private static int MemberBytes(EntryShape item)
    {
        EntryShape body = item is ObjectShape instance ? instance.Body : item;
        long least = body is RecordShape record ? record.Members.Sum(ColumnBytes) : body.MinBytes;
        return (int)Math.Clamp(least, 1, int.MaxValue);
    }

    private static long ColumnBytes(ShapeMember member) => member.Shape switch
    {
        CollectionShape column => column.Body.MinBytes,
        ObjectShape { Body: RecordShape body } when member.Name.Length == 0 => body.Members.Sum(ColumnBytes),
        EntryShape other => other.MinBytes,
    };

    // Items that are stored member by member begin with the version of their class, which this reader checks.
    private static ObjectReader? ObjectOf(EntryShape body) => body is ListShape { Item: ObjectShape { Info: not null } item }
        ? new ObjectReader(item.ClassName, item.Info, new SkippingReader(SkippedKind.Identity))
        : null;

    private NumberReader NumberOf(NumberShape number, string field, ListLevel[] levels)
    {
        _columns.Columns.Add(new ShapeColumn(field, levels, number.Encoding, _columns.Numbers.Count));
        return new NumberReader(number.Encoding, _columns.AddNumbers());
    }

    private ValueReader Below(EntryShape item, string field, ListLevel[] levels, out GrowingArray<int> counts)
    {
        var level = new ListLevel(-1, _columns.Counts.Count);
        counts = _columns.AddLevel();
        return Of(item, field, [.. levels, level]);
    }

    private RecordValueReader RecordOf(RecordShape record, string field, ListLevel[] levels)
    {
        var counters = new Dictionary<string, NumberReader>(StringComparer.Ordinal);
        return Members(record, field, levels, counters);
    }

    private RecordValueReader Members(RecordShape record, string field, ListLevel[] levels, Dictionary<string, NumberReader> counters)
    {
        var readers = new ValueReader[record.Members.Count];
        for (int i = 0; i < readers.Length; i++)
        {
            (string name, EntryShape shape) = record.Members[i];
            string inner = name.Length == 0 ? field : field.Length == 0 ? name : $"{field}.{name}";
            readers[i] = shape switch
            {
                CountedShape counted => Counted(counted, inner, levels, counters),
                // A base class: its members may count those of the class itself.
                ObjectShape { Body: RecordShape body } instance when name.Length == 0 =>
                    new BaseReader(instance.ClassName, instance.Info, Members(body, inner, levels, counters)),
                _ => Of(shape, inner, levels),
            };
            bool mayCount = shape is NumberShape { Encoding.Packing: null } number
                && number.Encoding.Type is not (RootElementType.Bool or RootElementType.Float32 or RootElementType.Float64);
            if (mayCount && name.Length > 0)
                counters[name] = (NumberReader)readers[i];
        }
        return new RecordValueReader(readers);
    }

    private CountedReader Counted(CountedShape counted, string field, ListLevel[] levels, Dictionary<string, NumberReader> counters)
    {
        if (!counters.TryGetValue(counted.Counter, out NumberReader? counter))
            throw new UnsupportedShape($"'{field}' is counted by '{counted.Counter}', which is not a number before it");
        return new CountedReader(counted, Below(counted.Item, field, levels, out GrowingArray<int> counts), counter, counts);
    }
}
