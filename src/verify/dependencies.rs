//! Installed dependencies that the user's checkout has and a fresh work tree lacks.
//!
//! They are linked into work trees and may be read there, not written. What they link back into the checkout would be
//! tested as it stands there and not as it was changed; that is found and said.

use std::path::{Path, PathBuf};

use super::{Check, detect};
use crate::repo::{FileTree, WorkTree};

/// Entries of a folder of modules that are looked at for links back into the checkout.
const MAX_ENTRIES: usize = 2_000;
/// Entries of `node_modules` that tools write into; each tree begins with none.
const CACHES: &[&str] = &[".cache", ".vite", ".vite-temp", ".vitest"];
/// Programs that an environment of Python brings along.
const PYTHON_PROGRAMS: [&str; 4] = ["python", "python3", "pytest", "tox"];

/// A folder of the checkout that is linked into work trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// Its path below the top, the same in the checkout and in the work tree: `web/node_modules`.
    pub name: String,
    /// The folder itself.
    pub target: PathBuf,
    /// What a reader of the evidence has to know about it, a sentence for [`super::Evidence::not_checked`].
    pub note: String,
}

impl Linked {
    /// Links the folder into a work tree.
    ///
    /// # Errors
    /// [`crate::repo::RepoError::Io`] when the link cannot be made.
    #[cfg(unix)]
    pub fn link_into(&self, work_tree: &WorkTree) -> Result<(), crate::repo::RepoError> {
        // Packages of the repository itself are links in there, which must lead to the tree under test.
        if self.name.ends_with("node_modules") {
            return work_tree.link_entries(&self.name, &self.target, CACHES);
        }
        work_tree.link_outside(&self.name, &self.target)
    }
}

/// Finds the folders that the checkout has, the commit does not hold and the checks may need.
///
/// Looks at the top, at the folders of the checks and at those of `package.json` and `composer.json` files. Reads a few
/// folders of the checkout's disk; what cannot be read is left out.
pub fn installed_dependencies(checkout: &Path, tree: &FileTree, checks: &[Check]) -> Vec<Linked> {
    let Ok(checkout) = checkout.canonicalize() else { return Vec::new() };
    let mut folders = detect::manifest_folders(tree, &["package.json", "composer.json", "Gemfile"]);
    folders.push(String::new());
    folders.extend(checks.iter().map(|check| check.folder.clone()));
    folders.sort();
    folders.dedup();
    let mut found = Vec::new();
    for folder in folders {
        let has = |name: &str| checkout.join(&folder).join(name).exists();
        let wanted = [
            ("node_modules", has("package.json")),
            (".venv", has(".venv/pyvenv.cfg")),
            ("venv", has("venv/pyvenv.cfg")),
            ("vendor/bundle", has("Gemfile")),
            ("vendor", has("composer.json")),
        ];
        for (name, _) in wanted.into_iter().filter(|(_, wanted)| *wanted) {
            found.extend(linked(&checkout, tree, &detect::joined(&folder, name)));
        }
    }
    found
}

/// Makes checks use the Python of a linked environment, in their own folder or at the top.
pub fn use_environments(checks: &[Check], linked: &[Linked]) -> Vec<Check> {
    let has = |folder: &str, name: &str| linked.iter().any(|link| link.name == detect::joined(folder, name));
    let adapt = |check: &Check| {
        let mut check = check.clone();
        let program = check.argv.first_mut().filter(|program| PYTHON_PROGRAMS.contains(&program.as_str()));
        if let Some(program) = program {
            let depth = if check.folder.is_empty() { 0 } else { check.folder.split('/').count() };
            let places = [(check.folder.as_str(), String::new()), ("", "../".repeat(depth))];
            let found = places.iter().find_map(|(folder, up)| {
                let name = [".venv", "venv"].into_iter().find(|name| has(folder, name))?;
                let target = linked.iter().find(|link| link.name == detect::joined(folder, name))?;
                let inside = format!("bin/{program}");
                target.target.join(&inside).is_file().then(|| format!("{up}{name}/{inside}"))
            });
            *program = found.unwrap_or_else(|| program.clone());
        }
        check
    };
    checks.iter().map(adapt).collect()
}

fn linked(checkout: &Path, tree: &FileTree, name: &str) -> Option<Linked> {
    let target = checkout.join(name).canonicalize().ok().filter(|target| target.is_dir())?;
    let inside = format!("{name}/");
    if tree.paths().any(|path| path.as_str().starts_with(&inside)) {
        return None;
    }
    // The folder around it must be in the tree, or the link would have nowhere to stand.
    let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
    let stands = parent.is_empty() || tree.paths().any(|path| path.as_str().starts_with(&format!("{parent}/")));
    if !stands {
        return None;
    }
    let back = links_back(checkout, &target);
    let note = if back.is_empty() {
        format!("{name} was taken from the checkout as it is")
    } else {
        format!(
            "{name} was taken from the checkout and leads back into it ({}): that code was tested as the checkout has it, not as it was changed",
            back.join(", ")
        )
    };
    Some(Linked { name: name.to_owned(), target, note })
}

