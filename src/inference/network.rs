//! The network: from tokens to the odds of the next one.

use std::fs::File;
use std::path::Path;

use mmap_io::{MemoryMappedFile, MmapMode};
use rayon::prelude::*;

use super::InferenceError;
use super::attention::{Memory, exp};
use super::gguf::{Head, TensorInfo};
use super::matrix::{Input, Kernel, Matrix, dot, multiply};
use super::shape::{Shape, Turning};

/// The tokens that are read at once: weights are fetched from memory once for all of them.
pub(super) const BATCH: usize = 64;

/// A loaded network.
pub(super) struct Network {
    pub(super) shape: Shape,
    kernel: Kernel,
    /// The file, mapped: weights are read where they lie, and processes share them.
    file: MemoryMappedFile,
    embedding: TensorInfo,
    layers: Vec<Layer>,
    last_norm: Vec<f32>,
    output: TensorInfo,
    /// For each pair of dimensions the angle per position, in radians.
    angles: Vec<f32>,
}

struct Layer {
    attention_norm: Vec<f32>,
    query: TensorInfo,
    key: TensorInfo,
    value: TensorInfo,
    query_bias: Option<Vec<f32>>,
    key_bias: Option<Vec<f32>>,
    value_bias: Option<Vec<f32>>,
    query_norm: Option<Vec<f32>>,
    key_norm: Option<Vec<f32>>,
    attention_output: TensorInfo,
    forward_norm: Vec<f32>,
    gate: TensorInfo,
    up: TensorInfo,
    down: TensorInfo,
}

/// Finds tensors and holds their sizes against the shape.
struct Finder<'a> {
    head: &'a Head,
    file: &'a MemoryMappedFile,
}

impl Finder<'_> {
    fn maybe(&self, name: &str, rows: usize, columns: usize) -> Result<Option<TensorInfo>, InferenceError> {
        let Some(info) = self.head.tensor(name) else { return Ok(None) };
        if (info.rows, info.columns) != (rows, columns) {
            let has = format!("{} x {}", info.columns, info.rows);
            return Err(self.head.broken(format!("{name} has {has} values instead of {columns} x {rows}")));
        }
        Ok(Some(*info))
    }

    fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<TensorInfo, InferenceError> {
        let found = self.maybe(name, rows, columns)?;
        found.ok_or_else(|| self.head.broken(format!("the tensor {name} is missing")))
    }

    fn maybe_vector(&self, name: &str, length: usize) -> Result<Option<Vec<f32>>, InferenceError> {
        let Some(tensor) = self.maybe(name, 1, length)? else { return Ok(None) };
        let mut values = vec![0.0; length];
        tensor.format.decode(slice(self.file, tensor)?, &mut values);
        Ok(Some(values))
    }

    fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>, InferenceError> {
        let found = self.maybe_vector(name, length)?;
        found.ok_or_else(|| self.head.broken(format!("the tensor {name} is missing")))
    }

    fn layer(&self, shape: &Shape, layer: usize) -> Result<Layer, InferenceError> {
        let name = |part: &str| format!("blk.{layer}.{part}");
        let (width, inner) = (shape.width, shape.feed_forward);
        let (queries, keys) = (shape.heads * shape.head_width, shape.key_heads * shape.head_width);
        Ok(Layer {
            attention_norm: self.vector(&name("attn_norm.weight"), width)?,
            query: self.matrix(&name("attn_q.weight"), queries, width)?,
            key: self.matrix(&name("attn_k.weight"), keys, width)?,
            value: self.matrix(&name("attn_v.weight"), keys, width)?,
            query_bias: self.maybe_vector(&name("attn_q.bias"), queries)?,
            key_bias: self.maybe_vector(&name("attn_k.bias"), keys)?,
            value_bias: self.maybe_vector(&name("attn_v.bias"), keys)?,
            query_norm: self.maybe_vector(&name("attn_q_norm.weight"), shape.head_width)?,
            key_norm: self.maybe_vector(&name("attn_k_norm.weight"), shape.head_width)?,
            attention_output: self.matrix(&name("attn_output.weight"), width, queries)?,
            forward_norm: self.vector(&name("ffn_norm.weight"), width)?,
            gate: self.matrix(&name("ffn_gate.weight"), inner, width)?,
            up: self.matrix(&name("ffn_up.weight"), inner, width)?,
            down: self.matrix(&name("ffn_down.weight"), width, inner)?,
        })
    }
}

