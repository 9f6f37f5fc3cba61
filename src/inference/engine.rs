//! A loaded model and the conversation that it has read last.

mod alternatives;

use std::path::Path;

use serde_json::Value;

use super::InferenceError;
use super::attention::Memory;
use super::draft::Drafter;
use super::guide::{Form, Guide, Guides};
use super::network::{BATCH, Network};
use super::room;
use super::sampling::{Sampler, Sampling};
use super::template::Template;
use super::text::Text;
use super::tokenizer::Tokenizer;

pub use alternatives::{Alternative, Alternatives, Doubted};

/// What a process needs besides weights and memory of the conversation, in bytes: vocabulary, activations, itself.
const OVERHEAD_BYTES: u64 = 256 << 20;

/// What is asked of the model.
#[derive(Clone, Debug)]
pub struct Question {
    /// Turns as chat templates take them: objects with `role` and `content`.
    pub messages: Value,
    /// What the answer begins with and the asker writes: the model goes on behind it, and hands out what follows.
    pub begun: String,
    /// The longest answer in tokens, without its beginning.
    pub most_tokens: usize,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Texts at which the answer ends; neither they nor what follows them belong to it.
    pub stop: Vec<String>,
    /// What the answer must look like; `None` where it may be anything.
    pub form: Option<Form>,
    /// Asked now and then what is written so far: whether it is enough. An answer that is ended so is [`Ended::Full`].
    pub enough: Option<fn(&str) -> bool>,
}

/// What is going on while an answer is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment<'t> {
    /// So many tokens of the conversation are read, of how many.
    Read(usize, usize),
    /// This was written.
    Wrote(&'t str),
}

/// So many bytes are written between two questions whether they are enough.
const ENOUGH_EACH_BYTES: usize = 128;

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The model was done, or wrote a text at which the answer ends.
    Done,
    /// It was at its longest, the window was full, or the asker had enough.
    Full,
}

/// What the model wrote, and what that took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text, without control tokens.
    pub text: String,
    /// Why it ended.
    pub ended: Ended,
    /// Tokens of the conversation with the beginning of the answer.
    pub read_tokens: usize,
    /// Of these, tokens that were still known from the question before.
    pub known_tokens: usize,
    /// Tokens written.
    pub written_tokens: usize,
}

/// A model that can be asked, one question at a time.
pub struct Engine {
    network: Network,
    tokenizer: Tokenizer,
    template: Template,
    memory: Memory,
    /// The tokens that `memory` holds.
    known: Vec<u32>,
    /// Made when it is first needed.
    guides: Option<Guides>,
}

/// What was read ahead of the text.
struct Ahead {
    /// The odds of what follows the text, and of what follows it with one guess after the other.
    odds: Vec<f32>,
    guesses: Vec<u32>,
    /// How many of the guesses were right so far.
    right: usize,
}

impl Engine {
    /// Loads a model; the file must stay as it is while the engine lives.
    ///
    /// `window_tokens` is the longest conversation with its answer; the model's own window bounds it.
    ///
    /// # Errors
    /// [`InferenceError::NoRoom`] where memory will not do, and what is wrong with the file.
    pub fn load(path: &Path, window_tokens: usize) -> Result<Self, InferenceError> {
        let (head, shape, file) = super::about::opened(path)?;
        let window = window_tokens.clamp(1, shape.window_tokens);
        let (first, end) = head.tensor_range();
        let conversation = shape.token_bytes().saturating_mul(window as u64);
        let needed = conversation.saturating_add(end - first + OVERHEAD_BYTES);
        let name = head.file.clone();
        let no_room = |free| InferenceError::NoRoom { file: name, needed, free, window_tokens: window };
        if let Some(free) = room::available_bytes().filter(|free| *free < needed) {
            return Err(no_room(free));
        }
        let tokenizer = Tokenizer::of(&head)?;
        let template = Template::of(&head)?;
        let network = Network::load(&head, shape, file, path)?;
        let Some(memory) = Memory::new(&network.shape, window) else {
            return Err(no_room(room::available_bytes().unwrap_or(0)));
        };
        Ok(Self { network, tokenizer, template, memory, known: Vec::new(), guides: None })
    }

    /// Returns the longest conversation with its answer, in tokens.
    pub fn window_tokens(&self) -> usize {
        self.memory.capacity()
    }