/// Takes the files out of an environment of Python that lead to the sources at `root`, as an installation in editable form
/// leaves them; returns the folders that they led to, relative to `root`.
///
/// What stays is what is known of the package: its name, its version and its programs.
///
/// # Errors
/// The system's reason when a file cannot be removed.
pub fn detach_sources(environment: &Path, root: &Path) -> std::io::Result<Vec<String>> {
    let mut sources = Vec::new();
    for library in children(&environment.join("lib")) {
        for file in children(&library.join("site-packages")) {
            let name = named(&file);
            if !(name.ends_with(".pth") || name.starts_with("__editable__")) || !file.is_file() {
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let leads = root.to_str().is_some_and(|root| text.contains(root));
            // The other half of an import hook names no place.
            if leads || name.starts_with("__editable__") {
                let below = text.lines().filter_map(|line| Path::new(line.trim()).strip_prefix(root).ok());
                sources.extend(below.map(|below| below.to_string_lossy().into_owned()));
                std::fs::remove_file(&file)?;
            }
        }
    }
    sources.sort();
    sources.dedup();
    Ok(sources)
}

/// Names what leads from a folder of dependencies back to the checkout's own sources: absolute links in
/// `node_modules`, path files of editable installations in an environment of Python.
fn links_back(checkout: &Path, target: &Path) -> Vec<String> {
    let mut entries = children(target);
    let scopes: Vec<PathBuf> = entries.iter().filter(|path| named(path).starts_with('@')).cloned().collect();
    entries.extend(scopes.iter().flat_map(|scope| children(scope)));
    let own = |path: &PathBuf| {
        // Relative ones are made again in each tree.
        let link = std::fs::read_link(path).is_ok_and(|to| to.is_absolute());
        let real = path.canonicalize().ok().filter(|_| link)?;
        let outside = real.starts_with(checkout) && !real.starts_with(target);
        outside.then(|| named(path))
    };
    let mut found: Vec<String> = entries.iter().take(MAX_ENTRIES).filter_map(own).collect();
    for library in children(&target.join("lib")) {
        for file in children(&library.join("site-packages")) {
            let leads = |file: &Path| {
                let text = std::fs::read_to_string(file).unwrap_or_default();
                checkout.to_str().is_some_and(|checkout| text.contains(checkout))
            };
            let name = named(&file);
            let editable = name.ends_with(".pth") || name.starts_with("__editable__");
            if editable && leads(&file) {
                found.push(name);
            }
        }
    }
    found.sort();
    found.truncate(5);
    found
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut all: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    all.sort();
    all
}

fn named(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::repo::{RepoPath, StoredFile};
    use crate::verify::CheckKind;

    fn checkout(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in files {
            let place = folder.path().join(name);
            std::fs::create_dir_all(place.parent().expect("below the top")).expect("mkdir");
            std::fs::write(place, "x").expect("write");
        }
        folder
    }

    fn tree(files: &[&str]) -> FileTree {
        FileTree::from_files(files.iter().map(|path| (RepoPath::parse(path).expect(path), StoredFile::regular(*b"x"))))
    }

    fn check(argv: &[&str], folder: &str) -> Check {
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        Check { kind: CheckKind::Test, argv, folder: folder.to_owned(), found_in: String::new(), report: None }
    }

    #[test]
    fn what_the_checkout_has_and_the_commit_has_not_is_linked() {
        let place = checkout(&[
            "package.json",
            "node_modules/a/index.js",
            "web/package.json",
            "web/node_modules/b/index.js",
            ".venv/pyvenv.cfg",
            ".venv/bin/python3",
            "composer.json",
            "vendor/committed.php",
        ]);
        let tree = tree(&["package.json", "web/package.json", "composer.json", "vendor/committed.php", "api/t.py"]);
        let found = installed_dependencies(place.path(), &tree, &[]);
        let names: Vec<&str> = found.iter().map(|link| link.name.as_str()).collect();
        assert_eq!(names, ["node_modules", ".venv", "web/node_modules"]);
        assert_eq!(found[0].note, "node_modules was taken from the checkout as it is");
        let checks = [check(&["python3", "-m", "pytest"], ""), check(&["pytest"], "api"), check(&["python3"], "api")];
        let used: Vec<String> = use_environments(&checks, &found).into_iter().map(|c| c.argv[0].clone()).collect();
        assert_eq!(used, [".venv/bin/python3", "pytest", "../.venv/bin/python3"]);
    }

    #[test]
    fn links_back_into_the_checkout_are_said() {
        let place =
            checkout(&["package.json", "packages/shared/index.js", "node_modules/a/index.js", ".venv/pyvenv.cfg"]);
        let site = place.path().join(".venv/lib/python3.11/site-packages");
        std::fs::create_dir_all(&site).expect("mkdir");
        let real = place.path().canonicalize().expect("it exists");
        std::fs::write(site.join("shop.pth"), format!("{}/src\n", real.display())).expect("write");
        std::fs::create_dir_all(place.path().join("node_modules/@us")).expect("mkdir");
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, place.path().join(name)).expect("link");
        link(Path::new("../../packages/own"), "node_modules/@us/own");
        link(&real.join("packages/shared"), "node_modules/@us/shared");
        let notes: Vec<String> =
            installed_dependencies(place.path(), &tree(&["package.json"]), &[]).into_iter().map(|l| l.note).collect();
        insta::assert_snapshot!(notes.join("\n"), @"
        node_modules was taken from the checkout and leads back into it (shared): that code was tested as the checkout has it, not as it was changed
        .venv was taken from the checkout and leads back into it (shop.pth): that code was tested as the checkout has it, not as it was changed
        ");
    }
}
