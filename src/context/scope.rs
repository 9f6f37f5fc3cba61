//! The scope of a title: `fix(parser): ...` says that `parser` is changed, a folder or a file (Conventional Commits 1.0.0,
//! "Specification", 4).

use crate::repo::RepoPath;

/// The names in the brackets of a title, as [`plain`] ones.
#[derive(Debug)]
pub(super) struct Scope(Vec<String>);

impl Scope {
    /// Finds the scope of the title that `text` begins with.
    pub(super) fn of(text: &str) -> Option<Self> {
        let title = text.trim_start().lines().next()?;
        let (kind, rest) = title.split_once('(')?;
        let (scope, rest) = rest.split_once(')')?;
        let is_kind = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
        if !is_kind || !rest.strip_prefix('!').unwrap_or(rest).starts_with(": ") {
            return None;
        }
        let names: Vec<String> = scope
            .split([',', '/', '|', ' '])
            .map(|name| plain(name).collect::<String>())
            .filter(|name| name.contains(char::is_alphanumeric))
            .collect();
        (!names.is_empty()).then_some(Self(names))
    }

    /// Tells whether a folder of the path or its file is called like the scope.
    pub(super) fn is_of(&self, path: &RepoPath) -> bool {
        let mut parts = path.as_str().split('/').map(|part| part.split('.').next().unwrap_or(part));
        parts.any(|part| self.0.iter().any(|name| plain(part).eq(name.chars())))
    }
}

/// A name without what is written in one way or another.
fn plain(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|letter| !matches!(letter, '-' | '_')).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_folder_or_a_file() {
        let scope = Scope::of("\nfix(runtime-core, ssr)!: skip hydration\n").expect("a scope");
        for (path, expected) in [
            ("packages/runtime-core/src/renderer.ts", true),
            ("packages/runtimeCore.ts", true),
            ("src/ssr.test.ts", true),
            ("packages/runtime-dom/src/core.ts", false),
            ("packages/server/ssrRender.ts", false),
        ] {
            assert_eq!(scope.is_of(&RepoPath::parse(path).expect("a path")), expected, "{path}");
        }
    }

    #[test]
    fn other_brackets_are_no_scope() {
        for title in [
            "Call of read(path): it fails and is (again) slow: why",
            "fix: read(path) fails",
            "read(path) fails",
            "fix(*): all",
            "fix(core):no space",
            "(core): x",
            "fix(core",
            "",
            "A title\nfix(core): x",
        ] {
            assert!(Scope::of(title).is_none(), "{title}");
        }
    }
}
