namespace Pruning.Data.Ticl;

/// <summary>Something that is known to be wrong in files of some versions of CMSSW.</summary>
/// <param name="Applies">The file does not show that it is newer.</param>
/// <param name="Sentence">What is wrong, and what comes of it here.</param>
internal sealed record TiclFault(Func<TiclContents, bool> Applies, string Sentence)
{
    /// <summary>All that are known.</summary>
    public static IReadOnlyList<TiclFault> All { get; } =
    [
        new(
            file => !file.Format.IsFlat && file.SimClusters is string tree && file.Has(tree, TiclSchema.PdgId)
                && !file.Has(tree, TiclSchema.CaloParticle),
            "pdgID of simtrackstersSC is wrong in files of CMSSW before PR 48147 (May 2025), and this one does not show that it "
                + "is newer: with --truth sc, pdgId may be wrong."),
        new(
            file => file.Trees.Contains("candidates") && file.Format.Events == TiclEventForm.EventId,
            "indices in the tree candidates are wrong in files of CMSSW before PR 51343 (June 2026): preprocess does not read them."),
        new(
            file => file.Trees.Contains(TiclSchema.Associations) && file.Format.Events == TiclEventForm.EventId,
            "scores of associations have another definition in files of CMSSW before PR 48148: preprocess reads shared energies "
                + "only, and computes fractions itself."),
        new(
            file => file.SwapsAssociations,
            "associations to SimClusters and CaloParticles were filled from each other's input: preprocess reads each from the "
                + "other's branch."),
        new(
            file => file.Format.IsFlat,
            "eVector0_y and eVector0_z are exchanged, and boundaryPhi holds boundaryEta, in HGCAL NanoAOD: preprocess does not read them."),
        new(
            file => file.Format.IsFlat && file.MissesPdgId,
            "HGCAL NanoAOD has no PDG numbers of simulated tracksters: pdgId is 0 in the prepared file."),
    ];
}
