namespace Pruning.Data.Ticl;

/// <summary>
/// Makes labelled graphs of the tracksters of one event after another and collects them. Time and memory go with the
/// layer clusters of the tracksters.
/// </summary>
public sealed class GraphMaker
{
    private readonly LabelRule _rule;
    private readonly GraphSelection _selection;
    private readonly List<long> _nodeOffsets = [0], _linkOffsets = [0], _event = [];
    private readonly List<int> _trackster = [], _pass = [], _particle = [], _pdgId = [], _contributors = [], _isExact = [];
    private readonly List<float> _generatedEnergy = [], _simEnergy = [], _score = [];
    private readonly List<int> _id = [], _seedHigh = [], _seedLow = [], _label = [], _layer = [], _hits = [], _origin = [], _target = [];
    private readonly List<float> _x = [], _y = [], _z = [], _energy = [], _time = [], _eta = [], _phi = [], _fraction = [];
    private long _number;
    private readonly List<uint> _run = [], _lumi = [];
    private LayerClusterColumns? _clusters;
    private (uint Run, uint Lumi) _block;
    private EventTruth? _truth;
    private double[] _total = [];
    private double[] _shared = [];
    private double[] _background = [];
    private int[] _counts = [];

    /// <summary>Collects the graphs of a selection, labelled by a rule.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A selection out of range.</exception>
    public GraphMaker(LabelRule rule, GraphSelection selection)
    {
        selection.Check();
        _rule = rule;
        _selection = selection;
    }

    /// <summary>Tracksters seen that the selection left out, unmatched ones among them.</summary>
    public long LeftOut { get; private set; }

    /// <summary>Tracksters seen that no particle of the hard scatter owns.</summary>
    public long Unmatched { get; private set; }

    /// <summary>Goes on with another event.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="clusters">Its layer clusters.</param>
    /// <param name="truth">Whose they are.</param>
    /// <param name="run">Its run; 0 where nobody knows.</param>
    /// <param name="lumi">Its luminosity block; 0 where nobody knows.</param>
    public void Begin(long number, LayerClusterColumns clusters, EventTruth truth, uint run = 0, uint lumi = 0)
    {
        _number = number;
        _block = (run, lumi);
        _clusters = clusters;
        _truth = truth;
        _total = truth.HardScatter.TotalEnergy(clusters.Energy);
        _shared = new double[truth.HardScatter.ParticleCount];
        _background = new double[truth.PileUp?.ParticleCount ?? 0];
        _counts = new int[truth.HardScatter.ParticleCount];
    }

    /// <summary>Adds a trackster as a graph, unless the selection leaves it out.</summary>
    /// <param name="pass">CLUE3D pass.</param>
    /// <param name="trackster">Its number in the collection.</param>
    /// <param name="members">Its layer clusters.</param>
    /// <param name="parents">[members] id of the nearest higher within the trackster, or -1: then it is a seed.</param>
    /// <param name="isExact">The links are CLUE3D's own.</param>
    /// <param name="parts">[members] the trackster's part of each layer cluster; empty for all of it.</param>
    /// <param name="known">[particles] energies that the file says it shares with each; empty where it does not say.</param>
    /// <returns>It became a graph.</returns>
    public bool Add(
        TracksterPass pass, int trackster, ReadOnlySpan<int> members, ReadOnlySpan<int> parents, bool isExact,
        ReadOnlySpan<float> parts = default, ReadOnlySpan<float> known = default)
    {
        LayerClusterColumns clusters = _clusters ?? throw new InvalidOperationException("Begin an event before its tracksters.");
        bool kept = IsSelected(clusters, members, parts, out double energy);
        int owner = -1;
        if (kept)
        {
            owner = Owner(members, parts, known, energy, out bool matched);
            Unmatched += matched ? 0 : 1;
            kept = matched || _selection.KeepUnmatched;
        }

        if (!kept)
        {
            LeftOut++;
            return false;
        }

        AddGraph(pass, trackster, owner, energy, isExact);
        AddNodes(clusters, pass, owner, members, parents, parts);
        return true;
    }

