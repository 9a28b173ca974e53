//! A server's readiness loop, limits, deadlines and draining, for any stream socket
