//! Small models for tests: a file of two layers whose weights are drawn with a seed, and every part of it can be changed.

use std::io::Write;

use tempfile::NamedTempFile;

use super::quant::{Format, to_half};

/// The dialogue format of Qwen.
pub(super) const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content \
    + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/// Merges of the tiny vocabulary, the first first.
pub(super) const MERGES: [&str; 8] = ["h e", "l l", "he ll", "hell o", "Ġ t", "Ġt he", "Ċ Ċ", "Ġ Ġ"];

/// The control tokens of the tiny vocabulary with ggml's type of token; they stand behind all others.
pub(super) const SPECIALS: [(&str, i32); 4] =
    [("<|endoftext|>", 3), ("<|im_start|>", 3), ("<|im_end|>", 3), ("<tool_call>", 4)];

/// A setting as a file has it.
#[derive(Clone, Debug)]
pub(super) enum Setting {
    U32(u32),
    F32(f32),
    Text(String),
    Texts(Vec<String>),
    I32s(Vec<i32>),
    /// A type's number and the bytes behind it.
    Raw(u32, Vec<u8>),
}

/// A tensor as a file has it.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    pub(super) name: String,
    pub(super) sizes: Vec<u64>,
    pub(super) kind: u32,
    pub(super) bytes: Vec<u8>,
}

/// What a file holds.
#[derive(Clone, Debug)]
pub(super) struct Gguf {
    pub(super) version: u32,
    pub(super) settings: Vec<(String, Setting)>,
    pub(super) tensors: Vec<Weights>,
}

impl Gguf {
    /// Sets a setting, in its old place where there is one.
    pub(super) fn set(&mut self, key: &str, value: Setting) -> &mut Self {
        match self.settings.iter_mut().find(|entry| entry.0 == key) {
            Some(entry) => entry.1 = value,
            None => self.settings.push((key.to_owned(), value)),
        }
        self
    }

    pub(super) fn without(&mut self, key: &str) -> &mut Self {
        self.settings.retain(|entry| entry.0 != key);
        self
    }

    pub(super) fn tensor(&mut self, name: &str) -> &mut Weights {
        self.tensors.iter_mut().find(|tensor| tensor.name == name).unwrap()
    }

    /// Returns the bytes before the tensors (ggml, docs/gguf.md).
    pub(super) fn head(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(self.version.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.settings.len() as u64).to_le_bytes());
        for (key, value) in &self.settings {
            text(&mut out, key);
            write_setting(&mut out, value);
        }
        let mut offset = 0_u64;
        for tensor in &self.tensors {
            text(&mut out, &tensor.name);
            out.extend((tensor.sizes.len() as u32).to_le_bytes());
            tensor.sizes.iter().for_each(|size| out.extend(size.to_le_bytes()));
            out.extend(tensor.kind.to_le_bytes());
            out.extend(offset.to_le_bytes());
            offset = (offset + tensor.bytes.len() as u64).next_multiple_of(32);
        }
        out
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = self.head();
        for tensor in &self.tensors {
            out.resize(out.len().next_multiple_of(32), 0);
            out.extend(&tensor.bytes);
        }
        out
    }

    pub(super) fn file(&self) -> NamedTempFile {
        file_of(&self.bytes())
    }
}

