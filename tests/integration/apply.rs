//! `prentice apply`: an answer and a folder, nothing else.

use std::process::Stdio;

use crate::common::World;

const ANSWER: &str = "src/a.txt\n<<<<<<< SEARCH\nb\n=======\nB\n>>>>>>> REPLACE\n\nFILE: new.txt\n```\nn\n```\n";

fn world(answer: &str) -> World {
    World::with(&[("src/a.txt", "a\nb\n"), ("answer.md", answer)])
}

fn text(world: &World, name: &str) -> Option<String> {
    std::fs::read_to_string(world.repo().join(name)).ok()
}

#[test]
fn an_answer_changes_the_folder() {
    let world = world(ANSWER);
    let ran = world.run(&["apply", "answer.md"]);
    assert_eq!(ran.ends_with(0).out, "created new.txt (+1 -0)\nchanged src/a.txt (+1 -1)\n");
    assert_eq!(text(&world, "src/a.txt").as_deref(), Some("a\nB\n"));
    assert_eq!(text(&world, "new.txt").as_deref(), Some("n\n"));
    let again = world.run(&["apply", "answer.md"]);
    assert!(again.ends_with(1).out.contains("Nothing was changed"), "{again:?}");
}

#[test]
fn what_cannot_be_applied_changes_nothing_and_says_why() {
    let world = world(&ANSWER.replace("\nb\n", "\nx\n"));
    let ran = world.run(&["apply", "answer.md"]);
    assert!(ran.ends_with(1).out.contains("Edit 1, src/a.txt: the SEARCH text is not in the file"), "{ran:?}");
    assert_eq!((text(&world, "src/a.txt").as_deref(), text(&world, "new.txt")), (Some("a\nb\n"), None));
    let json = world.run(&["apply", "answer.md", "--json"]).ends_with(1).json();
    assert_eq!((json["applied"].as_bool(), json["problems"][0]["cause"].as_str()), (Some(false), Some("not_found")));
    assert_eq!(
        (json["problems"][0]["edit"].as_u64(), json["problems"][0]["path"].as_str()),
        (Some(1), Some("src/a.txt"))
    );
}

#[test]
fn check_shows_the_diff_and_writes_nothing() {
    let world = world(ANSWER);
    let ran = world.run(&["apply", "answer.md", "--check"]);
    assert!(ran.ends_with(0).out.contains("-b\n+B\n"), "{ran:?}");
    assert_eq!(text(&world, "src/a.txt").as_deref(), Some("a\nb\n"));
    let json = world.run(&["apply", "answer.md", "--check", "--json"]).ends_with(0).json();
    assert_eq!(json["applied"].as_bool(), Some(false));
    assert_eq!(
        json["changes"][1],
        serde_json::json!({"path": "src/a.txt", "kind": "changed", "added": 1, "removed": 1})
    );
}

#[test]
fn a_diff_of_git_comes_through_standard_input() {
    let world = world("");
    std::fs::write(world.repo().join("src/a.txt"), "a\nc\n").expect("written");
    let diff = world.git(&["diff"]);
    world.git(&["checkout", "-q", "--", "src/a.txt"]);
    let mut child =
        world.prentice(&["apply", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut input = child.stdin.take().expect("piped");
    std::io::Write::write_all(&mut input, format!("{diff}\n").as_bytes()).expect("written");
    drop(input);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert_eq!(text(&world, "src/a.txt").as_deref(), Some("a\nc\n"));
}

#[test]
fn a_folder_without_git_a_target_and_a_notation_can_be_named() {
    let world = world("```\nwhole\n```\n");
    let folder = world.temporary().join("plain");
    std::fs::create_dir_all(&folder).expect("made");
    std::fs::write(folder.join("x"), "old\n").expect("written");
    let tree = folder.to_str().expect("UTF-8");
    world.run(&["apply", "answer.md", "--tree", tree, "--target", "x", "--format", "whole_file"]).ends_with(0);
    assert_eq!(std::fs::read_to_string(folder.join("x")).expect("there"), "whole\n");
    let ran = world.run(&["apply", "answer.md", "--tree", tree, "--target", "x", "--format", "v4a"]);
    assert!(ran.ends_with(1).out.contains("*** Begin Patch"), "{ran:?}");
    assert!(world.run(&["apply", "nowhere.md"]).ends_with(2).err.contains("nowhere.md: No such file"));
    assert!(world.run(&["apply", "answer.md", "--tree", "/nowhere"]).ends_with(2).err.contains("/nowhere"));
}

#[test]
fn a_file_that_git_ignores_is_not_overwritten() {
    let world = World::with(&[("a", "a\n"), (".gitignore", "/out\n"), ("answer.md", "FILE: out\n```\nx\n```\n")]);
    std::fs::write(world.repo().join("out"), "mine\n").expect("written");
    for flags in [&["apply", "answer.md"][..], &["apply", "answer.md", "--check"]] {
        let ran = world.run(flags);
        assert!(ran.ends_with(1).out.contains("out: a file is there already; it is ignored"), "{ran:?}");
    }
    let json = world.run(&["apply", "answer.md", "--json"]).ends_with(1).json();
    assert_eq!(json["problems"][0]["cause"].as_str(), Some("path_taken"));
    assert_eq!(text(&world, "out").as_deref(), Some("mine\n"));
}