    /// <summary>What was collected since the last time; begins anew.</summary>
    public PreparedGraphs Take()
    {
        PreparedGraphs graphs = new()
        {
            NodeOffsets = [.. _nodeOffsets],
            LinkOffsets = [.. _linkOffsets],
            Event = [.. _event],
            Run = [.. _run],
            Lumi = [.. _lumi],
            Trackster = [.. _trackster],
            Pass = [.. _pass],
            Particle = [.. _particle],
            PdgId = [.. _pdgId],
            GeneratedEnergy = [.. _generatedEnergy],
            SimEnergy = [.. _simEnergy],
            Contributors = [.. _contributors],
            RecoToSimScore = [.. _score],
            IsExact = [.. _isExact],
            Id = [.. _id],
            X = [.. _x],
            Y = [.. _y],
            Z = [.. _z],
            Energy = [.. _energy],
            Time = [.. _time],
            Eta = [.. _eta],
            Phi = [.. _phi],
            IsSeedHigh = [.. _seedHigh],
            IsSeedLow = [.. _seedLow],
            Label = [.. _label],
            Fraction = [.. _fraction],
            Layer = [.. _layer],
            HitCount = [.. _hits],
            Origin = [.. _origin],
            Target = [.. _target],
        };
        List<long>[] offsets = [_nodeOffsets, _linkOffsets];
        foreach (List<long> column in offsets)
        {
            column.Clear();
            column.Add(0);
        }

        _event.Clear();
        _run.Clear();
        _lumi.Clear();
        foreach (List<int> column in (List<int>[])[_trackster, _pass, _particle, _pdgId, _contributors, _isExact, _id, _seedHigh, _seedLow,
            _label, _layer, _hits, _origin, _target])
            column.Clear();
        foreach (List<float> column in (List<float>[])[_generatedEnergy, _simEnergy, _score, _x, _y, _z, _energy, _time, _eta, _phi,
            _fraction])
            column.Clear();
        return graphs;
    }

    private bool IsSelected(LayerClusterColumns clusters, ReadOnlySpan<int> members, ReadOnlySpan<float> parts, out double energy)
    {
        energy = 0;
        if (members.Length < _selection.MinNodes || members.Length > _selection.MaxNodes)
            return false;
        double x = 0, y = 0, z = 0;
        for (int m = 0; m < members.Length; m++)
        {
            int i = members[m];
            double own = parts.IsEmpty ? clusters.Energy[i] : (double)parts[m] * clusters.Energy[i];
            energy += own;
            x += own * clusters.X[i];
            y += own * clusters.Y[i];
            z += own * clusters.Z[i];
        }

        double eta = Math.Asinh(Math.Abs(z) / Math.Max(Math.Sqrt((x * x) + (y * y)), 1e-9));
        return energy >= _selection.MinEnergy && eta >= _selection.MinEta && eta <= _selection.MaxEta;
    }

    /// <summary>The particle that the labels are about, and whether it may be; `_shared` holds the energies afterwards.</summary>
    private int Owner(ReadOnlySpan<int> members, ReadOnlySpan<float> parts, ReadOnlySpan<float> known, double energy, out bool matched)
    {
        TruthFractions truth = _truth!.HardScatter;
        truth.SharedEnergy(members, parts, _clusters!.Energy, _shared);
        double most = 0;
        float mostKnown = 0;
        int owner = -1;
        for (int particle = 0; particle < _shared.Length; particle++)
        {
            // What the file says decides; among equals, and where it says nothing, what we find.
            bool more = known.IsEmpty
                ? _shared[particle] > most
                : known[particle] > mostKnown || (known[particle] == mostKnown && mostKnown > 0 && _shared[particle] > most);
            if (more)
            {
                mostKnown = known.IsEmpty ? 0 : known[particle];
                most = _shared[particle];
                owner = particle;
            }
        }

        matched = owner >= 0 && most >= _selection.MinPurity * energy;
        if (matched && _truth.PileUp is TruthFractions pileUp)
        {
            pileUp.SharedEnergy(members, parts, _clusters.Energy, _background);
            foreach (double shared in _background)
                matched &= shared <= most;
        }

        if (!matched)
            return -1;
        return _rule is LabelRule.ByCount ? MostCommon(truth, members) : owner;
    }

