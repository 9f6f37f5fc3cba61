//! The dialect `blocks`: one answer, plain text, with all edits in it.
//!
//! A model that has its own answer before it writes it again, a small one at any temperature. So an answer that brings
//! nothing new is not answered: the conversation begins anew, on the files as they were, and is sampled more freely.

use std::collections::HashSet;

use tokio_util::sync::CancellationToken;

use super::applied::{self, Applied, Fault, How, Unusable};
use super::other_lines::Question;
use super::session::{Session, Wanted};
use super::{Answered, Opening, ProposeError, frames, grammar, opening, replies, window};
use crate::edit;
use crate::llm::{self, EditForm, Finish, Form, Message, Profile, Reply, Role};
use crate::prompt::{self, Prompt, fence};
use crate::repo::{FileTree, RepoPath};

/// Attempts of a conversation that the model is reminded of.
const MOST_TRIED: usize = 5;

/// The messages of a conversation in blocks.
pub(super) struct Blocks {
    first: Vec<Message>,
    /// The answer that was judged last and what failed with it: edits go on top of the files that it shows.
    judged_exchange: Vec<Message>,
    /// The last answer and what was wrong with it; earlier exchanges are dropped, so that the window holds.
    last_exchange: Vec<Message>,
    form: EditForm,
    closing: String,
    /// What to write after an answer without any edit.
    closing_after_prose: String,
    /// Answers of this conversation, by which repetitions are known.
    seen: HashSet<String>,
    /// Changes that were judged, as the files that differ.
    judged: Vec<Vec<crate::repo::FileChange>>,
    /// What was tried and how it failed, a line each.
    tried: Vec<String>,
    /// The file that an answer without a path means, where it looks like that file.
    target: Option<RepoPath>,
    /// The parts of files that the first question shows.
    shown: Vec<(RepoPath, String)>,
    threads: usize,
    /// Whether comments that an answer only leaves out are put back.
    keeps_comments: bool,
    last_remarks: String,
    /// What is asked line by line, once.
    lines: Option<Question>,
}

