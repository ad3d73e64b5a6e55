using Pruning.Root.Writing;
using Pruning.Root.Writing.Trees;

namespace Pruning.Data.Ticl;

/// <summary>The flat tree of HGCAL NanoAOD.</summary>
internal static class WrittenNano
{
    public static WrittenTree Create(RootFileWriter file, TiclFormat format, IReadOnlyList<string> collections)
    {
        WrittenTree tree = new(file.CreateTree(TiclContents.FlatTree, "Events"));
        FlatBranch<uint> run = tree.Writer.Flat<uint>(TiclSchema.EventNumbers[0]);
        FlatBranch<uint> lumi = tree.Writer.Flat<uint>(TiclSchema.EventNumbers[1]);
        FlatBranch<ulong> number = tree.Writer.Flat<ulong>(TiclSchema.EventNumbers[2]);
        tree.Add(block => run.Values(block.Events.Run));
        tree.Add(block => lumi.Values(block.Events.Lumi));
        tree.Add(block => number.Values(Array.ConvertAll(block.Events.Event, static value => (ulong)value)));
        AddClusters(tree, format.LayerClusters[0]);
        for (int i = 0; i < collections.Count; i++)
        {
            int which = i;
            AddTracksters(tree, collections[i], block => block.Vertices(which), block => block.Multiplicity(which), null);
            AddLinks(tree, collections[i], which, TiclTruth.CaloParticle);
            AddLinks(tree, collections[i], which, TiclTruth.SimCluster);
        }

        AddSimulated(tree, format.CaloParticles[0], block => block.CaloParticles);
        AddSimulated(tree, format.SimClusters[0], block => block.SimClusters);
        return tree;
    }

    private static void AddClusters(WrittenTree tree, string table)
    {
        CounterGroup group = tree.Writer.Counter("n" + table);
        tree.Add(block => group.Lists(block.Clusters.X.Offsets));
        (string Name, Func<TiclClusters, ListValues<float>> Column)[] real =
        [
            ("energy", one => one.Energy), ("position_x", one => one.X), ("position_y", one => one.Y), ("position_z", one => one.Z),
            ("position_eta", one => one.Eta), ("position_phi", one => one.Phi), ("time", one => one.Time),
            ("timeError", one => one.TimeError),
        ];
        foreach ((string name, Func<TiclClusters, ListValues<float>> column) in real)
            Add(tree, group, $"{table}_{name}", block => column(block.Clusters).Values);
        Add(tree, group, $"{table}_nHits", block => Array.ConvertAll(block.Clusters.HitCount.Values, static value => (int)value));
    }

    private static void AddSimulated(WrittenTree tree, string label, Func<WrittenBlock, TiclSimTracksters> simulated) =>
        AddTracksters(
            tree, label, block => simulated(block).Vertices, block => simulated(block).Multiplicity,
            block => simulated(block).Energy);

    private static void AddTracksters(
        WrittenTree tree, string label, Func<WrittenBlock, NestedValues<uint>> vertices,
        Func<WrittenBlock, NestedValues<float>> multiplicity, Func<WrittenBlock, ListValues<float>>? energy)
    {
        CounterGroup group = tree.Writer.Counter("n" + label);
        tree.Add(block => group.Lists(vertices(block).Entries));
        Add(tree, group, NanoNames.VertexCount(label), block => WrittenBlock.Counts(vertices(block)));
        Add(tree, group, NanoNames.VertexOffset(label), block => WrittenBlock.Begins(vertices(block)));
        if (energy is not null)
            Add(tree, group, label + NanoNames.SimEnergy, block => energy(block).Values);
        CounterGroup members = tree.Writer.Counter($"n{label}vertices");
        tree.Add(block => members.Lists(WrittenBlock.Flat(vertices(block))));
        Add(tree, members, label + NanoNames.Vertices, block => vertices(block).Values);
        Add(tree, members, label + NanoNames.Multiplicity, block => multiplicity(block).Values);
    }

    private static void AddLinks(WrittenTree tree, string collection, int which, TiclTruth truth)
    {
        string name = NanoNames.Links(collection, truth);
        CounterGroup group = tree.Writer.Counter("n" + name);
        tree.Add(block => group.Lists(block.Vertices(which).Entries));
        Add(tree, group, $"{name}_n{name}Links", block => WrittenBlock.Counts(block.Links(which, truth).Matches));
        CounterGroup links = tree.Writer.Counter($"n{name}Links");
        tree.Add(block => links.Lists(WrittenBlock.Flat(block.Links(which, truth).Matches)));
        Add(tree, links, $"{name}Links_index", block => block.Links(which, truth).Matches.Values);
        Add(tree, links, $"{name}Links_sharedEnergy", block => block.Links(which, truth).Energy.Values);
    }

    private static void Add<T>(WrittenTree tree, CounterGroup group, string name, Func<WrittenBlock, T[]> values)
        where T : unmanaged
    {
        JaggedBranch<T> branch = group.Jagged<T>(name);
        tree.Add(block => branch.Values(values(block)));
    }
}
