//! How much may be asked for in a day. The state is kept on the forge: in our own progress comments.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Responder;
use crate::forge::ForgeError;
use crate::publish::progress::{self, RunEntry};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Tells which limit a further run of `actor` would break.
///
/// `opens_a_pull` tells whether the run may end with a further pull request.
pub(super) async fn objection(
    responder: &Responder<'_>,
    actor: &str,
    opens_a_pull: bool,
) -> Result<Option<String>, ForgeError> {
    let rules = responder.rules;
    if opens_a_pull {
        let open = responder.github.open_pulls().await?.len() as u64;
        if open >= rules.max_open_pulls {
            return Ok(Some(format!(
                "{open} pull requests of mine are open, and `forge.max_open_pulls` is {}: close or merge one first",
                rules.max_open_pulls
            )));
        }
    }
    let since = responder.clock.now().before(DAY);
    let mut runs: BTreeMap<u64, RunEntry> = BTreeMap::new();
    for comment in responder.github.comments_since(&since.to_string()).await? {
        if comment.author.is_same(&responder.me) {
            let entries = progress::runs(&comment.body).into_iter().filter(|run| run.at >= since.unix_seconds());
            runs.extend(entries.map(|run| (run.id, run)));
        }
    }
    // This run may be a second try of one that is counted already.
    runs.remove(&responder.run.id);
    let runs: Vec<RunEntry> = runs.into_values().collect();
    Ok(broken(responder, actor, &runs))
}

fn broken(responder: &Responder<'_>, actor: &str, runs: &[RunEntry]) -> Option<String> {
    let rules = responder.rules;
    let (all, own) = (runs.len() as u64, runs.iter().filter(|run| run.actor == actor).count() as u64);
    let cost = runs.iter().map(|run| run.cost_micros).sum::<u64>() as f64 / 1e6;
    if all >= rules.runs_per_day {
        return Some(format!("{all} runs in 24 hours are the most that `forge.runs_per_day` allows"));
    }
    if own >= rules.runs_per_user {
        return Some(format!("{own} runs in 24 hours are the most that `forge.runs_per_user` allows one account"));
    }
    (cost >= rules.cost_usd_per_day).then(|| {
        format!(
            "{cost:.2} USD in 24 hours are the most that `forge.cost_usd_per_day` allows ({:.2})",
            rules.cost_usd_per_day
        )
    })
}
