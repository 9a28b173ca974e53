//! Flags for one send or one receive.

use std::fmt;
use std::marker::PhantomData;
use std::ops::BitOr;

#[cfg(unix)]
use nix::libc;

/// Winsock's numbers, under the names that the C library of other systems uses.
#[cfg(windows)]
mod libc {
    pub(super) const MSG_OOB: i32 = 0x1;
    pub(super) const MSG_PEEK: i32 = 0x2;
    pub(super) const MSG_WAITALL: i32 = 0x8;
}

/// Marks [flags](MsgFlag) that only a send accepts.
#[derive(Clone, Copy, Debug)]
pub struct Sending;
/// Marks [flags](MsgFlag) that only a receive accepts.
#[derive(Clone, Copy, Debug)]
pub struct Receiving;
/// Marks [flags](MsgFlag) that both a send and a receive accept.
#[derive(Clone, Copy, Debug)]
pub struct EitherWay;
/// Marks [flags](MsgFlag) that the system returns with a received message.
#[derive(Clone, Copy, Debug)]
pub struct Received;

/// Flags for one direction or both. Python: `socket.MsgFlag`; see `send(2)`, `recv(2)`.
///
/// `|` combines them. A flag for the wrong direction doesn't compile:
///
/// ```compile_fail,E0277
/// # use pocket_socket::{MSG_PEEK, create_connection};
/// # fn f(s: pocket_socket::Socket) {
/// s.send_with(b"hello", MSG_PEEK);
/// # }
/// ```
///
/// # Examples
///
/// ```
/// # #[cfg(unix)] {
/// use pocket_socket::{MSG_DONTWAIT, MSG_PEEK};
/// let flags = MSG_PEEK | MSG_DONTWAIT;
/// assert_eq!(flags.bits(), MSG_PEEK.bits() | MSG_DONTWAIT.bits());
/// # }
/// ```
pub struct MsgFlag<Way> {
    bits: i32,
    way: PhantomData<Way>,
}

impl<Way> MsgFlag<Way> {
    pub(crate) const fn new(bits: i32) -> MsgFlag<Way> {
        MsgFlag {
            bits,
            way: PhantomData,
        }
    }

    /// Returns the system's number for these flags. Python: `int(socket.MSG_PEEK)`.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(pocket_socket::MSG_PEEK.bits(), 2); // on every system
    /// ```
    pub const fn bits(self) -> i32 {
        self.bits
    }

    /// Returns whether every flag in `flags` is set in `self`. Python: `flags & socket.MSG_CTRUNC`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use pocket_socket::{MSG_OOB, MSG_DONTWAIT};
    /// assert!((MSG_OOB | MSG_DONTWAIT).contains(MSG_OOB));
    /// # }
    /// ```
    pub const fn contains(self, flags: MsgFlag<Way>) -> bool {
        self.bits & flags.bits == flags.bits
    }
}

impl MsgFlag<EitherWay> {
    /// Returns an empty set of flags. Python: 0.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(pocket_socket::MsgFlag::none().bits(), 0);
    /// ```
    pub const fn none() -> MsgFlag<EitherWay> {
        MsgFlag::new(0)
    }
}

pub(crate) const NONE_FOR_RECEIVING: MsgFlag<Receiving> = MsgFlag::new(0);

/// The flags that every send has. `MSG_NOSIGNAL` makes a send to a peer that has gone fail with
/// `EPIPE` instead of raising `SIGPIPE`. macOS has a socket option for that instead, and Windows
/// has no signals.
pub(crate) const DEFAULT_FOR_SENDING: MsgFlag<Sending> = {
    #[cfg(all(unix, not(target_vendor = "apple")))]
    let flags = MSG_NOSIGNAL;
    #[cfg(not(all(unix, not(target_vendor = "apple"))))]
    let flags = MsgFlag::new(0);
    flags
};

