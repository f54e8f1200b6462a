//! Tracing spans over OTLP (HTTP, protobuf), configured by the standard variables: `OTEL_EXPORTER_OTLP_ENDPOINT` or
//! `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` turns it on; headers, time-outs, sampling and the service's name are read by
//! the exporter itself. Off without an endpoint.
//!
//! Only qlance's own spans leave the process, and no events: an event's text may quote what a server said.

use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

/// What is not sent by then is lost: leaving must not wait for a collector that is gone.
const LAST_WORDS: Duration = Duration::from_secs(2);

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Whether the environment asks for an export.
fn is_wanted(variable: impl Fn(&str) -> Option<String>) -> bool {
    let said = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let is = |name: &str, word: &str| said(name).is_some_and(|value| value.trim().eq_ignore_ascii_case(word));
    let endpoint = said("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| said("OTEL_EXPORTER_OTLP_ENDPOINT"));
    endpoint.is_some() && !is("OTEL_SDK_DISABLED", "true") && !is("OTEL_TRACES_EXPORTER", "none")
}

/// The spans of qlance, and nothing else.
fn is_own_span(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    metadata.is_span() && (target == "qlance" || target.starts_with("qlance::"))
}

/// The layer that exports, where the environment names an endpoint.
///
/// # Errors
/// The environment cannot be meant so: an endpoint that is no address, a compression that is not built in.
pub fn layer<S>() -> anyhow::Result<Option<Box<dyn Layer<S> + Send + Sync>>>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let variable = |name: &str| std::env::var(name).ok();
    if !is_wanted(variable) {
        return Ok(None);
    }
    // The exporter's own message quotes the address, which may hold a password.
    let exporter = SpanExporter::builder().with_http().build().map_err(|_| {
        anyhow::anyhow!(
            "one of OTEL_EXPORTER_OTLP_* cannot be meant so: an endpoint is an http or https address, and no \
             compression is built in"
        )
    })?;
    let mut resource = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let names = ["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"];
    if !names
        .iter()
        .filter_map(|name| variable(name))
        .any(|value| !value.is_empty())
    {
        resource = resource.with_service_name("qlance");
    }
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build())
        .build();
    let layer = tracing_opentelemetry::layer::<S>()
        .with_tracer(provider.tracer("qlance"))
        .with_threads(false)
        .with_filter(filter_fn(is_own_span).with_max_level_hint(LevelFilter::DEBUG));
    // One log a process: a second one is not begun, and its provider ends with it.
    let _ = PROVIDER.set(provider);
    Ok(Some(layer.boxed()))
}

/// Sends what is left, for two seconds at most.
pub async fn flush() {
    let Some(provider) = PROVIDER.get() else { return };
    let ended = tokio::task::spawn_blocking(|| provider.shutdown_with_timeout(LAST_WORDS));
    match tokio::time::timeout(LAST_WORDS, ended).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => tracing::warn!(%error, "not all spans were sent"),
        Ok(Err(error)) => tracing::warn!(%error, "not all spans were sent"),
        Err(_) => tracing::warn!("not all spans were sent: the collector takes too long"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_exported_unless_an_endpoint_is_named() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:4318/v1/traces");
        for (variables, expected) in [
            (vec![], false),
            (vec![("OTEL_EXPORTER_OTLP_ENDPOINT", " ")], false),
            (vec![endpoint], true),
            (vec![traces], true),
            (vec![endpoint, ("OTEL_SDK_DISABLED", "TRUE")], false),
            (vec![endpoint, ("OTEL_SDK_DISABLED", "false")], true),
            (vec![endpoint, ("OTEL_TRACES_EXPORTER", "none")], false),
        ] {
            let variable = |name: &str| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(is_wanted(variable), expected, "{variables:?}");
        }
    }
}
