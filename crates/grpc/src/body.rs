//! Bounds of a request's body, in bytes, in time, and in what the node holds of all of them.
//!
//! tonic bounds one message only. It reads on behind it until the body ends, and waits for ever.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use proto::to_wire_error;
use proto::tonic::Status;
use service::Held;
use tokio::time::{Instant, Sleep, sleep_until};
use types::{ApiError, ErrorCode, limits};

use crate::call::RequestId;

/// Bytes in front of each message on the wire: whether it is compressed, and its length.
const MESSAGE_HEADER_BYTES: usize = 5;

/// A body that ends in an error when it is too long, does not come in time, or finds no room.
pub(crate) struct BoundedBody {
    inner: Body,
    left: usize,
    deadline: Pin<Box<Sleep>>,
    request: RequestId,
    held: Held,
}

impl BoundedBody {
    pub(crate) fn new(inner: Body, request: RequestId, held: Held) -> Self {
        let deadline = Box::pin(sleep_until(Instant::now() + limits::BODY_TIMEOUT));
        Self { inner, left: limits::REQUEST_BODY_BYTES + MESSAGE_HEADER_BYTES, deadline, request, held }
    }

    fn refused(&self, error: &ApiError) -> Status {
        to_wire_error(error, self.request.as_str())
    }
}

impl HttpBody for BoundedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                let Some(left) = self.left.checked_sub(length) else {
                    return Poll::Ready(Some(Err(self.refused(&too_large()))));
                };
                if let Err(error) = self.held.grow(length) {
                    return Poll::Ready(Some(Err(self.refused(&error))));
                }
                self.left = left;
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(self.refused(&broke_off())))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match self.deadline.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(Some(Err(self.refused(&too_late())))),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

pub(crate) fn too_large() -> ApiError {
    let text = format!("The request message is larger than {} bytes.", limits::REQUEST_BODY_BYTES);
    ApiError::new(ErrorCode::RequestTooLarge, text)
}

fn broke_off() -> ApiError {
    ApiError::new(ErrorCode::Serialization, "The request body broke off.")
}

fn too_late() -> ApiError {
    ApiError::new(ErrorCode::RequestTimeout, "The request body did not come in time.")
}
