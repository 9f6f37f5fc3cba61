//! libtest's human format as `cargo test` shows it (The rustc book, "Tests").

use super::{Outcome, TestResult, count, message, number_before, numbered};

/// What stands between a test's name and its outcome.
const SEPARATOR: &str = " ... ";

pub(super) fn read(text: &str) -> Option<Vec<TestResult>> {
    let mut programs = Vec::new();
    let mut current = Program::new("");
    for line in text.lines() {
        if let Some(title) = title_of(line) {
            programs.push(std::mem::replace(&mut current, Program::new(&title)));
        } else if let Some(announced) = announced(line) {
            if current.announced.is_some() {
                // A test program run without cargo around it, or cargo with `--quiet`: no title stands between them.
                programs.push(std::mem::replace(&mut current, Program::new("")));
            }
            current.announced = Some(announced);
        } else if current.announced.is_some() {
            current.lines.push(line);
        }
    }
    programs.push(current);
    programs.retain(|program| program.announced.is_some());
    if programs.is_empty() {
        return None;
    }
    Some(numbered(programs.iter().flat_map(Program::tests).collect()))
}

/// Names the test program: `calc (src/lib.rs)`, `api (tests/api.rs)`, `calc (doc)`.
///
/// Several crates of a workspace have a `src/lib.rs`, and a crate may have a library and a binary of one name, so both
/// parts are needed.
fn title_of(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{} (doc)", name.trim()));
    }
    let rest = line.strip_prefix("Running ")?;
    let (path, program) = rest.trim_end().strip_suffix(')')?.split_once(" (")?;
    let path = path.strip_prefix("unittests ").unwrap_or(path);
    let file = program.rsplit(['/', '\\']).next()?;
    let file = file.strip_suffix(".exe").unwrap_or(file);
    let name = match file.rsplit_once('-') {
        Some((name, hash)) if hash.len() == 16 => name,
        _ => file,
    };
    Some(format!("{name} ({path})"))
}

/// Reads `running 5 tests`.
fn announced(line: &str) -> Option<usize> {
    let rest = line.strip_prefix("running ")?;
    rest.strip_suffix(" tests").or_else(|| rest.strip_suffix(" test"))?.parse().ok()
}

/// What one test program printed.
struct Program<'a> {
    title: String,
    announced: Option<usize>,
    lines: Vec<&'a str>,
}

impl<'a> Program<'a> {
    fn new(title: &str) -> Self {
        Self { title: title.to_owned(), announced: None, lines: Vec::new() }
    }

    fn full_name(&self, name: &str) -> String {
        if self.title.is_empty() { name.to_owned() } else { format!("{} {name}", self.title) }
    }

    fn tests(&self) -> Vec<TestResult> {
        let listed = self.listed();
        let Some(summary) = self.lines.iter().find_map(|line| line.strip_prefix("test result: ")) else {
            return self.crashed(listed);
        };
        let said = (number_before(summary, "passed"), number_before(summary, "failed"));
        if said == (count(&listed, Outcome::Passed), count(&listed, Outcome::Failed)) {
            return listed;
        }
        // Output of the tests themselves got between the lines: the program counts as one test.
        let outcome = if summary.starts_with("ok") { Outcome::Passed } else { Outcome::Failed };
        let text = self.lines.iter().copied();
        vec![TestResult {
            message: (outcome == Outcome::Failed).then(|| message(text)).flatten(),
            ..TestResult::new(self.full_name("(all tests of it)"), outcome)
        }]
    }

    /// The program ended without a summary: what it announced and never reported failed with it.
    fn crashed(&self, mut listed: Vec<TestResult>) -> Vec<TestResult> {
        let cause = self.lines.iter().copied().filter(|line| result_line(line).is_none());
        listed.push(TestResult {
            message: message(cause),
            ..TestResult::new(self.full_name("(the test program ended early)"), Outcome::Failed)
        });
        listed
    }

    fn listed(&self) -> Vec<TestResult> {
        let mut found: Vec<(usize, TestResult)> = Vec::new();
        let mut pending = None;
        for line in &self.lines {
            if line.starts_with("test result: ") || *line == "failures:" {
                break;
            }
            if let Some((name, outcome)) = result_line(line) {
                found.push(self.entry(name, outcome));
                pending = None;
            } else if let Some((name, outcome)) = pending.zip(outcome_of(line.trim())) {
                found.push(self.entry(name, outcome));
                pending = None;
            } else if let Some((name, _)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(SEPARATOR)) {
                pending = Some(name);
            }
        }
        // Two doctests of one item differ only by their line, which any edit above moves: order keeps them apart.
        found.sort_by_key(|(line, _)| *line);
        found.into_iter().map(|(_, test)| test).collect()
    }

    /// Returns the line number of a doctest (0 for others), and its result.
    fn entry(&self, name: &str, outcome: Outcome) -> (usize, TestResult) {
        let name = name.split(" - should panic").next().unwrap_or(name);
        let why = (outcome == Outcome::Failed).then(|| self.message_of(name)).flatten();
        let (line, short) = match name.split_once(" (line ") {
            Some((item, rest)) => (rest.split(')').next().and_then(|n| n.parse().ok()).unwrap_or(0), item),
            None => (0, name),
        };
        let short = if line > 0 { without_generics(short) } else { short.to_owned() };
        (line, TestResult { message: why, ..TestResult::new(self.full_name(&short), outcome) })
    }

    fn message_of(&self, name: &str) -> Option<String> {
        let start = format!("---- {name} stdout ----");
        let from = self.lines.iter().position(|line| line.starts_with(&start))? + 1;
        let section = self.lines[from..].iter().copied();
        let text =
            section.take_while(|line| !(line.starts_with("---- ") && line.ends_with(" ----")) && *line != "failures:");
        message(text.filter(|line| !line.starts_with("note: run with `RUST_BACKTRACE=")))
    }
}

/// Takes the arguments of generics out of a doctest's item, which is the same item when they change:
/// `src/lib.rs - Name<'a, T>::get` is `src/lib.rs - Name::get`.
fn without_generics(item: &str) -> String {
    let mut depth = 0_usize;
    let outside = |c: &char| match c {
        '<' => {
            depth += 1;
            false
        }
        '>' => {
            let was_inside = depth > 0;
            depth = depth.saturating_sub(1);
            !was_inside
        }
        _ => depth == 0,
    };
    item.chars().filter(outside).collect()
}

/// Reads `test NAME ... OUTCOME`, also behind what a test wrote without a line end.
fn result_line(line: &str) -> Option<(&str, Outcome)> {
    let (before, after) = line.rsplit_once(SEPARATOR)?;
    let outcome = outcome_of(after)?;
    let name = match before.strip_prefix("test ") {
        Some(name) => name,
        None => &before[before.rfind("test ")? + "test ".len()..],
    };
    Some((name, outcome))
}

fn outcome_of(text: &str) -> Option<Outcome> {
    match text {
        "ok" => Some(Outcome::Passed),
        "FAILED" => Some(Outcome::Failed),
        _ if text.starts_with("ignored") => Some(Outcome::Skipped),
        _ if text.starts_with("bench:") => Some(Outcome::Passed),
        _ => None,
    }
}
