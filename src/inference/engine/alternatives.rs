//! What the model would write in the place of a line, were it told that the line is wrong.
//!
//! A model that is asked for a whole file copies what it was shown, and where it doubts a token of it the likelier token wins
//! all the same. Here the line is put into its mouth, and read at every token is what else it would have written there: the
//! doubt. What is likely enough is finished greedily, and so on within what was written then. (Uncertainty of a model about
//! code that is there finds defects: Ray et al. 2016, "On the naturalness of buggy code"; a model that only fills in repairs
//! them: Xia and Zhang 2022, "Less training, more repairing please".)

use serde_json::Value;

use super::super::InferenceError;
use super::super::attention::exp;
use super::super::draft::Drafter;
use super::super::network::BATCH;
use super::super::sampling::{Sampler, Sampling};
use super::{Ahead, Engine};

/// A line that is written is so much longer than the one that it replaces, at most, in tokens.
const MORE_TOKENS: usize = 40;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Doubted<'a> {
    /// Turns as chat templates take them; the last one asks what must stand in the place of the line.
    pub messages: &'a Value,
    /// What the answer begins with, before the line.
    pub before: &'a str,
    /// The line, with its indentation and without its end.
    pub line: &'a str,
    /// Alternatives less likely than this are left out, 0.0 to 1.0.
    pub least_odds: f32,
    /// Alternatives at most, the likeliest.
    pub most: usize,
}

/// What would stand in the place of a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Alternative {
    /// A line, with the indentation of the one that it replaces.
    pub text: String,
    /// How likely the first token that differs is where it stands, times the same for a second one; 0.0 to 1.0.
    pub odds: f32,
}

/// The alternatives to a line, the likeliest first, and what that took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alternatives {
    /// The alternatives.
    pub all: Vec<Alternative>,
    /// Tokens of the conversation with the line.
    pub read_tokens: usize,
    /// Of these, tokens that were still known from the question before.
    pub known_tokens: usize,
    /// Tokens written.
    pub written_tokens: usize,
}

/// A beginning of a line that is not finished yet.
struct Beginning {
    tokens: Vec<u32>,
    odds: f32,
}

/// The search for alternatives to one line.
struct Search {
    /// What stands before the line.
    fixed: Vec<u32>,
    /// The longest line that is written, in tokens.
    longest: usize,
    least_odds: f32,
    waiting: Vec<Beginning>,
    written_tokens: usize,
}

impl Search {
    fn likeliest(&mut self) -> Option<Beginning> {
        let odds = |place: &usize| self.waiting[*place].odds;
        let place = (0..self.waiting.len()).max_by(|left, right| odds(left).total_cmp(&odds(right)))?;
        Some(self.waiting.swap_remove(place))
    }
}

impl Engine {
    /// Finds what the model would write in the place of a line. A line that is blank, is too long to be read at once or
    /// does not fit the window has no alternatives. `stop` is asked before each token.
    ///
    /// # Errors
    /// [`InferenceError::TooLong`], [`InferenceError::Template`] and [`InferenceError::Stopped`], as for an answer.
    pub fn alternatives(
        &mut self,
        doubted: &Doubted<'_>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Alternatives, InferenceError> {
        let mut fixed = self.tokens(doubted.messages)?;
        let asked = fixed.len();
        let (known, line) = self.split(doubted);
        fixed.extend(known);
        let (all, window) = (fixed.len() + line.len() + MORE_TOKENS, self.window_tokens());
        if all >= window {
            return Err(InferenceError::TooLong { tokens: all, window_tokens: window });
        }
        if doubted.line.trim().is_empty() || line.is_empty() || line.len() > BATCH {
            return Ok(Alternatives { read_tokens: asked, known_tokens: asked, ..Alternatives::default() });
        }
        let (first, known_tokens) = self.read(&fixed, &mut |_| (), stop)?;
        let behind = self.network.read(&line, fixed.len(), &mut self.memory, line.len())?;
        self.known.extend(&line);
        let read_tokens = fixed.len() + line.len();
        let (longest, least_odds) = (line.len() + MORE_TOKENS, doubted.least_odds);
        let mut search = Search { fixed, longest, least_odds, waiting: Vec::new(), written_tokens: 0 };
        let size = self.network.shape.vocabulary;
        let all_odds = std::iter::once(&first[..]).chain(behind.chunks_exact(size));
        for (place, (odds, token)) in all_odds.zip(line.iter().copied()).enumerate() {
            let line = Beginning { tokens: line[..place].to_vec(), odds: 1.0 };
            self.branch(&mut search, odds, &line, token);
        }
        let mut all: Vec<Alternative> = Vec::new();
        let indentation = &doubted.line[..doubted.line.len() - doubted.line.trim_start().len()];
        // Some beginnings end as the line itself, or as each other.
        for _ in 0..2 * doubted.most {
            let Some(beginning) = search.likeliest().filter(|_| all.len() < doubted.most) else { break };
            let odds = beginning.odds;
            let text = self.finish(&mut search, beginning, stop)?;
            let text = text.trim();
            let is_new = all.iter().all(|other| other.text.trim() != text);
            if is_new && !text.is_empty() && text != doubted.line.trim() {
                all.push(Alternative { text: format!("{indentation}{text}"), odds });
            }
        }
        all.sort_by(|left, right| right.odds.total_cmp(&left.odds));
        Ok(Alternatives { all, read_tokens, known_tokens, written_tokens: search.written_tokens })
    }

