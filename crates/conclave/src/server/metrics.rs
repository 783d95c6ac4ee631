//! `/metrics`, in the text format of Prometheus: what there is to know of the keys of a node.

use key_service::memory::{self, MemoryStatus};

/// The metrics of a node that is sealed, or is not.
pub(super) fn text(is_sealed: bool) -> String {
    let MemoryStatus { locked_bytes, unlocked_bytes, .. } = memory::status();
    let sealed = u8::from(is_sealed);
    format!(
        "# HELP conclave_sealed Whether the node waits to be unsealed.\n\
         # TYPE conclave_sealed gauge\n\
         conclave_sealed {sealed}\n\
         # HELP conclave_key_memory_locked_bytes Pages that hold keys and cannot be swapped out.\n\
         # TYPE conclave_key_memory_locked_bytes gauge\n\
         conclave_key_memory_locked_bytes {locked_bytes}\n\
         # HELP conclave_key_memory_unlocked_bytes Pages that hold keys and that the system refused to lock.\n\
         # TYPE conclave_key_memory_unlocked_bytes gauge\n\
         conclave_key_memory_unlocked_bytes {unlocked_bytes}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_node_says_so() {
        assert!(text(true).contains("\nconclave_sealed 1\n"));
        assert!(text(false).contains("\nconclave_sealed 0\n"));
    }
}
