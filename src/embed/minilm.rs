//! all-MiniLM-L6-v2 in process: 384 numbers, text only, no server, no key. Weights are built into the binary as int8
//! rows with one scale each (assets/minilm-l6-v2-int8) and dequantised once at the start (90 MB as f32).
//!
//! Mean pooling over the attention mask, then length one, as the model's card says. Work runs off the async threads.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use safetensors::tensor::{Dtype, TensorView};
use tokenizers::Tokenizer;

use super::tokens::Count;
use super::{Answer, Capabilities, Embedder, Input, RequestError, Role, Space};
use crate::config::EmbedConfig;
use crate::point::Modality;

const WEIGHTS: &[u8] = include_bytes!("../../assets/minilm-l6-v2-int8/model.int8.safetensors");
const TOKENIZER: &[u8] = include_bytes!("../../assets/minilm-l6-v2-int8/tokenizer.json");
const CONFIG: &str = include_str!("../../assets/minilm-l6-v2-int8/config.json");

/// Numbers an embedding has.
pub const DIMENSIONS: usize = 384;

/// Tokens of an input that the model reads.
const MAX_TOKENS: usize = 256;

/// Padded tokens a forward pass at most. One pass of 2,048 tokens keeps both cores busy within some 40 MB of
/// activations; larger ones only grow.
const MAX_PASS_TOKENS: usize = 2_048;

/// The model with its tokenizer.
pub struct MiniLm {
    inner: Arc<Inner>,
    capabilities: Capabilities,
    document_prefix: String,
    query_prefix: String,
}

struct Inner {
    model: BertModel,
    tokenizer: Tokenizer,
}

impl MiniLm {
    /// Loads the model: about a second.
    ///
    /// # Errors
    /// The built-in weights are damaged.
    pub fn new(config: &EmbedConfig) -> anyhow::Result<Self> {
        let settings: Config = serde_json::from_str(CONFIG).context("config.json")?;
        let tensors = load(WEIGHTS).context("model.int8.safetensors")?;
        let model = BertModel::load(VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu), &settings)?;
        let tokenizer = Tokenizer::from_bytes(TOKENIZER).map_err(|error| anyhow!(error).context("tokenizer.json"))?;
        Ok(Self {
            inner: Arc::new(Inner { model, tokenizer }),
            capabilities: Capabilities {
                modalities: vec![Modality::Text],
                space: Space {
                    provider: "minilm".into(),
                    model: config.model.clone(),
                    dimensions: DIMENSIONS,
                    prefix: config.document_prefix.clone(),
                    normalised: true,
                },
                model: config.model.clone(),
                section: "embed.text",
                mixes: false,
                max_inputs: config.max_batch_inputs,
                most_inputs: 2_048,
                max_tokens: config.max_batch_tokens,
                max_input_tokens: config.max_input_tokens,
            },
            document_prefix: config.document_prefix.clone(),
            query_prefix: config.query_prefix.clone(),
        })
    }
}

/// Reads the tensors, every int8 weight multiplied by the scales of its rows.
fn load(bytes: &[u8]) -> anyhow::Result<HashMap<String, Tensor>> {
    let file = safetensors::SafeTensors::deserialize(bytes)?;
    let mut tensors = HashMap::new();
    for (name, view) in file.tensors() {
        if name.ends_with(".scale") {
            continue;
        }
        let numbers = match view.dtype() {
            Dtype::F32 => floats(&view)?,
            Dtype::I8 => {
                let scales = floats(&file.tensor(&format!("{name}.scale"))?)?;
                let width = view.data().len() / scales.len().max(1);
                if width == 0 || width * scales.len() != view.data().len() {
                    bail!("{name} has {} weights and {} scales", view.data().len(), scales.len());
                }
                view.data()
                    .chunks_exact(width)
                    .zip(scales)
                    .flat_map(|(row, scale)| row.iter().map(move |weight| f32::from(weight.cast_signed()) * scale))
                    .collect()
            }
            other => bail!("{name} has the type {other:?}"),
        };
        tensors.insert(name, Tensor::from_vec(numbers, view.shape(), &Device::Cpu)?);
    }
    Ok(tensors)
}

