//! Which model answers, and the decorators around it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::arguments::ModelFlags;
use super::failure::Failure;
use super::models;
use crate::catalogue::{Installed, Store};
use crate::config::{Config, DEFAULT_WINDOW_TOKENS, Environment, Layer};
use crate::journal::Journal;
use crate::llm::{
    Absent, Candidate, Choice, ChoiceRules, Embedder, Endpoint, Form, Inside, KeyRules, LanguageModel, LlmError,
    OpenAi, OpenAiSettings, Passing, Place, PriceOverride, Pricing, Profile, ProfilePart, Recorder, Replay, Reply,
    Resumed, RetryPolicy, Retrying, Source, choose, merge,
};
use crate::pipeline::{ObservedModel, Progress, Rung};
use crate::propose;
use crate::secret::Secret;

/// The longest time for one batch of vectors; a search that waits longer goes on without.
const EMBEDDING_TIMEOUT: Duration = Duration::from_secs(120);

/// Where answers come from and where they are kept.
pub(super) struct Sources<'a> {
    /// A recording in the place of a model.
    pub(super) replay: Option<Replay>,
    /// A file for a recording.
    pub(super) record: Option<&'a Path>,
    /// Answers of earlier runs of the same task.
    pub(super) earlier: Vec<(String, Reply)>,
}

/// Asks all layers which models shall answer, from the first that is asked to the last; never empty.
pub(super) async fn find(
    flags: &ModelFlags,
    task_model: Option<&str>,
    file: &Layer,
    environment: &Environment,
) -> Result<Vec<Choice>, LlmError> {
    let get = |name: &str| environment.get(name).map(str::to_owned);
    let key = |name: &str| environment.get(name).map(Secret::new);
    let [of_flags, of_task, of_file, of_ours, of_openai] = named(&flags.model, task_model, file, environment);
    let layers = [
        (Source::Flags, of_flags, flags.base_url.clone(), None),
        (Source::Task, of_task, None, None),
        (Source::Config, of_file, file.model.base_url.clone(), None),
        (Source::PrenticeVariables, of_ours, get("PRENTICE_BASE_URL"), key("PRENTICE_API_KEY")),
        (Source::OpenAiVariables, of_openai, get("OPENAI_BASE_URL"), key("OPENAI_API_KEY")),
    ];
    // The ladder is the list of the highest layer that names any.
    let rungs = layers.iter().map(|(_, names, ..)| names.len()).find(|count| *count > 0).unwrap_or(1);
    let rules = ChoiceRules { inside: model_files(environment), ..ChoiceRules::default() };
    let mut choices = Vec::new();
    for rung in 0..rungs {
        let candidate = |(source, names, base_url, key): &(Source, Vec<String>, Option<String>, Option<Secret>)| {
            let model = names.get(rung).or_else(|| names.last()).cloned();
            Candidate { source: *source, model, base_url: base_url.clone(), key: key.clone() }
        };
        let candidates: Vec<Candidate> = layers.iter().map(candidate).collect();
        choices.push(choose(&candidates, &rules).await?);
    }
    Ok(choices)
}

/// Returns the names of models that each layer gives, from the highest layer to the lowest.
pub(super) fn named(
    flags: &[String],
    task_model: Option<&str>,
    file: &Layer,
    environment: &Environment,
) -> [Vec<String>; 5] {
    let variable = |name: &str| environment.get(name).map(split).unwrap_or_default();
    [
        flags.iter().flat_map(|names| split(names)).collect(),
        task_model.map(split).unwrap_or_default(),
        file.model.name.clone().unwrap_or_default(),
        variable("PRENTICE_MODEL"),
        variable("OPENAI_MODEL"),
    ]
}

/// The model files of this user, in the order of preference. A folder that cannot be read has none: whoever asks for one is told
/// what is missing.
fn model_files(environment: &Environment) -> Vec<Inside> {
    if !cfg!(feature = "embedded") {
        return Vec::new();
    }
    let Ok(folder) = models::folder(environment) else { return Vec::new() };
    let usable = Store::at(folder).usable().unwrap_or_default();
    let inside = |file: Installed| {
        let window_tokens = file.entry.map(|entry| entry.window_tokens);
        Inside { name: file.name, path: file.path, window_tokens }
    };
    usable.into_iter().map(inside).collect()
}

