//! The promises about permissions: the socket's, its lock's and its folder's.

use crate::pair::server::Start;
use scripted_peer::needs;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
#[cfg(target_os = "linux")]
use {crate::pair::limits::served, crate::transport::Place};

pub fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn the_socket_has_mode_0600_whatever_the_umask() {
    for umask in ["umask 0", "umask 077", "umask 0277", "umask 0777"] {
        let server = Start::new(&[]).after(umask).run();
        assert_eq!(mode(&server.place().path()), 0o600, "{umask}");
        // Else the next start could not open it.
        let lock = server.place().folder().join("server.sock.lock");
        assert_eq!(mode(&lock), 0o600, "{umask}");
    }
}

/// A folder with a default ACL (`acl(5)`): what the owner, the group and others of a file that is
/// made in it may have at most.
#[cfg(target_os = "linux")]
fn place_with_default_acl(permissions: [u16; 3]) -> Option<Place> {
    use rustix::fs::{XattrFlags, setxattr};
    // As Linux keeps it: version 2, then tag, permissions and no id for each of the three.
    let mut acl = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions) in [0x01_u16, 0x04, 0x20].into_iter().zip(permissions) {
        acl.extend([tag.to_le_bytes(), permissions.to_le_bytes()].concat());
        acl.extend(u32::MAX.to_le_bytes());
    }
    let place = Place::new();
    let name = "system.posix_acl_default";
    match setxattr(place.folder(), name, &acl, XattrFlags::empty()) {
        Ok(()) => Some(place),
        Err(error) => {
            needs::skip(&format!(
                "the temporary folder takes no default ACL: {error}"
            ));
            None
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_default_acl_neither_takes_from_the_mode_nor_adds_to_it() {
    // With such an ACL, the umask counts for nothing but the socket.
    for permissions in [[4, 0, 0], [7, 7, 7], [0, 0, 0]] {
        let Some(place) = place_with_default_acl(permissions) else {
            return;
        };
        let server = Start::new(&["--mode", "0660"])
            .at(&place, &place.address())
            .run();
        assert_eq!(mode(&place.path()), 0o660);
        assert_eq!(mode(&place.folder().join("server.sock.lock")), 0o600);
        served(&server);
        let folder = place.folder().to_str().unwrap();
        let setting = format!("unset XDG_RUNTIME_DIR; export TMPDIR='{folder}'");
        let server = Start::new(&[]).after(&setting).at_default(&place).run();
        let path = Path::new(&server.address);
        assert_eq!(mode(path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }
}

#[test]
fn the_mode_may_be_chosen() {
    for (chosen, expected) in [("0666", 0o666), ("660", 0o660), ("0600", 0o600)] {
        let server = Start::new(&["--mode", chosen]).after("umask 022").run();
        assert_eq!(mode(&server.place().path()), expected);
    }
    let told = Start::new(&["--mode", "0999"]).refused();
    assert!(told.contains("--mode"), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_socket_has_its_mode_from_the_first_moment_that_it_can_be_seen() {
    use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
    use std::mem::MaybeUninit;

    let place = Place::new();
    let watch = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
    let interest = WatchFlags::CREATE | WatchFlags::ATTRIB;
    add_watch(&watch, place.folder(), interest).unwrap();

    let start = Start::new(&[]).after("umask 0");
    let server = start.at(&place, &place.address()).run();
    assert_eq!(mode(&place.path()), 0o600);

    // As it is 0600 now, and nobody has changed it since it was made, it was made so.
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = Reader::new(&watch, &mut buffer);
    let mut seen = Vec::new();
    while let Ok(event) = events.next() {
        if event.file_name() == Some(c"server.sock") {
            seen.push(event.events());
        }
    }
    assert_eq!(seen, [ReadFlags::CREATE], "made, and never changed");
    drop(server);
}