fn floats(view: &TensorView<'_>) -> anyhow::Result<Vec<f32>> {
    let (numbers, rest) = view.data().as_chunks::<4>();
    if view.dtype() != Dtype::F32 || !rest.is_empty() {
        bail!("no f32 tensor");
    }
    Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// The first tokens that the model reads, the last of them the separator. The gateway refuses longer texts before
/// they come here; who calls the model itself gets what its makers' code does.
fn cut(ids: &[u32]) -> Vec<u32> {
    match ids {
        [head @ .., separator] if ids.len() > MAX_TOKENS => {
            head[..MAX_TOKENS - 1].iter().copied().chain([*separator]).collect()
        }
        _ => ids.to_vec(),
    }
}

impl Inner {
    /// Embeds texts, those of similar length together so that little is padded.
    fn embed(&self, texts: Vec<String>) -> anyhow::Result<Vec<Arc<[f32]>>> {
        let encodings = self
            .tokenizer
            .encode_batch_fast(texts, true)
            .map_err(|error| anyhow!(error))?;
        let lengths: Vec<usize> = encodings
            .iter()
            .map(|encoding| encoding.len().min(MAX_TOKENS))
            .collect();
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|index| lengths[*index]);
        let mut embeddings: Vec<Option<Arc<[f32]>>> = vec![None; lengths.len()];
        let mut rest = &order[..];
        while !rest.is_empty() {
            // Ascending lengths: the last one taken is the longest, and decides how wide the pass is.
            let count = (1..=rest.len())
                .take_while(|count| *count == 1 || count * lengths[rest[count - 1]] <= MAX_PASS_TOKENS)
                .last()
                .unwrap_or(1);
            let (pass, after) = rest.split_at(count);
            let ids: Vec<Vec<u32>> = pass.iter().map(|index| cut(encodings[*index].get_ids())).collect();
            for (index, embedding) in pass.iter().zip(self.forward(&ids)?) {
                embeddings[*index] = Some(embedding);
            }
            rest = after;
        }
        embeddings
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .context("an input got no embedding")
    }

    fn forward(&self, ids: &[Vec<u32>]) -> anyhow::Result<Vec<Arc<[f32]>>> {
        let width = ids.iter().map(Vec::len).max().unwrap_or(0);
        let mut tokens = Vec::with_capacity(ids.len() * width);
        let mut mask = Vec::with_capacity(ids.len() * width);
        for row in ids {
            let padding = width - row.len();
            tokens.extend_from_slice(row);
            tokens.extend(std::iter::repeat_n(0_u32, padding));
            mask.extend(std::iter::repeat_n(1_f32, row.len()));
            mask.extend(std::iter::repeat_n(0_f32, padding));
        }
        let shape = (ids.len(), width);
        let tokens = Tensor::from_vec(tokens, shape, &Device::Cpu)?;
        let mask = Tensor::from_vec(mask, shape, &Device::Cpu)?;
        let hidden = self.model.forward(&tokens, &tokens.zeros_like()?, Some(&mask))?;
        let weights = mask.unsqueeze(2)?;
        let mean = hidden
            .broadcast_mul(&weights)?
            .sum(1)?
            .broadcast_div(&weights.sum(1)?)?;
        let norm = mean.sqr()?.sum_keepdim(1)?.sqrt()?;
        Ok(mean
            .broadcast_div(&norm)?
            .to_vec2::<f32>()?
            .into_iter()
            .map(Into::into)
            .collect())
    }
}

impl Embedder for MiniLm {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn count_tokens(&self, text: &str) -> Count {
        // Every word piece covers a byte at least, and two special tokens come on top.
        if text.len() + 2 <= self.capabilities.max_input_tokens {
            return Count::Known(text.len() + 2);
        }
        match self.inner.tokenizer.encode_fast(text, true) {
            Ok(encoding) => Count::Known(encoding.len()),
            Err(_) => Count::Estimated(text.len()),
        }
    }

    fn count_exactly(&self, text: &str) -> Count {
        match self.inner.tokenizer.encode_fast(text, true) {
            Ok(encoding) => Count::Known(encoding.len()),
            Err(_) => Count::Estimated(text.len()),
        }
    }

    fn embed<'a>(&'a self, inputs: &'a [Input], role: Role) -> BoxFuture<'a, Result<Answer, RequestError>> {
        let prefix = match role {
            Role::Document => &self.document_prefix,
            Role::Query => &self.query_prefix,
        };
        let texts: Option<Vec<String>> = inputs
            .iter()
            .map(|input| match input {
                Input::Text(text) => Some(format!("{prefix}{text}")),
                _ => None,
            })
            .collect();
        let inner = Arc::clone(&self.inner);
        async move {
            let texts = texts.ok_or_else(|| RequestError::Rejected("MiniLM takes text only".into()))?;
            let computed = tokio::task::spawn_blocking(move || inner.embed(texts))
                .await
                .map_err(|error| RequestError::Fatal(format!("the in-process model stopped: {error}")))?
                .map_err(|error| RequestError::Fatal(format!("the in-process model failed: {error:#}")))?;
            Ok(Answer {
                embeddings: computed.into_iter().map(Ok).collect(),
                tokens: 0,
            })
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::Similarity;

    #[tokio::test]
    async fn meets_the_golden_vectors() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../assets/minilm-l6-v2-int8/golden.json")).expect("golden.json");
        let cases = golden["cases"].as_array().expect("cases");
        assert_eq!(cases.len(), 8);
        let model = MiniLm::new(&EmbedConfig::minilm()).expect("the model loads");
        let inputs: Vec<Input> = cases
            .iter()
            .map(|case| Input::Text(case["text"].as_str().expect("a text").into()))
            .collect();
        // Together and alone: padding must not change an embedding.
        let together = model.embed(&inputs, Role::Document).await.expect("embeddings");
        for ((case, input), embedding) in cases.iter().zip(&inputs).zip(together.embeddings) {
            let embedding = embedding.expect("numbers");
            let reference: Vec<f32> = case["embedding"]
                .as_array()
                .expect("numbers")
                .iter()
                .map(|number| number.as_f64().expect("a number") as f32)
                .collect();
            let similarity = Similarity::cosine(&embedding, &reference).expect("comparable").get();
            assert!(similarity >= 0.995, "{input:?}: {similarity}");
            let alone = model
                .embed(std::slice::from_ref(input), Role::Document)
                .await
                .expect("one");
            let alone = alone.embeddings[0].as_ref().expect("numbers");
            let same = Similarity::cosine(&embedding, alone).expect("comparable").get();
            assert!(same > 0.99999, "{input:?}: padding changed it to {same}");
        }
    }
}
