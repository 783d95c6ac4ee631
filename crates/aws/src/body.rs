//! The body of a request: whole, bounded in bytes and in time, and zeroed afterwards, since it may hold a value.

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body_util::BodyExt;
use service::Held;
use tokio::time::timeout;
use types::{ApiError, ErrorCode, limits};
use zeroize::Zeroizing;

/// What is reserved before a byte has come, whatever length is announced.
const FIRST_BYTES: usize = 16 << 10;

/// Reads the whole body, which is kept within what `held` has.
///
/// # Errors
/// RequestTooLarge; ServiceUnavailable when there is no room; RequestTimeout; Serialization when the client breaks off.
pub(crate) async fn read(body: Body, held: &Held) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    match timeout(limits::BODY_TIMEOUT, collect(body, held)).await {
        Ok(result) => result,
        Err(_) => Err(ApiError::new(ErrorCode::RequestTimeout, "The request body did not come in time.")),
    }
}

async fn collect(mut body: Body, held: &Held) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limits::REQUEST_BODY_BYTES {
        return Err(too_large(body, announced).await);
    }
    let mut whole = Zeroizing::new(Vec::with_capacity(announced.min(FIRST_BYTES)));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::new(ErrorCode::Serialization, "The request body broke off."))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > limits::REQUEST_BODY_BYTES {
            drop(whole);
            return Err(too_large(body, announced).await);
        }
        held.grow(data.len())?;
        append(&mut whole, &data);
    }
    Ok(whole)
}

/// Appends like a vector, but leaves no copy behind when it has to move.
fn append(whole: &mut Zeroizing<Vec<u8>>, more: &[u8]) {
    let needed = whole.len() + more.len();
    if needed > whole.capacity() {
        let mut moved = Zeroizing::new(Vec::with_capacity(needed.max(2 * whole.capacity())));
        moved.extend_from_slice(whole);
        *whole = moved;
    }
    whole.extend_from_slice(more);
}

/// Many a client reads no answer before it has sent its body, so a body that is not far too large is read to its end.
async fn too_large(mut body: Body, announced: usize) -> ApiError {
    let mut left = Some(limits::DISCARDED_BODY_BYTES).filter(|most| announced <= *most);
    while let Some(bytes) = left {
        let Some(Ok(frame)) = body.frame().await else { break };
        left = bytes.checked_sub(frame.data_ref().map_or(0, Bytes::len));
    }
    let text = format!("The request body is larger than {} bytes.", limits::REQUEST_BODY_BYTES);
    ApiError::new(ErrorCode::RequestTooLarge, text)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io;

    use futures_util::{StreamExt, stream};
    use service::Intake;
    use tokio::sync::mpsc;

    use super::*;

    /// A body of no announced length.
    fn pieces(pieces: impl IntoIterator<Item = Bytes>) -> Body {
        let pieces: VecDeque<_> = pieces.into_iter().collect();
        Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, io::Error>)))
    }

    async fn read(body: Body) -> Result<Zeroizing<Vec<u8>>, ApiError> {
        super::read(body, &Intake::default().begin(0).unwrap()).await
    }

    async fn refusal(body: Body) -> ErrorCode {
        read(body).await.unwrap_err().code
    }

    #[tokio::test]
    async fn a_body_is_the_same_whole_or_in_pieces() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        assert_eq!(*read(Body::from(bytes.clone())).await.unwrap(), bytes);
        let chunks = bytes.chunks(777).map(Bytes::copy_from_slice);
        assert_eq!(*read(pieces(chunks)).await.unwrap(), bytes);
        assert!(read(Body::empty()).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_bound_holds_with_and_without_an_announced_length() {
        let most = Bytes::from(vec![b' '; limits::REQUEST_BODY_BYTES]);
        let one = Bytes::from_static(b" ");
        assert_eq!(read(Body::from(most.clone())).await.unwrap().len(), most.len());
        assert_eq!(read(pieces([most.clone()])).await.unwrap().len(), most.len());
        assert_eq!(refusal(Body::from([most.as_ref(), &one].concat())).await, ErrorCode::RequestTooLarge);
        assert_eq!(refusal(pieces([most, one])).await, ErrorCode::RequestTooLarge);
    }

    #[tokio::test]
    async fn a_body_that_is_a_little_too_large_is_read_to_its_end() {
        let (sender, receiver) = mpsc::channel(1);
        let client = tokio::spawn(async move {
            let piece = Bytes::from(vec![b' '; 64 << 10]);
            for _ in 0..limits::DISCARDED_BODY_BYTES / piece.len() {
                sender.send(Ok::<_, io::Error>(piece.clone())).await.unwrap();
            }
        });
        let body = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
        assert_eq!(refusal(Body::from_stream(body)).await, ErrorCode::RequestTooLarge);
        client.await.unwrap();
    }

    #[tokio::test]
    async fn an_endless_body_is_cut_off() {
        let piece = Bytes::from(vec![b' '; 64 << 10]);
        let endless = stream::repeat_with(move || Ok::<_, io::Error>(piece.clone()));
        assert_eq!(refusal(Body::from_stream(endless)).await, ErrorCode::RequestTooLarge);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_answered() {
        let begun = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"{"))]);
        assert_eq!(refusal(Body::from_stream(begun.chain(stream::pending()))).await, ErrorCode::RequestTimeout);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused() {
        let begun = stream::iter([Ok(Bytes::from_static(b"{}")), Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
        assert_eq!(refusal(Body::from_stream(begun)).await, ErrorCode::Serialization);
    }
}
