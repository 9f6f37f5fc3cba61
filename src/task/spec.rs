//! Reading a task: YAML with a fixed set of keys, or plain text.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_yaml::Spanned;

use super::{Origin, Task, TaskLimits, seen_in_editor};
use crate::yaml::{self, YamlError};

/// The longest title taken, in characters: what a pull request's title can hold
/// (GitHub REST, "Create a pull request": 256).
const MAX_TITLE_CHARACTERS: usize = 256;

/// Why a text is no task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// The YAML was refused.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// There is nothing in it.
    #[error("the task is empty; say in one line what shall be different afterwards")]
    Empty,
}

/// A task file: what shall change, how to tell that it is done, and what it may cost.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Prentice task")]
struct Spec {
    /// One line: what shall be different afterwards. Becomes the title of the pull request.
    #[schemars(with = "String", length(min = 1, max = 256))]
    title: Spanned<String>,
    /// The rest: what is wrong or wanted, how to see it, what is known.
    #[serde(default)]
    description: String,
    /// What must be true afterwards, one sentence each.
    #[serde(default)]
    acceptance: Vec<String>,
    /// What must not happen, one sentence each.
    #[serde(default)]
    constraints: Vec<String>,
    /// Files that it is about: paths or globs such as `src/**/*.rs`. A hint, not a fence.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    files: Vec<Spanned<String>>,
    /// Pictures that belong to it, for models that can see: paths beside the task file, PNG, JPEG, GIF or WebP.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pictures: Vec<Spanned<String>>,
    /// Commands that decide whether the change is good, in the place of the detected ones: `cargo test -p parser`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    checks: Vec<Spanned<String>>,
    /// What it may cost.
    #[serde(default)]
    limits: Limits,
    /// The name of the model that shall answer. Its address and key never come from a task.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    model: Option<Spanned<String>>,
}

/// What it may cost.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Limits {
    /// Independent proposals, each a new conversation; 1 to 10.
    #[schemars(with = "Option<u32>", range(min = 1, max = 10))]
    attempts: Option<Spanned<u32>>,
    /// Calls of the model in one attempt, all steps together; 1 to 300.
    #[schemars(with = "Option<u32>", range(min = 1, max = 300))]
    rounds: Option<Spanned<u32>>,
    /// Tokens read and written, all calls together.
    #[schemars(with = "Option<u64>", range(min = 1))]
    tokens: Option<Spanned<u64>>,
    /// US dollars, all calls together.
    #[schemars(with = "Option<f64>", range(min = 0.0))]
    cost_usd: Option<Spanned<f64>>,
    /// Wall time of the whole run: `90s`, `20m`, `1h 30m`.
    #[schemars(with = "Option<String>")]
    wall_time: Option<Spanned<String>>,
}

/// Reads a task from YAML; `file` is what errors call it.
///
/// # Errors
/// [`TaskError::Yaml`] with file, line and column for the first thing that is wrong.
pub fn parse_yaml(text: &str, file: &str, origin: Origin) -> Result<Task, TaskError> {
    if text.trim().is_empty() {
        return Err(TaskError::Empty);
    }
    let spec: Spec = yaml::parse(text, file).map_err(|error| explain(text, error))?;
    let mut hidden = 0;
    let title = seen_in_editor(&spec.title.value, &mut hidden);
    if title.is_empty() {
        return Err(yaml::refuse(file, &spec.title, "`title` is empty; say in one line what shall be different").into());
    }
    if title.contains('\n') || title.chars().count() > MAX_TITLE_CHARACTERS {
        let message = "`title` must be one line of at most 256 characters; the rest belongs into `description`";
        return Err(yaml::refuse(file, &spec.title, message).into());
    }
    for text in spec.files.iter().chain(&spec.pictures).chain(&spec.checks).chain(&spec.model) {
        if text.value.trim().is_empty() {
            return Err(yaml::refuse(file, text, "an empty entry; leave the line out or fill it").into());
        }
    }
    for glob in &spec.files {
        globset::Glob::new(&glob.value)
            .map_err(|error| yaml::refuse(file, glob, format!("not a glob: {}", error.kind())))?;
    }
    let limits = resolve_limits(spec.limits, file)?;
    let mut clean = |texts: Vec<String>| texts.iter().map(|text| seen_in_editor(text, &mut hidden)).collect();
    let acceptance: Vec<String> = clean(spec.acceptance);
    let constraints: Vec<String> = clean(spec.constraints);
    Ok(Task {
        title,
        description: seen_in_editor(&spec.description, &mut hidden),
        acceptance,
        constraints,
        files: spec.files.into_iter().map(|glob| glob.value).collect(),
        pictures: spec.pictures.into_iter().map(|path| path.value).collect(),
        checks: spec.checks.into_iter().map(|command| command.value).collect(),
        limits,
        model: spec.model.map(|model| model.value),
        origin,
        hidden_characters: hidden,
    })
}

