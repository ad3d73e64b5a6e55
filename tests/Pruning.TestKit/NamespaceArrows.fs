namespace Pruning.Tests.Architecture

open System
open System.Collections.Generic
open Mono.Cecil
open Mono.Cecil.Cil

/// One type that uses another one of a different namespace. Nested types count as the type around them.
type TypeArrow =
    {
        FromNamespace: string
        From: string
        /// Where in `From` the use is: a member's name, or what of the type's declaration.
        Member: string
        ToNamespace: string
        To: string
    }

/// A namespace, lowest first, and the namespaces that its types may use besides their own.
type NamespaceLayout = (string * string list) list

/// Dependencies between the namespaces of an assembly, read from the compiled code: base types, interfaces, fields,
/// signatures, generic constraints, attributes and method bodies. A constant of another type is a literal in compiled
/// code and leaves no trace there, so `OpenedNamespaces` reads the sources as well.
module NamespaceArrows =
    let rec private outermost (reference: TypeReference) =
        match reference.DeclaringType with
        | null -> reference
        | declaring -> outermost declaring

    /// The types that make up a constructed type: of `List<int[]>`, `List` and `int`.
    let rec private partsOf (reference: TypeReference) : TypeReference list =
        match reference with
        | null
        | :? GenericParameter -> []
        | :? GenericInstanceType as instance ->
            partsOf instance.ElementType
            @ List.collect partsOf (List.ofSeq instance.GenericArguments)
        | :? FunctionPointerType as pointer ->
            partsOf pointer.ReturnType
            @ [
                for one in pointer.Parameters do
                    yield! partsOf one.ParameterType
            ]
        | :? RequiredModifierType as required -> partsOf required.ElementType @ partsOf required.ModifierType
        | :? OptionalModifierType as optional -> partsOf optional.ElementType @ partsOf optional.ModifierType
        | :? TypeSpecification as specification -> partsOf specification.ElementType
        | plain -> [ plain ]

    let private ofMethodReference (reference: MethodReference) =
        [
            reference.DeclaringType
            reference.ReturnType
            for parameter in reference.Parameters do
                parameter.ParameterType
            match reference with
            | :? GenericInstanceMethod as instance -> yield! instance.GenericArguments
            | _ -> ()
        ]

    let private ofInstruction (instruction: Instruction) : TypeReference list =
        match instruction.Operand with
        | :? TypeReference as reference -> [ reference ]
        | :? FieldReference as field -> [ field.DeclaringType; field.FieldType ]
        | :? MethodReference as method -> ofMethodReference method
        | :? CallSite as site ->
            site.ReturnType
            :: [ for parameter in site.Parameters -> parameter.ParameterType ]
        | _ -> []

    let private ofAttributes (owner: ICustomAttributeProvider) : TypeReference list =
        [
            for attribute in owner.CustomAttributes do
                attribute.AttributeType

                for argument in attribute.ConstructorArguments do
                    argument.Type

                    match argument.Value with
                    | :? TypeReference as reference -> reference
                    | _ -> ()
        ]

    let private ofGenericParameters (owner: IGenericParameterProvider) : TypeReference list =
        [
            for parameter in owner.GenericParameters do
                for constraint' in parameter.Constraints do
                    constraint'.ConstraintType
        ]

    let private ofBody (body: MethodBody) =
        [
            for variable in body.Variables do
                variable.VariableType

            for handler in body.ExceptionHandlers do
                handler.CatchType

            for instruction in body.Instructions do
                yield! ofInstruction instruction
        ]

    let private ofMethod (method: MethodDefinition) =
        [
            yield! ofAttributes method
            yield! ofGenericParameters method
            yield! ofAttributes method.MethodReturnType
            method.ReturnType

            for parameter in method.Parameters do
                yield! ofAttributes parameter
                parameter.ParameterType

            if method.HasBody then
                yield! ofBody method.Body
        ]

    let private ofDeclaration (definition: TypeDefinition) =
        [
            yield! ofAttributes definition
            yield! ofGenericParameters definition
            definition.BaseType

            for implemented in definition.Interfaces do
                implemented.InterfaceType
        ]

    let rec private usesOf (definition: TypeDefinition) : (string * TypeReference) list =
        [
            for used in ofDeclaration definition do
                "(declaration)", used

            for field in definition.Fields do
                for used in field.FieldType :: ofAttributes field do
                    field.Name, used

            for property in definition.Properties do
                for used in property.PropertyType :: ofAttributes property do
                    property.Name, used

            for method in definition.Methods do
                for used in ofMethod method do
                    method.Name, used

            for nested in definition.NestedTypes do
                yield! usesOf nested
        ]

    /// Every use of a type of one namespace by a type of another, each pair of types once.
    let ofAssembly (isOurs: string -> bool) (path: string) : TypeArrow list =
        use assembly = AssemblyDefinition.ReadAssembly path
        let seen = HashSet<string * string>()

        [
            for definition in assembly.MainModule.Types do
                if isOurs definition.Namespace then
                    for name, used in usesOf definition do
                        for part in partsOf used do
                            let target = outermost part

                            if
                                isOurs target.Namespace
                                && target.Namespace <> definition.Namespace
                                && seen.Add(definition.FullName, target.FullName)
                            then
                                {
                                    FromNamespace = definition.Namespace
                                    From = definition.Name
                                    Member = name
                                    ToNamespace = target.Namespace
                                    To = target.Name
                                }
        ]

    /// The namespaces of the assembly's own types.
    let namespacesOf (isOurs: string -> bool) (path: string) : string list =
        use assembly = AssemblyDefinition.ReadAssembly path

        [ for definition in assembly.MainModule.Types -> definition.Namespace ]
        |> List.distinct
        |> List.filter isOurs

    let private show (arrow: TypeArrow) =
        $"{arrow.FromNamespace}.{arrow.From}.{arrow.Member} uses {arrow.ToNamespace}.{arrow.To}"

    let private forbidden (layout: Map<string, string list>) (arrows: TypeArrow list) =
        [
            for (source, target), uses in List.groupBy (fun arrow -> arrow.FromNamespace, arrow.ToNamespace) arrows do
                let allowed = layout |> Map.tryFind source |> Option.defaultValue []

                if not (List.contains target allowed) then
                    let examples = uses |> List.truncate 3 |> List.map show |> String.concat "; "
                    $"{source} must not use {target}, but {uses.Length} pairs of types do: {examples}. Move one of the types, or allow the arrow."
        ]

    let private unused (layout: NamespaceLayout) (arrows: TypeArrow list) =
        let found = set [ for arrow in arrows -> arrow.FromNamespace, arrow.ToNamespace ]

        [
            for source, targets in layout do
                for target in targets do
                    if not (found.Contains(source, target)) then
                        $"{source} may use {target} but does not. Remove the arrow from the list."
        ]

    let private upward (layout: NamespaceLayout) =
        let place = Map [ for index, (name, _) in List.indexed layout -> name, index ]

        [
            for source, targets in layout do
                for target in targets do
                    match Map.tryFind target place with
                    | Some lower when lower >= place[source] ->
                        $"The list lets {source} use {target}, which stands above it. References point down only."
                    | _ -> ()
        ]

    /// What is wrong with the namespaces of an assembly, as sentences; empty when they are as the layout says.
    let problems (layout: NamespaceLayout) (isOurs: string -> bool) (path: string) : string list =
        let arrows = ofAssembly isOurs path
        let known = set (List.map fst layout)

        [
            for name in namespacesOf isOurs path do
                if not (known.Contains name) then
                    $"The namespace {name} is not in the list of {IO.Path.GetFileName path}. Add it where it belongs in the order of dependence."

            yield! upward layout
            yield! forbidden (Map layout) arrows
            yield! unused layout arrows
        ]
