//! Reads the head of a GGUF file: settings, and where each tensor lies.
//!
//! The format is that of "GGUF" versions 2 and 3 (ggml, docs/gguf.md), little-endian only. Nothing in the file is
//! believed: every length is held against the bytes that are left, and every tensor against the end of the file.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::InferenceError;
use super::quant::Format;

/// The first four bytes of every file.
const MAGIC: [u8; 4] = *b"GGUF";
/// Tensors start at multiples of this unless `general.alignment` says otherwise.
const DEFAULT_ALIGNMENT: u64 = 32;
/// More settings or tensors than this are no model's.
const MOST_ENTRIES: u64 = 1 << 20;
/// More elements than this have no arrays together: the largest vocabularies have some hundred thousand tokens and merges.
const MOST_ELEMENTS: u64 = 1 << 22;
/// ggml's own limit of dimensions.
const MOST_DIMENSIONS: u32 = 4;

/// One setting.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Integer(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    Integers(Vec<i64>),
    Floats(Vec<f64>),
}

/// Where a tensor lies and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TensorInfo {
    /// The values of one row.
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) format: Format,
    /// The first byte in the file.
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

/// The head of one file.
#[derive(Clone, Debug)]
pub(super) struct Head {
    /// The file's name for messages.
    pub(super) file: String,
    settings: HashMap<String, Value>,
    tensors: BTreeMap<String, TensorInfo>,
}

impl Head {
    /// Reads the head of `file`, and leaves the tensors where they are.
    ///
    /// # Errors
    /// [`InferenceError::Broken`] for a file that is no GGUF, is cut, or contradicts itself; [`InferenceError::Unsupported`]
    /// for a version or a way to write numbers that is not known here; [`InferenceError::File`] when it cannot be read.
    pub(super) fn read(file: &File, path: &Path) -> Result<Self, InferenceError> {
        let name = path.display().to_string();
        let unreadable = |error: std::io::Error| InferenceError::File { path: name.clone(), reason: error.to_string() };
        let length = file.metadata().map_err(unreadable)?.len();
        let mut reader =
            Reader { from: BufReader::with_capacity(1 << 20, file), at: 0, length, elements: 0, file: &name };
        if reader.bytes::<4>()? != MAGIC {
            return Err(reader.broken("it does not begin with \"GGUF\""));
        }
        let version = reader.u32()?;
        if !(2..=3).contains(&version) {
            let turned = (2..=3).contains(&version.swap_bytes());
            let has = if turned { "its numbers are big-endian".to_owned() } else { format!("GGUF version {version}") };
            let reason = format!("{has}; versions 2 and 3, little-endian, are known");
            return Err(InferenceError::Unsupported { file: name, reason });
        }
        let (tensor_count, setting_count) = (reader.count(MOST_ENTRIES)?, reader.count(MOST_ENTRIES)?);
        let mut settings = HashMap::new();
        for _ in 0..setting_count {
            let key = reader.text()?;
            let kind = reader.u32()?;
            let value = reader.value(kind, &key)?;
            settings.insert(key, value);
        }
        let alignment = match settings.get("general.alignment") {
            Some(Value::Integer(bytes)) if *bytes > 0 && (*bytes as u64).is_power_of_two() => *bytes as u64,
            Some(_) => return Err(reader.broken("general.alignment is no power of two")),
            None => DEFAULT_ALIGNMENT,
        };
        let mut tensors = BTreeMap::new();
        for _ in 0..tensor_count {
            let (name, info) = reader.tensor()?;
            tensors.insert(name, info);
        }
        let start = reader.at.next_multiple_of(alignment);
        for (name, info) in &mut tensors {
            let place = info.offset.checked_add(start).and_then(|first| Some((first, first.checked_add(info.bytes)?)));
            match place {
                Some((first, end)) if end <= length => info.offset = first,
                _ => return Err(reader.broken(&format!("it is cut: {name} does not end within its {length} bytes"))),
            }
        }
        drop(reader);
        Ok(Self { file: name, settings, tensors })
    }

    /// Returns a setting.
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.settings.get(key)
    }

    /// Returns a text among the settings.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.settings.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns a whole number among the settings, 0 to 2^32.
    pub(super) fn count(&self, key: &str) -> Option<usize> {
        match self.settings.get(key) {
            Some(Value::Integer(n)) if (0..=1 << 32).contains(n) => usize::try_from(*n).ok(),
            _ => None,
        }
    }

    /// Returns a number among the settings.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        match self.settings.get(key) {
            Some(Value::Float(n)) => Some(*n),
            Some(Value::Integer(n)) => Some(*n as f64),
            _ => None,
        }
    }

    /// Returns where a tensor lies.
    pub(super) fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.get(name)
    }

    /// Returns the first byte of all tensors, and the one after the last.
    pub(super) fn tensor_range(&self) -> (u64, u64) {
        let first = self.tensors.values().map(|info| info.offset).min().unwrap_or(0);
        (first, self.tensors.values().map(|info| info.offset + info.bytes).max().unwrap_or(first))
    }

    /// Returns the error for a file that says something impossible.
    pub(super) fn broken(&self, reason: impl Into<String>) -> InferenceError {
        InferenceError::Broken { file: self.file.clone(), reason: reason.into() }
    }

    /// Returns the error for a file that wants what is not built here.
    pub(super) fn unsupported(&self, reason: impl Into<String>) -> InferenceError {
        InferenceError::Unsupported { file: self.file.clone(), reason: reason.into() }
    }
}

