//! The model inside: a file is added, and the line runs with it. The network is real and tiny: each token names the next.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::common::{GOOD, PRICE, Ran, TASK, World, sandbox_or_skip};

/// The dialogue format of Qwen.
const TEMPLATE: &str = "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + \
                        '<|im_end|>\\n' }}{% endfor %}{{ '<|im_start|>assistant\\n' }}";

/// A GGUF file (ggml, docs/gguf.md) as it is written.
#[derive(Default)]
struct Gguf {
    settings: Vec<u8>,
    setting_count: u64,
    tensors: Vec<u8>,
    tensor_count: u64,
    data: Vec<u8>,
}

impl Gguf {
    fn text(out: &mut Vec<u8>, text: &str) {
        out.extend((text.len() as u64).to_le_bytes());
        out.extend(text.as_bytes());
    }

    fn set(&mut self, key: &str, kind: u32, value: &[u8]) {
        Self::text(&mut self.settings, key);
        self.settings.extend(kind.to_le_bytes());
        self.settings.extend(value);
        self.setting_count += 1;
    }

    fn set_number(&mut self, key: &str, value: u32) {
        self.set(key, 4, &value.to_le_bytes());
    }

    fn set_text(&mut self, key: &str, value: &str) {
        let mut bytes = Vec::new();
        Self::text(&mut bytes, value);
        self.set(key, 8, &bytes);
    }

    fn set_list(&mut self, key: &str, kind: u32, count: usize, values: &[u8]) {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend((count as u64).to_le_bytes());
        bytes.extend(values);
        self.set(key, 9, &bytes);
    }

    /// Adds a matrix of 32-bit numbers that is zero but for the places in `ones`, as row and column; what stands there twice
    /// is two.
    fn matrix(&mut self, name: &str, columns: usize, rows: usize, ones: &[(usize, usize)]) {
        Self::text(&mut self.tensors, name);
        self.tensors.extend(2_u32.to_le_bytes());
        self.tensors.extend((columns as u64).to_le_bytes());
        self.tensors.extend((rows as u64).to_le_bytes());
        self.tensors.extend(0_u32.to_le_bytes());
        self.tensors.extend((self.data.len() as u64).to_le_bytes());
        let mut values = vec![0.0_f32; columns * rows];
        ones.iter().for_each(|(row, column)| values[row * columns + column] += 1.0);
        self.data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self.data.resize(self.data.len().next_multiple_of(32), 0);
        self.tensor_count += 1;
    }

    fn bytes(self) -> Vec<u8> {
        let mut out = b"GGUF\x03\0\0\0".to_vec();
        out.extend(self.tensor_count.to_le_bytes());
        out.extend(self.setting_count.to_le_bytes());
        out.extend(self.settings);
        out.extend(self.tensors);
        out.resize(out.len().next_multiple_of(32), 0);
        out.extend(self.data);
        out
    }
}

/// The letter that stands for a byte (GPT-2, `bytes_to_unicode`).
fn letter(byte: u8) -> String {
    let plain = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let others = (0..byte).filter(|other| !plain(*other)).count() as u32;
    if plain(byte) { char::from(byte).to_string() } else { char::from_u32(256 + others).expect("a letter").to_string() }
}

/// A model that, after the beginning of its turn, writes `answer` and then what `follows` it.
fn model(answer: &str, follows: &str) -> Vec<u8> {
    model_of(&[answer], &[("\n", answer), (answer, follows)])
}

