//! Why a request is refused, and what its sender is told.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Why a request is refused.
///
/// An API server repeats an audit delivery a few times whatever the answer is but 2xx, and at once more often if the answer says when
/// to try again. Forwarders of logs repeat what is answered by 408, 429 and 5xx, and drop what is answered by another 4xx.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The sender has not shown that it may send.
    Credentials,
    /// Too many requests in a short time.
    Rate,
    /// Too many bodies are in memory already.
    Busy,
    /// The body is larger than the limit, as it is or once inflated.
    Size,
    /// The body did not arrive in time, or not completely.
    Slow,
    /// A content encoding that is not understood.
    Encoding,
    /// Nothing in the body can be read.
    Unreadable,
    /// The ledger did not keep it in time.
    NotKept,
}

impl Refusal {
    /// The name in metrics.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Rate => "rate",
            Self::Busy => "busy",
            Self::Size => "size",
            Self::Slow => "slow",
            Self::Encoding => "encoding",
            Self::Unreadable => "unreadable",
            Self::NotKept => "not_kept",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Credentials => StatusCode::UNAUTHORIZED,
            Self::Rate | Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Size => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::NotKept => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Credentials => "a client certificate or the token is needed\n",
            Self::Rate => "too many requests, try again later\n",
            Self::Busy => "too many requests at once, try again later\n",
            Self::Size => "the body is too large: send fewer events at once\n",
            Self::Slow => "the body did not arrive completely, or not in time\n",
            Self::Encoding => "the content encoding is not understood: send gzip or nothing\n",
            Self::Unreadable => "nothing in the body can be read\n",
            Self::NotKept => "could not be recorded yet, try again later\n",
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.text()).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Credentials => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                // What the connection was trusted for may have been withdrawn: a new one is looked at anew.
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Self::Rate | Self::Busy | Self::NotKept => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::Size | Self::Slow | Self::Encoding | Self::Unreadable => {}
        }
        response
    }
}
