//! Which model answers, and the decorators around it.

use std::path::Path;
use std::sync::Arc;

use super::arguments::ModelFlags;
use super::failure::Failure;
use crate::config::{Config, DEFAULT_WINDOW_TOKENS, Environment, Layer};
use crate::journal::Journal;
use crate::llm::{
    Absent, Candidate, Choice, ChoiceRules, LanguageModel, LlmError, OpenAi, OpenAiSettings, PriceOverride, Pricing,
    Recorder, Replay, Resumed, RetryPolicy, Retrying, Source, choose,
};
use crate::pipeline::ObservedModel;
use crate::propose;
use crate::secret::Secret;

/// A model that is ready to be asked.
pub(super) struct Ready {
    /// The model with all decorators.
    pub(super) model: Box<dyn LanguageModel>,
    /// Why this one, for a person.
    pub(super) why: String,
    /// Its window in tokens.
    pub(super) window_tokens: u64,
    /// What a call costs.
    pub(super) pricing: propose::Pricing,
}

impl Ready {
    /// Stands in where no model is asked.
    pub(super) fn without_model() -> Self {
        let why = "no model is asked for this".to_owned();
        Self { model: Box::new(Absent), why, window_tokens: DEFAULT_WINDOW_TOKENS, pricing: Box::new(|_| Some(0.0)) }
    }
}

/// Where answers come from and where they are kept.
pub(super) struct Sources<'a> {
    /// A recording in the place of a model.
    pub(super) replay: Option<Replay>,
    /// A file for a recording.
    pub(super) record: Option<&'a Path>,
    /// Answers of earlier runs of the same task.
    pub(super) earlier: Vec<(String, crate::llm::Reply)>,
}

/// Asks all layers which model shall answer.
pub(super) async fn find(
    flags: &ModelFlags,
    task_model: Option<&str>,
    file: &Layer,
    environment: &Environment,
) -> Result<Choice, LlmError> {
    let get = |name: &str| environment.get(name).map(str::to_owned);
    let key = |name: &str| environment.get(name).map(Secret::new);
    let layer = |source, model, base_url, key| Candidate { source, model, base_url, key };
    let candidates = [
        layer(Source::Flags, flags.model.clone(), flags.base_url.clone(), None),
        layer(Source::Task, task_model.map(str::to_owned), None, None),
        layer(Source::Config, file.model.name.clone(), file.model.base_url.clone(), None),
        layer(Source::PrenticeVariables, get("PRENTICE_MODEL"), get("PRENTICE_BASE_URL"), key("PRENTICE_API_KEY")),
        layer(Source::OpenAiVariables, get("OPENAI_MODEL"), get("OPENAI_BASE_URL"), key("OPENAI_API_KEY")),
    ];
    choose(&candidates, &ChoiceRules::default()).await
}

/// Puts the decorators around the chosen model.
pub(super) fn prepare(
    choice: Result<Choice, LlmError>,
    config: &Config,
    sources: Sources<'_>,
    journal: &Arc<Journal>,
    tell: impl Fn(&str) + Send + Sync + 'static,
) -> Result<Ready, Failure> {
    if let Some(replay) = sources.replay {
        let window_tokens = config.window_tokens.value.unwrap_or(DEFAULT_WINDOW_TOKENS);
        let why = "answers come from a recording".to_owned();
        let model = Box::new(ObservedModel::new(replay, Arc::clone(journal)));
        return Ok(Ready { model, why, window_tokens, pricing: Box::new(|_| Some(0.0)) });
    }
    let choice = choice?;
    let own = config.prices.value.map(|(input, output)| PriceOverride { input, output });
    let (pricing, name) = (Pricing::of(&choice.endpoint.base_url, own), choice.endpoint.model.clone());
    let adapter = OpenAi::new(&choice.endpoint, OpenAiSettings::default())?;
    let retrying = Retrying::new(adapter, RetryPolicy::default(), move |notice| tell(&notice.to_string()));
    let resumed = Resumed::new(retrying, sources.earlier);
    let journal = Arc::clone(journal);
    let model: Box<dyn LanguageModel> = match sources.record {
        Some(path) => Box::new(ObservedModel::new(Recorder::append(path, resumed)?, journal)),
        None => Box::new(ObservedModel::new(resumed, journal)),
    };
    Ok(Ready {
        model,
        why: choice.why,
        window_tokens: config.window_tokens.value.or(choice.window_tokens).unwrap_or(DEFAULT_WINDOW_TOKENS),
        pricing: Box::new(move |usage| pricing.cost_usd(&name, usage)),
    })
}
