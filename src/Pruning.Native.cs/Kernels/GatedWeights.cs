namespace Pruning.Native.Kernels;

/// <summary>Sizes and weights of a gated cell as PyTorch lays them out, gate after gate.</summary>
/// <param name="Inputs">Width of the input.</param>
/// <param name="Hidden">Width of the state.</param>
/// <param name="InputWeight">[gates * hidden, inputs]</param>
/// <param name="HiddenWeight">[gates * hidden, hidden]</param>
/// <param name="InputBias">[gates * hidden]</param>
/// <param name="HiddenBias">[gates * hidden]</param>
internal readonly unsafe record struct GatedWeights(int Inputs, int Hidden, nint InputWeight, nint HiddenWeight, nint InputBias,
    nint HiddenBias)
{
    /// <summary>Hidden width rounded up to whole panels.</summary>
    public int Width => Gemm.Padded(Hidden);
}

/// <summary>The weights as the products want them, and the biases as the first value of each slot.</summary>
internal readonly unsafe ref struct PackedGates<TGates, TProducts>
    where TGates : struct, IGates
    where TProducts : struct, IProducts
{
    /// <summary>Packs the weights for a forward pass.</summary>
    public PackedGates(FloatArena arena, in GatedWeights weights)
    {
        Width = weights.Width;
        Input = TProducts.PackTransposed(arena, (float*)weights.InputWeight, TGates.Gates, weights.Hidden, weights.Inputs);
        Hidden = TProducts.PackTransposed(arena, (float*)weights.HiddenWeight, TGates.Gates, weights.Hidden, weights.Hidden);
        float* ofInput = arena.TakeZeros((long)TGates.Gates * Width);
        float* ofHidden = arena.TakeZeros((long)TGates.Gates * Width);
        Matrices.AddPadded((float*)weights.InputBias, TGates.Gates, weights.Hidden, ofInput);
        Matrices.AddPadded((float*)weights.HiddenBias, TGates.Gates, weights.Hidden, ofHidden);
        Bias = arena.TakeZeros((long)TGates.Slots * Width);
        for (int gate = 0; gate < TGates.Gates; gate++)
        {
            for (int u = 0; u < Width; u++)
            {
                Bias[(TGates.InputSlot(gate) * Width) + u] += ofInput[(gate * Width) + u];
                Bias[((TGates.HiddenSlot + gate) * Width) + u] += ofHidden[(gate * Width) + u];
            }
        }
    }

    /// <summary>Padded width.</summary>
    public int Width { get; }

    /// <summary>W_ih^T.</summary>
    public nint Input { get; }

    /// <summary>W_hh^T.</summary>
    public nint Hidden { get; }

    /// <summary>[slots * width] both biases, each in the slots that its product goes to.</summary>
    public float* Bias { get; }
}