/// Receives the bytes without removing them from the queue, so the next receive returns them again.
pub const MSG_PEEK: MsgFlag<Receiving> = MsgFlag::new(libc::MSG_PEEK);
/// Waits until the buffer is full, the stream ends, or a signal arrives. This flag has no effect on
/// a socket with a [timeout](crate::Socket::settimeout), as in Python.
pub const MSG_WAITALL: MsgFlag<Receiving> = MsgFlag::new(libc::MSG_WAITALL);
/// Sends or receives TCP's urgent byte, which travels outside the stream of bytes; see `tcp(7)`.
pub const MSG_OOB: MsgFlag<EitherWay> = MsgFlag::new(libc::MSG_OOB);
/// Makes this one call non-blocking: it fails with `EAGAIN` instead of waiting. This flag has no
/// effect on a socket with a [timeout](crate::Socket::settimeout), as in Python.
#[cfg(unix)]
pub const MSG_DONTWAIT: MsgFlag<EitherWay> = MsgFlag::new(libc::MSG_DONTWAIT);
/// Makes a send fail with `EPIPE`, without the signal `SIGPIPE`, if the peer has gone. Every send
/// in this crate sets this flag.
#[cfg(all(unix, not(target_vendor = "apple")))]
pub const MSG_NOSIGNAL: MsgFlag<Sending> = MsgFlag::new(libc::MSG_NOSIGNAL);
/// Tells the system that more bytes will follow, so that it holds back a packet that isn't full.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub const MSG_MORE: MsgFlag<Sending> = MsgFlag::new(libc::MSG_MORE);
/// Marks the end of a record (`SOCK_SEQPACKET`).
#[cfg(unix)]
pub const MSG_EOR: MsgFlag<Sending> = MsgFlag::new(libc::MSG_EOR);
/// Set by a receive: the datagram was longer than the buffer, and the rest of it is lost.
#[cfg(unix)]
pub const MSG_TRUNC: MsgFlag<Received> = MsgFlag::new(libc::MSG_TRUNC);
/// Set by a receive: more ancillary data arrived than fit into its buffer. The system has closed
/// the descriptors that didn't fit.
#[cfg(unix)]
pub const MSG_CTRUNC: MsgFlag<Received> = MsgFlag::new(libc::MSG_CTRUNC);

impl<Way> BitOr for MsgFlag<Way> {
    type Output = MsgFlag<Way>;

    fn bitor(self, other: MsgFlag<Way>) -> MsgFlag<Way> {
        MsgFlag::new(self.bits | other.bits)
    }
}

macro_rules! either_way_is_also {
    ($($way:ident)*) => {$(
        impl From<MsgFlag<EitherWay>> for MsgFlag<$way> {
            fn from(flags: MsgFlag<EitherWay>) -> MsgFlag<$way> {
                MsgFlag::new(flags.bits)
            }
        }

        impl BitOr<MsgFlag<EitherWay>> for MsgFlag<$way> {
            type Output = MsgFlag<$way>;

            fn bitor(self, other: MsgFlag<EitherWay>) -> MsgFlag<$way> {
                MsgFlag::new(self.bits | other.bits)
            }
        }

        impl BitOr<MsgFlag<$way>> for MsgFlag<EitherWay> {
            type Output = MsgFlag<$way>;

            fn bitor(self, other: MsgFlag<$way>) -> MsgFlag<$way> {
                MsgFlag::new(self.bits | other.bits)
            }
        }
    )*};
}

either_way_is_also! { Sending Receiving }

// Derived implementations would require the same traits of `Way`, which has none of them.
impl<Way> Clone for MsgFlag<Way> {
    fn clone(&self) -> MsgFlag<Way> {
        *self
    }
}

impl<Way> Copy for MsgFlag<Way> {}

impl<Way> PartialEq for MsgFlag<Way> {
    fn eq(&self, other: &MsgFlag<Way>) -> bool {
        self.bits == other.bits
    }
}

impl<Way> Eq for MsgFlag<Way> {}

impl<Way> fmt::Debug for MsgFlag<Way> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MsgFlag({:#x})", self.bits)
    }
}
