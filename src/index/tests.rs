use std::io::{Seek, SeekFrom, Write};

use super::*;
use crate::syntax::{Definition, DefinitionKind};

const PATIENCE: Duration = Duration::from_secs(10);

fn content(number: u32) -> BlobId {
    BlobId::of(&number.to_le_bytes()).expect("hashed")
}

fn words(number: u32) -> Words {
    Words { size_bytes: number, words: number + 1, refusal: 0, bag: (0..200).map(|n| n << 24).collect() }
}

fn names() -> Names {
    let definition =
        Definition { name: "parse".to_owned(), kind: DefinitionKind::Function, lines: 1..=3, name_line: 2 };
    Names { definitions: vec![definition], references: vec!["read".to_owned()] }
}

fn findings(numbers: std::ops::Range<u32>) -> Findings {
    Findings {
        words: numbers.clone().map(|number| (content(number), words(number))).collect(),
        names: numbers.map(|number| (content(number), Language::Rust, names())).collect(),
        vectors: Vec::new(),
    }
}

fn open(folder: &Path) -> Index {
    Index::open(folder, DEFAULT_LIMIT_BYTES).expect("opened")
}

fn read(index: &Index, number: u32) -> Option<Words> {
    let copy = |kept: StoredWords<'_>| Words {
        size_bytes: kept.size_bytes,
        words: kept.words,
        refusal: kept.refusal,
        bag: kept.bag().collect(),
    };
    index.reader().expect("opened").words(&content(number), copy)
}

#[test]
fn what_is_kept_is_found_by_its_content_and_language() {
    let folder = tempfile::tempdir().expect("a folder");
    open(folder.path()).keep(&findings(0..3), PATIENCE).expect("kept");
    let index = open(folder.path());
    assert_eq!(read(&index, 1), Some(words(1)));
    assert_eq!(read(&index, 3), None);
    let reader = index.reader().expect("opened");
    assert_eq!(reader.names(&content(1), Language::Rust), Some(names()));
    assert_eq!(reader.names(&content(1), Language::Python), None);
    assert!(reader.knows_names(&content(1), Language::Rust) && !reader.knows_names(&content(3), Language::Rust));
    let kept = index.statistics().expect("counted");
    assert_eq!((kept.contents, kept.parsed), (3, 3));
}

#[test]
fn names_that_another_grammar_found_are_not_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = open(folder.path());
    index.keep(&findings(0..1), PATIENCE).expect("kept");
    let connection = Connection::open(folder.path().join(file::NAME)).expect("opened");
    connection.execute("UPDATE names SET version = version + 1", []).expect("changed");
    assert_eq!(index.reader().expect("opened").names(&content(0), Language::Rust), None);
    assert_eq!(read(&index, 0), Some(words(0)), "words have nothing to do with grammars");
}

#[test]
fn a_lower_limit_makes_the_file_smaller() {
    let folder = tempfile::tempdir().expect("a folder");
    open(folder.path()).keep(&findings(0..2000), PATIENCE).expect("kept");
    let size = || std::fs::metadata(folder.path().join(file::NAME)).expect("there").len();
    let (before, limit) = (size(), size() / 4);
    let index = Index::open(folder.path(), limit).expect("opened");
    index.shrink(PATIENCE).expect("made smaller");
    let kept = index.statistics().expect("counted").contents;
    drop(index);
    assert!(size() <= limit && kept > 0 && kept < 2000, "{before} to {} for {limit}, {kept} kept", size());
}

#[test]
fn vectors_are_kept_by_text_and_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = open(folder.path());
    let vector = Vector { id: [7; 16], model: "small".to_owned(), numbers: vec![0.6, -0.8] };
    index.keep(&Findings { vectors: vec![vector.clone()], ..Findings::default() }, PATIENCE).expect("kept");
    let reader = index.reader().expect("opened");
    assert_eq!(reader.vector(&[7; 16], "small"), Some(vector.numbers));
    assert_eq!((reader.vector(&[7; 16], "large"), reader.vector(&[8; 16], "small")), (None, None));
}

#[test]
fn earlier_commits_are_kept_by_their_head_and_the_oldest_lists_are_dropped() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = open(folder.path());
    let head = |number: usize| CommitId::try_from(format!("{number:040x}")).expect("an id");
    let commits = |number: usize| vec![PastCommit { id: head(number), message: "m".to_owned(), files: Vec::new() }];
    for number in 0..=HISTORIES {
        index.keep_history(&head(number), 10, &commits(number)).expect("kept");
    }
    assert_eq!(index.history(&head(HISTORIES), 10), Some(commits(HISTORIES)));
    assert_eq!(index.history(&head(HISTORIES), 20), None, "more was asked for");
    assert_eq!(index.history(&head(0), 10), None);
}

