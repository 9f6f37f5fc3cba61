//! `prentice verify`: the evidence of a bundle is made again, and what is told wrong comes out.

use prentice::bundle;

use crate::common::{Endpoint, GOOD, World, sandbox_or_skip};

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_replayed_and_a_lie_in_it_is_found() {
    let (world, endpoint) = (World::new(), Endpoint::answering(&[GOOD]).await);
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let folder = world.temporary().join("bundle");
    let place = folder.display().to_string();
    let made = world.run(&["propose", "task.yml", "--out", &place, "--base-url", &endpoint.url(), "--json"]);
    let digest = made.ends_with(0).json()["digest"].as_str().expect("a digest").to_owned();
    let same = world.run(&["verify", &place, "--digest", &digest, "--json"]);
    assert_eq!(same.ends_with(0).json()["outcome"], "same", "{same:?}");
    // In another clone, which has the base commit and nothing of the run.
    let other = world.temporary().join("clone");
    world.git(&["clone", "-q", &world.repo().display().to_string(), &other.display().to_string()]);
    world.run(&["verify", &place, "--repo", &other.display().to_string()]).ends_with(0);

    let mut bundle = bundle::read(&folder).expect("a bundle");
    let evidence = bundle.evidence.as_mut().expect("evidence");
    evidence.fixed.push("a test that nobody wrote".to_owned());
    evidence.patched.checks[0].tests[0].outcome = prentice::verify::Outcome::Skipped;
    let lie = world.temporary().join("lie");
    bundle::write(&bundle, &lie, None).expect("written");
    let lie = lie.display().to_string();
    let found = world.run(&["verify", &lie]);
    insta::assert_snapshot!(found.ends_with(1).err.lines().skip_while(|line| !line.starts_with("Something")).collect::<Vec<_>>().join("\n"), @"
    Something else came out than the bundle says:
      told to be among those that failed before and pass now, but not seen: a test that nobody wrote
      `sh check.sh` with the change: other outcomes than told: first is there
    ");
    let wrong = world.run(&["verify", &lie, "--digest", &digest]);
    assert!(wrong.ends_with(2).err.contains("the bundle has the digest"), "{wrong:?}");
    assert_eq!(
        endpoint
            .server
            .received_requests()
            .await
            .expect("recorded")
            .iter()
            .filter(|request| request.method.as_str() == "POST")
            .count(),
        1
    );
}
