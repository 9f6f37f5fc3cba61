//! The adapter for the model inside.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::ending;
use super::inside::Inside;
use super::message::{self, Alternative, CountedBy, Finish, Message, Reply, Request, Role, Usage};
use super::{BoxFuture, LanguageModel, LlmError, Passing};
use crate::inference::{Answer, Doubted, Ended, Engine, Form, InferenceError, Moment, Question, Sampling};

/// The share of the probability that tokens are drawn from where a temperature is asked for and no share (0.95: llama.cpp's default).
const TOP_P: f32 = 0.95;
/// Alternatives to a line that are less likely than this are left out: in the fourteen programs of QuixBugs that one of them
/// mended, its odds were 0.13 to 0.97; each takes about 0.6 seconds with the reading of its line.
const LEAST_ODDS: f32 = 0.1;
/// Alternatives to one line, at most.
const MOST_ALTERNATIVES: usize = 6;

/// A model in this process. It is loaded when it is first asked, and once; questions wait for each other.
pub struct LocalModel {
    name: String,
    path: PathBuf,
    window_tokens: usize,
    engine: Arc<Mutex<Option<Engine>>>,
    passing: Passing,
}

impl LocalModel {
    /// Prepares the adapter; the file is opened when the model is asked. `window_tokens` bounds a conversation with its answer;
    /// `passing` hears how far it is, several times a second.
    pub fn new(file: &Inside, window_tokens: u64, passing: Passing) -> Self {
        Self {
            name: file.name.clone(),
            path: file.path.clone(),
            window_tokens: usize::try_from(window_tokens).unwrap_or(usize::MAX),
            engine: Arc::new(Mutex::new(None)),
            passing,
        }
    }

    fn asked(&self, request: &Request) -> Result<Asked, LlmError> {
        if !request.tools.is_empty() {
            let message = "function calls are not built for the model inside".to_owned();
            return Err(LlmError::NoTools { model: self.name.clone(), message });
        }
        if request.messages.iter().any(|message| !message.pictures.is_empty()) {
            return Err(self.failed("it sees no pictures"));
        }
        let (form, edits) = match &request.form {
            Some(message::Form::Alternatives { lines }) => {
                return Ok(Asked::Alternatives { messages: request.messages.clone(), lines: lines.clone() });
            }
            Some(message::Form::Grammar { lark, edits }) => {
                (Some(Form::Grammar(lark.clone())), edits.clone().map(Form::Grammar))
            }
            Some(message::Form::JsonObject) => (Some(Form::JsonSchema(json!({ "type": "object" }))), None),
            Some(message::Form::JsonSchema { schema, .. }) => (Some(Form::JsonSchema(schema.clone())), None),
            None => (None, None),
        };
        let is_of_edits = matches!(form, Some(Form::Grammar(_)));
        let question = Box::new(Question {
            messages: request.messages.iter().map(turn).collect(),
            begun: String::new(),
            most_tokens: request.max_output_tokens as usize,
            sampling: Sampling {
                temperature: request.temperature.unwrap_or(0.0),
                top_p: request.top_p.unwrap_or(TOP_P),
                seed: request.seed.unwrap_or(0),
            },
            stop: request.stop.clone(),
            form,
            enough: Some(if is_of_edits { ending::is_due } else { super::runs_in_circles }),
        });
        Ok(Asked::Answer { question, edits })
    }

    fn failed(&self, reason: &(impl ToString + ?Sized)) -> LlmError {
        LlmError::Inside { model: self.name.clone(), reason: reason.to_string() }
    }

    fn refusal(&self, error: InferenceError) -> LlmError {
        match error {
            InferenceError::Stopped => LlmError::Cancelled,
            InferenceError::TooLong { window_tokens, .. } => {
                LlmError::ContextTooLong { message: error.to_string(), window_tokens: Some(window_tokens as u64) }
            }
            error => self.failed(&error),
        }
    }
}

impl LanguageModel for LocalModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Reply, LlmError>> {
        Box::pin(async move {
            let asked = self.asked(request)?;
            let (engine, path, stop) = (Arc::clone(&self.engine), self.path.clone(), cancel.clone());
            let (window_tokens, passing) = (self.window_tokens, Arc::clone(&self.passing));
            let work = tokio::task::spawn_blocking(move || {
                // What a question left half-read is read again by the next: a panic does no harm.
                let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
                let engine = match &mut *engine {
                    Some(engine) => engine,
                    none => none.insert(Engine::load(&path, window_tokens)?),
                };
                // What the caller no longer waits for is nobody's news.
                let tell = |text: &str| {
                    if !stop.is_cancelled() {
                        passing(text);
                    }
                };
                asked.of(engine, &tell, &|| stop.is_cancelled())
            });
            let answer = tokio::select! {
                done = work => done.map_err(|error| self.failed(&error))?,
                // The thread stops by itself before its next token.
                () = cancel.cancelled() => Err(InferenceError::Stopped),
            };
            let answer = answer.map_err(|error| self.refusal(error))?;
            Ok(Reply {
                text: answer.text,
                calls: Vec::new(),
                thought: None,
                finish: if answer.ended == Ended::Done { Finish::Stop } else { Finish::Length },
                usage: Usage {
                    input_tokens: answer.read_tokens as u64,
                    cached_input_tokens: answer.known_tokens as u64,
                    output_tokens: answer.written_tokens as u64,
                    counted_by: CountedBy::Server,
                },
                model: self.name.clone(),
            })
        })
    }
}

