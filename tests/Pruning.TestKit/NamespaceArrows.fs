namespace Pruning.Tests.Architecture

open System.Collections.Generic
open System.IO
open System.Text.RegularExpressions
open Mono.Cecil
open Mono.Cecil.Cil

/// A use of one namespace by another: a type that uses a type, or a source file that opens a namespace. Nested types
/// count as the type around them.
type NamespaceArrow =
    {
        FromNamespace: string
        /// The type or the file.
        From: string
        /// Where in `From` the use is: a member's name, `(declaration)` or `(opened)`.
        Member: string
        ToNamespace: string
        /// The type that is used; empty for a namespace that is opened.
        To: string
    }

/// The namespaces of a project, lowest first, each with the namespaces that it may use besides itself.
type NamespaceLayout = (string * string list) list

/// Dependencies between namespaces. Compiled code shows base types, interfaces, fields, signatures, generic constraints,
/// attributes and method bodies. Constants of other types are literals there, so the sources are read as well: which
/// namespaces each file opens.
module NamespaceArrows =
    // Cecil leaves absent types null.
    let private isAbsent (reference: TypeReference) = obj.ReferenceEquals(reference, null)

    let rec private outermost (reference: TypeReference) =
        if isAbsent reference.DeclaringType then
            reference
        else
            outermost reference.DeclaringType

    /// The types that make up a constructed type: of `List<int[]>`, `List` and `int`.
    let rec private partsOf (reference: TypeReference) : TypeReference list =
        match reference with
        | absent when isAbsent absent -> []
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

    /// The namespace that a type's code belongs to. F# initialises the values of modules in classes of its own; their names
    /// hold the module's namespace, or else the fields that they set belong to it.
    let private homeOf (isOurs: string -> bool) (definition: TypeDefinition) : string =
        if not (definition.Namespace.StartsWith "<StartupCode$") then
            definition.Namespace
        else
            match definition.Namespace.IndexOf ".$" with
            | -1 ->
                seq {
                    for method in definition.Methods do
                        if method.HasBody then
                            for instruction in method.Body.Instructions do
                                match instruction.Operand with
                                | :? FieldReference as field when instruction.OpCode = OpCodes.Stsfld ->
                                    (outermost field.DeclaringType).Namespace
                                | _ -> ()
                }
                |> Seq.tryFind isOurs
                |> Option.defaultValue ""
            | at -> definition.Namespace.Substring(at + 2)

    /// Every use of a type of one namespace by a type of another, each pair of types once.
    let ofAssembly (isOurs: string -> bool) (path: string) : NamespaceArrow list =
        use assembly = AssemblyDefinition.ReadAssembly path
        let seen = HashSet<string * string>()

        [
            for definition in assembly.MainModule.Types do
                let home = homeOf isOurs definition

                if isOurs home then
                    for name, used in usesOf definition do
                        for part in partsOf used do
                            let target = outermost part

                            if
                                isOurs target.Namespace
                                && target.Namespace <> home
                                && seen.Add(definition.FullName, target.FullName)
                            then
                                {
                                    FromNamespace = home
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

    let private declared = Regex(@"^(?:namespace|module)\s+(?:rec\s+)?([\w.]+)", RegexOptions.Multiline)

    let private opened =
        Regex(@"^\s*(?:using (?<static>static )?|open (?<type>type )?)(?<name>[\w.]+);?\s*$", RegexOptions.Multiline)

    let private sources (folder: string) =
        [
            for path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories) |> Seq.sort do
                let relative = Path.GetRelativePath(folder, path).Replace('\\', '/')
                let top = relative.Split('/')[0]

                if
                    (relative.EndsWith ".cs" || relative.EndsWith ".fs")
                    && top <> "obj"
                    && top <> "bin"
                then
                    relative, File.ReadAllText path
        ]

    let private withoutLast (name: string) =
        match name.LastIndexOf '.' with
        | -1 -> ""
        | at -> name.Substring(0, at)

    /// The namespace of a source: its own in C#; in F# that of the module when the file is one.
    let private namespaceOf (text: string) =
        match declared.Match text with
        | found when not found.Success -> ""
        | found when found.Value.StartsWith "module" -> withoutLast found.Groups[1].Value
        | found -> found.Groups[1].Value

    /// Every namespace that a source file opens.
    let ofSources (isOurs: string -> bool) (folder: string) : NamespaceArrow list =
        [
            for file, text in sources folder do
                let own = namespaceOf text

                for found in opened.Matches text do
                    let name = found.Groups["name"].Value

                    let target =
                        if found.Groups["static"].Success || found.Groups["type"].Success then
                            withoutLast name
                        else
                            name

                    if isOurs target && target <> own then
                        {
                            FromNamespace = own
                            From = file
                            Member = "(opened)"
                            ToNamespace = target
                            To = ""
                        }
        ]

    /// What is wrong with the folders of a project: a file directly in it, or in a folder that is not its namespace.
    let folderProblems (rootNamespace: string) (folder: string) : string list =
        [
            for file, text in sources folder do
                let place = (Path.GetDirectoryName file |> nonNull).Replace('\\', '/').Replace('/', '.')
                let own = namespaceOf text

                if place = "" then
                    $"{file} is directly in the project's folder. Move it into the folder of its subject."
                elif own <> $"{rootNamespace}.{place}" then
                    $"{file} has the namespace {own} instead of {rootNamespace}.{place}. The namespace is the folder."
        ]

    let private show (arrow: NamespaceArrow) =
        if arrow.To = "" then
            $"{arrow.From} opens {arrow.ToNamespace}"
        else
            $"{arrow.FromNamespace}.{arrow.From}.{arrow.Member} uses {arrow.ToNamespace}.{arrow.To}"

    let private forbidden (layout: Map<string, string list>) (arrows: NamespaceArrow list) =
        [
            for (source, target), uses in arrows |> List.groupBy (fun arrow -> arrow.FromNamespace, arrow.ToNamespace) do
                let allowed = layout |> Map.tryFind source |> Option.defaultValue []

                if not (List.contains target allowed) then
                    let examples = uses |> List.truncate 3 |> List.map show |> String.concat "; "

                    $"{source} must not use {target}: {examples}. Move one of the types, or allow the arrow in the list."
        ]

    let private unused (layout: NamespaceLayout) (arrows: NamespaceArrow list) =
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
                    | Some other when other >= place[source] ->
                        $"The list lets {source} use {target}, which is not below it. Arrows point down only."
                    | _ -> ()
        ]

    /// What is wrong with the dependencies of a project, as sentences; empty when they are exactly those of the layout.
    /// Targets outside of the layout are namespaces of other projects: they must be allowed, but have no place in the order.
    let problems (layout: NamespaceLayout) (namespaces: string list) (arrows: NamespaceArrow list) : string list =
        let known = set (List.map fst layout)

        [
            for name in namespaces do
                if not (known.Contains name) then
                    $"The namespace {name} is not in the list. Add it at its place in the order of dependence."

            yield! upward layout
            yield! forbidden (Map layout) arrows
            yield! unused layout arrows
        ]
