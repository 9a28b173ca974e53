//! The eight calls, as Python's socket module names them
