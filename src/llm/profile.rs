//! What is known of a model before it is asked: how large its window is, how it is best asked, what it can.
//!
//! Profiles are data in `profiles.json`, tried in order: a pattern of names each, the first that fits counts. Sizes that
//! names tell (`1.5b`) come before families, because a small model of a strong family is a small model. What the file leaves
//! out is taken from the safe profile: plain text, no chain, nothing that a server could refuse.

use std::sync::LazyLock;

use regex::bytes::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::message::Effort;

/// How a conversation is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Plain text with edits in it, which any model can write.
    Blocks,
    /// Function calls: the model searches, reads, edits and runs before it says that it is done.
    Tools,
}

/// How edits are asked for in the dialect `blocks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EditForm {
    /// Blocks of search and replace; whole files for new ones.
    SearchReplace,
    /// Whole files where they are small, else blocks.
    WholeFile,
    /// JSON calls; the server enforces the schema where it can.
    Json,
}

/// A step that may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The task is taken apart: goal, acceptance, constraints, what it leaves open.
    Extract,
    /// The model thinks first, and names files and symbols.
    Plan,
    /// A failing test comes before the fix of a defect.
    Test,
    /// The model reads its own change against the task.
    Review,
    /// The model puts the change into words for the pull request.
    Describe,
}

/// What is known of a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Profile {
    /// Tokens of its window; `None` when it is not known.
    pub window_tokens: Option<u64>,
    /// The longest answer asked for, in tokens; `None` for a part of the window.
    pub max_output_tokens: Option<u64>,
    /// How a conversation is held.
    pub dialect: Dialect,
    /// How edits are asked for.
    pub edits: EditForm,
    /// The steps around the edits.
    pub chain: Vec<Step>,
    /// Whether it can be shown pictures.
    pub vision: bool,
    /// Whether a form of the answer may be asked for.
    pub forms: bool,
    /// Whether an answer in plain text is kept to the grammar of edits; only the model inside can be.
    pub grammar: bool,
    /// How long it shall think; `None` leaves it to the server.
    pub effort: Option<Effort>,
    /// How many files it is shown, the best; `None` for as many as there is room for.
    pub max_files: Option<usize>,
    /// How many changes of a conversation may be judged before the next rung or attempt begins.
    pub repairs: u32,
    /// Whether a change that failed is followed by another answer to the first question instead of its repair.
    pub resample: bool,
    /// Whether, once answers have failed, it is asked line by line what it would write otherwise; only the model inside can be.
    pub alternatives: bool,
    /// The share of the probability that tokens are drawn from, above 0 and at most 1; `None` leaves it to the server.
    pub top_p: Option<f32>,
    /// Texts at which an answer ends, besides the end that the model makes itself.
    pub stop: Vec<String>,
    /// The seed of the first attempt, in the place of the settings' one.
    pub seed: Option<u64>,
    /// US dollars for a million tokens, read and written, in the place of the built-in list.
    pub prices: Option<(f64, f64)>,
}

/// The same with everything optional, as the file, the configuration and a rung write it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProfilePart {
    /// Tokens of its context window.
    pub window_tokens: Option<u64>,
    /// The longest answer, in tokens.
    pub max_output_tokens: Option<u64>,
    /// How a conversation is held: `blocks` or `tools`.
    pub dialect: Option<Dialect>,
    /// How edits are asked for in the dialect `blocks`.
    pub edits: Option<EditForm>,
    /// The steps around the edits, in any order; an empty list leaves all of them out.
    pub chain: Option<Vec<Step>>,
    /// Whether it can be shown pictures.
    pub vision: Option<bool>,
    /// Whether the server may be asked to enforce the form of an answer.
    pub forms: Option<bool>,
    /// Whether an answer in plain text is kept to the grammar of edits.
    pub grammar: Option<bool>,
    /// How long it shall think.
    pub effort: Option<Effort>,
    /// Files that are shown, at most: small models lose their way in many.
    pub max_files: Option<usize>,
    /// Changes of a conversation that are judged at most.
    pub repairs: Option<u32>,
    /// Whether a change that failed is followed by another answer to the first question instead of its repair.
    pub resample: Option<bool>,
    /// Whether, once answers have failed, the embedded model is asked line by line what it would write otherwise.
    pub alternatives: Option<bool>,
    /// The share of the probability that tokens are drawn from: above 0, at most 1.
    #[serde(deserialize_with = "share")]
    pub top_p: Option<f32>,
    /// Texts at which an answer ends, at most four; they do not belong to it.
    #[serde(deserialize_with = "texts")]
    pub stop: Option<Vec<String>>,
    /// The seed of the first attempt.
    pub seed: Option<u64>,
    /// US dollars for a million tokens read; counts together with `output_price`.
    #[serde(deserialize_with = "dollars")]
    pub input_price: Option<f64>,
    /// US dollars for a million tokens written.
    #[serde(deserialize_with = "dollars")]
    pub output_price: Option<f64>,
}

fn share<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f32>, D::Error> {
    match Option::<f32>::deserialize(from)? {
        Some(share) if !(share > 0.0 && share <= 1.0) => {
            Err(de::Error::custom(format!("{share} is out of range; a number above 0, at most 1 is wanted here")))
        }
        share => Ok(share),
    }
}

/// The most texts at which an answer may end (OpenAI API reference, `stop`).
const MOST_STOPS: usize = 4;

fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let texts = Option::<Vec<String>>::deserialize(from)?;
    match &texts {
        Some(texts) if texts.len() > MOST_STOPS || texts.iter().any(String::is_empty) => {
            Err(de::Error::custom(format!("at most {MOST_STOPS} texts are wanted here, and none of them empty")))
        }
        _ => Ok(texts),
    }
}

