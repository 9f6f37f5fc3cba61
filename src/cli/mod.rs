//! The program: arguments become requests, adapters are named, errors become words and exit codes.
//!
//! The only module that knows which adapter stands behind which seam, and the only one that talks to a person.

mod apply;
mod arguments;
mod bench;
mod certify;
mod choose;
mod ci;
mod context;
mod demo;
mod doctor;
mod failure;
mod forge;
mod index;
mod init;
mod inspect;
mod model;
mod models;
mod output;
mod pictures;
mod publish;
mod respond;
mod run;
mod setup;
mod verify;
mod visible;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::Parser;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::config::Environment;
use arguments::{Arguments, Command};
use failure::{Exit, Failure};

/// Runs the program with the process's arguments and environment.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // clap prints help to standard output and errors to standard error.
            drop(error.print());
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    let environment = Environment::read();
    start_log(&environment);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            output::tell_failure(&Failure::new(Exit::Service, format!("no runtime: {error}")));
            return Exit::Service.into();
        }
    };
    let code = runtime.block_on(async {
        let cancel = CancellationToken::new();
        let signal = OnceLock::new();
        tokio::select! {
            result = dispatch(arguments.command, environment, &cancel) => {
                let exit = result.unwrap_or_else(|failure| {
                    output::tell_failure(&failure);
                    failure.exit
                });
                match signal.get() {
                    Some(code) if exit == Exit::Interrupted => ExitCode::from(*code),
                    _ => exit.into(),
                }
            }
            code = setup::watch_signals(cancel.clone(), &signal) => ExitCode::from(code),
        }
    });
    // What still hangs in a blocking thread must not hold up the end.
    runtime.shutdown_background();
    code
}

async fn dispatch(command: Command, environment: Environment, cancel: &CancellationToken) -> Result<Exit, Failure> {
    match command {
        Command::Run(flags) => run::run(*flags, &environment, cancel).await,
        Command::Propose(flags) => run::propose(*flags, &environment, cancel).await,
        Command::Publish(flags) => publish::publish(&flags, &environment, cancel).await,
        Command::Respond(flags) => respond::respond(&flags, &environment, cancel).await,
        Command::Context(flags) => context::context(flags, environment, cancel).await,
        Command::Model(flags) => models::models(flags, &environment, cancel).await,
        Command::Index(flags) => index::index(flags, cancel).await,
        Command::Checks(flags) => inspect::checks(&flags, &environment),
        Command::Apply(flags) => apply::apply(&flags),
        Command::Visible(flags) => visible::show(&flags),
        Command::Init(flags) => init::init(&flags),
        Command::Certify(flags) => certify::certify(&flags, &environment, cancel).await,
        Command::Verify(flags) => verify::verify(&flags, &environment, cancel).await,
        Command::Choose(flags) => choose::choose(&flags, &environment),
        Command::Schema(flags) => Ok(inspect::schema(flags.what)),
        Command::Doctor(flags) => doctor::doctor(&flags, &environment, cancel).await,
        Command::Demo(flags) => demo::demo(&flags, &environment, cancel).await,
    }
}

/// Starts the log on standard error where PRENTICE_LOG asks for one (`PRENTICE_LOG=debug`); it is silent otherwise.
fn start_log(environment: &Environment) {
    let Some(wanted) = environment.get("PRENTICE_LOG") else { return };
    // async-openai writes whole replies, HTTP crates write headers: both may hold what must not be logged.
    let filter =
        format!("{wanted},async_openai=off,hyper=off,hyper_util=off,octocrab=off,tower_http=off,reqwest=off,h2=off");
    let subscriber = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(EnvFilter::new(filter));
    subscriber.init();
}
