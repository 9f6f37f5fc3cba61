//! One layer of settings, as a configuration file or a variable writes it: everything optional, nothing unknown.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use crate::llm::dollars;
use crate::yaml::{self, YamlError};

/// Settings of Prentice for one repository: `.prentice.yml` at the top, read from the base commit.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "Prentice configuration")]
pub struct Layer {
    /// Which model answers and how it is asked. A key never stands here: it comes from the environment.
    pub model: ModelLayer,
    /// What the model is shown.
    pub context: ContextLayer,
    /// What a run may cost.
    pub limits: LimitsLayer,
    /// Commands that decide whether a change is good, in the place of the detected ones.
    pub checks: Option<Vec<String>>,
    /// How dependencies are fetched before the checks.
    pub setup: SetupLayer,
    /// How the repository's commands are run.
    pub sandbox: SandboxLayer,
    /// What a change may look like.
    pub policy: PolicyLayer,
    /// Who may ask for what on the forge, and how much.
    pub forge: ForgeLayer,
}

/// Which model answers and how it is asked.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelLayer {
    /// Its name as the endpoint knows it; or several, from small to strong: the next is asked when the evidence says no to the
    /// one before.
    #[serde(deserialize_with = "one_or_many")]
    #[schemars(with = "Option<OneOrMany>")]
    pub name: Option<Vec<String>>,
    /// The endpoint, up to and including `/v1`.
    pub base_url: Option<String>,
    /// Tokens of its context window; asked of the endpoint where it tells. 2,048 to 10,000,000.
    #[serde(deserialize_with = "whole::<2_048, 10_000_000, _>")]
    pub window_tokens: Option<u64>,
    /// The longest answer, in tokens. 256 to 131,072.
    #[serde(deserialize_with = "whole::<256, 131_072, _>")]
    pub max_output_tokens: Option<u64>,
    /// 0.0 (always the likeliest token) to 2.0.
    #[serde(deserialize_with = "temperature")]
    pub temperature: Option<f64>,
    /// Makes servers that support it repeat themselves.
    pub seed: Option<u64>,
    /// A folder on a web server that `prentice model fetch` asks first, for `NAME.gguf`; the file's SHA-256 decides.
    pub mirror: Option<String>,
    /// What is known of a model, by its name, where that differs from the built-in table.
    pub profiles: Option<super::ProfileParts>,
    /// US dollars for a million tokens read; with `output_price`, wins over the built-in table.
    #[serde(deserialize_with = "dollars")]
    pub input_price: Option<f64>,
    /// US dollars for a million tokens written.
    #[serde(deserialize_with = "dollars")]
    pub output_price: Option<f64>,
}

/// What the model is shown.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContextLayer {
    /// Tokens of excerpts, map and instructions together. 256 to 1,000,000.
    #[serde(deserialize_with = "whole::<256, 1_000_000, _>")]
    pub tokens: Option<u64>,
    /// Files that are shown besides what the search finds, capped: paths or globs (`docs/adr/*.md`).
    pub knowledge: Option<Vec<String>>,
    /// An embedding model that compares definitions with the task. None is asked where this is not set.
    pub embeddings: Option<EmbeddingsLayer>,
}

/// An embedding model behind an OpenAI-compatible endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingsLayer {
    /// Its name as the endpoint knows it.
    pub model: String,
    /// The endpoint, up to and including `/v1`; without it the one of `PRENTICE_BASE_URL` or `OPENAI_BASE_URL`.
    #[serde(default)]
    pub base_url: Option<String>,
}

/// What a run may cost.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsLayer {
    /// Independent proposals, each a new conversation. 1 to 10.
    #[serde(deserialize_with = "whole::<1, 10, _>")]
    pub attempts: Option<u64>,
    /// Calls of the model in one attempt, all steps together. 1 to 300.
    #[serde(deserialize_with = "whole::<1, 300, _>")]
    pub rounds: Option<u64>,
    /// Tokens read and written, all calls together.
    #[serde(deserialize_with = "whole::<1, { u64::MAX }, _>")]
    pub tokens: Option<u64>,
    /// US dollars, all calls together.
    #[serde(deserialize_with = "dollars")]
    pub cost_usd: Option<f64>,
    /// Wall time of the whole run: `90s`, `20m`, `1h 30m`.
    #[serde(deserialize_with = "time")]
    #[schemars(with = "Option<String>")]
    pub wall_time: Option<Duration>,
}

/// Whether dependencies are fetched before the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SetupMode {
    /// Those that the base commit names and the checkout does not have.
    Auto,
    /// None: the machine has them, or the checks need none.
    Off,
}

/// How dependencies are fetched before the checks: with the network, on the base commit's files, without any secret.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SetupLayer {
    /// Whether they are.
    pub mode: Option<SetupMode>,
    /// Commands in the place of the detected ones; folders such as `.venv` and `node_modules` that they leave are used.
    pub commands: Option<Vec<String>>,
}

