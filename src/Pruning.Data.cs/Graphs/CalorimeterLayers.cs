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

    private static readonly float[] s_z =
    [
        322.155f, 323.149f, 325.212f, 326.206f, 328.269f, 329.263f, 331.326f, 332.320f, 334.383f, 335.377f, 337.440f, 338.434f, 340.497f,
        341.491f, 343.554f, 344.548f, 346.611f, 347.605f, 349.993f, 350.987f, 353.375f, 354.369f, 356.757f, 357.751f, 360.139f, 361.133f,
        367.976f, 374.281f, 380.586f, 386.891f, 393.196f, 399.501f, 405.806f, 411.916f, 418.221f, 424.526f, 430.831f,
        439.056f, 447.281f, 455.506f, 463.731f, 471.956f, 480.181f, 488.406f, 496.631f, 504.856f, 513.081f,
    ];

    /// <summary>[47] distance of each layer's sensors from the centre of the detector along the beam, in cm, rising.</summary>
    public static ReadOnlySpan<float> Z => s_z;

    /// <summary>Number of layers.</summary>
    public static int Count => s_z.Length;

    /// <summary>
    /// The layer nearest to a position, 1 to 47, in either endcap; <see cref="Unknown"/> in front of the first or behind the last
    /// by more than the distance to its neighbour, and for NaN.
    /// </summary>
    /// <param name="z">Position along the beam in cm.</param>
    public static byte Nearest(float z)
    {
        float depth = Math.Abs(z);
        float front = s_z[0] - (s_z[1] - s_z[0]);
        float back = s_z[^1] + (s_z[^1] - s_z[^2]);
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
