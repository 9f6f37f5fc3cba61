//! The conversation with the model as a user sees it: ladder, attempts, steps of the chain, tools, pictures.

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

use crate::common::{
    BREAKS, Endpoint, GOOD, PRICE, Ran, TASK, World, bodies, last_words, read, reply, sandbox_or_skip,
};

/// The same change with a line that nobody asked for.
const LONGER: &str = "src/price.py\n```\n<<<<<<< SEARCH\n    return max(prices)\n=======\n    # all of them\n    return \
                      sum(prices)\n>>>>>>> REPLACE\n```\n";

/// Runs every script in tests/ and prints TAP.
const SCRIPTS: &str = "echo 'TAP version 13'\nn=0\nfor t in tests/*.sh; do n=$((n+1)); if sh $t; then echo \"ok $n - $(head -1 $t)\"; \
                       else echo \"not ok $n - $(head -1 $t)\"; fi; done\necho \"1..$n\"\n";

fn settings(profiles: &str) -> String {
    format!("model:\n  profiles:\n{profiles}")
}

/// The usual repository, with a profile of the model in its settings.
fn world(profile: &str) -> World {
    World::with(&[
        ("check.sh", include_str!("check.sh")),
        ("src/price.py", PRICE),
        ("task.yml", TASK),
        (".prentice.yml", &settings(profile)),
    ])
}

/// A repository whose tests pass although the code is wrong.
fn untested(profile: &str) -> World {
    World::with(&[
        ("check.sh", SCRIPTS),
        ("tests/first.sh", "# first is there\ngrep -q 'def first' src/price.py\n"),
        ("src/price.py", PRICE),
        ("task.yml", "title: Fix the wrong total\ndescription: It gives the largest price.\nchecks: [sh check.sh]\n"),
        (".prentice.yml", &settings(profile)),
    ])
}

