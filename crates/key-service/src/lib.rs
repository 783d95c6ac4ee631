//! key-service
