//! Vectors of texts, from endpoints that speak OpenAI's embeddings.

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::wire::{Timeouts, Wire};
use super::{Endpoint, LlmError, OpenAiSettings};

/// A model that turns texts into vectors. Each call sends one request; [`super::Retrying`] asks again.
#[derive(Debug)]
pub struct Embedder {
    model: String,
    wire: Wire,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    /// A vector of length 1 for each text, all with the same number of dimensions.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens that the server counted; 0 where it does not tell.
    pub tokens: u64,
}

impl Embedder {
    /// Prepares the adapter; nothing is sent yet.
    ///
    /// # Errors
    /// [`LlmError::Settings`] for a base URL, model name or key that cannot be sent.
    pub fn new(endpoint: &Endpoint, settings: OpenAiSettings) -> Result<Self, LlmError> {
        if endpoint.model.trim().is_empty() {
            return Err(LlmError::Settings("the embedding model's name is empty".to_owned()));
        }
        let timeouts = Timeouts { connect: settings.connect_timeout, reply: settings.reply_timeout };
        let wire = Wire::new(&endpoint.base_url, endpoint.key.as_ref(), &endpoint.model, timeouts)?;
        Ok(Self { model: endpoint.model.clone(), wire })
    }

    /// Returns the model's name as the endpoint knows it.
    pub fn name(&self) -> &str {
        &self.model
    }

    /// Asks for the vectors of `texts` (OpenAI API reference, "Create embeddings").
    ///
    /// # Errors
    /// What the refusal or failure means; [`LlmError::Malformed`] when there is not one vector for each text.
    pub(super) async fn embed(&self, texts: &[String], cancel: &CancellationToken) -> Result<Embedded, LlmError> {
        let body = json!({ "model": self.model, "input": texts, "encoding_format": "float" });
        let answer = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(LlmError::Cancelled),
            answer = self.wire.post("/embeddings", &body) => answer?,
        };
        let read = self.wire.json(&answer)?;
        let vectors = vectors(&read, texts.len()).map_err(|reason| self.wire.malformed(&reason))?;
        let tokens = read.pointer("/usage/prompt_tokens").and_then(Value::as_u64).unwrap_or_default();
        Ok(Embedded { vectors, tokens })
    }
}

/// Reads the vectors in the order of the texts; servers may answer in another.
fn vectors(body: &Value, count: usize) -> Result<Vec<Vec<f32>>, String> {
    let data = body.get("data").and_then(Value::as_array).ok_or("it holds no list `data`")?;
    let mut found: Vec<Option<Vec<f32>>> = vec![None; count];
    for (at, entry) in data.iter().enumerate() {
        let index = entry.get("index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
        let place = found.get_mut(index.unwrap_or(at)).ok_or("it holds more vectors than texts were sent")?;
        let numbers = entry.get("embedding").and_then(Value::as_array).ok_or("an entry holds no `embedding`")?;
        let vector: Option<Vec<f32>> = numbers.iter().map(|number| Some(number.as_f64()? as f32)).collect();
        *place = Some(normalized(vector.ok_or("an embedding holds something else than numbers")?)?);
    }
    let found: Option<Vec<Vec<f32>>> = found.into_iter().collect();
    let found = found.ok_or("it holds fewer vectors than texts were sent")?;
    let same = found.windows(2).all(|pair| pair[0].len() == pair[1].len());
    if same { Ok(found) } else { Err("its vectors have different lengths".to_owned()) }
}

fn normalized(mut vector: Vec<f32>) -> Result<Vec<f32>, String> {
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if !(length.is_finite() && length > 0.0) {
        return Err("a vector has no direction".to_owned());
    }
    vector.iter_mut().for_each(|number| *number /= length);
    Ok(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_put_in_order_and_to_length_one() {
        let body = json!({ "data": [
            { "index": 1, "embedding": [0.0, 2.0] },
            { "index": 0, "embedding": [3.0, 4.0] },
        ] });
        assert_eq!(vectors(&body, 2), Ok(vec![vec![0.6, 0.8], vec![0.0, 1.0]]));
    }

    #[test]
    fn an_answer_that_is_not_one_vector_for_each_text_is_refused() {
        let check = |body: Value, expected: &str| {
            let reason = vectors(&body, 2).expect_err("refused");
            assert!(reason.contains(expected), "{reason}");
        };
        check(json!({}), "no list `data`");
        check(json!({ "data": [{ "embedding": [1.0] }] }), "fewer");
        check(json!({ "data": [{ "embedding": [1.0] }, { "embedding": [1.0] }, { "embedding": [1.0] }] }), "more");
        check(json!({ "data": [{ "embedding": [1.0] }, { "embedding": [1.0, 0.0] }] }), "different lengths");
        check(json!({ "data": [{ "embedding": [0.0] }, { "embedding": [1.0] }] }), "no direction");
        check(json!({ "data": [{ "embedding": ["a"] }, { "embedding": [1.0] }] }), "else than numbers");
    }
}
