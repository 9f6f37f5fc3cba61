//! The REST API: repository, issues, pull requests.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::git::{Answer, missing, refused};
use super::server::Asked;
use super::{Comment, Issue, NAME, Pull, State};

impl State {
    pub(super) fn rest(&mut self, asked: &Asked) -> Answer {
        let rest = asked.path.strip_prefix(&format!("/repos/{NAME}")).map(str::to_owned);
        let Some(rest) = rest else { return missing() };
        let parts: Vec<&str> = rest.split('/').skip(1).collect();
        let number = |text: &str| text.parse::<u64>().unwrap_or(0);
        match (asked.method.as_str(), parts.as_slice()) {
            ("GET", []) => (200, self.repository()),
            ("POST", ["dispatches"]) => {
                self.dispatches.push(asked.body.clone());
                (204, Value::Null)
            }
            ("GET", ["labels"]) => (200, self.labels.iter().map(|name| label(name)).collect()),
            ("POST", ["labels"]) => self.create_label(&asked.body),
            ("GET", ["collaborators", login, "permission"]) => self.permission(login),
            ("GET", ["compare", ..]) => self.compare(rest.trim_start_matches("/compare/")),
            ("GET", ["git", "ref", ..]) => self.get_ref(rest.trim_start_matches("/git/ref/")),
            ("POST", ["git", "refs"]) => self.create_ref(&asked.body),
            ("POST", ["git", "blobs"]) => self.create_blob(&asked.body),
            ("GET", ["git", "blobs", sha]) => self.get_blob(sha),
            ("POST", ["git", "trees"]) => self.create_tree(&asked.body),
            ("GET", ["git", "trees", sha]) => self.get_tree(sha),
            ("POST", ["git", "commits"]) => self.create_commit(&asked.body, &asked.by.user),
            ("GET", ["git", "commits", sha]) => self.get_commit(sha),
            ("GET", ["contents", ..]) => {
                let at = asked.parameter("ref").unwrap_or_else(|| "main".to_owned());
                self.contents(rest.trim_start_matches("/contents/"), &at)
            }
            ("GET", ["pulls"]) => self.list_pulls(asked),
            ("POST", ["pulls"]) => self.create_pull(asked),
            ("GET", ["pulls", n]) => self.pull(number(n)).map_or_else(missing, |pull| (200, pull)),
            ("PATCH", ["pulls", n]) => self.update_issue(number(n), asked, true),
            ("POST", ["pulls", n, "requested_reviewers"]) => self.request_reviewers(number(n), &asked.body),
            ("GET", ["issues"]) => self.list_issues(asked),
            ("POST", ["issues"]) => {
                let text = |name: &str| asked.body[name].as_str().unwrap_or_default().to_owned();
                let new = self.open_issue(&asked.by.user, &text("title"), &text("body"));
                let labels: BTreeSet<String> = strings(&asked.body["labels"]).into_iter().collect();
                self.issues.get_mut(&new).expect("there").labels = labels;
                (201, self.issue(new).expect("there"))
            }
            ("GET", ["issues", "comments"]) => {
                let since = asked.parameter("since").unwrap_or_default();
                let recent = |comment: &&Comment| comment.line.is_none() && comment.updated >= since;
                (200, self.comments.values().filter(recent).map(|comment| self.show_comment(comment)).collect())
            }
            ("GET", ["issues", n]) => self.issue(number(n)).map_or_else(missing, |issue| (200, issue)),
            ("PATCH", ["issues", n]) if *n != "comments" => self.update_issue(number(n), asked, false),
            ("POST", ["issues", n, "labels"]) => self.add_labels(number(n), &asked.body),
            ("DELETE", ["issues", n, "labels", name]) => self.remove_label(number(n), name),
            ("GET", ["actions", "runs", id]) => self.run(number(id)),
            ("GET", ["actions", "runs", id, "jobs"]) => self.jobs(number(id)),
            ("GET", ["actions", "jobs", id, "logs"]) => self.log(number(id)),
            _ => self.talk(asked, &parts),
        }
    }

    pub(super) fn account(&self, login: &str) -> Value {
        match self.users.get(login) {
            Some(user) => json!({ "login": login, "id": user.id, "type": user.kind }),
            None => Value::Null,
        }
    }

    fn repository(&self) -> Value {
        json!({ "id": 1, "node_id": "R_1", "full_name": NAME, "name": "widgets", "default_branch": "main" })
    }

