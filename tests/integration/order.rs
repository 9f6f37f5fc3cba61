//! `prentice propose --order`: what a reviewer asks of a proposal that is there already.

use serde_json::{Value, json};

use crate::common::{Endpoint, GOOD, World, read, sandbox_or_skip};

/// Changes what `GOOD` made, and nothing of the base.
const RENAMES: &str = "THREAD 1: said so in a comment.\n\nsrc/price.py\n```\n<<<<<<< SEARCH\n    return sum(prices)\n\
                       =======\n    return sum(prices)  # all of them\n>>>>>>> REPLACE\n```\n";

/// Makes the first proposal and returns its commit.
fn propose_first(world: &World, url: &str) -> String {
    let ran = world.run(&["run", "task.yml", "--base-url", url, "--json"]);
    ran.ends_with(0).json()["commit"].as_str().expect("a commit").to_owned()
}

fn order(world: &World, verb: &str, head: &str, base: &str, threads: &Value) -> String {
    let order = json!({
        "schema": 1, "verb": verb, "base": base, "base_branch": "main", "issue": 7,
        "pull": { "number": 8, "head": head, "branch": "prentice/issue-7" }, "instruction": "Say what is added.", "threads": threads, "actor": "ann",
        "serves": ["c31"],
        "task": {
            "title": "Add the prices", "description": "It gives the largest one.", "acceptance": [], "constraints": [],
            "files": [], "checks": ["sh check.sh"], "model": null, "hidden_characters": 0,
            "limits": { "attempts": null, "rounds": null, "tokens": null, "cost_usd": null, "wall_time": null },
            "origin": { "issue": { "number": 7, "url": "https://forge.invalid/acme/widgets/issues/7" } },
        },
    });
    let place = world.temporary().join("order.json");
    std::fs::write(&place, order.to_string()).expect("written");
    place.display().to_string()
}

fn bundle(ran: &crate::common::Ran) -> Value {
    let folder = ran.json()["bundle"].as_str().expect("a bundle").to_owned();
    serde_json::from_str(&read(format!("{folder}/bundle.json"))).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_follows_the_proposal_and_answers_the_thread() {
    let (world, endpoint) = (World::new(), Endpoint::answering(&[GOOD, RENAMES]).await);
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let url = endpoint.url();
    let head = propose_first(&world, &url);
    let base = world.git(&["rev-parse", "HEAD"]);
    let threads = json!([{ "id": "T1", "comment": 5, "path": "src/price.py", "line": 2, "hunk": "@@ -1,2 +1,2 @@",
                           "said": "ann: what is added here?" }]);
    let file = order(&world, "address", &head, &base, &threads);
    let out = world.temporary().join("out/bundle").display().to_string();
    let ran = world.run(&["propose", "--order", &file, "--out", &out, "--base-url", &url, "--json"]);
    assert_eq!(ran.ends_with(0).json()["bundle"], out.as_str());
    let bundle = bundle(&ran);
    assert_eq!((&bundle["base"], &bundle["parent"]), (&json!(base), &json!(head)));
    assert_eq!(bundle["slug"], "issue-7");
    assert_eq!(bundle["account"]["replies"], json!(["said so in a comment."]));
    assert_eq!(ran.json()["verdict"], "proven", "the evidence is that of the whole pull request");
    let asked = endpoint.server.received_requests().await.expect("recorded");
    let question = String::from_utf8_lossy(&asked.last().expect("asked").body).into_owned();
    for part in ["what is added here?", "+    return sum(prices)", "Say what is added.", "Thread 1"] {
        assert!(question.contains(part), "{part} in {question}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_for_every_thread_needs_no_edit() {
    let why = "THREAD 1: it must stay, because callers rely on it.";
    let (world, endpoint) = (World::new(), Endpoint::answering(&[GOOD, why]).await);
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let url = endpoint.url();
    let head = propose_first(&world, &url);
    let threads =
        json!([{ "id": "T1", "comment": 5, "path": "src/price.py", "line": null, "hunk": "", "said": "ann: why?" }]);
    let file = order(&world, "address", &head, &world.git(&["rev-parse", "HEAD"]), &threads);
    let ran = world.run(&["propose", "--order", &file, "--base-url", &url, "--json"]);
    let bundle = bundle(ran.ends_with(0));
    assert_eq!(bundle["account"]["replies"], json!(["it must stay, because callers rely on it."]));
    assert_eq!(bundle["changes"].as_array().map(Vec::len), Some(1), "the proposal as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebase_asks_no_model_and_says_what_does_not_merge() {
    let (world, endpoint) = (World::new(), Endpoint::answering(&[GOOD]).await);
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let head = propose_first(&world, &endpoint.url());
    world.write("other.txt", "news\n");
    world.commit("moved on");
    let base = world.git(&["rev-parse", "HEAD"]);
    let rebase =
        |base: &str| world.run(&["propose", "--order", &order(&world, "rebase", &head, base, &json!([])), "--json"]);
    let ran = rebase(&base);
    assert_eq!(ran.ends_with(0).json()["verdict"], "proven");
    let bundle = bundle(&ran);
    assert_eq!(
        (&bundle["base"], &bundle["parent"], &bundle["account"]["model"]),
        (&json!(base), &json!(base), &json!("none"))
    );
    assert_eq!(endpoint.asked().await, 1, "only the first proposal");

    world.write("src/price.py", "def total(prices):\n    return min(prices)\n");
    world.commit("another way");
    let ran = rebase(&world.git(&["rev-parse", "HEAD"]));
    let reason = ran.ends_with(1).json()["reason"].to_string();
    assert!(reason.contains("both changed src/price.py"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_none_is_refused_with_its_place() {
    let world = World::new();
    let place = world.temporary().join("order.json");
    std::fs::write(&place, "{\"schema\": 1}").expect("written");
    let ran = world.run(&["propose", "--order", &place.display().to_string()]);
    assert!(ran.ends_with(2).err.contains("order.json: missing field"), "{ran:?}");
    assert!(world.run(&["propose"]).ends_with(2).err.contains("<TASK|--order <FILE>>"), "one of both is wanted");
}