    /// Returns the tokens before the first letter of the line, and those from there to its end.
    fn split(&self, doubted: &Doubted<'_>) -> (Vec<u32>, Vec<u32>) {
        let indentation = doubted.line.len() - doubted.line.trim_start().len();
        let text = self.tokenizer.hidden(&format!("{}{}\n", doubted.before, doubted.line));
        let mut tokens = self.tokenizer.encode(&text);
        let mut end = 0;
        let first = tokens.iter().position(|token| {
            end += self.tokenizer.bytes(*token).len();
            end > doubted.before.len() + indentation
        });
        let line = tokens.split_off(first.unwrap_or(tokens.len()));
        (tokens, line)
    }

    /// Adds what could be written in the place of `token` behind `beginning`.
    fn branch(&self, search: &mut Search, odds: &[f32], beginning: &Beginning, token: u32) {
        let most = odds.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = odds.iter().map(|odds| exp(odds - most)).sum();
        for (other, share) in (0..).zip(odds.iter().map(|odds| exp(odds - most) / total)) {
            let odds = beginning.odds * share;
            if odds >= search.least_odds && other != token && !self.tokenizer.ends(other) {
                search.waiting.push(Beginning { tokens: [&beginning.tokens[..], &[other]].concat(), odds });
            }
        }
    }

    /// Writes the rest of a line greedily; where it could have gone on otherwise becomes a beginning of its own.
    fn finish(
        &mut self,
        search: &mut Search,
        mut beginning: Beginning,
        stop: &dyn Fn() -> bool,
    ) -> Result<String, InferenceError> {
        let mut bytes: Vec<u8> = beginning.tokens.iter().flat_map(|token| self.tokenizer.bytes(*token)).collect();
        if !bytes.contains(&b'\n') {
            let (odds, _) = self.read(&[&search.fixed[..], &beginning.tokens].concat(), &mut |_| (), stop)?;
            let mut ahead = Ahead { odds, guesses: Vec::new(), right: 0 };
            let mut drafter = Drafter::default();
            let mut sampler = Sampler::new(Sampling { temperature: 0.0, top_p: 1.0, seed: 0 });
            while beginning.tokens.len() < search.longest {
                if stop() {
                    return Err(InferenceError::Stopped);
                }
                let size = self.network.shape.vocabulary;
                let odds = &ahead.odds[ahead.right * size..][..size];
                let Some(token) = sampler.choose(odds).filter(|token| !self.tokenizer.ends(*token)) else { break };
                self.branch(search, odds, &beginning, token);
                beginning.tokens.push(token);
                search.written_tokens += 1;
                bytes.extend(self.tokenizer.bytes(token));
                let left = search.longest - beginning.tokens.len();
                if bytes.contains(&b'\n') || left == 0 {
                    break;
                }
                self.go_on(token, left, &mut ahead, &mut drafter)?;
            }
        }
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        Ok(String::from_utf8_lossy(line).into_owned())
    }
}

#[cfg(test)]
#[path = "alternatives_tests.rs"]
mod tests;