/// Returns the bytes of a tensor; its place was held against the file's length, so that only a file which changed lacks them.
fn slice(file: &MemoryMappedFile, tensor: TensorInfo) -> Result<&[u8], InferenceError> {
    file.as_slice_bytes(tensor.offset, tensor.bytes).map_err(|error| InferenceError::File {
        path: file.path().display().to_string(),
        reason: format!("it changed while it was in use: {error}"),
    })
}

impl Network {
    /// Loads the tensors that `head` describes, for its shape.
    ///
    /// # Errors
    /// [`InferenceError::Broken`] where a tensor is missing or has another size than the settings say, and
    /// [`InferenceError::File`] when the file cannot be read.
    pub(super) fn load(head: &Head, shape: Shape, file: File, path: &Path) -> Result<Self, InferenceError> {
        let file = MemoryMappedFile::from_file(file, MmapMode::ReadOnly, path);
        let file = file.map_err(|error| InferenceError::File {
            path: path.display().to_string(),
            reason: format!("it cannot be mapped: {error}"),
        })?;
        let finder = Finder { head, file: &file };
        let embedding = finder.matrix("token_embd.weight", shape.vocabulary, shape.width)?;
        // Some networks write with the table that they read with.
        let output = finder.maybe("output.weight", shape.vocabulary, shape.width)?.unwrap_or(embedding);
        let layers = (0..shape.layers).map(|layer| finder.layer(&shape, layer)).collect::<Result<_, _>>()?;
        let last_norm = finder.vector("output_norm.weight", shape.width)?;
        let pairs = shape.head_width / 2;
        let factors = finder.maybe_vector("rope_freqs.weight", pairs)?.unwrap_or_else(|| vec![1.0; pairs]);
        let angle = |(pair, factor): (usize, &f32)| {
            (shape.rope_base.powf(-(pair as f64) / pairs as f64) / f64::from(*factor)) as f32
        };
        let angles = factors.iter().enumerate().map(angle).collect();
        Ok(Self { shape, kernel: Kernel::detect(), file, embedding, layers, last_norm, output, angles })
    }

