//! How fast the model inside reads and writes on this machine: one question of a few seconds.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Line, State};
use crate::cli::failure::{Exit, Failure};
use crate::clock::{Clock, SystemClock};
use crate::inference::{Engine, InferenceError, Moment, Question, Sampling};
use crate::llm::{INSIDE_WINDOW_TOKENS, Inside};

/// The probe ends after about so long.
const PROBE: Duration = Duration::from_secs(5);
/// Tokens that are written at most.
const ANSWER_TOKENS: usize = 32;
/// What the model reads: with its template about 64 tokens, which are read at once.
const QUESTION: &str =
    "Explain in one sentence what this function does: fn middle(v: &[f64]) -> f64 { v[v.len() / 2] }";

/// What the probe saw.
struct Speed {
    load: Duration,
    /// Tokens read, and the time to the first word.
    read: (usize, Duration),
    /// Tokens written after the first, and the time that took.
    written: (usize, Duration),
}

/// Loads the model and asks it a question.
pub(super) async fn measure(file: &Inside, window_tokens: Option<u64>, cancel: &CancellationToken) -> Line {
    let (path, stop) = (file.path.clone(), cancel.clone());
    let window = usize::try_from(window_tokens.unwrap_or(INSIDE_WINDOW_TOKENS)).unwrap_or(usize::MAX);
    match tokio::task::spawn_blocking(move || probe(&path, window, &stop)).await {
        Ok(Ok(speed)) => Line::ok("speed", words(&speed)),
        Ok(Err(error)) => {
            Line::failed("speed", State::Error, Failure::new(Exit::Usage, format!("the embedded model: {error}")))
        }
        Err(error) => Line::failed("speed", State::Error, Failure::new(Exit::Bug, error)),
    }
}

fn probe(path: &Path, window_tokens: usize, cancel: &CancellationToken) -> Result<Speed, InferenceError> {
    let clock = SystemClock::start();
    let mut engine = Engine::load(path, window_tokens)?;
    let load = clock.elapsed();
    let question = Question {
        messages: json!([{ "role": "user", "content": QUESTION }]),
        begun: String::new(),
        most_tokens: ANSWER_TOKENS,
        sampling: Sampling { temperature: 0.0, top_p: 1.0, seed: 0 },
        stop: Vec::new(),
        form: None,
        enough: None,
    };
    let spent = || clock.elapsed().saturating_sub(load);
    let (mut first, mut last, mut written) = (None, Duration::ZERO, 0_usize);
    let mut heard = |moment: Moment<'_>| {
        if let Moment::Wrote(_) = moment {
            last = spent();
            first.get_or_insert(last);
            written += 1;
        }
    };
    let answer = engine.answer(&question, &mut heard, &|| cancel.is_cancelled() || spent() > PROBE);
    let read_tokens = match answer {
        Ok(answer) => answer.read_tokens,
        Err(InferenceError::Stopped) if !cancel.is_cancelled() => engine.count(&question.messages)?,
        Err(error) => return Err(error),
    };
    let first = first.unwrap_or_else(spent);
    Ok(Speed { load, read: (read_tokens, first), written: (written.saturating_sub(1), last.saturating_sub(first)) })
}

fn words(speed: &Speed) -> String {
    let rate = |(tokens, time): (usize, Duration)| tokens as f64 / time.as_secs_f64().max(0.001);
    let written = match speed.written.0 {
        0 => "wrote too little to tell how fast".to_owned(),
        _ => format!("writes {:.1}", rate(speed.written)),
    };
    let load = speed.load.as_secs_f64();
    format!(
        "the embedded model is loaded in {load:.1} s, reads {:.0} tokens a second and {written} (a probe of at most {} s)",
        rate(speed.read),
        PROBE.as_secs()
    )
}
