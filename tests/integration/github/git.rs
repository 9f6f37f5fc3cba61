//! The repository behind the model: real objects and refs in a bare repository.

use git2::{FileMode, ObjectType, Oid, Repository, Signature};
use serde_json::{Value, json};

use super::State;

/// An answer: status and body.
pub(super) type Answer = (u16, Value);

pub(super) fn refused(status: u16, message: &str) -> Answer {
    (
        status,
        json!({ "message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string() }),
    )
}

pub(super) fn missing() -> Answer {
    refused(404, "Not Found")
}

fn oid(text: &str) -> Option<Oid> {
    Oid::from_str(text).ok().filter(|_| text.len() == 40)
}

impl State {
    pub(crate) fn head(&self, branch: &str) -> Option<String> {
        self.git.refname_to_id(&format!("refs/heads/{branch}")).ok().map(|id| id.to_string())
    }

    /// Commits files on top of a branch, as a person would by pushing; `None` removes a file.
    pub(crate) fn commit_as(
        &mut self,
        who: &str,
        branch: &str,
        files: &[(&str, Option<&str>)],
        message: &str,
    ) -> String {
        let parent = self.head(branch).and_then(|sha| oid(&sha)).and_then(|id| self.git.find_commit(id).ok());
        let mut index = git2::Index::new().expect("an index");
        if let Some(parent) = &parent {
            index.read_tree(&parent.tree().expect("a tree")).expect("read");
        }
        for (path, text) in files {
            match text {
                Some(text) => {
                    let id = self.git.blob(text.as_bytes()).expect("stored");
                    let mode = if path.ends_with(".sh") { 0o100_755 } else { 0o100_644 };
                    index.add(&entry(path, id, mode)).expect("added");
                }
                None => index.remove_path(std::path::Path::new(path)).expect("removed"),
            }
        }
        let tree = self.git.find_tree(index.write_tree_to(&self.git).expect("written")).expect("there");
        let by =
            Signature::new(who, &format!("{who}@people.invalid"), &git2::Time::new(self.seconds(), 0)).expect("sound");
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        let name = format!("refs/heads/{branch}");
        self.git.commit(Some(&name), &by, &by, message, &tree, &parents).expect("committed").to_string()
    }

    pub(super) fn get_ref(&self, name: &str) -> Answer {
        match self.git.refname_to_id(&format!("refs/{name}")) {
            Ok(id) => (200, reference(name, &id.to_string())),
            Err(_) => missing(),
        }
    }

    pub(super) fn create_ref(&mut self, body: &Value) -> Answer {
        let (name, sha) = (body["ref"].as_str().unwrap_or(""), body["sha"].as_str().unwrap_or(""));
        let Some(id) = oid(sha).filter(|id| self.git.find_commit(*id).is_ok()) else {
            return refused(422, "Object does not exist");
        };
        match self.git.reference(name, id, false, "created") {
            Ok(_) => (201, reference(name.trim_start_matches("refs/"), sha)),
            Err(_) => refused(422, "Reference already exists"),
        }
    }

    /// `updateRefs` of GraphQL: moves a ref if it is where the caller saw it.
    pub(super) fn update_ref(&mut self, name: &str, before: &str, after: &str, force: bool) -> Result<(), String> {
        let now = self.git.refname_to_id(name).map_err(|_| format!("{name} does not exist"))?;
        if oid(before) != Some(now) {
            return Err(format!("{name} is at {now} but expected {before}"));
        }
        let target = oid(after).filter(|id| self.git.find_commit(*id).is_ok()).ok_or("no such object")?;
        let forward = target == now || self.git.graph_descendant_of(target, now).unwrap_or(false);
        if !force && !forward {
            return Err(format!("{name} is not a fast-forward"));
        }
        self.git.reference(name, target, true, "moved").map(|_| ()).map_err(|error| error.to_string())
    }

    pub(super) fn create_blob(&mut self, body: &Value) -> Answer {
        use base64::Engine;
        let content = body["content"].as_str().unwrap_or_default();
        let bytes = match body["encoding"].as_str() {
            Some("base64") => base64::engine::general_purpose::STANDARD.decode(content).unwrap_or_default(),
            _ => content.as_bytes().to_vec(),
        };
        (201, json!({ "sha": self.git.blob(&bytes).expect("stored").to_string() }))
    }

    pub(super) fn get_blob(&self, sha: &str) -> Answer {
        match oid(sha).and_then(|id| self.git.find_blob(id).ok()) {
            Some(blob) => (200, content(&blob)),
            None => missing(),
        }
    }

    pub(super) fn create_tree(&mut self, body: &Value) -> Answer {
        let mut index = git2::Index::new().expect("an index");
        if let Some(base) = body["base_tree"].as_str() {
            let Some(tree) = oid(base).and_then(|id| self.git.find_tree(id).ok()) else {
                return refused(422, "base_tree is not a valid tree oid");
            };
            index.read_tree(&tree).expect("read");
        }
        for change in body["tree"].as_array().into_iter().flatten() {
            let path = change["path"].as_str().unwrap_or_default();
            let mode = u32::from_str_radix(change["mode"].as_str().unwrap_or("100644"), 8).unwrap_or(0o100_644);
            let id = match (change["content"].as_str(), change["sha"].as_str()) {
                (Some(text), _) => self.git.blob(text.as_bytes()).ok(),
                (None, Some(sha)) => oid(sha).filter(|id| self.git.find_blob(*id).is_ok()),
                (None, None) => {
                    if index.remove_path(std::path::Path::new(path)).is_err() {
                        return refused(422, "GitRPC::BadObjectState");
                    }
                    continue;
                }
            };
            let Some(id) = id else { return refused(422, "tree.sha is not a valid blob") };
            if index.add(&entry(path, id, mode)).is_err() {
                return refused(422, "tree.path is malformed");
            }
        }
        let sha = index.write_tree_to(&self.git).expect("written").to_string();
        (201, self.get_tree(&sha).1)
    }

    pub(super) fn get_tree(&self, sha: &str) -> Answer {
        let Some(tree) = oid(sha).and_then(|id| self.git.find_tree(id).ok()) else { return missing() };
        let mut entries = Vec::new();
        tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            let path = format!("{folder}{}", entry.name().unwrap_or_default());
            let kind = entry.kind().map_or("blob", |kind| kind.str());
            let mut one = json!({
                "path": path, "mode": format!("{:06o}", entry.filemode()), "type": kind, "sha": entry.id().to_string(),
            });
            if kind == "blob" {
                one["size"] = json!(self.git.find_blob(entry.id()).map(|blob| blob.size()).unwrap_or(0));
            }
            entries.push(one);
            git2::TreeWalkResult::Ok
        })
        .expect("walked");
        (200, json!({ "sha": sha, "tree": entries, "truncated": false }))
    }

    pub(super) fn create_commit(&mut self, body: &Value, by: &str) -> Answer {
        let Some(tree) = body["tree"].as_str().and_then(oid).and_then(|id| self.git.find_tree(id).ok()) else {
            return refused(422, "Tree SHA does not exist");
        };
        let mut parents = Vec::new();
        for parent in body["parents"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let Some(commit) = oid(parent).and_then(|id| self.git.find_commit(id).ok()) else {
                return refused(422, "Parent SHA does not exist or is not a commit object");
            };
            parents.push(commit);
        }
        let at = git2::Time::new(self.seconds(), 0);
        let by = Signature::new(by, "bot@users.invalid", &at).expect("sound");
        let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
        let message = body["message"].as_str().unwrap_or_default();
        let id = self.git.commit(None, &by, &by, message, &tree, &parents).expect("committed").to_string();
        (201, self.get_commit(&id).1)
    }

    pub(super) fn get_commit(&self, sha: &str) -> Answer {
        let Some(commit) = oid(sha).and_then(|id| self.git.find_commit(id).ok()) else { return missing() };
        let mut body = details(&commit);
        body["sha"] = json!(sha);
        body["parents"] = parents(&commit);
        (200, body)
    }

    pub(super) fn compare(&self, basehead: &str) -> Answer {
        let Some((base, head)) = basehead.split_once("...") else { return missing() };
        let find = |name: &str| self.head(name).and_then(|sha| oid(&sha)).or_else(|| oid(name));
        let (Some(base), Some(head)) = (find(base), find(head)) else { return missing() };
        let (Ok(base_commit), Ok(head_commit)) = (self.git.find_commit(base), self.git.find_commit(head)) else {
            return missing();
        };
        let Ok(merge_base) = self.git.merge_base(base, head) else {
            return refused(404, "No common ancestor between the two commits");
        };
        let (ahead, behind) = self.git.graph_ahead_behind(head, base).expect("counted");
        let mut walk = self.git.revwalk().expect("a walk");
        walk.push(head).expect("there");
        walk.hide(base).expect("there");
        walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::REVERSE).expect("sorted");
        let commits: Vec<Value> = walk.flatten().map(|id| self.listed(id)).collect();
        let status = match (ahead, behind) {
            (0, 0) => "identical",
            (_, 0) => "ahead",
            (0, _) => "behind",
            _ => "diverged",
        };
        let merge_base_tree = self.git.find_commit(merge_base).and_then(|commit| commit.tree()).ok();
        let difference = self.git.diff_tree_to_tree(merge_base_tree.as_ref(), head_commit.tree().ok().as_ref(), None);
        let files: Vec<Value> = difference
            .expect("compared")
            .deltas()
            .map(|delta| {
                let path = delta.new_file().path().unwrap_or(std::path::Path::new("")).display().to_string();
                let status = match delta.status() {
                    git2::Delta::Added => "added",
                    git2::Delta::Deleted => "removed",
                    _ => "modified",
                };
                json!({ "filename": path, "status": status, "sha": delta.new_file().id().to_string() })
            })
            .collect();
        (
            200,
            json!({
                "status": status, "ahead_by": ahead, "behind_by": behind, "total_commits": commits.len(),
                "base_commit": self.listed(base_commit.id()), "merge_base_commit": self.listed(merge_base),
                "commits": commits, "files": files,
            }),
        )
    }

    fn listed(&self, id: Oid) -> Value {
        let commit = self.git.find_commit(id).expect("there");
        json!({ "sha": id.to_string(), "commit": details(&commit), "parents": parents(&commit), "author": null, "committer": null })
    }

    pub(super) fn contents(&self, path: &str, at: &str) -> Answer {
        let id = self.head(at).and_then(|sha| oid(&sha)).or_else(|| oid(at));
        let Some(commit) = id.and_then(|id| self.git.find_commit(id).ok()) else {
            return refused(404, "No commit found for the ref");
        };
        let tree = commit.tree().expect("a tree");
        let Ok(found) = tree.get_path(std::path::Path::new(path)) else { return missing() };
        if found.kind() == Some(ObjectType::Tree) {
            let folder = self.git.find_tree(found.id()).expect("there");
            let one = |entry: git2::TreeEntry<'_>| {
                let name = entry.name().unwrap_or_default().to_owned();
                let kind = if entry.kind() == Some(ObjectType::Tree) { "dir" } else { "file" };
                json!({ "name": name, "path": format!("{path}/{name}"), "type": kind, "size": 1, "sha": entry.id().to_string() })
            };
            return (200, folder.iter().map(one).collect());
        }
        let blob = self.git.find_blob(found.id()).expect("there");
        let mut body = content(&blob);
        body["type"] = json!("file");
        body["path"] = json!(path);
        body["name"] = json!(path.rsplit('/').next());
        if blob.size() > 1 << 20 {
            (body["encoding"], body["content"]) = (json!("none"), json!(""));
        }
        (200, body)
    }
}