/// A model of these tokens besides the letters, where the second of a pair follows the first; a pair that stands there more
/// often is likelier.
fn model_of(words: &[&str], pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut tokens: Vec<String> = (0..=255).map(letter).collect();
    tokens.extend(["<|im_start|>", "<|im_end|>"].iter().chain(words).map(|word| (*word).to_owned()));
    let kinds: Vec<u8> =
        (0..tokens.len()).flat_map(|token| [1_i32, 3, 3, 4][token.saturating_sub(255).min(3)].to_le_bytes()).collect();
    let places: BTreeMap<&str, usize> = tokens.iter().map(String::as_str).zip(0..).collect();
    let place = |word: &str| if word == "\n" { places[letter(b'\n').as_str()] } else { places[word] };
    let next: Vec<(usize, usize)> = pairs.iter().map(|(first, second)| (place(second), place(first))).collect();
    let (width, names) = (272, tokens.len());
    let mut file = Gguf::default();
    file.set_text("general.architecture", "qwen2");
    file.set_text("general.name", "Qwen2.5 Coder");
    file.set_text("general.size_label", "0.5B");
    for (key, value) in [
        ("block_count", 1),
        ("embedding_length", width),
        ("feed_forward_length", 32),
        ("context_length", 32768),
        ("attention.head_count", 2),
        ("attention.head_count_kv", 1),
    ] {
        file.set_number(&format!("qwen2.{key}"), value as u32);
    }
    file.set_text("tokenizer.ggml.model", "gpt2");
    file.set_text("tokenizer.ggml.pre", "qwen2");
    file.set_text("tokenizer.chat_template", TEMPLATE);
    let mut texts = Vec::new();
    tokens.iter().for_each(|token| Gguf::text(&mut texts, token));
    file.set_list("tokenizer.ggml.tokens", 8, names, &texts);
    file.set_list("tokenizer.ggml.merges", 8, 0, &[]);
    file.set_list("tokenizer.ggml.token_type", 5, names, &kinds);
    file.set_number("tokenizer.ggml.eos_token_id", place("<|im_end|>") as u32);
    let itself: Vec<(usize, usize)> = (0..names).map(|token| (token, token)).collect();
    let all: Vec<(usize, usize)> = (0..width).map(|column| (0, column)).collect();
    file.matrix("token_embd.weight", width, names, &itself);
    file.matrix("output.weight", width, names, &next);
    for name in ["output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"] {
        file.matrix(&format!("{name}.weight"), width, 1, &all);
    }
    for (name, columns, rows) in [
        ("attn_q", width, width),
        ("attn_k", width, width / 2),
        ("attn_v", width, width / 2),
        ("attn_output", width, width),
        ("ffn_gate", width, 32),
        ("ffn_up", width, 32),
        ("ffn_down", 32, width),
    ] {
        file.matrix(&format!("blk.0.{name}.weight"), columns, rows, &[]);
    }
    file.bytes()
}

fn add(world: &World, bytes: &[u8]) -> PathBuf {
    let place = world.temporary().join("given.gguf");
    std::fs::write(&place, bytes).expect("written");
    world.run(&["model", "add", &place.display().to_string(), "--name", "tiny"]).ends_with(0);
    place
}

#[test]
fn the_whole_line_runs_with_the_model_inside() {
    let world = World::new();
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    add(&world, &model(GOOD, "<|im_end|>"));
    let ran = world.run(&["run", "task.yml", "--model", "embedded", "--json"]);
    let result = ran.ends_with(0).json();
    assert_eq!(
        (&result["outcome"], &result["verdict"], &result["model"]),
        (&"done".into(), &"proven".into(), &"tiny".into())
    );
    assert_eq!((&result["spent"]["output_tokens"], &result["spent"]["cost_usd"]), (&2.into(), &0.0.into()));
    let branch = result["branch"].as_str().expect("a branch");
    assert!(world.git(&["show", &format!("{branch}:src/price.py")]).contains("sum(prices)"));
    assert!(ran.err.contains("model tiny inside this program (named by the command line)"), "{}", ran.err);

    let doctor = world.run(&["doctor", "--model", "embedded:tiny"]);
    let speed = doctor.out.lines().find(|line| line.contains("speed")).unwrap_or_default();
    assert!(speed.contains("tokens a second"), "{doctor:?}");
    let asked = world.run(&["run", "task.yml", "--model", "embedded:large"]);
    assert!(asked.ends_with(2).err.contains("asks for the embedded model \"large\""), "{asked:?}");
    assert!(asked.err.contains("there are the files tiny") && asked.err.contains("prentice model fetch"), "{asked:?}");
}

