//! Which model answers: what the layers of configuration say together, without any I/O.
//!
//! A higher layer wins field by field: the command line may name a model and the environment the address. The key is the
//! exception. It goes to a base URL only by these rules, so that a text that somebody else wrote (a task, a repository's
//! configuration) cannot lead the user's key to an address of its choice:
//!
//! 1. a key whose own layer names a base URL goes to that URL and no other, whichever layer names it in the end;
//! 2. else a key of the user's own layers (command line, `PRENTICE_*`, `OPENAI_*`) goes to a base URL that one of these
//!    layers names, and `OPENAI_API_KEY` also to OpenAI's address, whoever names it;
//! 3. every other key stays at home, and [`Merged::withheld`] says so.
//!
//! A configuration that the caller trusts (in CI it comes from the same commit as the workflow) counts as the user's own.

use super::{LlmError, address};
use crate::secret::Secret;

/// Where `OPENAI_API_KEY` goes when nothing else is said (OpenAI API reference, "Introduction").
pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

/// The layer that a value came from, highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The command line.
    Flags,
    /// The task's file.
    Task,
    /// The repository's configuration.
    Config,
    /// `PRENTICE_MODEL`, `PRENTICE_BASE_URL`, `PRENTICE_API_KEY`.
    PrenticeVariables,
    /// `OPENAI_MODEL`, `OPENAI_BASE_URL`, `OPENAI_API_KEY`.
    OpenAiVariables,
    /// A server that was found on this machine.
    Loopback,
}

impl Source {
    /// Returns how a person calls the place of a field: `PRENTICE_MODEL`, or `the task`.
    pub(super) fn words(self, field: &str) -> String {
        match self {
            Self::Flags => "the command line".to_owned(),
            Self::Task => "the task".to_owned(),
            Self::Config => "the configuration".to_owned(),
            Self::PrenticeVariables => format!("PRENTICE_{field}"),
            Self::OpenAiVariables => format!("OPENAI_{field}"),
            Self::Loopback => "a server on this machine".to_owned(),
        }
    }
}

/// What one layer says; an empty text counts as nothing, as CI systems set variables of absent secrets to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The layer.
    pub source: Source,
    /// The model's name.
    pub model: Option<String>,
    /// The URL before `/chat/completions`.
    pub base_url: Option<String>,
    /// The key.
    pub key: Option<Secret>,
}

/// A value and the layer that named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<T> {
    /// The value.
    pub value: T,
    /// The layer.
    pub source: Source,
}

/// What all layers say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The model's name.
    pub model: Option<Named<String>>,
    /// The base URL, normalised.
    pub base_url: Option<Named<String>>,
    /// The key that may be sent there.
    pub key: Option<Named<Secret>>,
    /// The layers whose keys stay at home.
    pub withheld: Vec<Source>,
}

/// Whom a key may be shown to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyRules {
    /// Whether the repository's configuration counts as the user's own words; true in CI only.
    pub trust_config: bool,
    /// Whether a key may travel over plain HTTP to another machine.
    pub allow_insecure: bool,
}

/// Puts the layers together; their order in `candidates` does not matter.
///
/// # Errors
/// [`LlmError::Settings`] for a base URL that cannot be used, for a key without an address, and for a key that would
/// travel in plain text to another machine against the rules.
pub fn merge(candidates: &[Candidate], rules: KeyRules) -> Result<Merged, LlmError> {
    let layers = layers(candidates)?;
    let model = layers.iter().find_map(|layer| named(layer.model.as_ref(), layer.source));
    let base_url = layers.iter().find_map(|layer| named(layer.base_url.as_ref(), layer.source));
    let mut keys: Vec<Named<Secret>> =
        layers.iter().filter_map(|layer| named(layer.key.as_ref(), layer.source)).collect();
    let base_url = match base_url {
        Some(base_url) => Some(base_url),
        None if keys.iter().any(|key| key.source == Source::OpenAiVariables) => {
            Some(Named { value: OPENAI_BASE_URL.to_owned(), source: Source::OpenAiVariables })
        }
        None => None,
    };
    let Some(target) = &base_url else {
        return match keys.first() {
            Some(key) => Err(LlmError::Settings(format!(
                "{} gives a key, but nothing says where to send it: name a base URL too, or ask the model inside with --model embedded",
                key.source.words("API_KEY")
            ))),
            None => Ok(Merged { model, base_url, key: None, withheld: Vec::new() }),
        };
    };
    let allowed = |key: &Named<Secret>| may_send(key.source, target, &layers, rules);
    let withheld = keys.iter().filter(|key| !allowed(key)).map(|key| key.source).collect();
    keys.retain(allowed);
    let key = keys.into_iter().next();
    if key.is_some()
        && address::is_plain_text(&target.value)
        && !address::is_loopback(&target.value)
        && !rules.allow_insecure
    {
        return Err(LlmError::Settings(format!(
            "the key would travel unencrypted to {}; use https, or allow insecure endpoints",
            target.value
        )));
    }
    Ok(Merged { model, base_url, key, withheld })
}

/// Sorts the layers, drops what is empty, and normalises the URLs.
fn layers(candidates: &[Candidate]) -> Result<Vec<Candidate>, LlmError> {
    let mut layers = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let base_url = match candidate.base_url.as_deref().map(str::trim).filter(|url| !url.is_empty()) {
            Some(url) => Some(address::normalize(url).map_err(|error| blame(error, candidate.source))?),
            None => None,
        };
        let model = candidate.model.as_deref().map(str::trim).filter(|model| !model.is_empty()).map(str::to_owned);
        let key = candidate.key.clone().filter(|key| !key.expose().trim().is_empty());
        layers.push(Candidate { source: candidate.source, model, base_url, key });
    }
    layers.sort_by_key(|layer| layer.source);
    Ok(layers)
}

fn blame(error: LlmError, source: Source) -> LlmError {
    match error {
        LlmError::Settings(reason) => LlmError::Settings(format!("{reason} (named by {})", source.words("BASE_URL"))),
        other => other,
    }
}

fn named<T: Clone>(value: Option<&T>, source: Source) -> Option<Named<T>> {
    value.map(|value| Named { value: value.clone(), source })
}

/// Tells whether the key of the layer `from` may be sent to `target`; the rules are at the top of this file.
fn may_send(from: Source, target: &Named<String>, layers: &[Candidate], rules: KeyRules) -> bool {
    let own = layers.iter().filter(|layer| layer.source == from).find_map(|layer| layer.base_url.as_ref());
    if let Some(own) = own {
        return *own == target.value;
    }
    let users = |source: Source| match source {
        Source::Flags | Source::PrenticeVariables | Source::OpenAiVariables => true,
        Source::Config => rules.trust_config,
        Source::Task | Source::Loopback => false,
    };
    (from == Source::OpenAiVariables && target.value == OPENAI_BASE_URL) || (users(from) && users(target.source))
}

#[cfg(test)]
#[path = "choose_tests.rs"]
mod tests;
