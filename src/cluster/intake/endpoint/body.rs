//! Reading a body without trusting how large it says it is.

use std::io::Read;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use flate2::read::MultiGzDecoder;
use futures::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::refusal::Refusal;

/// What is set aside for a body before any of it has arrived.
const FIRST: usize = 64 << 10;

/// How a body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As it is.
    Identity,
    /// By gzip.
    Gzip,
}

/// How the body is encoded, unless it is larger than `limit` or encoded otherwise: then none of it need be read.
pub(super) fn examine(headers: &HeaderMap, limit: usize) -> Result<Encoding, Refusal> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(Refusal::Size);
    }
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    match (encodings.next().map(|encoding| encoding.as_bytes().trim_ascii()), encodings.next()) {
        (None, _) => Ok(Encoding::Identity),
        (Some(encoding), None) if encoding.eq_ignore_ascii_case(b"identity") => Ok(Encoding::Identity),
        (Some(encoding), None) if encoding.eq_ignore_ascii_case(b"gzip") => Ok(Encoding::Gzip),
        _ => Err(Refusal::Encoding),
    }
}

/// The whole body, if it arrives by the deadline and is not larger than `limit`.
pub(super) async fn receive(body: Body, limit: usize, deadline: Instant) -> Result<Vec<u8>, Refusal> {
    let all = async {
        let mut chunks = body.into_data_stream();
        let mut bytes = Vec::with_capacity(FIRST.min(limit));
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Refusal::Slow)?;
            if bytes.len() + chunk.len() > limit {
                return Err(Refusal::Size);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    timeout_at(deadline, all).await.unwrap_or(Err(Refusal::Slow))
}

/// The body as it was before it was encoded, if that is not larger than `limit`.
pub(super) fn decode(bytes: Vec<u8>, encoding: Encoding, limit: usize) -> Result<Vec<u8>, Refusal> {
    match encoding {
        Encoding::Identity => Ok(bytes),
        Encoding::Gzip => {
            let mut inflated = Vec::with_capacity(FIRST.min(limit));
            let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
            let read = MultiGzDecoder::new(bytes.as_slice()).take(most).read_to_end(&mut inflated);
            if inflated.len() > limit {
                return Err(Refusal::Size);
            }
            read.map_err(|_| Refusal::Unreadable)?;
            Ok(inflated)
        }
    }
}
