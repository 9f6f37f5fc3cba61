//! Changes that mend some of what they were asked for.

use serde_json::json;

use crate::common::{Endpoint, GOOD, PRICE, Ran, TASK, World, bodies, last_words, sandbox_or_skip};

/// The other half.
const LAST: &str = "src/price.py\n```\n<<<<<<< SEARCH\ndef first(prices):\n=======\ndef last(prices):\n    return prices[-1]\n\n\n\
                    def first(prices):\n>>>>>>> REPLACE\n```\n";
const STOPS: &str = "it stops halfway: check.sh::has a last failed before and still fails (1 in all)";

/// What the first half mends.
const ADDS: [(&str, &str); 3] =
    [("check.sh::adds", "sum(prices)"), ("check.sh::adds all", "sum("), ("check.sh::adds prices", "sum(prices")];

/// A repository of which tests that the first half mends and one more are asked for, and another one fails for its own reasons.
fn world_with(profile: &str, adds: &[(&str, &str)]) -> World {
    let test = |name: &str, word: &str| {
        format!("if grep -q '{word}' src/price.py; then echo 'ok - {name}'; else echo 'not ok - {name}'; fi\n")
    };
    let tests = adds.iter().chain(&[("check.sh::has a last", "def last"), ("other.sh::is fast", "numpy")]);
    let lines: String = tests.map(|(name, word)| test(name, word)).collect();
    let check = format!("echo 'TAP version 13'\n{lines}echo 1..{}\n", adds.len() + 2);
    let settings = format!("model: {{profiles: {{small: {profile}}}}}\n");
    World::with(&[("check.sh", &check), ("src/price.py", PRICE), ("task.yml", TASK), (".prentice.yml", &settings)])
}

fn world(profile: &str) -> World {
    world_with(profile, &ADDS)
}

/// Takes the first half back.
fn back() -> String {
    GOOD.replace("max", "len").replace("sum", "max").replace("len", "sum")
}

fn run(world: &World, endpoint: &Endpoint, more: &[&str]) -> Ran {
    let line = ["run", "task.yml", "--model", "small", "--base-url", &endpoint.url(), "--json"];
    world.run(&[&line[..], more].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_sent_back() {
    let world = world("{}");
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let endpoint = Endpoint::answering(&[GOOD, LAST]).await;
    let ran = run(&world, &endpoint, &[]);
    let said = ran.ends_with(0).json();
    assert_eq!((&said["answers"], &said["verdict"]), (&json!(2), &json!("proven")), "{}", ran.err);
    assert!(ran.err.contains(STOPS), "{}", ran.err);
    let second = &bodies(&endpoint).await[1];
    assert_eq!(second["messages"].as_array().map(Vec::len), Some(4));
    assert!(last_words(second).contains("check.sh::has a last"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_asked_anew_stands_on_what_came_furthest() {
    let world = world("{resample: true}");
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let endpoint = Endpoint::answering(&[GOOD, &back(), LAST]).await;
    let ran = run(&world, &endpoint, &[]);
    assert_eq!(ran.ends_with(0).json()["answers"], 3, "{}", ran.err);
    assert!(ran.err.contains("going on from this change, with which 2 tests fail"), "{}", ran.err);
    let asked = bodies(&endpoint).await;
    let first = |at: usize| -> &str {
        assert_eq!(asked[at]["messages"].as_array().map(Vec::len), Some(2), "a first question: {at}");
        asked[at]["messages"][1]["content"].as_str().expect("text")
    };
    let shows = |at: usize, word: &str| first(at).contains(word);
    assert_eq!((shows(0, "return max(prices)"), shows(0, "FAILED check.sh::adds")), (true, true));
    assert_eq!((shows(1, "return sum(prices)"), shows(1, "FAILED check.sh::adds")), (true, false));
    assert!(shows(1, "FAILED check.sh::has a last"));
    assert_eq!(first(1), first(2), "what the second answer undid is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_mends_no_more_than_half_is_not_stood_on() {
    let world = world_with("{resample: true, repairs: 2}", &ADDS[..2]);
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let endpoint = Endpoint::answering(&[GOOD, LAST]).await;
    let ran = run(&world, &endpoint, &[]);
    ran.ends_with(1);
    let asked = bodies(&endpoint).await;
    assert_eq!(asked[0]["messages"], asked[1]["messages"], "the first question again: {}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_change_that_came_furthest_is_the_outcome() {
    let world = world("{resample: true, repairs: 2}");
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let endpoint = Endpoint::answering(&[GOOD, &back()]).await;
    let ran = run(&world, &endpoint, &[]);
    let said = ran.ends_with(1).json();
    assert_eq!((&said["reason"], &said["verdict"]), (&json!(STOPS), &json!("proven")), "{}", ran.err);
    let rules: Vec<&str> =
        said["findings"].as_array().expect("a list").iter().filter_map(|f| f["rule"].as_str()).collect();
    assert_eq!(rules, ["halfway"]);
    assert!(said["branch"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_ended_on_the_way_goes_on_from_the_change_without_asking_twice() {
    let world = world("{resample: true}");
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let endpoint = Endpoint::answering(&[GOOD, &back(), LAST]).await;
    run(&world, &endpoint, &["--rounds", "2"]).ends_with(1);
    assert_eq!(bodies(&endpoint).await.len(), 2);
    let ran = run(&world, &endpoint, &[]);
    assert_eq!(ran.ends_with(0).json()["answers"], 3, "{}", ran.err);
    assert_eq!(bodies(&endpoint).await.len(), 3, "two answers come from the journal");
}
