//! `prentice certify`: any change, whoever made it, is measured and not believed.

use crate::common::{World, sandbox_or_skip};

/// Runs each file of `tests/` as a test of its own.
const CHECK: &str = "#!/bin/sh\nnumber=0\necho 'TAP version 13'\nfor file in tests/*.sh; do\n  number=$((number + 1))\n  \
                     if sh \"$file\"; then echo \"ok $number - $file\"; else echo \"not ok $number - $file\"; fi\ndone\n\
                     echo \"1..$number\"\n";
const WRONG: &str = "def total(prices):\n    return max(prices)\n";
const RIGHT: &str = "def total(prices):\n    return sum(prices)\n";
const PROOF: &str = "grep -q 'sum(prices)' src/price.py\n";

fn world() -> World {
    World::with(&[
        ("check.sh", CHECK),
        (".prentice.yml", "checks: [sh check.sh]\n"),
        ("src/price.py", WRONG),
        ("tests/old.sh", "grep -q 'def total' src/price.py\n"),
    ])
}

/// Commits files on a branch of their own, and certifies it against `main`.
fn check(name: &str, files: &[(&str, &str)], code: i32, verdict: &str, says: &str) {
    let world = world();
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    world.git(&["checkout", "-q", "-b", "topic"]);
    for (path, text) in files {
        world.write(path, text);
    }
    world.commit(name);
    let ran = world.run(&["certify", "--json"]);
    let told = ran.ends_with(code).json();
    assert_eq!(told["verdict"], verdict, "{name}: {told}");
    let schema = jsonschema::validator_for(&world.run(&["schema", "certificate"]).json()).expect("a schema");
    let wrong: Vec<String> = schema.iter_errors(&told).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{name}: {wrong:?}");
    let reason = told["reason"].as_str().expect("a reason").to_owned() + &told["evidence"]["not_checked"].to_string();
    assert!(reason.contains(says), "{name}: {reason}");
    assert_eq!(world.git(&["status", "--porcelain"]), "", "the checkout is as it was");
    let text = world.run(&["certify", "main..topic"]).ends_with(code).out.clone();
    assert!(text.starts_with(&format!("**{}**", verdict.to_uppercase())), "{text}");
}

#[test]
fn a_fix_with_its_test_is_proven() {
    let files = [("src/price.py", RIGHT), ("tests/sum.sh", PROOF)];
    check(
        "fix with test",
        &files,
        0,
        "proven",
        "tests/sum.sh is new or changed, fails without the change and passes with it",
    );
}

#[test]
fn tests_alone_prove_nothing_although_they_are_new() {
    let files = [("tests/new.sh", "true\n")];
    check("tests only", &files, 0, "green", "the change is tests only, and they pass without any other");
}

#[test]
fn a_test_that_was_renamed_is_run_in_its_old_form() {
    let world = world();
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    world.git(&["checkout", "-q", "-b", "topic"]);
    world.git(&["mv", "tests/old.sh", "tests/renamed.sh"]);
    world.write("src/price.py", RIGHT);
    world.write("tests/sum.sh", PROOF);
    world.commit("renamed");
    let told = world.run(&["certify", "--json"]).ends_with(0).json();
    assert_eq!(told["verdict"], "proven", "{told}");
    let notes = told["evidence"]["not_checked"].to_string();
    assert!(notes.contains("in the form that they had before they pass with it: tests/old.sh"), "{notes}");
    world.write("src/price.py", "def sum_of(prices):\n    return sum(prices)\n");
    world.commit("and what it looked at is gone");
    let told = world.run(&["certify", "--json"]).ends_with(1).json();
    assert!(told["reason"].as_str().is_some_and(|reason| reason.contains("tests/old.sh")), "{told}");
}

#[test]
fn a_fix_without_a_test_is_green() {
    check("fix", &[("src/price.py", RIGHT)], 0, "green", "no test tells the change from the base");
}

#[test]
fn a_test_without_the_fix_is_refused() {
    check("test", &[("tests/sum.sh", PROOF)], 1, "refused", "tests/sum.sh fails or is gone");
}

#[test]
fn a_weakened_test_proves_nothing() {
    let files = [("tests/old.sh", "true\n"), ("tests/sum.sh", "true\n"), ("src/other.py", "x = 1\n")];
    check("weak", &files, 0, "green", "pass without the change as well and prove nothing: tests/sum.sh");
}

