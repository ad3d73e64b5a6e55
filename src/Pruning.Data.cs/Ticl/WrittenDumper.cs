using Pruning.Root.Writing;
using Pruning.Root.Writing.Trees;

namespace Pruning.Data.Ticl;

/// <summary>The trees of a dumper's file.</summary>
internal static class WrittenDumper
{
    public static List<WrittenTree> Create(RootFileWriter file, TiclFormat format, TiclNtupleContents contents)
    {
        List<WrittenTree> trees = [];
        WrittenTree New(string name, string title)
        {
            WrittenTree tree = new(file.CreateTree($"{TiclNtupleWriter.Folder}/{name}", title));
            if (format.Events == TiclEventForm.EventId)
                AddEvent(tree);
            trees.Add(tree);
            return tree;
        }

        bool isOld = format.Events == TiclEventForm.None;
        bool hasCopies = contents.WithoutClusters || format.CopiesClusters;
        if (!contents.WithoutClusters)
            AddClusters(New(TiclSchema.Clusters, "layer clusters"), isOld);
        for (int i = 0; i < contents.Collections.Count; i++)
        {
            int which = i;
            WrittenTree tree = New(contents.Collections[i], "reconstructed tracksters");
            tree.Nested(TiclSchema.Vertices, block => block.Vertices(which));
            if (isOld)
                continue;
            tree.Nested(TiclSchema.Multiplicity, block => block.Multiplicity(which));
            if (hasCopies)
                AddCopies(tree, block => block.Vertices(which));
        }

        AddSimulated(New(format.CaloParticles[0], "simulated tracksters"), hasCopies, block => block.CaloParticles);
        if (isOld)
            return trees;
        WrittenTree simClusters = New(format.SimClusters[0], "simulated tracksters");
        AddSimulated(simClusters, hasCopies, block => block.SimClusters);
        if (format.NamesCaloParticles)
            simClusters.List(TiclSchema.CaloParticle, block => block.SimClusters.CaloParticle!);
        WrittenTree associations = New(TiclSchema.Associations, "associations");
        for (int i = 0; i < contents.Collections.Count; i++)
            AddAssociations(associations, format, contents.Collections[i], i);
        return trees;
    }

    private static void AddEvent(WrittenTree tree)
    {
        SplitObject id = tree.Writer.Object(TiclSchema.Event, TiclSchema.EventClass, TiclSchema.EventClassVersion);
        FlatBranch<uint> run = id.Member<uint>(TiclSchema.EventMembers[0]);
        FlatBranch<uint> lumi = id.Member<uint>(TiclSchema.EventMembers[1]);
        FlatBranch<ulong> number = id.Member<ulong>(TiclSchema.EventMembers[2]);
        tree.Add(block => run.Values(block.Events.Run));
        tree.Add(block => lumi.Values(block.Events.Lumi));
        tree.Add(block => number.Values(Array.ConvertAll(block.Events.Event, static value => (ulong)value)));
    }

    private static void AddClusters(WrittenTree tree, bool isOld)
    {
        Func<TiclClusters, ListValues<float>>[] numbers =
        [
            one => one.X, one => one.Y, one => one.Z, one => one.Eta, one => one.Phi, one => one.Energy, one => one.Time,
            one => one.TimeError,
        ];
        Func<TiclClusters, ListValues<uint>>[] counts = [one => one.Layer, one => one.HitCount];
        for (int i = 0; i < numbers.Length; i++)
        {
            Func<TiclClusters, ListValues<float>> column = numbers[i];
            tree.List(TiclSchema.ClusterBranches[i], block => column(block.Clusters));
        }

        for (int i = 0; i < counts.Length; i++)
        {
            Func<TiclClusters, ListValues<uint>> column = counts[i];
            tree.List(TiclSchema.ClusterBranches[numbers.Length + i], block => column(block.Clusters));
        }

        if (!isOld)
            tree.List(TiclSchema.ClusterType, block => block.Types());
    }

    private static void AddCopies(WrittenTree tree, Func<WrittenBlock, NestedValues<uint>> vertices)
    {
        Func<TiclClusters, ListValues<float>>[] columns =
            [one => one.X, one => one.Y, one => one.Z, one => one.Energy, one => one.Time, one => one.TimeError];
        for (int i = 0; i < columns.Length; i++)
        {
            Func<TiclClusters, ListValues<float>> column = columns[i];
            tree.Nested(TiclSchema.VertexBranches[i], block => WrittenBlock.Copied(vertices(block), column(block.Clusters)));
        }
    }

    private static void AddSimulated(WrittenTree tree, bool hasCopies, Func<WrittenBlock, TiclSimTracksters> simulated)
    {
        tree.Nested(TiclSchema.Vertices, block => simulated(block).Vertices);
        tree.Nested(TiclSchema.Multiplicity, block => simulated(block).Multiplicity);
        tree.List(TiclSchema.PdgId, block => simulated(block).PdgId);
        tree.List(TiclSchema.SimEnergy, block => simulated(block).Energy);
        if (hasCopies)
            AddCopies(tree, block => simulated(block).Vertices);
    }

    // In the formats of 2024 each of the two has the other's content, as in CMSSW.
    private static void AddAssociations(WrittenTree tree, TiclFormat format, string collection, int which)
    {
        foreach (TiclTruth truth in (TiclTruth[])[TiclTruth.CaloParticle, TiclTruth.SimCluster])
        {
            TiclTruth content = format.MaySwapAssociations ? Other(truth) : truth;
            string name = format.Collection(collection) is { } known && known.Associations != known.Name && which > 0
                ? $"{known.Associations}Low_recoToSim_{(truth == TiclTruth.SimCluster ? "SC" : "CP")}"
                : TiclSchema.RecoToSim(format.Generation, collection, truth);
            tree.Nested(name, block => block.Links(which, content).Matches);
            tree.Nested(name + TiclSchema.SharedEnergySuffix, block => block.Links(which, content).Energy);
        }
    }

    private static TiclTruth Other(TiclTruth truth) => truth == TiclTruth.SimCluster ? TiclTruth.CaloParticle : TiclTruth.SimCluster;
}
