//! The other commands, and the words for mistakes.

use crate::common::{World, sandbox_or_skip};

#[test]
fn the_demonstration_proves_its_fix_without_key_and_network() {
    let world = World::with(&[("x", "x")]);
    if !sandbox_or_skip(&world, "the_demonstration") {
        return;
    }
    let folder = world.temporary().join("sample");
    let ran = world.run(&["demo", "--folder", folder.to_str().expect("UTF-8")]);
    ran.ends_with(0);
    assert!(ran.err.contains("recording of a real model") && ran.err.contains("Done: proven"), "{}", ran.err);
    let again = world.run(&["demo", "--folder", folder.to_str().expect("UTF-8")]);
    assert!(again.ends_with(2).err.contains("is not empty"), "{again:?}");
}

#[test]
fn mistakes_have_a_place_and_a_hint() {
    let world = World::new();
    let check = |arguments: &[&str], code: i32, words: &[&str]| {
        let ran = world.run(arguments);
        ran.ends_with(code);
        for word in words {
            assert!(ran.err.contains(word), "{arguments:?} does not say {word:?}:\n{}", ran.err);
        }
    };
    world.write("bad.yml", "title: x\nlimts: {}\n");
    check(&["run", "bad.yml"], 2, &["bad.yml:2:1: unknown field `limts`", "prentice schema task"]);
    check(&["run", "nowhere.yml"], 2, &["nowhere.yml: No such file"]);
    check(&["run", ""], 2, &["the task is empty"]);
    check(&["run", "x", "--base", "nothing"], 2, &["there is no commit \"nothing\""]);
    check(&["run", "x", "--repo", "/"], 2, &["is not inside a git repository", "git init"]);
    check(&["run", "x", "--rounds", "0"], 2, &["0 is not in 1..=30"]);
    check(&["publish", "nowhere"], 2, &["bundle nowhere"]);
    check(&["run", "x", "--replay", "nowhere.jsonl"], 2, &["nowhere.jsonl"]);
    world.write(".prentice.yml", "limits:\n  rounds: 0\n");
    world.commit("a broken configuration");
    check(&["run", "x"], 2, &[".prentice.yml:2:11", "1 to 30"]);
    check(&["checks"], 2, &[".prentice.yml:2:11"]);
}

#[test]
fn an_unknown_variable_of_ours_is_a_mistake() {
    let world = World::new();
    let output = world.prentice(&["checks"]).env("PRENTICE_ROUNDS", "3").output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("PRENTICE_LIMITS_ROUNDS"));
}

#[test]
fn checks_and_schemas_are_printed() {
    let world = World::with(&[("Cargo.toml", "[package]\nname = \"x\"\nversion = \"0.1.0\"\n"), ("src/lib.rs", "")]);
    let ran = world.run(&["checks"]);
    assert!(ran.ends_with(0).out.contains("cargo test"), "{ran:?}");
    for (what, key) in [("task", "acceptance"), ("config", "limits")] {
        let schema = world.run(&["schema", what]);
        assert!(schema.ends_with(0).json()["properties"][key].is_object(), "{schema:?}");
    }
}

#[test]
fn visible_prints_what_is_seen_and_tells_what_was_hidden() {
    let world = World::with(&[("issue.md", "Fix **it**. <!-- and more -->\n\n::add-mask::x\n\nA\u{200b}B")]);
    let ran = world.run(&["visible", "issue.md"]);
    assert_eq!(ran.ends_with(0).out, "Fix **it**.\n\n| ::add-mask::x\n\nAB\n");
    assert_eq!(ran.err, "hidden: comments: 1 (10 bytes)\nhidden: characters without width: 1 (3 bytes)\n");
    let json = world.run(&["visible", "--json", "--line", "issue.md"]);
    assert_eq!(json.ends_with(0).json()["text"].as_str().map(|text| text.contains("<!-- and more -->\\n")), Some(true));
    assert_eq!(json.json()["removed"][0]["channel"], "zero_width");
    assert!(world.run(&["visible", "nowhere.md"]).ends_with(2).err.contains("nowhere.md: No such file"));
}

#[test]
fn doctor_says_what_is_missing() {
    let world = World::new();
    let ran = world.run(&["doctor", "--base-url", "http://127.0.0.1:1/v1"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.out.contains("error    model"), "{}", ran.out);
    let outside = world.run(&["doctor", "--repo", "/"]);
    assert!(outside.ends_with(2).out.contains("error    git"), "{outside:?}");
}
