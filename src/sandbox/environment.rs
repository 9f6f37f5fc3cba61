//! The environment of commands: what of the user's environment they get, and which program a name means.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Command, Network, SandboxError, places};

/// The environment that Prentice was started with, as the caller read it.
///
/// Only the variables named in this module and in the list of toolchains ever reach a command.
#[derive(Clone)]
pub struct HostEnvironment {
    variables: BTreeMap<String, String>,
}

impl std::fmt::Debug for HostEnvironment {
    /// Names the variables without their values, which may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostEnvironment").field("variables", &self.variables.keys()).finish()
    }
}

/// Variables that are handed on as they are.
const HANDED_ON: &[&str] = &[
    "ANDROID_NDK_HOME",
    "CC",
    "CXX",
    "GOTOOLCHAIN",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "PKG_CONFIG_PATH",
    "PYENV_VERSION",
    "RBENV_VERSION",
    "RUSTUP_TOOLCHAIN",
    "TERM",
    "TZ",
    "USER",
];

/// Beginnings of names of variables that are handed on as they are.
const HANDED_ON_PREFIXES: &[&str] = &["LC_", "JAVA_HOME_", "GOROOT_"];

/// Variables with the same value for every command: no tool may ask for the network, a password or the user's settings.
const FIXED: &[(&str, &str)] = &[
    ("CI", "true"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("PIP_CONFIG_FILE", "/dev/null"),
    ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
    ("RUSTUP_AUTO_INSTALL", "0"),
    ("npm_config_update_notifier", "false"),
];

/// Variables that tell tools of packages that there is no network.
const OFFLINE: &[(&str, &str)] = &[
    ("CARGO_NET_OFFLINE", "true"),
    ("GOPROXY", "off"),
    ("PIP_NO_INDEX", "1"),
    ("UV_OFFLINE", "1"),
    ("npm_config_offline", "true"),
];

/// Variables that tell them how the network is reached; handed on to commands that may use it, unless there is a password
/// in the value.
const ONLINE: &[&str] = &[
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "GOPROXY",
    "GOSUMDB",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "npm_config_registry",
];

/// Files and folders of certificates, by the variables of those who read them; handed on and readable likewise.
const CERTIFICATES: &[&str] = &[
    "CARGO_HTTP_CAINFO",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NIX_SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "npm_config_cafile",
];

/// Where a program is looked for when the environment has no PATH (POSIX `confstr(_CS_PATH)` and the local folder).
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

impl HostEnvironment {
    /// Takes the variables that the program was started with.
    pub fn new(variables: BTreeMap<String, String>) -> Self {
        Self { variables }
    }

    /// Returns a variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns the user's home.
    pub(super) fn home(&self) -> Option<&Path> {
        self.variable("HOME").map(Path::new).filter(|home| home.is_absolute())
    }

    /// Returns where the user's temporary files belong.
    pub(super) fn temporary_folder(&self) -> PathBuf {
        let named = self.variable("TMPDIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
        named.unwrap_or_else(|| PathBuf::from("/tmp"))
    }

    /// Returns the absolute folders of PATH, each once.
    pub(super) fn path_folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = Vec::new();
        for folder in std::env::split_paths(self.variable("PATH").unwrap_or(DEFAULT_PATH)) {
            if folder.is_absolute() && !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        folders
    }

    /// Returns the folders of PATH that the repository's code cannot have put programs into.
    fn trusted_folders(&self, command: &Command) -> Vec<PathBuf> {
        let mut folders = self.path_folders();
        folders.retain(|folder| !folder.starts_with(&command.work_tree) && !folder.starts_with(&command.scratch));
        folders
    }

    /// Tells whether a program of this name is in PATH.
    pub fn has_program(&self, name: &str) -> bool {
        self.path_folders().iter().any(|folder| is_executable(&folder.join(name)))
    }

    /// Finds the program of `command`: a bare name in PATH, anything with a slash from its directory.
    ///
    /// # Errors
    /// [`SandboxError::ProgramNotFound`] when no folder holds an executable file of that name.
    pub(super) fn find_program(&self, command: &Command) -> Result<PathBuf, SandboxError> {
        let name = command.argv.first().map_or("", String::as_str);
        let found = if name.contains('/') {
            Some(command.directory.join(name)).filter(|path| is_executable(path))
        } else {
            let places = self.trusted_folders(command).into_iter().map(|folder| folder.join(name));
            places.into_iter().find(|path| !name.is_empty() && is_executable(path))
        };
        found.ok_or_else(|| SandboxError::ProgramNotFound { program: name.to_owned() })
    }

    /// Returns the whole environment of `command`, which keeps its temporary files in `temporary_folder`.
    pub(super) fn for_command(&self, command: &Command, temporary_folder: &Path) -> BTreeMap<String, String> {
        let mut variables: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &self.variables {
            if HANDED_ON.contains(&name.as_str()) || HANDED_ON_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
                variables.insert(name.clone(), value.clone());
            }
        }
        let mut set =
            |name: &str, value: &Path| variables.insert(name.to_owned(), value.to_string_lossy().into_owned());
        for (name, path) in places::root_variables(self) {
            set(name, &path);
        }
        let home = command.scratch.join("home");
        set("CARGO_HOME", &command.scratch.join("cargo"));
        set("GOCACHE", &command.scratch.join("go-build"));
        set("GRADLE_USER_HOME", &home.join(".gradle"));
        set("HOME", &home);
        set("TMPDIR", temporary_folder);
        if let Some(caches) = self.gradle_caches() {
            set("GRADLE_RO_DEP_CACHE", &caches);
        }
        let path = std::env::join_paths(self.trusted_folders(command)).unwrap_or_default();
        set("PATH", Path::new(&path));
        variables.insert("MAVEN_OPTS".to_owned(), self.maven_options(&home, temporary_folder));
        let mut fix = |list: &[(&str, &str)]| {
            variables.extend(list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        };
        fix(FIXED);
        match command.network {
            Network::Own => fix(OFFLINE),
            Network::Machine => variables.extend(self.online()),
        }
        variables.extend(command.environment.clone());
        // An environment of Python counts as activated: its programs are found by name.
        if let Some(environment) = command.environment.get("VIRTUAL_ENV") {
            let path = variables.get("PATH").map_or("", String::as_str);
            let path = format!("{environment}/bin{}{path}", if path.is_empty() { "" } else { ":" });
            variables.insert("PATH".to_owned(), path);
        }
        variables
    }

    fn online(&self) -> impl Iterator<Item = (String, String)> {
        let named = |name: &&str| Some(((*name).to_owned(), self.variable(name)?.to_owned()));
        ONLINE.iter().chain(CERTIFICATES).filter_map(named).filter(|(_, value)| !holds_password(value))
    }

    /// Returns the files that a command needs to trust the network that it may use, and to find names in it.
    pub(super) fn network_places(&self) -> Vec<PathBuf> {
        let certificates = CERTIFICATES.iter().filter_map(|name| self.variable(name)).map(PathBuf::from);
        let all = certificates.chain([PathBuf::from("/etc/resolv.conf")]);
        all.filter(|place| place.is_absolute() && place.exists()).collect()
    }

    /// Returns the folder of the user's cargo.
    pub(super) fn cargo_home(&self) -> Option<PathBuf> {
        let named = self.variable("CARGO_HOME").map(PathBuf::from);
        named.or_else(|| Some(self.home()?.join(".cargo"))).filter(|folder| folder.is_absolute())
    }

    fn gradle_caches(&self) -> Option<PathBuf> {
        let named = self.variable("GRADLE_USER_HOME").map(PathBuf::from);
        let user_home = named.or_else(|| Some(self.home()?.join(".gradle")))?;
        Some(user_home.join("caches")).filter(|caches| caches.is_dir())
    }

    /// Java takes the home from the user database and the temporary folder from nowhere; both have to be told.
    ///
    /// The user's repository is read as the tail of an empty one (Maven Resolver, "Local Repository", since Maven 3.9).
    fn maven_options(&self, home: &Path, temporary_folder: &Path) -> String {
        let mut options = format!("-Duser.home={} -Djava.io.tmpdir={}", home.display(), temporary_folder.display());
        if let Some(tail) = self.home().map(|real| real.join(".m2/repository")).filter(|tail| tail.is_dir()) {
            options.push_str(&format!(
                " -Dmaven.repo.local={}/.m2/repository -Dmaven.repo.local.tail={} -Dmaven.repo.local.tail.ignoreAvailability=true",
                home.display(),
                tail.display()
            ));
        }
        options
    }
}

/// Tells a URL with a user in it: `https://name:password@host`.
fn holds_password(value: &str) -> bool {
    value.split("://").skip(1).any(|rest| rest.split(['/', ' ', ',']).next().is_some_and(|host| host.contains('@')))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Limits;

    fn host(variables: &[(&str, &str)]) -> HostEnvironment {
        HostEnvironment::new(variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    fn command(program: &str, work_tree: &Path) -> Command {
        Command {
            argv: vec![program.to_owned()],
            directory: work_tree.to_owned(),
            work_tree: work_tree.to_owned(),
            scratch: PathBuf::from("/scratch"),
            readable: Vec::new(),
            links: Vec::new(),
            network: Network::Own,
            environment: [("EXTRA".to_owned(), "1".to_owned())].into(),
            limits: Limits::default(),
        }
    }

    #[test]
    fn a_command_gets_the_listed_variables_and_no_other() {
        let host = host(&[
            ("HOME", "/nowhere"),
            ("GITHUB_TOKEN", "canary"),
            ("OPENAI_API_KEY", "canary"),
            ("SSH_AUTH_SOCK", "canary"),
            ("CARGO_REGISTRY_TOKEN", "canary"),
            ("LC_ALL", "C.UTF-8"),
            ("LANG", "de_DE.UTF-8"),
            ("PATH", "/usr/bin:relative::/tree/node_modules/.bin:/bin:/usr/bin"),
        ]);
        let variables = host.for_command(&command("true", Path::new("/tree")), Path::new("/tmp"));
        insta::assert_json_snapshot!(variables, @r#"
        {
          "CARGO_HOME": "/scratch/cargo",
          "CARGO_NET_OFFLINE": "true",
          "CI": "true",
          "EXTRA": "1",
          "GIT_CONFIG_NOSYSTEM": "1",
          "GIT_TERMINAL_PROMPT": "0",
          "GOCACHE": "/scratch/go-build",
          "GOPROXY": "off",
          "GRADLE_USER_HOME": "/scratch/home/.gradle",
          "HOME": "/scratch/home",
          "LANG": "de_DE.UTF-8",
          "LC_ALL": "C.UTF-8",
          "MAVEN_OPTS": "-Duser.home=/scratch/home -Djava.io.tmpdir=/tmp",
          "PATH": "/usr/bin:/bin",
          "PIP_CONFIG_FILE": "/dev/null",
          "PIP_DISABLE_PIP_VERSION_CHECK": "1",
          "PIP_NO_INDEX": "1",
          "RUSTUP_AUTO_INSTALL": "0",
          "TMPDIR": "/tmp",
          "UV_OFFLINE": "1",
          "npm_config_offline": "true",
          "npm_config_update_notifier": "false"
        }
        "#);
    }

    #[test]
    fn with_the_network_come_its_addresses_and_never_a_password() {
        let host = host(&[
            ("HTTPS_PROXY", "http://proxy:3128"),
            ("PIP_INDEX_URL", "https://ann:canary@pypi.example/simple"),
            ("PIP_EXTRA_INDEX_URL", "https://a.example/x https://canary@b.example/y"),
            ("npm_config_registry", "https://npm.example/@team/"),
            ("NPM_TOKEN", "canary"),
        ]);
        let command = Command { network: Network::Machine, ..command("true", Path::new("/tree")) };
        let variables = host.for_command(&command, Path::new("/tmp"));
        let names =
            ["HTTPS_PROXY", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "npm_config_registry", "NPM_TOKEN", "GOPROXY"];
        assert_eq!(names.map(|name| variables.contains_key(name)), [true, false, false, true, false, false]);
        assert!(!variables.contains_key("PIP_NO_INDEX"));
    }

    #[test]
    #[cfg(unix)]
    fn a_program_is_found_in_path_but_never_in_the_work_tree() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (tree, tools) = (folder.path().join("tree"), folder.path().join("tools"));
        for place in [&tree, &tools] {
            std::fs::create_dir(place).unwrap();
            std::fs::write(place.join("tool"), "").unwrap();
            std::fs::set_permissions(place.join("tool"), std::fs::Permissions::from_mode(0o755)).unwrap();
            std::fs::write(place.join("text"), "").unwrap();
        }
        let path = format!("{}:.:{}", tree.display(), tools.display());
        let host = host(&[("PATH", &path)]);
        let check = |name: &str, found: Option<PathBuf>| {
            assert_eq!(host.find_program(&command(name, &tree)).ok(), found, "{name}");
        };
        check("tool", Some(tools.join("tool")));
        check("./tool", Some(tree.join("./tool")));
        check("text", None);
        check("missing", None);
        check("", None);
        check("../tools/tool", Some(tree.join("../tools/tool")));
    }

    #[test]
    fn debug_shows_no_value() {
        assert_eq!(format!("{:?}", host(&[("TOKEN", "canary")])), r#"HostEnvironment { variables: ["TOKEN"] }"#);
    }
}
