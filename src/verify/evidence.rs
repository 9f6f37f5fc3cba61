//! The verdict and everything it rests on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TreeRun;
use super::reason::{fixed_reason, red_first_reason};
use crate::sandbox::Level;

/// What the evidence says, mechanically.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// At least one test that ran and failed on the base passes now, and none broke. A new test counts when it fails on the
    /// base alone.
    Proven,
    /// New tests pass that cannot even run on the base, and none broke.
    Added,
    /// Nothing broke, nothing is proven.
    Green,
    /// There was nothing to check with, or what was red is as red as before.
    Unproven,
    /// Something that was green broke.
    Refused,
}

impl Verdict {
    /// Returns the word for it, as bundles, outputs and texts have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Added => "added",
            Self::Green => "green",
            Self::Unproven => "unproven",
            Self::Refused => "refused",
        }
    }
}

/// Which tree was run a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RerunOf {
    /// The base commit's tree.
    Base,
    /// The changed tree.
    Patched,
    /// The base commit's tree with the change's tests.
    TestsOnBase,
    /// The changed tree with the tests of the base, where the change took some away; not a second run of any other.
    OldTests,
}

impl RerunOf {
    /// Returns the name of the second run, as timings have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Base => "base_again",
            Self::Patched => "patched_again",
            Self::TestsOnBase => "tests_on_base_again",
            Self::OldTests => "old_tests",
        }
    }
}

/// A second run, of the checks with failures that matter, on a fresh copy of the same tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rerun {
    /// The tree.
    pub tree: RerunOf,
    /// What came out.
    pub run: TreeRun,
}

/// What the commands said before and after, and what follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The walls that were in force.
    pub sandbox: Option<Level>,
    /// The base commit's tree.
    pub base: TreeRun,
    /// The changed tree.
    pub patched: TreeRun,
    /// The base commit's tree with nothing of the change but its tests; `None` where it brings none in files of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests_on_base: Option<TreeRun>,
    /// Tests that failed before and pass now.
    pub fixed: Vec<String>,
    /// New or changed tests that fail on the base alone and pass with the change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub red_first: Vec<String>,
    /// Tests that passed before and fail, or are gone, now; and new ones that fail.
    pub broken: Vec<String>,
    /// Tests that passed before and were changed, and whose old form fails with the change while their new form fails without
    /// it: what they expect was turned round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turned: Vec<String>,
    /// Tests that did not exist, or could not run, before and pass now.
    pub added: Vec<String>,
    /// Tests that failed before and fail now.
    pub still_failing: Vec<String>,
    /// Tests, and commands whose end no test explains, that gave two outcomes on one tree; never counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flaky: Vec<String>,
    /// Formatters and linters that were content before and complain now; they decide nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lint: Vec<String>,
    /// What was run a second time to tell what is flaky.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reruns: Vec<Rerun>,
    /// What follows.
    pub verdict: Verdict,
    /// Why, in one sentence for people.
    pub reason: String,
    /// What was not checked, each a sentence for people.
    pub not_checked: Vec<String>,
}

impl Evidence {
    /// Returns every run of a tree with its name, in the order in which they were made.
    pub fn trees(&self) -> Vec<(&'static str, &TreeRun)> {
        let mut all = vec![("base", &self.base), ("patched", &self.patched)];
        all.extend(self.tests_on_base.as_ref().map(|run| ("tests_on_base", run)));
        all.extend(self.reruns.iter().map(|rerun| (rerun.tree.word(), &rerun.run)));
        all
    }

    /// Returns the same runs as [`Evidence::trees`], to be completed.
    pub fn trees_mut(&mut self) -> Vec<&mut TreeRun> {
        let mut all = vec![&mut self.base, &mut self.patched];
        all.extend(self.tests_on_base.as_mut());
        all.extend(self.reruns.iter_mut().map(|rerun| &mut rerun.run));
        all
    }

    /// Tells whether the change may be proposed: nothing broke, and it is not the case that the checks are red and none
    /// was fixed. A change that nothing could check is acceptable here; `policy` decides about it.
    pub fn is_acceptable(&self) -> bool {
        match self.verdict {
            Verdict::Proven | Verdict::Added | Verdict::Green => true,
            Verdict::Unproven => !self.is_red(),
            Verdict::Refused => false,
        }
    }

    /// Says anew what is proven after tests have left `fixed`; where nothing is left, `why` is the reason of what remains.
    pub fn without_proof(&mut self, why: String) {
        if self.verdict != Verdict::Proven {
            return;
        }
        if !self.fixed.is_empty() {
            self.reason = fixed_reason(&self.fixed.iter().cloned().collect());
        } else if !self.red_first.is_empty() {
            self.reason = red_first_reason(&self.red_first);
        } else {
            self.verdict = match (self.is_red(), self.added.is_empty()) {
                (true, _) => Verdict::Unproven,
                (false, false) => Verdict::Added,
                (false, true) => Verdict::Green,
            };
            self.reason = why;
        }
    }

    /// Tells whether the changed tree is red, for more than what is flaky.
    pub fn is_red(&self) -> bool {
        self.patched.is_red_beside(&self.flaky)
    }

    /// Tells whether nothing is left to repair: every check that ran on the changed tree is green and nothing broke.
    /// True as well when there was no check to run.
    pub fn all_green(&self) -> bool {
        self.broken.is_empty() && !self.is_red()
    }
}