#[test]
fn words_in_circles_end_in_edits_within_the_answer() {
    let world = World::new();
    if !sandbox_or_skip(&world, module_path!()) {
        return;
    }
    let words = "It takes the largest. ";
    let file = format!("FILE: src/price.py\n```\n{}```", PRICE.replace("max", "sum"));
    let pairs = [("\n", words), ("\n", words), (words, words), ("\n", &file), (&file, "\n")];
    add(&world, &model_of(&[words, &file], &pairs));
    // The first file that is shown is the one that a model in circles is led to.
    world.write("task.yml", &format!("{TASK}files: [src/price.py]\n"));
    world.commit("the file is named");
    let ran = world.run(&["run", "task.yml", "--model", "embedded", "--json", "--rounds", "1"]);
    let result = ran.ends_with(0).json();
    assert_eq!((&result["outcome"], &result["verdict"]), (&"done".into(), &"proven".into()));
    let journal = world.journal();
    let replies: Vec<&str> = journal.lines().filter(|line| line.contains("\"event\":\"reply\"")).collect();
    let [reply] = replies[..] else { panic!("{replies:?}") };
    assert!(
        reply.contains("{\"text\":\"It takes the largest.\\n\\nFILE: src/price.py\\n"),
        "said once, then the file, once: {reply}"
    );
    assert_eq!(reply.matches("FILE: ").count(), 1, "{reply}");
}

#[test]
fn a_model_file_tells_how_it_is_asked_whatever_it_is_called() {
    let world = World::new();
    add(&world, &model(GOOD, "<|im_end|>"));
    let told = |config: &str| {
        world.write(".prentice.yml", config);
        world.commit("settings");
        let ran = world.run(&["doctor", "--model", "embedded"]);
        let line = ran.out.lines().find(|line| line.contains("model tiny inside")).unwrap_or_default().to_owned();
        line.split("nothing leaves the machine; ").nth(1).unwrap_or(&ran.out).to_owned()
    };
    let profile = |window: u32| format!("model: {{profiles: {{tiny: {{window_tokens: {window}}}}}}}\n");
    let small = "; plain text with whole files; no further steps";
    assert_eq!(told(""), format!("a window of 8192 tokens{small}"));
    assert_eq!(told(&profile(16_384)), format!("a window of 16384 tokens{small}"));
    assert_eq!(told(&profile(100_000)), format!("a window of 32768 tokens{small}"), "the file's own");
    assert_eq!(told("model: {window_tokens: 2048}\n"), format!("a window of 2048 tokens{small}"));
}

#[test]
fn a_model_file_that_is_cut_is_told_with_its_name() {
    let world = World::new();
    let whole = model(GOOD, "<|im_end|>");
    add(&world, &whole[..whole.len() - 4000]);
    let ran = world.run(&["run", "task.yml", "--model", "embedded", "--no-sandbox"]);
    assert_ne!(ran.code, Some(0));
    assert!(ran.err.contains("tiny.gguf is no whole GGUF model: it is cut"), "{ran:?}");
    assert_eq!(world.git(&["branch", "--list", "prentice/*"]), "");
}

#[test]
fn a_model_that_writes_on_and_on_is_interrupted_at_once() {
    let world = World::new();
    add(&world, &model("on and ", "on and "));
    let child = world.start(&["run", "task.yml", "--model", "embedded", "--no-sandbox"]);
    world.wait_until("the model is asked", |world| world.journal().contains("model_chosen"));
    std::thread::sleep(std::time::Duration::from_millis(500));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("small"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("sent");
    let ran = Ran::of(&child.wait_with_output().expect("ended"));
    ran.ends_with(130);
    assert_eq!(world.git(&["branch", "--list", "prentice/*"]), "");
    assert_eq!(world.work_trees(), 0);
}
