use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::secret::Secret;

/// A server whose `/v1/models` lists `names`, each owned by `owner`, with a window of 4096 tokens.
async fn server(names: &[&str], owner: &str) -> MockServer {
    let data: Vec<_> =
        names.iter().map(|id| serde_json::json!({"id": id, "owned_by": owner, "max_model_len": 4096})).collect();
    let server = MockServer::start().await;
    let body = ResponseTemplate::new(200).set_body_json(serde_json::json!({ "data": data }));
    Mock::given(path("/v1/models")).respond_with(body).mount(&server).await;
    server
}

fn rules(servers: &[(&MockServer, &'static str)]) -> ChoiceRules {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut loopback = vec![LoopbackServer { port: closed, program: "Nobody" }];
    loopback.extend(servers.iter().map(|(server, program)| LoopbackServer { port: server.address().port(), program }));
    ChoiceRules { loopback, ..ChoiceRules::default() }
}

fn layer(source: Source, model: Option<&str>, base_url: Option<String>, key: Option<&str>) -> Candidate {
    Candidate { source, model: model.map(str::to_owned), base_url, key: key.map(Secret::new) }
}

/// Chooses and writes the reason, or the error, with ports replaced.
async fn why(candidates: &[Candidate], rules: &ChoiceRules) -> String {
    let said = match choose(candidates, rules).await {
        Ok(choice) => format!("{}, window {:?}", choice.why, choice.window_tokens),
        Err(error) => error.to_string(),
    };
    regex::Regex::new(r"127\.0\.0\.1:\d+").unwrap().replace_all(&said, "127.0.0.1:PORT").into_owned()
}

#[tokio::test]
async fn a_server_on_this_machine_is_found_when_nothing_is_configured() {
    let ollama = server(&["nomic-embed-text", "qwen2.5-coder:latest", "llama3"], "library").await;
    let llama = server(&["tiny"], "llamacpp").await;
    let unknown = server(&["x"], "somebody").await;
    let both = rules(&[(&ollama, "Ollama"), (&llama, "llama.cpp")]);
    let wanting = |model: &str| [layer(Source::PrenticeVariables, Some(model), None, None)];
    let said = [
        why(&[], &both).await,
        why(&[], &rules(&[(&unknown, "LM Studio")])).await,
        why(&wanting("tiny"), &both).await,
        why(&wanting("qwen2.5-coder"), &both).await,
        why(&wanting("huge"), &both).await,
        why(&wanting("huge"), &rules(&[])).await,
        why(&[], &rules(&[])).await,
    ];
    insta::assert_snapshot!(said.join("\n"), @r#"
    model qwen2.5-coder:latest at http://127.0.0.1:PORT/v1, because an Ollama server answers there and nothing else was configured, window Some(4096)
    model x at http://127.0.0.1:PORT/v1, because an LM Studio server answers there and nothing else was configured, window Some(4096)
    model tiny at http://127.0.0.1:PORT/v1, because a llama.cpp server has the model that PRENTICE_MODEL names, window Some(4096)
    model qwen2.5-coder:latest at http://127.0.0.1:PORT/v1, because an Ollama server has the model that PRENTICE_MODEL names, window Some(4096)
    model settings: no base URL is named, and no server on this machine has the model "huge": http://127.0.0.1:PORT/v1 (nomic-embed-text, qwen2.5-coder:latest, llama3), http://127.0.0.1:PORT/v1 (tiny)
    model settings: the model "huge" is named by PRENTICE_MODEL, but no base URL, no server answers on this machine, and no model file has that name: name its address with --base-url or PRENTICE_BASE_URL; `prentice model list` shows the models that run without one
    no language model is configured and none answers on this machine
    "#);
}

#[tokio::test]
async fn whoever_listens_on_this_machine_gets_no_key() {
    let llama = server(&["tiny"], "llamacpp").await;
    let key = [layer(Source::PrenticeVariables, None, None, Some("sk-1234567890"))];
    insta::assert_snapshot!(why(&key, &rules(&[(&llama, "llama.cpp")])).await, @"model settings: PRENTICE_API_KEY gives a key, but nothing says where to send it: name a base URL too, or ask the model inside with --model embedded");
    choose(&[], &rules(&[(&llama, "llama.cpp")])).await.unwrap();
    let sent = llama.received_requests().await.unwrap();
    assert_eq!(sent.iter().map(|request| request.headers.contains_key("authorization")).collect::<Vec<_>>(), [false]);
}

#[tokio::test]
async fn what_is_configured_comes_before_what_is_found() {
    let found = server(&["found"], "llamacpp").await;
    let named = server(&["embed-1", "a", "b"], "vllm").await;
    let url = || Some(format!("{}/v1", named.uri()));
    let rules = rules(&[(&found, "llama.cpp")]);
    let said = [
        why(&[layer(Source::Config, None, url(), None)], &rules).await,
        why(&[layer(Source::Config, None, url(), None), layer(Source::Flags, Some("b"), None, None)], &rules).await,
        why(
            &[layer(Source::Task, Some("zz"), url(), None), layer(Source::OpenAiVariables, None, None, Some("k"))],
            &rules,
        )
        .await,
        why(&[layer(Source::OpenAiVariables, None, None, Some("k"))], &rules).await,
        why(&[layer(Source::OpenAiVariables, Some("gpt"), None, Some("k"))], &rules).await,
        why(&[layer(Source::Flags, Some("m"), Some("https://host/v1".to_owned()), Some("k"))], &rules).await,
    ];
    insta::assert_snapshot!(said.join("\n"), @r"
    model a (the first of 2 there) at http://127.0.0.1:PORT/v1 (named by the configuration), without a key, window Some(4096)
    model b (named by the command line) at http://127.0.0.1:PORT/v1 (named by the configuration), without a key, window Some(4096)
    model zz (named by the task) at http://127.0.0.1:PORT/v1 (named by the task), without a key; the key of OPENAI_API_KEY is not sent there, window None
    model settings: OPENAI_API_KEY is set, but no model is named: name one on the command line, in the task, in the configuration or in PRENTICE_MODEL
    model gpt (named by OPENAI_MODEL) at https://api.openai.com/v1 (OpenAI's address), with the key of OPENAI_API_KEY, window None
    model m (named by the command line) at https://host/v1 (named by the command line), with the key of the command line, window None
    ");
    assert_eq!(found.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn the_model_inside_is_the_last_resort_unless_it_is_asked_for() {
    let server = server(&["tiny"], "llamacpp").await;
    let with = |names: &[&str], servers: &[(&MockServer, &'static str)]| {
        let file = |name: &&str| Inside {
            name: (*name).to_owned(),
            path: format!("/models/{name}.gguf").into(),
            window_tokens: None,
        };
        ChoiceRules { inside: names.iter().map(file).collect(), ..rules(servers) }
    };
    let both = || with(&["large", "small"], &[(&server, "llama.cpp")]);
    let asking = |model: &str| [layer(Source::Flags, Some(model), None, None)];
    let keyed = [
        layer(Source::Flags, Some("embedded"), None, None),
        layer(Source::PrenticeVariables, Some("gpt"), Some("https://host/v1".to_owned()), Some("k")),
    ];
    let said = [
        why(&[], &both()).await,
        why(&[], &with(&["large", "small"], &[])).await,
        why(&asking("small"), &both()).await,
        why(&asking("embedded"), &both()).await,
        why(&asking("embedded:small"), &both()).await,
        why(&keyed, &both()).await,
    ];
    let both_named = [layer(Source::Flags, Some("embedded"), Some("https://host/v1".to_owned()), None)];
    let refused = why(&both_named, &both()).await;
    assert!(refused.contains("names the model inside this program and an address: leave one of both out"), "{refused}");
    insta::assert_snapshot!(said.join("\n"), @r"
    model tiny at http://127.0.0.1:PORT/v1, because a llama.cpp server answers there and nothing else was configured, window Some(4096)
    model large inside this program (its file is here, nothing was configured, and no server answers on this machine); nothing leaves the machine, window Some(8192)
    model small inside this program (named by the command line); nothing leaves the machine, window Some(8192)
    model large inside this program (named by the command line); nothing leaves the machine, window Some(8192)
    model small inside this program (named by the command line); nothing leaves the machine, window Some(8192)
    model large inside this program (named by the command line); nothing leaves the machine, window Some(8192)
    ");
}

#[cfg(feature = "embedded")]
#[tokio::test]
async fn a_model_file_that_is_not_there_is_told_with_those_that_are() {
    let file = Inside { name: "small".to_owned(), path: "/models/small.gguf".into(), window_tokens: None };
    let asking = |model: &str| [layer(Source::Config, Some(model), None, None)];
    let one = ChoiceRules { inside: vec![file], ..rules(&[]) };
    let said = [why(&asking("embedded"), &rules(&[])).await, why(&asking("embedded:large"), &one).await];
    insta::assert_snapshot!(said.join("\n"), @r#"
    the configuration asks for the embedded model, and no model file is on this machine
    the configuration asks for the embedded model "large", and on this machine there are the files small
    "#);
}

#[test]
fn without_a_name_one_model_is_taken_and_of_several_only_at_home() {
    let listed = |names: &[&str]| -> Vec<ListedModel> {
        let model = |id: &&str| ListedModel { id: (*id).to_owned(), context_window_tokens: None, owned_by: None };
        names.iter().map(model).collect()
    };
    let check = |names: &[&str], here: bool| match pick(&listed(names), here, "https://host/v1") {
        Ok((model, reason)) => format!("{} ({reason})", model.id),
        Err(error) => error.to_string(),
    };
    let many: Vec<String> = (1..=25).map(|n| format!("m{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let said = [
        check(&["only", "text-embedding-3"], false),
        check(&["a", "b"], true),
        check(&["a", "b"], false),
        check(&["text-embedding-3"], true),
        check(&many, false),
    ];
    insta::assert_snapshot!(said.join("\n"), @r"
    only (the only one there)
    a (the first of 2 there)
    model settings: https://host/v1 has several models (a, b): name one on the command line, in the task, in the configuration or in PRENTICE_MODEL
    model settings: https://host/v1 lists no model that can write
    model settings: https://host/v1 has several models (m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20 and 5 more): name one on the command line, in the task, in the configuration or in PRENTICE_MODEL
    ");
}