/// Writes a file that is gone when the returned value is.
pub(super) fn file_of(bytes: &[u8]) -> NamedTempFile {
    let mut file = tempfile::Builder::new().prefix("tiny").suffix(".gguf").tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.flush().unwrap();
    file
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn write_setting(out: &mut Vec<u8>, value: &Setting) {
    let kind = |out: &mut Vec<u8>, kind: u32| out.extend(kind.to_le_bytes());
    match value {
        Setting::U32(n) => {
            kind(out, 4);
            out.extend(n.to_le_bytes());
        }
        Setting::F32(n) => {
            kind(out, 6);
            out.extend(n.to_le_bytes());
        }
        Setting::Text(value) => {
            kind(out, 8);
            text(out, value);
        }
        Setting::Texts(values) => {
            kind(out, 9);
            kind(out, 8);
            out.extend((values.len() as u64).to_le_bytes());
            values.iter().for_each(|value| text(out, value));
        }
        Setting::I32s(values) => {
            kind(out, 9);
            kind(out, 5);
            out.extend((values.len() as u64).to_le_bytes());
            values.iter().for_each(|value| out.extend(value.to_le_bytes()));
        }
        Setting::Raw(number, bytes) => {
            kind(out, *number);
            out.extend(bytes);
        }
    }
}

/// The letter of a byte (GPT-2, `bytes_to_unicode`).
pub(super) fn letter(byte: u8) -> char {
    let plain = |byte: u8| (33..=126).contains(&byte) || (161..=172).contains(&byte) || byte >= 174;
    if plain(byte) {
        return char::from(byte);
    }
    char::from_u32(256 + (0..byte).filter(|other| !plain(*other)).count() as u32).unwrap()
}

/// The tiny vocabulary: the letters of all bytes in their order, what the merges make, control tokens.
pub(super) fn vocabulary() -> Vec<String> {
    let letters = (0..=255).map(|byte| letter(byte).to_string());
    let made = MERGES.iter().map(|merge| merge.replace(' ', ""));
    letters.chain(made).chain(SPECIALS.map(|special| special.0.to_owned())).collect()
}

/// The token of a text of the tiny vocabulary.
pub(super) fn token(text: &str) -> u32 {
    vocabulary().iter().position(|known| known == text).unwrap() as u32
}

/// Draws blocks whose values are about as large as `size`: any bytes, with scales that a network could have.
pub(super) fn blocks(random: &mut fastrand::Rng, format: Format, count: usize, size: f32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..count {
        let at = bytes.len();
        bytes.extend(std::iter::repeat_with(|| random.u8(..)).take(format.block_bytes()));
        let block = &mut bytes[at..];
        let mut scale = |at: usize, part: f32| {
            let value = size * part * (0.5 + random.f32());
            block[at..at + 2].copy_from_slice(&to_half(value).to_le_bytes());
        };
        match format {
            Format::Q4_0 => scale(0, 1.0 / 8.0),
            Format::Q5_0 => scale(0, 1.0 / 16.0),
            Format::Q8_0 => scale(0, 1.0 / 128.0),
            Format::Q4K | Format::Q5K => {
                let largest = if format == Format::Q4K { 15.0 } else { 31.0 };
                scale(0, 1.0 / 32.0 / largest);
                scale(2, 1.0 / 64.0);
            }
            Format::Q6K => scale(208, 1.0 / 64.0 / 32.0),
            Format::F32 => block.copy_from_slice(&(size * (random.f32() * 2.0 - 1.0)).to_le_bytes()),
            Format::F16 => block.copy_from_slice(&to_half(size * (random.f32() * 2.0 - 1.0)).to_le_bytes()),
            Format::Bf16 => block.copy_from_slice(&(size * (random.f32() * 2.0 - 1.0)).to_bits().to_le_bytes()[2..]),
        }
    }
    bytes
}

/// ggml's number of a format.
pub(super) fn kind(format: Format) -> u32 {
    (0..64).find(|kind| Format::of(*kind) == Some(format)).unwrap()
}

/// A network of two layers with four heads, two of keys; its control tokens are less likely than the likeliest byte.
pub(super) fn tiny(architecture: &str, format: Format) -> Gguf {
    let width = format.block_values().max(64) as u64;
    let inner = 2 * width;
    let tokens = vocabulary();
    let mut model = Gguf { version: 3, settings: settings(architecture, width, inner), tensors: Vec::new() };
    let mut random = fastrand::Rng::with_seed(7);
    let mut add = |name: String, columns: u64, rows: u64, format: Format, size: f32| {
        let bytes = blocks(&mut random, format, (columns * rows) as usize / format.block_values(), size);
        model.tensors.push(Weights { name, sizes: vec![columns, rows], kind: kind(format), bytes });
    };
    let (half, size) = (width / 2, 4.0 / (width as f32).sqrt());
    add("token_embd.weight".to_owned(), width, tokens.len() as u64, format, 1.0);
    add("output.weight".to_owned(), width, tokens.len() as u64, Format::F32, size);
    let mut vectors = vec![("output_norm.weight".to_owned(), width)];
    for layer in 0..2 {
        let name = |part: &str| format!("blk.{layer}.{part}");
        let matrices = [
            ("attn_q.weight", width, width),
            ("attn_k.weight", width, half),
            ("attn_v.weight", width, half),
            ("attn_output.weight", width, width),
            ("ffn_gate.weight", width, inner),
            ("ffn_up.weight", width, inner),
            ("ffn_down.weight", inner, width),
        ];
        for (part, columns, rows) in matrices {
            add(name(part), columns, rows, format, size);
        }
        vectors.extend([(name("attn_norm.weight"), width), (name("ffn_norm.weight"), width)]);
        match architecture {
            "qwen2" => {
                vectors.extend([("attn_q.bias", width), ("attn_k.bias", half), ("attn_v.bias", half)].map(of(&name)));
            }
            "qwen3" => {
                vectors.extend([("attn_q_norm.weight", width / 4), ("attn_k_norm.weight", width / 4)].map(of(&name)));
            }
            _ => {}
        }
    }
    for (name, length) in vectors {
        add(name, length, 1, Format::F32, 1.0);
    }
    let quiet = SPECIALS.len() * width as usize * 4;
    let output = &mut model.tensor("output.weight").bytes;
    let end = output.len();
    output[end - quiet..].fill(0);
    model
}

fn of<'a>(name: &'a impl Fn(&str) -> String) -> impl Fn((&'a str, u64)) -> (String, u64) {
    move |(part, length)| (name(part), length)
}

fn settings(architecture: &str, width: u64, inner: u64) -> Vec<(String, Setting)> {
    let tokens = vocabulary();
    let normal = tokens.len() - SPECIALS.len();
    let kinds = vec![1; normal].into_iter().chain(SPECIALS.map(|special| special.1)).collect();
    let own = |key: &str| format!("{architecture}.{key}");
    let named = |key: &str| format!("tokenizer.ggml.{key}");
    vec![
        ("general.architecture".to_owned(), Setting::Text(architecture.to_owned())),
        (own("block_count"), Setting::U32(2)),
        (own("embedding_length"), Setting::U32(width as u32)),
        (own("feed_forward_length"), Setting::U32(inner as u32)),
        (own("context_length"), Setting::U32(2048)),
        (own("attention.head_count"), Setting::U32(4)),
        (own("attention.head_count_kv"), Setting::U32(2)),
        (own("attention.layer_norm_rms_epsilon"), Setting::F32(1e-6)),
        (own("rope.freq_base"), Setting::F32(10_000.0)),
        (named("model"), Setting::Text("gpt2".to_owned())),
        (named("pre"), Setting::Text("qwen2".to_owned())),
        (named("merges"), Setting::Texts(MERGES.map(str::to_owned).to_vec())),
        (named("token_type"), Setting::I32s(kinds)),
        (named("bos_token_id"), Setting::U32(normal as u32)),
        (named("eos_token_id"), Setting::U32(normal as u32 + 2)),
        (named("tokens"), Setting::Texts(tokens)),
        ("tokenizer.chat_template".to_owned(), Setting::Text(CHATML.to_owned())),
    ]
}
