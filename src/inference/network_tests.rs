use super::super::quant::{Format, half_bits, to_half};
use super::super::testing::{Gguf, Setting, Weights, tiny};
use super::*;

const HEADS: usize = 4;
const KEY_HEADS: usize = 2;
const WIDTH: usize = 16;

/// The network once more, as its papers have it: in double precision, token by token, nothing shared with the code above.
struct Naive<'a> {
    model: &'a Gguf,
    neighbours: bool,
    base: f64,
    epsilon: f64,
    /// For each layer the keys and values of each token, rounded to half precision.
    kept: Vec<Vec<(Vec<f64>, Vec<f64>)>>,
}

impl Naive<'_> {
    fn maybe(&self, name: &str) -> Option<Vec<f64>> {
        let tensor = self.model.tensors.iter().find(|tensor| tensor.name == name)?;
        let (numbers, _) = tensor.bytes.as_chunks::<4>();
        Some(numbers.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect())
    }

    fn weights(&self, name: &str) -> Vec<f64> {
        self.maybe(name).unwrap()
    }

    fn product(&self, name: &str, values: &[f64]) -> Vec<f64> {
        let row = |row: &[f64]| row.iter().zip(values).map(|(weight, value)| weight * value).sum();
        self.weights(name).chunks(values.len()).map(row).collect()
    }

    fn norm(&self, weights: &[f64], values: &[f64]) -> Vec<f64> {
        let mean = values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64;
        let root = (mean + self.epsilon).sqrt();
        values.iter().zip(weights).map(|(value, weight)| value / root * weight).collect()
    }

    /// Queries, keys or values of one token: projection, bias, and for the first two norm of each head and position.
    fn projected(&self, layer: usize, part: &str, values: &[f64], position: Option<usize>) -> Vec<f64> {
        let mut out = self.product(&format!("blk.{layer}.attn_{part}.weight"), values);
        if let Some(bias) = self.maybe(&format!("blk.{layer}.attn_{part}.bias")) {
            out.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
        }
        let Some(position) = position else { return out };
        let norm = self.maybe(&format!("blk.{layer}.attn_{part}_norm.weight"));
        let factors = self.maybe("rope_freqs.weight").unwrap_or_else(|| vec![1.0; WIDTH / 2]);
        for head in out.chunks_mut(WIDTH) {
            if let Some(norm) = &norm {
                head.copy_from_slice(&self.norm(norm, head));
            }
            let old = head.to_vec();
            for (pair, factor) in factors.iter().enumerate() {
                let angle = position as f64 * self.base.powf(-2.0 * pair as f64 / WIDTH as f64) / factor;
                let (x, y) = if self.neighbours { (2 * pair, 2 * pair + 1) } else { (pair, pair + WIDTH / 2) };
                head[x] = old[x] * angle.cos() - old[y] * angle.sin();
                head[y] = old[y] * angle.cos() + old[x] * angle.sin();
            }
        }
        out
    }

    fn attended(&self, layer: usize, queries: &[f64]) -> Vec<f64> {
        let mut out = Vec::new();
        for (head, query) in queries.chunks(WIDTH).enumerate() {
            let at = head / (HEADS / KEY_HEADS) * WIDTH;
            let product = |key: &[f64]| query.iter().zip(key).map(|(query, key)| query * key).sum::<f64>();
            let odds =
                |(keys, _): &(Vec<f64>, Vec<f64>)| (product(&keys[at..at + WIDTH]) / (WIDTH as f64).sqrt()).exp();
            let odds: Vec<f64> = self.kept[layer].iter().map(odds).collect();
            let total: f64 = odds.iter().sum();
            let value =
                |place: usize| odds.iter().zip(&self.kept[layer]).map(move |(odds, kept)| odds * kept.1[at + place]);
            out.extend((0..WIDTH).map(|place| value(place).sum::<f64>() / total));
        }
        out
    }

    fn read(&mut self, token: u32, position: usize) -> Vec<f64> {
        let half = |values: Vec<f64>| values.iter().map(|value| f64::from(half_bits(to_half(*value as f32)))).collect();
        let add =
            |stream: &mut [f64], more: &[f64]| stream.iter_mut().zip(more).for_each(|(value, more)| *value += more);
        let width = HEADS * WIDTH;
        let mut stream = self.weights("token_embd.weight")[token as usize * width..][..width].to_vec();
        for layer in 0..2 {
            let name = |part: &str| format!("blk.{layer}.{part}.weight");
            let normed = self.norm(&self.weights(&name("attn_norm")), &stream);
            let queries = self.projected(layer, "q", &normed, Some(position));
            let keys = half(self.projected(layer, "k", &normed, Some(position)));
            let values = half(self.projected(layer, "v", &normed, None));
            self.kept[layer].push((keys, values));
            add(&mut stream, &self.product(&name("attn_output"), &self.attended(layer, &queries)));
            let normed = self.norm(&self.weights(&name("ffn_norm")), &stream);
            let (gate, up) = (self.product(&name("ffn_gate"), &normed), self.product(&name("ffn_up"), &normed));
            let gated: Vec<f64> = gate.iter().zip(up).map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up).collect();
            add(&mut stream, &self.product(&name("ffn_down"), &gated));
        }
        let last = self.norm(&self.weights("output_norm.weight"), &stream);
        let output = if self.maybe("output.weight").is_some() { "output.weight" } else { "token_embd.weight" };
        self.product(output, &last)
    }
}

