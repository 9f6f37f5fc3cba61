//! GraphQL: what the REST API cannot tell or do.

use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::calls::Call;
use super::{ForgeError, GitHub};

#[derive(Deserialize)]
struct Envelope {
    data: Option<Value>,
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    message: String,
}

impl GitHub {
    /// Asks; may be sent again.
    pub(super) async fn ask<T: DeserializeOwned>(&self, query: &str, variables: Value) -> Result<T, ForgeError> {
        self.exchange(Call::query(self.graphql(), json!({ "query": query, "variables": variables }))).await
    }

    /// Changes something; is sent once.
    pub(super) async fn mutate<T: DeserializeOwned>(&self, query: &str, variables: Value) -> Result<T, ForgeError> {
        let body = json!({ "query": query, "variables": variables });
        self.exchange(Call::change(Method::POST, self.graphql(), body)).await
    }

    /// Returns GraphQL's path: an Enterprise server has REST at `/api/v3` and GraphQL at `/api/graphql`.
    fn graphql(&self) -> String {
        format!("{}/graphql", self.root.strip_suffix("/v3").unwrap_or(&self.root))
    }

    async fn exchange<T: DeserializeOwned>(&self, call: Call) -> Result<T, ForgeError> {
        let envelope: Envelope = self.calls.perform(&call).await?.parse(&call.name())?;
        // Errors come with status 200, beside or instead of data.
        if let Some(problem) = envelope.errors.into_iter().next() {
            let (call, message) = (call.name(), problem.message);
            return Err(match problem.kind.as_str() {
                "NOT_FOUND" => ForgeError::NotFound { call },
                "FORBIDDEN" | "INSUFFICIENT_SCOPES" => ForgeError::Forbidden { call, message, needs: None },
                _ => ForgeError::Refused { call, status: 200, message },
            });
        }
        let malformed = |why: String| ForgeError::Malformed { call: call.name(), why };
        let data = envelope.data.ok_or_else(|| malformed("it has neither data nor errors".to_owned()))?;
        serde_json::from_value(data).map_err(|error| malformed(error.to_string()))
    }
}