impl Blocks {
    pub(super) fn open(
        session: &mut Session<'_>,
        prompt: Prompt,
        values: Vec<(&'static str, String)>,
        opening: &Opening<'_>,
    ) -> Result<Self, ProposeError> {
        let form = opening::form_for(session.profile(), opening.context);
        let closing = match prompt {
            prompt::TEST => "Write the edits for the test now, in full. Change no other file.".to_owned(),
            _ => opening::closing(form, opening.context),
        };
        let format = session.render(opening::format(form), &[])?.system;
        let system = session.render(prompt::SYSTEM, &[("format", format)])?.system;
        let mut values = values;
        if prompt != prompt::TEST {
            values.push(("closing", closing.clone()));
        }
        let user = session.render(prompt, &values)?.user;
        let lines = match prompt {
            prompt::EDIT => Question::of(session, (&system, &values), opening, form)?,
            _ => None,
        };
        let user = super::first_message(session, opening, user);
        // A test belongs in a file of its own.
        let target = if prompt == prompt::TEST { None } else { opening::file_asked_for(form, opening.context) };
        Ok(Self {
            first: vec![Message::new(Role::System, system), user],
            judged_exchange: Vec::new(),
            last_exchange: Vec::new(),
            form,
            closing_after_prose: match (form, prompt == prompt::TEST) {
                (EditForm::WholeFile, false) => opening::file_alone(opening.context),
                _ => closing.clone(),
            },
            closing,
            seen: HashSet::new(),
            judged: Vec::new(),
            tried: Vec::new(),
            target,
            shown: opening.context.excerpts.iter().map(|part| (part.path.clone(), part.text.clone())).collect(),
            threads: opening.revision.map_or(0, |revision| revision.threads),
            keeps_comments: !opening::is_about_comments(opening),
            last_remarks: String::new(),
            lines,
        })
    }

    /// Asks for one answer and applies it to `tree`.
    ///
    /// `tree` holds the changes of the answers that are part of the conversation.
    pub(super) async fn ask(
        &mut self,
        session: &mut Session<'_>,
        tree: &FileTree,
        cancel: &CancellationToken,
    ) -> Result<Answered, ProposeError> {
        let so_far = self.first.iter().chain(&self.judged_exchange).chain(&self.last_exchange);
        let mut messages: Vec<Message> = so_far.cloned().collect();
        if !window::holds(&messages, session.room()) {
            for answer in messages.iter_mut().filter(|message| message.role == Role::Assistant) {
                answer.content = window::shortened(&answer.content);
            }
        }
        let form = self.form_of_answer(session.profile(), tree)?;
        let mut reply = session.ask_whole(&Wanted { messages, form, ..Wanted::default() }, cancel).await?;
        if let Some(once) = llm::said_once(&reply.text).filter(|once| is_complete(once)) {
            // What goes round in circles has told the cause, and that alone; or its edits, again and again.
            reply = Reply { text: once.to_owned(), finish: Finish::Stop, ..reply };
        }
        let is_new = self.seen.insert(reply.text.clone());
        let answer = match reply.finish {
            Finish::Length if llm::runs_in_circles(&reply.text) => Err(Unusable {
                problems: "The answer says the same again and again.".to_owned(),
                fault: Fault::NothingNew,
            }),
            Finish::Length => Err(Unusable {
                problems:
                    "Your answer was cut off at the longest allowed length. Write smaller edits: only the lines that \
                           change, with two lines around them."
                        .to_owned(),
                fault: Fault::Edits,
            }),
            _ if self.explains(&reply.text) => return Ok(Answered::Explained { remarks: reply.text }),
            _ => self.apply(tree, &reply.text),
        };
        match answer {
            Ok(applied) if self.judged.contains(&applied.tree.changes()?) => {
                self.begin_anew(session);
                let problems = "the same change was tried before and failed".to_owned();
                Ok(Answered::Unusable { problems })
            }
            Ok(Applied { tree, read, put_back }) => {
                self.last_exchange = vec![Message::new(Role::Assistant, reply.text)];
                self.last_remarks.clone_from(&read.remarks);
                Ok(Answered::Changed { tree, remarks: read.remarks, put_back })
            }
            Err(Unusable { problems, fault }) => {
                // A small model that was told once what was wrong, in vain, goes on about that instead of the task.
                let was_told = session.profile().resample && self.last_exchange.len() > 1;
                if is_new && fault != Fault::NothingNew && !was_told {
                    self.correct(session, reply.text, &problems, fault)?;
                } else {
                    self.begin_anew(session);
                }
                Ok(Answered::Unusable { problems })
            }
        }
    }

    /// What the answer must look like: JSON edits of their schema, else text of a grammar where the model can be kept to one.
    fn form_of_answer(&self, profile: &Profile, tree: &FileTree) -> Result<Option<Form>, ProposeError> {
        if self.form == EditForm::Json {
            return Ok(Some(grammar::json()));
        }
        // To a review the answer may be words alone.
        if !profile.grammar || self.threads > 0 {
            return Ok(None);
        }
        let changed: Vec<RepoPath> = tree.changes()?.into_iter().map(|change| change.path).collect();
        let now = |path: &RepoPath| tree.read_text(path).map(Option::unwrap_or_default);
        let mut shown: Vec<(&RepoPath, String)> =
            changed.iter().map(|path| Ok((path, now(path)?))).collect::<Result<_, ProposeError>>()?;
        for (path, text) in self.shown.iter().filter(|(path, _)| !changed.contains(path)) {
            shown.push((path, text.clone()));
        }
        // Who was asked for the edits behind words alone is not let go on with these.
        let words_are_said = self.last_exchange.first().is_some_and(|answer| is_only_prose(&answer.content));
        let allowed = grammar::Allowed {
            words: !words_are_said,
            nameless: self.target.is_some(),
            first: None,
            blocks: self.form == EditForm::SearchReplace,
        };
        // A model that speaks in circles is led to the file.
        let led = grammar::Allowed { words: false, nameless: false, first: self.target.as_ref(), ..allowed };
        let edits = allowed.words.then(|| grammar::of(led, &shown));
        Ok(Some(Form::Grammar { lark: grammar::of(allowed, &shown), edits }))
    }

    pub(super) fn has_lines_to_ask(&self) -> bool {
        self.lines.is_some()
    }

    /// Returns what is asked line by line, once.
    pub(super) fn question_of_lines(&mut self) -> Option<Question> {
        self.lines.take()
    }

    /// Tells whether the next question is the first one, about the files as they were.
    pub(super) fn is_at_its_beginning(&self) -> bool {
        self.judged_exchange.is_empty()
    }

    /// Forgets what was said; what failed is still known.
    fn begin_anew(&mut self, session: &mut Session<'_>) {
        self.judged_exchange.clear();
        self.last_exchange.clear();
        session.sample_more_freely();
    }

    /// Tells what was wrong with an answer.
    fn correct(
        &mut self,
        session: &mut Session<'_>,
        answer: String,
        problems: &str,
        fault: Fault,
    ) -> Result<(), ProposeError> {
        let closing = if fault == Fault::Prose { &self.closing_after_prose } else { &self.closing };
        let values = [("problems", problems.to_owned()), ("closing", closing.clone())];
        let feedback = session.render(prompt::CORRECT, &values)?.user;
        self.last_exchange = vec![Message::new(Role::Assistant, answer), Message::new(Role::User, feedback)];
        Ok(())
    }

    /// Tells what failed with the change in `tree`.
    pub(super) fn report_failures(
        &mut self,
        session: &mut Session<'_>,
        tree: &FileTree,
        failures: &str,
    ) -> Result<(), ProposeError> {
        let changes = tree.changes()?;
        if session.profile().resample {
            self.judged.push(changes);
            self.begin_anew(session);
            return Ok(());
        }
        let changed: Vec<RepoPath> = changes.iter().map(|change| change.path.clone()).collect();
        let is_shown = |path: &RepoPath| opening::shows_whole(tree, &changed, path);
        let values = [
            ("tried", self.describe_tried()),
            ("failures", fence("OUTPUT", failures)),
            ("files", opening::changed_files(tree)?),
            ("frames", frames::around(failures, tree, &is_shown)),
            ("closing", self.closing.clone()),
        ];
        let mut feedback = session.render(prompt::REPAIR, &values)?.user;
        if !self.has_room(session, &feedback) {
            // The frames help least.
            let without = values.map(|(name, value)| (name, if name == "frames" { String::new() } else { value }));
            feedback = session.render(prompt::REPAIR, &without)?.user;
        }
        self.judged.push(changes);
        let cause = self.last_remarks.lines().find(|line| !line.trim().is_empty()).unwrap_or("a change");
        let failed = failures.lines().find(|line| !line.trim().is_empty()).unwrap_or("it failed");
        self.tried.push(format!("- {}: {}", short(cause), short(failed)));
        self.settle(feedback);
        Ok(())
    }

    /// Makes the last answer the one that was judged, and `feedback` what came of it.
    fn settle(&mut self, feedback: String) {
        self.judged_exchange = std::mem::take(&mut self.last_exchange);
        self.judged_exchange.truncate(1);
        self.judged_exchange.push(Message::new(Role::User, feedback));
    }

    fn has_room(&self, session: &Session<'_>, feedback: &str) -> bool {
        let mut messages = self.first.clone();
        messages.push(Message::new(Role::User, feedback));
        window::holds(&messages, session.room())
    }

    fn describe_tried(&self) -> String {
        if self.tried.is_empty() {
            return String::new();
        }
        let from = self.tried.len().saturating_sub(MOST_TRIED);
        format!("You tried this before, and it failed:\n{}", fence("TRIED", &self.tried[from..].join("\n")))
    }

    /// Tells what a review found.
    pub(super) fn object(
        &mut self,
        session: &mut Session<'_>,
        tree: &FileTree,
        problems: &str,
    ) -> Result<(), ProposeError> {
        let values = [
            ("problems", fence("REVIEW", problems)),
            ("files", opening::changed_files(tree)?),
            ("closing", self.closing.clone()),
        ];
        let feedback = session.render(prompt::OBJECT, &values)?.user;
        self.settle(feedback);
        Ok(())
    }

    /// Tells why a test shows nothing.
    pub(super) fn refuse_test(&mut self, session: &mut Session<'_>, problem: &str) -> Result<(), ProposeError> {
        let feedback = session.render(prompt::TEST_AGAIN, &[("problem", problem.to_owned())])?.user;
        self.last_exchange.truncate(1);
        self.last_exchange.push(Message::new(Role::User, feedback));
        Ok(())
    }

    /// Tells whether an answer holds no edit, but a reply to every thread.
    fn explains(&self, answer: &str) -> bool {
        let replies = replies(answer, self.threads);
        let complete = !replies.is_empty() && replies.iter().all(Option::is_some);
        complete && is_only_prose(answer)
    }

    fn apply(&self, tree: &FileTree, answer: &str) -> Result<Applied, Unusable> {
        // What we write ends with the name of a file; small models go on from there, and write that file without it.
        let target = self.target.as_ref().filter(|path| applied::looks_like(tree, path, answer)).map(RepoPath::as_str);
        let how = How { target, keeps_comments: self.keeps_comments, ..How::default() };
        let applied = applied::apply(tree, answer, how).map_err(|unusable| match self.form {
            // The form of search and replace would only confuse.
            EditForm::WholeFile if unusable.fault == Fault::Prose => {
                Unusable { problems: "Your answer holds no file, only prose.".to_owned(), ..unusable }
            }
            _ => unusable,
        })?;
        if applied.tree.changes().is_ok_and(|changes| changes.is_empty()) {
            let problems = "together with the earlier edits this changes nothing: the files are as they were";
            return Err(Unusable { problems: problems.to_owned(), fault: Fault::NothingNew });
        }
        Ok(applied)
    }
}

/// Tells whether an answer is words alone, or ends with an edit. One that announces more behind its edits is neither.
fn is_complete(answer: &str) -> bool {
    is_only_prose(answer) || answer.trim_end().ends_with("```") && edit::parse(answer).is_ok()
}

fn is_only_prose(answer: &str) -> bool {
    edit::parse(answer).is_err_and(|error| error.is_only_prose())
}

fn short(text: &str) -> String {
    let line: String = text.trim().chars().take(160).collect();
    line
}
