using Pruning.Root.Errors;
using Pruning.Root.Ntuples.Metadata;

namespace Pruning.Root.Ntuples;

/// <summary>Makes the tree of fields from the lists of the header.</summary>
internal static class NtupleFields
{
    /// <summary>The top-level fields; every field knows its columns and its leaves.</summary>
    public static IReadOnlyList<RootField> Create(RootNtuple ntuple, NtupleSchema schema)
    {
        var fields = new RootField[schema.Fields.Count];
        var top = new List<RootField>();
        for (int id = 0; id < fields.Length; id++)
        {
            FieldRecord record = schema.Fields[id];
            bool isTop = record.Parent == id;
            fields[id] = new RootField(ntuple, record, isTop ? null : fields[record.Parent]);
            if (fields[id].Depth > LeafFinder.MaxDepth)
                throw new RootFormatException(RootErrorKind.UnsupportedNtuple, $"fields are nested deeper than {LeafFinder.MaxDepth}",
                    ntuple.Location with { Field = record.Name });
            if (isTop)
                top.Add(fields[id]);
        }
        Dictionary<int, ColumnFamily> familyOfColumn = AddColumns(schema, fields);
        var aliased = new HashSet<(int Field, ColumnFamily Family)>();
        foreach (AliasColumn alias in schema.Aliases)
        {
            // Every representation of a source has an alias; together they are one column family.
            ColumnFamily family = familyOfColumn[alias.Column];
            if (aliased.Add((alias.Field, family)))
                fields[alias.Field].Add(family);
        }
        var finder = new LeafFinder(ntuple.Location);
        foreach (RootField field in top)
            field.FindLeaves(finder);
        return top;
    }

    // A field has one column (a text has two) in each representation. A cluster uses one representation, so the columns at
    // the same position of all representations form a family.
    private static Dictionary<int, ColumnFamily> AddColumns(NtupleSchema schema, RootField[] fields)
    {
        var familyOfColumn = new Dictionary<int, ColumnFamily>();
        foreach (IGrouping<int, PhysicalColumn> ofField in schema.Columns.GroupBy(column => column.Field))
        {
            PhysicalColumn[][] representations =
                [.. ofField.GroupBy(column => column.Representation).OrderBy(group => group.Key).Select(group => group.ToArray())];
            for (int position = 0; position < representations[0].Length; position++)
            {
                var family =
                    new ColumnFamily([.. representations.Where(columns => columns.Length > position).Select(columns => columns[position])]);
                fields[ofField.Key].Add(family);
                foreach (PhysicalColumn column in family.Columns)
                    familyOfColumn[column.Id] = family;
            }
            // A representation with more columns than the first is of no type that this reader knows.
            foreach (PhysicalColumn column in ofField.Where(column => !familyOfColumn.ContainsKey(column.Id)))
            {
                var family = new ColumnFamily([column]);
                fields[ofField.Key].Add(family);
                familyOfColumn[column.Id] = family;
            }
        }
        return familyOfColumn;
    }
}
