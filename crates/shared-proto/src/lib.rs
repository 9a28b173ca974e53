//! The wire format: preamble, frames, requests and responses, and a blocking connection
