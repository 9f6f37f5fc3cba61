//! The places outside of the work tree that a command may read: the system, toolchains, and caches of dependencies.
//!
//! It is a list of what is allowed. Of a folder that also holds credentials, only the sub-folders that do not are named.

use std::path::{Path, PathBuf};

use super::environment::HostEnvironment;

/// A toolchain or a cache: the variable that tells where it is, its usual place below HOME, and what of it is readable.
struct Root {
    /// The variable, handed on to commands; empty when there is none.
    variable: &'static str,
    /// Its place below HOME when the variable is not set; empty when there is none.
    below_home: &'static str,
    /// The sub-folders that are readable; empty for all of it.
    parts: &'static [&'static str],
}

const fn root(variable: &'static str, below_home: &'static str, parts: &'static [&'static str]) -> Root {
    Root { variable, below_home, parts }
}

/// Where toolchains and caches lie, by their own documentation.
///
/// `config.toml` and `credentials.toml` of cargo, `settings.xml` of Maven, `gradle.properties` and the like hold
/// passwords; they stay out.
const ROOTS: &[Root] = &[
    root("CARGO_HOME", ".cargo", &["bin", "git", "registry"]),
    root("RUSTUP_HOME", ".rustup", &[]),
    root("GOROOT", "", &[]),
    root("GOPATH", "go", &["bin", "pkg"]),
    root("GOMODCACHE", "go/pkg/mod", &[]),
    root("JAVA_HOME", "", &[]),
    root("MAVEN_HOME", "", &[]),
    root("M2_HOME", "", &["bin", "boot", "lib", "conf"]),
    root("", ".m2", &["repository", "wrapper/dists"]),
    root("GRADLE_HOME", "", &[]),
    root("GRADLE_USER_HOME", ".gradle", &["caches", "jdks", "wrapper"]),
    root("PYENV_ROOT", ".pyenv", &[]),
    root("PYTHONUSERBASE", ".local", &["bin", "lib"]),
    root("VIRTUAL_ENV", "", &[]),
    root("CONDA_PREFIX", "", &[]),
    root("", ".local/share/uv/python", &[]),
    root("", ".local/share/virtualenvs", &[]),
    root("NVM_DIR", ".nvm", &[]),
    root("FNM_DIR", ".local/share/fnm", &[]),
    root("VOLTA_HOME", ".volta", &[]),
    root("BUN_INSTALL", ".bun", &["bin", "install"]),
    root("DENO_INSTALL", ".deno", &["bin"]),
    root("", ".local/share/pnpm", &[]),
    root("RBENV_ROOT", ".rbenv", &[]),
    root("GEM_HOME", "", &[]),
    root("", ".gem/ruby", &[]),
    root("ASDF_DATA_DIR", ".asdf", &[]),
    root("MISE_DATA_DIR", ".local/share/mise", &[]),
    root("SDKMAN_DIR", ".sdkman", &["candidates"]),
    root("DOTNET_ROOT", ".dotnet", &["dotnet", "host", "packs", "sdk", "sdk-manifests", "shared", "templates"]),
    root("NUGET_PACKAGES", ".nuget/packages", &[]),
    root("ANDROID_HOME", "", &[]),
    root("RUNNER_TOOL_CACHE", "", &[]),
    root("AGENT_TOOLSDIRECTORY", "", &[]),
];

/// The folders of the system; which of them exist depends on the distribution.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/nix",
    "/gnu/store",
    "/run/current-system",
    "/home/linuxbrew/.linuxbrew",
    "/var/cache/fontconfig",
    "/var/lib/gems",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
];

/// Entries of /etc that hold passwords, keys or tokens, or an address with one in it.
const HIDDEN_IN_ETC: &[&str] = &[
    "NetworkManager",
    "apt",
    "buildkite-agent",
    "chef",
    "cloud",
    "consul.d",
    "docker",
    "environment",
    "exports",
    "fstab",
    "gitconfig",
    "gitlab-runner",
    "gshadow",
    "gshadow-",
    "jenkins",
    "krb5.keytab",
    "kubernetes",
    "letsencrypt",
    "mysql",
    "npmrc",
    "openvpn",
    "pip.conf",
    "postgresql",
    "ppp",
    "puppetlabs",
    "rancher",
    "rhsm",
    "salt",
    "samba",
    "shadow",
    "shadow-",
    "ssh",
    "sudoers",
    "sudoers.d",
    "vault.d",
    "wireguard",
    "wpa_supplicant",
];

/// Tells which entries directly below the folder `place` a command must not read although it may read the folder.
pub(super) fn hidden_entries(place: &Path) -> Vec<String> {
    match place.to_str() {
        Some("/etc") => HIDDEN_IN_ETC.iter().map(|&name| name.to_owned()).collect(),
        Some("/opt") => folder_names(place).into_iter().filter(|name| is_runner(&place.join(name))).collect(),
        _ => Vec::new(),
    }
}

/// Tells whether a folder is a CI runner's own: it keeps its credentials beside its programs.
fn is_runner(folder: &Path) -> bool {
    [".credentials", ".runner"].iter().any(|name| folder.join(name).symlink_metadata().is_ok())
}

