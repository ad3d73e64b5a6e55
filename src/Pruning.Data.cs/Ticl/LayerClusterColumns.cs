using Pruning.Data.Errors;
using Pruning.Data.Tracksters;

namespace Pruning.Data.Ticl;

/// <summary>
/// The layer clusters of one event as columns; the index of a layer cluster is its id. Single precision, as TICL ntuples
/// have them.
/// </summary>
public sealed record LayerClusterColumns
{
    /// <summary>[clusters] x, cm.</summary>
    public required float[] X { get; init; }

    /// <summary>[clusters] y, cm.</summary>
    public required float[] Y { get; init; }

    /// <summary>[clusters] z, cm, with the sign of the endcap.</summary>
    public required float[] Z { get; init; }

    /// <summary>[clusters] energy, GeV.</summary>
    public required float[] Energy { get; init; }

    /// <summary>[clusters] time, ns; -99 where there is none.</summary>
    public required float[] Time { get; init; }

    /// <summary>[clusters] uncertainty of the time, ns; -1 where there is none.</summary>
    public required float[] TimeError { get; init; }

    /// <summary>[clusters] pseudorapidity.</summary>
    public required float[] Eta { get; init; }

    /// <summary>[clusters] azimuth, rad.</summary>
    public required float[] Phi { get; init; }

    /// <summary>[clusters] layer, from 1, the same in both endcaps.</summary>
    public required int[] Layer { get; init; }

    /// <summary>[clusters] hits.</summary>
    public required int[] HitCount { get; init; }

    /// <summary>Number of layer clusters.</summary>
    public int Count => X.Length;

    /// <summary>Refuses columns of different lengths, numbers that prepared files cannot have, and layers below 1.</summary>
    /// <param name="where">File and entry, for the message.</param>
    /// <exception cref="DataException">The first thing that does not fit.</exception>
    public void Check(string where)
    {
        CheckLengths(where);
        Finite(X, "position_x", where);
        Finite(Y, "position_y", where);
        Finite(Z, "position_z", where);
        Finite(Energy, "energy", where);
        Finite(Time, "cluster_time", where);
        Finite(Eta, "position_eta", where);
        Finite(Phi, "position_phi", where);
        int wrong = Layer.AsSpan().IndexOfAnyExceptInRange(1, Clue3D.MaxLayer);
        if (wrong >= 0)
            throw new DataException(
                $"{where}: layer cluster {wrong} lies on layer {Layer[wrong]}, but layers count from 1 to {Clue3D.MaxLayer}: the "
                    + "ntuple is damaged or not of HGCAL.");
        wrong = Z.AsSpan().IndexOf(0f);
        if (wrong >= 0)
            throw new DataException(
                $"{where}: layer cluster {wrong} has position_z 0, but its sign says which endcap it lies in: the ntuple is "
                    + "damaged or not of HGCAL.");
    }

    /// <summary>Refuses columns of different lengths.</summary>
    /// <param name="where">File and entry, for the message.</param>
    /// <exception cref="DataException">The first one that does not fit.</exception>
    internal void CheckLengths(string where)
    {
        (string Name, int Length)[] lengths =
        [
            ("position_y", Y.Length), ("position_z", Z.Length), ("energy", Energy.Length), ("cluster_time",
                Time.Length), ("cluster_timeErr", TimeError.Length),
            ("position_eta", Eta.Length), ("position_phi", Phi.Length), ("cluster_layer_id", Layer.Length), ("cluster_number_of_hits",
                HitCount.Length),
        ];
        foreach ((string name, int length) in lengths)
        {
            if (length != Count)
                throw new DataException(
                    $"{where}: {name} has {length} values and position_x has {Count}, but both count the layer clusters: the "
                        + "ntuple is damaged.");
        }
    }

    private static void Finite(float[] values, string name, string where)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
                throw new DataException(
                    $"{where}: {name} of layer cluster {i} is {values[i]}, not a finite number: the ntuple is damaged.");
            if (Math.Abs(values[i]) > GraphProblem.Largest)
                throw new DataException(
                    $"{where}: {name} of layer cluster {i} is {values[i]}, beyond {GraphProblem.Largest}: the ntuple is damaged.");
        }
    }
}