/// Reads on, and knows how far it is.
struct Reader<'a> {
    from: BufReader<&'a File>,
    at: u64,
    length: u64,
    /// Elements of arrays so far.
    elements: u64,
    file: &'a str,
}

impl Reader<'_> {
    fn broken(&self, reason: &str) -> InferenceError {
        InferenceError::Broken { file: self.file.to_owned(), reason: reason.to_owned() }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), InferenceError> {
        if bytes.len() as u64 > self.length - self.at {
            return Err(self.broken(&format!("it is cut: its head does not end within its {} bytes", self.length)));
        }
        self.from
            .read_exact(bytes)
            .map_err(|error| InferenceError::File { path: self.file.to_owned(), reason: error.to_string() })?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], InferenceError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, InferenceError> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64, InferenceError> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    /// Reads a count, which is never larger than `most` or than the bytes that are left.
    fn count(&mut self, most: u64) -> Result<usize, InferenceError> {
        let count = self.u64()?;
        if count > most.min(self.length - self.at) {
            return Err(self.broken(&format!("it counts {count} entries at byte {}", self.at - 8)));
        }
        usize::try_from(count).map_err(|_| self.broken("a count does not fit this machine"))
    }

    fn text(&mut self) -> Result<String, InferenceError> {
        let length = self.count(u64::MAX)?;
        let mut bytes = vec![0; length];
        self.fill(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| self.broken(&format!("the text before byte {} is no UTF-8", self.at)))
    }

    /// Reads one value of the type `kind` (ggml, docs/gguf.md, `gguf_metadata_value_type`).
    fn value(&mut self, kind: u32, key: &str) -> Result<Value, InferenceError> {
        Ok(match kind {
            0 => Value::Integer(self.bytes::<1>()?[0].into()),
            1 => Value::Integer(i8::from_le_bytes(self.bytes()?).into()),
            2 => Value::Integer(u16::from_le_bytes(self.bytes()?).into()),
            3 => Value::Integer(i16::from_le_bytes(self.bytes()?).into()),
            4 => Value::Integer(self.u32()?.into()),
            5 => Value::Integer(i32::from_le_bytes(self.bytes()?).into()),
            6 => Value::Float(f32::from_le_bytes(self.bytes()?).into()),
            7 => Value::Bool(self.bytes::<1>()?[0] != 0),
            8 => Value::Text(self.text()?),
            9 => self.array(key)?,
            10 => Value::Integer(i64::try_from(self.u64()?).unwrap_or(i64::MAX)),
            11 => Value::Integer(i64::from_le_bytes(self.bytes()?)),
            12 => Value::Float(f64::from_le_bytes(self.bytes()?)),
            other => return Err(self.broken(&format!("{key} is of the unknown type {other}"))),
        })
    }

    fn array(&mut self, key: &str) -> Result<Value, InferenceError> {
        let kind = self.u32()?;
        let count = self.count(MOST_ELEMENTS)?;
        self.elements += count as u64;
        if self.elements > MOST_ELEMENTS {
            return Err(self.broken(&format!("its arrays have more than {MOST_ELEMENTS} elements")));
        }
        let (mut texts, mut integers, mut floats) = (Vec::new(), Vec::new(), Vec::new());
        if kind == 9 {
            return Err(self.broken(&format!("{key} is an array of arrays")));
        }
        for _ in 0..count {
            match self.value(kind, key)? {
                Value::Text(text) => texts.push(text),
                Value::Integer(n) => integers.push(n),
                Value::Bool(yes) => integers.push(yes.into()),
                Value::Float(n) => floats.push(n),
                Value::Texts(_) | Value::Integers(_) | Value::Floats(_) => {}
            }
        }
        Ok(match kind {
            8 => Value::Texts(texts),
            6 | 12 => Value::Floats(floats),
            _ => Value::Integers(integers),
        })
    }

    fn tensor(&mut self) -> Result<(String, TensorInfo), InferenceError> {
        let name = self.text()?;
        let dimensions = self.u32()?;
        if dimensions > MOST_DIMENSIONS {
            return Err(self.broken(&format!("{name} has {dimensions} dimensions")));
        }
        let mut sizes = Vec::new();
        for _ in 0..dimensions {
            sizes.push(self.u64()?);
        }
        let kind = self.u32()?;
        let offset = self.u64()?;
        let format = Format::of(kind).ok_or_else(|| InferenceError::Unsupported {
            file: self.file.to_owned(),
            reason: format!("{name} is written in ggml's type {kind}; {} are known", Format::known()),
        })?;
        let columns = sizes.first().copied().unwrap_or(1);
        let rows = sizes.iter().skip(1).try_fold(1_u64, |product, size| product.checked_mul(*size));
        let (values, block_bytes) = (format.block_values() as u64, format.block_bytes() as u64);
        let bytes = rows
            .filter(|rows| *rows > 0 && columns > 0 && columns % values == 0)
            .and_then(|rows| (columns / values).checked_mul(block_bytes)?.checked_mul(rows));
        let (Some(rows), Some(bytes)) = (rows, bytes) else {
            return Err(self.broken(&format!("{name} has the impossible size {sizes:?}")));
        };
        Ok((name, TensorInfo { columns: columns as usize, rows: rows as usize, format, offset, bytes }))
    }
}

#[cfg(test)]
#[path = "gguf_loading_tests.rs"]
mod loading_tests;
#[cfg(test)]
#[path = "gguf_tests.rs"]
mod tests;