/// Returns what is known of a chosen model with what the user says of it, and its window in tokens, if anybody says one;
/// `window_tokens` is that of the settings.
pub(super) fn known(choice: &Choice, window_tokens: Option<u64>, own: &ProfilePart) -> (Profile, Option<u64>) {
    match &choice.place {
        Place::Endpoint(endpoint) => {
            let profile = Profile::of(&endpoint.model).with(own);
            let window = window_tokens.or(choice.window_tokens).or(profile.window_tokens);
            (profile, window)
        }
        Place::Inside(file) => {
            let (title, most) = in_file(file);
            let profile = Profile::known(&file.name).unwrap_or_else(|| Profile::of(&title));
            // The model inside can be kept to any form, whatever a server with the same weights can do; larger models mend what
            // they are told of.
            let profile = Profile { forms: true, grammar: true, alternatives: profile.resample, ..profile };
            // That of the profile is what the weights can, and asks for more memory than a small machine has.
            let window = window_tokens.or(own.window_tokens).or(choice.window_tokens);
            (profile.with(own), window.map(|window| window.min(most)))
        }
    }
}

/// Returns the title in a model file of the user's own and its window; nothing and no bound where it cannot be read, which is told
/// when it is loaded.
fn in_file(file: &Inside) -> (String, u64) {
    if let Some(window_tokens) = file.window_tokens {
        return (String::new(), window_tokens);
    }
    #[cfg(feature = "embedded")]
    if let Ok(about) = crate::inference::About::of(&file.path) {
        return (about.title, about.window_tokens as u64);
    }
    (String::new(), u64::MAX)
}

/// Makes the adapter for a chosen model. `window_tokens` is the longest conversation; `passing` hears how far an answer is,
/// where the model tells.
#[cfg_attr(
    not(feature = "embedded"),
    allow(unused_variables, clippy::needless_pass_by_value, reason = "only the model inside tells how far it is")
)]
pub(super) fn adapter(place: &Place, window_tokens: u64, passing: Passing) -> Result<Box<dyn LanguageModel>, LlmError> {
    match place {
        Place::Endpoint(endpoint) => Ok(Box::new(OpenAi::new(endpoint, OpenAiSettings::default())?)),
        #[cfg(feature = "embedded")]
        Place::Inside(file) => Ok(Box::new(crate::llm::LocalModel::new(file, window_tokens, passing))),
        #[cfg(not(feature = "embedded"))]
        Place::Inside(file) => {
            let reason =
                format!("this program was built without an engine for {window_tokens} tokens of {}", file.name);
            Err(LlmError::Settings(reason))
        }
    }
}

