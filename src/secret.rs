//! Secrets that never print, and the redactor that keeps them out of everything that is written down.

use std::fmt;

use aho_corasick::AhoCorasick;
use regex::Regex;

/// A text that must not be shown: its `Debug` and `Display` print stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// Returns the text itself, for the one place that has to send it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// Secrets shorter than this many bytes are not searched for: they would blot out ordinary words.
const SHORTEST_KNOWN_BYTES: usize = 8;

/// Shapes of credentials, with the page that documents each shape. Boundaries are those of ASCII: letters of other scripts before a
/// credential hide nothing, and the automaton that is fast knows no others.
const SHAPES: &[(&str, &str)] = &[
    // RFC 7468, textual encodings of private keys; RFC 9580, "Forming ASCII Armor". It has several lines, so it is told before
    // all that have one: a part of it is as secret and looks like nothing.
    (
        "private key",
        r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
    ),
    // GitHub, "Behind GitHub's new authentication token formats".
    ("github token", r"(?-u:\b)(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255})"),
    // OpenAI and Anthropic API keys as their consoles print them.
    ("api key", r"(?-u:\b)sk-[A-Za-z0-9_-]{20,}"),
    // AWS, "IAM identifiers": access key ids.
    ("aws access key", r"(?-u:\b)(?:AKIA|ASIA)[A-Z0-9]{16}(?-u:\b)"),
    // Slack, "Token types".
    ("slack token", r"(?-u:\b)xox[abposr]-[A-Za-z0-9-]{10,}"),
    // Google Cloud, "API keys overview".
    ("google api key", r"(?-u:\b)AIza[A-Za-z0-9_-]{35}(?-u:\b)"),
    // GitLab, "Token prefixes".
    ("gitlab token", r"(?-u:\b)glpat-[A-Za-z0-9_-]{20,}"),
    // npm, "About access tokens".
    ("npm token", r"(?-u:\b)npm_[A-Za-z0-9]{36}(?-u:\b)"),
    // AWS, "Manage access keys for IAM users": the secret that belongs to an access key id, by its usual names.
    (
        "aws secret key",
        r#"(?i-u:\b)(?i:aws_?secret_?access_?key)["']?\s*[:=]\s*["']?[A-Za-z0-9/+=]{40}(?:[^A-Za-z0-9/+=]|\z)"#,
    ),
    // Stripe, "API keys": secret and restricted keys in live mode.
    ("stripe key", r"(?-u:\b)[sr]k_live_[A-Za-z0-9]{16,}"),
    // PyPI, "API tokens"; the beginning is the macaroon's location, pypi.org.
    ("pypi token", r"(?-u:\b)pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}"),
    // SendGrid, "API keys".
    ("sendgrid key", r"(?-u:\b)SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    // Hugging Face, "User access tokens".
    ("hugging face token", r"(?-u:\b)hf_[A-Za-z0-9]{34}(?-u:\b)"),
    // Slack, "Sending messages using incoming webhooks".
    ("slack webhook", r"hooks\.slack\.com/services/T[A-Za-z0-9]+/B[A-Za-z0-9]+/[A-Za-z0-9]{20,}"),
    // Azure Storage, "Configure connection strings": 64 bytes in base 64.
    ("azure account key", r"AccountKey=[A-Za-z0-9+/]{86}=="),
    // RFC 7519, JSON Web Token in compact form.
    ("json web token", r"(?-u:\b)eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    // RFC 3986, user information with a password in a URL.
    ("password in a url", r"(?-u:\b)[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@"),
];

/// Replaces known secrets, and texts of the shape of a credential, by [`REDACTED`].
#[derive(Debug)]
pub struct Redactor {
    known: Option<AhoCorasick>,
    shapes: Regex,
}

impl Redactor {
    /// Makes a redactor for the `known` secrets and all known shapes of credentials.
    pub fn new<'a>(known: impl IntoIterator<Item = &'a Secret>) -> Self {
        let values: Vec<&str> =
            known.into_iter().map(Secret::expose).filter(|v| v.len() >= SHORTEST_KNOWN_BYTES).collect();
        let known = if values.is_empty() { None } else { AhoCorasick::new(values).ok() };
        let all: Vec<String> = SHAPES.iter().map(|(_, shape)| format!("(?:{shape})")).collect();
        let shapes = Regex::new(&all.join("|")).expect("the shapes are constants, compiled by a test");
        Self { known, shapes }
    }

    /// Returns `text` without secrets.
    pub fn redact(&self, text: &str) -> String {
        let first = match &self.known {
            Some(known) => known.replace_all(text, &vec![REDACTED; known.patterns_len()]),
            None => text.to_owned(),
        };
        match self.shapes.replace_all(&first, REDACTED) {
            std::borrow::Cow::Borrowed(_) => first,
            std::borrow::Cow::Owned(changed) => changed,
        }
    }
}

/// Tells which shape of credential stands in `text`, if any.
///
/// Linear in the length of the text.
pub fn find_credential(text: &str) -> Option<&'static str> {
    static EACH: std::sync::LazyLock<Vec<(&'static str, Regex)>> = std::sync::LazyLock::new(|| {
        SHAPES
            .iter()
            .map(|(name, shape)| (*name, Regex::new(shape).expect("the shapes are constants, compiled by a test")))
            .collect()
    });
    EACH.iter().find(|(_, shape)| shape.is_match(text)).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints() {
        let secret = Secret::new("hunter2hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** Secret(***)");
    }

    #[test]
    fn known_secrets_and_shapes_are_redacted() {
        let redactor = Redactor::new(&[Secret::new("correct-horse-battery")]);
        let token = format!("ghp_{}", "a".repeat(36));
        let text = format!("key=correct-horse-battery token={token} url=https://u:p4ss@host/x");
        assert_eq!(redactor.redact(&text), "key=[redacted] token=[redacted] url=[redacted]host/x");
    }

    #[test]
    fn letters_before_a_credential_hide_it_only_where_it_would_be_a_longer_word() {
        let token = format!("ghp_{}", "a".repeat(36));
        assert_eq!(find_credential(&format!("größé{token}")), Some("github token"));
        assert_eq!(find_credential(&format!("x{token}")), None);
    }

    #[test]
    fn every_shape_is_known_by_its_name() {
        let long = "aB3".repeat(30);
        for (text, shape) in [
            (format!("aws_secret_access_key = \"{}\"\n", &long[..40]), "aws secret key"),
            (format!("AWS_SECRET_ACCESS_KEY={}", &long[..40]), "aws secret key"),
            (format!("sk_{}_{}", "live", &long[..24]), "stripe key"),
            (format!("pypi-AgEIcHlwaS5vcmc{}", &long[..60]), "pypi token"),
            (format!("SG.{}.{}", &long[..22], &long[..43]), "sendgrid key"),
            (format!("hf_{}", &long[..34]), "hugging face token"),
            (format!("https://hooks.slack.com/services/T0{}/B0{}/{}", "A", "B", &long[..24]), "slack webhook"),
            (format!("AccountKey={}==", &long[..86]), "azure account key"),
            (["-----BEGIN PGP PRIVATE", " KEY BLOCK-----\n"].concat(), "private key"),
            ([&format!("t = \"ghp_{}\"\n-----BEGIN PRIVATE", &long[..36]), " KEY-----\nMIIE"].concat(), "private key"),
        ] {
            assert_eq!(find_credential(&text), Some(shape), "{text}");
        }
        for text in ["aws_secret_access_key = os.environ[\"AWS_SECRET_ACCESS_KEY\"]", "AccountKey=<key>", "sk_live_"] {
            assert_eq!(find_credential(text), None, "{text}");
        }
    }

    #[test]
    fn ordinary_code_is_left_alone() {
        let redactor = Redactor::new(&[Secret::new("short")]);
        let text = "let sk = task_short(); // https://example.org/a:b sk-learn";
        assert_eq!(redactor.redact(text), text);
        assert_eq!(find_credential(text), None);
    }

    #[test]
    fn an_unfinished_private_key_is_redacted_to_the_end() {
        let begin = ["-----BEGIN RSA PRIVATE", " KEY-----\nMIIE"].concat();
        assert_eq!(Redactor::new(&[]).redact(&format!("a {begin}")), "a [redacted]");
        assert_eq!(find_credential(&begin), Some("private key"));
    }
}
