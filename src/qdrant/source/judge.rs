//! What an error of the client's means for a source: who answers, if anybody, and whether trying again may help.

use std::sync::atomic::Ordering;

use qdrant_client::QdrantError;
use tonic::Code;

use super::errors::{code, describe, raw, unreachable};
use super::{Source, SourceError};

impl Source {
    pub(super) fn protocol(&self, message: &str) -> SourceError {
        SourceError::Protocol {
            url: self.url.clone(),
            message: message.into(),
        }
    }

    pub(super) fn judge(&self, error: &QdrantError) -> SourceError {
        let url = self.url.clone();
        let message = describe(error);
        let not_http2 = [
            "invalid content type",
            "frame with invalid size",
            "http2 error",
            "HTTP/1",
            "compression",
        ]
        .iter()
        .any(|sign| message.contains(sign));
        let (code, raw) = (code(error), raw(error));
        let not_there = matches!(
            code,
            Some(Code::NotFound | Code::Unauthenticated | Code::PermissionDenied)
        );
        if !not_there {
            // The screen has words of its own for it.
            tracing::info!(%url, ?code, %raw, "what the transport says of Qdrant");
        }
        match code {
            Some(Code::Unauthenticated | Code::PermissionDenied) => SourceError::Refused { url, message },
            Some(Code::NotFound) => SourceError::NoCollection {
                url,
                collection: self.collection.clone(),
                known: Vec::new(),
            },
            Some(Code::Unimplemented) => SourceError::NotQdrant {
                url,
                message: "it does not know what it is asked".into(),
            },
            Some(Code::Internal | Code::Unknown | Code::Unavailable)
                if not_http2 && !self.known.load(Ordering::Relaxed) =>
            {
                SourceError::NotQdrant {
                    url,
                    message: "it speaks no gRPC over HTTP/2".into(),
                }
            }
            Some(
                Code::Internal
                | Code::Unknown
                | Code::Unavailable
                | Code::Cancelled
                | Code::DeadlineExceeded
                | Code::ResourceExhausted
                | Code::Aborted,
            )
            | None => SourceError::Unreachable {
                url,
                message: unreachable(&raw),
            },
            Some(_) => SourceError::Protocol { url, message },
        }
    }
}
