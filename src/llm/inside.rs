//! A model whose weights lie in a file on this machine and that runs in this process.

use std::path::PathBuf;

use super::choose::{Candidate, Named, Source};

/// The name by which the model inside is asked for; `embedded:NAME` asks for a certain file.
pub const EMBEDDED: &str = "embedded";

/// The longest conversation with its answer that the model inside is given, in tokens, where nothing else is said: what a
/// small model still follows, and what two processor cores read in a few minutes.
pub const INSIDE_WINDOW_TOKENS: u64 = 8192;

/// A model file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inside {
    /// Its name, by which its profile is found.
    pub name: String,
    /// The GGUF file.
    pub path: PathBuf,
    /// The longest window that it was trained for, in tokens, where that is known without reading it.
    pub window_tokens: Option<u64>,
}

/// Returns what the highest layer that names a model says after `embedded`, if it says that.
pub(super) fn asked_for(candidates: &[Candidate]) -> Option<Named<Option<String>>> {
    let named = |candidate: &&Candidate| candidate.model.as_deref().is_some_and(|model| !model.trim().is_empty());
    let highest = candidates.iter().filter(named).min_by_key(|candidate| candidate.source)?;
    let value = inside_name(highest.model.as_deref()?)?.map(str::to_owned);
    Some(Named { value, source: highest.source })
}

/// Tells whether `model` means one that runs inside this program, and returns which one if it says so: `embedded`,
/// `embedded:NAME`.
pub fn inside_name(model: &str) -> Option<Option<&str>> {
    match model.trim().strip_prefix(EMBEDDED)? {
        "" => Some(None),
        rest => Some(Some(rest.strip_prefix(':')?.trim()).filter(|name| !name.is_empty())),
    }
}

/// Finds a file: the one with that name, or the first.
pub(super) fn find<'a>(files: &'a [Inside], name: Option<&str>) -> Option<&'a Inside> {
    match name {
        Some(name) => files.iter().find(|file| file.name == name),
        None => files.first(),
    }
}

/// Says why a file was taken.
pub(super) fn why(file: &Inside, asked: Option<Source>) -> String {
    let reason = match asked {
        Some(source) => format!("named by {}", source.words("MODEL")),
        None => "its file is here, nothing was configured, and no server answers on this machine".to_owned(),
    };
    format!("model {} inside this program ({reason}); nothing leaves the machine", file.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(source: Source, model: &str) -> Candidate {
        Candidate { source, model: Some(model.to_owned()), base_url: None, key: None }
    }

    #[test]
    fn the_highest_layer_that_names_a_model_decides() {
        let asked = |layers: &[(Source, &str)]| {
            let layers: Vec<Candidate> = layers.iter().map(|(source, model)| candidate(*source, model)).collect();
            asked_for(&layers).map(|named| (named.value, named.source))
        };
        let config = Source::Config;
        assert_eq!(asked(&[(config, "embedded")]), Some((None, config)));
        assert_eq!(asked(&[(config, " embedded: tiny ")]), Some((Some("tiny".to_owned()), config)));
        assert_eq!(asked(&[(config, "embedded:")]), Some((None, config)));
        assert_eq!(asked(&[(Source::Flags, "gpt-5"), (config, "embedded")]), None);
        assert_eq!(asked(&[(config, "gpt-5"), (Source::Flags, " ")]), None);
        assert_eq!(asked(&[(Source::Flags, ""), (config, "embedded")]), Some((None, config)), "an empty name is none");
        assert_eq!(asked(&[(config, "embedded-model")]), None, "another name");
        assert_eq!(asked(&[]), None);
    }
}
