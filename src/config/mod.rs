//! Settings: default < repository file (from the base commit) < environment < task < flags, each knowing its source.
//!
//! Nothing is guessed: an unknown key, a wrong type or a value out of range is an error with its place. The model's
//! address and key are merged elsewhere (`llm::choose`), because a key must not travel to an address of another layer.

mod environment;
mod file;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

pub use environment::{Environment, layer_from_environment};
pub use file::{
    ContextLayer, EmbeddingsLayer, ForgeLayer, Layer, LimitsLayer, ModelLayer, PolicyLayer, SandboxLayer, SandboxMode,
    SetupLayer, SetupMode, Touch, schema,
};

use crate::llm::ProfilePart;
use crate::task::Task;
use crate::yaml::YamlError;

/// The repository's configuration file, relative to its top.
pub const CONFIG_FILE: &str = ".prentice.yml";

/// Why settings were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A file or a variable holds something wrong.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A variable that looks like ours and is none.
    #[error("the variable {name} is none of ours; known are {known}")]
    UnknownVariable {
        /// Its name.
        name: String,
        /// All names, with commas.
        known: String,
    },
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Built in.
    Default,
    /// The repository's file.
    File,
    /// A variable `PRENTICE_...`.
    Environment,
    /// The task.
    Task,
    /// The command line.
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::File => CONFIG_FILE,
            Self::Environment => "environment",
            Self::Task => "task",
            Self::Flag => "command line",
        })
    }
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub source: Source,
}

/// All settings of a run, resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Tokens of the model's window; `None`: ask the endpoint, else [`DEFAULT_WINDOW_TOKENS`].
    pub window_tokens: Setting<Option<u64>>,
    /// The longest answer, in tokens; `None`: an eighth to a quarter of the window.
    pub max_output_tokens: Setting<Option<u64>>,
    /// Sampling temperature of the first attempt.
    pub temperature: Setting<f64>,
    /// Seed of the first attempt; later attempts count up from it.
    pub seed: Setting<u64>,
    /// What is known of models, by their names, besides the built-in table.
    pub profiles: Setting<ProfileParts>,
    /// Prices in US dollars a million tokens, read and written.
    pub prices: Setting<Option<(f64, f64)>>,
    /// Tokens of context; `None`: what the window leaves, at most [`DEFAULT_CONTEXT_TOKENS`].
    pub context_tokens: Setting<Option<u64>>,
    /// Files that are shown besides what the search finds: paths or globs.
    pub knowledge: Setting<Vec<String>>,
    /// The embedding model that is asked, if any.
    pub embeddings: Setting<Option<EmbeddingsLayer>>,
    /// Independent proposals.
    pub attempts: Setting<u64>,
    /// Calls in one attempt, all steps together.
    pub rounds: Setting<u64>,
    /// Tokens of all calls together.
    pub tokens: Setting<u64>,
    /// US dollars of all calls together.
    pub cost_usd: Setting<f64>,
    /// Wall time of the run.
    pub wall_time: Setting<Duration>,
    /// Commands in the place of the detected ones; empty: detect.
    pub checks: Setting<Vec<String>>,
    /// Whether dependencies are fetched before the checks.
    pub setup: Setting<SetupMode>,
    /// Commands that fetch them, in the place of the detected ones.
    pub setup_commands: Setting<Vec<String>>,
    /// Whether commands may run without walls.
    pub sandbox: Setting<SandboxMode>,
    /// Wall time of one command.
    pub command_time: Setting<Duration>,
    /// Processor time of one command.
    pub cpu_time: Setting<Duration>,
    /// Memory of one command, in MiB.
    pub memory_mib: Setting<u64>,
    /// Processes of one command.
    pub processes: Setting<u64>,
    /// Files that a change may touch.
    pub max_files: Setting<u64>,
    /// Lines that a change may touch.
    pub max_changed_lines: Setting<u64>,
    /// Further protected paths.
    pub protected: Setting<Vec<String>>,
    /// How a change must not touch what judges it.
    pub refuse_touched: Setting<Vec<Touch>>,
    /// The label that starts work on an issue.
    pub label: Setting<String>,
    /// Who is asked to review.
    pub reviewers: Setting<Vec<String>>,
    /// Numbers of the accounts of bots that may command.
    pub bots: Setting<Vec<u64>>,
    /// Open pull requests of ours.
    pub max_open_pulls: Setting<u64>,
    /// Runs in 24 hours.
    pub runs_per_day: Setting<u64>,
    /// Runs in 24 hours that one account asks for.
    pub runs_per_user: Setting<u64>,
    /// US dollars in 24 hours.
    pub cost_usd_per_day: Setting<f64>,
}

