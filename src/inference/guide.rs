//! Keeps what a model writes to a form: before each token, those that cannot follow are ruled out.
//!
//! The work is done by `llguidance`; here are the vocabulary as it wants it, and the errors as we tell them.

use std::sync::Arc;

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{ApproximateTokEnv, TokEnv, TokRxInfo, TokTrie};
use llguidance::{Matcher, ParserFactory};
use serde_json::{Value, json};

use super::InferenceError;
use super::tokenizer::Tokenizer;

/// Longer tokens are never let through: the tree of tokens is at most 256 bytes deep (toktrie 1.9, `PARENT_BITS`).
const LONGEST_TOKEN: usize = 255;
/// The bytes of all tokens together, at most: the tree counts its nodes in 24 bits.
const MOST_BYTES: usize = 1 << 23;

/// What an answer must look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// A grammar in the notation of llguidance, a dialect of Lark; its first rule is `start`.
    Grammar(String),
    /// JSON of this schema.
    JsonSchema(Value),
}

/// Makes guides for one vocabulary.
pub(super) struct Guides {
    factory: ParserFactory,
}

impl Guides {
    pub(super) fn new(tokenizer: &Tokenizer) -> Result<Self, InferenceError> {
        let Some(end) = tokenizer.end_tokens().first() else { return Err(refused("no token ends a turn")) };
        // Control tokens stand for no bytes, so that no form lets them through.
        let word = |token| Some(tokenizer.bytes(token)).filter(|word| word.len() <= LONGEST_TOKEN).unwrap_or_default();
        let words: Vec<Vec<u8>> = (0..tokenizer.size()).map(word).collect();
        if words.iter().map(Vec::len).sum::<usize>() > MOST_BYTES {
            return Err(refused("the vocabulary is too large to be kept to one"));
        }
        let trie = TokTrie::from(&TokRxInfo::new(tokenizer.size(), *end), &words);
        let vocabulary: TokEnv = Arc::new(ApproximateTokEnv::new(trie.with_eos_tokens(tokenizer.end_tokens())));
        let mut factory = ParserFactory::new_simple(&vocabulary).map_err(|error| refused(&error))?;
        factory.quiet();
        Ok(Self { factory })
    }

    /// Begins an answer of that form.
    ///
    /// # Errors
    /// [`InferenceError::Form`] for a form that cannot be understood.
    pub(super) fn begin(&self, form: &Form) -> Result<Guide, InferenceError> {
        let grammar = match form {
            Form::Grammar(lark) => TopLevelGrammar::from_lark(lark.clone()),
            Form::JsonSchema(schema) => TopLevelGrammar::from_json_schema(compact(schema)),
        };
        let parser = self.factory.create_parser(grammar).map_err(|error| refused(&error))?;
        Ok(Guide { matcher: Matcher::new(Ok(parser)) })
    }
}

/// Asks for one space where white space may stand: a model that may write any amount of it can go on with that for ever.
fn compact(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Value::Object(map) = &mut schema {
        let spaces = json!({ "whitespace_flexible": false, "item_separator": ", ", "key_separator": ": " });
        map.insert("x-guidance".to_owned(), spaces);
    }
    schema
}

/// Follows one answer.
pub(super) struct Guide {
    matcher: Matcher,
}

impl Guide {
    /// Takes all tokens out of the odds that cannot follow; the end of the turn is among those that can where the answer is
    /// complete.
    pub(super) fn rule_out(&mut self, odds: &mut [f32]) -> Result<(), InferenceError> {
        let allowed = self.matcher.compute_mask_or_eos().map_err(|error| refused(&error))?;
        for (token, odds) in (0..).zip(odds) {
            if (token as usize) >= allowed.len() || !allowed.is_allowed(token) {
                *odds = f32::NEG_INFINITY;
            }
        }
        Ok(())
    }

    /// Goes on behind a token that was not ruled out.
    pub(super) fn take(&mut self, token: u32) -> Result<(), InferenceError> {
        self.matcher.consume_token(token).map_err(|error| refused(&error))
    }
}

fn refused(error: &(impl ToString + ?Sized)) -> InferenceError {
    InferenceError::Form { reason: error.to_string() }
}

#[cfg(test)]
#[path = "guide_tests.rs"]
mod tests;