    fn permission(&self, login: &str) -> Answer {
        let Some(user) = self.users.get(login) else { return missing() };
        let base = match user.permission {
            "triage" => "read",
            "maintain" => "write",
            other => other,
        };
        (200, json!({ "permission": base, "role_name": user.permission, "user": null }))
    }

    fn create_label(&mut self, body: &Value) -> Answer {
        let name = body["name"].as_str().unwrap_or_default().to_owned();
        if name.is_empty() {
            return refused(422, "Validation Failed");
        }
        if self.labels.insert(name.clone()) { (201, label(&name)) } else { refused(422, "Validation Failed") }
    }

    fn list_pulls(&self, asked: &Asked) -> Answer {
        let (head, state) = (asked.parameter("head"), asked.parameter("state").unwrap_or_else(|| "open".to_owned()));
        let wanted = |issue: &&Issue| {
            let Some(pull) = &issue.pull else { return false };
            let owner = pull.from.split('/').next().unwrap_or_default();
            let named = head.as_ref().is_none_or(|head| *head == format!("{owner}:{}", pull.head));
            named && (state == "all" || (state == "open") == issue.open)
        };
        (200, self.issues.values().filter(wanted).rev().filter_map(|issue| self.pull(issue.number)).collect())
    }

    fn create_pull(&mut self, asked: &Asked) -> Answer {
        let text = |name: &str| asked.body[name].as_str().unwrap_or_default().to_owned();
        let (head, base) = (text("head"), text("base"));
        let draft = asked.body["draft"].as_bool().unwrap_or(false);
        if draft && !self.drafts {
            return refused(422, "Draft pull requests are not supported in this repository.");
        }
        let (Some(tip), Some(ground)) = (self.head(&head), self.head(&base)) else {
            return refused(422, "Validation Failed");
        };
        if tip == ground {
            return refused(422, &format!("No commits between {base} and {head}"));
        }
        let same = |issue: &Issue| {
            issue.open && issue.pull.as_ref().is_some_and(|pull| pull.head == head && pull.base == base)
        };
        if self.issues.values().any(same) {
            return refused(422, &format!("A pull request already exists for acme:{head}."));
        }
        let number = self.open_issue(&asked.by.user, &text("title"), &text("body"));
        let pull = Pull { head, from: NAME.to_owned(), base, draft, merged: false, reviewers: BTreeSet::new() };
        self.issues.get_mut(&number).expect("there").pull = Some(pull);
        (201, self.pull(number).expect("there"))
    }

    pub(crate) fn pull(&self, number: u64) -> Option<Value> {
        let issue = self.issues.get(&number)?;
        let pull = issue.pull.as_ref()?;
        let side = |branch: &str, from: &str, sha: String| {
            let owner = owner_of(from);
            json!({ "label": format!("{owner}:{branch}"), "ref": branch, "sha": sha, "repo": { "full_name": from }, "user": self.account(owner_of(from)) })
        };
        let sha = |branch: &str| self.head(branch).unwrap_or_else(|| "0".repeat(40));
        let mut shown = self.issue(number)?;
        shown["draft"] = json!(pull.draft);
        shown["merged"] = json!(pull.merged);
        shown["merged_at"] = if pull.merged { json!(issue.updated) } else { Value::Null };
        shown["head"] = side(&pull.head, &pull.from, sha(&pull.head));
        shown["base"] = side(&pull.base, NAME, sha(&pull.base));
        shown["requested_reviewers"] = pull.reviewers.iter().map(|login| self.account(login)).collect();
        shown["html_url"] = json!(format!("https://forge.invalid/{NAME}/pull/{number}"));
        shown["auto_merge"] = Value::Null;
        shown["mergeable"] = Value::Null;
        shown.as_object_mut().expect("an object").remove("pull_request");
        Some(shown)
    }

    pub(crate) fn issue(&self, number: u64) -> Option<Value> {
        let issue = self.issues.get(&number)?;
        let mut shown = json!({
            "id": number + 5000, "node_id": format!("I_{number}"), "number": number, "title": issue.title,
            "body": issue.body, "user": self.account(&issue.author), "state": if issue.open { "open" } else { "closed" },
            "labels": issue.labels.iter().map(|name| label(name)).collect::<Value>(), "locked": false,
            "created_at": issue.created, "updated_at": issue.updated, "assignee": null, "assignees": [],
            "html_url": format!("https://forge.invalid/{NAME}/issues/{number}"), "author_association": "NONE",
            "milestone": null, "closed_at": null, "comments": 0,
        });
        if issue.pull.is_some() {
            shown["pull_request"] = json!({});
        }
        Some(shown)
    }

