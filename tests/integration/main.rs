//! Runs the program as its user would.

mod commands;
mod common;
#[cfg(unix)]
mod interrupt;
mod run;
#[cfg(target_os = "linux")]
mod sandbox;
