using Pruning.Root.Writing;
using Pruning.Root.Writing.Ntuples;
using Pruning.Root.Writing.Trees;

namespace Pruning.Data.Tracksters;

/// <summary>How ROOT stores the tables of a prepared file.</summary>
public enum TableFormat
{
    /// <summary>TTree: every ROOT since the last century reads it.</summary>
    Tree,

    /// <summary>RNTuple: ROOT 6.34 and newer.</summary>
    Ntuple,
}

/// <summary>
/// One table of a prepared file that is being written, in either format: columns, each with the part of a batch that it
/// takes. All lists of a table have the same lengths.
/// </summary>
internal abstract class PreparedTable
{
    /// <summary>Begins a table.</summary>
    /// <param name="file">The file.</param>
    /// <param name="format">How it is stored.</param>
    /// <param name="name">Its name.</param>
    /// <param name="title">What it holds.</param>
    public static PreparedTable Create(RootFileWriter file, TableFormat format, string name, string title) => format switch
    {
        TableFormat.Ntuple => new PreparedNtuple(file.CreateNtuple(name, title)),
        _ => new PreparedTree(file.CreateTree(name, title)),
    };

    /// <summary>Says how long the lists are; comes before all of them.</summary>
    /// <param name="counter">Name of the branch that counts them, where the format has one.</param>
    /// <param name="offsets">[entries + 1] where the lists begin.</param>
    public abstract void Count(string counter, Func<TracksterBatch, ReadOnlyMemory<long>> offsets);

    /// <summary>Adds a column of lists.</summary>
    public abstract void List<T>(string name, Func<TracksterBatch, ReadOnlyMemory<T>> values)
        where T : unmanaged;

    /// <summary>Adds a column of numbers.</summary>
    public abstract void Number<T>(string name, Func<TracksterBatch, ReadOnlyMemory<T>> values)
        where T : unmanaged;

    /// <summary>Refuses what <see cref="Append"/> would refuse, and writes nothing.</summary>
    public abstract void Check(TracksterBatch batch);

    /// <summary>Adds the entries of a batch.</summary>
    public abstract void Append(TracksterBatch batch);

    private sealed class PreparedTree(TreeWriter tree) : PreparedTable
    {
        private readonly List<Func<TracksterBatch, BranchData>> _columns = [];
        private CounterGroup? _lists;

        public override void Count(string counter, Func<TracksterBatch, ReadOnlyMemory<long>> offsets)
        {
            CounterGroup lists = tree.Counter(counter);
            _columns.Add(batch => lists.Lists(offsets(batch)));
            _lists = lists;
        }

        public override void List<T>(string name, Func<TracksterBatch, ReadOnlyMemory<T>> values)
        {
            JaggedBranch<T> branch = _lists!.Jagged<T>(name);
            _columns.Add(batch => branch.Values(values(batch)));
        }

        public override void Number<T>(string name, Func<TracksterBatch, ReadOnlyMemory<T>> values)
        {
            FlatBranch<T> branch = tree.Flat<T>(name);
            _columns.Add(batch => branch.Values(values(batch)));
        }

        public override void Check(TracksterBatch batch) => tree.Check(Data(batch));

        public override void Append(TracksterBatch batch) => tree.Append(Data(batch));

        private BranchData[] Data(TracksterBatch batch) => [.. _columns.Select(column => column(batch))];
    }

    private sealed class PreparedNtuple(NtupleWriter ntuple) : PreparedTable
    {
        private readonly List<Func<TracksterBatch, NtupleData>> _columns = [];
        private Func<TracksterBatch, ReadOnlyMemory<long>>? _offsets;

        // Every field of lists has their ends; in the file they are one copy.
        public override void Count(string counter, Func<TracksterBatch, ReadOnlyMemory<long>> offsets) => _offsets = offsets;

        public override void List<T>(string name, Func<TracksterBatch, ReadOnlyMemory<T>> values)
        {
            Func<TracksterBatch, ReadOnlyMemory<long>> offsets = _offsets!;
            NumberFieldWriter<T> field = ntuple.Field<T>(name, lists: 1);
            _columns.Add(batch => field.List(offsets(batch), values(batch)));
        }

        public override void Number<T>(string name, Func<TracksterBatch, ReadOnlyMemory<T>> values)
        {
            NumberFieldWriter<T> field = ntuple.Field<T>(name);
            _columns.Add(batch => field.Values(values(batch)));
        }

        public override void Check(TracksterBatch batch) => ntuple.Check(Data(batch));

        public override void Append(TracksterBatch batch) => ntuple.Append(Data(batch));

        private NtupleData[] Data(TracksterBatch batch) => [.. _columns.Select(column => column(batch))];
    }
}
