//! Dependencies are fetched once, before the checks, and given to every tree.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::common::{World, sandbox_or_skip};

/// Tells whether a program is here; a test that needs it says so in plain sight when not.
#[allow(clippy::disallowed_methods, clippy::print_stderr, reason = "tests look for tools and tell what they skip")]
fn has(program: &str, arguments: &[&str], test: &str) -> bool {
    let works =
        std::process::Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success());
    if !works {
        eprintln!("skipped: {test}: {program} {} does not work here", arguments.join(" "));
    }
    works
}

#[test]
fn packages_of_the_repository_are_those_of_the_tree_under_test() {
    let world = World::with(&[
        ("package.json", r#"{"scripts": {"test": "node --test"}, "dependencies": {"left": "file:./left"}}"#),
        ("left/package.json", r#"{"name": "left", "version": "1.0.0"}"#),
        ("left/index.js", "exports.sum = (a, b) => a - b;\n"),
        (
            "a.test.js",
            "require('node:test')('zero', () => { if (require('left').sum(1, 0) !== 1) throw Error('no'); });\n",
        ),
    ]);
    if !sandbox_or_skip(&world, module_path!()) || !has("npm", &["--version"], module_path!()) {
        return;
    }
    world.git(&["checkout", "-q", "-b", "topic"]);
    world.write("left/index.js", "exports.sum = (a, b) => a + b;\n");
    world.write(
        "b.test.js",
        "require('node:test')('one', () => { if (require('left').sum(1, 1) !== 2) throw Error('no'); });\n",
    );
    world.commit("fix");
    let first = world.run(&["certify", "--json"]);
    let told = first.ends_with(0).json();
    assert_eq!(told["verdict"], "proven", "{told}");
    assert_eq!(told["evidence"]["red_first"][0], "one", "{told}");
    assert!(
        told["evidence"]["not_checked"][0].as_str().is_some_and(|note| note.contains("dependencies (node)")),
        "{told}"
    );
    assert!(first.err.contains("Installing dependencies (node)"), "{}", first.err);
    let again = world.run(&["certify", "--json"]);
    assert_eq!(again.ends_with(0).json()["evidence"]["not_checked"], told["evidence"]["not_checked"]);
    assert!(!again.err.contains("Installing"), "what is there is not installed again: {}", again.err);
    let without = world.run(&["certify", "--no-setup", "--json"]).json();
    assert_eq!(without["verdict"], "refused", "the new test cannot load what is not installed: {without}");
}

#[test]
fn packages_of_python_come_into_an_environment_of_their_own() {
    let wheel = "import zipfile; z = zipfile.ZipFile('wheels/shout-1.0-py3-none-any.whl', 'w')\n\
                 z.writestr('shout.py', 'def loud(t): return t.upper()\\n'); d = 'shout-1.0.dist-info/'\n\
                 z.writestr(d + 'METADATA', 'Metadata-Version: 2.1\\nName: shout\\nVersion: 1.0\\n')\n\
                 z.writestr(d + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
                 z.writestr(d + 'RECORD', ''); z.close()";
    let case = |name: &str, expected: &str| {
        format!(
            "import unittest, greet\nclass A(unittest.TestCase):\n    def test_{name}(self):\n        self.assertEqual(greet.greet('a'), '{expected}')\n"
        )
    };
    let world = World::with(&[
        ("requirements.txt", "--no-index\n--find-links ./wheels\nshout==1.0\n"),
        ("greet.py", "import shout\ndef greet(name): return shout.loud(name)\n"),
        (
            "tests/test_old.py",
            &case("old", "A").replace("assertEqual(greet.greet('a'), 'A')", "assertTrue(greet.greet('a'))"),
        ),
        ("wheels/keep", ""),
    ]);
    if !sandbox_or_skip(&world, module_path!()) || !has("python3", &["-m", "ensurepip", "--version"], module_path!()) {
        return;
    }
    let made = std::process::Command::new("python3").args(["-c", wheel]).current_dir(world.repo()).status();
    assert!(made.expect("python runs").success());
    world.commit("the wheel");
    world.git(&["checkout", "-q", "-b", "topic"]);
    world.write("greet.py", "import shout\ndef greet(name): return shout.loud(name) + '!'\n");
    world.write("tests/test_new.py", &case("new", "A!"));
    world.commit("fix");
    let told = world.run(&["certify", "--json"]);
    let told = told.ends_with(0).json();
    assert_eq!(told["verdict"], "proven", "{told}");
    let command = told["evidence"]["base"]["checks"][0]["check"]["argv"][0].as_str().expect("a program").to_owned();
    assert_eq!(command, ".venv/bin/python3", "{told}");
}

/// Waits for a word over the network, and leaves a dependency.
const FETCH: &str = "import os, socket, sys\n\
                     s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n\
                     os.makedirs('node_modules/dep', exist_ok=True)\n\
                     open('node_modules/dep/word', 'wb').write(s.recv(9))\n";

#[test]
fn a_setup_that_was_killed_is_made_anew() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let settings = format!("checks: [sh check.sh]\nsetup: {{commands: [python3 fetch.py {port}]}}\n");
    let world = World::with(&[
        (".prentice.yml", &settings),
        ("package.json", "{}"),
        ("fetch.py", FETCH),
        (
            "check.sh",
            "echo 1..1\nif [ \"$(cat node_modules/dep/word)\" = done ] && [ ! -e changed ]; then echo ok 1 - a; else echo not ok 1 - a; fi\n",
        ),
    ]);
    if !sandbox_or_skip(&world, module_path!()) || !has("python3", &["--version"], module_path!()) {
        return;
    }
    let mut first = world.start(&["certify", "HEAD..HEAD"]);
    let (mut held, _) = listener.accept().expect("it fetches");
    first.kill().expect("killed");
    first.wait().expect("ended");
    assert_eq!(held.read(&mut [0; 1]).unwrap_or(0), 0, "what it started ended with it");
    let answer = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("it fetches again");
        stream.write_all(b"done").expect("written");
    });
    let told = world.run(&["certify", "HEAD..HEAD", "--json"]);
    answer.join().expect("answered");
    let told = told.ends_with(0).json();
    assert_eq!(
        (&told["verdict"], &told["evidence"]["base"]["checks"][0]["exit"]["code"]),
        (&"green".into(), &0.into()),
        "{told}"
    );
    assert_eq!(told["evidence"]["base"]["checks"][0]["tests"][0]["outcome"], "passed", "{told}");
}

#[test]
fn what_cannot_be_installed_is_told_and_the_checks_run_all_the_same() {
    let settings = "checks: [sh check.sh]\nsetup: {commands: [\"sh -c 'echo no such thing; exit 3'\"]}\n";
    let world = World::with(&[(".prentice.yml", settings), ("check.sh", "echo 1..1; echo ok 1 - a\n")]);
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let told = world.run(&["certify", "HEAD..HEAD", "--json"]);
    let told = told.ends_with(0).json();
    assert_eq!(told["verdict"], "green", "{told}");
    let note = told["evidence"]["not_checked"][0].as_str().expect("a note").to_owned();
    insta::assert_snapshot!(note, @"dependencies (own) could not be installed: `sh -c 'echo no such thing; exit 3'` failed: no such thing");
    assert_eq!(
        std::fs::read_dir(world.repo().join(".git/prentice/setup"))
            .expect("there")
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .count(),
        0
    );
}