/// What the model inside is asked for.
enum Asked {
    Answer {
        question: Box<Question>,
        /// The form of what follows words that are enough.
        edits: Option<Form>,
    },
    Alternatives {
        messages: Vec<Message>,
        lines: Vec<String>,
    },
}

impl Asked {
    fn of(&self, engine: &mut Engine, tell: &dyn Fn(&str), stop: &dyn Fn() -> bool) -> Result<Answer, InferenceError> {
        match self {
            Self::Answer { question, edits } => {
                let mut written_letters = 0;
                let mut told = |moment: Moment<'_>| tell(&how_far(moment, &mut written_letters));
                let mut answer = engine.answer(question, &mut told, stop)?;
                if let Some(edits) = edits
                    && answer.ended == Ended::Full
                    && ending::words_are_enough(&answer.text)
                {
                    answer = with_edits(engine, (question, edits), answer, &mut told, stop)?;
                }
                // What the model ended itself is judged as it stands.
                let is_cut = answer.ended == Ended::Full && matches!(question.form, Some(Form::Grammar(_)));
                if let Some(end) = ending::file_again(&answer.text).filter(|_| is_cut) {
                    answer.text.truncate(end);
                    answer.ended = Ended::Done;
                }
                Ok(answer)
            }
            Self::Alternatives { messages, lines } => alternatives(engine, (messages, lines), tell, stop),
        }
    }
}

/// Goes on with the edits where the words before them are enough; an answer without room for these stays as it is.
fn with_edits(
    engine: &mut Engine,
    (question, edits): (&Question, &Form),
    words: Answer,
    told: &mut dyn FnMut(Moment<'_>),
    stop: &dyn Fn() -> bool,
) -> Result<Answer, InferenceError> {
    let next = Question {
        begun: ending::words_once(&words.text),
        most_tokens: question.most_tokens - words.written_tokens,
        form: Some(edits.clone()),
        enough: Some(ending::is_due),
        ..question.clone()
    };
    match engine.answer(&next, told, stop) {
        Ok(edits) => Ok(Answer {
            text: next.begun + &edits.text,
            ended: edits.ended,
            written_tokens: words.written_tokens + edits.written_tokens,
            ..words
        }),
        Err(InferenceError::TooLong { .. }) => Ok(words),
        Err(error) => Err(error),
    }
}

/// Asks what the model would write in the place of each line; the answer is JSON, see [`message::Form::Alternatives`].
fn alternatives(
    engine: &mut Engine,
    (messages, lines): (&[Message], &[String]),
    tell: &dyn Fn(&str),
    stop: &dyn Fn() -> bool,
) -> Result<Answer, InferenceError> {
    let mut answer =
        Answer { text: String::new(), ended: Ended::Done, read_tokens: 0, known_tokens: 0, written_tokens: 0 };
    let mut all = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        tell(&format!("line {} of {}", place + 1, lines.len()));
        let mut turns: Vec<Value> = messages.iter().map(turn).collect();
        if let (Some(turn), Some(message)) = (turns.last_mut(), messages.last()) {
            turn["content"] = json!(format!("{}\n```\n{line}\n```", message.content));
        }
        let doubted = Doubted {
            messages: &Value::Array(turns),
            before: "```\n",
            line,
            least_odds: LEAST_ODDS,
            most: MOST_ALTERNATIVES,
        };
        let found = engine.alternatives(&doubted, stop)?;
        // The conversation counts once; of the other lines what is read behind it.
        let (read, known) = if place == 0 {
            (found.read_tokens, found.known_tokens)
        } else {
            (found.read_tokens - found.known_tokens, 0)
        };
        answer.read_tokens += read;
        answer.known_tokens += known;
        answer.written_tokens += found.written_tokens;
        all.extend(found.all.into_iter().map(|one| Alternative { line: place, text: one.text, odds: one.odds }));
    }
    all.sort_by(|left, right| right.odds.total_cmp(&left.odds));
    answer.text = serde_json::to_string(&all).expect("plain data without maps always serialises");
    Ok(answer)
}

fn how_far(moment: Moment<'_>, written_letters: &mut usize) -> String {
    match moment {
        Moment::Read(tokens, of) => format!("read {tokens} of {of} tokens"),
        Moment::Wrote(text) => {
            *written_letters += text.chars().count();
            format!("wrote {written_letters} characters")
        }
    }
}

/// A turn as chat templates take it.
fn turn(message: &Message) -> Value {
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    json!({ "role": role, "content": message.content })
}
