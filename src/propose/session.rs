//! One model, asked within limits: every call of a conversation and of the steps around it goes through here.

use tokio_util::sync::CancellationToken;

use super::meter::{LimitReached, Meter, Pricing};
use super::window;
use super::{PromptHashes, ProposeError, Sampling};
use crate::edit;
use crate::llm::{self, Finish, Form, LanguageModel, LlmError, Message, Profile, Reply, Request, Role, Step, Tool};
use crate::prompt::{Prompt, Rendered};

/// Times that an answer which was cut off is gone on with.
const MOST_CONTINUATIONS: u32 = 2;
/// The temperature, at least, once the model has brought nothing new: between what the makers of small models advise (0.6 to
/// 0.7) and 1.0.
const FREER: f32 = 0.8;
/// The temperature of steps that judge or put into words.
const STEADY: f32 = 0.0;

/// Asks one model, counts, and keeps to the limits.
pub struct Session<'a> {
    model: &'a dyn LanguageModel,
    meter: &'a Meter,
    pricing: &'a Pricing,
    profile: &'a Profile,
    sampling: Sampling,
    asked: u32,
    /// How often the model brought nothing new.
    stuck: u32,
    prompts: PromptHashes,
}

/// What is asked.
#[derive(Clone, Default)]
pub(super) struct Wanted {
    pub(super) messages: Vec<Message>,
    pub(super) tools: Vec<Tool>,
    pub(super) form: Option<Form>,
    /// Whether the answer shall be the likeliest one, whatever the sampling of the edits.
    pub(super) steady: bool,
}

impl<'a> Session<'a> {
    /// Begins with nothing asked.
    pub fn new(
        model: &'a dyn LanguageModel,
        (meter, pricing): (&'a Meter, &'a Pricing),
        profile: &'a Profile,
        sampling: Sampling,
    ) -> Self {
        Self { model, meter, pricing, profile, sampling, asked: 0, stuck: 0, prompts: PromptHashes::new() }
    }

    /// Returns what is known of the model.
    pub fn profile(&self) -> &'a Profile {
        self.profile
    }

    /// Tells whether a step is taken with this model.
    pub fn takes(&self, step: Step) -> bool {
        self.profile.takes(step)
    }

    /// Returns how many calls were made.
    pub fn asked(&self) -> u32 {
        self.asked
    }

    /// Tells whether the model may be asked once more.
    pub fn has_rounds_left(&self) -> bool {
        self.asked < self.sampling.rounds
    }

    /// Returns how often the model may still be asked.
    pub fn rounds_left(&self) -> u32 {
        self.sampling.rounds.saturating_sub(self.asked)
    }

    /// Returns the hashes of the prompts used so far.
    pub fn prompts(&self) -> &PromptHashes {
        &self.prompts
    }

    /// Notes that the model brought nothing new: the next answer is sampled more freely, and by another seed.
    pub(super) fn sample_more_freely(&mut self) {
        self.stuck += 1;
    }

    /// Fills in a prompt and notes its hash.
    pub(super) fn render(
        &mut self,
        prompt: Prompt,
        values: &[(&'static str, String)],
    ) -> Result<Rendered, ProposeError> {
        let rendered = prompt.render(&values.iter().cloned().collect())?;
        self.prompts.insert(prompt.name.to_owned(), prompt.hash());
        Ok(rendered)
    }

    /// Renders a prompt of both parts and asks it; the answer is never cut.
    pub(super) async fn consult(
        &mut self,
        prompt: Prompt,
        values: &[(&'static str, String)],
        cancel: &CancellationToken,
    ) -> Result<String, ProposeError> {
        let rendered = self.render(prompt, values)?;
        let messages = vec![Message::new(Role::System, rendered.system), Message::new(Role::User, rendered.user)];
        self.ask_to_the_end(messages, cancel).await
    }

    /// Asks for an answer that says nothing before its end, such as that there is no problem.
    pub(super) async fn ask_to_the_end(
        &mut self,
        messages: Vec<Message>,
        cancel: &CancellationToken,
    ) -> Result<String, ProposeError> {
        let reply = self.ask_whole(&Wanted { messages, steady: true, ..Wanted::default() }, cancel).await?;
        if reply.finish == Finish::Length {
            return Err(ProposeError::Unfinished);
        }
        Ok(edit::without_thinking(&reply.text).into_owned())
    }

    /// Asks once.
    pub(super) async fn ask(&mut self, wanted: &Wanted, cancel: &CancellationToken) -> Result<Reply, ProposeError> {
        if !self.has_rounds_left() {
            return Err(LimitReached::Rounds { limit: self.sampling.rounds }.into());
        }
        let request = self.request(wanted);
        self.must_fit(&request)?;
        self.meter.allow(&request, self.pricing)?;
        let reply = self.model.complete(&request, cancel).await?;
        self.meter.add(&reply.usage, self.pricing);
        self.asked += 1;
        Ok(reply)
    }

    /// Asks, and goes on with an answer that was cut off as far as the window allows; where that is not enough the reply
    /// still says that it was cut.
    pub(super) async fn ask_whole(
        &mut self,
        wanted: &Wanted,
        cancel: &CancellationToken,
    ) -> Result<Reply, ProposeError> {
        let mut reply = self.ask(wanted, cancel).await?;
        for _ in 0..MOST_CONTINUATIONS {
            let is_json = wanted.form.as_ref().is_some_and(Form::is_json);
            let is_text = !is_json && reply.calls.is_empty() && !reply.text.trim().is_empty();
            if reply.finish != Finish::Length || !is_text || llm::runs_in_circles(&reply.text) {
                break;
            }
            // What is left of an answer has no form of its own.
            let mut more = Wanted { form: None, ..wanted.clone() };
            more.messages.push(Message::new(Role::Assistant, reply.text.clone()));
            more.messages.push(Message::new(Role::User, GO_ON));
            if !self.has_rounds_left() || !window::holds(&more.messages, self.room()) {
                break;
            }
            let next = self.ask(&more, cancel).await?;
            reply = Reply { text: window::joined(&reply.text, &next.text), ..next };
        }
        Ok(reply)
    }

    /// Refuses a request that fills the window by itself: whoever shortens the conversation could not do enough.
    fn must_fit(&self, request: &Request) -> Result<(), LlmError> {
        let tokens = llm::conversation_tokens(request);
        if tokens < self.sampling.window_tokens {
            return Ok(());
        }
        let message = format!("it has about {tokens} tokens of {}", self.sampling.window_tokens);
        Err(LlmError::ContextTooLong { message, window_tokens: Some(self.sampling.window_tokens) })
    }

    /// Returns the tokens that the messages of a request may have.
    pub(super) fn room(&self) -> u64 {
        self.sampling.window_tokens.saturating_sub(u64::from(self.sampling.max_output_tokens))
    }

    fn request(&self, wanted: &Wanted) -> Request {
        let own = self.sampling.temperature;
        let edits = if self.stuck == 0 { own } else { own.max(FREER) };
        Request {
            messages: wanted.messages.clone(),
            max_output_tokens: self.sampling.max_output_tokens,
            temperature: Some(if wanted.steady { STEADY } else { edits }),
            seed: Some(self.sampling.seed + u64::from(self.stuck)),
            top_p: self.profile.top_p,
            stop: self.profile.stop.clone(),
            tools: wanted.tools.clone(),
            form: wanted.form.clone().filter(|form| self.profile.forms || !form.is_json()),
            effort: self.profile.effort,
        }
    }
}

const GO_ON: &str = "Your answer was cut off. Go on exactly behind its last character; repeat nothing.";
