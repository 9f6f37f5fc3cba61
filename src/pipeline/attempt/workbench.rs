//! What a model with tools runs: a shell command in the sandbox, on a copy of its files, with the dependencies of the checks.

use crate::context;
use crate::pipeline::check::{self, Checks};
use crate::pipeline::{Bench, PipelineError};
use crate::propose::{Running, Workbench};
use crate::repo::FileTree;
use crate::sandbox::Exit;
use crate::verify::{Check, CheckKind};
use tokio_util::sync::CancellationToken;

/// Runs commands for a model.
pub(super) struct Runs<'a> {
    pub(super) bench: Bench<'a>,
    pub(super) checks: &'a Checks,
}

impl Workbench for Runs<'_> {
    fn run<'a>(&'a self, tree: &'a FileTree, command: &'a str, _cancel: &'a CancellationToken) -> Running<'a> {
        Box::pin(async move {
            let check = Check {
                kind: CheckKind::Build,
                argv: ["sh", "-c", command].map(str::to_owned).to_vec(),
                folder: String::new(),
                found_in: "asked for by the model".to_owned(),
                report: None,
            };
            // What the model may not see is not there, and what a program prints of it is not told.
            let mut tree = tree.clone();
            context::secret_files(&tree).iter().for_each(|path| tree.remove(path));
            match check::run(&self.bench, &tree, &self.checks.with_list(vec![check])).await {
                Ok(run) => run.checks.first().map_or_else(String::new, |run| {
                    let end = match (&run.could_not_run, run.exit) {
                        (Some(reason), _) => format!("It could not be run: {reason}"),
                        (None, Exit::Code(code)) => format!("It ended with exit code {code}."),
                        (None, other) => format!("It was ended: {other:?}."),
                    };
                    format!("{end}\n{}", context::without_credentials(&run.excerpt))
                }),
                Err(PipelineError::Cancelled) => "cancelled".to_owned(),
                Err(error) => format!("it could not be run: {error}"),
            }
        })
    }
}
