//! The models that an endpoint offers.

use std::time::Duration;

use serde_json::Value;

use super::LlmError;
use super::wire::{Timeouts, Wire};
use crate::secret::Secret;

/// At most this many models of a list are read; OpenRouter lists some hundreds.
const MOST_MODELS: usize = 5000;

/// One entry of an endpoint's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedModel {
    /// The name to ask for.
    pub id: String,
    /// The window in tokens, where the server says it.
    pub context_window_tokens: Option<u64>,
    /// Who serves it, in the server's words: `llamacpp`, `vllm`, `library` (Ollama).
    pub owned_by: Option<String>,
}

impl ListedModel {
    /// Tells whether the name is that of a model that embeds, ranks or listens, and cannot write.
    pub fn cannot_write(&self) -> bool {
        const WORDS: &[&str] = &["embed", "rerank", "bge-", "minilm", "whisper", "tts-", "moderation"];
        let lower = self.id.to_ascii_lowercase();
        WORDS.iter().any(|word| lower.contains(word))
    }
}

/// Asks an endpoint for its models: one `GET base_url/models`, in the server's order.
///
/// # Errors
/// What the refusal or failure means; [`LlmError::Malformed`] when the answer holds no list.
pub async fn list_models(
    base_url: &str,
    key: Option<&Secret>,
    timeout: Duration,
) -> Result<Vec<ListedModel>, LlmError> {
    let wire = Wire::new(base_url, key, "", Timeouts { connect: timeout, reply: timeout })?;
    let answer = wire.get("/models").await?;
    let body = wire.json(&answer)?;
    read(&body).ok_or_else(|| wire.malformed("it holds no list of models"))
}

/// Reads OpenAI's `{"data": [..]}`, or a bare list, or a list under `models`; entries without a name are left out.
fn read(body: &Value) -> Option<Vec<ListedModel>> {
    let list =
        body.get("data").and_then(Value::as_array).or_else(|| body.get("models")?.as_array()).or(body.as_array())?;
    Some(list.iter().filter_map(entry).take(MOST_MODELS).collect())
}

fn entry(value: &Value) -> Option<ListedModel> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = value.as_str().or_else(|| text("id")).or_else(|| text("name"))?;
    if id.chars().any(char::is_control) {
        return None;
    }
    // llama.cpp: n_ctx is what was allotted, n_ctx_train what the model could; vLLM; OpenRouter; LM Studio; Groq.
    const WINDOWS: &[&str] = &[
        "/meta/n_ctx",
        "/max_model_len",
        "/context_length",
        "/loaded_context_length",
        "/context_window",
        "/max_context_length",
        "/meta/n_ctx_train",
    ];
    let window = WINDOWS.iter().find_map(|path| value.pointer(path)?.as_u64()).filter(|window| *window > 0);
    Some(ListedModel {
        id: id.to_owned(),
        context_window_tokens: window,
        owned_by: text("owned_by").map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_all_servers_are_read() {
        fn check(body: &str, expected: &[(&str, Option<u64>)]) {
            let got = read(&serde_json::from_str(body).unwrap()).unwrap();
            let got: Vec<_> = got.iter().map(|model| (model.id.as_str(), model.context_window_tokens)).collect();
            assert_eq!(got, expected, "{body}");
        }
        check(
            r#"{"models":[{"name":"x"}],"data":[{"id":"qwen","owned_by":"llamacpp","meta":{"n_ctx":8192,"n_ctx_train":32768}}]}"#,
            &[("qwen", Some(8192))],
        );
        check(r#"{"data":[{"id":"a","max_model_len":4096},{"id":""},{"object":"model"}]}"#, &[("a", Some(4096))]);
        check(
            r#"{"data":[{"id":"b","context_length":1000000.5},{"id":"c","meta":null}]}"#,
            &[("b", None), ("c", None)],
        );
        check(r#"{"models":[{"name":"llama3:8b"}]}"#, &[("llama3:8b", None)]);
        check(r#"["d"]"#, &[("d", None)]);
        check(r#"{"data":[]}"#, &[]);
        assert_eq!(read(&serde_json::json!({"data": null})), None);
        assert_eq!(read(&serde_json::json!("no")), None);
    }

    #[test]
    fn models_that_cannot_write_are_known_by_their_names() {
        let cannot =
            |id: &str| ListedModel { id: id.to_owned(), context_window_tokens: None, owned_by: None }.cannot_write();
        assert!(cannot("nomic-embed-text") && cannot("text-embedding-3-small") && cannot("BAAI/bge-m3"));
        assert!(!cannot("qwen2.5-coder") && !cannot("gpt-5"));
    }
}
