//! What is true of Unix sockets alone.
