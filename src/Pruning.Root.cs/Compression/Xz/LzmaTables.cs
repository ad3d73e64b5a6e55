namespace Pruning.Root.Compression.Xz;

/// <summary>The layout of LZMA's adaptive probabilities in one array, for the decoder and the encoder.</summary>
internal static class LzmaTables
{
    public const int States = 12;
    public const int PositionStates = 16;
    public const int LiteralSize = 0x300;
    public const int EndOfPositionModels = 14;
    public const int LengthSize = 2 + (2 * PositionStates * 8) + 256;
    public const int MaxLiteralBits = 4;

    public const int IsMatch = 0;
    public const int IsRep = IsMatch + (States * PositionStates);
    public const int IsRep0 = IsRep + States;
    public const int IsRep1 = IsRep0 + States;
    public const int IsRep2 = IsRep1 + States;
    public const int IsRep0Long = IsRep2 + States;
    public const int Slots = IsRep0Long + (States * PositionStates);
    public const int Special = Slots + (4 * 64);
    public const int Align = Special + 115;
    public const int Length = Align + 16;
    public const int RepeatLength = Length + LengthSize;
    public const int Literals = RepeatLength + LengthSize;
    public const int Size = Literals + (LiteralSize << MaxLiteralBits);
}
