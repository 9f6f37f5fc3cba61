//! What a call costs, as far as it is known.
//!
//! Prices are data in `prices.json`, each with the page it is from and the month it is attested for. A model that is not there has
//! no price: a wrong number would be worse than none.

use std::sync::LazyLock;

use serde::Deserialize;

use super::address;
use super::message::Usage;

/// What a model costs, in US dollars for a million tokens.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The beginning of the model's name.
    pub prefix: String,
    /// Tokens read that the server had not cached.
    pub input: f64,
    /// Tokens read from the server's cache.
    pub cached_input: f64,
    /// Tokens written.
    pub output: f64,
    /// The page, and which of its prices this is.
    pub source: String,
    /// The latest month for which the figure is attested; `None` when the page bears no date.
    pub as_of: Option<String>,
}

/// The user's own figures, in US dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceOverride {
    /// Tokens read, cached or not.
    pub input: f64,
    /// Tokens written.
    pub output: f64,
}

/// How the calls to one endpoint are priced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pricing {
    /// By the user's own figures.
    Own(PriceOverride),
    /// Nothing: the model runs on this machine.
    Free,
    /// By the list, where the model is on it.
    Listed,
}

impl Pricing {
    /// Chooses: the user's figures first, then that loopback costs nothing, then the list.
    pub fn of(base_url: &str, own: Option<PriceOverride>) -> Self {
        match own {
            Some(own) => Self::Own(own),
            None if address::is_loopback(base_url) => Self::Free,
            None => Self::Listed,
        }
    }

    /// Returns the cost in US dollars; `None` when the price is unknown.
    pub fn cost_usd(&self, model: &str, usage: &Usage) -> Option<f64> {
        match self {
            Self::Own(own) => Some(cost(usage, own.input, own.input, own.output)),
            Self::Free => Some(0.0),
            Self::Listed => cost_usd(model, usage),
        }
    }
}

/// Returns the cost in US dollars by the list; `None` when the model is not on it.
pub fn cost_usd(model: &str, usage: &Usage) -> Option<f64> {
    let price = find(&PRICES, model)?;
    Some(cost(usage, price.input, price.cached_input, price.output))
}

static PRICES: LazyLock<Vec<Price>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("prices.json")).expect("the list is part of the program, read by a test")
});

/// Returns the entry with the longest prefix that names this very model.
fn find<'a>(prices: &'a [Price], model: &str) -> Option<&'a Price> {
    let named = |price: &&Price| model.strip_prefix(price.prefix.as_str()).is_some_and(is_version);
    prices.iter().filter(named).max_by_key(|price| price.prefix.len())
}

/// Tells whether the rest of a name only says which release of the same model is meant: nothing, `-latest` or a date.
///
/// Anything else is another model, as `-mini` or `.6` are, and may cost a multiple.
fn is_version(rest: &str) -> bool {
    let digits = rest.strip_prefix(['-', '@']).map(|date| date.replace('-', ""));
    rest.is_empty()
        || rest == "-latest"
        || digits.is_some_and(|digits| digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn cost(usage: &Usage, input: f64, cached_input: f64, output: f64) -> f64 {
    let fresh = usage.input_tokens.saturating_sub(usage.cached_input_tokens);
    (fresh as f64 * input + usage.cached_input_tokens as f64 * cached_input + usage.output_tokens as f64 * output) / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::CountedBy;

    const USAGE: Usage = Usage {
        input_tokens: 1_000_000,
        cached_input_tokens: 400_000,
        output_tokens: 100_000,
        counted_by: CountedBy::Server,
    };

    #[test]
    fn the_list_is_sound() {
        for price in PRICES.iter() {
            assert!(
                0.0 < price.cached_input && price.cached_input <= price.input && price.input < price.output,
                "{price:?}"
            );
            assert!(!price.source.is_empty() && price.as_of.as_ref().is_none_or(|month| month.len() == 7), "{price:?}");
            assert_eq!(find(&PRICES, &price.prefix), Some(price), "two entries for one name");
        }
    }

    #[test]
    fn a_name_has_the_price_of_its_own_model_or_none() {
        fn check(model: &str, expected: Option<&str>) {
            assert_eq!(find(&PRICES, model).map(|price| price.prefix.as_str()), expected, "{model}");
        }
        check("gpt-5", Some("gpt-5"));
        check("gpt-5-2025-08-07", Some("gpt-5"));
        check("gpt-5-mini-2025-08-07", Some("gpt-5-mini"));
        check("claude-sonnet-4-5-20250929", Some("claude-sonnet-4-5"));
        check("claude-opus-5-5", Some("claude-opus-5-5"));
        check("gpt-4o-latest", Some("gpt-4o"));
        check("gpt-5.9", None);
        check("gpt-5-codex", None);
        check("claude-opus-5-9", None);
        check("vendor/gpt-5", None);
        check("", None);
    }

    #[test]
    fn cached_tokens_cost_less_and_are_not_counted_twice() {
        let cost = cost_usd("gpt-4.1", &USAGE).unwrap();
        assert!((cost - (0.6 * 2.0 + 0.4 * 0.5 + 0.1 * 8.0)).abs() < 1e-9, "{cost}");
    }

    #[test]
    fn own_figures_come_before_loopback_and_loopback_before_the_list() {
        let own = PriceOverride { input: 1.0, output: 10.0 };
        let cost = |base_url: &str, own| Pricing::of(base_url, own).cost_usd("gpt-4.1", &USAGE);
        assert_eq!(cost("http://127.0.0.1:8080/v1", Some(own)), Some(2.0));
        assert_eq!(cost("http://localhost:8080/v1", None), Some(0.0));
        assert_eq!(cost("https://example.org/v1", None), cost_usd("gpt-4.1", &USAGE));
        assert_eq!(Pricing::of("https://example.org/v1", None).cost_usd("unheard-of", &USAGE), None);
    }
}
