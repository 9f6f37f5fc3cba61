//! What is not read, or not shown, and why.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::repo::{FileTree, RepoError, RepoPath};

/// Longer files are not read for context, in bytes: they are data or made by a program.
pub(super) const MAX_FILE_BYTES: usize = 1 << 20;
/// A NUL within this many bytes makes a file binary (the rule of git's `buffer_is_binary`).
const BINARY_PROBE_BYTES: usize = 8000;
/// A file of at least this size whose lines are longer than this on average is minified.
const MINIFIED: (usize, usize) = (4096, 300);
/// A mark of generated code counts when it stands within this many bytes: further down it is somebody's string.
const GENERATED_PROBE_BYTES: usize = 512;

/// Why a file is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// Its name says that it holds a secret.
    SecretByName,
    /// A line of it looks like a credential; the word names the shape.
    SecretByContent(&'static str),
    /// It is longer than [`MAX_FILE_BYTES`].
    TooLarge,
    /// It is not UTF-8.
    NotText,
    /// It could not be read.
    Unreadable,
    /// Its lines are too long to have been written by hand.
    Minified,
    /// It says itself that a program wrote it.
    Generated,
    /// A package manager wrote it.
    LockFile,
    /// It is a copy of somebody else's code.
    Vendored,
    /// It holds NUL bytes, or its extension says that it is no text.
    Binary,
}

impl Reason {
    /// Tells the reason to people.
    pub(super) fn text(self) -> String {
        match self {
            Self::SecretByName => "its name says that it holds a secret".to_owned(),
            Self::SecretByContent(shape) => format!("it holds what looks like a secret ({shape})"),
            Self::TooLarge => format!("it is larger than {} KiB", MAX_FILE_BYTES / 1024),
            Self::NotText => "it is not UTF-8".to_owned(),
            Self::Unreadable => "it could not be read".to_owned(),
            Self::Minified => "it is minified".to_owned(),
            Self::Generated => "it says that it is generated".to_owned(),
            Self::LockFile => "it is a lock file".to_owned(),
            Self::Vendored => "it is a copy of somebody else's code".to_owned(),
            Self::Binary => "it is binary".to_owned(),
        }
    }

    /// Returns the number under which the index keeps a reason that lies in the content; 0 for none.
    pub(super) fn code(reason: Option<Self>) -> u8 {
        Self::IN_CONTENT.iter().position(|known| Some(*known) == reason).map_or(0, |at| at as u8 + 1)
    }

    /// Returns the reason that has a number; see [`Reason::code`].
    pub(super) fn of_code(code: u8) -> Option<Self> {
        Self::IN_CONTENT.get(usize::from(code).checked_sub(1)?).copied()
    }

    /// What [`by_content`] may say.
    const IN_CONTENT: [Self; 4] = [Self::TooLarge, Self::Binary, Self::Generated, Self::Minified];

    /// Tells whether a person's hint overrules the reason.
    pub(super) fn yields_to_hint(self) -> bool {
        matches!(self, Self::Minified | Self::Generated | Self::LockFile | Self::Vendored)
    }
}

/// Tells why the file at `path` need not even be read.
pub(super) fn by_path(path: &RepoPath) -> Option<Reason> {
    let name = path.file_name().to_ascii_lowercase();
    if is_secret_name(&name)
        || [".docker/config.json", ".aws/config", ".kube/config"].iter().any(|end| path.as_str().ends_with(end))
    {
        return Some(Reason::SecretByName);
    }
    if LOCK_FILES.contains(&name.as_str()) {
        return Some(Reason::LockFile);
    }
    if path.folder().split('/').any(|folder| VENDOR_FOLDERS.contains(&folder)) {
        return Some(Reason::Vendored);
    }
    if [".min.js", ".min.css", ".bundle.js", ".js.map", ".css.map"].iter().any(|end| name.ends_with(end)) {
        return Some(Reason::Minified);
    }
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    BINARY_EXTENSIONS.contains(&extension).then_some(Reason::Binary)
}

