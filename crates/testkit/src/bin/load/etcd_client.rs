//! The two calls of etcd's KV service that are measured.
//!
//! Both messages that are sent are a key in field 1 and, for a put, a value in field 2; of what comes back only
//! whether a range found its key (field 2 of RangeResponse) matters. That is written and read here by hand.

use std::sync::Arc;

use bytes::{Buf, BufMut};
use http::uri::PathAndQuery;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Request, Status};

const PUT: PathAndQuery = PathAndQuery::from_static("/etcdserverpb.KV/Put");
const RANGE: PathAndQuery = PathAndQuery::from_static("/etcdserverpb.KV/Range");

/// Of the fields 1 and 2 of PutRequest and RangeRequest.
const KEY: u8 = 1;
const VALUE: u8 = 2;
/// The field of RangeResponse with the pairs that were found.
const KVS: u64 = 2;

/// A client of one member.
#[derive(Clone, Debug)]
pub(crate) struct EtcdClient {
    grpc: tonic::client::Grpc<Channel>,
}

impl EtcdClient {
    pub(crate) fn new(channel: Channel) -> Self {
        Self { grpc: tonic::client::Grpc::new(channel) }
    }

    /// Writes a key.
    pub(crate) async fn put(&mut self, key: String, value: Arc<str>) -> Result<(), Status> {
        self.call(PUT, KeyValue { key, value: Some(value) }).await.map(drop)
    }

    /// Reads a key, linearizably.
    pub(crate) async fn get(&mut self, key: String) -> Result<(), Status> {
        match self.call(RANGE, KeyValue { key, value: None }).await? {
            Reply { found: 1 } => Ok(()),
            Reply { found } => Err(Status::not_found(format!("{found} keys found"))),
        }
    }

    async fn call(&mut self, path: PathAndQuery, sent: KeyValue) -> Result<Reply, Status> {
        self.grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(self.grpc.unary(Request::new(sent), path, KvCodec).await?.into_inner())
    }
}

#[derive(Debug)]
struct KeyValue {
    key: String,
    value: Option<Arc<str>>,
}

#[derive(Debug, Default)]
struct Reply {
    found: usize,
}

#[derive(Clone, Copy, Debug)]
struct KvCodec;

impl Codec for KvCodec {
    type Encode = KeyValue;
    type Decode = Reply;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for KvCodec {
    type Item = KeyValue;
    type Error = Status;

    fn encode(&mut self, sent: KeyValue, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        put_field(buffer, KEY, sent.key.as_bytes());
        if let Some(value) = sent.value {
            put_field(buffer, VALUE, value.as_bytes());
        }
        Ok(())
    }
}

impl Decoder for KvCodec {
    type Item = Reply;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Reply>, Status> {
        let found = count_fields(buffer, KVS).ok_or_else(|| Status::data_loss("the reply is malformed"))?;
        Ok(Some(Reply { found }))
    }
}

fn put_field(buffer: &mut impl BufMut, number: u8, bytes: &[u8]) {
    buffer.put_u8(number << 3 | 2);
    let mut rest = bytes.len();
    while rest >= 0x80 {
        buffer.put_u8((rest & 0x7f | 0x80).to_le_bytes()[0]);
        rest >>= 7;
    }
    buffer.put_u8(rest.to_le_bytes()[0]);
    buffer.put_slice(bytes);
}

/// How often a field is in a message; `None` when it is not one.
fn count_fields(message: &mut impl Buf, number: u64) -> Option<usize> {
    let mut count = 0;
    while message.has_remaining() {
        let tag = varint(message)?;
        let skipped = match tag & 7 {
            0 => varint(message).map(|_| 0)?,
            1 => 8,
            2 => usize::try_from(varint(message)?).ok()?,
            5 => 4,
            _ => return None,
        };
        if skipped > message.remaining() {
            return None;
        }
        message.advance(skipped);
        count += usize::from(tag >> 3 == number);
    }
    Some(count)
}

fn varint(message: &mut impl Buf) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = message.try_get_u8().ok()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_counted() {
        let mut message = Vec::new();
        put_field(&mut message, 1, b"header");
        put_field(&mut message, 2, &[7; 300]);
        put_field(&mut message, 2, b"");
        message.extend([3 << 3, 0x96, 0x01]);
        assert_eq!(message[8..11], [2 << 3 | 2, 0xac, 0x02]);
        assert_eq!(count_fields(&mut message.as_slice(), 2), Some(2));
        assert_eq!(count_fields(&mut &message[..100], 2), None);
        assert_eq!(count_fields(&mut [0x80; 20].as_slice(), 2), None);
    }
}