/// Takes plain text as a task: the first line is the title, the rest the description.
///
/// # Errors
/// [`TaskError::Empty`] when nothing visible is in it.
pub fn parse_plain(text: &str, origin: Origin) -> Result<Task, TaskError> {
    let mut hidden = 0;
    let text = seen_in_editor(text, &mut hidden);
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let first = first.trim().trim_start_matches('#').trim();
    if first.is_empty() {
        return Err(TaskError::Empty);
    }
    let (title, rest) = match first.char_indices().nth(MAX_TITLE_CHARACTERS) {
        None => (first.to_owned(), rest.trim().to_owned()),
        Some((cut, _)) => (format!("{}…", first[..cut].trim_end_matches(' ')), text.clone()),
    };
    let title: String = title.chars().take(MAX_TITLE_CHARACTERS).collect();
    Ok(Task {
        title,
        description: rest,
        acceptance: Vec::new(),
        constraints: Vec::new(),
        files: Vec::new(),
        pictures: Vec::new(),
        checks: Vec::new(),
        limits: TaskLimits::default(),
        model: None,
        origin,
        hidden_characters: hidden,
    })
}

/// Returns the JSON Schema of a task file, for editors.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Spec).to_value()
}

fn resolve_limits(limits: Limits, file: &str) -> Result<TaskLimits, YamlError> {
    fn within<T: PartialOrd + Copy + std::fmt::Display>(
        file: &str,
        name: &str,
        value: Option<Spanned<T>>,
        (low, high): (T, T),
    ) -> Result<Option<T>, YamlError> {
        match value {
            Some(value) if !(value.value >= low && value.value <= high) => {
                Err(yaml::refuse(file, &value, format!("`{name}` must lie between {low} and {high}")))
            }
            other => Ok(other.map(|value| value.value)),
        }
    }
    let wall_time = match &limits.wall_time {
        None => None,
        Some(text) => match humantime::parse_duration(&text.value) {
            Ok(time) if time > Duration::ZERO => Some(time),
            _ => return Err(yaml::refuse(file, text, "`wall_time` is no time; write `90s`, `20m` or `1h 30m`")),
        },
    };
    Ok(TaskLimits {
        attempts: within(file, "attempts", limits.attempts, (1, 10))?,
        rounds: within(file, "rounds", limits.rounds, (1, 300))?,
        tokens: within(file, "tokens", limits.tokens, (1, u64::MAX))?,
        cost_usd: within(file, "cost_usd", limits.cost_usd, (0.0, 1e6))?,
        wall_time,
    })
}

