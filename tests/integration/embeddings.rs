//! `context.embeddings`: definitions are compared by a model, each text is asked for once, and no secret leaves.

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::common::{Endpoint, GOOD, World, reply, sandbox_or_skip};

/// A text that speaks of stripes points to the same side as the question, every other one away from it.
fn vectors(request: &Request) -> ResponseTemplate {
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    let texts = body["input"].as_array().expect("a list");
    let vector = |text: &Value| {
        let text = text.as_str().expect("a text");
        if text.contains("stripes") || text.contains("zebra") { json!([1.0, 0.1]) } else { json!([0.1, 1.0]) }
    };
    let data: Vec<Value> =
        texts.iter().enumerate().map(|(index, text)| json!({ "index": index, "embedding": vector(text) })).collect();
    ResponseTemplate::new(200).set_body_json(json!({ "data": data, "usage": { "prompt_tokens": 10 * texts.len() } }))
}

async fn embedding(server: &MockServer) -> String {
    Mock::given(method("POST")).and(path("/v1/embeddings")).respond_with(vectors).mount(server).await;
    format!("{}/v1", server.uri())
}

async fn asked_for(server: &MockServer) -> Vec<String> {
    let all = server.received_requests().await.expect("recorded");
    let posts = all.iter().filter(|request| request.url.path() == "/v1/embeddings");
    let texts = |request: &Request| {
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        body["input"].as_array().expect("a list").clone()
    };
    posts.flat_map(texts).map(|text| text.as_str().expect("a text").to_owned()).collect()
}

fn world(base_url: &str) -> World {
    let settings = format!("context:\n  embeddings: {{model: tiny, base_url: \"{base_url}\"}}\n");
    let key = format!("def animal_key():\n    return \"ghp_{}\"\n", "a1B2".repeat(9));
    World::with(&[
        (".prentice.yml", &settings),
        ("src/a.py", "def animal():\n    return \"dots\"\n"),
        ("src/b.py", "def animal_of_africa():\n    return \"stripes\"\n"),
        ("src/key.py", &key),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_finds_similar_comes_first_and_is_asked_for_once() {
    let server = MockServer::start().await;
    let world = world(&embedding(&server).await);
    let ranked = |arguments: &[&str]| {
        let ran = world.run(&[&["context", "the animal zebra", "--json"], arguments].concat());
        let found = ran.ends_with(0).json();
        let paths: Vec<String> = found["ranked"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|file| file["path"].as_str().expect("a path").to_owned())
            .collect();
        (paths, found["ranked"][0]["signals"]["similar"]["share"].clone(), ran.err)
    };
    let (paths, similar, told) = ranked(&[]);
    assert_eq!((paths[0].as_str(), similar), ("src/b.py", json!(1.0)), "{told}");
    assert!(told.contains("tiny was asked for"), "{told}");
    let first = asked_for(&server).await;
    assert!(first.iter().any(|text| text.starts_with("src/b.py\n")), "{first:?}");
    assert!(first.iter().all(|text| !text.contains("ghp_")), "a credential left: {first:?}");
    let (again, _, told) = ranked(&[]);
    assert_eq!((again, asked_for(&server).await.len()), (paths, first.len()), "{told}");
    let without = world.run(&["index", "--stats", "--json"]).ends_with(0).json();
    assert_eq!(without["kept"]["vectors"], first.len(), "{without}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_the_files_are_ranked_by_the_rest() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(404).set_body_string("no such model"))
        .mount(&server)
        .await;
    let world = world(&format!("{}/v1", server.uri()));
    let ran = world.run(&["context", "the animal zebra", "--json"]);
    let found = ran.ends_with(0).json();
    assert!(ran.err.contains("ranked without vectors"), "{}", ran.err);
    assert_eq!(found["ranked"][0]["path"], "src/a.py");
    assert!(found["ranked"][0]["signals"]["similar"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_environment_goes_to_the_environments_address_only() {
    let server = MockServer::start().await;
    let world = world(&embedding(&server).await);
    let mut command = world.prentice(&["context", "the animal zebra", "--json"]);
    command.env("PRENTICE_API_KEY", "sk-secret-of-the-user").env("PRENTICE_BASE_URL", "http://127.0.0.1:9/v1");
    assert!(command.output().expect("prentice runs").status.success());
    let all = server.received_requests().await.expect("recorded");
    assert!(!all.is_empty() && all.iter().all(|request| !request.headers.contains_key("authorization")));

    let nowhere = World::with(&[(".prentice.yml", "context:\n  embeddings: {model: tiny}\n"), ("a.py", "a = 1\n")]);
    let ran = nowhere.run(&["context", "a"]);
    assert!(ran.ends_with(2).err.contains("context.embeddings names a model and no base_url"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_compares_before_it_asks() {
    let world = World::new();
    if !sandbox_or_skip(&world, "a_run_compares_before_it_asks") {
        return;
    }
    let endpoint = Endpoint::with(vec![reply(GOOD)]).await;
    let url = embedding(&endpoint.server).await;
    world.write(".prentice.yml", &format!("context:\n  embeddings: {{model: tiny, base_url: \"{url}\"}}\n"));
    world.commit("settings");
    let ran = world.run(&["run", "task.yml", "--base-url", &url, "--model", "scripted", "--json"]);
    assert!(ran.ends_with(0).err.contains("passages compared with the task"), "{}", ran.err);
    assert!(world.journal().contains("\"compared\""));
    assert!(!asked_for(&endpoint.server).await.is_empty());
}
