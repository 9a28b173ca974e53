//! Descriptors that are sent, and the folder that they are opened in.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::symlink;
use std::path::Path;

use pocket_socket::{AF_UNIX, SOCK_STREAM, send_fds, socketpair};
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

use crate::Situation;
use crate::connecting::unprivileged;
use crate::wrong_calls::with_few_descriptors;

pub const SITUATIONS: &[Situation] = &[
    Situation {
        entry: "EXDEV",
        text: "`openat2` with `RESOLVE_BENEATH` and a path that leads out of its folder",
        happens: |folder| {
            symlink("/etc/passwd", folder.join("link")).unwrap();
            let inside = File::open(folder).unwrap();
            let (flags, beneath) = (OFlags::RDONLY, ResolveFlags::BENEATH);
            let open = |path| openat2(&inside, path, flags, Mode::empty(), beneath).unwrap_err();
            let errors = ["..", "/etc/passwd", "link"].map(open);
            assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
            errors[0].into()
        },
    },
    Situation {
        entry: "EINVAL",
        text: "`sendmsg` with more than 253 descriptors",
        happens: |_| {
            let (a, _b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
            send_fds(&a, &[b"x"], &[a.as_fd(); 253]).unwrap();
            send_fds(&a, &[b"x"], &[a.as_fd(); 254]).unwrap_err()
        },
    },
    Situation {
        entry: "ETOOMANYREFS",
        text: "`sendmsg` with a descriptor when more of them are on their way than `ulimit -n` says",
        happens: too_many_on_their_way,
    },
];

fn too_many_on_their_way(_: &Path) -> io::Error {
    let (a, _b) = socketpair(AF_UNIX, SOCK_STREAM).unwrap();
    with_few_descriptors(|| {
        unprivileged(|| {
            loop {
                if let Err(error) = send_fds(&a, &[b"x"], &[a.as_fd()]) {
                    break error;
                }
            }
        })
    })
}
