namespace Pruning.Data.Ticl;

/// <summary>How the links of a trackster were found.</summary>
public enum LinkOrigin
{
    /// <summary>CLUE3D's own links, run again, make the trackster: a tree whose root is a seed (merged: a tree for each seed).</summary>
    Exact,

    /// <summary>They do not: links were made within the trackster.</summary>
    Repaired,
}

/// <summary>
/// Ntuples do not have the links of tracksters: CLUE3D is run again on the layer clusters, and where its links do not
/// make the trackster that the file has, links are made within it: to the nearest one of higher density, within the layers
/// that CLUE3D looks at where there is any, else wherever it lies. Serves one thread.
/// </summary>
internal sealed class LinkRebuilder
{
    private bool[] _isMember = [];

    /// <summary>Finds the parent of each layer cluster of a trackster.</summary>
    /// <param name="clusters">Layer clusters of the event.</param>
    /// <param name="pass">CLUE3D run again.</param>
    /// <param name="options">Its parameters.</param>
    /// <param name="members">The trackster's layer clusters, each once.</param>
    /// <param name="isMerged">It may have several roots.</param>
    /// <param name="parents">[members] is overwritten: id of the parent, or -1.</param>
    public LinkOrigin Find(LayerClusterColumns clusters, Clue3DResult pass, Clue3DOptions options, ReadOnlySpan<int> members, bool isMerged, Span<int> parents)
    {
        if (_isMember.Length < clusters.Count)
            _isMember = new bool[clusters.Count];
        foreach (int i in members)
            _isMember[i] = true;
        int roots = 0;
        bool rootsAreSeeds = true;
        for (int m = 0; m < members.Length; m++)
        {
            int parent = pass.ParentOf(members[m]);
            bool inside = parent >= 0 && _isMember[parent];
            parents[m] = inside ? parent : -1;
            roots += inside ? 0 : 1;
            rootsAreSeeds &= inside || pass.IsSeed[members[m]];
        }

        foreach (int i in members)
            _isMember[i] = false;
        if (rootsAreSeeds && (roots == 1 || isMerged))
            return LinkOrigin.Exact;
        Repair(clusters, pass.Density, options, members, parents);
        return LinkOrigin.Repaired;
    }

    // Time grows with the square of the members.
    private static void Repair(LayerClusterColumns clusters, double[] density, Clue3DOptions options, ReadOnlySpan<int> members, Span<int> parents)
    {
        for (int m = 0; m < members.Length; m++)
        {
            int one = members[m], near = -1, anywhere = -1;
            double shortestNear = double.PositiveInfinity, shortest = double.PositiveInfinity;
            foreach (int other in members)
            {
                if (density[other] < density[one] || (density[other] == density[one] && other <= one))
                    continue;
                double distance = Clue3D.Distance(clusters, one, other, options.NearestBy);
                int layers = Math.Abs(clusters.Layer[one] - clusters.Layer[other]);
                if (layers <= options.SiblingLayers && (layers > 0 || options.NearestOnSameLayer) && distance < shortestNear)
                    (shortestNear, near) = (distance, other);
                if (distance < shortest)
                    (shortest, anywhere) = (distance, other);
            }

            parents[m] = near >= 0 ? near : anywhere;
        }
    }
}
