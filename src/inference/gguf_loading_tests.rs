//! A file as a model to be asked: measures, vocabularies and tensors that will not do, and bytes that are no model.

use proptest::prelude::*;

use super::super::testing::{Gguf, Setting, file_of, tiny};
use super::super::{Engine, Question, Sampling};
use super::tests::{head_of, qwen, raw, shown};
use super::*;

/// Loads a file and asks it something.
fn ask(bytes: &[u8]) -> Result<String, InferenceError> {
    let file = file_of(bytes);
    let mut engine = Engine::load(file.path(), 96)?;
    let question = Question {
        messages: serde_json::json!([{"role": "user", "content": "the hello"}]),
        begun: String::new(),
        most_tokens: 3,
        sampling: Sampling { temperature: 0.7, top_p: 0.9, seed: 1 },
        stop: Vec::new(),
        form: None,
        enough: None,
    };
    Ok(engine.answer(&question, &mut |_| (), &|| false)?.text)
}

/// Changes a good model and tells what loading it says.
fn loading(change: impl Fn(&mut Gguf)) -> String {
    let mut model = qwen();
    change(&mut model);
    let file = model.file();
    let told = Engine::load(file.path(), 96).err().map_or_else(|| "loaded".to_owned(), |error| error.to_string());
    let name = file.path().display().to_string();
    assert!(told == "loaded" || told.contains(&name), "the file is named: {told}");
    told.replace(&format!("{name} is no whole GGUF model: "), "broken: ")
        .replace(&format!("{name} cannot be run here: "), "unsupported: ")
}

fn set(key: &str, n: u32) -> String {
    loading(|model| {
        model.set(key, Setting::U32(n));
    })
}

fn say(key: &str, text: &str) -> String {
    loading(|model| {
        model.set(key, Setting::Text(text.to_owned()));
    })
}

fn without(key: &str) -> String {
    loading(|model| {
        model.without(key);
    })
}

#[test]
fn measures_that_contradict_each_other_are_told() {
    assert_eq!(loading(|_| ()), "loaded");
    let cases = [
        (without("general.architecture"), "broken: general.architecture is missing"),
        (
            say("general.architecture", "mamba"),
            "unsupported: the architecture \"mamba\"; qwen2, qwen3, llama are known",
        ),
        (
            say("general.architecture", &"ä".repeat(100_000)),
            &format!("unsupported: the architecture \"{}...\"; qwen2, qwen3, llama are known", "ä".repeat(40)),
        ),
        (set("qwen2.expert_count", 8), "unsupported: it is a mixture of experts"),
        (say("qwen2.rope.scaling.type", "yarn"), "unsupported: positions are scaled (yarn)"),
        (say("qwen2.rope.scaling.type", "none"), "loaded"),
        (set("qwen2.rope.dimension_count", 8), "unsupported: positions turn 8 of 16 values of a head"),
        (set("qwen2.rope.dimension_count", 16), "loaded"),
        (without("qwen2.block_count"), "broken: qwen2.block_count is missing"),
        (say("qwen2.block_count", "2"), "broken: qwen2.block_count is no count"),
        (set("qwen2.block_count", 0), "broken: qwen2.block_count is 0"),
        (set("qwen2.block_count", u32::MAX), "broken: qwen2.block_count is 4294967295"),
        (set("qwen2.block_count", 3), "broken: the tensor blk.2.attn_norm.weight is missing"),
        (set("qwen2.embedding_length", 60), "broken: 4 heads of 15 values with 2 of keys"),
        (set("qwen2.embedding_length", 128), "broken: token_embd.weight has 64 x 268 values instead of 128 x 268"),
        (set("qwen2.attention.head_count", 128), "broken: 128 heads of 0 values with 2 of keys"),
        (set("qwen2.attention.head_count_kv", 0), "broken: 4 heads of 16 values with 0 of keys"),
        (set("qwen2.attention.head_count_kv", 3), "broken: 4 heads of 16 values with 3 of keys"),
        (set("qwen2.attention.head_count_kv", 4), "broken: blk.0.attn_k.weight has 64 x 32 values instead of 64 x 64"),
        (
            set("qwen2.feed_forward_length", 100),
            "broken: blk.0.ffn_gate.weight has 64 x 128 values instead of 64 x 100",
        ),
    ];
    for (told, expected) in cases {
        assert_eq!(told, expected);
    }
}