    fn matrix(&self, tensor: TensorInfo) -> Result<Matrix<'_>, InferenceError> {
        let TensorInfo { format, rows, columns, .. } = tensor;
        Ok(Matrix { format, rows, columns, bytes: slice(&self.file, tensor)? })
    }

    /// Reads at most [`BATCH`] tokens at `position`, and returns the odds (logits) of what follows the last `wanted` of them,
    /// token after token.
    ///
    /// # Errors
    /// [`InferenceError::File`] when the file was cut since it was loaded.
    pub(super) fn read(
        &self,
        tokens: &[u32],
        position: usize,
        memory: &mut Memory,
        wanted: usize,
    ) -> Result<Vec<f32>, InferenceError> {
        let width = self.shape.width;
        let mut stream = vec![0.0; tokens.len() * width];
        let table = self.matrix(self.embedding)?;
        for (token, values) in tokens.iter().zip(stream.chunks_exact_mut(width)) {
            table.format.decode(table.rows(*token as usize, 1), values);
        }
        let turns = self.turns(position, tokens.len());
        let (mut one, mut two, mut three) = (Vec::new(), Vec::new(), Vec::new());
        for (place, layer) in self.layers.iter().enumerate() {
            let normed = self.normed(&stream, &layer.attention_norm);
            let input = Input::new(&normed, width);
            let mut jobs = [
                (self.matrix(layer.query)?, &mut one),
                (self.matrix(layer.key)?, &mut two),
                (self.matrix(layer.value)?, &mut three),
            ];
            multiply(self.kernel, &input, &mut jobs);
            self.place(&mut one, layer.query_bias.as_deref(), layer.query_norm.as_deref(), &turns);
            self.place(&mut two, layer.key_bias.as_deref(), layer.key_norm.as_deref(), &turns);
            add_bias(&mut three, layer.value_bias.as_deref());
            memory.keep(place, position, &two, &three);
            let taken = memory.attend(self.kernel, place, position, &one);
            let input = Input::new(&taken, self.shape.heads * self.shape.head_width);
            multiply(self.kernel, &input, &mut [(self.matrix(layer.attention_output)?, &mut one)]);
            stream.iter_mut().zip(&one).for_each(|(value, more)| *value += more);
            let normed = self.normed(&stream, &layer.forward_norm);
            let input = Input::new(&normed, width);
            multiply(
                self.kernel,
                &input,
                &mut [(self.matrix(layer.gate)?, &mut one), (self.matrix(layer.up)?, &mut two)],
            );
            self.gated(&mut one, &two);
            let input = Input::new(&one, self.shape.feed_forward);
            multiply(self.kernel, &input, &mut [(self.matrix(layer.down)?, &mut three)]);
            stream.iter_mut().zip(&three).for_each(|(value, more)| *value += more);
        }
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let last = self.normed(&stream[stream.len() - wanted * width..], &self.last_norm);
        multiply(self.kernel, &Input::new(&last, width), &mut [(self.matrix(self.output)?, &mut one)]);
        Ok(one)
    }

    /// Brings each token to a mean square of one and weighs its values (Zhang and Sennrich 2019, RMSNorm).
    fn normed(&self, values: &[f32], weights: &[f32]) -> Vec<f32> {
        let mut out = values.to_vec();
        self.kernel.run(
            #[inline(always)]
            || norm(&mut out, weights, self.shape.epsilon),
        );
        out
    }

    /// The cosine and sine of each pair's angle, token after token.
    fn turns(&self, position: usize, tokens: usize) -> Vec<(f32, f32)> {
        let of_token = |token: usize| {
            let at = (position + token) as f32;
            self.angles.iter().map(move |angle| ((at * angle).cos(), (at * angle).sin()))
        };
        (0..tokens).flat_map(of_token).collect()
    }

    /// Makes queries or keys ready: bias, norm of each head where the network has one, position.
    fn place(&self, values: &mut [f32], bias: Option<&[f32]>, weights: Option<&[f32]>, turns: &[(f32, f32)]) {
        add_bias(values, bias);
        if let Some(weights) = weights {
            norm(values, weights, self.shape.epsilon);
        }
        let (width, pairs) = (self.shape.head_width, self.shape.head_width / 2);
        let each = values.len() / (turns.len() / pairs);
        for (token, turns) in values.chunks_exact_mut(each).zip(turns.chunks_exact(pairs)) {
            for head in token.chunks_exact_mut(width) {
                for (pair, (cos, sin)) in turns.iter().enumerate() {
                    let (left, right) = match self.shape.turning {
                        Turning::Halves => (pair, pair + pairs),
                        Turning::Neighbours => (2 * pair, 2 * pair + 1),
                    };
                    let (x, y) = (head[left], head[right]);
                    (head[left], head[right]) = (x * cos - y * sin, x * sin + y * cos);
                }
            }
        }
    }

    /// Lets the gate through where it opens (Shazeer 2020, SwiGLU).
    fn gated(&self, gate: &mut [f32], values: &[f32]) {
        let inner = self.shape.feed_forward;
        gate.par_chunks_mut(inner).zip(values.par_chunks(inner)).for_each(|(gate, values)| {
            self.kernel.run(
                #[inline(always)]
                || gate.iter_mut().zip(values).for_each(|(gate, value)| *gate = *gate / (1.0 + exp(-*gate)) * value),
            );
        });
    }
}

fn add_bias(values: &mut [f32], bias: Option<&[f32]>) {
    let Some(bias) = bias else { return };
    for token in values.chunks_exact_mut(bias.len()) {
        token.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
    }
}

#[inline(always)]
fn norm(values: &mut [f32], weights: &[f32], epsilon: f32) {
    for part in values.chunks_exact_mut(weights.len()) {
        let scale = 1.0 / (dot(part, part) / part.len() as f32 + epsilon).sqrt();
        part.iter_mut().zip(weights).for_each(|(value, weight)| *value *= scale * weight);
    }
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
