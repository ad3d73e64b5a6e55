using Pruning.Data.Errors;
using Pruning.Data.Ticl;

namespace Pruning.Data.Simulation;

/// <summary>What the time of a layer cluster is counted from.</summary>
public enum TimeConvention
{
    /// <summary>The collision, flight to the layer cluster included: 10 to 18 ns (CMSSW from TICL v5 on).</summary>
    Local,

    /// <summary>The same with the flight from (0, 0, 0) at the speed of light taken off: around 0 (CMSSW before).</summary>
    Global,
}

/// <summary>
/// Everything that the toy simulation depends on. Two runs with equal options give equal events on one machine, whatever
/// the number of threads. It is a toy, not a simulation of CMS: see docs/reference/simulation.md for what it leaves out.
/// </summary>
public sealed record ToyOptions
{
    /// <summary>Seed of the run.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Primary particles of the hard scatter.</summary>
    public PrimaryOptions Primaries { get; init; } = new();

    /// <summary>Mean number of pp interactions laid over each event; 200 at the HL-LHC. Cost grows with it.</summary>
    public double PileUp { get; init; } = 10;

    /// <summary>Spread of the time of an interaction, ns.</summary>
    public double TimeSpread { get; init; } = 0.18;

    /// <summary>Mean number of layer clusters of pure noise an event, strewn around its centre of energy.</summary>
    public double NoiseClusters { get; init; } = 0.3;

    /// <summary>CLUE, which makes layer clusters of cells.</summary>
    public ClueOptions Clue { get; init; } = new();

    /// <summary>What times are counted from.</summary>
    public TimeConvention Time { get; init; } = TimeConvention.Local;

    /// <summary>First CLUE3D pass.</summary>
    public Clue3DOptions High { get; init; } = Clue3DOptions.ToyHigh;

    /// <summary>Second CLUE3D pass, over what the first one left; null leaves it out, as current CMSSW does.</summary>
    public Clue3DOptions? Low { get; init; } = Clue3DOptions.ToyLow;

    /// <summary>What is to be pruned.</summary>
    public LabelRule Labels { get; init; } = LabelRule.Majority;

    /// <summary>Which tracksters become graphs.</summary>
    public GraphSelection Selection { get; init; } = new();

    /// <summary>
    /// Preset <c>default</c>: a mean pile-up of 10 and labels by majority.
    /// </summary>
    public static ToyOptions Default { get; } = new();

    /// <summary>
    /// Preset <c>research</c>: close to the data of the original research, with its label (<c>any</c>, about 4 % of the
    /// nodes to prune) and global times.
    /// </summary>
    public static ToyOptions Research { get; } = new() { Labels = LabelRule.Any, Time = TimeConvention.Global };

    /// <summary>Preset <c>hllhc</c>: a mean pile-up of 200 and labels by majority.</summary>
    public static ToyOptions HighLuminosity { get; } = new() { PileUp = 200 };

    /// <summary>Names of the presets.</summary>
    public static IReadOnlyList<string> Presets { get; } = ["default", "research", "hllhc"];

    /// <summary>The preset of a name.</summary>
    /// <exception cref="ArgumentException">Another name.</exception>
    public static ToyOptions Preset(string name) => name switch
    {
        "default" => Default,
        "research" => Research,
        "hllhc" => HighLuminosity,
        _ => throw new ArgumentException($"There is no preset '{name}': give one of {string.Join(", ", Presets)}."),
    };

    /// <summary>Refuses values outside their ranges.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The first one that is, with its range.</exception>
    public void Check()
    {
        Primaries.Check();
        Ranges.Within(PileUp, 0, 1000, nameof(PileUp), "interactions");
        Ranges.Within(TimeSpread, 0, 100, nameof(TimeSpread), "ns");
        Ranges.Within(NoiseClusters, 0, 10000, nameof(NoiseClusters), "layer clusters");
        Clue.Check();
        High.Check();
        Low?.Check();
        Selection.Check();
    }
}

/// <summary>The one to three particles of the hard scatter, close to each other.</summary>
public sealed record PrimaryOptions
{
    /// <summary>Weight of events with one particle.</summary>
    public double One { get; init; } = 0.30;

    /// <summary>Weight of events with two.</summary>
    public double Two { get; init; } = 0.45;

    /// <summary>Weight of events with three.</summary>
    public double Three { get; init; } = 0.25;

    /// <summary>Weight of photons.</summary>
    public double Photons { get; init; } = 0.35;

    /// <summary>Weight of electrons.</summary>
    public double Electrons { get; init; } = 0.10;

    /// <summary>Weight of charged pions.</summary>
    public double ChargedPions { get; init; } = 0.45;