    /// Answers, and tells what is read and hands out the text as it is written. `stop` is asked before each token.
    ///
    /// # Errors
    /// [`InferenceError::TooLong`] for a conversation that does not fit the window, [`InferenceError::Template`] for one
    /// that the model's template refuses, and [`InferenceError::Stopped`].
    pub fn answer(
        &mut self,
        question: &Question,
        told: &mut dyn FnMut(Moment<'_>),
        stop: &dyn Fn() -> bool,
    ) -> Result<Answer, InferenceError> {
        let mut tokens = self.tokens(&question.messages)?;
        tokens.extend(self.tokenizer.encode(&self.tokenizer.hidden(&question.begun)));
        let window = self.window_tokens();
        if tokens.len() >= window {
            return Err(InferenceError::TooLong { tokens: tokens.len(), window_tokens: window });
        }
        let mut guide = self.guide(question.form.as_ref())?;
        let (odds, known_tokens) = self.read(&tokens, told, stop)?;
        let mut ahead = Ahead { odds, guesses: Vec::new(), right: 0 };
        let (mut sampler, mut drafter) = (Sampler::new(question.sampling), Drafter::default());
        let mut text = Text::new(&question.stop);
        let written = &mut |text: &str| told(Moment::Wrote(text));
        let mut answer = Answer {
            text: String::new(),
            ended: Ended::Full,
            read_tokens: tokens.len(),
            known_tokens,
            written_tokens: 0,
        };
        let most = question.most_tokens.min(window - tokens.len());
        let mut seen = 0;
        while answer.written_tokens < most {
            if stop() {
                return Err(InferenceError::Stopped);
            }
            let size = self.network.shape.vocabulary;
            let odds = &mut ahead.odds[ahead.right * size..][..size];
            if let Some(guide) = &mut guide {
                guide.rule_out(odds)?;
            }
            let Some(token) = sampler.choose(odds) else { break };
            answer.written_tokens += 1;
            if self.tokenizer.ends(token) {
                answer.ended = Ended::Done;
                break;
            }
            if text.push(&self.tokenizer.bytes(token), written) {
                answer.ended = Ended::Done;
                break;
            }
            if text.whole.len() >= seen + ENOUGH_EACH_BYTES {
                seen = text.whole.len();
                if question.enough.is_some_and(|enough| enough(&text.whole)) {
                    break;
                }
            }
            if let Some(guide) = &mut guide {
                guide.take(token)?;
            }
            if answer.written_tokens < most {
                self.go_on(token, most - answer.written_tokens, &mut ahead, &mut drafter)?;
            }
        }
        answer.text = text.end(written);
        Ok(answer)
    }

    fn guide(&mut self, form: Option<&Form>) -> Result<Option<Guide>, InferenceError> {
        let Some(form) = form else { return Ok(None) };
        let guides = match &self.guides {
            Some(guides) => guides,
            None => self.guides.insert(Guides::new(&self.tokenizer)?),
        };
        guides.begin(form).map(Some)
    }

    /// Goes on behind `token`: with what was read ahead where it was guessed, else it is read, and new guesses with it.
    fn go_on(
        &mut self,
        token: u32,
        most: usize,
        ahead: &mut Ahead,
        drafter: &mut Drafter,
    ) -> Result<(), InferenceError> {
        self.known.push(token);
        if ahead.guesses.get(ahead.right) == Some(&token) {
            ahead.right += 1;
            return Ok(());
        }
        drafter.learn(ahead.right, ahead.guesses.len());
        let at = self.known.len() - 1;
        let room = (self.window_tokens() - self.known.len()).min(most - 1);
        let mut tokens = vec![token];
        tokens.extend(drafter.guess(&self.known, room));
        // Of what is read, only the text counts as known; guesses that were wrong are written over.
        ahead.odds = self.network.read(&tokens, at, &mut self.memory, tokens.len())?;
        ahead.guesses = tokens.split_off(1);
        ahead.right = 0;
        Ok(())
    }

    /// Counts the tokens of a conversation as the model reads it.
    ///
    /// # Errors
    /// [`InferenceError::Template`] for a conversation that the model's template refuses.
    pub fn count(&self, messages: &Value) -> Result<usize, InferenceError> {
        Ok(self.tokens(messages)?.len())
    }

    fn tokens(&self, messages: &Value) -> Result<Vec<u32>, InferenceError> {
        let hidden = hide(messages, &self.tokenizer);
        let rendered =
            self.template.render(&hidden, &self.tokenizer).map_err(|reason| InferenceError::Template { reason })?;
        Ok(self.tokenizer.encode(&rendered))
    }

    /// Reads what is not known yet of a conversation; returns the odds of what follows, and how much was known.
    fn read(
        &mut self,
        tokens: &[u32],
        told: &mut dyn FnMut(Moment<'_>),
        stop: &dyn Fn() -> bool,
    ) -> Result<(Vec<f32>, usize), InferenceError> {
        let same = tokens.iter().zip(&self.known).take_while(|(new, old)| new == old).count();
        // The odds of what follows come from reading, so at least the last token is read again.
        let known = same.min(tokens.len().saturating_sub(1));
        self.known.truncate(known);
        let mut odds = Vec::new();
        while self.known.len() < tokens.len() {
            if stop() {
                return Err(InferenceError::Stopped);
            }
            let at = self.known.len();
            let batch = &tokens[at..tokens.len().min(at + BATCH)];
            let last = at + batch.len() == tokens.len();
            odds = self.network.read(batch, at, &mut self.memory, usize::from(last))?;
            self.known.extend(batch);
            told(Moment::Read(self.known.len(), tokens.len()));
        }
        Ok((odds, known))
    }
}

/// Hides what looks like control tokens in every text of a conversation.
fn hide(value: &Value, tokenizer: &Tokenizer) -> Value {
    match value {
        Value::String(text) => Value::String(tokenizer.hidden(text)),
        Value::Array(values) => values.iter().map(|value| hide(value, tokenizer)).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (tokenizer.hidden(key), hide(value, tokenizer))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