/// What a user says of models, by their names as the endpoint knows them.
pub type ProfileParts = BTreeMap<String, ProfilePart>;

/// The window taken for a model of which nobody knows the window.
pub const DEFAULT_WINDOW_TOKENS: u64 = 8_192;
/// The context taken where the window would allow more.
pub const DEFAULT_CONTEXT_TOKENS: u64 = 12_000;

/// The label that starts work where the configuration names none.
pub const DEFAULT_LABEL: &str = "prentice";

/// The layers of one run, weakest first.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The repository's file.
    pub file: Layer,
    /// `PRENTICE_...`.
    pub environment: Layer,
    /// The command line.
    pub flags: Layer,
}

impl Layers {
    /// Resolves the settings for `task`; a task of `None` is one that sets nothing.
    pub fn resolve(&self, task: Option<&Task>) -> Config {
        let task = task.map(layer_of).unwrap_or_default();
        let stack = [
            (Source::Flag, &self.flags),
            (Source::Task, &task),
            (Source::Environment, &self.environment),
            (Source::File, &self.file),
        ];
        let pick = Pick { stack: &stack };
        Config {
            window_tokens: pick.optional(|l| l.model.window_tokens),
            max_output_tokens: pick.optional(|l| l.model.max_output_tokens),
            temperature: pick.value(|l| l.model.temperature, 0.0),
            seed: pick.value(|l| l.model.seed, 1),
            profiles: pick.value(|l| l.model.profiles.clone(), BTreeMap::new()),
            prices: pick.optional(|l| l.model.input_price.zip(l.model.output_price)),
            context_tokens: pick.optional(|l| l.context.tokens),
            knowledge: pick.value(|l| l.context.knowledge.clone(), Vec::new()),
            embeddings: pick.optional(|l| l.context.embeddings.clone()),
            attempts: pick.value(|l| l.limits.attempts, 1),
            rounds: pick.value(|l| l.limits.rounds, 30),
            tokens: pick.value(|l| l.limits.tokens, 400_000),
            cost_usd: pick.value(|l| l.limits.cost_usd, 1.0),
            wall_time: pick.value(|l| l.limits.wall_time, Duration::from_secs(60 * 60)),
            checks: pick.value(|l| l.checks.clone(), Vec::new()),
            setup: pick.value(|l| l.setup.mode, SetupMode::Auto),
            setup_commands: pick.value(|l| l.setup.commands.clone(), Vec::new()),
            sandbox: pick.value(|l| l.sandbox.mode, SandboxMode::Required),
            command_time: pick.value(|l| l.sandbox.command_time, Duration::from_secs(20 * 60)),
            cpu_time: pick.value(|l| l.sandbox.cpu_time, Duration::from_secs(4 * 60 * 60)),
            memory_mib: pick.value(|l| l.sandbox.memory_mib, 8 * 1024),
            processes: pick.value(|l| l.sandbox.processes, 1024),
            max_files: pick.value(|l| l.policy.max_files, 20),
            max_changed_lines: pick.value(|l| l.policy.max_changed_lines, 1500),
            protected: pick.value(|l| l.policy.protected.clone(), Vec::new()),
            refuse_touched: pick.value(
                |l| l.policy.refuse_touched.clone(),
                vec![Touch::TestsDeleted, Touch::SkipAdded, Touch::TestsTurned],
            ),
            label: pick.value(|l| l.forge.label.clone(), DEFAULT_LABEL.to_owned()),
            reviewers: pick.value(|l| l.forge.reviewers.clone(), Vec::new()),
            bots: pick.value(|l| l.forge.bots.clone(), Vec::new()),
            max_open_pulls: pick.value(|l| l.forge.max_open_pulls, 5),
            runs_per_day: pick.value(|l| l.forge.runs_per_day, 50),
            runs_per_user: pick.value(|l| l.forge.runs_per_user, 20),
            cost_usd_per_day: pick.value(|l| l.forge.cost_usd_per_day, 20.0),
        }
    }
}

struct Pick<'a> {
    stack: &'a [(Source, &'a Layer)],
}

