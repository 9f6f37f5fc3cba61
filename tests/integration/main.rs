//! Runs the program as its user would.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests stop at what they do not expect, say what they skip, and start programs"
)]

#[cfg(unix)]
mod action;
mod apply;
mod attempts;
mod certify;
mod commands;
mod common;
mod context;
mod conversation;
#[cfg(feature = "embedded")]
mod embedded;
mod embeddings;
mod faults;
mod file_server;
mod flow;
mod forge_events;
mod forge_flows;
mod github;
mod halfway;
mod index;
mod init;
#[cfg(unix)]
mod interrupt;
#[cfg(unix)]
mod model_commands;
mod models;
mod order;
mod other_lines;
mod red_first;
mod run;
#[cfg(target_os = "linux")]
mod sandbox;
mod setup;
mod verify;