/// Reads an amount of US dollars.
///
/// # Errors
/// For what is no number from 0.
pub fn dollars<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let value = f64::deserialize(from)?;
    if value.is_finite() && value >= 0.0 {
        return Ok(Some(value));
    }
    Err(de::Error::custom(format!("{value} is no amount; US dollars from 0 are wanted here")))
}

#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(with = "pattern")]
    name: Regex,
    #[serde(rename = "why")]
    #[allow(dead_code, reason = "documentation that the parser insists on")]
    why: String,
    profile: ProfilePart,
}

mod pattern {
    use regex::bytes::{Regex, RegexBuilder};
    use serde::{Deserialize, Deserializer, de};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Regex, D::Error> {
        let text = String::deserialize(from)?;
        RegexBuilder::new(&text).case_insensitive(true).unicode(false).build().map_err(de::Error::custom)
    }
}

static PROFILES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("profiles.json")).expect("the list is part of the program, read by a test")
});

impl Profile {
    /// Returns the profile of a model of which nothing is known.
    pub fn safe() -> Self {
        Self {
            window_tokens: None,
            max_output_tokens: None,
            dialect: Dialect::Blocks,
            edits: EditForm::SearchReplace,
            chain: Vec::new(),
            vision: false,
            forms: false,
            grammar: false,
            effort: None,
            max_files: None,
            repairs: 6,
            resample: false,
            alternatives: false,
            top_p: None,
            stop: Vec::new(),
            seed: None,
            prices: None,
        }
    }

    /// Looks a model up by its name, as its endpoint knows it.
    pub fn of(model: &str) -> Self {
        Self::known(model).unwrap_or_else(Self::safe)
    }

    /// The same; `None` where the name tells nothing.
    pub fn known(model: &str) -> Option<Self> {
        let found = PROFILES.iter().find(|entry| entry.name.is_match(model.as_bytes()));
        found.map(|entry| Self::safe().with(&entry.profile))
    }

    /// Returns the profile with what `part` says besides.
    #[must_use]
    pub fn with(mut self, part: &ProfilePart) -> Self {
        self.window_tokens = part.window_tokens.or(self.window_tokens);
        self.max_output_tokens = part.max_output_tokens.or(self.max_output_tokens);
        self.dialect = part.dialect.unwrap_or(self.dialect);
        self.edits = part.edits.unwrap_or(self.edits);
        self.vision = part.vision.unwrap_or(self.vision);
        self.forms = part.forms.unwrap_or(self.forms);
        self.grammar = part.grammar.unwrap_or(self.grammar);
        self.effort = part.effort.or(self.effort);
        self.max_files = part.max_files.or(self.max_files);
        self.repairs = part.repairs.unwrap_or(self.repairs);
        self.resample = part.resample.unwrap_or(self.resample);
        self.alternatives = part.alternatives.unwrap_or(self.alternatives);
        self.top_p = part.top_p.or(self.top_p);
        self.seed = part.seed.or(self.seed);
        self.prices = part.input_price.zip(part.output_price).or(self.prices);
        if let Some(chain) = &part.chain {
            self.chain.clone_from(chain);
        }
        if let Some(stop) = &part.stop {
            self.stop.clone_from(stop);
        }
        self.chain.sort_unstable();
        self.chain.dedup();
        self
    }

    /// Tells whether a step is taken.
    pub fn takes(&self, step: Step) -> bool {
        self.chain.contains(&step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_model_of_any_family_is_a_small_model() {
        for name in [
            "qwen2.5-coder-1.5b",
            "Qwen/Qwen2.5-Coder-0.5B-Instruct",
            "qwen2.5-coder:3b",
            "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            "llama-3.2-1B",
            "gemma3:4b-it",
            "qwen3-4b",
        ] {
            let profile = Profile::of(name);
            assert_eq!((profile.edits, profile.dialect), (EditForm::WholeFile, Dialect::Blocks), "{name}");
            assert!(profile.chain.is_empty(), "{name}");
        }
        for name in ["qwen3-coder-30b-a3b", "Qwen2.5-72B", "gpt-oss-120b", "unheard-of"] {
            assert_ne!(Profile::of(name).edits, EditForm::WholeFile, "{name}");
        }
    }

    #[test]
    fn strong_models_get_tools_and_unknown_ones_what_is_safe() {
        for name in ["claude-sonnet-5-5", "anthropic/claude-opus-5", "gpt-5", "openai/gpt-6-sol", "gemini-3-pro"] {
            let profile = Profile::of(name);
            assert_eq!((profile.dialect, profile.vision), (Dialect::Tools, true), "{name}");
            assert!(profile.window_tokens.is_some_and(|tokens| tokens >= 100_000), "{name}");
        }
        assert_eq!(Profile::of("my-own"), Profile::safe());
        assert_eq!(Profile::of(""), Profile::safe());
    }

    #[test]
    fn what_the_user_says_wins_field_by_field() {
        let said = ProfilePart {
            dialect: Some(Dialect::Blocks),
            chain: Some(vec![Step::Describe, Step::Plan, Step::Plan]),
            ..ProfilePart::default()
        };
        let profile = Profile::of("gpt-5").with(&said);
        assert_eq!((profile.dialect, profile.vision), (Dialect::Blocks, true));
        assert_eq!(profile.chain, [Step::Plan, Step::Describe]);
        assert!(profile.takes(Step::Plan) && !profile.takes(Step::Review));
    }
}
