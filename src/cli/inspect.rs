//! Commands that only look: `checks`, `schema`.

use std::path::Path;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::arguments::Place;
use super::failure::{Exit, Failure};
use super::output::{print, print_json, safe};
use super::setup;
use crate::config::{self, Environment, Layer, SetupMode};
use crate::repo::FileTree;
use crate::sandbox::HostEnvironment;
use crate::task;
use crate::verify::{self, Check, CheckKind, Setup};

/// `prentice checks`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  prentice checks
  prentice checks --explain            also what would be installed, how reports are read, whether programs are here
  prentice checks --base main~3 --json")]
pub(super) struct Checks {
    #[command(flatten)]
    pub place: Place,
    /// The commit whose files say what is run.
    #[arg(long, value_name = "REVISION", default_value = "HEAD")]
    pub base: String,
    /// Say also what would be installed before, how the tests' report is read and whether the programs are here.
    #[arg(long)]
    pub explain: bool,
    /// Print one JSON array.
    #[arg(long)]
    pub json: bool,
}

/// `prentice schema`.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Which one.
    #[arg(value_enum)]
    pub what: SchemaKind,
}

/// What a schema can be printed of.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SchemaKind {
    /// Task files.
    Task,
    /// `.prentice.yml`.
    Config,
    /// What `certify --json` prints.
    Certificate,
}

/// Prints the checks and where they were found.
pub(super) fn checks(flags: &Checks, environment: &Environment) -> Result<Exit, Failure> {
    let (repository, _, tree) = setup::open(&flags.place.repo, &flags.base)?;
    let config = setup::layers(&tree, environment, Layer::default())?.resolve(None);
    let found =
        if config.checks.value.is_empty() { verify::detect(&tree) } else { verify::from_user(&config.checks.value)? };
    let linked = match repository.checkout() {
        Some(checkout) => verify::installed_dependencies(checkout, &tree, &found),
        None => Vec::new(),
    };
    let setups = match (config.setup.value, config.setup_commands.value.as_slice()) {
        (SetupMode::Off, _) => Vec::new(),
        (SetupMode::Auto, []) => verify::setups(&tree, &found, &linked),
        (SetupMode::Auto, commands) => vec![verify::own_setup(&tree, verify::from_user(commands)?)],
    };
    let found = verify::use_environments(&found, &linked);
    if flags.json {
        let steps = |setup: &Setup| setup.ways.iter().flatten().map(|step| step.check.clone()).collect::<Vec<_>>();
        match flags.explain {
            true => print_json(&json!({ "checks": found, "setup": setups.iter().flat_map(steps).collect::<Vec<_>>() })),
            false => print_json(&json!(found)),
        }
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        print("No build or test command was found.\nName some under `checks:` in the task or in .prentice.yml.\n");
    }
    let host = HostEnvironment::new(environment.variables().clone());
    for check in &found {
        print(&told(check));
        if flags.explain {
            print(&explained(check, &host));
        }
    }
    if flags.explain {
        for link in &linked {
            print(&format!("\nTaken from the checkout: {}\n", safe(&link.name)));
        }
        for setup in &setups {
            print(&told_setup(setup));
        }
    }
    Ok(Exit::Done)
}

fn told(check: &Check) -> String {
    let folder = if check.folder.is_empty() { String::new() } else { format!("  in {}", check.folder) };
    let kind = match check.kind {
        CheckKind::Build => "build",
        CheckKind::Test => "test",
        CheckKind::Lint => "lint",
        CheckKind::Setup => "setup",
    };
    format!("{kind:<6}{}{}\n      {}\n", safe(&check.command_line()), safe(&folder), safe(&check.found_in))
}

fn explained(check: &Check, host: &HostEnvironment) -> String {
    let read = match (&check.report, check.kind) {
        (Some(report), _) => format!("its report is read from {}", report.places.join(", ")),
        (None, CheckKind::Test) => "its tests are read from what it prints, where that is understood".to_owned(),
        (None, _) => "its exit code counts".to_owned(),
    };
    let weight = if check.kind == CheckKind::Lint { "; it is shown and decides nothing" } else { "" };
    let program = check.argv.first().map_or("", String::as_str);
    let here = match program.contains('/') || host.has_program(program) {
        true => String::new(),
        false => format!("      {program} is not in PATH here: it would not be run\n"),
    };
    format!("      {}{weight}\n{}", safe(&read), safe(&here))
}

fn told_setup(setup: &Setup) -> String {
    let mut text = format!("\nInstalled before ({}), with the network, once for all trees:\n", setup.ecosystem.name());
    for (number, way) in setup.ways.iter().enumerate() {
        if number > 0 {
            text += "  or, where that fails:\n";
        }
        for step in way {
            let may = if step.may_fail { "  (may fail)" } else { "" };
            text += &format!("  {}{may}\n      {}\n", safe(&step.check.label()), safe(&step.check.found_in));
        }
    }
    text
}

/// Prints a JSON Schema.
pub(super) fn schema(what: SchemaKind) -> Exit {
    print_json(&match what {
        SchemaKind::Task => task::schema(),
        SchemaKind::Config => config::schema(),
        SchemaKind::Certificate => schemars::schema_for!(super::certify::Document).to_value(),
    });
    Exit::Done
}

/// Lists the files as they lie on disk, which needs no commit and no git.
pub(super) fn work_tree(place: &Path) -> Result<FileTree, Failure> {
    if !place.is_dir() {
        return Err(Failure::new(Exit::Usage, format!("{}: there is no such folder", place.display())));
    }
    Ok(FileTree::from_directory(place)?)
}
