//! `prentice choose`: the best of several attempts goes on.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::ci::Ci;
use super::failure::{Exit, Failure};
use super::output::{print, print_json, tell};
use super::run::words;
use crate::bundle::{self, Bundle, Merit};
use crate::config::Environment;

/// `prentice choose`.
#[derive(Debug, Args)]
#[command(
    after_help = "A change that was accepted comes before one that was not, then the stronger verdict, then the smaller \
change, then\nthe one named first."
)]
pub(super) struct Choose {
    /// The bundles' folders, all of the same task and commit.
    #[arg(required = true, value_name = "BUNDLE")]
    pub bundles: Vec<PathBuf>,
    /// The digest that each bundle must have, in the order of the bundles.
    #[arg(long, value_name = "SHA256")]
    pub digest: Vec<String>,
    /// Where to put a copy of the best one; what is there is replaced.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print one JSON object on standard output.
    #[arg(long)]
    pub json: bool,
}

struct Candidate<'a> {
    folder: &'a Path,
    digest: String,
    bundle: Bundle,
    merit: Merit,
}

/// Carries out `prentice choose`.
pub(super) fn choose(flags: &Choose, environment: &Environment) -> Result<Exit, Failure> {
    if !flags.digest.is_empty() && flags.digest.len() != flags.bundles.len() {
        let message = format!("{} bundles, but {} digests", flags.bundles.len(), flags.digest.len());
        return Err(Failure::new(Exit::Usage, message).hint("give --digest once for each bundle, in their order"));
    }
    let mut candidates = Vec::new();
    for (place, folder) in flags.bundles.iter().enumerate() {
        candidates.push(read(folder, flags.digest.get(place).map(String::as_str))?);
    }
    let same = |one: &Candidate<'_>| (one.bundle.slug.clone(), one.bundle.base.clone());
    if let Some(other) = candidates.iter().find(|other| same(other) != same(&candidates[0])) {
        let message = format!("{} is about another task or commit than the first bundle", other.folder.display());
        return Err(Failure::new(Exit::Usage, message));
    }
    let merits: Vec<Merit> = candidates.iter().map(|candidate| candidate.merit).collect();
    let chosen = bundle::best(&merits).ok_or_else(|| Failure::new(Exit::Usage, "there is no bundle to choose from"))?;
    let best = &candidates[chosen];
    if let Some(out) = &flags.out {
        bundle::copy(best.folder, out, &best.digest)?;
    }
    Ci::of(environment).outputs(&[("digest", &best.digest), ("outcome", words(&best.bundle.ending).0)])?;
    if flags.json {
        print_json(&describe(&candidates, chosen));
    } else {
        print(&table(&candidates, chosen));
        let others: Vec<String> = equals(&candidates, chosen).map(|other| other.folder.display().to_string()).collect();
        if !others.is_empty() {
            tell(&format!("equally good by evidence and size, and named later: {}", others.join(", ")));
        }
    }
    Ok(Exit::Done)
}

fn equals<'c, 'a>(candidates: &'c [Candidate<'a>], chosen: usize) -> impl Iterator<Item = &'c Candidate<'a>> {
    let merit = candidates[chosen].merit;
    candidates
        .iter()
        .enumerate()
        .filter(move |(at, other)| *at != chosen && other.merit == merit)
        .map(|(_, other)| other)
}

fn read<'a>(folder: &'a Path, wanted: Option<&str>) -> Result<Candidate<'a>, Failure> {
    let digest = bundle::digest(folder)?;
    if let Some(wanted) = wanted.filter(|wanted| !wanted.eq_ignore_ascii_case(&digest)) {
        let message = format!("{} has the digest {digest}, not {wanted}", folder.display());
        return Err(Failure::new(Exit::Usage, message).hint("it was changed after it was written, or is another one"));
    }
    let bundle = bundle::read(folder)?;
    let merit = bundle::merit(&bundle);
    Ok(Candidate { folder, digest, bundle, merit })
}

fn verdict(candidate: &Candidate<'_>) -> String {
    candidate.bundle.evidence.as_ref().map_or("-", |evidence| evidence.verdict.word()).to_owned()
}

fn describe(candidates: &[Candidate<'_>], chosen: usize) -> serde_json::Value {
    let one = |candidate: &Candidate<'_>| {
        json!({
            "bundle": candidate.folder.display().to_string(),
            "digest": candidate.digest,
            "outcome": words(&candidate.bundle.ending).0,
            "verdict": candidate.bundle.evidence.as_ref().map(|evidence| evidence.verdict),
            "lines": candidate.merit.lines.0,
            "files": candidate.merit.files.0,
            "cost_usd": candidate.bundle.account.spent.cost_usd,
        })
    };
    let ties = equals(candidates, chosen).count();
    json!({ "chosen": chosen, "digest": candidates[chosen].digest, "ties": ties, "bundles": candidates.iter().map(one).collect::<Vec<_>>() })
}

fn table(candidates: &[Candidate<'_>], chosen: usize) -> String {
    let mut text =
        format!("  {:<20} {:<9} {:>6} {:>6} {:>10}  bundle\n", "outcome", "verdict", "lines", "files", "cost");
    for (place, candidate) in candidates.iter().enumerate() {
        let mark = if place == chosen { '*' } else { ' ' };
        let cost = candidate.bundle.account.spent.cost_usd.map_or("unknown".to_owned(), |cost| format!("{cost:.4}"));
        text += &format!(
            "{mark} {:<20} {:<9} {:>6} {:>6} {cost:>10}  {}\n",
            words(&candidate.bundle.ending).0,
            verdict(candidate),
            candidate.merit.lines.0,
            candidate.merit.files.0,
            candidate.folder.display()
        );
    }
    text
}