fn folder_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Returns every place that exists on this machine and may be read, in no particular order.
///
/// Costs one look at the file system for each of about a hundred names.
pub(super) fn readable_places(host: &HostEnvironment) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    for found in roots(host) {
        match found.parts {
            [] => places.push(found.path),
            parts => places.extend(parts.iter().map(|part| found.path.join(part))),
        }
    }
    for folder in host.path_folders() {
        places.extend(installation_of(&folder));
        places.push(folder);
    }
    places.retain(|place| !is_too_broad(place, host.home()) && place.exists());
    places.sort();
    places.dedup();
    places
}

/// Returns the variables that tell commands where the toolchains are, for those that exist.
///
/// HOME is another one for them, so that a usual place below HOME has to be told.
pub(super) fn root_variables(host: &HostEnvironment) -> Vec<(&'static str, PathBuf)> {
    let found = roots(host).into_iter();
    found
        .filter(|root| !root.variable.is_empty() && root.path.exists())
        .map(|root| (root.variable, root.path))
        .collect()
}

struct FoundRoot {
    variable: &'static str,
    path: PathBuf,
    parts: &'static [&'static str],
}

fn roots(host: &HostEnvironment) -> Vec<FoundRoot> {
    let place_of = |root: &Root| match host.variable(root.variable) {
        Some(value) => Some(PathBuf::from(value)),
        None if root.below_home.is_empty() => None,
        None => host.home().map(|home| home.join(root.below_home)),
    };
    let found = ROOTS.iter().filter_map(|root| {
        let path = place_of(root)?;
        Some(FoundRoot { variable: root.variable, path, parts: root.parts })
    });
    found
        .filter(|root| root.path.is_absolute() && (!root.parts.is_empty() || !is_too_broad(&root.path, host.home())))
        .collect()
}

/// Returns the installation that a folder of PATH belongs to, where it looks like one: `…/node/20/bin`.
fn installation_of(folder: &Path) -> Option<PathBuf> {
    let parent = folder.parent().filter(|_| folder.ends_with("bin"))?;
    let is_known = parent.ends_with(".cargo") || parent.ends_with(".local");
    let holds_libraries = ["lib", "libexec", "pkg"].iter().any(|name| parent.join(name).is_dir());
    (holds_libraries && !is_known).then(|| parent.to_owned())
}

/// Tells whether reading `place` would mean reading the user's whole home.
fn is_too_broad(place: &Path, home: Option<&Path>) -> bool {
    !place.is_absolute() || place.parent().is_none() || home.is_some_and(|home| home.starts_with(place))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn host(home: &Path, more: &[(&str, String)]) -> HostEnvironment {
        let mut variables: BTreeMap<String, String> = more.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        variables.insert("HOME".to_owned(), home.display().to_string());
        HostEnvironment::new(variables)
    }

    fn below(home: &Path, host: &HostEnvironment) -> Vec<String> {
        let places = readable_places(host);
        let inside = places.iter().filter_map(|place| place.strip_prefix(home).ok());
        inside.map(|place| place.display().to_string()).collect()
    }

    fn make(home: &Path, folders: &[&str]) {
        for folder in folders {
            std::fs::create_dir_all(home.join(folder)).unwrap();
        }
    }

    #[test]
    fn of_a_home_only_toolchains_and_caches_are_readable() {
        let home = tempfile::tempdir().unwrap();
        make(
            home.path(),
            &[
                ".ssh",
                ".aws",
                ".config/gh",
                ".docker",
                ".cargo/registry",
                ".rustup",
                ".m2/repository",
                ".local/share/keyrings",
            ],
        );
        make(home.path(), &[".local/lib", "go/pkg/mod", "go/src", "projects", ".gradle/caches"]);
        std::fs::write(home.path().join(".cargo/credentials.toml"), "token").unwrap();
        insta::assert_json_snapshot!(below(home.path(), &host(home.path(), &[])), @r#"
        [
          ".cargo/registry",
          ".gradle/caches",
          ".local/lib",
          ".m2/repository",
          ".rustup",
          "go/pkg",
          "go/pkg/mod"
        ]
        "#);
    }

    #[test]
    fn a_variable_or_a_path_never_opens_the_whole_home() {
        let home = tempfile::tempdir().unwrap();
        make(home.path(), &["bin", "lib", "tools/node/bin", "tools/node/lib", "plain/bin", ".local/bin", ".local/lib"]);
        let at = |name: &str| home.path().join(name).display().to_string();
        let path = [at("bin"), at("tools/node/bin"), at("plain/bin"), at(".local/bin"), "bin".to_owned()].join(":");
        let more =
            [("GOROOT", at("")), ("JAVA_HOME", "/".to_owned()), ("PYENV_ROOT", "relative".to_owned()), ("PATH", path)];
        insta::assert_json_snapshot!(below(home.path(), &host(home.path(), &more)), @r#"
        [
          ".local/bin",
          ".local/lib",
          "bin",
          "plain/bin",
          "tools/node",
          "tools/node/bin"
        ]
        "#);
    }

    #[test]
    fn the_password_files_of_the_system_are_hidden() {
        let hidden = hidden_entries(Path::new("/etc"));
        assert!(["shadow", "sudoers", "ssh"].iter().all(|name| hidden.iter().any(|entry| entry == name)));
        assert_eq!(hidden_entries(Path::new("/usr")), Vec::<String>::new());
    }
}
