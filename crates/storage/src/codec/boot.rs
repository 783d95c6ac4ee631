//! The boots of data directories.

use bytes::Bytes;
use state::{Boot, Boots, DataId, MarkReverted, NodeBoot, RegisterBoot};
use types::NodeId;

use super::DecodeError;
use super::common::array;
use crate::schema as pb;

fn data_to(data: DataId) -> Bytes {
    Bytes::copy_from_slice(&data.0)
}

impl From<&RegisterBoot> for pb::RegisterBoot {
    fn from(register: &RegisterBoot) -> Self {
        Self {
            node: register.node.0,
            data: data_to(register.data),
            first: register.boots.first().counter,
            nonces: register.boots.nonces().to_vec(),
        }
    }
}

impl TryFrom<pb::RegisterBoot> for RegisterBoot {
    type Error = DecodeError;

    fn try_from(register: pb::RegisterBoot) -> Result<Self, DecodeError> {
        Ok(Self {
            node: NodeId(register.node),
            data: array("RegisterBoot.data", &register.data).map(DataId)?,
            boots: Boots::new(register.first, register.nonces).ok_or(DecodeError::Invalid("RegisterBoot.nonces"))?,
        })
    }
}

impl From<MarkReverted> for pb::MarkReverted {
    fn from(mark: MarkReverted) -> Self {
        Self { node: mark.node.0, data: data_to(mark.data) }
    }
}

impl TryFrom<pb::MarkReverted> for MarkReverted {
    type Error = DecodeError;

    fn try_from(mark: pb::MarkReverted) -> Result<Self, DecodeError> {
        Ok(Self { node: NodeId(mark.node), data: array("MarkReverted.data", &mark.data).map(DataId)? })
    }
}

impl From<&NodeBoot> for pb::NodeBoot {
    fn from(boot: &NodeBoot) -> Self {
        Self {
            node: boot.node.0,
            data: data_to(boot.data),
            counter: boot.boot.counter,
            nonce: boot.boot.nonce,
            reverted: boot.reverted,
        }
    }
}

impl TryFrom<pb::NodeBoot> for NodeBoot {
    type Error = DecodeError;

    fn try_from(boot: pb::NodeBoot) -> Result<Self, DecodeError> {
        Ok(Self {
            node: NodeId(boot.node),
            data: array("NodeBoot.data", &boot.data).map(DataId)?,
            boot: Boot { counter: boot.counter, nonce: boot.nonce },
            reverted: boot.reverted,
        })
    }
}
