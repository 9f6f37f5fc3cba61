//! `prentice run` against a scripted endpoint: what is published, what is refused, what is kept.

use crate::common::{BREAKS, Endpoint, GOOD, PRICE, TASK, World, bodies, read, reply, sandbox_or_skip};

macro_rules! needs_sandbox {
    ($world:expr) => {
        if !sandbox_or_skip(&$world, module_path!()) {
            return;
        }
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fix_is_proven_and_published_and_the_checkout_is_untouched() {
    let (world, endpoint) = (World::new(), Endpoint::answering(&[GOOD]).await);
    needs_sandbox!(world);
    world.write("src/price.py", "# work in progress\n");
    let head = world.git(&["rev-parse", "HEAD"]);
    let ran = world.run(&["run", "task.yml", "--base-url", &endpoint.url(), "--json"]);
    let result = ran.ends_with(0).json();
    assert_eq!((&result["outcome"], &result["verdict"]), (&"done".into(), &"proven".into()));
    assert_eq!(result["files"], serde_json::json!(["src/price.py"]));
    let branch = result["branch"].as_str().expect("a branch");
    assert!(world.git(&["show", &format!("{branch}:src/price.py")]).contains("sum(prices)"));
    assert_eq!(world.git(&["rev-list", "--count", &format!("HEAD..{branch}")]), "1");
    assert_eq!(world.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(world.git(&["status", "--porcelain"]), "M src/price.py");
    let page = read(result["page"].as_str().expect("a page"));
    assert!(page.contains("total adds") && page.contains("return sum(prices)"), "{page}");
    assert_eq!(world.work_trees(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn running_again_changes_nothing_and_asks_nothing() {
    let (world, endpoint) = (World::new(), Endpoint::answering(&[GOOD]).await);
    needs_sandbox!(world);
    let url = endpoint.url();
    let run = || world.run(&["run", "task.yml", "--base-url", &url, "--json"]).ends_with(0).json();
    let first = run();
    let page = read(first["page"].as_str().expect("a page"));
    let second = run();
    assert_eq!(first["commit"], second["commit"]);
    assert_eq!(endpoint.asked().await, 1, "the second run was answered from the journal");
    // Only wall times may differ.
    let without_times = |page: &str| page.lines().filter(|line| !line.contains(" / ")).collect::<Vec<_>>().join("\n");
    assert_eq!(without_times(&page), without_times(&read(second["page"].as_str().expect("a page"))));
    world.run(&["run", "task.yml", "--base-url", &url, "--fresh"]).ends_with(0);
    assert_eq!(endpoint.asked().await, 2, "--fresh asks again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_input_gives_the_same_bundle_but_for_its_run_folder() {
    let (one, two) = (World::new(), World::new());
    needs_sandbox!(one);
    let endpoint = Endpoint::answering(&[GOOD]).await;
    let bundle = |world: &World| {
        let ran = world.run(&["run", "task.yml", "--base-url", &endpoint.url(), "--json", "--dry-run"]);
        let folder = ran.ends_with(0).json()["bundle"].as_str().expect("a folder").to_owned();
        let text = read(format!("{folder}/bundle.json")) + &read(format!("{folder}/evidence.json"));
        text.replace(&world.git(&["rev-parse", "HEAD"]), "BASE")
    };
    assert_eq!(bundle(&one), bundle(&two));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_something_is_told_to_the_model_and_never_published() {
    let (world, endpoint) = (World::new(), Endpoint::answering(&[BREAKS, BREAKS, GOOD]).await);
    needs_sandbox!(world);
    let ran = world.run(&["run", "task.yml", "--base-url", &endpoint.url(), "--rounds", "1", "--json"]);
    let result = ran.ends_with(1).json();
    assert_eq!((&result["outcome"], &result["verdict"]), (&"no_acceptable_change".into(), &"refused".into()));
    assert_eq!(world.git(&["branch", "--list", "prentice/*"]), "");
    let folder = result["bundle"].as_str().expect("a bundle is kept");
    let refused = world.run(&["publish", folder]);
    assert!(refused.ends_with(1).err.contains("no acceptable change"), "{refused:?}");

    let repaired = world.run(&["run", "task.yml", "--base-url", &endpoint.url(), "--fresh", "--json"]);
    // The good answer does not fit the file as the bad one left it. Said again, it meets the file as it was.
    let told = repaired.ends_with(0).json();
    assert_eq!((&told["verdict"], &told["answers"]), (&"proven".into(), &4.into()), "{repaired:?}");
    let asked = endpoint.server.received_requests().await.expect("recorded");
    let names_test = |body: &[u8]| String::from_utf8_lossy(body).contains("first is there");
    assert!(asked.iter().any(|request| names_test(&request.body)), "the broken test is named");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_stops_at_the_border_and_publish_goes_on() {
    let (world, endpoint) = (World::new(), Endpoint::answering(&[GOOD]).await);
    needs_sandbox!(world);
    let ran = world.run(&["run", "task.yml", "--base-url", &endpoint.url(), "--dry-run", "--json"]);
    let result = ran.ends_with(0).json();
    assert_eq!(world.git(&["branch", "--list", "prentice/*"]), "");
    let (folder, digest) = (result["bundle"].as_str().expect("a folder"), result["digest"].as_str().expect("a digest"));
    let wrong = world.run(&["publish", folder, "--digest", "00"]);
    assert!(wrong.ends_with(2).err.contains("has the digest"), "{wrong:?}");
    world.run(&["publish", folder, "--digest", digest]).ends_with(0);
    assert_ne!(world.git(&["branch", "--list", "prentice/*"]), "");
    let again = world.run(&["publish", folder, "--json"]);
    assert_eq!(again.ends_with(0).json()["moved"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_somebody_changed_is_refused() {
    let (world, endpoint) = (World::new(), Endpoint::answering(&[GOOD]).await);
    needs_sandbox!(world);
    let ran = world.run(&["run", "task.yml", "--base-url", &endpoint.url(), "--dry-run", "--json"]);
    let folder = ran.ends_with(0).json()["bundle"].as_str().expect("a folder").to_owned();
    let evidence = format!("{folder}/evidence.json");
    std::fs::write(&evidence, read(&evidence).replace("\"broken\": []", "\"broken\": [ ]")).expect("written");
    let refused = world.run(&["publish", &folder]);
    assert!(refused.ends_with(2).err.contains("somebody changed evidence.json"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_commit_on_the_branch_is_never_overwritten() {
    let (world, endpoint) = (World::new(), Endpoint::answering(&[GOOD]).await);
    needs_sandbox!(world);
    let url = endpoint.url();
    let first = world.run(&["run", "task.yml", "--base-url", &url, "--json"]).ends_with(0).json();
    let branch = first["branch"].as_str().expect("a branch").to_owned();
    world.git(&["checkout", "-q", &branch]);
    world.write("README.md", "by a person\n");
    world.commit("by a person");
    let theirs = world.git(&["rev-parse", "HEAD"]);
    world.git(&["checkout", "-q", "main"]);
    world.write("other.txt", "the base moves\n");
    world.commit("base moves");
    let ran = world.run(&["run", "task.yml", "--base-url", &url]);
    assert!(ran.ends_with(2).err.contains("which Prentice did not make"), "{ran:?}");
    assert_eq!(world.git(&["rev-parse", &branch]), theirs);
}

/// What rustup prints where nobody chose a toolchain.
const NO_TOOLCHAIN: &str =
    "echo \"error: rustup could not choose a version of cargo to run, because no default is configured.\"; exit 1\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_does_not_start_is_said_before_the_model_is_asked_and_not_mended() {
    // Where no test can run, none is asked for first.
    let settings = "model: {profiles: {scripted: {chain: [test]}}}\n";
    let task = TASK.replace("It gives", "It is wrong and gives");
    let world = World::with(&[
        ("check.sh", NO_TOOLCHAIN),
        ("src/price.py", PRICE),
        ("task.yml", &task),
        (".prentice.yml", settings),
    ]);
    needs_sandbox!(world);
    let endpoint = Endpoint::answering(&[GOOD]).await;
    let ran = world.run(&["run", "task.yml", "--base-url", &endpoint.url(), "--json"]);
    let result = ran.ends_with(0).json();
    assert_eq!((&result["answers"], &result["verdict"]), (&1.into(), &"unproven".into()), "{}", ran.err);
    let why = "`sh check.sh`: its tool did not start here: error: rustup could not choose a version of cargo";
    let at = |text: &str| ran.err.find(text).unwrap_or_else(|| panic!("{text}: {}", ran.err));
    assert!(
        at(&format!("NOTHING CAN BE PROVEN: none of the commands that were found can be run here ({why}"))
            < at("Asking")
    );
    assert!(ran.err.contains("NOTHING WAS CHECKED: none of the commands"), "{}", ran.err);
    let asked = &bodies(&endpoint).await[0]["messages"][1]["content"];
    assert!(asked.as_str().is_some_and(|text| text.contains("No check could be run before your edits.")), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_reached_before_the_call_and_said() {
    let (world, endpoint) = (World::new(), Endpoint::answering(&[GOOD]).await);
    needs_sandbox!(world);
    let ran = world.run(&["run", "task.yml", "--base-url", &endpoint.url(), "--max-tokens", "50", "--json"]);
    assert_eq!(ran.ends_with(4).json()["outcome"], "limit_reached");
    assert_eq!(endpoint.asked().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_refuses_ends_the_run_with_its_words_and_a_bundle() {
    let replies =
        vec![wiremock::ResponseTemplate::new(404).set_body_string("{\"error\":{\"message\":\"no such place\"}}")];
    let (world, endpoint) = (World::new(), Endpoint::with(replies).await);
    needs_sandbox!(world);
    let ran = world.run(&["run", "task.yml", "--base-url", &endpoint.url(), "--json"]);
    let result = ran.ends_with(3).json();
    assert!(result["reason"].as_str().expect("a reason").contains("no such place"), "{result}");
    assert!(std::path::Path::new(result["bundle"].as_str().expect("a folder")).join("bundle.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_replays_without_a_model_and_names_the_difference_when_it_does_not_fit() {
    let (world, endpoint) = (World::new(), Endpoint::answering(&[GOOD]).await);
    needs_sandbox!(world);
    let (url, file) = (endpoint.url(), world.temporary().join("session.jsonl"));
    let file = file.to_str().expect("UTF-8");
    world.run(&["run", "task.yml", "--base-url", &url, "--record", file]).ends_with(0);
    let replayed = world.run(&["run", "task.yml", "--replay", file, "--fresh", "--json"]);
    assert_eq!(replayed.ends_with(0).json()["verdict"], "proven");
    assert_eq!(endpoint.asked().await, 1);
    world.write("task.yml", "title: Add the prices\ndescription: Now!\nchecks: [sh check.sh]\n");
    let differs = world.run(&["run", "task.yml", "--replay", file, "--json"]);
    assert!(
        differs.ends_with(3).json()["reason"].as_str().expect("a reason").contains("does not hold this request"),
        "{differs:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_the_environment_are_in_no_request_no_journal_and_no_command() {
    let world = World::with(&[
        ("check.sh", "env\necho \"1..1\"\necho \"ok 1 - it runs\"\n"),
        ("src/price.py", crate::common::PRICE),
        ("task.yml", crate::common::TASK),
    ]);
    needs_sandbox!(world);
    let endpoint = Endpoint::with(vec![reply(GOOD)]).await;
    let canary = "canary-5b1f7c20-value";
    let mut command = world.prentice(&["run", "task.yml", "--base-url", &endpoint.url()]);
    let output =
        command.env("GITHUB_TOKEN", canary).env("PRENTICE_API_KEY", "key-of-the-user-1").output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let journal = world.journal();
    assert!(journal.contains("it runs"), "{journal}");
    for secret in [canary, "key-of-the-user-1"] {
        assert!(!journal.contains(secret), "the journal holds a secret");
        for request in endpoint.server.received_requests().await.expect("recorded") {
            assert!(!String::from_utf8_lossy(&request.body).contains(secret), "the model was shown a secret");
        }
    }
}
