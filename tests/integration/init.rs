//! `prentice init`: shown, then written, then nothing to do.

use crate::common::{World, read};

const ACTION: &str = "acme/prentice@0123456789abcdef0123456789abcdef01234567";

#[test]
fn what_is_shown_is_written_and_the_second_time_there_is_nothing_to_do() {
    let world = World::new();
    let init = |more: &[&str]| world.run(&[&["init", "--action", ACTION], more].concat());
    let workflow = world.repo().join(".github/workflows/prentice.yml");

    let shown = init(&["--dry-run"]);
    assert!(shown.ends_with(0).out.contains("+++ b/.github/workflows/prentice.yml"), "{shown:?}");
    assert!(shown.out.contains("+++ b/.prentice.yml"), "{shown:?}");
    let asked = init(&[]);
    assert_eq!(
        (asked.ends_with(2).out.as_str(), workflow.exists()),
        (shown.out.as_str(), false),
        "nobody is there to ask"
    );

    let written = init(&["--yes"]);
    assert!(written.ends_with(0).err.contains("wrote   .github/workflows/prentice.yml"), "{written:?}");
    let again = init(&["--yes"]);
    assert_eq!(again.ends_with(0).out, "");
    assert!(again.err.contains("Nothing to do"), "{again:?}");

    let text = read(&workflow).replace("ubuntu-24.04", "self-hosted");
    std::fs::write(&workflow, &text).expect("written");
    let refused = init(&["--yes", "--for", "schedule"]);
    assert!(refused.ends_with(2).err.contains("was changed by hand"), "{refused:?}");
    assert_eq!(read(&workflow), text);
    init(&["--yes", "--for", "schedule", "--force"]).ends_with(0);
    assert!(read(&workflow).contains("cron:"));
}

#[test]
fn a_repository_without_a_key_gets_a_model_on_the_runner() {
    let world = World::new();
    let shown = world.run(&["init", "--action", ACTION, "--model", "embedded", "--yes"]);
    assert!(shown.ends_with(0).err.contains("No key is needed"), "{shown:?}");
    let workflow = read(world.repo().join(".github/workflows/prentice.yml"));
    assert!(workflow.contains("model: embedded:qwen2.5-coder-1.5b\n"), "{workflow}");
    let other = world.run(&["init", "--action", ACTION, "--model", "embedded:qwen2.5-coder-0.5b", "--dry-run"]);
    assert!(other.ends_with(0).out.contains("+          key: prentice-model-qwen2.5-coder-0.5b"), "{other:?}");
}

#[test]
fn what_is_missing_is_named() {
    let world = World::new();
    let check = |arguments: &[&str], says: &str| {
        let ran = world.run(arguments);
        assert!(ran.ends_with(2).err.contains(says), "{ran:?}");
    };
    check(&["init", "--action", "acme/prentice@v1"], "with all 40 digits");
    check(&["init", "--action", ACTION, "--for", "failed-ci"], "--watch NAME");
    for unknown in ["gpt-5", "embedded:mine", "embeddedqwen2.5-coder-1.5b"] {
        check(&["init", "--action", ACTION, "--model", unknown], "a runner can fetch embedded, embedded:qwen");
    }
    check(&["init", "--action", ACTION, "--for", "mondays"], "possible values: label, comments");
    if option_env!("PRENTICE_ACTION").is_none() {
        check(&["init"], "--action OWNER/NAME@COMMIT");
    }
}