/// Whatever lies there: the index is opened, knows nothing wrong, and keeps again.
fn check_thrown_away(damage: impl Fn(&Path)) {
    let folder = tempfile::tempdir().expect("a folder");
    open(folder.path()).keep(&findings(0..500), PATIENCE).expect("kept");
    damage(&folder.path().join(file::NAME));
    {
        let index = open(folder.path());
        let right = |number: u32| read(&index, number).is_none_or(|found| found == words(number));
        assert!((0..500).all(right));
        let reader = index.reader().expect("opened");
        let right = |number: u32| reader.names(&content(number), Language::Rust).is_none_or(|found| found == names());
        assert!((0..500).all(right));
        drop(index.statistics());
    }
    let index = open(folder.path());
    assert_eq!(index.statistics().expect("counted").contents, 0, "it was made anew");
    index.keep(&findings(0..1), PATIENCE).expect("kept");
    assert_eq!(read(&index, 0), Some(words(0)));
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = std::fs::File::options().write(true).open(path).expect("opened");
    file.seek(SeekFrom::Start(at)).expect("there");
    file.write_all(bytes).expect("written");
}

#[test]
fn a_damaged_file_is_thrown_away() {
    check_thrown_away(|path| {
        std::fs::write(path, "this is no database, but a text that is long enough").expect("written");
    });
    check_thrown_away(|path| overwrite(path, 0, &[0xff; 16]));
    check_thrown_away(|path| {
        let length = std::fs::metadata(path).expect("there").len();
        std::fs::File::options().write(true).open(path).expect("opened").set_len(length / 2).expect("cut");
    });
    // Every page but the first, one byte each: what SQLite does not see, the checksums do.
    check_thrown_away(|path| {
        let length = std::fs::metadata(path).expect("there").len();
        (1..length / 16384).for_each(|page| overwrite(path, page * 16384 + 9000, &[0xa5]));
    });
}

#[test]
fn a_file_without_its_clock_is_made_anew_by_the_next_call() {
    let folder = tempfile::tempdir().expect("a folder");
    open(folder.path()).keep(&findings(0..5), PATIENCE).expect("kept");
    let connection = Connection::open(folder.path().join(file::NAME)).expect("opened");
    connection.execute("DELETE FROM clock", []).expect("deleted");
    drop(connection);
    assert!(open(folder.path()).keep(&findings(0..5), PATIENCE).is_err());
    open(folder.path()).keep(&findings(0..5), PATIENCE).expect("kept");
}

#[test]
fn a_file_of_another_version_is_thrown_away() {
    check_thrown_away(|path| {
        let connection = Connection::open(path).expect("opened");
        connection.pragma_update(None, "user_version", 999).expect("changed");
    });
    check_thrown_away(|path| {
        let connection = Connection::open(path).expect("opened");
        connection.execute_batch("DROP TABLE words; CREATE TABLE words (x)").expect("changed");
    });
}

#[test]
fn nobody_throws_away_what_another_uses() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = open(folder.path());
    index.keep(&findings(0..1), PATIENCE).expect("kept");
    assert!(matches!(forget(folder.path()), Err(IndexError::Busy(_))));
    assert_eq!(read(&index, 0), Some(words(0)));
    drop(index);
    forget(folder.path()).expect("alone");
    assert!(Index::open_existing(folder.path()).is_none());
    forget(&folder.path().join("never")).expect("nothing to do");
}

#[test]
fn the_limit_drops_what_was_used_longest_ago() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = open(folder.path());
    index.keep(&findings(0..500), PATIENCE).expect("kept");
    index.keep(&findings(500..1000), PATIENCE).expect("kept");
    let limit = index.statistics().expect("counted").size_bytes;
    drop(index);
    let index = Index::open(folder.path(), limit).expect("opened");
    let old: Vec<BlobId> = (0..500).map(content).collect();
    let turn = index.touch(&old, PATIENCE).expect("marked");
    let kept = index.keep(&findings(1000..1200), PATIENCE).expect("kept");
    assert!(kept.newest_dropped.is_some_and(|dropped| dropped < turn), "{kept:?}");
    assert!(index.statistics().expect("counted").size_bytes <= limit);
    let known = |numbers: std::ops::Range<u32>| numbers.filter(|number| read(&index, *number).is_some()).count();
    assert_eq!((known(0..500), known(1000..1200)), (500, 200));
    assert!(known(500..1000) < 500);
    // What does not fit at all is dropped in the turn that brought it.
    let kept = index.keep(&findings(2000..4000), PATIENCE).expect("kept");
    assert!(kept.newest_dropped.is_some_and(|dropped| dropped > turn), "{kept:?}");
}

#[test]
fn several_writers_and_readers_do_each_other_no_harm() {
    let folder = tempfile::tempdir().expect("a folder");
    std::thread::scope(|scope| {
        for start in [0_u32, 1000, 2000, 3000] {
            let folder = folder.path();
            scope.spawn(move || {
                // Each as a process of its own would: all of them may be the one that makes the file.
                let index = open(folder);
                for batch in 0..10 {
                    let numbers = start + batch * 20..start + (batch + 1) * 20;
                    index.keep(&findings(numbers.clone()), PATIENCE).expect("kept");
                    assert_eq!(read(&index, numbers.start), Some(words(numbers.start)));
                }
            });
        }
    });
    assert_eq!(open(folder.path()).statistics().expect("counted").contents, 800);
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    std::fs::write(&path, "x").expect("written");
    let error = Index::open(&path, DEFAULT_LIMIT_BYTES).expect_err("a file is in the way");
    assert!(error.to_string().contains("file"), "{error}");
}
