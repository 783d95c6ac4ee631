//! Nothing: the tests of whole clusters are in `it/`, what they are made of is in the crate `testkit`.