/// Adds what would be right to errors that a newcomer will meet.
fn explain(text: &str, mut error: YamlError) -> YamlError {
    let looks_like_prose = !text.lines().any(|line| line.trim_start().starts_with("title"));
    if looks_like_prose {
        error.message += "; a task file starts with `title: ...` (or give the task as plain text)";
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Task, TaskError> {
        parse_yaml(text, "task.yml", Origin::File("task.yml".to_owned()))
    }

    #[test]
    fn a_full_task_file_is_read() {
        let text = "title: Fix the parser\ndescription: |\n  It drops the last line.\nacceptance: [a test shows it]\n\
                    constraints: [no new dependency]\nfiles: ['src/**/*.rs']\nchecks: [cargo test]\n\
                    limits: {attempts: 2, rounds: 3, tokens: 9000, cost_usd: 0.5, wall_time: 20m}\nmodel: small\n";
        let task = read(text).expect("a good file");
        assert_eq!(task.description, "It drops the last line.");
        assert_eq!((task.files[0].as_str(), task.checks[0].as_str()), ("src/**/*.rs", "cargo test"));
        let limits = TaskLimits {
            attempts: Some(2),
            rounds: Some(3),
            tokens: Some(9000),
            cost_usd: Some(0.5),
            wall_time: Some(Duration::from_secs(1200)),
        };
        assert_eq!((task.limits, task.model.as_deref()), (limits, Some("small")));
    }

    #[test]
    fn every_mistake_has_a_place_and_a_remedy() {
        let wrong = [
            "",
            "title: x\ntitel: y\n",
            "title: x\ntitle: y\n",
            "title: ''\n",
            "description: no title\n",
            "title: x\nacceptance: yes\n",
            "title: x\nlimits:\n  rounds: many\n",
            "title: x\nlimits:\n  rounds: 999\n",
            "title: x\nlimits:\n  wall_time: soon\n",
            "title: x\nfiles: ['a[']\n",
            "title: [\n",
            "fix the bug please\n",
            "title: a\u{1}b\n",
            "title: &a x\nmodel: *b\n",
        ];
        let errors: Vec<String> = wrong.iter().map(|text| read(text).expect_err(text).to_string()).collect();
        insta::assert_snapshot!(errors.join("\n"), @"
        the task is empty; say in one line what shall be different afterwards
        task.yml:2:1: unknown field `titel`, expected one of title, description, acceptance, constraints, files, pictures, checks, limits, model
        task.yml:2:1: the key `title` stands here a second time; keep one of them
        task.yml:1:8: `title` is empty; say in one line what shall be different
        task.yml:1:1: missing field `title`; a task file starts with `title: ...` (or give the task as plain text)
        task.yml:2:13: a list is wanted here: `[one, two]`, or lines that start with `- `
        task.yml:3:11: a whole number is wanted here
        task.yml:3:11: `rounds` must lie between 1 and 300
        task.yml:3:14: `wall_time` is no time; write `90s`, `20m` or `1h 30m`
        task.yml:2:9: not a glob: unclosed character class; missing ']'
        task.yml:1:8: a text is wanted here
        task.yml:1:1: keys with values are wanted here: `key: value`; a task file starts with `title: ...` (or give the task as plain text)
        task.yml:1:9: a control character stands here; write plain text
        task.yml:2:8: alias references unknown anchor
        ");
    }

    #[test]
    fn hidden_characters_are_removed_and_counted() {
        let task = read("title: \"Fix\\u200B it\"\ndescription: \"a\\u202Eb\\r\\n\\tc\"\n").expect("a good file");
        assert_eq!((task.title.as_str(), task.description.as_str(), task.hidden_characters), ("Fix it", "ab\n\tc", 2));
    }

    #[test]
    fn plain_text_is_title_and_description() {
        let task = parse_plain("# Fix it\n\nIt is broken.\n", Origin::CommandLine).expect("text");
        assert_eq!((task.title.as_str(), task.description.as_str()), ("Fix it", "It is broken."));
        assert_eq!(parse_plain(" \n\u{200B}\n", Origin::CommandLine), Err(TaskError::Empty));
    }

    #[test]
    fn the_schema_names_every_key() {
        let schema = schema();
        let keys: Vec<&str> = schema["properties"].as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            ["title", "description", "acceptance", "constraints", "files", "pictures", "checks", "limits", "model"]
        );
        assert_eq!(schema["additionalProperties"], false);
    }
}
