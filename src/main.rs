//! The `prentice` program: nothing but the way into the library.

use std::panic::catch_unwind;
use std::process::ExitCode;

/// The exit code of a bug (sysexits.h, EX_SOFTWARE).
const EX_SOFTWARE: u8 = 70;

fn main() -> ExitCode {
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    // The sandbox starts this program again as its helper, which must run before any thread exists.
    if arguments.get(1).is_some_and(|first| first == prentice::sandbox::HELPER_ARGUMENT) {
        return ExitCode::from(prentice::sandbox::helper_main(&arguments[2..]));
    }
    catch_unwind(|| prentice::cli::main(arguments)).unwrap_or_else(|_| ExitCode::from(EX_SOFTWARE))
}
