//! What an event of the forge asks for: who asks, whether they may, which text counts, and the order that comes of it.
//!
//! It runs no model and no code of the repository. Questions that need neither are answered at once; everything else
//! becomes an [`Order`], a file for the job that runs the model, which then needs no token of the forge.

mod answer;
mod gather;
mod inbox;
mod quota;
mod start;
mod task;
mod trigger;

use std::sync::Arc;

use crate::clock::Clock;
use crate::forge::event::Event;
use crate::forge::github::{GitHub, Permission, RepositoryInfo};
use crate::forge::{Account, AccountKind, ForgeError};
use crate::task::{Order, TaskError};

/// What the repository's configuration says about who may ask for what.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// The label that starts a run, and that our pull requests carry.
    pub label: String,
    /// Numbers of the bots' accounts that may command as people with write permission do.
    pub bots: Vec<u64>,
    /// The most open pull requests of ours; a new one waits until a person has closed one.
    pub max_open_pulls: u64,
    /// The most runs in 24 hours.
    pub runs_per_day: u64,
    /// The most runs in 24 hours that one account asks for.
    pub runs_per_user: u64,
    /// US dollars in 24 hours, as far as the model's price is known.
    pub cost_usd_per_day: f64,
}

/// The run that answers the event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThisRun {
    /// The forge's number of it; 0 outside of the forge.
    pub id: u64,
    /// Its page.
    pub url: Option<String>,
    /// The name of its workflow, whose own failures are nobody's task.
    pub workflow: String,
}

/// What comes of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Something for the job that runs the model.
    Order(Box<Order>),
    /// Nothing more to do, and why.
    Nothing(String),
}

/// Why an event could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum RespondError {
    /// The event is about another repository than the one that the token is for.
    #[error("the event is about {event}, and this run is about {here}")]
    OtherRepository {
        /// The event's.
        event: String,
        /// Ours.
        here: String,
    },
    /// A task file of the repository is wrong.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The forge did not answer.
    #[error(transparent)]
    Forge(#[from] ForgeError),
}

/// Answers events of one repository.
pub struct Responder<'a> {
    github: &'a GitHub,
    rules: &'a Rules,
    run: &'a ThisRun,
    clock: Arc<dyn Clock>,
    repository: RepositoryInfo,
    /// Whom the token stands for: what this account says is never a command.
    me: Account,
}

impl<'a> Responder<'a> {
    /// Asks the forge for what every answer needs: the default branch, and whom the token stands for.
    ///
    /// # Errors
    /// [`RespondError::Forge`].
    pub async fn new(
        github: &'a GitHub,
        rules: &'a Rules,
        run: &'a ThisRun,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RespondError> {
        let (repository, me) = (github.repository().await?, github.viewer().await?);
        Ok(Self { github, rules, run, clock, repository, me })
    }

    /// Does what an event asks for, up to the order.
    ///
    /// # Errors
    /// [`RespondError`]; an event that is not for us is no error.
    pub async fn respond(&self, event: &Event) -> Result<Outcome, RespondError> {
        let here = self.github.repository_name().to_string();
        // A schedule names no repository.
        if !event.repository.is_empty() && !event.repository.eq_ignore_ascii_case(&here) {
            return Err(RespondError::OtherRepository { event: event.repository.clone(), here });
        }
        trigger::handle(self, event).await
    }

    /// Tells why somebody may not command; `None` when they may.
    ///
    /// The forge is asked, never the event: who wrote the event's file may have written anything.
    async fn objection(&self, who: &Account) -> Result<Option<String>, ForgeError> {
        if who.is_same(&self.me) {
            return Ok(Some("it is my own".to_owned()));
        }
        if who.kind == AccountKind::Bot || who.login.ends_with("[bot]") {
            let listed = who.id != 0 && self.rules.bots.contains(&who.id);
            return Ok((!listed).then(|| {
                format!("`{}` is a bot; `forge.bots` in .prentice.yml lists the numbers of those that may", who.login)
            }));
        }
        let permission = self.github.permission(&who.login).await?;
        let may = permission >= Permission::Write;
        Ok((!may).then(|| format!("`{}` may not write to this repository", who.login)))
    }
}
