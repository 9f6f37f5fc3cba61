use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::config::Layer;

const COMMIT: &str = "acme/prentice@0123456789abcdef0123456789abcdef01234567";
const ALL: [Trigger; 5] = [Trigger::Label, Trigger::Comments, Trigger::Schedule, Trigger::Dispatch, Trigger::FailedCi];

pub(super) fn options(triggers: &[Trigger]) -> Options {
    Options {
        triggers: triggers.iter().copied().collect(),
        attempts: 1,
        fork_safe: false,
        action: ActionPin::parse(COMMIT, Some("0.1.0")).expect("pinned"),
        inside: None,
        watch: vec!["ci: all".to_owned()],
    }
}

/// Every set of triggers, alone and with attempts, for forks and not.
fn variants() -> Vec<Options> {
    let mut all = Vec::new();
    for bits in 1..1_u32 << ALL.len() {
        let triggers: BTreeSet<Trigger> =
            ALL.iter().enumerate().filter(|(place, _)| bits & (1 << place) != 0).map(|(_, trigger)| *trigger).collect();
        for attempts in [1, 3] {
            for fork_safe in [false, true] {
                all.push(Options { triggers: triggers.clone(), attempts, fork_safe, ..options(&[]) });
            }
        }
    }
    all
}

fn parsed(text: &str) -> Value {
    crate::yaml::parse(text, "workflow").expect("YAML")
}

/// Calls `visit` with every key and value in a document.
fn walk(value: &Value, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                visit(key, value);
                walk(value, visit);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| walk(value, visit)),
        _ => {}
    }
}

fn check_document(text: &str) -> Value {
    let document = parsed(text);
    walk(&document, &mut |key, value| {
        let text = value.as_str().unwrap_or_default();
        match key {
            "run" => assert!(!text.contains("${{"), "an expression in a script: {text}"),
            "uses" => {
                let commit = text.split_once('@').map_or("", |(_, commit)| commit);
                assert!(commit.len() == 40, "{text} is not pinned");
            }
            _ => {}
        }
    });
    document
}

#[test]
fn with_a_model_inside_no_secret_of_a_model_is_named() {
    for usual in variants() {
        let text = workflow(&Options { inside: Some("tiny".to_owned()), ..usual.clone() }).expect("rendered");
        check_document(&text);
        assert!(!text.contains("API_KEY") && !text.contains("vars.PRENTICE"), "{text}");
        let steps = ["actions/cache@", "key: prentice-model-tiny\n", "mode: propose", "model: embedded:tiny\n"];
        let mut rest = text.as_str();
        for step in steps {
            let at = rest.find(step).unwrap_or_else(|| panic!("{step} is missing, or out of its order: {text}"));
            rest = &rest[at..];
        }
        assert!(!workflow(&usual).expect("rendered").contains("actions/cache@"), "only where it is of use");
    }
}

#[test]
fn every_variant_is_pinned_and_keeps_key_and_token_apart() {
    for options in variants() {
        let text = workflow(&options).expect("rendered");
        let document = check_document(&text);
        assert!(!text.contains("pull_request_target"), "{text}");
        assert!(!(options.fork_safe && text.contains("pull_request_review")), "{text}");
        assert_eq!(document["permissions"], Value::Object(serde_json::Map::new()));
        assert_eq!(document["concurrency"]["cancel-in-progress"], false);
        let job = |name: &str| document["jobs"][name].to_string();
        for (name, key, token) in [("respond", false, true), ("propose", true, false), ("publish", false, true)] {
            assert_eq!(job(name).contains("secrets.PRENTICE_API_KEY"), key, "{name}: {text}");
            assert_eq!(job(name).contains("github.token"), token, "{name}: {text}");
        }
        assert_eq!(document["jobs"]["propose"]["permissions"], serde_json::json!({ "contents": "read" }));
        let queue = document["concurrency"]["group"].as_str().expect("a text");
        let condition = document["jobs"]["respond"]["if"].as_str().expect("a text");
        assert!(queue.contains(&format!("({condition})")), "{queue}\n{condition}");
    }
}

#[test]
fn the_action_is_sound() {
    let document = parsed(include_str!("../../action.yml"));
    walk(&document["runs"], &mut |key, value| {
        let text = value.as_str().unwrap_or_default();
        assert!(key != "run" || !text.contains("${{"), "an expression in a script: {text}");
    });
    assert_eq!(document["inputs"]["version"]["default"], env!("CARGO_PKG_VERSION"));
    for (name, input) in document["inputs"].as_object().expect("inputs") {
        assert!(input["description"].is_string() && !input["default"].is_null(), "{name}");
    }
}

