//! Messages, and what goes with them: the player's steps that send and receive more than bytes.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use pocket_socket::{
    MSG_CTRUNC, MSG_TRUNC, Message, RecvAncillary, SendAncillary, Socket, recv_fds,
};

use crate::options;
use crate::player::{Said, Scenario};
use crate::words::{after, bytes, receiving, room_of, sending, show};

pub fn receive(s: &Socket, size: &str, room: &str, flags: &[&str]) -> io::Result<Message<Vec<u8>>> {
    let (size, room) = (size.parse().unwrap(), room_of(room));
    match flags {
        [] => s.recvmsg(size, room),
        flags => s.recvmsg_with(size, room, receiving(flags)),
    }
}

/// Into several buffers, whose bytes are then joined.
pub fn receive_into(
    s: &Socket,
    sizes: &str,
    room: &str,
    flags: &[&str],
) -> io::Result<Message<Vec<u8>>> {
    let mut data: Vec<_> = sizes
        .split(',')
        .map(|n| vec![0; n.parse().unwrap()])
        .collect();
    let mut buffers: Vec<_> = data.iter_mut().map(Vec::as_mut_slice).collect();
    let (n, ancdata, flags, address) = match flags {
        [] => s.recvmsg_into(&mut buffers, room_of(room))?,
        flags => s.recvmsg_into_with(&mut buffers, room_of(room), receiving(flags))?,
    };
    Ok((data.concat()[..n].to_vec(), ancdata, flags, address))
}

impl Scenario {
    pub fn send_message(&self, s: &Socket, data: &str, words: &[&str]) -> Said {
        let data: Vec<Vec<u8>> = data.split(',').map(bytes).collect();
        let buffers: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
        let passed: Vec<BorrowedFd<'_>> = after("fds:", words)
            .into_iter()
            .map(|name| Ok(self.socket(name)?.as_fd()))
            .collect::<io::Result<_>>()?;
        let rights = [SendAncillary::ScmRights(&passed)];
        let ancdata = if passed.is_empty() { &[] } else { &rights[..] };
        let flags: Vec<_> = words
            .iter()
            .filter(|word| word.starts_with("MSG_"))
            .copied()
            .collect();
        let sent = match (after("to:", words).first(), &flags[..]) {
            (Some(address), flags) => {
                s.sendmsg_to(&buffers, ancdata, sending(flags), self.address(address)?)?
            }
            (None, []) => s.sendmsg(&buffers, ancdata)?,
            (None, flags) => s.sendmsg_with(&buffers, ancdata, sending(flags))?,
        };
        Ok(sent.to_string())
    }

    /// What a message that was received says.
    pub fn message(
        &mut self,
        names: &[&str],
        (data, ancdata, flags, address): Message<Vec<u8>>,
    ) -> Said {
        let mut said = vec![show(&data)];
        for part in ancdata {
            match part {
                RecvAncillary::ScmRights(fds) => {
                    said.push(format!("{} fds", fds.len()));
                    for (name, fd) in names.iter().zip(fds) {
                        self.keep(name, Socket::from(fd), "")?;
                    }
                }
                RecvAncillary::ScmCredentials(sender) => {
                    said.push(format!("sent by {}", options::credentials(sender)));
                }
                other => said.push(format!("{other:?}")),
            }
        }
        for (flag, name) in [(MSG_CTRUNC, "MSG_CTRUNC"), (MSG_TRUNC, "MSG_TRUNC")] {
            if flags.contains(flag) {
                said.push(name.into());
            }
        }
        Ok(format!("{} from {}", said.join(" "), self.show(&address)))
    }

    pub fn receive_descriptors(&mut self, names: &[&str], s: &str, size: &str, max: &str) -> Said {
        let message = recv_fds(self.socket(s)?, size.parse().unwrap(), max.parse().unwrap())?;
        let mut said = format!("{} {} fds", show(&message.data), message.fds.len());
        for (flag, name) in [(MSG_CTRUNC, " MSG_CTRUNC"), (MSG_TRUNC, " MSG_TRUNC")] {
            if message.flags.contains(flag) {
                said += name;
            }
        }
        for (name, fd) in names.iter().zip(message.fds) {
            self.keep(name, Socket::from(fd), "")?;
        }
        Ok(format!("{said} from {}", self.show(&message.address)))
    }
}
