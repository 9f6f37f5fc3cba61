//! The scripts of the action: what they download, what they call, which secret each call gets, what they hand on.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::common::{Ran, read};

const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A runner: folders, and a program that writes down how it was called.
struct Runner {
    folder: tempfile::TempDir,
}

impl Runner {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["temp", "tools", "calls"] {
            std::fs::create_dir(folder.path().join(name)).expect("made");
        }
        Self { folder }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_program(&self, name: &str, script: &str) -> PathBuf {
        let place = self.place(name);
        std::fs::write(&place, format!("#!/usr/bin/env bash\n{script}")).expect("written");
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o755)).expect("allowed");
        place
    }

    /// Runs a script of the action and returns what it said, and its outputs.
    #[allow(clippy::disallowed_methods, reason = "tests start programs")]
    fn run(&self, script: &str, variables: &[(&str, &str)]) -> (Ran, String) {
        let outputs = self.place("outputs");
        std::fs::write(&outputs, "").expect("written");
        let mut command = Command::new("bash");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("action").join(script));
        command.env_clear().env("PATH", std::env::var("PATH").unwrap_or_default()).env("HOME", self.folder.path());
        command.current_dir(self.folder.path()).env("GITHUB_OUTPUT", &outputs);
        command.env("RUNNER_TEMP", self.place("temp")).env("RUNNER_TOOL_CACHE", self.place("tools"));
        command.env("RUNNER_OS", "Linux").env("RUNNER_ARCH", "X64").envs(variables.iter().copied());
        let ran = Ran::of(&command.output().expect("bash runs"));
        (ran, read(&outputs))
    }
}

const ARCHIVE: &str = "prentice-v0.1.0-x86_64-unknown-linux-musl.tar.gz";

/// A release of a program that says `version`, its checksum file, and the archive's SHA-256.
#[allow(clippy::disallowed_methods, reason = "tests start programs")]
async fn release(runner: &Runner, version: &str) -> (MockServer, String) {
    runner.write_program("prentice", &format!("echo 'prentice {version}'\n"));
    let archive = runner.place(ARCHIVE);
    let packed = Command::new("tar")
        .args(["-C", &runner.place("").display().to_string(), "-czf", &archive.display().to_string(), "prentice"])
        .status();
    assert!(packed.expect("tar runs").success());
    let bytes = std::fs::read(&archive).expect("readable");
    let digest = prentice_digest(&bytes);
    let server = MockServer::start().await;
    let at = |name: String, body: Vec<u8>| {
        let answer = ResponseTemplate::new(200).set_body_bytes(body);
        Mock::given(method("GET")).and(path(format!("/v0.1.0/{name}"))).respond_with(answer)
    };
    at(ARCHIVE.to_owned(), bytes).mount(&server).await;
    at(format!("{ARCHIVE}.sha256"), format!("{digest}  {ARCHIVE}\n").into_bytes()).mount(&server).await;
    (server, digest)
}

fn prentice_digest(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(bytes))
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.expect("recorded").len()
}