/// Reads the file at `path` into `buffer` and tells why its content is not shown, if there is a reason; a file that is too large
/// is not read.
///
/// # Errors
/// As [`FileTree::read_within`].
pub(super) fn read(tree: &FileTree, path: &RepoPath, buffer: &mut Vec<u8>) -> Result<Option<Reason>, RepoError> {
    let fits = tree.read_within(path, MAX_FILE_BYTES, buffer)?;
    Ok(if fits { by_content(buffer) } else { Some(Reason::TooLarge) })
}

/// The marks of generated code as one search; a test keeps it from being `None`.
static MARKS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(GENERATED_MARKS).ok());

/// Tells why the bytes of a file are not searched.
pub(super) fn by_content(content: &[u8]) -> Option<Reason> {
    if content.len() > MAX_FILE_BYTES {
        return Some(Reason::TooLarge);
    }
    if content[..content.len().min(BINARY_PROBE_BYTES)].contains(&0) {
        return Some(Reason::Binary);
    }
    let head = &content[..content.len().min(GENERATED_PROBE_BYTES)];
    if MARKS.as_ref().is_some_and(|marks| marks.is_match(head)) {
        return Some(Reason::Generated);
    }
    let (least_bytes, most_bytes_a_line) = MINIFIED;
    if content.len() >= least_bytes {
        let lines = 1 + content.iter().filter(|byte| **byte == b'\n').count();
        if content.len() / lines > most_bytes_a_line {
            return Some(Reason::Minified);
        }
    }
    None
}

fn is_secret_name(name: &str) -> bool {
    let is_template = [".example", ".sample", ".template", ".dist", ".pub"].iter().any(|end| name.ends_with(end));
    if is_template || ["example.", "sample.", "template."].iter().any(|start| name.starts_with(start)) {
        return false;
    }
    SECRET_NAMES.contains(&name)
        || name.contains(".env.")
        || name.strip_prefix("env.").is_some_and(|stage| STAGES.contains(&stage))
        || (name.starts_with("ssh_host_") && name.ends_with("_key"))
        || (name.starts_with("gha-creds-") && name.ends_with(".json"))
        || SECRET_ENDS.iter().any(|end| name.ends_with(end))
        || ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"].iter().any(|start| name.starts_with(start))
}

