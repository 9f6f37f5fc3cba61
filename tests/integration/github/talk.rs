//! The REST API: comments, reviews, reactions.

use serde_json::{Value, json};

use super::git::{Answer, missing};
use super::server::Asked;
use super::{Comment, NAME, State};

impl State {
    pub(super) fn talk(&mut self, asked: &Asked, parts: &[&str]) -> Answer {
        let number = |text: &str| text.parse::<u64>().unwrap_or(0);
        let body = asked.body["body"].as_str().unwrap_or_default();
        match (asked.method.as_str(), parts) {
            ("GET", ["issues", n, "comments"]) => self.comments_of(number(n), false),
            ("POST", ["issues", n, "comments"]) => {
                if !self.issues.contains_key(&number(n)) {
                    return missing();
                }
                let id = self.comment(number(n), &asked.by.user, body);
                (201, self.show_comment(&self.comments[&id]))
            }
            ("PATCH", ["issues", "comments", id]) => self.edit_comment(number(id), body),
            ("DELETE", ["issues" | "pulls", "comments", id]) => match self.comments.remove(&number(id)) {
                Some(_) => (204, Value::Null),
                None => missing(),
            },
            ("GET", ["pulls", n, "comments"]) => self.comments_of(number(n), true),
            ("GET", ["pulls", n, "reviews"]) => {
                let of = |review: &&super::Review| review.number == number(n);
                let show = |review: &super::Review| {
                    json!({
                        "id": review.id, "body": review.body, "state": "COMMENTED", "submitted_at": review.at,
                        "user": self.account(&review.author), "commit_id": null,
                    })
                };
                (200, self.reviews.iter().filter(of).map(show).collect())
            }
            ("POST", ["pulls", n, "comments", id, "replies"]) => self.reply(number(n), number(id), asked),
            (method @ ("GET" | "POST"), [kind @ ("issues" | "pulls"), "comments", id, "reactions"]) => {
                if !self.comments.contains_key(&number(id)) {
                    return missing();
                }
                let kind = if *kind == "issues" { "comment" } else { "line" };
                self.reactions(method, kind, number(id), asked)
            }
            (method @ ("GET" | "POST"), ["issues", n, "reactions"]) => {
                self.reactions(method, "issue", number(n), asked)
            }
            ("GET", ["commits", sha, "check-runs"]) => {
                let name = asked.parameter("check_name");
                let fits =
                    |run: &&Value| run["head_sha"] == **sha && name.as_ref().is_none_or(|name| run["name"] == **name);
                let found: Vec<Value> = self.check_runs.iter().filter(fits).cloned().collect();
                (200, json!({ "total_count": found.len(), "check_runs": found }))
            }
            ("POST", ["check-runs"]) => {
                let mut run = asked.body.clone();
                run["id"] = json!(self.check_runs.len() + 900);
                self.check_runs.push(run.clone());
                (201, run)
            }
            ("PATCH", ["check-runs", id]) => {
                let Some(run) = self.check_runs.iter_mut().find(|run| run["id"] == number(id)) else {
                    return missing();
                };
                for (key, value) in asked.body.as_object().into_iter().flatten() {
                    run[key] = value.clone();
                }
                (200, run.clone())
            }
            _ => missing(),
        }
    }

    pub(super) fn show_comment(&self, comment: &Comment) -> Value {
        let mut shown = json!({
            "id": comment.id, "body": comment.body, "user": self.account(&comment.author),
            "created_at": comment.created, "updated_at": comment.updated, "author_association": "NONE",
            "html_url": format!("https://forge.invalid/{NAME}/issues/{}#issuecomment-{}", comment.number, comment.id),
        });
        if let Some((path, line, first)) = &comment.line {
            shown["path"] = json!(path);
            shown["line"] = json!(line);
            shown["diff_hunk"] = json!(format!("@@ -{line},1 +{line},1 @@"));
            if let Some(first) = first {
                shown["in_reply_to_id"] = json!(first);
            }
        }
        shown
    }

    fn comments_of(&self, number: u64, at_lines: bool) -> Answer {
        let of = |comment: &&Comment| comment.number == number && comment.line.is_some() == at_lines;
        (200, self.comments.values().filter(of).map(|comment| self.show_comment(comment)).collect())
    }

    pub(crate) fn edit_comment(&mut self, id: u64, body: &str) -> Answer {
        let now = self.tick();
        let Some(comment) = self.comments.get_mut(&id) else { return missing() };
        (comment.body, comment.updated) = (body.to_owned(), now);
        (200, self.show_comment(&self.comments[&id]))
    }

    fn reply(&mut self, number: u64, to: u64, asked: &Asked) -> Answer {
        let Some((path, line, first)) = self.comments.get(&to).and_then(|comment| comment.line.clone()) else {
            return missing();
        };
        let id = self.comment(number, &asked.by.user, asked.body["body"].as_str().unwrap_or_default());
        self.comments.get_mut(&id).expect("there").line = Some((path, line, Some(first.unwrap_or(to))));
        (201, self.show_comment(&self.comments[&id]))
    }

    fn reactions(&mut self, method: &str, kind: &'static str, id: u64, asked: &Asked) -> Answer {
        let show = |user: &str, content: &str, number: u64| json!({ "id": number, "content": content, "user": self.account(user) });
        if method == "GET" {
            let of = self.reactions.iter().filter(|((k, i, ..), _)| *k == kind && *i == id);
            return (200, of.map(|((_, _, user, content), number)| show(user, content, *number)).collect());
        }
        let content = asked.body["content"].as_str().unwrap_or_default().to_owned();
        let key = (kind, id, asked.by.user.clone(), content.clone());
        if let Some(number) = self.reactions.get(&key) {
            return (200, show(&asked.by.user, &content, *number));
        }
        let number = self.id();
        self.reactions.insert(key, number);
        let user = self.account(&asked.by.user);
        (201, json!({ "id": number, "content": content, "user": user }))
    }
}