/// A reply that calls functions.
fn calling(calls: &[(&str, Value)]) -> ResponseTemplate {
    let calls: Vec<Value> = calls
        .iter()
        .enumerate()
        .map(|(at, (name, arguments))| {
            json!({ "id": format!("call_{at}"), "type": "function",
                    "function": { "name": name, "arguments": arguments.to_string() } })
        })
        .collect();
    ResponseTemplate::new(200).set_body_json(json!({
        "id": "1", "object": "chat.completion", "model": "scripted",
        "choices": [{ "index": 0, "finish_reason": "tool_calls",
                      "message": { "role": "assistant", "content": null, "tool_calls": calls } }],
        "usage": { "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120 },
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_rung_is_asked_when_the_evidence_says_no() {
    let small = "{repairs: 1, seed: 77, top_p: 0.5, stop: [NEVER], input_price: 100, output_price: 200}";
    let world = world(&format!("    small: {small}\n    large: {{input_price: 5, output_price: 5}}\n"));
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let endpoint = Endpoint::answering(&["I cannot.", BREAKS, GOOD]).await;
    let ran = world.run(&[
        "run",
        "task.yml",
        "--model",
        "small",
        "--model",
        "large",
        "--base-url",
        &endpoint.url(),
        "--json",
    ]);
    let said = ran.ends_with(0).json();
    assert_eq!((&said["model"], &said["answers"], &said["verdict"]), (&json!("large"), &json!(3), &json!("proven")));
    let asked: Vec<Value> = bodies(&endpoint).await.iter().map(|body| body["model"].clone()).collect();
    assert_eq!(asked, ["small", "small", "large"]);
    let bodies = bodies(&endpoint).await;
    let drawn = |at: usize| (bodies[at]["seed"].as_u64(), bodies[at]["top_p"].as_f64());
    assert_eq!((drawn(0), drawn(2)), ((Some(77), Some(0.5)), (Some(1), None)));
    assert_eq!((&bodies[0]["stop"], &bodies[2]["stop"]), (&json!(["NEVER"]), &Value::Null));
    // 100 tokens read and 20 written by each answer.
    let cost = said["spent"]["cost_usd"].as_f64().expect("a price");
    assert!((cost - (2.0 * 0.014 + 0.0006)).abs() < 1e-9, "{cost}");
    assert!(ran.err.contains("The evidence says no: large is asked"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_code_with_other_blank_lines_uses_up_no_repair() {
    let world = world("    small: {repairs: 1, resample: true}\n");
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let copied = format!("FILE: src/price.py\n```\n# As it was.\n\n{PRICE}\n\n```\n");
    let endpoint = Endpoint::answering(&[&copied, GOOD]).await;
    let line = ["run", "task.yml", "--model", "small", "--base-url", &endpoint.url(), "--json"];
    let said = world.run(&line).ends_with(0).json();
    assert_eq!((&said["answers"], &said["verdict"]), (&json!(2), &json!("proven")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_asked_anew_may_fail_more_often_in_a_row() {
    let world = world("    small: {resample: true}\n");
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let copied = format!("FILE: src/price.py\n```\n{PRICE}```\n");
    for (model, answers) in [("small", 8), ("other", 5)] {
        let mut script = vec![copied.as_str(); 7];
        script.push(GOOD);
        let endpoint = Endpoint::answering(&script).await;
        let line = ["run", "task.yml", "--model", model, "--base-url", &endpoint.url(), "--json", "--fresh"];
        let said = world.run(&line).json();
        assert_eq!((&said["answers"], &said["verdict"] == "proven"), (&json!(answers), model == "small"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_attempts_the_smaller_change_wins_and_a_tie_is_said() {
    let world = World::new();
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let endpoint = Endpoint::answering(&[LONGER, GOOD, GOOD]).await;
    let ran = world.run(&["run", "task.yml", "--attempts", "3", "--base-url", &endpoint.url(), "--json"]);
    let said = ran.ends_with(0).json();
    assert_eq!((&said["attempt"], &said["answers"]), (&json!(2), &json!(3)));
    assert!(ran.err.contains("equally good"), "{}", ran.err);
    let seeds: Vec<Value> = bodies(&endpoint).await.iter().map(|body| body["seed"].clone()).collect();
    assert_eq!(seeds, [1, 1001, 2001]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_attempt_of_several_can_be_made_alone() {
    let world = World::new();
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let endpoint = Endpoint::answering(&[GOOD]).await;
    let out = world.temporary().join("third").display().to_string();
    let line = [
        "propose",
        "task.yml",
        "--attempts",
        "3",
        "--attempt",
        "3",
        "--out",
        &out,
        "--base-url",
        &endpoint.url(),
        "--json",
    ];
    let said = world.run(&line).ends_with(0).json();
    assert_eq!((&said["attempt"], &said["answers"]), (&json!(3), &json!(1)));
    assert_eq!(bodies(&endpoint).await[0]["seed"], 2001);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_defect_that_no_test_shows_gets_a_test_that_fails_first() {
    let world = untested("    scripted: {chain: [test]}\n");
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let test = |line: &str| format!("FILE: tests/total.sh\n```\n# total adds\n{line}\n```\n");
    let endpoint = Endpoint::answering(&[
        // Passes as the code is; then touches the code; then shows the defect; then the fix.
        &test("grep -q 'def total' src/price.py"),
        &format!("{}{GOOD}", test("true")),
        &test("grep -q 'sum(prices)' src/price.py"),
        GOOD,
    ])
    .await;
    let ran = world.run(&["run", "task.yml", "--model", "scripted", "--base-url", &endpoint.url(), "--json"]);
    let said = ran.ends_with(0).json();
    assert_eq!(
        (&said["verdict"], &said["files"]),
        (&json!("proven"), &json!(["src/price.py", "tests/total.sh"])),
        "{}",
        ran.err
    );
    let words: Vec<String> = bodies(&endpoint).await.iter().map(last_words).collect();
    assert!(words[0].contains("Only a test, no fix yet"), "{}", words[0]);
    assert!(words[1].contains("passes on the code as it is"), "{}", words[1]);
    assert!(words[2].contains("Only files of tests may change, and you changed src/price.py"), "{}", words[2]);
    assert!(words[3].contains("tests/total.sh") && !words[3].contains("Only a test"), "{}", words[3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_may_send_back_once_and_the_model_puts_its_change_into_words() {
    let world = world("    scripted: {chain: [review, describe]}\n");
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let better = "src/price.py\n```\n<<<<<<< SEARCH\ndef first(prices):\n=======\ndef first(prices):  # the first\n>>>>>>> \
                  REPLACE\n```\n";
    let endpoint = Endpoint::answering(&[
        GOOD,
        "PROBLEM: src/price.py: first says nothing of itself",
        better,
        "TITLE: Add the prices up, closes #3.\nThe largest price was given. @everybody look.",
    ])
    .await;
    let ran = world.run(&["run", "task.yml", "--model", "scripted", "--base-url", &endpoint.url(), "--json"]);
    let said = ran.ends_with(0).json();
    assert_eq!((&said["answers"], &said["verdict"]), (&json!(4), &json!("proven")));
    let branch = said["branch"].as_str().expect("a branch");
    assert!(world.git(&["show", &format!("{branch}:src/price.py")]).contains("# the first"));
    // The model's words close nothing and call nobody.
    assert_eq!(world.git(&["log", "-1", "--format=%s", branch]).trim(), "Add the prices up, closes # 3");
    let page = read(said["page"].as_str().expect("a page"));
    assert!(page.contains("The largest price was given.") && page.contains("not evidence"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_are_called_and_what_they_change_is_judged_at_the_end() {
    let world = world("    scripted: {dialect: tools}\n");
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let edit = json!({ "command": "str_replace", "path": "src/price.py", "old_str": "max(prices)",
                       "new_str": "sum(prices)", "new_path": null });
    let endpoint = Endpoint::with(vec![
        calling(&[
            ("read", json!({ "path": "src/price.py", "from": null, "to": null })),
            ("search", json!({ "pattern": "max\\(", "path": null })),
        ]),
        calling(&[("edit", edit)]),
        calling(&[("run", json!({ "command": "sh check.sh; echo TOKEN=$PRENTICE_API_KEY" }))]),
        calling(&[("finish", json!({ "summary": "The sum is wanted." }))]),
    ])
    .await;
    let ran = world.run(&["run", "task.yml", "--model", "scripted", "--base-url", &endpoint.url(), "--json"]);
    let said = ran.ends_with(0).json();
    assert_eq!((&said["answers"], &said["verdict"]), (&json!(4), &json!("proven")));
    let asked = bodies(&endpoint).await;
    let tool_answers = |body: &Value| -> Vec<String> {
        let messages = body["messages"].as_array().expect("messages").iter();
        let of_tools = messages.filter(|message| message["role"] == "tool");
        of_tools.map(|message| message["content"].as_str().expect("text").to_owned()).collect()
    };
    let last = tool_answers(&asked[3]);
    assert!(last[0].contains("return max(prices)") && last[1].contains("src/price.py:2"), "{last:?}");
    assert!(last[3].contains("ok 1 - total adds") && last[3].contains("TOKEN=\n"), "{last:?}");
    assert!(asked[0]["tools"].as_array().is_some_and(|tools| tools.len() == 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_without_functions_is_asked_for_plain_text() {
    let world = world("    scripted: {dialect: tools}\n");
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let refusal = json!({ "error": { "message": "scripted does not support tools", "type": "invalid_request_error" } });
    let endpoint = Endpoint::with(vec![ResponseTemplate::new(400).set_body_json(refusal), reply(GOOD)]).await;
    let ran = world.run(&["run", "task.yml", "--model", "scripted", "--base-url", &endpoint.url(), "--json"]);
    assert_eq!(ran.ends_with(0).json()["verdict"], "proven");
    assert!(ran.err.contains("asking for edits as plain text"), "{}", ran.err);
    assert!(bodies(&endpoint).await[1].get("tools").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_go_to_models_that_can_see_and_to_no_others() {
    let world = World::with(&[
        ("check.sh", include_str!("check.sh")),
        ("src/price.py", PRICE),
        ("task.yml", &format!("{TASK}pictures: [shots/total.png]\n")),
        ("shots/total.png", "\u{89}"),
        (".prentice.yml", &settings("    seeing: {vision: true}\n")),
    ]);
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let place = world.repo().join("shots/total.png");
    let endpoint = Endpoint::answering(&[GOOD]).await;
    let run = |model: &str| {
        world.run(&["run", "task.yml", "--fresh", "--model", model, "--base-url", &endpoint.url(), "--json"])
    };
    let wrong = run("seeing");
    assert!(wrong.ends_with(2).err.contains("picture `shots/total.png`: by its first bytes it is no PNG"), "{wrong:?}");
    std::fs::write(&place, b"\x89PNG\r\n\x1a\n....").expect("written");
    run("seeing").ends_with(0);
    let blind = run("blind");
    assert!(blind.ends_with(0).err.contains("blind cannot see: the task's pictures (1) are left out"), "{}", blind.err);
    let asked = bodies(&endpoint).await;
    let parts = asked[0]["messages"][1]["content"].as_array().expect("parts");
    assert_eq!(parts[1]["image_url"]["url"], "data:image/png;base64,iVBORw0KGgouLi4u");
    assert!(asked[1]["messages"][1]["content"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_that_were_uploaded_to_an_issue_are_fetched_without_a_credential() {
    let endpoint = Endpoint::answering(&[GOOD]).await;
    let (host, place) = (endpoint.server.uri(), "/user-attachments/assets/0a1b");
    let found = |bytes: &[u8]| ResponseTemplate::new(200).set_body_bytes(bytes.to_vec());
    let moved = ResponseTemplate::new(302).insert_header("location", "/files/1.png");
    for (at, reply) in [
        (place, moved),
        ("/files/1.png", found(b"\x89PNG\r\n\x1a\n....")),
        ("/user-attachments/assets/0a1c", found(b"<html>Sign in</html>")),
    ] {
        Mock::given(method("GET")).and(path(at)).respond_with(reply).mount(&endpoint.server).await;
    }
    let pictures = format!("pictures: ['{host}{place}', '{host}/user-attachments/assets/0a1c']\n");
    let world = World::with(&[
        ("check.sh", include_str!("check.sh")),
        ("src/price.py", PRICE),
        ("task.yml", &format!("{TASK}{pictures}")),
        (".prentice.yml", &settings("    seeing: {vision: true}\n")),
    ]);
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let line = ["run", "task.yml", "--model", "seeing", "--base-url", &endpoint.url(), "--json"];
    let mut command = world.prentice(&line);
    command.env("GITHUB_SERVER_URL", &host).env("PRENTICE_API_KEY", "a-key");
    let ran = Ran::of(&command.output().expect("runs"));
    assert_eq!(ran.ends_with(0).json()["verdict"], "proven");
    assert!(ran.err.contains("assets/0a1c is left out: by its first bytes it is no PNG"), "{}", ran.err);
    let asked = bodies(&endpoint).await;
    let parts = asked[0]["messages"][1]["content"].as_array().expect("parts");
    assert_eq!((parts.len(), &parts[1]["image_url"]["url"]), (2, &json!("data:image/png;base64,iVBORw0KGgouLi4u")));
    let all = endpoint.server.received_requests().await.expect("recorded");
    assert!(all.iter().all(|r| r.url.path().starts_with("/v1/") || !r.headers.contains_key("authorization")));
    // Elsewhere it would be a file that is not there.
    let foreign = world.run(&line);
    assert!(foreign.ends_with(2).err.contains("picture `http://127.0.0.1"), "{foreign:?}");
}
