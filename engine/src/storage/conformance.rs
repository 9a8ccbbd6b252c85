//! What a store must promise, as checks that run on any stack.
