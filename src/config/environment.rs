//! The environment, read once, and the layer of settings in it.

use std::collections::BTreeMap;

use super::{ConfigError, Layer};
use crate::secret::Secret;

/// Settings that a variable can set: section and key; `PRENTICE_LIMITS_ROUNDS` sets `limits.rounds`.
const KEYS: &[(&str, &str)] = &[
    ("model", "window_tokens"),
    ("model", "max_output_tokens"),
    ("model", "temperature"),
    ("model", "seed"),
    ("model", "mirror"),
    ("model", "input_price"),
    ("model", "output_price"),
    ("context", "tokens"),
    ("context", "embeddings"),
    ("limits", "attempts"),
    ("limits", "rounds"),
    ("limits", "tokens"),
    ("limits", "cost_usd"),
    ("limits", "wall_time"),
    ("setup", "mode"),
    ("sandbox", "command_time"),
    ("sandbox", "cpu_time"),
    ("sandbox", "memory_mib"),
    ("sandbox", "processes"),
    ("policy", "max_files"),
    ("policy", "max_changed_lines"),
];

/// Variables with our prefix that are read elsewhere: model and log.
const OTHERS: &[&str] = &["PRENTICE_MODEL", "PRENTICE_BASE_URL", "PRENTICE_API_KEY", "PRENTICE_LOG"];

/// Words in a variable's name that make its value a secret for the redactor.
const SECRET_WORDS: &[&str] =
    &["TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "APIKEY", "PRIVATE_KEY", "CREDENTIAL"];

/// The variables that the program was started with.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// Reads the process's environment; variables that are no text are left out.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn read() -> Self {
        let text = |os: std::ffi::OsString| os.into_string().ok();
        Self { variables: std::env::vars_os().filter_map(|(name, value)| text(name).zip(text(value))).collect() }
    }

    /// Makes an environment; for tests.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self { variables: variables.into_iter().map(owned).collect() }
    }

    /// Returns the value of a variable; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns all variables.
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// Returns every value that is a secret by its variable's name, for the redactor.
    pub fn secrets(&self) -> Vec<Secret> {
        let secret = |name: &str| SECRET_WORDS.iter().any(|word| name.to_ascii_uppercase().contains(word));
        self.variables.iter().filter(|(name, _)| secret(name)).map(|(_, value)| Secret::new(value.clone())).collect()
    }
}

/// Returns the settings that variables set.
///
/// # Errors
/// [`ConfigError`] for a value that the key cannot hold, and for a variable with our prefix that is none of ours.
pub fn layer_from_environment(environment: &Environment) -> Result<Layer, ConfigError> {
    let mut sections: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for (name, value) in environment.variables.iter().filter(|(name, _)| name.starts_with("PRENTICE_")) {
        let known = KEYS.iter().find(|(section, key)| *name == variable(section, key));
        match known {
            Some((section, key)) => {
                // Parsed alone first, so that an error names this variable.
                Layer::parse(&format!("{section}:\n  {key}: {}\n", one_line(value)), name)?;
                sections.entry(section).or_default().push((key, value));
            }
            None if OTHERS.contains(&name.as_str()) => {}
            None => {
                let all: Vec<String> = KEYS.iter().map(|(section, key)| variable(section, key)).collect();
                let known = [OTHERS.join(", "), all.join(", ")].join(", ");
                return Err(ConfigError::UnknownVariable { name: name.clone(), known });
            }
        }
    }
    let mut text = String::new();
    for (section, keys) in sections {
        text += &format!("{section}:\n");
        for (key, value) in keys {
            text += &format!("  {key}: {}\n", one_line(value));
        }
    }
    Ok(Layer::parse(&text, "environment")?)
}

fn variable(section: &str, key: &str) -> String {
    format!("PRENTICE_{}_{}", section.to_ascii_uppercase(), key.to_ascii_uppercase())
}

/// Keeps a value from opening a second YAML key.
fn one_line(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_variable() {
        let errors: Vec<String> = [("PRENTICE_LIMITS_ROUNDS", "many"), ("PRENTICE_ROUNDS", "3")]
            .into_iter()
            .map(|variable| layer_from_environment(&Environment::of([variable])).expect_err("wrong").to_string())
            .collect();
        assert_eq!(errors[0], "PRENTICE_LIMITS_ROUNDS:2:11: a whole number is wanted here");
        assert!(errors[1].starts_with("the variable PRENTICE_ROUNDS is none of ours; known are PRENTICE_MODEL, "));
    }

    #[test]
    fn secrets_are_found_by_the_variables_name() {
        let environment = Environment::of([("GITHUB_TOKEN", "abcdefghij"), ("HOME", "/home/x"), ("MY_API_KEY", "k")]);
        assert_eq!(environment.secrets().iter().map(Secret::expose).collect::<Vec<_>>(), ["abcdefghij", "k"]);
    }
}
