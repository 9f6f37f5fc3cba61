use serde_json::json;

use super::super::super::quant::Format;
use super::super::super::testing::tiny;
use super::*;
use crate::inference::Question;

fn engine(window: usize) -> (tempfile::NamedTempFile, Engine) {
    let file = tiny("qwen2", Format::F32).file();
    let engine = Engine::load(file.path(), window).unwrap();
    (file, engine)
}

fn doubted<'a>(messages: &'a Value, line: &'a str) -> Doubted<'a> {
    Doubted { messages, before: "```\n", line, least_odds: 0.001, most: 6 }
}

fn asked() -> Value {
    json!([{ "role": "user", "content": "hello the hello" }])
}

/// What follows `tokens`, read in one go by an engine that has read nothing before.
fn odds_behind(tokens: &[u32]) -> Vec<f32> {
    let (_file, mut engine) = engine(400);
    let (odds, _) = engine.read(tokens, &mut |_| (), &|| false).unwrap();
    let most = odds.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = odds.iter().map(|odds| (odds - most).exp()).sum();
    odds.iter().map(|odds| (odds - most).exp() / total).collect()
}

#[test]
fn the_likeliest_others_are_found_with_the_odds_of_where_they_part() {
    let (_file, mut engine) = engine(400);
    let messages = asked();
    let question = doubted(&messages, "    the hello he");
    let found = engine.alternatives(&question, &|| false).unwrap();
    assert_eq!(found.all.len(), question.most);
    let (known, line) = engine.split(&question);
    let fixed = [engine.tokens(&messages).unwrap(), known].concat();
    let best = (0..line.len())
        .flat_map(|place| {
            let odds = odds_behind(&[&fixed, &line[..place]].concat());
            (0..)
                .zip(odds)
                .filter(|(token, _)| *token != line[place] && !engine.tokenizer.ends(*token))
                .collect::<Vec<_>>()
        })
        .map(|(_, odds)| odds)
        .fold(0.0, f32::max);
    assert!((found.all[0].odds - best).abs() < 1e-4, "{} and {best}", found.all[0].odds);
    for pair in found.all.windows(2) {
        assert!(pair[0].odds >= pair[1].odds, "the likeliest come first");
    }
    for one in &found.all {
        assert!(one.text.starts_with("    ") && !one.text.contains('\n'), "{:?}", one.text);
        assert_ne!(one.text.trim(), "the hello he");
        assert!((question.least_odds..=1.0).contains(&one.odds));
    }
    assert!(found.written_tokens > 0);
}

#[test]
fn asking_twice_gives_the_same_and_reads_less() {
    let (_file, mut engine) = engine(400);
    let messages = asked();
    let first = engine.alternatives(&doubted(&messages, "the hello"), &|| false).unwrap();
    let again = engine.alternatives(&doubted(&messages, "the hello"), &|| false).unwrap();
    assert_eq!((first.known_tokens, &first.all), (0, &again.all));
    assert!(again.known_tokens > 0 && again.known_tokens < again.read_tokens);
}

#[test]
fn an_answer_afterwards_is_what_it_would_have_been() {
    let sampling = Sampling { temperature: 1.0, top_p: 1.0, seed: 4 };
    let question = Question {
        messages: asked(),
        begun: String::new(),
        most_tokens: 30,
        sampling,
        stop: Vec::new(),
        form: None,
        enough: None,
    };
    let (_file, mut fresh) = engine(400);
    let wanted = fresh.answer(&question, &mut |_| (), &|| false).unwrap().text;
    let (_file, mut engine) = engine(400);
    let messages = asked();
    engine.alternatives(&doubted(&messages, "the hello he"), &|| false).unwrap();
    assert_eq!(engine.answer(&question, &mut |_| (), &|| false).unwrap().text, wanted);
}

#[test]
fn fewer_are_followed_where_more_odds_are_asked_for() {
    let (_file, mut engine) = engine(400);
    let messages = asked();
    let sure = Doubted { least_odds: 0.99, ..doubted(&messages, "the hello") };
    assert_eq!(engine.alternatives(&sure, &|| false).unwrap().all, []);
    let one = Doubted { most: 1, ..doubted(&messages, "the hello") };
    assert_eq!(engine.alternatives(&one, &|| false).unwrap().all.len(), 1);
}

#[test]
fn what_cannot_be_asked_has_none_or_an_error() {
    let (_file, mut engine) = engine(400);
    let messages = asked();
    for line in ["", "    ", &"hello ".repeat(BATCH)] {
        let found = engine.alternatives(&doubted(&messages, line), &|| false);
        assert_eq!(found.unwrap().all, [], "{line:?}");
    }
    let stopped = engine.alternatives(&doubted(&messages, "the hello"), &|| true);
    assert!(matches!(stopped, Err(InferenceError::Stopped)));
    let (_file, mut small) = super::tests::engine(60);
    let long = small.alternatives(&doubted(&messages, "the hello"), &|| false);
    assert!(matches!(long, Err(InferenceError::TooLong { window_tokens: 60, .. })));
}

#[test]
fn a_second_change_is_as_likely_as_both_together() {
    let (_file, engine) = engine(100);
    let ends = engine.tokenizer.end_tokens()[0];
    let odds = vec![0.0; engine.network.shape.vocabulary];
    let share = 1.0 / odds.len() as f32;
    let mut search =
        Search { fixed: Vec::new(), longest: 9, least_odds: 0.4 * share, waiting: Vec::new(), written_tokens: 0 };
    engine.branch(&mut search, &odds, &Beginning { tokens: vec![5, 7], odds: 0.5 }, 3);
    assert!(search.waiting.len() > 1 && search.waiting.len() < odds.len() - 1);
    for one in &search.waiting {
        assert!((one.odds - 0.5 * share).abs() < 1e-6, "{}", one.odds);
        assert_eq!((one.tokens.len(), &one.tokens[..2]), (3, &[5, 7][..]));
        assert!(one.tokens[2] != 3 && one.tokens[2] != ends, "neither the token itself nor the end");
    }
    let before = search.waiting.len();
    engine.branch(&mut search, &odds, &Beginning { tokens: vec![5, 7], odds: 0.3 }, 3);
    assert_eq!(search.waiting.len(), before, "what is less likely is left out");
}