fn install(runner: &Runner, url: &str, checksum: &str) -> (Ran, String) {
    let given = [
        ("WITH_VERSION", "0.1.0"),
        ("WITH_CHECKSUM", checksum),
        ("WITH_BINARY", ""),
        ("WITH_DOWNLOAD_URL", url),
        ("WITH_REPOSITORY", "acme/prentice"),
    ];
    runner.run("install.sh", &given)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_checked_at_every_use_and_downloaded_once() {
    let runner = Runner::new();
    let (server, digest) = release(&runner, "0.1.0").await;
    let (ran, outputs) = install(&runner, &server.uri(), "");
    ran.ends_with(0);
    let program = outputs.trim().strip_prefix("program=").expect("the program").to_owned();
    let said = ran.out.replace(&digest, "DIGEST").replace(&program, "PROGRAM");
    insta::assert_snapshot!(said, @r"
    prentice: downloading prentice-v0.1.0-x86_64-unknown-linux-musl.tar.gz
    prentice: SHA-256 DIGEST, as the release's checksum file says
    prentice: attestation NOT checked: the archive comes from `download-url`; the SHA-256 was
    prentice: prentice 0.1.0 at PROGRAM
    ");
    assert_eq!(requests(&server).await, 2, "archive and checksum");
    install(&runner, &server.uri(), "").0.ends_with(0);
    assert_eq!(requests(&server).await, 3, "the checksum once more");
    install(&runner, &server.uri(), &digest).0.ends_with(0);
    assert_eq!(requests(&server).await, 3, "a pinned digest needs no word of the server");

    let cached = runner.place("tools/prentice/0.1.0").join(ARCHIVE);
    std::fs::write(&cached, "poisoned").expect("written");
    let (ran, _) = install(&runner, &server.uri(), &digest);
    assert!(ran.ends_with(0).out.contains("is not the one that is wanted; it is replaced"), "{ran:?}");
    assert_eq!((requests(&server).await, prentice_digest(&std::fs::read(&cached).expect("there"))), (4, digest));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_is_not_what_it_says_is_not_used() {
    let runner = Runner::new();
    let (server, _) = release(&runner, "0.1.0").await;
    let (ran, outputs) = install(&runner, &server.uri(), DIGEST);
    assert!(ran.ends_with(2).out.contains("::error title=Prentice::"), "{ran:?}");
    assert!(ran.out.contains("but the input `checksum` says"), "{ran:?}");
    assert_eq!(outputs, "");
    assert!(!runner.place("tools/prentice/0.1.0").join(ARCHIVE).exists(), "and not kept");

    let (server, _) = release(&runner, "0.0.9").await;
    let (ran, outputs) = install(&runner, &server.uri(), "");
    assert!(ran.ends_with(2).out.contains("the archive holds prentice 0.0.9, not 0.1.0"), "{ran:?}");
    assert_eq!(outputs, "");
}

/// Calls run.sh with a program that writes what `outputs` says and ends with `code`.
fn call(runner: &Runner, mode: &str, outputs: &str, code: u8, more: &[(&str, &str)]) -> (Ran, String, Vec<Call>) {
    let calls = runner.place("calls");
    std::fs::remove_dir_all(&calls).expect("removed");
    std::fs::create_dir(&calls).expect("made");
    std::fs::write(runner.place("given"), outputs).expect("written");
    let script = format!(
        "n=$(ls '{0}' | wc -l); {{ printf '%s\\0' \"$@\"; printf '\\n\\0'; env -0; }} >\"{0}/$((n))\"\n\
         grep \"^$1:\" '{1}' | sed 's/^[a-z]*://' >>\"$GITHUB_OUTPUT\"\nexit {code}\n",
        calls.display(),
        runner.place("given").display()
    );
    let program = runner.write_program("program", &script);
    let mut variables = BTreeMap::from([("WITH_MODE", mode), ("WITH_BASE", "HEAD"), ("WITH_WORKING_DIRECTORY", ".")]);
    for name in [
        "TASK",
        "ORDER",
        "ORDER_DIGEST",
        "BUNDLE",
        "DIGEST",
        "MODEL",
        "BASE_URL",
        "CONFIG",
        "CHECK",
        "ATTEMPTS",
        "ROUNDS",
        "MAX_TOKENS",
        "MAX_COST",
        "MAX_TIME",
        "DRY_RUN",
    ] {
        variables.insert(Box::leak(format!("WITH_{name}").into_boxed_str()), "");
    }
    let program = program.display().to_string();
    variables.extend([("PROGRAM", program.as_str()), ("PRENTICE_API_KEY", "the-key"), ("GITHUB_TOKEN", "the-token")]);
    variables.extend([("INPUT_TOKEN", "the-token"), ("INPUT_API-KEY", "the-key")]);
    variables.extend(more.iter().copied());
    let variables: Vec<(&str, &str)> = variables.into_iter().collect();
    let (ran, outputs) = runner.run("run.sh", &variables);
    let mut places: Vec<PathBuf> =
        std::fs::read_dir(&calls).expect("readable").flatten().map(|entry| entry.path()).collect();
    places.sort();
    (ran, outputs, places.iter().map(|place| Call::read(place)).collect())
}

struct Call {
    arguments: Vec<String>,
    variables: String,
}

impl Call {
    fn read(place: &Path) -> Self {
        let text = read(place);
        let (arguments, variables) = text.split_once("\n\0").expect("two parts");
        let arguments = arguments.split_terminator('\0').map(str::to_owned).collect();
        Self { arguments, variables: variables.replace('\0', "\n") }
    }

    fn secrets(&self) -> (bool, bool) {
        (self.variables.contains("the-key"), self.variables.contains("the-token"))
    }
}

fn names(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.arguments[0].as_str()).collect()
}

const KEY_ONLY: (bool, bool) = (true, false);
const TOKEN_ONLY: (bool, bool) = (false, true);

#[test]
fn each_call_gets_the_one_secret_of_its_side() {
    let runner = Runner::new();
    let outputs = format!(
        "respond:decision=run\nrespond:order-digest={DIGEST}\npropose:outcome=done\npropose:digest={DIGEST}\n\
         propose:cost-usd=0.0123\npublish:outcome=done\npublish:branch=prentice/issue-7\npublish:pull-request=8\n\
         publish:pull-request-url=https://forge.invalid/acme/widgets/pull/8\n"
    );
    let (ran, handed_on, calls) = call(&runner, "run", &outputs, 0, &[]);
    ran.ends_with(0);
    assert_eq!(names(&calls), ["respond", "propose", "publish"]);
    let secrets: Vec<(bool, bool)> = calls.iter().map(Call::secrets).collect();
    assert_eq!(secrets, [TOKEN_ONLY, KEY_ONLY, TOKEN_ONLY]);
    let without_side: String =
        outputs.lines().filter_map(|line| line.split_once(':')).map(|(_, line)| line.to_owned() + "\n").collect();
    assert_eq!(handed_on, without_side);
    for (mode, digest, expected) in [
        ("respond", "", TOKEN_ONLY),
        ("propose", "WITH_ORDER_DIGEST", KEY_ONLY),
        ("publish", "WITH_DIGEST", TOKEN_ONLY),
    ] {
        let digest = if digest.is_empty() { ("WITH_MODEL", "") } else { (digest, DIGEST) };
        let (ran, _, calls) = call(&runner, mode, &outputs, 0, &[digest]);
        ran.ends_with(0);
        assert_eq!((names(&calls), calls[0].secrets()), (vec![mode], expected));
    }
    let bundles = format!("a b={DIGEST}\nc=\n");
    let (ran, _, calls) = call(&runner, "choose", "", 0, &[("WITH_BUNDLE", &bundles)]);
    assert!(ran.ends_with(0).out.contains("prentice: c has no digest, so there is no bundle; left out"), "{ran:?}");
    assert_eq!(calls[0].secrets(), (false, false));
    assert_eq!(calls[0].arguments[3..], [format!("--digest={DIGEST}"), "--".to_owned(), "a b".to_owned()]);
}

#[test]
fn the_model_inside_is_fetched_without_any_secret_before_it_is_asked() {
    let runner = Runner::new();
    // What the fetch says is no output of the action.
    let outputs = format!("model:decision=run\npropose:digest={DIGEST}\n");
    for (model, variable) in [("embedded", ""), ("embedded:mine", ""), (" embedded,gpt-5", "x"), ("", "embedded")] {
        let config = "model.mirror: https://mirror.example/models";
        let given =
            [("WITH_MODEL", model), ("PRENTICE_MODEL", variable), ("WITH_TASK", "a task"), ("WITH_CONFIG", config)];
        let (ran, handed_on, calls) = call(&runner, "propose", &outputs, 0, &given);
        ran.ends_with(0);
        assert_eq!(names(&calls), ["model", "propose"]);
        // Without an input the settings of the repository say what is asked.
        let flag = Some(format!("--model={model}")).filter(|_| !model.is_empty());
        let wanted = ["model", "fetch", "--configured", "--yes"].map(str::to_owned).into_iter().chain(flag.clone());
        assert_eq!(calls[0].arguments, wanted.collect::<Vec<_>>());
        assert_eq!(calls[0].secrets(), (false, false));
        assert!(calls[0].variables.contains("PRENTICE_MODEL_MIRROR=https://mirror.example/models\n"), "{model}");
        assert!(flag.is_none_or(|flag| calls[1].arguments.contains(&flag)), "{:?}", calls[1].arguments);
        assert_eq!(handed_on, format!("digest={DIGEST}\n"));
    }
    let (ran, _, calls) = call(&runner, "propose", "", 5, &[("WITH_MODEL", "embedded"), ("WITH_TASK", "a task")]);
    let text = ran.out.clone() + &ran.err;
    assert!(text.contains("the model inside could not be fetched"), "{ran:?}");
    assert_eq!(names(&calls), ["model"], "nothing is asked without it");
    std::fs::write(runner.place(".prentice.yml"), "model: {name: embedded}\n").expect("written");
    let (_, _, calls) = call(&runner, "propose", &outputs, 0, &[("WITH_TASK", "a task")]);
    assert_eq!(names(&calls), ["model", "propose"], "named by the repository's settings");
}

#[test]
fn outputs_are_of_the_form_that_they_should_have_or_are_not_handed_on() {
    let runner = Runner::new();
    for wrong in [
        "publish:branch=x\"; curl evil",
        "publish:branch=$(id)",
        "publish:branch=-x",
        "publish:pull-request=8; id",
        "publish:pull-request-url=javascript:alert(1)",
        "publish:pull-request-url=https://forge.invalid/`id`",
        "publish:digest=short",
        "publish:outcome=Done<<X",
        "publish:other=x",
        "publish:PATH=/tmp",
        "publish:branch<<EOF\npublish:decision=run",
    ] {
        let (ran, outputs, _) = call(&runner, "publish", &format!("{wrong}\n"), 0, &[("WITH_DIGEST", DIGEST)]);
        ran.ends_with(70);
        assert_eq!(outputs, "", "{wrong}");
    }
}

#[test]
fn inputs_arrive_as_they_are() {
    let runner = Runner::new();
    let task = "--help; $(touch pwned) `touch pwned`\n::set-output name=x::y";
    let given = [
        ("WITH_TASK", task),
        ("WITH_MODEL", "a b"),
        ("WITH_MAX_COST", "0.5"),
        ("WITH_CHECK", "make test\n\nmake lint"),
        ("WITH_CONFIG", "# a comment\nmodel.seed: 2\n  limits.wall_time: 1h 30m\n"),
    ];
    let (ran, _, calls) = call(&runner, "propose", "", 0, &given);
    ran.ends_with(0);
    let bundle = runner.place("temp/prentice/bundle").display().to_string();
    let expected = [
        "propose",
        "--out",
        &bundle,
        "--repo",
        ".",
        "--model=a b",
        "--max-cost=0.5",
        "--check=make test",
        "--check=make lint",
        "--base=HEAD",
        "--",
        task,
    ];
    assert_eq!(calls[0].arguments, expected);
    for variable in ["PRENTICE_MODEL_SEED=2\n", "PRENTICE_LIMITS_WALL_TIME=1h 30m\n"] {
        assert!(calls[0].variables.contains(variable), "{}", calls[0].variables);
    }
    assert!(!runner.place("pwned").exists());
    for (mode, name, wrong, says) in [
        ("propose", "WITH_CONFIG", "LD_PRELOAD=x", "is not `section.key: value`"),
        ("propose", "WITH_TASK", "", "propose needs a `task`, or an `order`"),
        ("publish", "WITH_DIGEST", "", "publish needs the `digest`"),
        ("choose", "WITH_BUNDLE", "a=\n", "no attempt gave a bundle"),
        ("respond", "WITH_DRY_RUN", "true", "dry-run needs a `task`"),
        ("merge", "WITH_TASK", "x", "mode \"merge\" is none of"),
    ] {
        let (ran, outputs, calls) = call(&runner, mode, "", 0, &[(name, wrong)]);
        assert!(ran.ends_with(2).out.contains(says), "{ran:?}");
        assert_eq!((outputs.as_str(), calls.len()), ("", 0));
    }
}

#[test]
fn a_bundle_without_a_change_goes_on_to_be_told() {
    let runner = Runner::new();
    let order = ("WITH_ORDER_DIGEST", DIGEST);
    let outputs = format!("propose:outcome=no_acceptable_change\npropose:digest={DIGEST}\n");
    for (code, outputs, expected) in [
        (0, &outputs, 0),
        (1, &outputs, 0),
        (3, &outputs, 0),
        (4, &outputs, 0),
        (2, &outputs, 2),
        (130, &outputs, 130),
        (1, &String::new(), 1),
    ] {
        let (ran, _, _) = call(&runner, "propose", outputs, code, &[order]);
        assert_eq!((code, ran.ends_with(expected).out.contains("::warning")), (code, code != expected as u8));
    }
    let (ran, _, calls) = call(&runner, "run", "respond:decision=nothing\n", 0, &[]);
    ran.ends_with(0);
    assert_eq!(names(&calls), ["respond"]);
    let (ran, _, calls) = call(&runner, "run", &outputs, 1, &[("WITH_TASK", "x")]);
    ran.ends_with(1);
    assert_eq!(names(&calls), ["propose", "publish"], "told, and still an error");
    let (ran, _, calls) = call(&runner, "run", &outputs, 0, &[("WITH_TASK", "x"), ("WITH_DRY_RUN", "true")]);
    assert!(ran.ends_with(0).out.contains("is not published"), "{ran:?}");
    assert_eq!(names(&calls), ["propose"]);
}
