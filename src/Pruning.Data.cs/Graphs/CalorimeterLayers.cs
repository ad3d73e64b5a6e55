namespace Pruning.Data.Graphs;

/// <summary>
/// Sensor layers of one HGCAL endcap in the 47-layer geometry: 26 in CE-E, 21 in CE-H. The planes stand where a public
/// Geant4 model of the detector has them; from layer 34 on, versions of the geometry differ by 0.2 cm, far less than the
/// distance of two planes.
/// </summary>
public static class CalorimeterLayers
{
    /// <summary>The layer of what is not in the calorimeter or not known.</summary>
    public const byte Unknown = 0;

    private static readonly double[] s_z =
    [
        322.155, 323.149, 325.212, 326.206, 328.269, 329.263, 331.326, 332.320, 334.383, 335.377, 337.440, 338.434, 340.497,
        341.491, 343.554, 344.548, 346.611, 347.605, 349.993, 350.987, 353.375, 354.369, 356.757, 357.751, 360.139, 361.133,
        367.976, 374.281, 380.586, 386.891, 393.196, 399.501, 405.806, 411.916, 418.221, 424.526, 430.831,
        439.056, 447.281, 455.506, 463.731, 471.956, 480.181, 488.406, 496.631, 504.856, 513.081,
    ];

    /// <summary>[47] distance of each layer's sensors from the centre of the detector along the beam, in cm, rising.</summary>
    public static ReadOnlySpan<double> Z => s_z;

    /// <summary>Layers of the electromagnetic part, CE-E: 1 to 26.</summary>
    public const int ElectromagneticCount = 26;

    /// <summary>Number of layers.</summary>
    public static int Count => s_z.Length;

    /// <summary>
    /// The layer nearest to a position, 1 to 47, in either endcap; <see cref="Unknown"/> in front of the first or behind the last
    /// by more than the distance to its neighbour, and for NaN.
    /// </summary>
    /// <param name="z">Position along the beam in cm.</param>
    public static byte Nearest(float z)
    {
        double depth = Math.Abs(z);
        double front = s_z[0] - (s_z[1] - s_z[0]);
        double back = s_z[^1] + (s_z[^1] - s_z[^2]);
        if (!(depth >= front && depth <= back))
            return Unknown;
        int found = Array.BinarySearch(s_z, depth);
        if (found >= 0)
            return (byte)(found + 1);
        int behind = ~found;
        if (behind == 0)
            return 1;
        if (behind == s_z.Length)
            return (byte)s_z.Length;
        return (byte)(depth - s_z[behind - 1] <= s_z[behind] - depth ? behind : behind + 1);
    }
}
