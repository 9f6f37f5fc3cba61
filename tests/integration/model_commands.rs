//! `prentice model` as its user runs it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use prentice::catalogue::Origin;

use crate::common::{Ran, World};
use crate::file_server::{Act, FileServer};
use crate::models::{entry, model};

/// A world with a catalogue of one tiny model that `server` has.
fn world(server: &FileServer) -> World {
    let catalogue = serde_json::to_string(&[entry(vec![Origin::Url { url: server.url("tiny") }])]).expect("JSON");
    World::with(&[("models.json", &catalogue)])
}

fn store(world: &World) -> PathBuf {
    world.temporary().parent().expect("a folder").join("home/.cache/prentice/models")
}

const FETCH: [&str; 6] = ["model", "fetch", "tiny", "--yes", "--catalogue", "models.json"];

fn start(world: &World) -> Child {
    world.start(&FETCH)
}

#[test]
fn a_model_is_listed_fetched_found_and_removed() {
    let server = FileServer::with(vec![Act::Serve(model())]);
    let world = world(&server);
    let known = ["--catalogue", "models.json"];
    let list = || world.run(&["model", "list", known[0], known[1]]).ends_with(0).out.clone();
    insta::assert_snapshot!(list(), @"
    NAME  SIZE        MEMORY      WINDOW  LICENCE  STATE
    tiny  5000 bytes  5000 bytes  128     MIT      -
    ");
    let absent = world.run(&["model", "path", "tiny", known[0], known[1]]);
    assert!(absent.ends_with(2).err.contains("`prentice model fetch tiny` fetches it (5000 bytes)"), "{absent:?}");

    let ran = world.run(&FETCH);
    let path = store(&world).join("tiny.gguf");
    assert_eq!(ran.ends_with(0).out, format!("{}\n", path.display()));
    let url = server.url("tiny");
    let told = ran.err.replace(&url, "URL").replace(&*store(&world).to_string_lossy(), "STORE");
    insta::assert_snapshot!(told, @"
    tiny: Tiny, no weights, F32
      size     5000 bytes, 5000 bytes of memory at work
      licence  MIT (this test)
      from     URL
      to       STORE
    Fetching tiny from URL
      100 % of 5000 bytes
    tiny is here, with the right SHA-256, from URL
    ");
    assert_eq!(std::fs::read(&path).expect("there"), model());
    assert!(list().contains("here"), "{}", list());
    let again = world.run(&FETCH);
    assert!(again.ends_with(0).err.contains("tiny is here already"), "{again:?}");
    assert_eq!(server.asked().len(), 1);
    let found = world.run(&["model", "path", "tiny", "--json", known[0], known[1]]).ends_with(0).json();
    assert_eq!((found["path"].as_str(), found["model"]["licence"].as_str()), (path.to_str(), Some("MIT")));
    let meant = world.run(&["model", "path", known[0], known[1]]);
    assert_eq!(meant.ends_with(0).out, format!("{}\n", path.display()), "what `embedded` means");
    let all = world.run(&["model", "list", "--json", known[0], known[1]]).ends_with(0).json();
    assert_eq!(all["installed"][0]["entry"]["name"], "tiny");

    world.run(&["model", "remove", "tiny"]).ends_with(0);
    let none = world.run(&["model", "path"]);
    assert!(none.ends_with(2).err.contains("no model is here") && none.err.contains("model fetch NAME"), "{none:?}");
    let gone = world.run(&["model", "remove", "tiny"]);
    assert!(gone.ends_with(2).err.contains("the model \"tiny\" is not here; there is none"), "{gone:?}");
}

#[test]
fn what_the_settings_ask_for_is_fetched() {
    let server = FileServer::with(vec![Act::Serve(model())]);
    let catalogue = serde_json::to_string(&[entry(vec![Origin::Url { url: server.url("tiny") }])]).expect("JSON");
    let settings = "model: {name: ['embedded:tiny', gpt-5]}\n";
    let world = World::with(&[("models.json", &catalogue), (".prentice.yml", settings)]);
    let fetch = |more: &[&str]| {
        let words = ["model", "fetch", "--configured", "--catalogue", "models.json"];
        world.run(&words.iter().chain(more).copied().collect::<Vec<_>>())
    };
    let path = format!("{}\n", store(&world).join("tiny.gguf").display());
    assert!(fetch(&[]).ends_with(2).err.contains("nobody is here to be asked"), "the user is asked as for a name");
    let unknown = fetch(&["--yes", "--model", "embedded:none"]);
    assert!(unknown.ends_with(2).err.contains("none"), "{unknown:?}");
    let nothing = fetch(&["--yes", "--model", "gpt-5,embedded-model"]);
    assert!(nothing.ends_with(0).err.contains("Nothing is to be fetched"), "{nothing:?}");
    assert_eq!((nothing.out.as_str(), store(&world).join("tiny.gguf").exists()), ("", false));

    assert_eq!(fetch(&["--yes"]).ends_with(0).out, path);
    for again in [&[][..], &["--model", "gpt-5, embedded"], &["--model", "embedded:tiny", "--model", "x"]] {
        let ran = fetch(again);
        assert_eq!((ran.ends_with(0).out.as_str(), ran.err.as_str()), (path.as_str(), "tiny is here already.\n"));
    }
    let both = world.run(&["model", "fetch", "tiny", "--configured"]);
    assert!(both.ends_with(2).err.contains("cannot be used with"), "{both:?}");
    assert!(world.run(&["model", "fetch"]).ends_with(2).err.contains("<NAME>"), "without a name only with the flag");
}

#[test]
fn mistakes_with_models_name_what_would_be_right() {
    let server = FileServer::with(vec![Act::Status("404 Not Found")]);
    let world = world(&server);
    world.write("text.gguf", "This is a text and no model.");
    world.write("old.gguf", "GGUF\u{1}\0\0\0                 ");
    world.write("bad.json", "[{\"name\": \"x\"}]");
    let check = |arguments: &[&str], code: i32, words: &[&str]| {
        let ran = world.run(&[&["model"], arguments].concat());
        for word in words {
            assert!(ran.ends_with(code).err.contains(word), "{arguments:?} does not say {word:?}:\n{}", ran.err);
        }
    };
    check(&FETCH[1..3], 2, &["no model is called \"tiny\"; the catalogue has qwen2.5-coder-1.5b, qwen2.5-coder-0.5b"]);
    check(&["fetch", "tiny", "--catalogue", "models.json"], 2, &["nobody is here to be asked", "--yes"]);
    check(&["fetch", "tiny", "--yes", "--catalogue", "models.json"], 3, &["/tiny: HTTP 404", "prentice model add"]);
    check(&["fetch", "x", "--yes", "--catalogue", "bad.json"], 2, &["bad.json: missing field", "docs/models.md"]);
    check(&["path", "../tiny"], 2, &["\"../tiny\" is not here"]);
    check(&["remove", "../tiny"], 2, &["is no name for a model"]);
    check(&["remove", "nobody"], 2, &["\"nobody\" is not here"]);
    world.write("fine.gguf", "GGUF\u{3}\0\0\0                 ");
    check(&["add", "fine.gguf", "--name", "../../up"], 2, &["is no name for a model", "--name"]);
    check(&["add", "text.gguf"], 2, &["text.gguf is no GGUF file: it begins with \"This\"", "llama.cpp"]);
    check(&["add", "old.gguf"], 2, &["its version is 1, 2 and 3 can be read"]);
    check(&["add", "nowhere.gguf"], 3, &["nowhere.gguf: No such file"]);
    check(&["list", "--catalogue", "nowhere.json"], 2, &["nowhere.json: No such file"]);
    let homeless = world.prentice(&["model", "list"]).env_remove("HOME").output().expect("it runs");
    assert!(Ran::of(&homeless).ends_with(2).err.contains("HOME is not set"));
    let left = std::fs::read_dir(store(&world)).expect("readable").flatten();
    let left: Vec<_> = left.map(|file| file.file_name()).filter(|name| name != ".tiny.lock").collect();
    assert!(left.is_empty(), "mistakes leave {left:?}");
    assert!(server.asked().len() == 1 && world.run(&["model", "list"]).ends_with(0).out.lines().count() == 3);
}

#[test]
fn a_file_of_ones_own_is_copied_and_the_catalogues_is_known() {
    let server = FileServer::with(vec![Act::Status("404 Not Found")]);
    let world = world(&server);
    std::fs::write(world.repo().join("My Own.gguf"), model()).expect("written");
    let mut other = model();
    other[4000] ^= 1;
    std::fs::write(world.repo().join("other.gguf"), &other).expect("written");
    let add = |arguments: &[&str]| world.run(&[&["model", "add"], arguments].concat());
    assert!(add(&["My Own.gguf"]).ends_with(2).err.contains("\"my own\" is no name for a model"));
    let named = add(&["My Own.gguf", "--name", "mine"]);
    assert_eq!(named.ends_with(0).out, format!("{}\n", store(&world).join("mine.gguf").display()));
    let known = add(&["My Own.gguf", "--name", "mine", "--catalogue", "models.json"]);
    assert!(known.ends_with(0).out.ends_with("/tiny.gguf\n"), "{known:?}");
    assert!(add(&["My Own.gguf", "--catalogue", "models.json"]).ends_with(0).err.contains("tiny is here"));
    add(&["other.gguf"]).ends_with(0);
    std::fs::write(world.repo().join("other.gguf"), "changed").expect("written");
    assert_eq!(std::fs::read(store(&world).join("other.gguf")).expect("there"), other, "it is a copy");

    std::fs::write(world.repo().join("other.gguf"), &other).expect("written");
    let taken = add(&["other.gguf", "--name", "mine"]);
    assert!(taken.ends_with(2).err.contains("the name \"mine\" is taken"), "{taken:?}");
    let foreign = add(&["other.gguf", "--name", "tiny", "--catalogue", "models.json"]);
    assert!(foreign.ends_with(2).err.contains("another SHA-256"), "{foreign:?}");
    let left: Vec<_> = std::fs::read_dir(store(&world)).expect("readable").flatten().collect();
    assert!(left.iter().all(|file| !file.file_name().to_string_lossy().starts_with(".add-")), "{left:?}");
}

#[test]
fn an_interrupted_fetch_goes_on() {
    let server = FileServer::with(vec![Act::Hang(model(), 1200), Act::Serve(model())]);
    let world = world(&server);
    let child = start(&world);
    let part = store(&world).join("tiny.gguf.part");
    world.wait_until("a part is here", |_| std::fs::metadata(&part).is_ok_and(|data| data.len() == 1200));
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a pid")), Signal::SIGINT).expect("sent");
    let ran = Ran::of(&child.wait_with_output().expect("it ends"));
    assert!(ran.ends_with(130).err.contains("what was fetched of \"tiny\" is kept (1200 bytes)"), "{ran:?}");
    let list = world.run(&["model", "list", "--catalogue", "models.json"]);
    assert!(list.out.contains("interrupted at 1200 bytes"), "{list:?}");
    assert!(!store(&world).join("tiny.gguf").exists());

    world.run(&FETCH).ends_with(0);
    assert_eq!(server.asked()[1], ("/tiny".to_owned(), Some(1200)));
    assert_eq!(std::fs::read(store(&world).join("tiny.gguf")).expect("there"), model());
}

#[test]
fn a_fetch_that_was_killed_goes_on() {
    let server = FileServer::with(vec![Act::Hang(model(), 1200), Act::Serve(model())]);
    let world = world(&server);
    let mut child = start(&world);
    let part = store(&world).join("tiny.gguf.part");
    world.wait_until("a part is here", |_| std::fs::metadata(&part).is_ok_and(|data| data.len() == 1200));
    child.kill().expect("killed");
    child.wait().expect("ended");
    world.run(&FETCH).ends_with(0);
    assert_eq!(server.asked()[1], ("/tiny".to_owned(), Some(1200)));
}

#[test]
fn of_two_at_once_one_fetches() {
    let server = FileServer::with(vec![Act::Serve(model())]);
    let world = world(&server);
    server.set_open(false);
    let first = start(&world);
    world.wait_until("the first one asks", |_| server.asked().len() == 1);
    let mut second = world.prentice(&FETCH);
    let mut second = second.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(second.stderr.take().expect("piped")).lines();
    assert!(lines.any(|line| line.expect("text").contains("Another process is fetching tiny")), "it waits and says so");
    let busy = world.run(&["model", "remove", "tiny"]);
    assert!(busy.ends_with(2).err.contains("another process is working on the model \"tiny\""), "{busy:?}");
    server.set_open(true);
    Ran::of(&first.wait_with_output().expect("it ends")).ends_with(0);
    assert!(lines.any(|line| line.expect("text").contains("tiny is here already")));
    assert!(second.wait().expect("it ends").success());
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn the_mirror_is_named_by_flag_variable_or_file() {
    let server = FileServer::answering(|_, path| match path {
        "/flag/tiny.gguf" | "/variable/tiny.gguf" | "/file/tiny.gguf" => Act::Serve(model()),
        _ => Act::Status("404 Not Found"),
    });
    let world = world(&server);
    let asked = |name: &str| {
        assert_eq!(server.asked().last().expect("one").0, format!("/{name}/tiny.gguf"));
        world.run(&["model", "remove", "tiny"]).ends_with(0);
    };
    world.write(".prentice.yml", &format!("model:\n  mirror: {}\n", server.url("file")));
    world.commit("a mirror");
    world.run(&FETCH).ends_with(0);
    asked("file");
    let with = |arguments: &[&str]| {
        let mut command = world.prentice(&[&FETCH, arguments].concat());
        let output = command.env("PRENTICE_MODEL_MIRROR", server.url("variable")).output().expect("it runs");
        Ran::of(&output).ends_with(0);
    };
    with(&[]);
    asked("variable");
    with(&["--mirror", &server.url("flag/")]);
    asked("flag");
}

#[test]
fn a_repository_that_cannot_be_read_keeps_nobody_from_a_model() {
    let server = FileServer::with(vec![Act::Serve(model())]);
    let world = world(&server);
    world.write(".git/config", "[core");
    let ran = world.run(&FETCH);
    assert!(ran.ends_with(0).err.contains("No mirror is looked for in the repository around: "), "{ran:?}");
}

#[test]
fn a_model_that_is_whole_is_found_in_a_folder_that_nobody_may_write_to() {
    let server = FileServer::with(vec![Act::Serve(model())]);
    let world = world(&server);
    world.run(&FETCH).ends_with(0);
    let lock = store(&world).join(".tiny.lock");
    std::fs::remove_file(&lock).expect("removed");
    world.run(&FETCH).ends_with(0);
    assert!(!lock.exists(), "no lock is taken for what is there");
    std::fs::write(store(&world).join("tiny.gguf"), &model()[..100]).expect("cut short");
    let damaged = world.run(&["model", "path", "tiny", "--catalogue", "models.json"]);
    assert!(damaged.ends_with(2).err.contains("`prentice model fetch tiny` fetches it"), "{damaged:?}");
}
