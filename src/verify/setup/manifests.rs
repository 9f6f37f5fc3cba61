//! The files that name dependencies: when one of them changes, a setup is made anew.

use super::Ecosystem;

/// By each tool's own manual; `*` at one end stands for any text.
fn patterns(ecosystem: Ecosystem) -> &'static [&'static str] {
    match ecosystem {
        Ecosystem::Python => &[
            "pyproject.toml",
            "setup.py",
            "setup.cfg",
            "tox.ini",
            "Pipfile",
            "Pipfile.lock",
            "poetry.lock",
            "uv.lock",
            "pdm.lock",
            "*requirements*",
            "*.in",
            ".python-version",
        ],
        Ecosystem::Node => &[
            "package.json",
            "package-lock.json",
            "npm-shrinkwrap.json",
            "yarn.lock",
            "pnpm-lock.yaml",
            "pnpm-workspace.yaml",
            "bun.lock",
            "bun.lockb",
            ".npmrc",
            ".yarnrc.yml",
            ".nvmrc",
        ],
        Ecosystem::Cargo => &["Cargo.toml", "Cargo.lock", "rust-toolchain", "rust-toolchain.toml", "config.toml"],
        Ecosystem::Go => &["go.mod", "go.sum", "go.work"],
        Ecosystem::Maven => &["pom.xml", "extensions.xml", "maven.config", "maven-wrapper.properties"],
        Ecosystem::Gradle => &[
            "*.gradle",
            "*.gradle.kts",
            "gradle.lockfile",
            "gradle.properties",
            "*.versions.toml",
            "gradle-wrapper.properties",
        ],
        Ecosystem::Bundler => &["Gemfile", "Gemfile.lock", "*.gemspec", ".ruby-version"],
        Ecosystem::Composer => &["composer.json", "composer.lock"],
        Ecosystem::Nuget => &[
            "*.csproj",
            "*.fsproj",
            "*.vbproj",
            "*.props",
            "*.targets",
            "packages.lock.json",
            "nuget.config",
            "global.json",
        ],
        Ecosystem::Own => &["*"],
    }
}

/// Tells whether a file of this name says what a setup depends on.
pub(super) fn names(ecosystem: Ecosystem, file_name: &str) -> bool {
    let own = ecosystem == Ecosystem::Own;
    let all =
        [Ecosystem::Python, Ecosystem::Node, Ecosystem::Cargo, Ecosystem::Go, Ecosystem::Maven, Ecosystem::Gradle];
    // Commands of the user's may read any of them, but not the code, or every change would make a new setup.
    let patterns: Vec<&str> =
        if own { all.into_iter().flat_map(patterns).copied().collect() } else { patterns(ecosystem).to_vec() };
    patterns.iter().any(|pattern| matches(pattern, file_name))
}

fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(rest), Some(_)) => name.contains(rest.trim_end_matches('*')),
        (Some(end), None) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == pattern,
    }
}