    private int MostCommon(TruthFractions truth, ReadOnlySpan<int> members)
    {
        Array.Clear(_counts);
        foreach (int cluster in members)
        {
            foreach (int particle in truth.ParticlesOf(cluster))
                _counts[particle] += truth.IsAmongLargest(cluster, particle, LabelRule.ByCount.LargestCount) ? 1 : 0;
        }

        return _counts.AsSpan().IndexOf(_counts.Max());
    }

    private void AddGraph(TracksterPass pass, int trackster, int owner, double energy, bool isExact)
    {
        _event.Add(_number);
        _run.Add(_block.Run);
        _lumi.Add(_block.Lumi);
        _trackster.Add(trackster);
        _pass.Add((int)pass);
        _particle.Add(owner);
        _pdgId.Add(owner < 0 ? 0 : _truth!.PdgId[owner]);
        _generatedEnergy.Add(owner < 0 ? 0 : _truth!.GeneratedEnergy[owner]);
        _simEnergy.Add(owner < 0 ? 0 : (float)_total[owner]);
        int contributors = 0;
        foreach (double shared in _shared)
            contributors += shared > 0.01 * energy ? 1 : 0;
        _contributors.Add(contributors);
        _isExact.Add(isExact ? 1 : 0);
    }

    private void AddNodes(LayerClusterColumns clusters, TracksterPass pass, int owner, ReadOnlySpan<int> members,
        ReadOnlySpan<int> parents, ReadOnlySpan<float> parts)
    {
        double wrong = 0, all = 0;
        for (int m = 0; m < members.Length; m++)
        {
            int i = members[m];
            float fraction = owner < 0 ? 0 : _truth!.HardScatter.Of(i, owner);
            bool root = parents[m] < 0;
            _id.Add(i);
            _x.Add(clusters.X[i]);
            _y.Add(clusters.Y[i]);
            _z.Add(clusters.Z[i]);
            _energy.Add(clusters.Energy[i]);
            _time.Add(clusters.Time[i]);
            _eta.Add(clusters.Eta[i]);
            _phi.Add(clusters.Phi[i]);
            _layer.Add(clusters.Layer[i]);
            _hits.Add(clusters.HitCount[i]);
            _fraction.Add(fraction);
            _label.Add(IsPruned(i, owner, fraction) ? 1 : 0);
            _seedHigh.Add(root && pass == TracksterPass.High ? 1 : 0);
            _seedLow.Add(root && pass == TracksterPass.Low ? 1 : 0);
            if (!root)
            {
                _origin.Add(parents[m]);
                _target.Add(i);
            }

            double square = (double)clusters.Energy[i] * clusters.Energy[i];
            if (parts.IsEmpty)
            {
                wrong += (1 - fraction) * (1.0 - fraction) * square;
                all += square;
            }
            else
            {
                double part = parts[m];
                wrong += Math.Min(part * part, (part - fraction) * (part - fraction)) * square;
                all += part * part * square;
            }
        }

        _score.Add(all > 0 ? (float)(wrong / all) : 1);
        _nodeOffsets.Add(_id.Count);
        _linkOffsets.Add(_origin.Count);
    }

    private bool IsPruned(int cluster, int owner, float fraction) => owner < 0 || _rule switch
    {
        LabelRule.ByFraction rule => fraction < rule.Limit,
        _ => !_truth!.HardScatter.IsAmongLargest(cluster, owner, LabelRule.ByCount.LargestCount),
    };
}