/// Names of files that tools keep credentials in, each from that tool's own documentation.
const SECRET_NAMES: &[&str] = &[
    ".env",
    ".envrc",
    ".npmrc",
    ".netrc",
    "_netrc",
    ".pypirc",
    ".htpasswd",
    ".git-credentials",
    ".dockercfg",
    ".pgpass",
    ".my.cnf",
    ".boto",
    ".s3cfg",
    ".vault-token",
    "credentials",
    "credentials.json",
    "credentials.toml",
    "credentials.yml",
    "credentials.yaml",
    "secrets.json",
    "secrets.toml",
    "secrets.yml",
    "secrets.yaml",
    "secret.yml",
    "secret.yaml",
    "master.key",
    "kubeconfig",
    "terraform.tfstate",
    "service-account.json",
    "service_account.json",
];
/// Stages of a deployment, whose settings stand in `env.STAGE`.
const STAGES: &[&str] = &["local", "dev", "development", "test", "staging", "prod", "production"];
/// Ends of names of keys and key stores.
const SECRET_ENDS: &[&str] = &[
    ".pem",
    ".key",
    ".p12",
    ".pfx",
    ".jks",
    ".keystore",
    ".kdbx",
    ".ppk",
    ".ovpn",
    ".tfvars",
    ".tfstate",
    ".env",
    ".p8",
];
/// Files that a package manager writes.
const LOCK_FILES: &[&str] = &[
    "cargo.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "deno.lock",
    "poetry.lock",
    "pipfile.lock",
    "uv.lock",
    "pdm.lock",
    "composer.lock",
    "gemfile.lock",
    "go.sum",
    "go.work.sum",
    "flake.lock",
    "packages.lock.json",
    "gradle.lockfile",
    "podfile.lock",
    "mix.lock",
    "pubspec.lock",
];
/// Folders that hold copies of other projects.
const VENDOR_FOLDERS: &[&str] = &[
    "node_modules",
    "bower_components",
    "vendor",
    "vendored",
    "_vendor",
    "third_party",
    "third-party",
    ".yarn",
    "Pods",
];
/// Extensions that are never text; reading such a file is time lost.
const BINARY_EXTENSIONS: &[&str] = &[
    "png",
    "jpg",
    "jpeg",
    "gif",
    "webp",
    "ico",
    "bmp",
    "tif",
    "tiff",
    "avif",
    "icns",
    "pdf",
    "zip",
    "gz",
    "tgz",
    "bz2",
    "xz",
    "zst",
    "7z",
    "rar",
    "tar",
    "jar",
    "war",
    "class",
    "o",
    "a",
    "so",
    "dylib",
    "dll",
    "exe",
    "lib",
    "obj",
    "wasm",
    "pyc",
    "pyd",
    "whl",
    "ttf",
    "otf",
    "woff",
    "woff2",
    "eot",
    "mp3",
    "mp4",
    "mov",
    "avi",
    "mkv",
    "ogg",
    "flac",
    "wav",
    "webm",
    "sqlite",
    "db",
    "parquet",
    "npy",
    "npz",
    "pkl",
    "h5",
    "onnx",
    "gguf",
    "safetensors",
    "bin",
    "dat",
    "iso",
    "dmg",
    "psd",
    "ai",
    "fits",
    "gpg",
];
/// What generators write at the top, Go's and Meta's conventions first.
const GENERATED_MARKS: &[&str] = &[
    "Code generated by",
    "@generated",
    "DO NOT EDIT",
    "Do not edit this file",
    "GENERATED CODE",
    "autogenerated by",
    "<auto-generated",
    "automatically generated by",
    "Automatically generated by",
    "by ANTLR",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<Reason>) {
        assert_eq!(by_path(&RepoPath::of_existing(path).expect(path)), expected, "{path}");
    }

    #[test]
    fn names_of_secrets_are_known_and_their_templates_are_let_through() {
        for path in [
            ".env",
            "a/.env.production",
            "prod.env",
            "settings.env.local",
            "env.production",
            "AuthKey.p8",
            "ssh_host_rsa_key",
            ".kube/config",
            "gha-creds-1.json",
            "deploy/server.PEM",
            "id_rsa",
            "x/id_ed25519.old",
            "credentials",
            ".npmrc",
            "h/.netrc",
            "prod.tfvars",
            ".docker/config.json",
        ] {
            check(path, Some(Reason::SecretByName));
        }
        for path in [
            "example.env",
            "docs/a.asc",
            "src/env.d.ts",
            ".env.example",
            "id_rsa.pub",
            "src/credentials.rs",
            "src/env.py",
            "keys.rs",
        ] {
            check(path, None);
        }
    }

    #[test]
    fn what_nobody_wrote_by_hand_is_known_by_its_path() {
        check("Cargo.lock", Some(Reason::LockFile));
        check("web/node_modules/a/b.js", Some(Reason::Vendored));
        check("go/vendor/x/y.go", Some(Reason::Vendored));
        check("vendor.go", None);
        check("web/a.min.js", Some(Reason::Minified));
        check("logo.PNG", Some(Reason::Binary));
    }

    #[test]
    fn contents_are_judged() {
        let long_line = "a".repeat(5000);
        let late = format!("{}\n// DO NOT EDIT", "x\n".repeat(400));
        let huge = vec![b'\n'; MAX_FILE_BYTES + 1];
        for (content, expected) in [
            (&b"fn main() {}"[..], None),
            (b"", None),
            (b"a\0b", Some(Reason::Binary)),
            (b"// Code generated by tool. DO NOT EDIT.\npackage a", Some(Reason::Generated)),
            (late.as_bytes(), None),
            (long_line.as_bytes(), Some(Reason::Minified)),
            (&huge, Some(Reason::TooLarge)),
        ] {
            assert_eq!(by_content(content), expected);
        }
    }
}
