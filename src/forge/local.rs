//! Pull requests as files: `DIR/BRANCH-NAME/{pull.json, body.md, index.html}`.

use std::path::{Path, PathBuf};

use super::{BoxFuture, Forge, ForgeError, Placed, PullRequest, Put};

/// A folder of pull requests.
#[derive(Clone, Debug)]
pub struct LocalForge {
    folder: PathBuf,
}

impl LocalForge {
    /// Keeps pull requests in `folder`, which is made when the first one is put.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn place(&self, wanted: &PullRequest) -> Result<Placed, ForgeError> {
        let folder = self.folder.join(wanted.branch.replace('/', "-"));
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |source| ForgeError::Io { path, source }
        };
        std::fs::create_dir_all(&folder).map_err(fail(&folder))?;
        let record = serde_json::json!({
            "branch": wanted.branch, "base_branch": wanted.base_branch, "head": wanted.head, "title": wanted.title,
        });
        // pull.json comes last: it is what makes the pull request exist.
        let files = [
            ("body.md", wanted.body.clone()),
            ("index.html", wanted.page.clone()),
            ("pull.json", format!("{record:#}\n")),
        ];
        let existed = folder.join("pull.json").exists();
        let mut changed = false;
        for (name, text) in files {
            let place = folder.join(name);
            if std::fs::read(&place).is_ok_and(|old| old == text.as_bytes()) {
                continue;
            }
            changed = true;
            let fresh = tempfile::NamedTempFile::new_in(&folder).map_err(fail(&place))?;
            std::fs::write(fresh.path(), text).map_err(fail(&place))?;
            fresh.persist(&place).map_err(|error| fail(&place)(error.error))?;
        }
        let put = match (existed, changed) {
            (false, _) => Put::Created,
            (true, true) => Put::Updated,
            (true, false) => Put::Unchanged,
        };
        Ok(Placed { put, page: folder.join("index.html") })
    }
}

impl Forge for LocalForge {
    fn put<'a>(&'a self, wanted: &'a PullRequest) -> BoxFuture<'a, Result<Placed, ForgeError>> {
        Box::pin(async move { self.place(wanted) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn putting_twice_changes_nothing_and_a_new_text_updates() {
        let folder = tempfile::tempdir().expect("a folder");
        let forge = LocalForge::in_folder(folder.path().join("pulls"));
        let mut wanted = PullRequest {
            branch: "prentice/x-1".to_owned(),
            base_branch: None,
            head: "1".to_owned(),
            title: "t".to_owned(),
            body: "b".to_owned(),
            page: "p".to_owned(),
        };
        assert_eq!(forge.put(&wanted).await.expect("written").put, Put::Created);
        assert_eq!(forge.put(&wanted).await.expect("written").put, Put::Unchanged);
        wanted.body = "other".to_owned();
        let placed = forge.put(&wanted).await.expect("written");
        assert_eq!(placed.put, Put::Updated);
        assert_eq!(std::fs::read_dir(placed.page.parent().expect("a folder")).expect("readable").count(), 3);
    }
}
