//! The `prentice` program.
fn main() {}
