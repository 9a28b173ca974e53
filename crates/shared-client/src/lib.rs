//! Calls a server, one request or many, within a deadline