    /// <summary>Weight of neutral hadrons.</summary>
    public double NeutralHadrons { get; init; } = 0.10;

    /// <summary>Smallest energy, GeV; energies are uniform in their logarithm.</summary>
    public double MinEnergy { get; init; } = 20;

    /// <summary>Largest energy, GeV. Cost grows with energy.</summary>
    public double MaxEnergy { get; init; } = 300;

    /// <summary>Smallest |eta| of the first particle.</summary>
    public double MinEta { get; init; } = 1.65;

    /// <summary>Largest |eta| of the first particle.</summary>
    public double MaxEta { get; init; } = 2.75;

    /// <summary>Smallest distance of another particle from the first one on the front face, cm.</summary>
    public double MinDistance { get; init; } = 2;

    /// <summary>Largest distance, cm. Pile-up is laid over a circle of this radius and 7 cm more.</summary>
    public double MaxDistance { get; init; } = 11;

    /// <summary>Refuses values outside their ranges.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The first one that is, with its range.</exception>
    public void Check()
    {
        foreach ((double weight, string name) in (ReadOnlySpan<(double, string)>)
            [
                (One, nameof(One)), (Two, nameof(Two)), (Three, nameof(Three)), (Photons, nameof(Photons)),
                (Electrons, nameof(Electrons)), (ChargedPions, nameof(ChargedPions)), (NeutralHadrons, nameof(NeutralHadrons)),
            ])
        {
            Ranges.Within(weight, 0, 1e6, name, "");
        }

        Positive(One + Two + Three, "the weights One, Two and Three");
        Positive(Photons + Electrons + ChargedPions + NeutralHadrons, "the weights of the species");
        Ranges.Within(MinEnergy, 0.5, 5000, nameof(MinEnergy), "GeV");
        Ranges.Within(MaxEnergy, MinEnergy, 5000, nameof(MaxEnergy), "GeV");
        Ranges.Within(MinEta, 1.5, 3, nameof(MinEta), "");
        Ranges.Within(MaxEta, MinEta, 3, nameof(MaxEta), "");
        Ranges.Within(MinDistance, 0, 50, nameof(MinDistance), "cm");
        Ranges.Within(MaxDistance, MinDistance, 50, nameof(MaxDistance), "cm");
    }

    private static void Positive(double sum, string what)
    {
        if (sum <= 0)
            throw new ArgumentOutOfRangeException(nameof(what), $"At least one of {what} must be above 0, and all are 0: give one.");
    }
}

/// <summary>CLUE on each layer.</summary>
public sealed record ClueOptions
{
    /// <summary>Critical distance in silicon, cm.</summary>
    public double SiliconDistance { get; init; } = 1.3;

    /// <summary>Critical distance in scintillator, cm.</summary>
    public double ScintillatorDistance { get; init; } = 4;

    /// <summary>Density of a seed, in spreads of its cell's noise.</summary>
    public double CriticalDensity { get; init; } = 9;

    /// <summary>Cells below so many spreads of their noise are dropped.</summary>
    public double CellThreshold { get; init; } = 3;

    /// <summary>A cell that is not dense is an outlier when none of higher density lies within so many critical distances.</summary>
    public double OutlierMultiplier { get; init; } = 2;

    /// <summary>W0 of the logarithmic weights of the position.</summary>
    public double LogWeight { get; init; } = 2.9;

    /// <summary>Cells within this distance of the hottest one make the position, cm.</summary>
    public double PositionRadius { get; init; } = 1.3;

    /// <summary>Layer clusters of fewer cells are dropped.</summary>
    public int MinHits { get; init; } = 2;

    /// <summary>Cells with a time that a layer cluster needs to have one.</summary>
    public int MinTimedHits { get; init; } = 3;

    /// <summary>Refuses values outside their ranges.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The first one that is, with its range.</exception>
    public void Check()
    {
        Ranges.Within(SiliconDistance, 0.1, 20, nameof(SiliconDistance), "cm");
        Ranges.Within(ScintillatorDistance, 0.1, 20, nameof(ScintillatorDistance), "cm");
        Ranges.Within(CriticalDensity, 0, 1000, nameof(CriticalDensity), "spreads");
        Ranges.Within(CellThreshold, 0, 1000, nameof(CellThreshold), "spreads");
        Ranges.Within(OutlierMultiplier, 1, 10, nameof(OutlierMultiplier), "");
        Ranges.Within(LogWeight, 0, 100, nameof(LogWeight), "");
        Ranges.Within(PositionRadius, 0.1, 100, nameof(PositionRadius), "cm");
        Ranges.Within(MinHits, 1, 1000, nameof(MinHits), "cells");
        Ranges.Within(MinTimedHits, 1, 1000, nameof(MinTimedHits), "cells");
    }
}
