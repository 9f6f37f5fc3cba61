//! The few GraphQL operations that are needed, known by their names.

use serde_json::{Value, json};

use super::git::Answer;
use super::server::Asked;
use super::{BOT, Comment, State};

impl State {
    pub(super) fn graphql(&mut self, asked: &Asked) -> Answer {
        let query = asked.body["query"].as_str().unwrap_or_default();
        let name = query.split_whitespace().nth(1).unwrap_or_default();
        let name = name.split('(').next().unwrap_or_default().to_owned();
        let variables = &asked.body["variables"];
        let number = variables["number"].as_u64().unwrap_or(0);
        let outcome = match name.as_str() {
            "viewer" => {
                let id = self.users.get(&asked.by.user).map_or(BOT.1, |user| user.id);
                Ok(json!({ "viewer": { "login": asked.by.user, "databaseId": id } }))
            }
            "threads" => self.threads_of(number),
            "changes" => self.changes(number),
            "reviewChanges" => {
                let of = self.reviews.iter().filter(|review| review.number == number);
                let nodes: Value =
                    of.map(|review| json!({ "databaseId": review.id, "lastEditedAt": review.edited })).collect();
                Ok(json!({ "repository": { "pullRequest": { "reviews": { "nodes": nodes } } } }))
            }
            "resolve" => self.resolve(asked),
            "moveBranch" => self.move_branch(asked),
            other => Err(("UNKNOWN", format!("no operation {other}"))),
        };
        let body = match outcome {
            Ok(data) => json!({ "data": data }),
            Err((kind, message)) => json!({ "data": null, "errors": [{ "type": kind, "message": message }] }),
        };
        (200, body)
    }

    fn threads_of(&self, number: u64) -> Result<Value, (&'static str, String)> {
        if self.issues.get(&number).is_none_or(|issue| issue.pull.is_none()) {
            return Err(("NOT_FOUND", format!("Could not resolve to a PullRequest with the number of {number}.")));
        }
        let said = |comment: &Comment| {
            let edited = if comment.updated == comment.created { Value::Null } else { json!(comment.updated) };
            json!({
                "databaseId": comment.id, "body": comment.body, "author": { "login": comment.author },
                "createdAt": comment.created, "lastEditedAt": edited, "diffHunk": "@@ -1,2 +1,2 @@",
            })
        };
        let nodes: Vec<Value> = self
            .threads
            .iter()
            .filter(|thread| thread.number == number)
            .map(|thread| {
                let first = &self.comments[&thread.first];
                let (path, line, _) = first.line.clone().expect("at a line");
                let belongs = |comment: &&Comment| {
                    comment.id == thread.first
                        || comment.line.as_ref().is_some_and(|(_, _, to)| *to == Some(thread.first))
                };
                let comments: Vec<Value> = self.comments.values().filter(belongs).map(said).collect();
                json!({
                    "id": thread.id, "isResolved": thread.resolved, "isOutdated": false, "path": path, "line": line,
                    "viewerCanResolve": true, "comments": { "nodes": comments },
                })
            })
            .collect();
        let page = json!({ "hasNextPage": false, "endCursor": null });
        Ok(json!({ "repository": { "pullRequest": { "reviewThreads": { "pageInfo": page, "nodes": nodes } } } }))
    }

    fn changes(&self, number: u64) -> Result<Value, (&'static str, String)> {
        let issue = self.issues.get(&number).ok_or(("NOT_FOUND", format!("no issue {number}")))?;
        let renames: Vec<Value> = issue.renamed.iter().map(|at| json!({ "createdAt": at })).collect();
        let editor = issue.edited.as_ref().map(|_| json!({ "login": issue.editor.trim_end_matches("[bot]") }));
        let found = json!({ "lastEditedAt": issue.edited, "editor": editor, "timelineItems": { "nodes": renames } });
        Ok(json!({ "repository": { "issueOrPullRequest": found } }))
    }

    fn resolve(&mut self, asked: &Asked) -> Result<Value, (&'static str, String)> {
        if !asked.by.may.contains(&"pull_requests:write") {
            return Err(("FORBIDDEN", "Resource not accessible by integration".to_owned()));
        }
        let id = asked.body["variables"]["thread"].as_str().unwrap_or_default();
        let thread = self.threads.iter_mut().find(|thread| thread.id == id);
        let thread = thread.ok_or_else(|| ("NOT_FOUND", format!("no thread {id}")))?;
        thread.resolved = true;
        Ok(json!({ "resolveReviewThread": { "thread": { "id": id, "isResolved": true } } }))
    }

    fn move_branch(&mut self, asked: &Asked) -> Result<Value, (&'static str, String)> {
        if !asked.by.may.contains(&"contents:write") {
            return Err(("FORBIDDEN", "Resource not accessible by integration".to_owned()));
        }
        let variables = &asked.body["variables"];
        let text = |name: &str| variables[name].as_str().unwrap_or_default();
        let force = variables["force"].as_bool().unwrap_or(false);
        if text("repository") != "R_1" {
            return Err(("NOT_FOUND", "no such repository".to_owned()));
        }
        let moved = self.update_ref(text("name"), text("before"), text("after"), force);
        moved.map_err(|why| ("UNPROCESSABLE", why))?;
        Ok(json!({ "updateRefs": { "clientMutationId": null } }))
    }
}
