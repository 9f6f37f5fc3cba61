//! The head of a file: what it may say, and how one that says something impossible is told.

use std::sync::LazyLock;

use super::super::testing::{Gguf, Setting, Weights, file_of, tiny, vocabulary};
use super::*;

pub(super) fn head_of(bytes: &[u8]) -> Result<Head, InferenceError> {
    let file = file_of(bytes);
    Head::read(&file.reopen().unwrap(), Path::new("tiny.gguf"))
}

pub(super) fn qwen() -> Gguf {
    static MODEL: LazyLock<Gguf> = LazyLock::new(|| tiny("qwen2", Format::F32));
    MODEL.clone()
}

#[test]
fn a_whole_head_is_read() {
    let mut model = qwen();
    model
        .set("a.u8", Setting::Raw(0, vec![200]))
        .set("a.i8", Setting::Raw(1, vec![200]))
        .set("a.u16", Setting::Raw(2, vec![1, 2]))
        .set("a.i16", Setting::Raw(3, vec![0xff, 0xff]))
        .set("a.i32", Setting::Raw(5, vec![0xfe, 0xff, 0xff, 0xff]))
        .set("a.yes", Setting::Raw(7, vec![1]))
        .set("a.u64", Setting::Raw(10, vec![0xff; 8]))
        .set("a.i64", Setting::Raw(11, vec![0xff; 8]))
        .set("a.f64", Setting::Raw(12, 0.25_f64.to_le_bytes().to_vec()))
        .set("a.floats", Setting::Raw(9, [&[6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0][..], &1.5_f32.to_le_bytes()].concat()))
        .set("a.bools", Setting::Raw(9, vec![7, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0]));
    let head = head_of(&model.bytes()).unwrap();
    let expected = [
        ("a.u8", Value::Integer(200)),
        ("a.i8", Value::Integer(-56)),
        ("a.u16", Value::Integer(513)),
        ("a.i16", Value::Integer(-1)),
        ("a.i32", Value::Integer(-2)),
        ("a.yes", Value::Bool(true)),
        ("a.u64", Value::Integer(i64::MAX)),
        ("a.i64", Value::Integer(-1)),
        ("a.f64", Value::Float(0.25)),
        ("a.floats", Value::Floats(vec![1.5])),
        ("a.bools", Value::Integers(vec![1, 0])),
        ("qwen2.block_count", Value::Integer(2)),
        ("general.architecture", Value::Text("qwen2".to_owned())),
        ("tokenizer.ggml.tokens", Value::Texts(vocabulary())),
    ];
    for (key, value) in expected {
        assert_eq!(head.value(key), Some(&value), "{key}");
    }
    assert_eq!((head.count("a.u8"), head.count("a.i8"), head.count("a.u64")), (Some(200), None, None));
    assert_eq!((head.number("a.u8"), head.number("a.f64"), head.number("a.yes")), (Some(200.0), Some(0.25), None));
    assert_eq!((head.text("general.architecture"), head.text("a.u8")), (Some("qwen2"), None));
    assert_eq!(head.tensors.len(), model.tensors.len());
    let start = model.head().len().next_multiple_of(32) as u64;
    let first = head.tensor("token_embd.weight").unwrap();
    let rows = vocabulary().len();
    let expected = TensorInfo { columns: 64, rows, format: Format::F32, offset: start, bytes: 64 * rows as u64 * 4 };
    assert_eq!(*first, expected);
    assert_eq!(head.tensor_range(), (start, model.bytes().len() as u64));
    assert_eq!(head.tensor("no such tensor"), None);
}

#[test]
fn version_2_is_read_too() {
    let mut model = qwen();
    model.version = 2;
    assert!(head_of(&model.bytes()).is_ok());
}

#[test]
fn a_cut_file_is_broken() {
    let mut model = qwen();
    model.tensors.truncate(1);
    model.tensors[0].bytes.truncate(8 * 64 * 4);
    model.tensors[0].sizes = vec![64, 8];
    let bytes = model.bytes();
    head_of(&bytes).unwrap();
    for length in (0..bytes.len()).step_by(50).chain([1, 3, 7, 23, 24, bytes.len() - 1]) {
        match head_of(&bytes[..length]) {
            Err(InferenceError::Broken { file, reason }) => {
                assert_eq!(file, "tiny.gguf");
                assert!(reason.starts_with("it is cut") || reason.starts_with("it counts"), "{length}: {reason}");
            }
            other => panic!("{length}: {other:?}"),
        }
    }
}

/// A head of the given counts and bytes.
pub(super) fn raw(tensors: u64, settings: u64, rest: &[u8]) -> Vec<u8> {
    [b"GGUF\x03\0\0\0", &tensors.to_le_bytes()[..], &settings.to_le_bytes(), rest].concat()
}

fn setting(kind: u32, value: &[u8]) -> Vec<u8> {
    raw(0, 1, &[&1_u64.to_le_bytes()[..], b"k", &kind.to_le_bytes(), value].concat())
}

