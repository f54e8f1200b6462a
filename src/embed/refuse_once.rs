//! An embedder that refuses chosen texts the first time it sees them: what the demo puts before the real one, so that
//! there are failures to look at and retries that succeed. Named for what it is; no other command uses it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::tokens::Count;
use super::{Answer, Capabilities, Embedder, Input, RequestError, Role};

/// Refuses each text for which `chosen` holds exactly once, and passes everything else on.
pub struct RefuseOnce {
    inner: Arc<dyn Embedder>,
    chosen: fn(&str) -> bool,
    // Bounded by how many texts `chosen` holds for: some tens in the demo.
    refused: Mutex<HashSet<Arc<str>>>,
}

impl RefuseOnce {
    /// Puts the refusal before `inner`; `refused` are texts that had theirs in an earlier run.
    pub fn new(
        inner: Arc<dyn Embedder>,
        chosen: fn(&str) -> bool,
        refused: impl IntoIterator<Item = Arc<str>>,
    ) -> Self {
        Self {
            inner,
            chosen,
            refused: Mutex::new(refused.into_iter().collect()),
        }
    }
}

impl Embedder for RefuseOnce {
    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    fn used_up(&self) -> Option<super::UsedUp> {
        self.inner.used_up()
    }

    fn set_key(&self, key: Option<crate::config::Secret>) {
        self.inner.set_key(key);
    }

    fn count_tokens(&self, text: &str) -> Count {
        self.inner.count_tokens(text)
    }

    fn count_exactly(&self, text: &str) -> Count {
        self.inner.count_exactly(text)
    }

    fn embed<'a>(&'a self, inputs: &'a [Input], role: Role) -> BoxFuture<'a, Result<Answer, RequestError>> {
        async move {
            let newly = {
                let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                inputs
                    .iter()
                    .find_map(|input| match input {
                        Input::Text(text) if (self.chosen)(text) && !refused.contains(text) => Some(text),
                        _ => None,
                    })
                    .cloned()
                    .inspect(|text| {
                        // A batch is refused as a whole and bisected; only the refusal of the text alone counts.
                        if inputs.len() == 1 {
                            refused.insert(Arc::clone(text));
                        }
                    })
            };
            match newly {
                Some(_) => Err(RequestError::Rejected(
                    "the demo refuses this input the first time; a retry succeeds".into(),
                )),
                None => self.inner.embed(inputs, role).await,
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::Space;
    use crate::point::Modality;

    /// Takes whatever comes.
    struct Willing(Capabilities);

    impl Embedder for Willing {
        fn capabilities(&self) -> &Capabilities {
            &self.0
        }

        fn count_tokens(&self, _: &str) -> Count {
            Count::Known(1)
        }

        fn count_exactly(&self, _: &str) -> Count {
            Count::Known(1)
        }

        fn embed<'a>(&'a self, inputs: &'a [Input], _: Role) -> BoxFuture<'a, Result<Answer, RequestError>> {
            let embeddings = inputs.iter().map(|_| Ok(Arc::from([1.0_f32]))).collect();
            async move { Ok(Answer { embeddings, tokens: 1 }) }.boxed()
        }
    }

    fn willing() -> Arc<dyn Embedder> {
        Arc::new(Willing(Capabilities {
            modalities: vec![Modality::Text],
            space: Space {
                provider: "test".into(),
                model: "willing".into(),
                dimensions: 1,
                prefix: String::new(),
                normalised: true,
            },
            model: "willing".into(),
            section: "embed.text",
            mixes: false,
            max_inputs: 8,
            most_inputs: 8,
            max_tokens: 100,
            max_input_tokens: 100,
        }))
    }

    #[tokio::test]
    async fn a_text_is_refused_once_and_not_at_all_where_an_earlier_run_refused_it() {
        let embedder = RefuseOnce::new(willing(), |text| text.starts_with('x'), ["x before".into()]);
        let mut taken = Vec::new();
        for text in ["x now", "x now", "x before", "y"] {
            taken.push(
                embedder
                    .embed(&[Input::Text(text.into())], Role::Document)
                    .await
                    .is_ok(),
            );
        }
        assert_eq!(taken, [false, true, true, true]);
    }
}
