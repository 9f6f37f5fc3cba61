//! Whether a word is the path of a file, told by its form alone.

/// Names of files without an extension.
const BARE_NAMES: [&str; 14] = [
    "Makefile",
    "Dockerfile",
    "Containerfile",
    "LICENSE",
    "README",
    "Gemfile",
    "Rakefile",
    "Procfile",
    "Jenkinsfile",
    "CODEOWNERS",
    "Justfile",
    "justfile",
    "BUILD",
    "WORKSPACE",
];
/// Names of files that look like members of something.
const DOTTED_NAMES: [&str; 9] = [
    "go.mod",
    "go.sum",
    "go.work",
    ".env",
    ".gitattributes",
    ".gitmodules",
    ".editorconfig",
    ".mailmap",
    ".clang-format",
];
/// Extensions that make a word in prose a path and not a member access.
const EXTENSIONS: [&str; 60] = [
    "bat",
    "c",
    "cc",
    "cfg",
    "conf",
    "cpp",
    "cs",
    "css",
    "csv",
    "dart",
    "ex",
    "exs",
    "fs",
    "go",
    "gradle",
    "h",
    "hpp",
    "hs",
    "html",
    "ini",
    "java",
    "jl",
    "js",
    "json",
    "jsx",
    "kt",
    "lock",
    "lua",
    "m",
    "md",
    "mjs",
    "ml",
    "nim",
    "nix",
    "php",
    "pl",
    "properties",
    "proto",
    "ps1",
    "py",
    "pyi",
    "r",
    "rb",
    "rs",
    "rst",
    "scala",
    "scss",
    "sh",
    "sql",
    "svelte",
    "swift",
    "tf",
    "toml",
    "ts",
    "tsx",
    "txt",
    "vue",
    "xml",
    "yaml",
    "yml",
];

/// Tells whether `text` can be a path at all.
pub(super) fn is_plausible(text: &str) -> bool {
    let sound = !text.is_empty()
        && text.len() <= 300
        && !text.contains("://")
        && !text.contains(|c: char| {
            c.is_control() || matches!(c, '<' | '>' | '|' | '"' | '*' | '?' | '`' | ',' | ';' | '=')
        })
        && !text.ends_with(['.', ':', '!'])
        && text.chars().any(char::is_alphanumeric);
    sound && (text.contains('/') || !text.contains(['(', ')', '[', ']', '{', '}']))
}

/// Tells whether `text` has the form of a path: a slash, an extension or a well-known name.
pub(super) fn looks_like_path(text: &str) -> bool {
    let name = text.rsplit(['/', '\\']).next().unwrap_or(text);
    let extension = name.rsplit_once('.').is_some_and(|(_, extension)| {
        (1..=12).contains(&extension.len())
            && extension.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
            && extension.chars().any(|c| c.is_ascii_alphabetic())
    });
    (text.contains('/') || extension || BARE_NAMES.contains(&name)) && !text.ends_with('/')
}

/// Tells whether blanks belong to a path: `src/my file.py`, and neither `new src/a.py` nor `src/a.py and more.py`.
pub(super) fn is_spaced_path(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let name = text.rsplit('/').next().unwrap_or_default();
    first.contains('/') && !looks_like_path(first.rsplit('/').next().unwrap_or_default()) && looks_like_path(name)
}

/// Tells whether a word in prose is the path of a file, and not a member (`self.items`), a package (`net/http`) or a method
/// (`.map`).
pub(super) fn is_path_in_prose(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let is_known = extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
        || BARE_NAMES.contains(&name)
        || DOTTED_NAMES.contains(&name)
        || (name.starts_with('.') && (name.ends_with("ignore") || name.ends_with("rc")));
    // In a folder any extension will do; what a package exports is written with a capital letter (`net/http.Client`).
    let is_in_folder =
        name.len() < word.len() && extension.is_some_and(|extension| extension == extension.to_lowercase());
    is_plausible(word) && !word.contains(char::is_whitespace) && (is_known || (is_in_folder && looks_like_path(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_prose_are_paths_by_their_form() {
        for word in [
            "b.py",
            "Makefile",
            "docs/Makefile",
            "go.mod",
            "tools/go.sum",
            ".gitignore",
            ".github/CODEOWNERS",
            "web/.npmrc",
            "src/config/dark-sites.config",
            "tests/data/label.txtar",
            "std/config/mod.nu",
            ".changeset/a.md",
        ] {
            assert!(is_path_in_prose(word), "{word}");
        }
        for word in [
            "self.x",
            "np.sum",
            ".map",
            "net/http",
            "net/http.Client",
            "and/or",
            "v1.2",
            "src/",
            "https://x.org/a.py",
            "a b.py",
            "f()",
            "*.py",
        ] {
            assert!(!is_path_in_prose(word), "{word}");
        }
    }
}
