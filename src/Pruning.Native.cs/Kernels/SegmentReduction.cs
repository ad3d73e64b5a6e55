using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pruning.Native.Kernels;

/// <summary>Sum, mean and largest value over the in-neighbours of each node, feature by feature, and their gradients.</summary>
internal static unsafe class SegmentReduction
{
    /// <summary>Sum, or mean: a node without in-edges gets zero.</summary>
    /// <param name="lists">The graph.</param>
    /// <param name="columns">Features.</param>
    /// <param name="mean">Divide by the number of in-edges.</param>
    /// <param name="x">[nodes, columns]</param>
    /// <param name="output">[nodes, columns]</param>
    public static void Sum(NeighbourLists lists, int columns, bool mean, float* x, float* output)
    {
        for (int v = 0; v < lists.NodeCount; v++)
        {
            float* target = output + ((long)v * columns);
            new Span<float>(target, columns).Clear();
            int first = lists.FirstEdge[v], end = lists.FirstEdge[v + 1];
            for (int e = first; e < end; e++)
                AddScaled(x + ((long)lists.Source[e] * columns), target, 1f, columns);
            if (mean && end - first > 1)
                Scale(target, end - first, columns);
        }
    }

    /// <summary>Gradient of <see cref="Sum"/>.</summary>
    /// <param name="lists">The graph.</param>
    /// <param name="columns">Features.</param>
    /// <param name="mean">As in the forward pass.</param>
    /// <param name="dOutput">[nodes, columns]</param>
    /// <param name="dX">[nodes, columns]</param>
    public static void SumBackward(NeighbourLists lists, int columns, bool mean, float* dOutput, float* dX)
    {
        NativeMemory.Clear(dX, checked((nuint)lists.NodeCount * (nuint)columns * sizeof(float)));
        for (int v = 0; v < lists.NodeCount; v++)
        {
            int first = lists.FirstEdge[v], end = lists.FirstEdge[v + 1];
            float factor = mean && end > first ? 1f / (end - first) : 1f;
            for (int e = first; e < end; e++)
                AddScaled(dOutput + ((long)v * columns), dX + ((long)lists.Source[e] * columns), factor, columns);
        }
    }

    /// <summary>Largest value; a node without in-edges gets zero.</summary>
    /// <param name="lists">The graph.</param>
    /// <param name="columns">Features.</param>
    /// <param name="x">[nodes, columns]</param>
    /// <param name="output">[nodes, columns]</param>
    public static void Max(NeighbourLists lists, int columns, float* x, float* output)
    {
        for (int v = 0; v < lists.NodeCount; v++)
        {
            float* target = output + ((long)v * columns);
            int first = lists.FirstEdge[v], end = lists.FirstEdge[v + 1];
            if (first == end)
                new Span<float>(target, columns).Clear();
            else
                new Span<float>(x + ((long)lists.Source[first] * columns), columns).CopyTo(new Span<float>(target, columns));
            for (int e = first + 1; e < end; e++)
                Largest(x + ((long)lists.Source[e] * columns), target, columns);
        }
    }

    /// <summary>
    /// Gradient of <see cref="Max"/>. Equal values share it as a chain of two-argument maxima does: the last of k equals takes half,
    /// the one before half of the rest, the first what is left.
    /// </summary>
    /// <param name="lists">The graph.</param>
    /// <param name="columns">Features.</param>
    /// <param name="x">[nodes, columns]</param>
    /// <param name="output">Of the forward pass.</param>
    /// <param name="dOutput">[nodes, columns]</param>
    /// <param name="dX">[nodes, columns]</param>
    public static void MaxBackward(NeighbourLists lists, int columns, float* x, float* output, float* dOutput, float* dX)
    {
        NativeMemory.Clear(dX, checked((nuint)lists.NodeCount * (nuint)columns * sizeof(float)));
        using FloatArena scratch = new();
        int* equals = (int*)scratch.Take(columns);
        float* left = scratch.Take(columns);
        for (int v = 0; v < lists.NodeCount; v++)
        {
            float* largest = output + ((long)v * columns);
            int first = lists.FirstEdge[v], end = lists.FirstEdge[v + 1];
            new Span<int>(equals, columns).Clear();
            new Span<float>(dOutput + ((long)v * columns), columns).CopyTo(new Span<float>(left, columns));
            for (int e = first; e < end; e++)
            {
                float* value = x + ((long)lists.Source[e] * columns);
                for (int j = 0; j < columns; j++)
                    equals[j] += value[j] == largest[j] ? 1 : 0;
            }

            for (int e = end - 1; e >= first; e--)
            {
                float* value = x + ((long)lists.Source[e] * columns);
                float* target = dX + ((long)lists.Source[e] * columns);
                for (int j = 0; j < columns; j++)
                {
                    if (value[j] != largest[j])
                        continue;
                    float share = --equals[j] > 0 ? left[j] * 0.5f : left[j];
                    left[j] -= share;
                    target[j] += share;
                }
            }
        }
    }

    private static void AddScaled(float* source, float* target, float factor, int columns)
    {
        int j = 0;
        for (; j <= columns - Vector<float>.Count; j += Vector<float>.Count)
        {
            var sum = Vector.MultiplyAddEstimate(Read(source + j), new Vector<float>(factor), Read(target + j));
            Write(target + j, sum);
        }

        for (; j < columns; j++)
            target[j] += source[j] * factor;
    }

    private static void Largest(float* source, float* target, int columns)
    {
        int j = 0;
        for (; j <= columns - Vector<float>.Count; j += Vector<float>.Count)
            Write(target + j, Vector.Max(Read(target + j), Read(source + j)));
        for (; j < columns; j++)
            target[j] = MathF.Max(target[j], source[j]);
    }

    private static void Scale(float* target, float divisor, int columns)
    {
        for (int j = 0; j < columns; j++)
            target[j] /= divisor;
    }

    private static Vector<float> Read(float* at) => Unsafe.ReadUnaligned<Vector<float>>(at);

    private static void Write(float* at, Vector<float> value) => Unsafe.WriteUnaligned(at, value);
}
