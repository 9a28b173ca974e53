//! `close` returns the error that `Drop` would lose. Alone in its program: it closes a descriptor
//! behind the socket's back, and another test's thread could be given the number in between.
#![cfg(unix)]

use pocket_socket::{AF_UNIX, SOCK_STREAM, socketpair};

#[test]
fn close_tells_that_the_descriptor_was_gone() {
    let (a, b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    nix::unistd::close(a.fileno()).unwrap();
    let error = a.close().unwrap_err();
    assert_eq!(error.raw_os_error(), Some(nix::libc::EBADF));
    b.close().unwrap();
}