    fn list_issues(&self, asked: &Asked) -> Answer {
        let wanted = asked.parameter("labels").unwrap_or_default();
        let fits = |issue: &&Issue| issue.open && (wanted.is_empty() || issue.labels.contains(&wanted));
        (200, self.issues.values().filter(fits).rev().filter_map(|issue| self.issue(issue.number)).collect())
    }

    fn update_issue(&mut self, number: u64, asked: &Asked, is_pull: bool) -> Answer {
        let (body, now) = (&asked.body, self.tick());
        let Some(issue) = self.issues.get_mut(&number) else { return missing() };
        if let Some(text) = body["body"].as_str() {
            (issue.body, issue.edited) = (text.to_owned(), Some(now.clone()));
            issue.editor.clone_from(&asked.by.user);
        }
        if let Some(title) = body["title"].as_str() {
            (issue.title, issue.renamed) = (title.to_owned(), Some(now.clone()));
        }
        issue.updated = now;
        let shown = if is_pull { self.pull(number) } else { self.issue(number) };
        shown.map_or_else(missing, |shown| (200, shown))
    }

    fn request_reviewers(&mut self, number: u64, body: &Value) -> Answer {
        let logins = strings(&body["reviewers"]);
        if logins.iter().any(|login| self.users.get(login).is_none_or(|user| user.permission == "none")) {
            return refused(422, "Reviews may only be requested from collaborators.");
        }
        let Some(pull) = self.issues.get_mut(&number).and_then(|issue| issue.pull.as_mut()) else { return missing() };
        pull.reviewers.extend(logins);
        (201, self.pull(number).expect("there"))
    }

    fn add_labels(&mut self, number: u64, body: &Value) -> Answer {
        let names = strings(&body["labels"]);
        let Some(issue) = self.issues.get_mut(&number) else { return missing() };
        issue.labels.extend(names.iter().cloned());
        let all = issue.labels.iter().map(|name| label(name)).collect();
        // GitHub makes labels that do not exist yet.
        self.labels.extend(names);
        (200, all)
    }

    fn remove_label(&mut self, number: u64, name: &str) -> Answer {
        let Some(issue) = self.issues.get_mut(&number) else { return missing() };
        if !issue.labels.remove(name) {
            return refused(404, "Label does not exist");
        }
        (200, issue.labels.iter().map(|name| label(name)).collect())
    }

    fn run(&self, id: u64) -> Answer {
        let Some(run) = self.runs.iter().find(|run| run.id == id) else { return missing() };
        (
            200,
            json!({
                "id": id, "name": run.name, "head_branch": run.branch, "head_sha": run.sha, "event": "push",
                "conclusion": run.conclusion, "status": "completed", "head_repository": { "full_name": NAME },
                "html_url": format!("https://forge.invalid/{NAME}/actions/runs/{id}"),
            }),
        )
    }

    fn jobs(&self, id: u64) -> Answer {
        let Some(run) = self.runs.iter().find(|run| run.id == id) else { return missing() };
        let step = json!({ "name": "Test", "number": 1, "status": "completed", "conclusion": run.conclusion });
        let job = json!({ "id": id + 1, "run_id": id, "name": "test", "conclusion": run.conclusion, "status": "completed", "steps": [step] });
        (200, json!({ "total_count": 1, "jobs": [job] }))
    }

    /// The answer is the address of the log, on another host.
    fn log(&self, job: u64) -> Answer {
        match self.runs.iter().find(|run| run.id + 1 == job) {
            Some(_) => (302, json!(format!("/__log/{job}"))),
            None => missing(),
        }
    }

    pub(super) fn stored_log(&self, job: u64) -> String {
        self.runs.iter().find(|run| run.id + 1 == job).map(|run| run.log.clone()).unwrap_or_default()
    }
}

fn owner_of(repository: &str) -> &str {
    repository.split('/').next().unwrap_or_default()
}

fn label(name: &str) -> Value {
    json!({ "id": 1, "name": name, "color": "ededed", "default": false, "description": "" })
}

pub(super) fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
