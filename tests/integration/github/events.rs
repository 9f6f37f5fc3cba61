//! Event payloads, made of GitHub's own examples with the fields set that matter.

use serde_json::{Value, json};

use super::{NAME, State};

fn example(text: &str) -> Value {
    serde_json::from_str(text).expect("an example")
}

impl State {
    fn event(&self, example: Value, sender: &str) -> Value {
        let mut event = example;
        event["repository"]["full_name"] = json!(NAME);
        event["sender"] = merged(event["sender"].clone(), &self.account(sender));
        event
    }

    pub(crate) fn labeled(&self, number: u64, label: &str, by: &str) -> Value {
        let mut event = self.event(example(include_str!("../../github/events/issues.labeled.9.json")), by);
        event["issue"] = merged(event["issue"].clone(), &self.issue(number).expect("there"));
        event["label"]["name"] = json!(label);
        event
    }

    pub(crate) fn opened(&self, number: u64) -> Value {
        let author = self.issues[&number].author.clone();
        let mut event = self.event(example(include_str!("../../github/events/issues.opened.16.json")), &author);
        event["issue"] = merged(event["issue"].clone(), &self.issue(number).expect("there"));
        event
    }

    pub(crate) fn commented(&self, comment: u64) -> Value {
        let comment = &self.comments[&comment];
        let mut event =
            self.event(example(include_str!("../../github/events/issue_comment.created.0.json")), &comment.author);
        let mut issue = merged(event["issue"].clone(), &self.issue(comment.number).expect("there"));
        if self.issues[&comment.number].pull.is_none() {
            issue.as_object_mut().expect("an object").remove("pull_request");
        }
        event["issue"] = issue;
        event["comment"] = merged(event["comment"].clone(), &self.show_comment(comment));
        event
    }

    pub(crate) fn line_commented(&self, comment: u64) -> Value {
        let comment = &self.comments[&comment];
        let text = include_str!("../../github/events/pull_request_review_comment.created.2.json");
        let mut event = self.event(example(text), &comment.author);
        event["pull_request"] = merged(event["pull_request"].clone(), &self.pull(comment.number).expect("there"));
        event["comment"] = merged(event["comment"].clone(), &self.show_comment(comment));
        event
    }

    pub(crate) fn reviewed(&self, review: u64) -> Value {
        let review = self.reviews.iter().find(|other| other.id == review).expect("there");
        let text = include_str!("../../github/events/pull_request_review.submitted.2.json");
        let mut event = self.event(example(text), &review.author);
        event["pull_request"] = merged(event["pull_request"].clone(), &self.pull(review.number).expect("there"));
        event["review"]["id"] = json!(review.id);
        event["review"]["body"] = json!(review.body);
        event["review"]["submitted_at"] = json!(review.at);
        event["review"]["user"] = merged(event["review"]["user"].clone(), &self.account(&review.author));
        event
    }

    pub(crate) fn dispatched(&self, task: &str, by: &str) -> Value {
        let mut event = self.event(example(include_str!("../../github/events/workflow_dispatch.event.1.json")), by);
        event["inputs"] = json!({ "task": task });
        event
    }

    pub(crate) fn run_completed(&self, id: u64) -> Value {
        let run = self.runs.iter().find(|run| run.id == id).expect("there");
        let mut event = self.event(example(include_str!("../../github/events/workflow_run.completed.1.json")), "ann");
        event["workflow_run"]["id"] = json!(id);
        event["workflow_run"]["conclusion"] = json!(run.conclusion);
        event["workflow_run"]["head_sha"] = json!(run.sha);
        event
    }
}

/// Sets the fields of `by` that are objects' own, and keeps the rest.
fn merged(mut value: Value, by: &Value) -> Value {
    match (&mut value, by) {
        (Value::Object(fields), Value::Object(new)) => {
            for (name, new) in new {
                let old = fields.remove(name).unwrap_or_default();
                fields.insert(name.clone(), merged(old, new));
            }
            value
        }
        _ => by.clone(),
    }
}
