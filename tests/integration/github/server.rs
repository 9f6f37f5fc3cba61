//! The HTTP server: records, checks, fails where it shall, and hands on.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use serde_json::{Value, json};

use super::git::{Answer, missing, refused};
use super::{Call, Fault, GitHub, State, Token};

pub(super) fn serve(listener: tokio::net::TcpListener, github: GitHub) {
    let router = Router::new().fallback(move |request: Request| {
        let github = github.clone();
        async move { answer(&github, request).await }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
}

/// What a request asks for.
pub(super) struct Asked {
    pub(super) method: String,
    /// Below the API's root, decoded.
    pub(super) path: String,
    pub(super) query: String,
    pub(super) body: Value,
    pub(super) by: Token,
}

impl Asked {
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let value = self.query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?.1;
        Some(percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned())
    }
}

async fn answer(github: &GitHub, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let decoded = percent_encoding::percent_decode_str(parts.uri.path()).decode_utf8_lossy().into_owned();
    // An Enterprise server has the same API below /api/v3 and /api.
    let path = decoded.strip_prefix("/api/v3").or(decoded.strip_prefix("/api")).unwrap_or(&decoded).to_owned();
    if path.starts_with("/__") || path.starts_with("/users/") {
        return aside(github, &path);
    }
    let token = parts.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let token = token.trim_start_matches("Bearer ").trim_start_matches("token ").to_owned();
    let (fault, index, by) = {
        let mut state = github.state();
        let by = state.tokens.get(&token).cloned();
        let index = state.calls.len();
        let name = by.as_ref().map_or("nobody", |by| by.name).to_owned();
        let method = parts.method.to_string();
        state.calls.push(Call { token: name, method, path: path.clone(), body: body.clone(), status: 0 });
        let down = state.outage.filter(|from| index >= *from).map(|_| Fault::Status(503));
        (state.faults.get(&index).copied().or(down), index, by)
    };
    let query = parts.uri.query().unwrap_or("").to_owned();
    let asked = by.map(|by| Asked { method: parts.method.to_string(), path, query, body, by });
    let done = fault.is_none_or(super::fault::Fault::is_done).then(|| carry_out(github, asked.as_ref()));
    if let Some((status, ..)) = &done {
        github.state().calls[index].status = *status;
    }
    match fault {
        None => {}
        Some(fault) => match fault.answer() {
            Some(response) => return response,
            None => {
                if fault != Fault::Silent {
                    github.killed.notify_one();
                }
                return std::future::pending().await;
            }
        },
    }
    let (status, body, more) = done.expect("carried out where nothing fails");
    let mut response = Response::builder().status(status).header("content-type", "application/json");
    if more {
        response = response.header("link", "<https://forge.invalid/next>; rel=\"next\"");
    }
    let text = match body {
        Value::Null => String::new(),
        Value::String(place) => {
            response = response.header("location", place);
            String::new()
        }
        other => other.to_string(),
    };
    response.body(Body::from(text)).expect("a response")
}

/// Carries a call out, checked on both sides; returns whether there is a further page too.
fn carry_out(github: &GitHub, asked: Option<&Asked>) -> (u16, Value, bool) {
    let Some(asked) = asked else {
        return (401, json!({ "message": "Bad credentials", "status": "401" }), false);
    };
    let mut state = github.state();
    if asked.path == "/graphql" {
        let (status, body) = state.graphql(asked);
        return (status, body, false);
    }
    let operation = github.description.operation(&asked.method, &asked.path);
    let Some(operation) = operation else {
        state.violations.push(format!("{} {} is not described", asked.method, asked.path));
        let (status, body) = missing();
        return (status, body, false);
    };
    let wrong = github.description.check_request(&operation, &asked.query, &asked.body);
    state
        .violations
        .extend(wrong.into_iter().map(|wrong| format!("{} {}: request: {wrong}", asked.method, asked.path)));
    let (status, body): Answer = match objection(asked) {
        Some(missing) => refused(403, &format!("Resource not accessible by integration ({missing})")),
        None => state.rest(asked),
    };
    let (mut body, more) = page(asked, body);
    github.description.complete(&operation, status, &mut body);
    let shown = if status == 302 { &Value::Null } else { &body };
    let wrong = github.description.check_answer(&operation, status, shown);
    state.violations.extend(wrong.into_iter().map(|wrong| format!("{} {}: answer: {wrong}", asked.method, asked.path)));
    (status, body, more)
}

/// Cuts a list to the page that was asked for.
fn page(asked: &Asked, body: Value) -> (Value, bool) {
    let number = |name: &str, default: usize| asked.parameter(name).and_then(|n| n.parse().ok()).unwrap_or(default);
    let (size, page) = (number("per_page", 30), number("page", 1));
    match body {
        Value::Array(items) if asked.method == "GET" => {
            let more = items.len() > size * page;
            (items.into_iter().skip(size * (page - 1)).take(size).collect(), more)
        }
        other => (other, false),
    }
}

/// Returns the permission that a token lacks.
fn objection(asked: &Asked) -> Option<String> {
    let level = if asked.method == "GET" { "read" } else { "write" };
    let below = asked.path.splitn(5, '/').nth(4).unwrap_or("");
    let first = below.split('/').next().unwrap_or("");
    let wanted: &[&str] = match first {
        "git" | "contents" | "compare" | "dispatches" => &["contents"],
        "pulls" => &["pull_requests"],
        // Comments and labels of pull requests may be written with either.
        "issues" | "labels" => &["issues", "pull_requests"],
        "actions" => &["actions"],
        "check-runs" => &["checks"],
        "commits" => &["contents"],
        _ => &[],
    };
    let may = |name: &&str| {
        let has = |level: &str| asked.by.may.contains(&format!("{name}:{level}").as_str());
        has("write") || (level == "read" && has("read"))
    };
    (!wanted.is_empty() && !wanted.iter().any(may)).then(|| format!("{}={level}", wanted.join(" or ")))
}

/// What a process outside may ask the model about itself.
fn aside(github: &GitHub, path: &str) -> Response {
    let state: std::sync::MutexGuard<'_, State> = github.state();
    if let Some(job) = path.strip_prefix("/__log/") {
        return Response::new(Body::from(state.stored_log(job.parse().unwrap_or(0))));
    }
    if let Some(login) = path.strip_prefix("/users/") {
        return Response::new(Body::from(state.account(login).to_string()));
    }
    let body = match path {
        "/__calls" => json!(state.calls),
        "/__state" => state.snapshot(),
        "/__violations" => json!(state.violations),
        _ => Value::Null,
    };
    Response::new(Body::from(body.to_string()))
}