#[test]
fn the_configuration_is_one() {
    let text = include_str!("../../templates/config.yml");
    assert!(Layer::parse(text, "config.yml").is_ok());
    let spelled_out: String = text
        .lines()
        .skip(2)
        .filter(|line| !line.trim_start_matches("# ").contains("prentice schema"))
        .map(|line| line.strip_prefix("# ").unwrap_or(line).to_owned() + "\n")
        .collect();
    assert!(Layer::parse(&spelled_out, "config.yml").is_ok(), "{spelled_out}");
}

#[test]
fn only_a_commit_pins_an_action() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    for good in [format!("acme/prentice@{commit}"), format!("acme/tools/prentice@{commit}")] {
        assert!(ActionPin::parse(&good, None).is_ok(), "{good}");
    }
    let bad = ["acme/prentice@v1", "acme/prentice", "prentice@", "a/../b@", "a/b\n@", "a/b@${{ x }}", ""];
    for bad in bad {
        assert!(ActionPin::parse(bad, None).is_err(), "{bad}");
        assert!(ActionPin::parse(&format!("{bad}{commit}"), None).is_err() || bad.is_empty(), "{bad}");
    }
    assert!(ActionPin::parse(&format!("acme/prentice@{}", commit.to_uppercase()), None).is_err());
}

#[test]
fn a_file_that_a_person_changed_is_not_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let states = |options: &Options| -> Vec<State> {
        plan(root, options).expect("planned").iter().map(|file| file.state).collect()
    };
    let first = options(&[Trigger::Label]);
    let second = options(&[Trigger::Comments]);
    assert_eq!(states(&first), [State::New, State::New]);
    write(root, &plan(root, &first).expect("planned"), false).expect("written");
    assert_eq!(states(&first), [State::Same, State::Same]);
    assert_eq!(difference(&plan(root, &first).expect("planned")), "");
    assert_eq!(states(&second), [State::Outdated, State::Same]);

    let place = root.join(WORKFLOW_FILE);
    let changed = std::fs::read_to_string(&place).expect("there").replace("timeout-minutes: 90", "timeout-minutes: 5");
    std::fs::write(&place, &changed).expect("written");
    std::fs::write(root.join(".prentice.yml"), "checks: [make]\n").expect("written");
    assert_eq!(states(&first), [State::Edited, State::Same]);
    let planned = plan(root, &first).expect("planned");
    assert!(difference(&planned).contains("-    timeout-minutes: 5\n+    timeout-minutes: 90\n"));
    assert!(matches!(write(root, &planned, false), Err(InitError::Edited(WORKFLOW_FILE))));
    assert_eq!(std::fs::read_to_string(&place).expect("there"), changed);
    write(root, &planned, true).expect("written");
    assert_eq!(states(&first), [State::Same, State::Same]);
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link() {
    let folder = tempfile::tempdir().expect("a folder");
    let (root, outside) = (folder.path().join("repo"), folder.path().join("outside"));
    std::fs::create_dir_all(&root).expect("made");
    std::fs::create_dir_all(&outside).expect("made");
    std::os::unix::fs::symlink(&outside, root.join(".github")).expect("linked");
    assert!(matches!(plan(&root, &options(&[Trigger::Label])), Err(InitError::Link(_))));
}

#[test]
fn workflows_that_run_on_a_push_are_watched() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    assert_eq!(workflows_on_push(root), Vec::<String>::new());
    assert!(matches!(
        workflow(&Options { watch: Vec::new(), ..options(&[Trigger::FailedCi]) }),
        Err(InitError::NothingToWatch)
    ));
    let workflows = root.join(".github/workflows");
    std::fs::create_dir_all(&workflows).expect("made");
    for (name, text) in [
        ("a.yml", "name: a\non: push\n"),
        ("b.yaml", "on: [pull_request, push]\n"),
        ("c.yml", "name: c\non:\n  push: {branches: [main]}\n"),
        ("d.yml", "name: d\non: {release: {types: [published]}}\n"),
        ("e.yml", "name: [\n"),
        ("prentice.yml", "name: prentice\non: push\n"),
        ("notes.txt", "name: n\non: push\n"),
    ] {
        std::fs::write(workflows.join(name), text).expect("written");
    }
    assert_eq!(workflows_on_push(root), ["a", ".github/workflows/b.yaml", "c"]);
}
