//! How long edits of a large file take, beside a floor and beside `git apply` and `patch` where those are installed.
//!
//!     cargo bench --bench edits
//!
//! The floor splits the file into lines and joins them again, once. Times are the median of several runs, in milliseconds; the
//! ratio is to the floor of the same size. Peers run as processes on the same change as a diff, so that their start counts.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a program for people, which ends where something is wrong"
)]

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use prentice::edit::{self, Reading};
use prentice::repo::{FileTree, RepoPath, StoredFile, unified};

const RUNS: usize = 15;
const NAME: &str = "big.txt";

/// Lines as code has them: many that repeat, and a telling one in every seven.
fn lines(count: usize) -> Vec<String> {
    let line = |at: usize| match at % 7 {
        0 => format!("fn item_{at}(input: &str) -> Result<usize, Error> {{"),
        1 | 2 => format!("    let value_{} = input.len() + {at};", at % 50),
        3 => String::new(),
        4 => "    if value.is_empty() {".to_owned(),
        5 => "        return Err(Error::Empty);".to_owned(),
        _ => "    }".to_owned(),
    };
    (0..count).map(line).collect()
}

fn tree(text: &str) -> FileTree {
    FileTree::from_files([(RepoPath::parse(NAME).expect("a path"), StoredFile::regular(text.as_bytes()))])
}

/// `edits` blocks of search and replace, spread over the file; each finds its telling line.
fn blocks(lines: &[String], edits: usize) -> String {
    let step = lines.len() / 7 / edits * 7;
    let block = |number: usize| {
        let at = number * step;
        let search = lines[at..at + 3].join("\n");
        format!("{NAME}\n<<<<<<< SEARCH\n{search}\n=======\n{}\n    changed({number});\n>>>>>>> REPLACE\n\n", lines[at])
    };
    (0..edits).map(block).collect()
}

/// A text of 20 lines that is nowhere, one letter off in the middle.
fn near_miss(lines: &[String]) -> String {
    let from = lines.len() / 14 * 7;
    let mut search = lines[from..from + 20].to_vec();
    search[9] = search[9].replace("value", "valeu");
    search[8] += "x";
    format!("{NAME}\n<<<<<<< SEARCH\n{}\n=======\nnew\n>>>>>>> REPLACE\n", search.join("\n"))
}

fn median(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[RUNS / 2].as_secs_f64() * 1000.0
}

fn answered(tree: &FileTree, answer: &str) -> Result<FileTree, String> {
    let exists = |_: &str| true;
    let read = edit::parse_as(answer, &Reading { exists: &exists, ..Reading::default() });
    read.and_then(|read| edit::apply(tree, &read.edits)).map_err(|error| error.to_string())
}

fn peer(program: &str, arguments: &[&str], folder: &Path, text: &str, diff: &str) -> Option<f64> {
    let run = || {
        Command::new(program).args(arguments).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    std::fs::write(folder.join("change.diff"), diff).ok()?;
    std::fs::write(folder.join(NAME), text).ok()?;
    run().ok().filter(std::process::ExitStatus::success)?;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        std::fs::write(folder.join(NAME), text).ok()?;
        let start = Instant::now();
        run().ok()?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Some(times[RUNS / 2])
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    println!("{:>6} lines  {:<34} {:>8}  {:>7}", "", "", "ms", "× floor");
    for count in [10_000, 20_000, 40_000] {
        let lines = lines(count);
        let text = lines.join("\n") + "\n";
        let start = tree(&text);
        let floor = median(|| {
            let parts: Vec<&str> = black_box(text.as_str()).split_inclusive('\n').collect();
            black_box(parts.concat());
        });
        let row = |name: &str, time: f64| println!("{count:>6} lines  {name:<34} {time:>8.2}  {:>7.1}", time / floor);
        row("floor: split and join", floor);
        for edits in [1, 100] {
            let answer = blocks(&lines, edits);
            let changed = answered(&start, &answer).expect("it applies");
            row(&format!("{edits} blocks"), median(|| drop(black_box(answered(&start, &answer)))));
            let changes = changed.changes().expect("memory");
            let diff = unified(&changes);
            answered(&start, &diff).expect("the diff applies");
            row(&format!("the same as a diff ({edits})"), median(|| drop(black_box(answered(&start, &diff)))));
            for (program, arguments) in
                [("git", ["apply", "change.diff"].as_slice()), ("patch", &["-s", "-p1", "-i", "change.diff"])]
            {
                match peer(program, arguments, folder.path(), &text, &diff) {
                    Some(time) => row(&format!("{program}, process, the same diff"), time),
                    None => println!("{count:>6} lines  {program} is not here, or refuses"),
                }
            }
        }
        let answer = near_miss(&lines);
        let told = answered(&start, &answer).expect_err("it is nowhere");
        assert!(told.contains("nearest lines"), "{told}");
        row("a near miss with its feedback", median(|| drop(black_box(answered(&start, &answer)))));
    }
}
