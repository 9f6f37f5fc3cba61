use super::*;
use Source::{Config, Flags, OpenAiVariables, PrenticeVariables, Task};

/// One layer: model, base URL, key; an empty text is nothing.
fn layer(source: Source, model: &str, base_url: &str, key: &str) -> Candidate {
    let some = |text: &str| Some(text.to_owned());
    Candidate { source, model: some(model), base_url: some(base_url), key: Some(Secret::new(key)) }
}

/// Writes what the layers say together on one line.
fn show(candidates: &[Candidate], rules: KeyRules) -> String {
    let merged = match merge(candidates, rules) {
        Ok(merged) => merged,
        Err(error) => return error.to_string(),
    };
    let text = |named: Option<Named<String>>| {
        named.map_or_else(|| "nothing".to_owned(), |named| format!("{} ({:?})", named.value, named.source))
    };
    let key = text(merged.key.map(|key| Named { value: key.value.expose().to_owned(), source: key.source }));
    format!("{} | {} | key {key} | kept {:?}", text(merged.model), text(merged.base_url), merged.withheld)
}

const CAREFUL: KeyRules = KeyRules { trust_config: false, allow_insecure: false };
const TRUSTING: KeyRules = KeyRules { trust_config: true, allow_insecure: false };
const HOST: &str = "https://host/v1";
const EVIL: &str = "https://evil.example/v1";

#[test]
fn higher_layers_win_field_by_field() {
    let said = [
        show(&[], CAREFUL),
        show(&[layer(OpenAiVariables, "o", HOST, "k"), layer(Flags, "f", "", "")], CAREFUL),
        show(&[layer(PrenticeVariables, "p", "", ""), layer(Config, "c", HOST, ""), layer(Task, "t", "", "")], CAREFUL),
        show(&[layer(OpenAiVariables, "", "", "k")], CAREFUL),
        show(&[layer(OpenAiVariables, "", "", "k"), layer(Task, "t", "", "")], CAREFUL),
        show(&[layer(PrenticeVariables, "p", "", "k")], CAREFUL),
        show(&[layer(Config, "", "not a url", "")], CAREFUL),
        show(&[layer(PrenticeVariables, " p ", " https://HOST/v1/ ", " ")], CAREFUL),
    ];
    insta::assert_snapshot!(said.join("\n"), @r#"
    nothing | nothing | key nothing | kept []
    f (Flags) | https://host/v1 (OpenAiVariables) | key k (OpenAiVariables) | kept []
    t (Task) | https://host/v1 (Config) | key nothing | kept []
    nothing | https://api.openai.com/v1 (OpenAiVariables) | key k (OpenAiVariables) | kept []
    t (Task) | https://api.openai.com/v1 (OpenAiVariables) | key k (OpenAiVariables) | kept []
    model settings: PRENTICE_API_KEY gives a key, but nothing says where to send it: name a base URL too, or ask the model inside with --model embedded
    model settings: "not a url" is not a URL (named by the configuration)
    p (PrenticeVariables) | https://host/v1 (PrenticeVariables) | key nothing | kept []
    "#);
}

#[test]
fn a_key_goes_only_where_its_owner_sends_it() {
    let task = layer(Task, "", EVIL, "");
    let config = layer(Config, "", EVIL, "");
    let said = [
        // What somebody else wrote gets no key.
        show(&[task.clone(), layer(OpenAiVariables, "", "", "k")], CAREFUL),
        show(&[task.clone(), layer(PrenticeVariables, "", "", "k")], CAREFUL),
        show(&[task.clone(), layer(Flags, "", "", "k")], TRUSTING),
        show(&[config.clone(), layer(PrenticeVariables, "", "", "k")], CAREFUL),
        show(&[config.clone(), layer(PrenticeVariables, "", HOST, "k")], TRUSTING),
        // The configuration of a workflow's own commit does.
        show(&[config.clone(), layer(PrenticeVariables, "", "", "k")], TRUSTING),
        // So does an address that the key's own layer names too.
        show(&[layer(Task, "", HOST, ""), layer(PrenticeVariables, "", HOST, "k")], CAREFUL),
        show(&[layer(Task, "", OPENAI_BASE_URL, ""), layer(OpenAiVariables, "", "", "k")], CAREFUL),
        // What the user combines goes together, but pairs stay pairs.
        show(&[layer(Flags, "", HOST, ""), layer(OpenAiVariables, "", "", "k")], CAREFUL),
        show(&[layer(PrenticeVariables, "", HOST, ""), layer(OpenAiVariables, "", "https://other/v1", "k")], CAREFUL),
        show(
            &[layer(Flags, "", HOST, ""), layer(PrenticeVariables, "", "", "p"), layer(OpenAiVariables, "", "", "o")],
            CAREFUL,
        ),
        // A key in a task or a configuration is that layer's own.
        show(&[layer(Task, "", HOST, "t"), layer(PrenticeVariables, "", "", "p")], CAREFUL),
        show(&[layer(Task, "", "", "t"), layer(PrenticeVariables, "", HOST, "p")], CAREFUL),
    ];
    insta::assert_snapshot!(said.join("\n"), @r"
    nothing | https://evil.example/v1 (Task) | key nothing | kept [OpenAiVariables]
    nothing | https://evil.example/v1 (Task) | key nothing | kept [PrenticeVariables]
    nothing | https://evil.example/v1 (Task) | key nothing | kept [Flags]
    nothing | https://evil.example/v1 (Config) | key nothing | kept [PrenticeVariables]
    nothing | https://evil.example/v1 (Config) | key nothing | kept [PrenticeVariables]
    nothing | https://evil.example/v1 (Config) | key k (PrenticeVariables) | kept []
    nothing | https://host/v1 (Task) | key k (PrenticeVariables) | kept []
    nothing | https://api.openai.com/v1 (Task) | key k (OpenAiVariables) | kept []
    nothing | https://host/v1 (Flags) | key k (OpenAiVariables) | kept []
    nothing | https://host/v1 (PrenticeVariables) | key nothing | kept [OpenAiVariables]
    nothing | https://host/v1 (Flags) | key p (PrenticeVariables) | kept []
    nothing | https://host/v1 (Task) | key t (Task) | kept [PrenticeVariables]
    nothing | https://host/v1 (PrenticeVariables) | key p (PrenticeVariables) | kept [Task]
    ");
}

#[test]
fn a_key_does_not_travel_in_plain_text() {
    let plain = layer(Flags, "", "http://10.0.0.1/v1", "k");
    insta::assert_snapshot!(show(std::slice::from_ref(&plain), CAREFUL), @"model settings: the key would travel unencrypted to http://10.0.0.1/v1; use https, or allow insecure endpoints");
    assert!(merge(&[plain], KeyRules { allow_insecure: true, ..CAREFUL }).unwrap().key.is_some());
    assert!(merge(&[layer(Flags, "", "http://10.0.0.1/v1", "")], CAREFUL).unwrap().base_url.is_some());
    assert!(merge(&[layer(Flags, "", "http://localhost:1/v1", "k")], CAREFUL).unwrap().key.is_some());
}
