using System.Runtime.CompilerServices;
using Pruning.Root.Columns;
using Pruning.Root.Writing.Records;
using Pruning.Root.Writing.Tables;

namespace Pruning.Root.Writing.Trees;

/// <summary>
/// An object of a class of numbers in every entry, split as ROOT does: a branch without values, and below it one branch
/// with one number an entry for each member. Members are added right after the object, before any other branch.
/// </summary>
public sealed class SplitObject
{
    private readonly TreeWriter _tree;
    private readonly List<MemberDescription> _members = [];

    internal SplitObject(TreeWriter tree, string name, string className, int version)
    {
        _tree = tree;
        Name = name;
        ClassName = className;
        Version = version;
    }

    /// <summary>Name of the branch.</summary>
    public string Name { get; }

    internal string ClassName { get; }

    internal int Version { get; }

    internal int MemberCount => _members.Count;

    /// <summary>The class as the file describes it.</summary>
    internal ClassDescription Description => new(ClassName, Version, Checksum(), [.. _members]);

    /// <summary>Adds a member.</summary>
    /// <exception cref="InvalidOperationException">Another branch was added in between.</exception>
    public FlatBranch<T> Member<T>(string name)
        where T : unmanaged
    {
        if (_members.Count > 0 ? !ReferenceEquals(_tree.Branches[^1].Owner, this) : _tree.Objects[^1] != this)
            throw new InvalidOperationException(
                $"Cannot add member '{name}' to object '{Name}': another branch was added after it. Add all members first.");
        RootElementType type = TableRules.TypeOf<T>(name, "member");
        var member = MemberDescription.OfNumber(CollectionClass.NameOf(type), name);
        FlatBranch<T> branch = _tree.Add(name, () => new FlatBranch<T>(_tree, name, this, _members.Count, member.Type, Unsafe.SizeOf<T>()));
        _members.Add(member);
        return branch;
    }

    // ROOT's sum over the names of the class, its members and their types.
    private uint Checksum()
    {
        uint sum = CollectionClass.Checksum(ClassName);
        foreach (MemberDescription member in _members)
        {
            foreach (char letter in member.Name + member.TypeName)
                sum = unchecked((sum * 3) + letter);
        }
        return sum;
    }
}