fn check(model: &Gguf, naive: (bool, f64, f64), what: &str) {
    let file = model.file();
    let head = Head::read(&file.reopen().unwrap(), file.path()).unwrap();
    let tokens = [104, 101, 32, 0, 267, 255, 104, 12];
    let (neighbours, base, epsilon) = naive;
    let mut naive = Naive { model, neighbours, base, epsilon, kept: vec![Vec::new(), Vec::new()] };
    let expected: Vec<Vec<f64>> =
        tokens.iter().enumerate().map(|(position, token)| naive.read(*token, position)).collect();
    for kernel in [Kernel::detect(), Kernel::Portable] {
        let mut network = Network::load(&head, Shape::of(&head).unwrap(), file.reopen().unwrap(), file.path()).unwrap();
        network.kernel = kernel;
        let mut memory = Memory::new(&network.shape, 16).expect("room");
        // Five at once, then one by one.
        for (first, count) in [(0, 5), (5, 1), (6, 1), (7, 1)] {
            let odds = network.read(&tokens[first..first + count], first, &mut memory, 1).unwrap();
            let shall = &expected[first + count - 1];
            let norm = shall.iter().map(|odds| odds * odds).sum::<f64>().sqrt();
            let off = odds.iter().zip(shall).map(|(is, shall)| (f64::from(*is) - shall).powi(2)).sum::<f64>().sqrt();
            assert_eq!(odds.len(), shall.len());
            assert!(off <= 1e-3 * norm, "{what}, {kernel:?}, {count} at {first}: off by {off} of {norm}");
        }
        assert!(network.read(&tokens[..1], 8, &mut memory, 0).unwrap().is_empty());
    }
}

#[test]
fn networks_do_what_their_papers_say() {
    for (architecture, neighbours) in [("qwen2", false), ("qwen3", false), ("llama", true)] {
        check(&tiny(architecture, Format::F32), (neighbours, 10_000.0, f64::from(1e-6_f32)), architecture);
    }
}

#[test]
fn settings_and_tensors_that_a_network_may_have_count() {
    let mut model = tiny("llama", Format::F32);
    model.set("llama.rope.freq_base", Setting::F32(500.0));
    model.set("llama.attention.layer_norm_rms_epsilon", Setting::F32(0.25));
    model.tensors.retain(|tensor| tensor.name != "output.weight");
    let factors: Vec<u8> = (1..=8).flat_map(|factor| (factor as f32).to_le_bytes()).collect();
    model.tensors.push(Weights { name: "rope_freqs.weight".to_owned(), sizes: vec![8], kind: 0, bytes: factors });
    check(&model, (true, 500.0, 0.25), "llama with its own settings");
}