fn split(names: &str) -> Vec<String> {
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Stands in where no model is asked.
pub(super) fn none() -> Vec<Rung> {
    let why = "no model is asked for this".to_owned();
    vec![rung(Box::new(Absent), why, Profile::safe(), DEFAULT_WINDOW_TOKENS, Box::new(|_| Some(0.0)))]
}

/// Prepares the embedding model that the settings name. A key of the user's goes only to an address of the user's.
pub(super) fn embedder(
    config: &Config,
    environment: &Environment,
    tell: &Arc<dyn Fn(&str) + Send + Sync>,
) -> Result<Option<Retrying<Embedder>>, LlmError> {
    let Some(wanted) = &config.embeddings.value else { return Ok(None) };
    let get = |name: &str| environment.get(name).map(str::to_owned);
    let key = |name: &str| environment.get(name).map(Secret::new);
    let layer = |source, base_url, key| Candidate { source, model: None, base_url, key };
    let merged = merge(
        &[
            Candidate { model: Some(wanted.model.clone()), ..layer(Source::Config, wanted.base_url.clone(), None) },
            layer(Source::PrenticeVariables, get("PRENTICE_BASE_URL"), key("PRENTICE_API_KEY")),
            layer(Source::OpenAiVariables, get("OPENAI_BASE_URL"), key("OPENAI_API_KEY")),
        ],
        KeyRules::default(),
    )?;
    let no_address = || {
        let reason = "context.embeddings names a model and no base_url, and no variable names one either";
        LlmError::Settings(reason.to_owned())
    };
    let base_url = merged.base_url.ok_or_else(no_address)?.value;
    let endpoint = Endpoint { base_url, key: merged.key.map(|key| key.value), model: wanted.model.clone() };
    let settings = OpenAiSettings { reply_timeout: EMBEDDING_TIMEOUT, ..OpenAiSettings::default() };
    let tell = Arc::clone(tell);
    let adapter = Embedder::new(&endpoint, settings)?;
    // One signal of many is not worth a long wait.
    let policy = RetryPolicy { max_tries: 2, ..RetryPolicy::default() };
    Ok(Some(Retrying::new(adapter, policy, move |notice| tell(&notice.to_string()))))
}

/// Puts the decorators around the chosen models.
pub(super) fn prepare(
    choices: Result<Vec<Choice>, LlmError>,
    config: &Config,
    sources: Sources<'_>,
    journal: &Arc<Journal>,
    steps: &Arc<dyn Progress>,
) -> Result<Vec<Rung>, Failure> {
    let own = |name: &str| config.profiles.value.get(name).cloned().unwrap_or_default();
    if let Some(replay) = sources.replay {
        // The profile is that of the model that was recorded, so that the same is asked.
        let holds =
            |is: fn(&Form) -> bool| replay.turns().iter().any(|turn| turn.request.form.as_ref().is_some_and(is));
        let grammar = holds(|form| matches!(form, Form::Grammar { .. }));
        let alternatives = holds(|form| matches!(form, Form::Alternatives { .. }));
        let profile = Profile { grammar, alternatives, ..Profile::of(replay.name()) }.with(&own(replay.name()));
        let window = config.window_tokens.value.or(profile.window_tokens).unwrap_or(DEFAULT_WINDOW_TOKENS);
        let model = Box::new(ObservedModel::new(replay, Arc::clone(journal)));
        let why = "answers come from a recording".to_owned();
        return Ok(vec![rung(model, why, profile, window, Box::new(|_| Some(0.0)))]);
    }
    let mut rungs = Vec::new();
    let choices = choices?;
    // One price cannot be that of several models.
    let own_prices = config.prices.value.filter(|_| choices.len() == 1);
    for choice in choices {
        let name = choice.place.model().to_owned();
        let (mut profile, told) = known(&choice, config.window_tokens.value, &own(&name));
        if profile.alternatives && matches!(choice.place, Place::Endpoint(_)) {
            steps.note(&format!("{name} is not asked line by line: `alternatives` is for the embedded model alone"));
            profile.alternatives = false;
        }
        let window_tokens = told.unwrap_or(DEFAULT_WINDOW_TOKENS);
        let prices = profile.prices.or(own_prices).map(|(input, output)| PriceOverride { input, output });
        let pricing = match &choice.place {
            Place::Endpoint(endpoint) => Pricing::of(&endpoint.base_url, prices),
            Place::Inside(_) => prices.map_or(Pricing::Free, Pricing::Own),
        };
        let (told, passed) = (Arc::clone(steps), Arc::clone(steps));
        let adapter = adapter(&choice.place, window_tokens, Arc::new(move |text: &str| passed.passing(text)))?;
        let retrying = Retrying::new(adapter, RetryPolicy::default(), move |notice| told.note(&notice.to_string()));
        let resumed = Resumed::new(retrying, sources.earlier.clone());
        let journal = Arc::clone(journal);
        let model: Box<dyn LanguageModel> = match sources.record {
            Some(path) => Box::new(ObservedModel::new(Recorder::append(path, resumed)?, journal)),
            None => Box::new(ObservedModel::new(resumed, journal)),
        };
        let cost = Box::new(move |usage: &_| pricing.cost_usd(&name, usage));
        rungs.push(rung(model, choice.why, profile, window_tokens, cost));
    }
    Ok(rungs)
}

fn rung(
    model: Box<dyn LanguageModel>,
    why: String,
    profile: Profile,
    window_tokens: u64,
    pricing: propose::Pricing,
) -> Rung {
    Rung { model, why, window_tokens, profile, pricing }
}
