//! Runs that are killed or interrupted: what is left, and what the next run does.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{Endpoint, GOOD, PRICE, Ran, TASK, World, reply, sandbox_or_skip};

/// A check that runs for ever as long as the file `hang` is in the commit, once price.py adds.
const SLOW_CHECK: &str = r#"echo "TAP version 13"
echo "1..1"
if grep -q "sum(prices)" src/price.py; then
  if [ "$(cat wait.txt)" = yes ]; then sleep 600; fi
  echo "ok 1 - total adds"
else echo "not ok 1 - total adds"; fi
"#;

fn pid(child: &std::process::Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("a pid"))
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_while_the_model_thinks_keeps_a_bundle_and_leaves_nothing_running() {
    let slow = reply(GOOD).set_delay(Duration::from_secs(600));
    let (world, endpoint) = (World::new(), Endpoint::with(vec![slow, reply(GOOD)]).await);
    if !sandbox_or_skip(&world, "ctrl_c_while_the_model_thinks") {
        return;
    }
    let child = world.start(&["run", "task.yml", "--base-url", &endpoint.url(), "--json"]);
    world.wait_until("the request is in the journal", |world| world.journal().contains("\"event\":\"request\""));
    // The slow answer is for this run: had it not arrived yet, the next one would get it.
    while endpoint.asked().await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    kill(pid(&child), Signal::SIGINT).expect("sent");
    let ran = Ran::of(&child.wait_with_output().expect("it ends"));
    let result = ran.ends_with(130).json();
    assert_eq!(result["outcome"], "cancelled");
    assert!(std::path::Path::new(result["bundle"].as_str().expect("a folder")).join("bundle.json").exists());
    assert_eq!((world.work_trees(), world.git(&["branch", "--list", "prentice/*"]).as_str()), (0, ""));
    world.run(&["run", "task.yml", "--base-url", &endpoint.url()]).ends_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_killed_while_the_tests_run_goes_on_without_paying_again() {
    let files = [("check.sh", SLOW_CHECK), ("src/price.py", PRICE), ("task.yml", TASK), ("wait.txt", "yes")];
    let (world, endpoint) = (World::with(&files), Endpoint::answering(&[GOOD]).await);
    if !sandbox_or_skip(&world, "a_run_killed_while_the_tests_run") {
        return;
    }
    let url = endpoint.url();
    let mut child = world.start(&["run", "task.yml", "--base-url", &url]);
    world.wait_until("the patched tree is being tested", |world| {
        world.journal().contains("\"event\":\"reply\"") && world.work_trees() == 1 && world.locked_trees() == 1
    });
    kill(pid(&child), Signal::SIGKILL).expect("sent");
    child.wait().expect("it is dead");
    assert_eq!(world.work_trees(), 1, "the dead cannot clean up");
    assert_eq!(world.git(&["branch", "--list", "prentice/*"]), "");

    let mut second = world.start(&["run", "task.yml", "--base-url", &url]);
    world.wait_until("the leftover is gone, and the second run tests the same answer in a tree of its own", |world| {
        world.journal().matches("\"event\":\"reply\"").count() == 2 && world.work_trees() == 1
    });
    assert_eq!(endpoint.asked().await, 1, "the answer was paid for once");
    let busy = world.run(&["run", "task.yml", "--base-url", &url]);
    assert!(busy.ends_with(2).err.contains("another run of this task is under way"), "{busy:?}");
    kill(pid(&second), Signal::SIGTERM).expect("sent");
    assert_eq!(second.wait().expect("it ends").code(), Some(143), "the code of the signal that ended it");
    assert_eq!(world.work_trees(), 0, "an interrupted run cleans up");
}
