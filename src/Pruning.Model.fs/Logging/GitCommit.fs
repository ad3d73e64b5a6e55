namespace Pruning.Model.Logging

open System
open System.ComponentModel
open System.Diagnostics
open System.IO

/// The commit of a git checkout, read from its files: git itself need not be there. Only whether the checkout is dirty is
/// git's to say.
[<RequireQualifiedAccess>]
module GitCommit =

    let private isHash (text: string) : bool =
        (text.Length = 40 || text.Length = 64) && Seq.forall Char.IsAsciiHexDigit text

    let private tryRead (path: string) : string option =
        try
            Some(File.ReadAllText(path).Trim())
        with
        | :? IOException
        | :? UnauthorizedAccessException -> None

    /// The text after a prefix.
    let private after (prefix: string) (text: string) : string option =
        if text.StartsWith(prefix, StringComparison.Ordinal) then
            Some(text.Substring(prefix.Length).Trim())
        else
            None

    /// The repository's directory from a `.git` that is that directory, or a file that names it (worktrees, submodules).
    let private tryRepository (dotGit: string) : string option =
        if Directory.Exists dotGit then
            Some dotGit
        else
            let beside = string (Path.GetDirectoryName dotGit)

            tryRead dotGit
            |> Option.bind (after "gitdir:")
            |> Option.map (fun path -> Path.GetFullPath(Path.Combine(beside, path)))

    let private tryPacked (packedRefs: string) (reference: string) : string option =
        tryRead packedRefs
        |> Option.bind (fun text ->
            text.Split '\n'
            |> Array.tryPick (fun line ->
                match line.Trim().Split ' ' with
                | [| hash; name |] when name = reference && isHash hash -> Some hash
                | _ -> None))

    let private tryResolve (repository: string) (reference: string) : string option =
        // A worktree keeps its own HEAD; the branches are in the directory that `commondir` names.
        let common =
            tryRead (Path.Combine(repository, "commondir"))
            |> Option.map (fun path -> Path.GetFullPath(Path.Combine(repository, path)))
            |> Option.toList

        repository :: common
        |> List.tryPick (fun place ->
            match tryRead (Path.Combine(place, reference)) with
            | Some hash when isHash hash -> Some hash
            | _ -> tryPacked (Path.Combine(place, "packed-refs")) reference)

    /// The commit checked out in the nearest repository above a directory. None where there is no repository, or no commit in
    /// it. Whether files were changed since: tryIsDirty.
    let tryFind (directory: string) : string option =
        let rec up (place: DirectoryInfo | null) : string option =
            match place with
            | null -> None
            | place ->
                let dotGit = Path.Combine(place.FullName, ".git")

                if Directory.Exists dotGit || File.Exists dotGit then
                    Some dotGit
                else
                    up place.Parent

        up (DirectoryInfo(Path.GetFullPath directory))
        |> Option.bind tryRepository
        |> Option.bind (fun repository ->
            tryRead (Path.Combine(repository, "HEAD"))
            |> Option.bind (fun head ->
                match after "ref:" head with
                | Some reference -> tryResolve repository reference
                | None -> if isHash head then Some head else None))

    /// A run must not wait for a git that hangs, on a file system that is away, say.
    let private timeout = TimeSpan.FromSeconds 20.0

    /// What git answers; None when it is not there, refuses, or takes too long.
    let private tryAsk (directory: string) (words: string list) : string option =
        let start =
            ProcessStartInfo(
                "git",
                [ "-C"; directory ] @ words,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true
            )

        // A look must not write the index, which another git may hold.
        start.Environment["GIT_OPTIONAL_LOCKS"] <- "0"

        try
            use git = Process.Start start |> nonNull
            git.StandardInput.Close()
            let answer, complaint = git.StandardOutput.ReadToEndAsync(), git.StandardError.ReadToEndAsync()

            if git.WaitForExit timeout then
                complaint.Wait()
                if git.ExitCode = 0 then Some answer.Result else None
            else
                git.Kill()
                None
        with
        | :? Win32Exception
        | :? IOException -> None

    /// Whether files that git tracks differ from the commit checked out, as in `git describe --dirty`: new files do not
    /// count. None where there is no commit, or no git to ask.
    let tryIsDirty (directory: string) : bool option =
        tryFind directory
        |> Option.bind (fun _ -> tryAsk directory [ "status"; "--porcelain"; "--untracked-files=no" ])
        |> Option.map (fun changes -> changes.Trim() <> "")