fn entry(path: &str, id: Oid, mode: u32) -> git2::IndexEntry {
    let zero = git2::IndexTime::new(0, 0);
    let path = path.as_bytes().to_vec();
    git2::IndexEntry {
        ctime: zero,
        mtime: zero,
        dev: 0,
        ino: 0,
        mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path,
    }
}

fn content(blob: &git2::Blob<'_>) -> Value {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(blob.content());
    // GitHub breaks the lines of base64.
    let lines: Vec<&str> = text.as_bytes().chunks(60).map(|chunk| std::str::from_utf8(chunk).expect("ASCII")).collect();
    json!({ "sha": blob.id().to_string(), "size": blob.size(), "encoding": "base64", "content": lines.join("\n") + "\n" })
}

fn reference(name: &str, sha: &str) -> Value {
    json!({ "ref": format!("refs/{name}"), "object": { "sha": sha, "type": "commit" } })
}

fn parents(commit: &git2::Commit<'_>) -> Value {
    commit.parent_ids().map(|id| json!({ "sha": id.to_string() })).collect()
}

fn details(commit: &git2::Commit<'_>) -> Value {
    let by = |who: &Signature<'_>| {
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(who.when().seconds().unsigned_abs());
        json!({
            "name": who.name().unwrap_or_default(), "email": who.email().unwrap_or_default(),
            "date": humantime::format_rfc3339_seconds(at).to_string(),
        })
    };
    json!({
        "message": commit.message().unwrap_or_default(), "tree": { "sha": commit.tree_id().to_string() },
        "author": by(&commit.author()), "committer": by(&commit.committer()),
    })
}

/// Makes the bare repository, or takes over the branch `main` of another one.
pub(super) fn make(folder: &std::path::Path, from: Option<&std::path::Path>) -> Repository {
    let git = Repository::init_bare(folder).expect("a repository");
    git.set_head("refs/heads/main").expect("set");
    if let Some(from) = from {
        let url = from.display().to_string();
        let mut remote = git.remote_anonymous(&url).expect("a remote");
        remote.fetch(&["+refs/heads/main:refs/heads/main"], None, None).expect("fetched");
        drop(remote);
    }
    debug_assert_eq!(i32::from(FileMode::Blob), 0o100_644);
    git
}
