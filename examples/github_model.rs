//! The model of GitHub of the tests as a process of its own, for workflows that are run on this machine (`.ci/act`).
//!
//! usage: `github_model --repository BARE --issue FILE.json [--token SECRET:LOGIN]...`
//!
//! It prints `listening on URL`, tells its calls at `/__calls`, what it holds at `/__state` and what broke GitHub's
//! description at `/__violations`, and ends when its standard input closes.

#![allow(
    dead_code,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a part of the tests: it stops at what it does not expect, and uses not all of the model"
)]

#[path = "../tests/integration/github/mod.rs"]
mod github;

use std::io::Read;
use std::path::Path;

use github::{GitHub, Token};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut pairs = arguments.chunks_exact(2);
    let values = |name: &str| -> Vec<String> {
        arguments.chunks_exact(2).filter(|pair| pair[0] == name).map(|pair| pair[1].clone()).collect()
    };
    let known = ["--repository", "--issue", "--token"];
    assert!(
        arguments.len().is_multiple_of(2) && pairs.all(|pair| known.contains(&pair[0].as_str())),
        "usage: github_model --repository BARE --issue FILE.json [--token SECRET:LOGIN]..."
    );
    let repository = values("--repository").pop().expect("--repository BARE");
    let github = GitHub::start_in(Path::new(&repository)).await;
    for file in values("--issue") {
        let text = std::fs::read_to_string(&file).expect("a readable issue");
        let issue: serde_json::Value = serde_json::from_str(&text).expect("an issue is JSON");
        let number = issue["number"].as_u64().expect("an issue has a number");
        let of = |name: &str| issue[name].as_str().unwrap_or_default().to_owned();
        github.state().open_issue_as(number, "eve", &of("title"), &of("body"));
    }
    for token in values("--token") {
        let (secret, login) = token.split_once(':').expect("--token SECRET:LOGIN");
        let may = vec!["contents:write", "issues:write", "pull_requests:write", "actions:write"];
        let token = Token { name: "given", user: login.to_owned(), may };
        github.state().tokens.insert(secret.to_owned(), token);
    }
    println!("listening on {}", github.url);
    let closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    drop(closed.await);
}
