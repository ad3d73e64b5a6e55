namespace Pruning.Tests.Architecture

open System
open System.IO
open System.Reflection
open System.Runtime.CompilerServices

/// The public API of an assembly as text, one member a line, for comparison with a snapshot in the repository.
module PublicApi =
    let private keywords =
        dict
            [
                typeof<Void>, "void"
                typeof<bool>, "bool"
                typeof<sbyte>, "sbyte"
                typeof<byte>, "byte"
                typeof<int16>, "short"
                typeof<uint16>, "ushort"
                typeof<int>, "int"
                typeof<uint>, "uint"
                typeof<int64>, "long"
                typeof<uint64>, "ulong"
                typeof<float32>, "float"
                typeof<float>, "double"
                typeof<string>, "string"
                typeof<obj>, "object"
            ]

    let private everything =
        BindingFlags.Public
        ||| BindingFlags.NonPublic
        ||| BindingFlags.Instance
        ||| BindingFlags.Static
        ||| BindingFlags.DeclaredOnly

    let private plainName (name: string) =
        match name.IndexOf '`' with
        | -1 -> name
        | at -> name.Substring(0, at)

    let rec private nameOf (t: Type) : string =
        match keywords.TryGetValue t with
        | true, keyword -> keyword
        | _ ->
            if t.IsByRef then
                nameOf (nonNull (t.GetElementType()))
            elif t.IsArray then
                $"{nameOf (nonNull (t.GetElementType()))}[]"
            elif t.IsGenericType then
                let arguments = t.GetGenericArguments() |> Array.map nameOf |> String.concat ", "

                match plainName t.Name with
                | "Nullable" -> $"{arguments}?"
                | "ValueTuple" -> $"({arguments})"
                | name -> $"{name}<{arguments}>"
            else
                t.Name

    let private annotated (t: Type) (state: NullabilityState) =
        if state = NullabilityState.Nullable && not t.IsValueType then
            $"{nameOf t}?"
        else
            nameOf t

    let private shownDefault (parameter: ParameterInfo) =
        match parameter.HasDefaultValue, parameter.DefaultValue with
        | false, _ -> ""
        | true, null ->
            if
                parameter.ParameterType.IsValueType
                && isNull (Nullable.GetUnderlyingType parameter.ParameterType)
            then
                " = default"
            else
                " = null"
        | true, (:? string as text) -> $" = \"{text}\""
        | true, value -> FormattableString.Invariant($" = {value}")

    let private parameterText (parameter: ParameterInfo) =
        let state = NullabilityInfoContext().Create(parameter)

        let prefix =
            if parameter.IsOut then
                "out "
            elif parameter.ParameterType.IsByRef then
                "ref "
            elif
                parameter.GetCustomAttributes()
                |> Seq.exists (fun one -> one.GetType().Name.StartsWith "Param")
            then
                "params "
            else
                ""

        $"{prefix}{annotated parameter.ParameterType state.ReadState} {parameter.Name}{shownDefault parameter}"

    let private parametersText (method: MethodBase) =
        method.GetParameters() |> Array.map parameterText |> String.concat ", "

    let private constraintsText (arguments: Type array) =
        [
            for argument in arguments |> Array.filter _.IsGenericParameter do
                let flags = argument.GenericParameterAttributes

                let kinds =
                    [
                        if
                            argument.GetCustomAttributesData()
                            |> Seq.exists (fun one -> one.AttributeType.Name = "IsUnmanagedAttribute")
                        then
                            "unmanaged"
                        elif flags.HasFlag GenericParameterAttributes.NotNullableValueTypeConstraint then
                            "struct"

                        for one in argument.GetGenericParameterConstraints() do
                            if one <> typeof<ValueType> then
                                nameOf one
                    ]

                if not kinds.IsEmpty then
                    let list = String.concat ", " kinds
                    $" where {argument.Name} : {list}"
        ]
        |> String.concat ""

    let private isGenerated (one: MemberInfo) = one.IsDefined(typeof<CompilerGeneratedAttribute>, false)

    /// Visible outside of the assembly: public, or protected in a class that others may derive from.
    let private isVisible (method: MethodBase) =
        method.IsPublic
        || ((method.IsFamily || method.IsFamilyOrAssembly)
            && not (nonNull method.DeclaringType).IsSealed)

    let private modifiers (method: MethodBase) =
        let isInterface = (nonNull method.DeclaringType).IsInterface

        [
            if method.IsFamily || method.IsFamilyOrAssembly then
                "protected "
            if method.IsStatic then
                "static "
            elif isInterface then
                ()
            elif method.IsAbstract then
                "abstract "
            elif method.IsVirtual && not method.IsFinal then
                match method with
                | :? MethodInfo as one when one.GetBaseDefinition() <> one -> "override "
                | _ -> "virtual "
        ]
        |> String.concat ""

    let private propertyText (property: PropertyInfo) =
        match property.GetAccessors true |> Array.filter isVisible with
        | [||] -> None
        | accessors ->
            let state = NullabilityInfoContext().Create(property)

            let kinds =
                [
                    for accessor in accessors do
                        if accessor.ReturnType <> typeof<Void> then
                            "get;"
                        elif
                            accessor.ReturnParameter.GetRequiredCustomModifiers()
                            |> Array.exists (fun one -> one.Name = "IsExternalInit")
                        then
                            "init;"
                        else
                            "set;"
                ]
                |> String.concat " "

            let name =
                match property.GetIndexParameters() with
                | [||] -> property.Name
                | indices ->
                    let list = indices |> Array.map parameterText |> String.concat ", "
                    $"this[{list}]"

            Some $"{modifiers accessors[0]}{annotated property.PropertyType state.ReadState} {name} {{ {kinds} }}"

    let private methodText (method: MethodInfo) =
        let arguments = if method.IsGenericMethod then method.GetGenericArguments() else [||]

        let generic =
            if arguments.Length = 0 then
                ""
            else
                let list = arguments |> Array.map nameOf |> String.concat ", "
                $"<{list}>"

        let extension = if method.IsDefined(typeof<ExtensionAttribute>, false) then "this " else ""
        let state = NullabilityInfoContext().Create(method.ReturnParameter)

        $"{modifiers method}{annotated method.ReturnType state.ReadState} \
         {method.Name}{generic}({extension}{parametersText method}){constraintsText arguments}"

    let private memberLines (t: Type) =
        [
            if t.IsEnum then
                for name in Enum.GetNames t do
                    let value = Convert.ToInt64(Enum.Parse(t, name))
                    $"{name} = {value}"
            else
                for field in t.GetFields everything do
                    if field.IsPublic then
                        let kind =
                            if field.IsLiteral then "const "
                            elif field.IsStatic then "static "
                            else ""

                        $"{kind}{nameOf field.FieldType} {field.Name}"

                for made in t.GetConstructors everything do
                    if isVisible made && not (isGenerated made) then
                        $"{modifiers made}{plainName t.Name}({parametersText made})"

                for property in t.GetProperties everything do
                    if property.Name <> "EqualityContract" then
                        yield! Option.toList (propertyText property)

                for method in t.GetMethods everything do
                    if
                        isVisible method
                        && not method.IsSpecialName
                        && not (isGenerated method)
                        && not (method.Name.Contains '<')
                    then
                        methodText method
        ]
        |> List.sort

    let private kindOf (t: Type) =
        let isRecord = not (isNull (t.GetMethod("PrintMembers", everything)))

        if t.IsEnum then
            "enum"
        elif t.IsInterface then
            "interface"
        elif t.IsValueType then
            (if isRecord then "record struct" else "struct")
        elif t.IsAbstract && t.IsSealed then
            "static class"
        else
            let shape = if isRecord then "record" else "class"

            if t.IsAbstract then $"abstract {shape}"
            elif t.IsSealed then $"sealed {shape}"
            else shape

    let private basesOf (t: Type) =
        let own =
            t.GetInterfaces()
            |> Array.filter (fun one -> one.IsVisible && not ((nameOf one).StartsWith "IEquatable<"))

        let inherited =
            match t.BaseType with
            | null -> [||]
            | parent -> parent.GetInterfaces()

        [
            match t.BaseType with
            | null -> ()
            | parent when t.IsValueType || parent = typeof<obj> -> ()
            | parent -> nameOf parent

            if not t.IsEnum then
                yield! own |> Array.except inherited |> Array.map nameOf |> Array.sort
        ]

    /// The lines of an assembly's public API: types in the order of their names, members below them.
    let describe (assembly: Assembly) : string list =
        [
            for t in
                assembly.GetExportedTypes()
                |> Array.sortBy (fun t -> $"{t.Namespace}.{nameOf t}") do
                let bases =
                    match basesOf t with
                    | [] -> ""
                    | list -> " : " + String.concat ", " list

                $"{kindOf t} {t.Namespace}.{nameOf t}{bases}{constraintsText (t.GetGenericArguments())}"

                for line in memberLines t do
                    $"    {line}"
        ]

    /// Compares an assembly's public API with the snapshot at a path. Returns the difference as a message that says how
    /// to accept it; None when there is none. With the variable PRUNING_ACCEPT_API the snapshot is written instead.
    let difference (snapshot: string) (assembly: Assembly) : string option =
        let now = describe assembly

        if not (String.IsNullOrEmpty(Environment.GetEnvironmentVariable "PRUNING_ACCEPT_API")) then
            Directory.CreateDirectory(Path.GetDirectoryName snapshot |> nonNull) |> ignore
            File.WriteAllText(snapshot, String.concat "\n" now + "\n")
            None
        else
            let before = if File.Exists snapshot then File.ReadAllLines snapshot |> List.ofArray else []

            if before = now then
                None
            else
                let gone = before |> List.except now |> List.map (fun line -> "- " + line.Trim())
                let added = now |> List.except before |> List.map (fun line -> "+ " + line.Trim())
                let name = assembly.GetName().Name

                [
                    $"The public API of {name} is not that of {Path.GetFileName snapshot}:"
                    yield! gone
                    yield! added
                    if gone.IsEmpty && added.IsEmpty then
                        "(lines moved)"
                    $"If the change is intended, run PRUNING_ACCEPT_API=1 ./test.sh --filter \"public API\" and commit \
                     {Path.GetFileName snapshot}."
                ]
                |> String.concat "\n"
                |> Some
