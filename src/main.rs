//! The `prentice` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    match arguments.split_first() {
        // Before any thread is started: the helper raises walls around the calling thread only.
        Some((first, rest)) if first == prentice::sandbox::HELPER_ARGUMENT => {
            ExitCode::from(prentice::sandbox::helper_main(rest))
        }
        _ => ExitCode::SUCCESS,
    }
}
