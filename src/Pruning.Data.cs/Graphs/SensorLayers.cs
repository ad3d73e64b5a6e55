namespace Pruning.Data.Graphs;

/// <summary>The sensor layers of HGCAL by their distance from the interaction point: 26 of CE-E, 21 of CE-H.</summary>
public static class SensorLayers
{
    // |z| of the sensors in cm. Geometry versions differ by some millimetres: positions are matched to the nearest one.
    private static readonly float[] s_depths =
    [
        322.155f, 323.149f, 325.212f, 326.206f, 328.269f, 329.263f, 331.326f, 332.320f, 334.383f, 335.377f, 337.440f, 338.434f, 340.497f,
        341.491f, 343.554f, 344.548f, 346.611f, 347.605f, 349.993f, 350.987f, 353.375f, 354.369f, 356.757f, 357.751f, 360.139f, 361.133f,
        367.976f, 374.281f, 380.586f, 386.891f, 393.196f, 399.501f, 405.806f, 411.916f, 418.221f, 424.526f, 430.831f, 439.056f, 447.281f,
        455.506f, 463.731f, 471.956f, 480.181f, 488.406f, 496.631f, 504.856f, 513.081f,
    ];

    /// <summary>Number of layers of an endcap.</summary>
    public static int Count => s_depths.Length;

    /// <summary>Layers of the electromagnetic part.</summary>
    public const int ElectromagneticCount = 26;

    /// <summary>Layer, from 1, whose sensor is nearest to a position along the beam; 0 for a position more than 4 cm from every one.</summary>
    /// <param name="z">z in cm, of either sign.</param>
    public static int Of(float z)
    {
        float depth = Math.Abs(z);
        int above = Array.BinarySearch(s_depths, depth);
        if (above >= 0)
            return above + 1;
        above = ~above;
        int nearest = above == 0 ? 0 : above == s_depths.Length || depth - s_depths[above - 1] <= s_depths[above] - depth ? above - 1 : above;
        return Math.Abs(s_depths[nearest] - depth) <= 4f ? nearest + 1 : 0;
    }
}
