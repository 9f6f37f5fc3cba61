use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::*;

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    std::fs::write(folder.join(name), bytes).expect("written");
    folder.join(name)
}

#[test]
fn the_built_in_catalogue_can_be_used() {
    let names: Vec<&str> = catalogue().iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b"]);
    for entry in catalogue() {
        assert!(entry.memory_bytes > entry.bytes && entry.sources.len() > 1, "{}", entry.name);
    }
}

#[test]
fn a_catalogue_that_cannot_be_right_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = serde_json::to_value(&catalogue()[0]).expect("JSON");
    let refused = |key: &str, value: serde_json::Value| {
        let mut entry = good.clone();
        entry[key] = value;
        let path = write(folder.path(), "c.json", serde_json::json!([entry]).to_string().as_bytes());
        let error = read_catalogue(&path).expect_err(key).to_string();
        error.replace(&*path.to_string_lossy(), "FILE")
    };
    let source = |source: serde_json::Value| serde_json::json!([source]);
    let wheels = |package: &str, parts: u32, version: &str| {
        source(serde_json::json!({ "kind": "python", "package": package, "parts": parts, "version": version }))
    };
    let errors = [
        refused("name", "../x".into()),
        refused("sha256", "CC32".into()),
        refused("bytes", 0.into()),
        refused("sources", source(serde_json::json!({ "kind": "url", "url": "file:///etc/passwd" }))),
        refused("sources", source(serde_json::json!({ "kind": "url", "url": "models" }))),
        refused("sources", wheels("--index-url", 1, "1")),
        refused("sources", wheels("x", 1, "1 --pre")),
        refused("sources", wheels("x", 0, "1")),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r#"
    the catalogue FILE: ../x: it is no name
    the catalogue FILE: qwen2.5-coder-1.5b: `sha256` wants 64 hexadecimal digits, letters small
    the catalogue FILE: qwen2.5-coder-1.5b: `bytes` and `sources` must not be empty
    the catalogue FILE: qwen2.5-coder-1.5b: file: is no scheme for a source, https: is
    the catalogue FILE: qwen2.5-coder-1.5b: "models" is no address: relative URL without a base
    the catalogue FILE: qwen2.5-coder-1.5b: `package` and `version` want the words of Python packages
    the catalogue FILE: qwen2.5-coder-1.5b: `package` and `version` want the words of Python packages
    the catalogue FILE: qwen2.5-coder-1.5b: `parts` wants 1 to 1000
    "#);
}

#[test]
fn a_name_cannot_lead_out_of_the_folder() {
    for name in ["a", "qwen2.5-coder-1.5b", "0_x"] {
        assert!(is_name(name), "{name}");
    }
    for name in ["", ".", "..", ".x", "a/b", "A", "a b", "-x", "ä", &"x".repeat(65)] {
        assert!(!is_name(name), "{name}");
        assert!(matches!(Store::at("/nowhere").remove(name), Err(CatalogueError::BadName(_))), "{name}");
        assert_eq!(Store::at("/").path_of(name), None);
    }
}

#[test]
fn only_gguf_is_taken_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::at(folder.path().join("store"));
    let cases: [(&[u8], &str); 6] = [
        (b"", "it has 0 bytes"),
        (b"GGUF\x03\0", "it has 6 bytes"),
        (b"GGUF\x03\0\0\0short", "it ends inside its head"),
        (b"GGML\x03\0\0\0                ", "it begins with \"GGML\""),
        (b"GGUF\0\0\0\x03                ", "its numbers are big-endian"),
        (b"GGUF\x04\0\0\0                ", "its version is 4, 2 and 3 can be read"),
    ];
    for (bytes, why) in cases {
        let file = write(folder.path(), "x.gguf", bytes);
        let error = store.add(&file, None, &CancellationToken::new()).expect_err(why).to_string();
        assert!(error.ends_with(&format!("is no GGUF file: {why}")), "{error}");
    }
    assert!(store.add(folder.path(), None, &CancellationToken::new()).is_err(), "a folder is no file");
    assert_eq!(store.installed().expect("no folder is no error"), []);
}

#[test]
fn an_add_that_is_interrupted_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(folder.path(), "x.gguf", b"GGUF\x02\0\0\0                and more");
    let store = Store::at(folder.path().join("store"));
    let cancel = CancellationToken::new();
    cancel.cancel();
    assert!(matches!(store.add(&file, None, &cancel), Err(CatalogueError::Cancelled { .. })));
    // A process that was killed could not clean up.
    write(store.folder(), ".add-killed", b"half");
    store.add(&file, None, &CancellationToken::new()).expect("added");
    let mut names: Vec<_> =
        std::fs::read_dir(store.folder()).expect("there").flatten().map(|f| f.file_name()).collect();
    names.sort();
    assert_eq!(names, [".ADDING.lock", ".x.lock", "x.gguf"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("x.gguf");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let refused = Store::at(folder.path().join("store")).add(&pipe, None, &CancellationToken::new());
    assert!(matches!(refused, Err(CatalogueError::NotGguf { .. })), "{refused:?}");
}

#[test]
fn sizes_are_written_for_people() {
    let shown: Vec<String> = [0, 999_999, 1_000_000, 491_400_064, 1_117_320_768].map(megabytes).into();
    assert_eq!(shown, ["0 bytes", "999999 bytes", "1 MB", "491 MB", "1,117 MB"]);
}
