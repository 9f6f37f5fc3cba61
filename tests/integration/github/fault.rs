//! Ways in which a call can fail.

use axum::body::{Body, Bytes};
use axum::response::Response;
use http_body_util::{Full, Limited};
use serde_json::json;

/// A way in which a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// A status without the thing being done.
    Status(u16),
    /// 403 with a wait, nothing done.
    SecondaryLimit,
    /// 429 with a wait, nothing done.
    TooMany,
    /// Done, but no answer ever comes.
    Silent,
    /// Not done, and the connection is cut.
    CutBefore,
    /// Done, and the connection is cut.
    CutAfter,
    /// Not done, and the caller is killed.
    KillBefore,
    /// Done, and the caller is killed before it learns of it.
    KillAfter,
}

impl Fault {
    pub(crate) const ALL: [Self; 10] = [
        Self::Status(500),
        Self::Status(502),
        Self::Status(503),
        Self::SecondaryLimit,
        Self::TooMany,
        Self::Silent,
        Self::CutBefore,
        Self::CutAfter,
        Self::KillBefore,
        Self::KillAfter,
    ];

    /// Tells whether the call is carried out all the same.
    pub(super) fn is_done(self) -> bool {
        matches!(self, Self::Silent | Self::CutAfter | Self::KillAfter)
    }

    /// The answer, where there is one at once.
    pub(super) fn answer(self) -> Option<Response> {
        let told = |status: u16, message: &str| {
            Response::builder()
                .status(status)
                .header("content-type", "application/json")
                .body(Body::from(json!({ "message": message }).to_string()))
        };
        let made = match self {
            Self::Status(status) => told(status, "Server Error"),
            Self::SecondaryLimit | Self::TooMany => {
                let status = if self == Self::TooMany { 429 } else { 403 };
                told(status, "You have exceeded a secondary rate limit.").map(|mut response| {
                    response.headers_mut().insert("retry-after", 1.into());
                    response
                })
            }
            Self::CutBefore | Self::CutAfter => Response::builder().status(200).body(cut()),
            Self::Silent | Self::KillBefore | Self::KillAfter => return None,
        };
        Some(made.expect("a response"))
    }
}

/// A body that fails where it begins, which makes the server cut the connection.
fn cut() -> Body {
    Body::new(Limited::new(Full::new(Bytes::from_static(b"never sent")), 1))
}
