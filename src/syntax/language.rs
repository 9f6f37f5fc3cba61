//! Which language a file is written in, by its name.

use crate::repo::RepoPath;

/// A language with a grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// Rust.
    Rust,
    /// Python, stubs included.
    Python,
    /// JavaScript, with JSX.
    JavaScript,
    /// TypeScript without JSX.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// Go.
    Go,
    /// Java.
    Java,
    /// C, and every `.h`.
    C,
    /// C++.
    Cpp,
    /// Ruby.
    Ruby,
    /// C#.
    CSharp,
    /// PHP, with the HTML around it.
    Php,
    /// Bash and POSIX shell.
    Bash,
    /// Kotlin, scripts included.
    Kotlin,
    /// Swift.
    Swift,
    /// Scala 2 and 3.
    Scala,
    /// HTML.
    Html,
    /// CSS.
    Css,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// TOML.
    Toml,
    /// Markdown, its blocks.
    Markdown,
}

impl Language {
    /// Every language, in the order of the variants.
    pub const ALL: [Self; 22] = [
        Self::Rust,
        Self::Python,
        Self::JavaScript,
        Self::TypeScript,
        Self::Tsx,
        Self::Go,
        Self::Java,
        Self::C,
        Self::Cpp,
        Self::Ruby,
        Self::CSharp,
        Self::Php,
        Self::Bash,
        Self::Kotlin,
        Self::Swift,
        Self::Scala,
        Self::Html,
        Self::Css,
        Self::Json,
        Self::Yaml,
        Self::Toml,
        Self::Markdown,
    ];

    /// Tells whether programs are written in it, and not texts, pages or settings.
    pub fn is_for_programs(self) -> bool {
        !matches!(self, Self::Html | Self::Css | Self::Json | Self::Yaml | Self::Toml | Self::Markdown)
    }

    /// Tells the language of the file at `path` by its extension, or by its whole name.
    pub fn of(path: &RepoPath) -> Option<Self> {
        let Some(extension) = path.extension() else { return by_name(path.file_name()) };
        Some(match extension {
            "rs" => Self::Rust,
            "py" | "pyi" | "pyw" => Self::Python,
            "js" | "jsx" | "mjs" | "cjs" => Self::JavaScript,
            "ts" | "mts" | "cts" => Self::TypeScript,
            "tsx" => Self::Tsx,
            "go" => Self::Go,
            "java" => Self::Java,
            "c" | "h" => Self::C,
            "cc" | "cpp" | "cxx" | "c++" | "hh" | "hpp" | "hxx" | "h++" | "inl" | "ipp" | "tpp" => Self::Cpp,
            "rb" | "rake" | "gemspec" => Self::Ruby,
            "cs" => Self::CSharp,
            "php" | "phtml" => Self::Php,
            "sh" | "bash" => Self::Bash,
            "kt" | "kts" => Self::Kotlin,
            "swift" => Self::Swift,
            "scala" | "sc" | "sbt" => Self::Scala,
            "html" | "htm" | "xhtml" => Self::Html,
            "css" => Self::Css,
            "json" | "webmanifest" => Self::Json,
            "yml" | "yaml" => Self::Yaml,
            "toml" => Self::Toml,
            "md" | "markdown" => Self::Markdown,
            _ => return None,
        })
    }
}

fn by_name(name: &str) -> Option<Language> {
    match name {
        "Gemfile" | "Rakefile" | "Guardfile" | "Vagrantfile" | "Podfile" => Some(Language::Ruby),
        "SConstruct" | "SConscript" | "wscript" => Some(Language::Python),
        ".bashrc" | ".bash_profile" | ".profile" | "PKGBUILD" => Some(Language::Bash),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<Language>) {
        assert_eq!(Language::of(&RepoPath::parse(path).expect(path)), expected, "{path}");
    }

    #[test]
    fn the_name_tells_the_language() {
        check("src/lib.rs", Some(Language::Rust));
        check("a/b.test.tsx", Some(Language::Tsx));
        check("types/a.d.ts", Some(Language::TypeScript));
        check("include/a.h", Some(Language::C));
        check("a.c++", Some(Language::Cpp));
        check("Rakefile", Some(Language::Ruby));
        check(".bashrc", Some(Language::Bash));
        check("README.md", Some(Language::Markdown));
        check("build.gradle.kts", Some(Language::Kotlin));
        check("notes.txt", None);
        check("rs", None);
        check(".rs", None);
    }

    #[test]
    fn all_is_in_the_order_of_the_variants() {
        for (index, language) in Language::ALL.into_iter().enumerate() {
            assert_eq!(language as usize, index);
        }
    }
}
