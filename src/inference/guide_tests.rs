use serde_json::json;
use tempfile::NamedTempFile;

use super::super::quant::Format;
use super::super::testing::{Gguf, Setting, tiny};
use super::super::{Answer, Ended, Engine, Question, Sampling};
use super::*;

fn loaded(model: &Gguf) -> (NamedTempFile, Engine) {
    let file = model.file();
    let engine = Engine::load(file.path(), 400).unwrap();
    (file, engine)
}

/// Asks a model whose weights are drawn by lot, so that only the form decides.
fn ask(engine: &mut Engine, form: Form, seed: u64) -> Result<Answer, InferenceError> {
    let question = Question {
        messages: json!([{"role": "user", "content": "hello"}]),
        begun: String::new(),
        most_tokens: 200,
        sampling: Sampling { temperature: if seed == 0 { 0.0 } else { 1.0 }, top_p: 1.0, seed },
        stop: Vec::new(),
        form: Some(form),
        enough: None,
    };
    engine.answer(&question, &mut |_| (), &|| false)
}

fn grammar(lark: &str) -> Form {
    Form::Grammar(lark.to_owned())
}

#[test]
fn an_answer_keeps_to_its_form_and_ends_where_that_ends() {
    let (_file, mut engine) = loaded(&tiny("qwen2", Format::F32));
    let form = grammar(r#"start: "the hello" | "hell" | /[0-9]{3}é/"#);
    let mut texts = std::collections::BTreeSet::new();
    for seed in 0..30 {
        let answer = ask(&mut engine, form.clone(), seed).unwrap();
        assert_eq!(answer.ended, Ended::Done, "{answer:?}");
        let is_number = answer.text.strip_suffix('é').is_some_and(|number| number.parse::<u16>().is_ok());
        assert!(["the hello", "hell"].contains(&answer.text.as_str()) || is_number, "{}", answer.text);
        texts.insert(answer.text);
    }
    assert!(texts.len() > 3, "{texts:?}");
}

#[test]
fn json_is_of_its_schema() {
    let (_file, mut engine) = loaded(&tiny("qwen2", Format::F32));
    let schema = json!({
        "type": "object",
        "properties": { "done": { "type": "boolean" }, "kind": { "enum": ["a", "b"] } },
        "required": ["done", "kind"],
        "additionalProperties": false,
    });
    for seed in 0..8 {
        let answer = ask(&mut engine, Form::JsonSchema(schema.clone()), seed).unwrap();
        let value: Value = serde_json::from_str(&answer.text).unwrap();
        assert!(value["done"].is_boolean() && ["a", "b"].contains(&value["kind"].as_str().unwrap()), "{value}");
    }
}

#[test]
fn what_was_not_asked_for_comes_back_with_the_next_question() {
    let (_file, mut engine) = loaded(&tiny("qwen2", Format::F32));
    let free = |engine: &mut Engine| {
        let question = Question {
            messages: json!([{"role": "user", "content": "hello"}]),
            begun: String::new(),
            most_tokens: 12,
            sampling: Sampling { temperature: 1.0, top_p: 1.0, seed: 3 },
            stop: Vec::new(),
            form: None,
            enough: None,
        };
        engine.answer(&question, &mut |_| (), &|| false).unwrap().text
    };
    let before = free(&mut engine);
    ask(&mut engine, grammar(r#"start: "hello""#), 0).unwrap();
    assert_eq!(free(&mut engine), before);
}

#[test]
fn an_answer_that_is_too_long_for_its_form_is_cut() {
    let (_file, mut engine) = loaded(&tiny("qwen2", Format::F32));
    let answer = ask(&mut engine, grammar(r#"start: /[0-9]{300}/"#), 0).unwrap();
    assert_eq!((answer.ended, answer.written_tokens), (Ended::Full, 200));
}

#[test]
fn a_form_that_cannot_be_kept_to_is_told() {
    let (_file, mut engine) = loaded(&tiny("qwen2", Format::F32));
    for form in [grammar("start: nothing"), grammar(""), Form::JsonSchema(json!({"type": "nothing"}))] {
        let told = ask(&mut engine, form.clone(), 0).unwrap_err();
        assert!(matches!(&told, InferenceError::Form { .. }), "{form:?}: {told}");
    }
}

#[test]
fn control_tokens_and_overlong_ones_are_never_let_through() {
    let mut model = tiny("qwen2", Format::F32);
    // In place of a merge, a token that no tree of tokens can hold.
    let Some(Setting::Texts(texts)) =
        model.settings.iter().find(|(key, _)| key == "tokenizer.ggml.tokens").map(|(_, value)| value.clone())
    else {
        panic!("a vocabulary")
    };
    let long = "a".repeat(300);
    let texts = texts.into_iter().map(|text| if text == "hell" { long.clone() } else { text }).collect();
    model.set("tokenizer.ggml.tokens", Setting::Texts(texts));
    let (_file, mut engine) = loaded(&model);
    let answer = ask(&mut engine, grammar(r#"start: /(?s:.){20}/"#), 5).unwrap();
    assert_eq!(answer.text.chars().count(), 20, "{}", answer.text);
    assert!(!answer.text.contains("<|im_end|>"));
}
