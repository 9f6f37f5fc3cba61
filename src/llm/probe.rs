//! The rest of the choice: asking the endpoint which models it has, and looking for a server on this machine.

use std::time::Duration;

use super::choose::{Candidate, KeyRules, Merged, Named, Source, merge};
use super::inside::{self, Inside};
use super::models::{ListedModel, list_models};
use super::openai::Endpoint;
use super::{LlmError, address};

/// An error names at most this many models.
const MOST_NAMES: usize = 20;

/// A port on which a server of models usually listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoopbackServer {
    /// The TCP port.
    pub port: u16,
    /// The program, as a person calls it.
    pub program: &'static str,
}

/// What the choice may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChoiceRules {
    /// Whom a key may be shown to.
    pub keys: KeyRules,
    /// The ports that are tried on this machine, in order.
    pub loopback: Vec<LoopbackServer>,
    /// The model files on this machine, in the order of preference; none where this program is built without an engine.
    pub inside: Vec<Inside>,
    /// The longest wait for a server on this machine to list its models; 2 s by default.
    pub probe_timeout: Duration,
    /// The longest wait for a configured endpoint to list its models; 20 s by default.
    pub list_timeout: Duration,
}

impl Default for ChoiceRules {
    /// Nothing insecure, the configuration not trusted, and the default ports of Ollama, llama.cpp, LM Studio and vLLM
    /// (their documentation, "FAQ", "llama-server", "Local server" and "OpenAI-compatible server").
    fn default() -> Self {
        let loopback = [(11434, "Ollama"), (8080, "llama.cpp"), (1234, "LM Studio"), (8000, "vLLM")]
            .map(|(port, program)| LoopbackServer { port, program });
        Self {
            keys: KeyRules::default(),
            loopback: loopback.to_vec(),
            inside: Vec::new(),
            probe_timeout: Duration::from_secs(2),
            list_timeout: Duration::from_secs(20),
        }
    }
}

/// Where a model answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Behind an endpoint.
    Endpoint(Endpoint),
    /// In this process.
    Inside(Inside),
}

impl Place {
    /// Returns the model's name.
    pub fn model(&self) -> &str {
        match self {
            Self::Endpoint(endpoint) => &endpoint.model,
            Self::Inside(file) => &file.name,
        }
    }
}

/// The model that answers, and why it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Where it answers.
    pub place: Place,
    /// A sentence without full stop for a person: which model, where, and who said so.
    pub why: String,
    /// The window in tokens, where the server said it.
    pub window_tokens: Option<u64>,
}

/// Chooses the model: what the layers say, else a server on this machine, else the model inside.
///
/// Asks the configured endpoint for its models only when no model is named, or when it is on this machine. Whoever may
/// listen on this machine's ports is asked last, and never gets a key.
///
/// # Errors
/// [`LlmError::NoModel`] when nothing is configured, nothing answers and no model file is here;
/// [`LlmError::NoModelFile`] when one was asked for; [`LlmError::Settings`] when what is configured
/// is incomplete or unsafe; what the endpoint answers when it has to list its models and does not.
pub async fn choose(candidates: &[Candidate], rules: &ChoiceRules) -> Result<Choice, LlmError> {
    if let Some(asked) = inside::asked_for(candidates) {
        // In other layers an address may be there for another purpose.
        let mut flags = candidates.iter().filter(|candidate| candidate.source == Source::Flags);
        if asked.source == Source::Flags && flags.any(|flags| flags.base_url.is_some()) {
            let reason = "the command line names the model inside this program and an address: leave one of both out";
            return Err(LlmError::Settings(reason.to_owned()));
        }
        return in_this_process(&asked, rules);
    }
    let merged = merge(candidates, rules.keys)?;
    let Some(target) = merged.base_url.clone() else {
        return find_on_this_machine(merged.model.as_ref(), rules).await;
    };
    let here = address::is_loopback(&target.value);
    let key = merged.key.as_ref().map(|key| &key.value);
    let Some(model) = &merged.model else {
        if target.source == Source::OpenAiVariables && target.value == super::OPENAI_BASE_URL {
            return Err(name_a_model("OPENAI_API_KEY is set, but no model is named"));
        }
        let listed = list_models(&target.value, key, rules.list_timeout).await?;
        let (picked, reason) = pick(&listed, here, &target.value)?;
        return Ok(configured(&merged, &target, &picked.id, &reason, picked.context_window_tokens));
    };
    let window = if here {
        let listed = list_models(&target.value, key, rules.probe_timeout).await;
        listed.ok().and_then(|listed| window_of(&listed, &model.value))
    } else {
        None
    };
    let reason = format!("named by {}", model.source.words("MODEL"));
    Ok(configured(&merged, &target, &model.value, &reason, window))
}

fn configured(
    merged: &Merged,
    target: &Named<String>,
    model: &str,
    reason: &str,
    window_tokens: Option<u64>,
) -> Choice {
    let implied = target.source == Source::OpenAiVariables && target.value == super::OPENAI_BASE_URL;
    let place =
        if implied { "OpenAI's address".to_owned() } else { format!("named by {}", target.source.words("BASE_URL")) };
    let mut why = format!("model {model} ({reason}) at {} ({place})", target.value);
    match &merged.key {
        Some(key) => why.push_str(&format!(", with the key of {}", key.source.words("API_KEY"))),
        None => why.push_str(", without a key"),
    }
    for source in &merged.withheld {
        why.push_str(&format!("; the key of {} is not sent there", source.words("API_KEY")));
    }
    let key = merged.key.as_ref().map(|key| key.value.clone());
    let endpoint = Endpoint { base_url: target.value.clone(), key, model: model.to_owned() };
    Choice { place: Place::Endpoint(endpoint), why, window_tokens }
}

