namespace Pruning.Data.Simulation;

/// <summary>A straight line through the endcap: a point and a slope.</summary>
/// <param name="X">x at <paramref name="Z"/>, cm.</param>
/// <param name="Y">y at <paramref name="Z"/>, cm.</param>
/// <param name="Z">|z| of the point, cm.</param>
/// <param name="SlopeX">dx/dz.</param>
/// <param name="SlopeY">dy/dz.</param>
internal readonly record struct ShowerAxis(double X, double Y, double Z, double SlopeX, double SlopeY)
{
    /// <summary>Cosine of the angle to the beam: a path is longer than the depth by 1 over it.</summary>
    public double Cosine => 1 / Math.Sqrt(1 + (SlopeX * SlopeX) + (SlopeY * SlopeY));

    /// <summary>x where the line meets a plane, cm.</summary>
    public double XAt(double z) => X + (SlopeX * (z - Z));

    /// <summary>y where the line meets a plane, cm.</summary>
    public double YAt(double z) => Y + (SlopeY * (z - Z));
}
