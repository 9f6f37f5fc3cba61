//! `prentice choose`: the best of several attempts.

use crate::common::{BREAKS, Endpoint, GOOD, Ran, World, read, sandbox_or_skip};

async fn attempt(world: &World, name: &str, answer: &str) -> (String, String) {
    let endpoint = Endpoint::answering(&[answer]).await;
    let out = world.temporary().join(name).display().to_string();
    let ran = world.run(&[
        "propose",
        "task.yml",
        "--fresh",
        "--rounds",
        "1",
        "--out",
        &out,
        "--base-url",
        &endpoint.url(),
        "--json",
    ]);
    (out, ran.json()["digest"].as_str().expect("a digest").to_owned())
}

fn choose(world: &World, bundles: &[&(String, String)], more: &[&str]) -> Ran {
    let mut arguments = vec!["choose"];
    for (folder, digest) in bundles {
        arguments.extend([folder.as_str(), "--digest", digest.as_str()]);
    }
    arguments.extend(more);
    world.run(&arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_accepted_attempt_is_chosen_and_copied_as_it_is() {
    let world = World::new();
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let broken = attempt(&world, "broken", BREAKS).await;
    let good = attempt(&world, "good", GOOD).await;
    let out = world.temporary().join("chosen").display().to_string();
    let ran = choose(&world, &[&broken, &good], &["--out", &out]);
    let table = ran.ends_with(0).out.replace(&world.temporary().display().to_string(), "TMP");
    insta::assert_snapshot!(table, @r"
      outcome              verdict    lines  files       cost  bundle
      no_acceptable_change refused        6      1     0.0000  TMP/broken
    * done                 proven         2      1     0.0000  TMP/good
    ");
    assert_eq!(choose(&world, &[&(out, good.1.clone())], &[]).code, Some(0), "the copy has the digest");

    assert!(!ran.err.contains("equally good"), "{}", ran.err);
    let again = attempt(&world, "again", GOOD).await;
    let tied = choose(&world, &[&good, &broken, &again], &[]);
    assert!(tied.ends_with(0).err.contains("equally good by evidence and size, and named later: "), "{tied:?}");
    assert!(tied.err.trim_end().ends_with("again"), "{tied:?}");

    let place = world.temporary().join("outputs");
    let outputs = place.display().to_string();
    let mut command = world.prentice(&["choose", &broken.0, &good.0]);
    assert!(command.env("GITHUB_OUTPUT", &outputs).status().expect("runs").success());
    assert_eq!(read(&place), format!("digest={}\noutcome=done\n", good.1));

    let swapped = choose(&world, &[&(broken.0.clone(), good.1.clone()), &good], &[]);
    assert!(swapped.ends_with(2).err.contains("has the digest"), "{swapped:?}");
    let missing = world.run(&["choose", &broken.0, &good.0, "--digest", &good.1]);
    assert!(missing.ends_with(2).err.contains("2 bundles, but 1 digests"), "{missing:?}");
}
