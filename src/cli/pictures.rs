//! Reads the pictures that a task names.

use std::path::Path;

use super::failure::{Exit, Failure};
use crate::llm::{MAX_PICTURE_BYTES, Picture, fetch_picture};
use crate::repo::{FileMode, FileTree, RepoPath};
use crate::task::{MOST_PICTURES, Origin, Task, is_attachment};

/// Where the pictures of a task are.
pub(super) enum Source<'a> {
    /// Beside the task file, on this machine.
    Disk,
    /// Beside the task file, in the base commit: for tasks that came over the forge.
    Commit(&'a FileTree),
}

/// Reads them all; those that were uploaded to an issue of the forge at `web_url` are fetched, and told where that fails.
///
/// # Errors
/// [`Failure`] that names the file which is missing, too large or of another type.
pub(super) async fn read(
    task: &Task,
    source: &Source<'_>,
    (web_url, tell): (&str, &dyn Fn(&str)),
) -> Result<Vec<Picture>, Failure> {
    let place = match &task.origin {
        Origin::File(file) => file.as_str(),
        _ => "the task",
    };
    let fail = |name: &str, reason: String| Failure::new(Exit::Usage, format!("{place}: picture `{name}`: {reason}"));
    if let Some(name) = task.pictures.get(MOST_PICTURES) {
        return Err(fail(name, format!("a task has at most {MOST_PICTURES} pictures")));
    }
    let folder = match &task.origin {
        Origin::File(file) => Path::new(file).parent().unwrap_or(Path::new("")),
        _ => Path::new(""),
    };
    let mut pictures = Vec::new();
    let (uploaded, files): (Vec<&String>, Vec<&String>) =
        task.pictures.iter().partition(|name| is_attachment(name, web_url));
    for url in uploaded {
        match fetch_picture(url).await {
            Ok(picture) => pictures.push(picture),
            Err(reason) => tell(&format!("the picture {url} is left out: {reason}")),
        }
    }
    for name in files {
        let bytes = match source {
            Source::Disk => from_disk(&folder.join(name)),
            Source::Commit(tree) => from_commit(tree, &folder.join(name)),
        };
        let picture = bytes.and_then(|bytes| Picture::of(&bytes).map_err(|error| error.to_string()));
        pictures.push(picture.map_err(|reason| fail(name, reason))?);
    }
    Ok(pictures)
}

fn from_disk(path: &Path) -> Result<Vec<u8>, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > MAX_PICTURE_BYTES as u64 {
        return Err(format!("{size} bytes; a picture has at most {MAX_PICTURE_BYTES}"));
    }
    std::fs::read(path).map_err(|error| error.to_string())
}

fn from_commit(tree: &FileTree, path: &Path) -> Result<Vec<u8>, String> {
    let path = RepoPath::of_existing(&path.to_string_lossy()).map_err(|error| error.to_string())?;
    let file = tree.read(&path).map_err(|error| error.to_string())?.filter(|file| file.mode != FileMode::Symlink);
    file.map(|file| file.content.to_vec()).ok_or_else(|| "the base commit has no such file".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::parse_yaml;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n....";

    #[tokio::test]
    async fn pictures_lie_beside_the_task_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("task.yml").display().to_string();
        let task = |names: &str| {
            parse_yaml(&format!("title: Fix it\npictures: {names}\n"), &file, Origin::File(file.clone()))
                .expect("a task")
        };
        std::fs::create_dir(folder.path().join("shots")).expect("a folder");
        std::fs::write(folder.path().join("shots/a.png"), PNG).expect("written");
        std::fs::write(folder.path().join("b.png"), "<svg/>").expect("written");
        let read = async |names: &str| {
            read(&task(names), &Source::Disk, ("https://github.com", &|_| {})).await.map_err(|failure| failure.message)
        };
        assert_eq!(read("[shots/a.png]").await.map(|found| found.len()), Ok(1));
        assert!(read("[c.png]").await.is_err_and(|text| text.contains("picture `c.png`: No such file")));
        assert!(read("[b.png]").await.is_err_and(|text| text.contains("no PNG, JPEG, GIF or WebP")));
        let many = format!("[{}]", ["shots/a.png"; 11].join(", "));
        assert!(read(&many).await.is_err_and(|text| text.contains("at most 10 pictures")));
    }
}
