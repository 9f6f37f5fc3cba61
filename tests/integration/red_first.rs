//! New tests are put on the base alone: what fails there and passes with the change is proof.

use crate::common::{Endpoint, World, sandbox_or_skip};

/// Finds the tests that lie in `tests/` and runs each as a shell script.
const CHECK: &str = r#"#!/bin/sh
number=0
echo "TAP version 13"
for file in tests/*.sh; do
  number=$((number + 1))
  if sh "$file"; then echo "ok $number - $file"; else echo "not ok $number - $file"; fi
done
echo "1..$number"
"#;
const OLD_TEST: &str = "grep -q total src/price.py\n";

const WITH_PROOF: &str = "FILE: src/price.py\n```\ndef total(prices):\n    return sum(prices)\n```\n\n\
                          FILE: tests/sum.sh\n```\ngrep -q 'sum(prices)' src/price.py\n```\n";
const WITH_IDLE_TEST: &str = "FILE: src/price.py\n```\ndef total(prices):\n    return sum(prices)\n```\n\n\
                              FILE: tests/idle.sh\n```\ntrue\n```\n";

/// The old test is made to expect what the change does.
const TURNS: &str = "FILE: src/price.py\n```\ndef sum_of(prices):\n    return sum(prices)\n```\n\n\
                     FILE: tests/old.sh\n```\ngrep -q sum_of src/price.py\n```\n\n\
                     FILE: tests/sum.sh\n```\ngrep -q 'sum(prices)' src/price.py\n```\n";

fn world() -> World {
    World::with(&[
        ("check.sh", CHECK),
        ("src/price.py", "def total(prices):\n    return max(prices)\n"),
        ("tests/old.sh", OLD_TEST),
        ("task.yml", "title: Add the prices\nchecks: [sh check.sh]\n"),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_its_own_proves_a_change_only_when_it_fails_without_it() {
    for (answer, verdict, says) in [
        (WITH_PROOF, "proven", "is new or changed, fails without the change and passes with it"),
        (WITH_IDLE_TEST, "green", "the new tests pass without the change as well"),
    ] {
        let (world, endpoint) = (world(), Endpoint::answering(&[answer]).await);
        if !sandbox_or_skip(&world, module_path!()) {
            return;
        }
        let ran = world.run(&["run", "task.yml", "--base-url", &endpoint.url(), "--json"]);
        assert_eq!(ran.ends_with(0).json()["verdict"], verdict, "{ran:?}");
        let page = ran.json()["page"].as_str().expect("a page").to_owned();
        assert!(crate::common::read(page).contains(says), "{says}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_passed_is_not_made_to_expect_something_else() {
    let back = format!("{WITH_PROOF}\nFILE: tests/old.sh\n```\n{OLD_TEST}```\n");
    let (world, endpoint) = (world(), Endpoint::answering(&[TURNS, &back]).await);
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let ran = world.run(&["run", "task.yml", "--base-url", &endpoint.url(), "--json"]);
    let told = ran.ends_with(0).json();
    assert_eq!((&told["verdict"], &told["answers"]), (&"proven".into(), &2.into()), "{ran:?}");
    let asked = endpoint.server.received_requests().await.expect("recorded");
    let feedback = String::from_utf8_lossy(&asked.last().expect("asked").body).into_owned();
    let expected = "tests that passed were made to expect something else, and fail in their old form with this change: \
                    tests/old.sh";
    assert!(feedback.contains(expected), "{feedback}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_allows_it_is_told_of_a_test_that_expects_something_else() {
    let (world, endpoint) = (world(), Endpoint::answering(&[TURNS]).await);
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    world.write(".prentice.yml", "policy: {refuse_touched: [tests_deleted, skip_added]}\n");
    world.commit("a test may be turned round");
    let ran = world.run(&["run", "task.yml", "--base-url", &endpoint.url(), "--json"]);
    let told = ran.ends_with(0).json();
    assert_eq!((&told["verdict"], &told["answers"]), (&"proven".into(), &1.into()), "{ran:?}");
    let page = crate::common::read(told["page"].as_str().expect("a page"));
    assert!(page.contains("made to expect something else"), "{page}");
    assert!(page.contains("1 passed before, expect something else now"), "{page}");
}
