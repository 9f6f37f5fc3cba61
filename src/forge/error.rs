//! Why a forge did not do what it was asked.

use std::path::PathBuf;
use std::time::Duration;

/// Why the forge did not take it.
///
/// `call` is always the method and the path, such as `GET /repos/acme/widgets`; never a header, never a token.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The settings cannot be used.
    #[error("{what} {value:?}: {why}")]
    Settings {
        /// Which setting.
        what: &'static str,
        /// What it was; never the token.
        value: String,
        /// What would be right.
        why: String,
    },
    /// There is no such thing, or the token may not see it.
    #[error("{call}: not found, or the token may not see it")]
    NotFound {
        /// The request.
        call: String,
    },
    /// The token is missing, wrong or has run out.
    #[error("{call}: the forge does not accept the token ({message}); is GITHUB_TOKEN set, and still valid?")]
    Unauthorized {
        /// The request.
        call: String,
        /// The forge's words.
        message: String,
    },
    /// The token is good, but not for this.
    #[error("{call}: the token may not do this ({message}){}", hint(.needs.as_deref()))]
    Forbidden {
        /// The request.
        call: String,
        /// The forge's words.
        message: String,
        /// The permissions that would do, as the forge names them: `contents=write`.
        needs: Option<String>,
    },
    /// The forge understood, and refused.
    #[error("{call}: refused with status {status} ({message})")]
    Refused {
        /// The request.
        call: String,
        /// The HTTP status, such as 422 or 409.
        status: u16,
        /// The forge's words.
        message: String,
    },
    /// The forge wants to be left alone for longer than we wait.
    #[error("{call}: rate limit; the forge asks for {} s more, which is over the cap of {} s", wait.as_secs(), cap.as_secs())]
    Limited {
        /// The request.
        call: String,
        /// What the forge asks for.
        wait: Duration,
        /// The longest wait in sum.
        cap: Duration,
    },
    /// A write ended so that nobody can tell whether it was carried out; look before it is sent again.
    #[error("{call}: it is unclear whether this was done ({why})")]
    Unclear {
        /// The request.
        call: String,
        /// What was seen.
        why: String,
    },
    /// A read failed each time.
    #[error("{call}: no answer after {tries} tries ({why})")]
    Unreachable {
        /// The request.
        call: String,
        /// How often it was sent.
        tries: u32,
        /// What was seen last.
        why: String,
    },
    /// The answer is not what the forge's description says.
    #[error("{call}: the answer cannot be read: {why}")]
    Malformed {
        /// The request.
        call: String,
        /// What is wrong with it.
        why: String,
    },
    /// A rule of our own forbids it; nothing was sent.
    #[error("{0}")]
    Forbade(String),
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl ForgeError {
    /// Tells whether the thing may have been done all the same.
    pub fn is_unclear(&self) -> bool {
        matches!(self, Self::Unclear { .. })
    }

    /// Tells whether the forge refused because of what is there already (409, 422).
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

fn hint(permissions: Option<&str>) -> String {
    permissions.map(|names| format!("; it needs {names}: see `permissions:` of the job")).unwrap_or_default()
}