#[test]
fn vocabularies_and_tensors_that_will_not_do_are_told() {
    let cases = [
        (without("tokenizer.ggml.tokens"), "broken: tokenizer.ggml.tokens is missing"),
        (without("tokenizer.ggml.merges"), "broken: tokenizer.ggml.tokens or tokenizer.ggml.merges is missing"),
        (without("tokenizer.ggml.model"), "unsupported: the tokenizer \"none\"; \"gpt2\" (byte pairs) is known"),
        (say("tokenizer.ggml.model", "llama"), "unsupported: the tokenizer \"llama\"; \"gpt2\" (byte pairs) is known"),
        (
            say("tokenizer.ggml.pre", "tekken"),
            "unsupported: the pre-tokenizer \"tekken\"; qwen2, llama-bpe, gpt-2, smollm are known",
        ),
        (without("tokenizer.chat_template"), "unsupported: it has no chat template"),
        (
            loading(|model| model.tensors.retain(|tensor| tensor.name != "blk.1.ffn_up.weight")),
            "broken: the tensor blk.1.ffn_up.weight is missing",
        ),
        (
            loading(|model| model.tensor("blk.0.attn_q.bias").sizes = vec![32, 2]),
            "broken: blk.0.attn_q.bias has 32 x 2 values instead of 64 x 1",
        ),
        (
            loading(|model| model.set("tokenizer.ggml.tokens", Setting::Texts(Vec::new())).tensors.clear()),
            "broken: no token ends a turn",
        ),
        // The table that is read with is that which is written with.
        (loading(|model| model.tensors.retain(|tensor| tensor.name != "output.weight")), "loaded"),
    ];
    for (told, expected) in cases {
        assert_eq!(told, expected);
    }
}

/// The largest measures that pass one by one do not overflow together.
#[test]
fn a_huge_network_finds_no_room() {
    let told = loading(|model| {
        for key in ["block_count", "attention.head_count", "attention.head_count_kv", "attention.key_length"] {
            model.set(&format!("qwen2.{key}"), Setting::U32(1 << 20));
        }
        model.set("qwen2.embedding_length", Setting::U32(1 << 20));
    });
    assert!(told.contains("of memory with a window of 96 tokens") || told.starts_with("broken: "), "{told}");
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let told = shown(Engine::load(Path::new("/nowhere/at/all.gguf"), 96).map(|_| ()));
    assert!(told.starts_with("/nowhere/at/all.gguf: "), "{told}");
    let folder = tempfile::tempdir().unwrap();
    let told = shown(Engine::load(folder.path(), 96).map(|_| ()));
    assert!(told.contains(&folder.path().display().to_string()), "{told}");
}

#[test]
fn weights_that_are_no_numbers_do_not_panic() {
    for byte in [0xff, 0x7f] {
        let mut model = qwen();
        model.tensors.iter_mut().for_each(|tensor| tensor.bytes.fill(byte));
        assert_eq!(ask(&model.bytes()).unwrap(), "");
        let mut model = tiny("qwen2", Format::Q4K);
        model.tensors.iter_mut().for_each(|tensor| tensor.bytes.fill(byte));
        ask(&model.bytes()).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(rest in proptest::collection::vec(any::<u8>(), 0..400), counts in any::<[u8; 2]>()) {
        let _told = head_of(&rest);
        let _told = head_of(&raw(counts[0].into(), counts[1].into(), &rest));
        prop_assert!(ask(&rest).is_err());
    }

    #[test]
    fn flips_in_a_good_file_never_panic(flips in proptest::collection::vec((any::<u32>(), any::<u8>()), 1..4)) {
        let model = qwen();
        let (mut bytes, head) = (model.bytes(), model.head().len());
        for (at, byte) in flips {
            // Three of four hit the head.
            let end = if at % 4 == 0 { bytes.len() } else { head };
            bytes[at as usize / 4 % end] ^= byte;
        }
        let _told = ask(&bytes);
    }
}
