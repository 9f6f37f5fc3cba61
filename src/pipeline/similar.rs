//! Asking an embedding model which passages are like the question, and keeping what it said.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::context::{self, ContextError, PassageId, Query, Similar, passage_id};
use crate::index::{Findings, Index, Vector};
use crate::llm::{Embedder, LlmError, Retrying};
use crate::repo::FileTree;

/// Texts of one request.
const BATCH: usize = 64;
/// The question is cut to this many bytes: an issue begins with what it is about.
const QUESTION_BYTES: usize = 2_000;
/// How long other processes that write are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there are no vectors.
#[derive(Debug, thiserror::Error)]
pub enum SimilarError {
    /// The question's hints.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// The endpoint.
    #[error(transparent)]
    Model(#[from] LlmError),
}

impl SimilarError {
    /// Tells a person what follows from it.
    pub fn told(&self) -> String {
        format!("context.embeddings: {self}; the files are ranked without vectors")
    }
}

/// What asking has come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compared {
    /// How similar the passages are.
    pub similar: Similar,
    /// Passages that were compared.
    pub passages: usize,
    /// Texts that the model was asked for; the others were known.
    pub asked: usize,
    /// Tokens that it read, as it counts.
    pub tokens: u64,
}

impl Compared {
    /// Tells a person what was done.
    pub fn told(&self, model: &str) -> String {
        let Self { passages, asked, tokens, .. } = self;
        format!("{passages} passages compared with the task; {model} was asked for {asked} vectors ({tokens} tokens)")
    }
}

/// Compares the passages of the files that fit best with the question. Every text is asked for once and kept in the index.
///
/// # Errors
/// [`SimilarError`]; what was answered before is kept.
pub async fn compare(
    tree: &FileTree,
    query: &Query,
    index: Option<&Index>,
    embedder: &Retrying<Embedder>,
    cancel: &CancellationToken,
) -> Result<Compared, SimilarError> {
    let passages = context::passages(tree, query, index)?;
    let question = query.text[..query.text.floor_char_boundary(QUESTION_BYTES)].to_owned();
    let asked_for = passage_id(&question);
    let texts: BTreeMap<PassageId, String> =
        passages.into_iter().map(|passage| (passage.id, passage.text)).chain([(asked_for, question)]).collect();
    let model = embedder.model().name();
    let mut vectors: BTreeMap<PassageId, Vec<f32>> = BTreeMap::new();
    if let Some(reader) = index.and_then(|index| index.reader().ok()) {
        vectors.extend(texts.keys().filter_map(|id| Some((*id, reader.vector(id, model)?))));
    }
    let mut compared = Compared { passages: texts.len() - 1, ..Compared::default() };
    let missing: Vec<(&PassageId, &String)> = texts.iter().filter(|(id, _)| !vectors.contains_key(*id)).collect();
    for batch in missing.chunks(BATCH) {
        let wanted: Vec<String> = batch.iter().map(|(_, text)| (*text).clone()).collect();
        let embedded = embedder.embed(&wanted, cancel).await?;
        compared.asked += batch.len();
        compared.tokens += embedded.tokens;
        let answered: Vec<(PassageId, Vec<f32>)> = batch.iter().map(|(id, _)| **id).zip(embedded.vectors).collect();
        if let Some(index) = index {
            let kept = |(id, vector): &(PassageId, Vec<f32>)| Vector {
                id: *id,
                model: model.to_owned(),
                numbers: vector.clone(),
            };
            let findings = Findings { vectors: answered.iter().map(kept).collect(), ..Findings::default() };
            // What cannot be kept is asked for again next time.
            drop(index.keep(&findings, PATIENCE));
        }
        vectors.extend(answered);
    }
    let Some(question) = vectors.remove(&asked_for) else { return Ok(compared) };
    let likeness =
        |vector: &[f32]| f64::from(vector.iter().zip(&question).map(|(a, b)| a * b).sum::<f32>()).clamp(0.0, 1.0);
    compared.similar = Similar(vectors.iter().map(|(id, vector)| (*id, likeness(vector))).collect());
    Ok(compared)
}