#[test]
fn a_test_that_gave_way_beside_a_proof_is_refused() {
    // The old test would fail with this change, and was made to pass.
    let files = [
        ("src/price.py", "def sum_of(prices):\n    return sum(prices)\n"),
        ("tests/old.sh", "true\n"),
        ("tests/sum.sh", PROOF),
    ];
    check("gave way", &files, 1, "refused", "tests/old.sh is green only because it was changed");
    // Here the test was changed to say more, and its old form holds as well.
    let files = [
        ("src/price.py", RIGHT),
        ("tests/old.sh", "grep -q 'def total' src/price.py && true\n"),
        ("tests/sum.sh", PROOF),
    ];
    check("says more", &files, 0, "proven", "tests/sum.sh");
}

#[test]
fn a_test_that_expects_something_else_is_told_of() {
    let world = world();
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    world.git(&["checkout", "-q", "-b", "topic"]);
    world.write("src/price.py", "def sum_of(prices):\n    return sum(prices)\n");
    world.write("tests/old.sh", "grep -q sum_of src/price.py\n");
    world.write("tests/sum.sh", PROOF);
    world.commit("turned");
    let told = world.run(&["certify", "--json"]).ends_with(0).json();
    assert_eq!(
        (&told["verdict"], &told["evidence"]["turned"][0]),
        (&"proven".into(), &"tests/old.sh".into()),
        "{told}"
    );
    let says = |finding: &serde_json::Value| {
        finding["severity"] == "flag"
            && finding["text"].as_str().is_some_and(|text| text.contains("made to expect something else"))
    };
    assert!(told["findings"].as_array().is_some_and(|findings| findings.iter().any(says)), "{told}");
}

#[test]
fn a_change_of_the_script_that_judges_proves_nothing() {
    let kind = CHECK.replace("not ok", "ok");
    let files = [("check.sh", kind.as_str()), ("tests/sum.sh", "false\n")];
    check("kind judge", &files, 0, "added", "tests/sum.sh passes now that did not run before");
}

#[test]
fn what_turns_green_by_new_files_of_tests_alone_is_not_fixed() {
    let world = World::with(&[
        ("check.sh", CHECK),
        (".prentice.yml", "checks: [sh check.sh]\n"),
        ("src/price.py", WRONG),
        ("tests/data.sh", "test -f tests/fixtures/prices.json\n"),
    ]);
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    world.git(&["checkout", "-q", "-b", "topic"]);
    world.write("tests/fixtures/prices.json", "[1]\n");
    world.commit("data alone");
    assert_eq!(world.run(&["certify", "--json"]).ends_with(0).json()["verdict"], "green");
    world.write("src/price.py", RIGHT);
    world.commit("data and code");
    let told = world.run(&["certify", "--json"]).ends_with(0).json();
    assert_eq!(told["verdict"], "green", "{told}");
    assert!(
        told["evidence"]["not_checked"].to_string().contains("turn green without the change of the code"),
        "{told}"
    );
}

#[test]
fn a_change_that_breaks_a_test_is_refused() {
    let files = [("src/price.py", "def sum_of(prices):\n    return sum(prices)\n"), ("tests/sum.sh", PROOF)];
    check("break", &files, 1, "refused", "tests/old.sh fails or is gone");
}

#[test]
fn a_change_that_brings_a_build_script_is_not_proven_by_its_own_tests() {
    let files = [("src/price.py", RIGHT), ("tests/sum.sh", PROOF), ("build.rs", "")];
    check("build script", &files, 0, "added", "tests/sum.sh passes now that did not run before");
}

#[test]
fn what_cannot_be_certified_is_named() {
    let world = world();
    let ran = world.run(&["certify", "absent..HEAD"]);
    assert!(ran.ends_with(2).err.contains("absent"), "{ran:?}");
    let ran = world.run(&["certify", "--tests", "[", "HEAD"]);
    assert!(ran.ends_with(2).err.contains("--tests"), "{ran:?}");
}

#[test]
fn a_changed_test_proves_when_its_new_form_fails_on_the_base() {
    let stronger = "grep -q 'def total' src/price.py && grep -q 'sum(prices)' src/price.py\n";
    let files = [("src/price.py", RIGHT), ("tests/old.sh", stronger)];
    check("fix with changed test", &files, 0, "proven", "tests/old.sh is new or changed, fails without the change");
    let weaker = [("src/price.py", "def total(prices):\n    return min(prices)\n"), ("tests/old.sh", "true\n")];
    check("test that was weakened", &weaker, 0, "green", "no test tells the change from the base");
}

