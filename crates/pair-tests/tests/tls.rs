//! The pair over TLS: `tcp-client` and `tcp-server` with their feature `tls`, as a user meets them, and
//! as somebody does who means ill.

#![cfg(unix)] // signals; the programs themselves run elsewhere too

/// The tests, by what they are about.
mod tls {
    mod client;
    mod ends;
    mod figures;
    mod handshake;
    mod harness;
    mod hostile;
    mod load;
    mod others;
    mod starting;
    mod wire;
}
