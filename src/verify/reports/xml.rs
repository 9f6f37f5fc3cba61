//! JUnit's XML and Visual Studio's `.trx`, which runners leave as files.
//!
//! JUnit's has no authority: what Ant's `JUnitReport` wrote is what all others extend. Only the cases are counted; the
//! sums in attributes are absent or wrong in some of them.

use std::collections::HashMap;
use std::time::Duration;

use roxmltree::{Document, Node, ParsingOptions};

use super::{Outcome, TestResult, message};

/// The most elements and attributes of one report.
const MAX_NODES: u32 = 4_000_000;

/// Reads JUnit's XML; `None` when it is none.
pub(super) fn junit(text: &str) -> Option<Vec<TestResult>> {
    let document = parse(text)?;
    let root = document.root_element();
    if !matches!(root.tag_name().name(), "testsuites" | "testsuite") {
        return None;
    }
    Some(document.descendants().filter(|node| node.has_tag_name("testcase")).map(case).collect())
}

fn case(node: Node<'_, '_>) -> TestResult {
    let class = node.attribute("class").or_else(|| node.attribute("classname")).unwrap_or_default();
    let name = node.attribute("name").unwrap_or_default();
    let full = match class {
        "" => suite_of(node).map_or_else(|| name.to_owned(), |suite| format!("{suite} {name}")),
        class => format!("{class}.{name}"),
    };
    let child = |names: &[&str]| node.children().find(|child| names.contains(&child.tag_name().name()));
    let failure = child(&["failure", "error"]);
    let outcome = match (failure.is_some(), child(&["skipped", "disabled"]).is_some()) {
        (true, _) => Outcome::Failed,
        (false, true) => Outcome::Skipped,
        (false, false) => Outcome::Passed,
    };
    let output = child(&["system-err"]).or_else(|| child(&["system-out"])).and_then(|node| node.text());
    TestResult {
        message: failure.and_then(|failure| told(failure, output)),
        file: node.attribute("file").map(str::to_owned),
        elapsed: node.attribute("time").and_then(seconds),
        ..TestResult::new(full, outcome)
    }
}

fn suite_of<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    node.ancestors().find_map(|above| above.attribute("name").filter(|_| above.has_tag_name("testsuite")))
}

/// The text of a failure; its attribute where there is no text that repeats it.
fn told(failure: Node<'_, '_>, output: Option<&str>) -> Option<String> {
    let said = failure.attribute("message").unwrap_or_default();
    let text: String = failure.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect();
    let first = Some(said).filter(|said| !said.is_empty() && !text.contains(said));
    let parts = first.into_iter().chain(text.lines());
    message(parts).or_else(|| message(output?.lines()))
}

fn seconds(text: &str) -> Option<Duration> {
    // Some write thousands with a comma.
    Duration::try_from_secs_f64(text.replace(',', "").parse().ok()?).ok()
}

/// Reads `.trx`; `None` when it is none (Visual Studio, "vstst.xsd").
pub(super) fn trx(text: &str) -> Option<Vec<TestResult>> {
    let document = parse(text)?;
    if document.root_element().tag_name().name() != "TestRun" {
        return None;
    }
    let named = |name: &'static str| document.descendants().filter(move |node| node.tag_name().name() == name);
    let class = |unit: Node<'_, '_>| {
        let method = unit.children().find(|node| node.tag_name().name() == "TestMethod")?;
        Some((unit.attribute("id")?.to_owned(), method.attribute("className")?.to_owned()))
    };
    let classes: HashMap<String, String> = named("UnitTest").filter_map(class).collect();
    Some(named("UnitTestResult").map(|node| trx_case(node, &classes)).collect())
}

fn trx_case(node: Node<'_, '_>, classes: &HashMap<String, String>) -> TestResult {
    let name = node.attribute("testName").unwrap_or_default();
    // Newer adapters write the full name, older ones only the method's.
    let class = node.attribute("testId").and_then(|id| classes.get(id)).map_or("", String::as_str);
    let class = class.split(',').next().unwrap_or_default();
    let full = if class.is_empty() || name.starts_with(class) { name.to_owned() } else { format!("{class}.{name}") };
    let outcome = match node.attribute("outcome").unwrap_or_default() {
        "Passed" | "PassedButRunAborted" | "Warning" | "Completed" => Outcome::Passed,
        "NotExecuted" | "Inconclusive" | "NotRunnable" | "Disconnected" | "Pending" => Outcome::Skipped,
        _ => Outcome::Failed,
    };
    let text = |name: &str| node.descendants().find(|node| node.tag_name().name() == name).and_then(|node| node.text());
    let lines = text("Message").into_iter().chain(text("StackTrace")).flat_map(str::lines);
    let why = (outcome == Outcome::Failed).then(|| message(lines)).flatten();
    TestResult { message: why, elapsed: node.attribute("duration").and_then(clock), ..TestResult::new(full, outcome) }
}

/// Reads `00:00:01.5`.
fn clock(text: &str) -> Option<Duration> {
    let mut parts = text.rsplit(':');
    let seconds: f64 = parts.next()?.parse().ok()?;
    let whole: Vec<u64> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let minutes = whole.iter().rev().fold(0_u64, |sum, part| sum.saturating_mul(60).saturating_add(*part));
    Duration::try_from_secs_f64(seconds).ok()?.checked_add(Duration::from_secs(minutes.saturating_mul(60)))
}

fn parse(text: &str) -> Option<Document<'_>> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text.trim_start_matches('\u{feff}'), options).ok()
}
