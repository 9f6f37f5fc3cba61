//! The limits of a run, checked in one place before each call.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::llm::{Request, Usage, request_tokens};

/// What has been used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Tokens read.
    pub input_tokens: u64,
    /// Of these, cached ones.
    pub cached_input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// US dollars; `None` when the price is unknown.
    pub cost_usd: Option<f64>,
    /// Calls to the model.
    pub calls: u32,
}

impl Spent {
    /// Returns tokens read and written together.
    pub fn tokens(&self) -> u64 {
        self.input_tokens + self.output_tokens
    }
}

/// A limit that the next call would break.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LimitReached {
    /// Calls of one attempt.
    #[error("{limit} calls were made in this attempt")]
    Rounds {
        /// The limit.
        limit: u32,
    },
    /// Tokens of all calls.
    #[error("the next call may need {needed} tokens, {spent} of {limit} are used")]
    Tokens {
        /// Used so far.
        spent: u64,
        /// What the call would need at the most.
        needed: u64,
        /// The limit.
        limit: u64,
    },
    /// Money of all calls.
    #[error("the next call may cost {needed:.4} USD, {spent:.4} of {limit:.2} USD are spent")]
    Cost {
        /// Spent so far.
        spent: f64,
        /// What the call would cost at the most.
        needed: f64,
        /// The limit.
        limit: f64,
    },
    /// Wall time of the run.
    #[error("{} of {} are over", humantime::format_duration(*spent), humantime::format_duration(*limit))]
    WallTime {
        /// Over so far, in whole seconds.
        spent: Duration,
        /// The limit.
        limit: Duration,
    },
}

/// Computes the price of a call in US dollars; `None` when the price is unknown.
pub type Pricing = Box<dyn Fn(&Usage) -> Option<f64> + Send + Sync>;

/// The limits of a run.
pub struct Limits {
    /// Tokens of all calls.
    pub tokens: u64,
    /// US dollars of all calls.
    pub cost_usd: f64,
    /// Wall time since the clock was started.
    pub wall_time: Duration,
}

#[derive(Clone, Copy, Default)]
struct Ledger {
    spent: Spent,
    /// US dollars of the calls whose price is known; `spent` holds no sum as soon as one is not.
    known_usd: f64,
}

/// Counts what calls use and refuses the one that would go over a limit.
pub struct Meter {
    limits: Limits,
    clock: Arc<dyn Clock>,
    ledger: Mutex<Ledger>,
}

impl Meter {
    /// Makes a meter on which nothing is spent.
    pub fn new(limits: Limits, clock: Arc<dyn Clock>) -> Self {
        Self { limits, clock, ledger: Mutex::new(Ledger::default()) }
    }

    /// Returns what has been used so far.
    pub fn spent(&self) -> Spent {
        self.ledger().spent
    }

    fn ledger(&self) -> Ledger {
        *self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks that `request` stays within all limits even when the answer is as long as it may be.
    ///
    /// The tokens are counted by us, not asked of the server.
    ///
    /// # Errors
    /// The first [`LimitReached`].
    pub fn allow(&self, request: &Request, pricing: &Pricing) -> Result<(), LimitReached> {
        let Ledger { spent, known_usd: so_far } = self.ledger();
        let over = self.clock.elapsed();
        if over >= self.limits.wall_time {
            let whole = Duration::from_secs(over.as_secs());
            return Err(LimitReached::WallTime { spent: whole, limit: self.limits.wall_time });
        }
        let input = request_tokens(request);
        let needed = input + u64::from(request.max_output_tokens);
        if spent.tokens() + needed > self.limits.tokens {
            return Err(LimitReached::Tokens { spent: spent.tokens(), needed, limit: self.limits.tokens });
        }
        let worst = Usage {
            input_tokens: input,
            cached_input_tokens: 0,
            output_tokens: u64::from(request.max_output_tokens),
            counted_by: crate::llm::CountedBy::Prentice,
        };
        // What a model without a price cost is not known; the others count all the same.
        match pricing(&worst) {
            Some(needed) if so_far + needed > self.limits.cost_usd => {
                Err(LimitReached::Cost { spent: so_far, needed, limit: self.limits.cost_usd })
            }
            _ => Ok(()),
        }
    }

    /// Adds what a call has used.
    pub fn add(&self, usage: &Usage, pricing: &Pricing) {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let cost = pricing(usage);
        ledger.known_usd += cost.unwrap_or(0.0);
        let spent = &mut ledger.spent;
        spent.input_tokens += usage.input_tokens;
        spent.cached_input_tokens += usage.cached_input_tokens;
        spent.output_tokens += usage.output_tokens;
        spent.cost_usd = if spent.calls == 0 { cost } else { spent.cost_usd.zip(cost).map(|(old, new)| old + new) };
        spent.calls += 1;
    }
}
