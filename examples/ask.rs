//! Asks a model of a file one question and tells how fast it read and wrote; `benches/inference.py` compares that.
//!
//! usage: `ask MODEL.gguf --prompt-file FILE [--tokens 128] [--window 4096] [--json]`
//!
//! The question is asked twice, at temperature 0: first for no answer, which is the time of reading, then for at most
//! `--tokens` tokens. By then all but the last token is known, so that each token written is one pass through the network.
//! The text goes to standard output, what it took to standard error; with `--json` both are one object on standard output.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a program that prints, and reads the clock"
)]

use std::error::Error;
use std::time::Instant;

use prentice::inference::{Answer, Engine, Question, Sampling};
use serde_json::json;

const USAGE: &str = "usage: ask MODEL.gguf --prompt-file FILE [--tokens 128] [--window 4096] [--json]";

struct Arguments {
    model: String,
    prompt_file: String,
    tokens: usize,
    window: usize,
    json: bool,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let (mut model, mut prompt_file, mut json) = (None, None, false);
    let (mut tokens, mut window) = (128, 4096);
    let mut given = std::env::args().skip(1);
    while let Some(word) = given.next() {
        match word.as_str() {
            "--json" => json = true,
            "--prompt-file" => prompt_file = given.next(),
            "--tokens" => tokens = given.next().ok_or(USAGE)?.parse()?,
            "--window" => window = given.next().ok_or(USAGE)?.parse()?,
            _ if !word.starts_with('-') && model.is_none() => model = Some(word),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(Arguments { model: model.ok_or(USAGE)?, prompt_file: prompt_file.ok_or(USAGE)?, tokens, window, json })
}

/// Returns the most memory that this process ever had, in bytes (proc_pid_status(5), `VmHWM`); none where there is no /proc.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

fn timed(engine: &mut Engine, question: &Question) -> Result<(Answer, f64), Box<dyn Error>> {
    let start = Instant::now();
    let answer = engine.answer(question, &mut |_| (), &|| false)?;
    Ok((answer, start.elapsed().as_secs_f64()))
}

fn main() -> Result<(), Box<dyn Error>> {
    let given = arguments()?;
    let prompt = std::fs::read_to_string(&given.prompt_file)?;
    let start = Instant::now();
    let mut engine = Engine::load(given.model.as_ref(), given.window)?;
    let load_seconds = start.elapsed().as_secs_f64();
    let mut question = Question {
        messages: json!([{"role": "user", "content": prompt}]),
        begun: String::new(),
        most_tokens: 0,
        sampling: Sampling { temperature: 0.0, top_p: 1.0, seed: 0 },
        stop: Vec::new(),
        form: None,
        enough: None,
    };
    let (read, read_seconds) = timed(&mut engine, &question)?;
    question.most_tokens = given.tokens;
    let (answer, written_seconds) = timed(&mut engine, &question)?;
    let (read_tokens, written_tokens) = (read.read_tokens, answer.written_tokens);
    if given.json {
        let told = json!({
            "load_seconds": load_seconds,
            "read_tokens": read_tokens,
            "read_seconds": read_seconds,
            "written_tokens": written_tokens,
            "written_seconds": written_seconds,
            "peak_bytes": peak_bytes(),
            "text": answer.text,
        });
        println!("{told}");
        return Ok(());
    }
    println!("{}", answer.text);
    let each = |tokens: usize, seconds: f64| tokens as f64 / seconds;
    eprintln!("loaded in {load_seconds:.2} s");
    eprintln!("read    {read_tokens} tokens, {:.1} a second", each(read_tokens, read_seconds));
    eprintln!("written {written_tokens} tokens, {:.1} a second", each(written_tokens, written_seconds));
    if let Some(bytes) = peak_bytes() {
        eprintln!("memory  {} MiB at most", bytes >> 20);
    }
    Ok(())
}
