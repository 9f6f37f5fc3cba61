//! Runs the program as its user would.

#[cfg(target_os = "linux")]
mod sandbox;