pub(super) fn shown(result: Result<impl std::fmt::Debug, InferenceError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn impossible_heads_are_told() {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let array = |kind: u32, count: u64| [&kind.to_le_bytes()[..], &count.to_le_bytes()].concat();
    let cases = [
        (b"GGML\x03\0\0\0".to_vec(), "is no whole GGUF model: it does not begin with \"GGUF\""),
        (b"FUGG\0\0\0\x03".to_vec(), "is no whole GGUF model: it does not begin with \"GGUF\""),
        (Vec::new(), "is no whole GGUF model: it is cut: its head does not end within its 0 bytes"),
        (b"GGUF\x01\0\0\0".to_vec(), "cannot be run here: GGUF version 1; versions 2 and 3, little-endian, are known"),
        (b"GGUF\x04\0\0\0".to_vec(), "cannot be run here: GGUF version 4; versions 2 and 3, little-endian, are known"),
        (
            b"GGUF\0\0\0\x03".to_vec(),
            "cannot be run here: its numbers are big-endian; versions 2 and 3, little-endian, are known",
        ),
        (raw(1 << 60, 0, &[]), "is no whole GGUF model: it counts 1152921504606846976 entries at byte 8"),
        (raw(0, 1 << 60, &[]), "is no whole GGUF model: it counts 1152921504606846976 entries at byte 16"),
        (
            raw(0, 1, &(1_u64 << 62).to_le_bytes()),
            "is no whole GGUF model: it counts 4611686018427387904 entries at byte 24",
        ),
        (raw(0, 1, &[text("k"), vec![13, 0, 0, 0]].concat()), "is no whole GGUF model: k is of the unknown type 13"),
        (
            setting(8, &(1_u64 << 62).to_le_bytes()),
            "is no whole GGUF model: it counts 4611686018427387904 entries at byte 37",
        ),
        (setting(9, &array(5, 1 << 60)), "is no whole GGUF model: it counts 1152921504606846976 entries at byte 41"),
        (setting(9, &array(9, 0)), "is no whole GGUF model: k is an array of arrays"),
        (
            setting(8, &[2, 0, 0, 0, 0, 0, 0, 0, 0xc3, 0x28]),
            "is no whole GGUF model: the text before byte 47 is no UTF-8",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(shown(head_of(&bytes)), format!("tiny.gguf {expected}"));
    }
}

#[test]
fn an_array_does_not_take_many_times_its_bytes() {
    let count = MOST_ELEMENTS + 1;
    let mut bytes = setting(9, &[&7_u32.to_le_bytes()[..], &count.to_le_bytes()].concat());
    bytes.resize(bytes.len() + count as usize, 1);
    assert_eq!(shown(head_of(&bytes)), "tiny.gguf is no whole GGUF model: it counts 4194305 entries at byte 41");
    let count = MOST_ELEMENTS / 2 + 1;
    let entry = [&1_u64.to_le_bytes()[..], b"k", &9_u32.to_le_bytes(), &7_u32.to_le_bytes(), &count.to_le_bytes()];
    let entry = [entry.concat(), vec![1; count as usize]].concat();
    let told = shown(head_of(&raw(0, 2, &[entry.clone(), entry].concat())));
    assert_eq!(told, "tiny.gguf is no whole GGUF model: its arrays have more than 4194304 elements");
}

#[test]
fn impossible_tensors_are_told() {
    let check = |sizes: &[u64], kind: u32, expected: &str| {
        let mut model = qwen();
        model.tensors = vec![Weights { name: "t".to_owned(), sizes: sizes.to_vec(), kind, bytes: vec![0; 128] }];
        assert_eq!(shown(head_of(&model.bytes())).replace("tiny.gguf ", ""), expected);
    };
    let broken = "is no whole GGUF model:";
    check(&[1 << 62, 1 << 62], 0, &format!("{broken} t has the impossible size [{0}, {0}]", 1_u64 << 62));
    check(&[1 << 62, 2], 0, &format!("{broken} t has the impossible size [{}, 2]", 1_u64 << 62));
    check(&[4, 1 << 32, 1 << 32], 0, &format!("{broken} t has the impossible size [4, {0}, {0}]", 1_u64 << 32));
    check(&[0, 4], 0, &format!("{broken} t has the impossible size [0, 4]"));
    check(&[4, 0], 0, &format!("{broken} t has the impossible size [4, 0]"));
    check(&[100, 1], 12, &format!("{broken} t has the impossible size [100, 1]"));
    check(&[1; 5], 0, &format!("{broken} t has 5 dimensions"));
    check(
        &[32],
        3,
        "cannot be run here: t is written in ggml's type 3; F32, F16, Q4_0, Q5_0, Q8_0, Q4_K, Q5_K, Q6_K, BF16 are known",
    );
    let length = {
        let mut model = qwen();
        model.tensors = vec![Weights { name: "t".to_owned(), sizes: vec![1000], kind: 0, bytes: vec![0; 128] }];
        model.bytes().len()
    };
    check(&[1000], 0, &format!("{broken} it is cut: t does not end within its {length} bytes"));
}

#[test]
fn an_offset_beyond_the_end_is_told() {
    for offset in [1_u64 << 40, u64::MAX] {
        let mut model = qwen();
        model.tensors = vec![Weights { name: "t".to_owned(), sizes: vec![32], kind: 0, bytes: vec![0; 128] }];
        let mut bytes = model.bytes();
        let end = model.head().len();
        bytes[end - 8..end].copy_from_slice(&offset.to_le_bytes());
        let told = shown(head_of(&bytes));
        assert!(told.contains("it is cut: t does not end within its"), "{told}");
    }
}

#[test]
fn alignment_is_a_power_of_two() {
    for (kind, bytes) in
        [(4, vec![0; 4]), (4, vec![24, 0, 0, 0]), (5, vec![0xff; 4]), (10, vec![0xff; 8]), (7, vec![1])]
    {
        let told = shown(head_of(&qwen().set("general.alignment", Setting::Raw(kind, bytes)).bytes()));
        assert_eq!(told, "tiny.gguf is no whole GGUF model: general.alignment is no power of two");
    }
    let huge = Setting::Raw(10, (1_u64 << 62).to_le_bytes().to_vec());
    let told = shown(head_of(&qwen().set("general.alignment", huge).bytes()));
    assert!(told.contains("it is cut"), "{told}");
}