impl Pick<'_> {
    fn value<T>(&self, of: impl Fn(&Layer) -> Option<T>, default: T) -> Setting<T> {
        let found = self.stack.iter().find_map(|(source, layer)| of(layer).map(|value| (source.clone(), value)));
        match found {
            Some((source, value)) => Setting { value, source },
            None => Setting { value: default, source: Source::Default },
        }
    }

    fn optional<T>(&self, of: impl Fn(&Layer) -> Option<T>) -> Setting<Option<T>> {
        self.value(|layer| of(layer).map(Some), None)
    }
}

fn layer_of(task: &Task) -> Layer {
    Layer {
        limits: LimitsLayer {
            attempts: task.limits.attempts.map(u64::from),
            rounds: task.limits.rounds.map(u64::from),
            tokens: task.limits.tokens,
            cost_usd: task.limits.cost_usd,
            wall_time: task.limits.wall_time,
        },
        checks: Some(task.checks.clone()).filter(|checks| !checks.is_empty()),
        ..Layer::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Origin, parse_yaml};

    #[test]
    fn the_stronger_layer_wins_and_the_source_is_known() {
        let layers = Layers {
            file: Layer::parse("limits: {rounds: 2, attempts: 2, cost_usd: 3}\nchecks: [make test]\n", "f")
                .expect("good"),
            environment: layer_from_environment(&Environment::of([("PRENTICE_LIMITS_ATTEMPTS", "3")])).expect("good"),
            flags: Layer::parse("limits: {wall_time: 5m}\n", "flags").expect("good"),
        };
        let text = "title: x\nlimits: {rounds: 7}\nchecks: [cargo test]\n";
        let task = parse_yaml(text, "t", Origin::StandardInput).expect("good");
        let config = layers.resolve(Some(&task));
        let seen = |value: u64, source| Setting { value, source };
        assert_eq!(config.rounds, seen(7, Source::Task));
        assert_eq!(config.attempts, seen(3, Source::Environment));
        assert_eq!(config.cost_usd, Setting { value: 3.0, source: Source::File });
        assert_eq!(config.wall_time, Setting { value: Duration::from_secs(300), source: Source::Flag });
        assert_eq!(config.checks, Setting { value: vec!["cargo test".to_owned()], source: Source::Task });
        assert_eq!(config.sandbox, Setting { value: SandboxMode::Required, source: Source::Default });
    }

    #[test]
    fn every_mistake_has_a_place_and_a_remedy() {
        let wrong = [
            "limits:\n  rounds: 0\n",
            "limits:\n  round: 1\n",
            "sandbox:\n  mode: maybe\n",
            "model:\n  temperature: 3\n",
            "sandbox:\n  command_time: soon\n",
            "checks: cargo test\n",
            "model:\n  api_key: x\n",
            "model:\n  profiles:\n    m: {top_p: 0}\n",
            "model:\n  profiles:\n    m: {input_price: -1}\n",
            "model:\n  profiles:\n    m: {stop: [a, '']}\n",
        ];
        let errors: Vec<String> =
            wrong.iter().map(|text| Layer::parse(text, CONFIG_FILE).expect_err(text).to_string()).collect();
        insta::assert_snapshot!(errors.join("\n"), @r#"
        .prentice.yml:2:11: 0 is out of range; a whole number from 1 to 300 is wanted here
        .prentice.yml:2:3: unknown field `round`, expected one of attempts, rounds, tokens, cost_usd, wall_time
        .prentice.yml:2:9: unknown variant `maybe`, expected one of required, off
        .prentice.yml:2:16: 3 is out of range; a number from 0.0 to 2.0 is wanted here
        .prentice.yml:2:17: "soon" is no time; write `90s`, `20m` or `1h 30m`
        .prentice.yml:1:9: a list is wanted here: `[one, two]`, or lines that start with `- `
        .prentice.yml:2:3: unknown field `api_key`, expected one of name, base_url, window_tokens, max_output_tokens, temperature, seed, mirror, profiles, input_price, output_price
        .prentice.yml:3:16: 0 is out of range; a number above 0, at most 1 is wanted here
        .prentice.yml:3:22: -1 is no amount; US dollars from 0 are wanted here
        .prentice.yml:3:15: at most 4 texts are wanted here, and none of them empty
        "#);
    }

    #[test]
    fn an_empty_file_sets_nothing() {
        assert_eq!(Layer::parse("# nothing\n\n", CONFIG_FILE), Ok(Layer::default()));
    }
}
