//! Commands behind walls, as a hostile and as an honest test suite would use them.

use std::path::Path;

use prentice::sandbox::{HostEnvironment, Level, probe};

#[tokio::test]
async fn smoke() {
    let host = HostEnvironment::new(std::env::vars().collect());
    for level in [Level::Namespaces, Level::Landlock] {
        let found = probe(&host, Path::new(env!("CARGO_BIN_EXE_prentice")), level).await;
        eprintln!("{found:#?}");
    }
    panic!("see");
}