/// Picks from an endpoint's list where no model is named, and says why that one.
fn pick<'a>(listed: &'a [ListedModel], here: bool, base_url: &str) -> Result<(&'a ListedModel, String), LlmError> {
    let writing: Vec<&ListedModel> = listed.iter().filter(|model| !model.cannot_write()).collect();
    match writing.as_slice() {
        [] => Err(LlmError::Settings(format!("{base_url} lists no model that can write"))),
        [only] => Ok((only, "the only one there".to_owned())),
        [first, ..] if here => Ok((first, format!("the first of {} there", writing.len()))),
        _ => Err(name_a_model(&format!("{base_url} has several models ({})", names(&writing)))),
    }
}

/// Takes the file that a layer asks for by name.
fn in_this_process(asked: &Named<Option<String>>, rules: &ChoiceRules) -> Result<Choice, LlmError> {
    match inside::find(&rules.inside, asked.value.as_deref()) {
        Some(file) => Ok(of_file(file, Some(asked.source))),
        None => Err(LlmError::NoModelFile {
            named_by: asked.source.words("MODEL"),
            wanted: asked.value.clone(),
            there: match (cfg!(feature = "embedded"), rules.inside.is_empty()) {
                (false, _) => "this program was built without one (feature embedded)".to_owned(),
                (true, true) => "no model file is on this machine".to_owned(),
                (true, false) => {
                    let names: Vec<&str> = rules.inside.iter().map(|file| file.name.as_str()).collect();
                    format!("on this machine there are the files {}", names.join(", "))
                }
            },
        }),
    }
}

fn of_file(file: &Inside, asked: Option<Source>) -> Choice {
    Choice {
        place: Place::Inside(file.clone()),
        why: inside::why(file, asked),
        window_tokens: Some(inside::INSIDE_WINDOW_TOKENS),
    }
}

/// Looks for a server on this machine, in the order of the ports, and then for a model file.
async fn find_on_this_machine(model: Option<&Named<String>>, rules: &ChoiceRules) -> Result<Choice, LlmError> {
    let mut others = Vec::new();
    for server in &rules.loopback {
        let base_url = format!("http://127.0.0.1:{}/v1", server.port);
        let Ok(listed) = list_models(&base_url, None, rules.probe_timeout).await else { continue };
        let wanted = match model {
            Some(model) => listed.iter().find(|entry| is_named(entry, &model.value)),
            None => listed.iter().find(|entry| !entry.cannot_write()),
        };
        match wanted {
            Some(entry) => return Ok(found(entry, model, base_url, server.program)),
            None if listed.is_empty() => {}
            None => others.push(format!("{base_url} ({})", names(&listed.iter().collect::<Vec<_>>()))),
        }
    }
    if let Some(file) = inside::find(&rules.inside, model.map(|model| model.value.as_str())) {
        return Ok(of_file(file, model.map(|model| model.source)));
    }
    match model {
        Some(model) if others.is_empty() => Err(LlmError::Settings(format!(
            "the model {:?} is named by {}, but no base URL, no server answers on this machine, and no model file has that name: \
             name its address with --base-url or PRENTICE_BASE_URL; `prentice model list` shows the models that run without one",
            model.value,
            model.source.words("MODEL")
        ))),
        Some(model) => Err(LlmError::Settings(format!(
            "no base URL is named, and no server on this machine has the model {:?}: {}",
            model.value,
            others.join(", ")
        ))),
        None => Err(LlmError::NoModel),
    }
}

fn found(entry: &ListedModel, model: Option<&Named<String>>, base_url: String, usual: &str) -> Choice {
    let program = match entry.owned_by.as_deref() {
        Some("llamacpp") => "llama.cpp",
        Some("vllm") => "vLLM",
        Some("library") => "Ollama",
        Some("organization_owner") => "LM Studio",
        _ => usual,
    };
    let article = if program.starts_with(['O', 'L']) { "an" } else { "a" };
    let configured = match model {
        Some(model) => format!("has the model that {} names", model.source.words("MODEL")),
        None => "answers there and nothing else was configured".to_owned(),
    };
    let why = format!("model {} at {base_url}, because {article} {program} server {configured}", entry.id);
    let endpoint = Endpoint { base_url, key: None, model: entry.id.clone() };
    Choice { place: Place::Endpoint(endpoint), why, window_tokens: entry.context_window_tokens }
}

/// Ollama lists `qwen:latest` for what everybody calls `qwen`.
fn is_named(entry: &ListedModel, model: &str) -> bool {
    entry.id == model || entry.id.strip_suffix(":latest") == Some(model)
}

fn window_of(listed: &[ListedModel], model: &str) -> Option<u64> {
    listed.iter().find(|entry| is_named(entry, model))?.context_window_tokens
}

fn names(models: &[&ListedModel]) -> String {
    let shown: Vec<&str> = models.iter().take(MOST_NAMES).map(|model| model.id.as_str()).collect();
    let more = models.len().saturating_sub(MOST_NAMES);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

fn name_a_model(what: &str) -> LlmError {
    LlmError::Settings(format!(
        "{what}: name one on the command line, in the task, in the configuration or in PRENTICE_MODEL"
    ))
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
