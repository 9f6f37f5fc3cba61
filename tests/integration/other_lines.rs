//! A model that is asked line by line, once its own answers have failed.

use serde_json::{Value, json};

use crate::common::{Endpoint, PRICE, World, read, sandbox_or_skip};

const LINE_BY_LINE: &str =
    "model:\n  profiles:\n    scripted: {edits: whole_file, resample: true, repairs: 2, alternatives: true}\n";

/// A task that names the file.
const TASK: &str = "title: total in src/price.py adds\ndescription: It gives the largest one.\nchecks: [sh check.sh]\n";

fn world() -> World {
    World::with(&[
        ("check.sh", include_str!("check.sh")),
        ("src/price.py", PRICE),
        ("task.yml", TASK),
        (".prentice.yml", LINE_BY_LINE),
    ])
}

/// Runs with a server, which is not asked so, and then with its recording, which lacks the question; returns it with the answer
/// that the model inside would have given.
async fn recording(world: &World, alternatives: &Value) -> String {
    let endpoint = Endpoint::answering(&["I cannot."]).await;
    let file = world.temporary().join("session.jsonl").display().to_string();
    let line = ["run", "task.yml", "--model", "scripted", "--base-url", &endpoint.url(), "--record", &file];
    let ran = world.run(&line);
    assert!(ran.err.contains("scripted is not asked line by line"), "{}", ran.err);
    world.run(&["run", "task.yml", "--replay", &file, "--fresh"]).ends_with(3);
    let journal = world.journal();
    let asked = journal.lines().rfind(|line| line.contains("\"event\":\"request\"")).expect("the question");
    let asked: Value = serde_json::from_str(asked).expect("JSON");
    let (digest, request) = (&asked["data"]["digest"], &asked["data"]["request"]);
    assert_eq!(
        request["form"],
        json!({ "alternatives": { "lines": ["    return max(prices)", "    return prices[0]"] } })
    );
    let usage = json!({ "input_tokens": 100, "cached_input_tokens": 90, "output_tokens": 8, "counted_by": "server" });
    let reply = json!({ "text": alternatives.to_string(), "finish": "stop", "usage": usage, "model": "scripted" });
    let turn = json!({ "schema": 1, "digest": digest, "model": "scripted", "request": request, "reply": reply });
    std::fs::write(&file, format!("{}{turn}\n", read(&file))).expect("written");
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn the_likeliest_line_that_passes_becomes_the_change() {
    let world = world();
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let alternatives = json!([
        { "line": 0, "text": "    return min(prices)", "odds": 0.5 },
        { "line": 1, "text": "    return prices[1]", "odds": 0.3 },
        { "line": 0, "text": "    return sum(prices)", "odds": 0.2 },
        { "line": 0, "text": "    return sum(prices) + 1", "odds": 0.1 },
    ]);
    let file = recording(&world, &alternatives).await;
    let ran = world.run(&["run", "task.yml", "--replay", &file, "--fresh", "--json"]);
    let said = ran.ends_with(0).json();
    assert_eq!((&said["verdict"], &said["answers"]), (&json!("proven"), &json!(2)), "{}", ran.err);
    let branch = said["branch"].as_str().expect("a branch");
    let change = world.git(&["diff", "-U0", &format!("HEAD...{branch}")]);
    let lines: Vec<&str> = change.lines().filter(|line| line.starts_with(['+', '-'])).skip(2).collect();
    assert_eq!(lines, ["-    return max(prices)", "+    return sum(prices)"], "no other line is touched");
    assert!(
        ran.err.contains("`return sum(prices)` in the place of `return max(prices)` passes what failed"),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains("`return min(prices)` in the place"), "what fails is not judged: {}", ran.err);
    let page = read(said["page"].as_str().expect("a page"));
    assert!(page.contains("was `return max(prices)` and is `return sum(prices)`"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_line_passes_the_first_question_is_asked_again() {
    for (alternatives, told) in [
        (json!([{ "line": 0, "text": "    return min(prices)", "odds": 0.5 }]), "none of them passes what failed"),
        (json!([]), "nothing else"),
        (json!("no list"), "the alternatives to lines cannot be read"),
    ] {
        let world = world();
        if !sandbox_or_skip(&world, module_path!()) {
            return;
        }
        let file = recording(&world, &alternatives).await;
        let ran = world.run(&["run", "task.yml", "--replay", &file, "--fresh", "--json"]);
        assert!(ran.err.contains(told), "{}", ran.err);
        // The answers that the server gave follow.
        let said = ran.ends_with(1).json();
        assert!(said["answers"].as_u64().is_some_and(|answers| answers > 1), "{said}");
        assert!(said["branch"].is_null(), "{said}");
    }
}