#[test]
fn what_broke_is_run_again_and_stays_broken_when_it_fails_twice() {
    let never = "false\n";
    let world = world();
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    world.git(&["checkout", "-q", "-b", "topic"]);
    world.write("src/price.py", RIGHT);
    world.write("tests/sum.sh", PROOF);
    world.write("tests/never.sh", never);
    world.commit("a new test that never passes");
    let told = world.run(&["certify", "--json"]).ends_with(1).json();
    assert_eq!(told["verdict"], "refused", "{told}");
    assert_eq!(told["evidence"]["reruns"][0]["tree"], "patched", "what broke was run again: {told}");
    assert!(told["evidence"].get("flaky").is_none(), "it failed twice: {told}");
}

#[test]
fn a_test_inside_of_a_rust_file_proves_by_itself() {
    let file = |body: &str, tests: &str| {
        format!(
            "pub fn total(p: &[u32]) -> u32 {{\n    {body}\n}}\n\n#[cfg(test)]\nmod tests {{\n    use super::*;\n{tests}}}\n"
        )
    };
    let one = "\n    #[test]\n    fn one() {\n        assert_eq!(total(&[3]), 3);\n    }\n";
    let two = "\n    #[test]\n    fn two() {\n        assert_eq!(total(&[3, 4]), 7);\n    }\n";
    let manifest = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    let lock = "version = 3\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n";
    let wrong = file("*p.iter().max().unwrap_or(&0)", one);
    let world = World::with(&[("Cargo.toml", manifest), ("Cargo.lock", lock), ("src/lib.rs", &wrong)]);
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    world.git(&["checkout", "-q", "-b", "topic"]);
    world.write("src/lib.rs", &file("p.iter().sum()", &format!("{one}{two}")));
    world.commit("a fix with a test in the same file");
    let told = world.run(&["certify", "--json"]).ends_with(0).json();
    assert_eq!(told["verdict"], "proven", "{told}");
    assert_eq!(told["evidence"]["red_first"].as_array().map(Vec::len), Some(1), "only the new one proves: {told}");
}

/// Certifies a change of a package whose tests stand beside the code.
fn check_crate(before: &str, after: &str, code: i32, verdict: &str) {
    let world = World::with(&[
        ("Cargo.toml", "[package]\nname = \"calc\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        (".gitignore", "target\nCargo.lock\n"),
        ("src/lib.rs", before),
    ]);
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    world.git(&["checkout", "-q", "-b", "topic"]);
    world.write("src/lib.rs", after);
    world.commit("change");
    let told = world.run(&["certify", "--json"]).ends_with(code).json();
    assert_eq!(told["verdict"], verdict, "{told}");
}

#[test]
fn tests_beside_the_code_are_run_in_their_old_form_as_well() {
    let code = |value: &str, tests: &str| {
        format!(
            "/// ```\n/// assert!(calc::Pair::<u8>::one() > 0);\n/// ```\npub struct Pair<T>(T);\n\nimpl<T> Pair<T> {{\n    /// \
             ```\n    /// assert!(calc::Pair::<u8>::one() > 0);\n    /// ```\n    pub fn one() -> u32 {{\n        {value}\n    \
             }}\n}}\n\n#[cfg(test)]\nmod tests {{\n    use super::*;\n\n{tests}}}\n"
        )
    };
    let test = |name: &str, says: &str| format!("    #[test]\n    fn {name}() {{\n        assert!({says});\n    }}\n");
    let one = |name: &str| test(name, "Pair::<u8>::one() == 1");
    let before = code("1", &one("gives_one"));
    // A rename, of the test and of what the documented item is called by, is no damage.
    let renamed = code("2 - 1", &one("is_one")).replace("impl<T> Pair<T>", "impl<Value> Pair<Value>");
    check_crate(&before, &renamed, 0, "green");
    // Beside a proof another test gave way.
    let gave_way = test("gives_one", "Pair::<u8>::one() > 0") + &test("gives_two", "Pair::<u8>::one() == 2");
    check_crate(&before, &code("2", &gave_way), 1, "refused");
    // A test whose new form fails on the base was changed with the behaviour.
    check_crate(&before, &code("2", &test("gives_one", "Pair::<u8>::one() == 2")), 0, "proven");
}