/// Whether commands may run without walls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SandboxMode {
    /// No sandbox, no run.
    Required,
    /// Commands run as the user who started Prentice, with the network and all files.
    Off,
}

/// How the repository's commands are run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SandboxLayer {
    /// Whether commands may run without walls.
    pub mode: Option<SandboxMode>,
    /// Wall time of one command: `20m`.
    #[serde(deserialize_with = "time")]
    #[schemars(with = "Option<String>")]
    pub command_time: Option<Duration>,
    /// Processor time of all processes of one command: `2h`.
    #[serde(deserialize_with = "time")]
    #[schemars(with = "Option<String>")]
    pub cpu_time: Option<Duration>,
    /// Memory of all processes of one command, in MiB. 64 to 1,048,576.
    #[serde(deserialize_with = "whole::<64, 1_048_576, _>")]
    pub memory_mib: Option<u64>,
    /// Processes and threads of one command. 8 to 100,000.
    #[serde(deserialize_with = "whole::<8, 100_000, _>")]
    pub processes: Option<u64>,
}

/// What a change may look like.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyLayer {
    /// Files changed. 1 to 10,000.
    #[serde(deserialize_with = "whole::<1, 10_000, _>")]
    pub max_files: Option<u64>,
    /// Lines added and removed. 1 to 1,000,000.
    #[serde(deserialize_with = "whole::<1, 1_000_000, _>")]
    pub max_changed_lines: Option<u64>,
    /// Further paths, as globs, that a change must not touch.
    pub protected: Option<Vec<String>>,
    /// How a change must not touch tests, their settings and the like; everything else of that is flagged.
    pub refuse_touched: Option<Vec<Touch>>,
}

/// How a change can touch what judges it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Touch {
    /// A file of tests was deleted.
    TestsDeleted,
    /// Tests are skipped that were not before.
    SkipAdded,
    /// A file of tests holds fewer assertions.
    AssertionsRemoved,
    /// A file of tests was changed in another way.
    TestsChanged,
    /// Tests that passed expect something else now.
    TestsTurned,
    /// A stored expectation was changed.
    SnapshotChanged,
    /// The command that runs the tests was changed.
    TestCommand,
    /// Settings of CI, test runner, linter or coverage were changed.
    CheckSettings,
    /// A build script was changed.
    BuildScript,
}

/// Who may ask for what on the forge, and how much.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ForgeLayer {
    /// The label that starts work on an issue, and that pull requests of ours carry.
    pub label: Option<String>,
    /// Who is asked to review, besides the person who asked for the change.
    pub reviewers: Option<Vec<String>>,
    /// Numbers of the accounts of bots that may command.
    pub bots: Option<Vec<u64>>,
    /// Open pull requests of ours. 1 to 1,000.
    #[serde(deserialize_with = "whole::<1, 1_000, _>")]
    pub max_open_pulls: Option<u64>,
    /// Runs in 24 hours. 1 to 100,000.
    #[serde(deserialize_with = "whole::<1, 100_000, _>")]
    pub runs_per_day: Option<u64>,
    /// Runs in 24 hours that one account asks for. 1 to 100,000.
    #[serde(deserialize_with = "whole::<1, 100_000, _>")]
    pub runs_per_user: Option<u64>,
    /// US dollars in 24 hours, all runs together.
    #[serde(deserialize_with = "dollars")]
    pub cost_usd_per_day: Option<f64>,
}

impl Layer {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`YamlError`] for the first thing that is wrong.
    pub fn parse(text: &str, file: &str) -> Result<Self, YamlError> {
        let blank = text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
        if blank { Ok(Self::default()) } else { yaml::parse(text, file) }
    }
}

/// Returns the JSON Schema of a configuration file, for editors.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Layer).to_value()
}

/// One text or several.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let wanted = || de::Error::custom("a name is wanted here, or a list of names from small to strong");
    let names = match OneOrMany::deserialize(from).map_err(|_| wanted())? {
        OneOrMany::One(name) => vec![name],
        OneOrMany::Many(names) => names,
    };
    if names.is_empty() || names.iter().any(|name| name.trim().is_empty()) {
        return Err(wanted());
    }
    Ok(Some(names))
}

fn whole<'de, const LOW: u64, const HIGH: u64, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let value = u64::deserialize(from)?;
    if (LOW..=HIGH).contains(&value) {
        return Ok(Some(value));
    }
    Err(de::Error::custom(format!("{value} is out of range; a whole number from {LOW} to {HIGH} is wanted here")))
}

fn temperature<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let value = f64::deserialize(from)?;
    if (0.0..=2.0).contains(&value) {
        return Ok(Some(value));
    }
    Err(de::Error::custom(format!("{value} is out of range; a number from 0.0 to 2.0 is wanted here")))
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    match humantime::parse_duration(&text) {
        Ok(time) if time > Duration::ZERO => Ok(Some(time)),
        _ => Err(de::Error::custom(format!("{text:?} is no time; write `90s`, `20m` or `1h 30m`"))),
    }
}
