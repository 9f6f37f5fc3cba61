//! A bare parse of every file of a folder on all cores: the floor under `prentice index`, for `benches/speed.py`.
//!
//! Run it with `cargo bench --bench parse -- FOLDER`.

#![allow(clippy::print_stdout, reason = "a benchmark prints its result")]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads its arguments")]

use prentice::repo::{FileTree, RepoPath};
use prentice::syntax;
use rayon::prelude::*;

fn main() {
    let Some(folder) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) else {
        println!("usage: cargo bench --bench parse -- FOLDER");
        return;
    };
    let tree = FileTree::from_directory(folder.as_ref()).expect("a readable folder");
    let paths: Vec<&RepoPath> = tree.paths().collect();
    let parsed: Vec<usize> = paths
        .par_iter()
        .filter_map(|path| {
            let text = tree.read_text(path).ok()??;
            syntax::parses(path, &text).map(|_| text.len())
        })
        .collect();
    println!("{} of {} files parsed, {} bytes", parsed.len(), paths.len(), parsed.iter().sum::<usize>());
}
