//! `prentice index`: what is kept changes no answer, and whatever becomes of the file does no harm.

use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::common::World;

const QUESTION: &str = "`total_42` of the prices is wrong";

/// A repository with many small files.
fn world(files: usize) -> World {
    let world = World::new();
    for file in 0..files {
        let text = format!("def total_{file}(prices):\n    return sum(prices) + {file}\n");
        world.write(&format!("src/part_{file}.py"), &text.repeat(20));
    }
    world.commit("many files");
    world
}

fn asked(world: &World, arguments: &[&str]) -> Value {
    let mut found = world.run(&[&["context", QUESTION, "--json"], arguments].concat()).ends_with(0).json();
    found.as_object_mut().expect("an object").remove("timings_ms");
    found
}

fn place(world: &World) -> PathBuf {
    world.repo().join(".git/prentice/index/index.sqlite")
}

fn kept(world: &World) -> u64 {
    let told = world.run(&["index", "--stats", "--json"]).ends_with(0).json();
    told["kept"]["contents"].as_u64().expect("a number")
}

/// The log is moved into the file when nothing else uses it.
fn wait_for_the_first_batch(world: &World) {
    world.wait_until("something is kept", |world| {
        std::fs::metadata(place(world)).is_ok_and(|file| file.len() > 200_000)
    });
}

#[test]
fn an_index_changes_no_answer_and_follows_the_files() {
    let world = world(60);
    let cold = asked(&world, &["--no-index"]);
    assert!(!place(&world).exists());
    assert_eq!(kept(&world), 0);
    assert_eq!(asked(&world, &[]), cold, "the first question makes the index");
    assert_eq!(asked(&world, &[]), cold, "the second one uses it");
    let told = world.run(&["index", "--json"]).ends_with(0).json();
    assert_eq!(told["learned"]["left"], 0, "{told}");
    assert_eq!(asked(&world, &[]), cold);
    assert_eq!(asked(&world, &["--base", "HEAD"]), asked(&world, &["--base", "HEAD", "--no-index"]));

    world.write("src/part_7.py", "def total_42(prices):\n    return 0\n");
    assert_eq!(asked(&world, &[]), asked(&world, &["--no-index"]));
    let table = world.run(&["index"]);
    assert!(table.ends_with(0).out.contains(" files: "), "{table:?}");
    world.run(&["index", "--forget"]).ends_with(0);
    assert!(!place(&world).exists());
    world.run(&["index", "--forget"]).ends_with(0);
}

#[test]
fn a_killed_index_is_gone_on_with() {
    let world = world(3000);
    let mut child = world.start(&["index"]);
    wait_for_the_first_batch(&world);
    child.kill().expect("killed");
    child.wait().expect("ended");
    let after_kill = kept(&world);
    assert!(after_kill > 0);
    assert_eq!(asked(&world, &[]), asked(&world, &["--no-index"]));
    let told = world.run(&["index", "--json"]).ends_with(0).json();
    assert!(told["learned"]["known"].as_u64().expect("a number") >= after_kill / 2, "{told}");
    assert!(kept(&world) >= 3000);
}

#[test]
fn an_interrupted_index_says_so_and_keeps_what_is_done() {
    let world = world(3000);
    let child = world.start(&["index"]);
    wait_for_the_first_batch(&world);
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a pid")), Signal::SIGINT).expect("sent");
    let ended = child.wait_with_output().expect("ended");
    let out = String::from_utf8_lossy(&ended.stdout);
    // A quick machine may be done before it hears of it.
    let is_done = ended.status.code() == Some(0) && kept(&world) >= 3000;
    assert!(is_done || (ended.status.code() == Some(130) && out.contains("left for the next time")), "{ended:?}");
}

#[test]
fn a_question_is_interrupted_while_it_reads() {
    let world = World::new();
    let text = "def total_of_many(prices):\n    return sum(prices) + 1\n".repeat(1000);
    (0..400).for_each(|file| world.write(&format!("src/part_{file}.py"), &format!("# {file}\n{text}")));
    let child = world.start(&["context", QUESTION]);
    // It is opened before the first file is read.
    world.wait_until("the index is there", |world| place(world).exists());
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a pid")), Signal::SIGINT).expect("sent");
    let ended = child.wait_with_output().expect("ended");
    assert_eq!((ended.status.code(), ended.stdout.len()), (Some(130), 0), "{ended:?}");
}

#[test]
fn processes_share_an_index_and_a_broken_one_is_made_anew() {
    let world = world(300);
    let cold = asked(&world, &["--no-index"]);
    let children: Vec<_> = (0..4).map(|_| world.start(&["index", "--json"])).collect();
    assert_eq!(asked(&world, &[]), cold);
    for child in children {
        let ended = child.wait_with_output().expect("ended");
        assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    assert!(kept(&world) >= 300);
    std::fs::write(place(&world), "no database at all, but long enough to be looked at".repeat(100)).expect("written");
    assert_eq!(asked(&world, &[]), cold);
    assert!(kept(&world) >= 300, "it was made anew");
}

#[test]
fn where_no_index_can_be_the_error_says_why_and_questions_are_answered() {
    let world = world(1);
    let folder = tempfile::tempdir().expect("a folder");
    let outside = world.run(&["index", "--repo", folder.path().to_str().expect("UTF-8")]);
    assert!(outside.ends_with(2).err.contains("is not inside a git repository"), "{outside:?}");
    std::fs::create_dir_all(world.repo().join(".git/prentice")).expect("made");
    std::fs::write(world.repo().join(".git/prentice/index"), "in the way").expect("written");
    let blocked = world.run(&["index"]);
    assert!(blocked.ends_with(3).err.contains("prentice/index"), "{blocked:?}");
    assert_eq!(asked(&world, &[]), asked(&world, &["--no-index"]));
}
