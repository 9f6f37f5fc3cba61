//! Rules about which files a change touches: protected ones, links, executables, dependencies.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use unicode_normalization::UnicodeNormalization;

use super::{Finding, PolicyError, PolicySettings, Severity, finding};
use crate::repo::{FileChange, FileMode, RepoPath, is_control_or_invisible};

/// What no change may touch unless the settings say otherwise: files that make a forge, git, an editor or a bot run
/// something or trust somebody.
pub const PROTECTED_BY_DEFAULT: &[&str] = &[
    // Pipelines.
    ".github/workflows/**",
    ".github/actions/**",
    "**/action.yml",
    "**/action.yaml",
    "**/.gitlab-ci.yml",
    ".circleci/**",
    ".buildkite/**",
    "**/jenkinsfile",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    ".travis.yml",
    ".drone.yml",
    // What git itself obeys.
    "**/.gitmodules",
    "**/.gitattributes",
    "**/.lfsconfig",
    "**/.husky/**",
    ".pre-commit-config.yaml",
    // Who is trusted, and bots that update dependencies.
    "**/codeowners",
    ".github/dependabot.yml",
    ".github/dependabot.yaml",
    "**/renovate.json",
    "**/renovate.json5",
    "**/.renovaterc*",
    // Editors that run tasks on opening a folder.
    "**/.devcontainer/**",
    "**/.devcontainer.json",
    "**/.vscode/tasks.json",
    "**/.idea/**",
    "**/.envrc",
    // Instructions and tools of coding bots, this one's settings among them.
    "**/agents.md",
    "**/claude.md",
    "**/gemini.md",
    "**/.cursorrules",
    ".cursor/**",
    ".claude/**",
    "**/.mcp.json",
    ".github/copilot-instructions.md",
    ".prentice.yml",
    ".prentice.yaml",
];

/// Manifests of dependencies, and the lock files that belong to them.
const DEPENDENCIES: &[(&str, &[&str])] = &[
    ("cargo.toml", &["cargo.lock"]),
    (
        "package.json",
        &["package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"],
    ),
    ("pyproject.toml", &["poetry.lock", "uv.lock", "pdm.lock"]),
    ("pipfile", &["pipfile.lock"]),
    ("requirements.txt", &[]),
    ("go.mod", &["go.sum"]),
    ("pom.xml", &[]),
    ("build.gradle", &["gradle.lockfile"]),
    ("build.gradle.kts", &["gradle.lockfile"]),
    ("gemfile", &["gemfile.lock"]),
    ("composer.json", &["composer.lock"]),
];

/// Patterns of paths that no change may touch, matched without regard to case and compatibility forms.
#[derive(Clone, Debug)]
pub struct ProtectedPaths {
    globs: GlobSet,
}

impl ProtectedPaths {
    /// Compiles patterns: `*` and `?` within a folder, `**` across folders, `[..]`, `{a,b}`.
    ///
    /// # Errors
    /// [`PolicyError::BadPattern`] with the first pattern that cannot be compiled.
    pub fn parse<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, PolicyError> {
        let bad = |pattern: &str, error: globset::Error| PolicyError::BadPattern {
            pattern: pattern.to_owned(),
            reason: error.kind().to_string(),
        };
        let mut builder = GlobSetBuilder::new();
        for pattern in patterns {
            let text = folded(pattern);
            let glob = GlobBuilder::new(&text).literal_separator(true).build().map_err(|error| bad(pattern, error))?;
            builder.add(glob);
        }
        Ok(Self { globs: builder.build().map_err(|error| bad("", error))? })
    }

    /// Tells whether a path is protected.
    pub fn covers(&self, path: &RepoPath) -> bool {
        self.globs.is_match(folded(path.as_str()))
    }
}

impl Default for ProtectedPaths {
    fn default() -> Self {
        Self::parse(PROTECTED_BY_DEFAULT.iter().copied()).expect("the patterns are constants, compiled by a test")
    }
}

/// Returns a path as a file system would see it that folds case and compatibility forms.
pub(super) fn folded(path: &str) -> String {
    path.nfkc().filter(|c| !is_control_or_invisible(*c)).flat_map(char::to_lowercase).collect()
}

pub(super) fn findings(change: &FileChange, settings: &PolicySettings) -> Vec<Finding> {
    let path = &change.path;
    let mut found = Vec::new();
    if settings.protected.covers(path) {
        let text = format!("{path} is protected: a change to it must be made by a person");
        found.push(finding(Severity::Refuse, "protected-path", path, text));
    }
    let Some(after) = &change.after else { return found };
    let mode_before = change.before.as_ref().map(|before| before.mode);
    if after.mode == FileMode::Symlink && change.before.as_ref() != Some(after) {
        let target = String::from_utf8_lossy(&after.content).replace(is_control_or_invisible, "?");
        let text = format!("{path} becomes a symbolic link to {target}");
        found.push(finding(Severity::Refuse, "symbolic-link", path, text));
    }
    if after.mode == FileMode::Executable && mode_before != Some(FileMode::Executable) {
        found.push(finding(Severity::Flag, "executable", path, format!("{path} becomes executable")));
    }
    found
}

/// Finds changed manifests, and lock files that changed without one.
pub(super) fn dependency_findings(changes: &[FileChange]) -> Vec<Finding> {
    let touched = |folder: &str, name: &str| {
        changes.iter().any(|change| change.path.folder() == folder && folded(change.path.file_name()) == name)
    };
    let mut found = Vec::new();
    for change in changes {
        let path = &change.path;
        let name = folded(path.file_name());
        if DEPENDENCIES.iter().any(|(manifest, _)| *manifest == name) {
            let text = format!("{path} names dependencies; look at what it adds");
            found.push(finding(Severity::Flag, "dependencies", path, text));
        }
        let mut owners = DEPENDENCIES.iter().filter(|(_, locks)| locks.contains(&name.as_str())).peekable();
        if owners.peek().is_some() && !owners.any(|(manifest, _)| touched(path.folder(), manifest)) {
            let text = format!("{path} changed without its manifest, so it pins something else than was asked for");
            found.push(finding(Severity::Flag, "lock-file", path, text));
        }
    }
    found
}
