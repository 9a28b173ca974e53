//! Addresses: what the table's words mean, and how an address is written.

use std::io;
use std::path::{Path, PathBuf};

use pocket_socket::{Address, AddressFamily, ToAddress, getaddrinfo};

use crate::player::{Said, Scenario};

impl Scenario {
    pub fn address(&self, word: &str) -> io::Result<Place> {
        if let Some(name) = word.strip_prefix('@') {
            return Ok(Place::Address(self.socket(name)?.getsockname()?));
        }
        let path = if let Some(name) = word.strip_prefix("abstract:") {
            PathBuf::from(format!("\0{}{name}", ours()))
        } else if word == "autobind" {
            PathBuf::new()
        } else if word.starts_with("dir/") || word.starts_with("long:") {
            self.path(word)
        } else {
            let (host, port) = word.rsplit_once(':').unwrap();
            let host = host.trim_start_matches('[').trim_end_matches(']');
            return Ok(Place::Host(host.into(), port.parse().unwrap()));
        };
        Ok(Place::Address(Address::from(path)))
    }

    pub fn path(&self, word: &str) -> PathBuf {
        let folder = self.folder.path().to_str().unwrap();
        match word.strip_prefix("long:") {
            Some(length) => {
                let length: usize = length.parse().unwrap();
                format!("{folder}/{}", "x".repeat(length - folder.len() - 1)).into()
            }
            None => format!("{folder}{}", &word[3..]).into(),
        }
    }

    pub fn show(&self, address: &Address) -> String {
        match address {
            Address::Ip(ip) if ip.port() == 0 => ip.to_string(),
            Address::Ip(ip) => {
                format!("{}:PORT", ip.to_string().rsplit_once(':').unwrap().0)
            }
            Address::Path(path) => {
                let rest = path.strip_prefix(self.folder.path()).unwrap();
                Path::new("dir").join(rest).display().to_string()
            }
            Address::Abstract(name) => match str::from_utf8(name).unwrap().strip_prefix(&ours()) {
                Some(name) => format!("abstract:{name}"),
                None => "abstract:(chosen)".into(),
            },
            _ => "unnamed".into(),
        }
    }
}

/// Host and port as Python takes them, or an address that the system has given.
pub enum Place {
    Host(String, u16),
    Address(Address),
}

impl ToAddress for Place {
    fn to_sockaddr(
        &self,
        family: &dyn Fn() -> io::Result<AddressFamily>,
    ) -> io::Result<socket2::SockAddr> {
        match self {
            Place::Host(host, port) => (host.as_str(), *port).to_sockaddr(family),
            Place::Address(address) => address.to_sockaddr(family),
        }
    }
}

/// What this process's abstract names start with.
fn ours() -> String {
    format!("pocket-{}-", std::process::id())
}

pub fn addresses(host: &str, port: u16) -> Said {
    let infos = getaddrinfo(host, port)?;
    let words = infos.iter().map(|info| {
        let (ip, port) = (info.address.ip().unwrap(), info.address.port().unwrap());
        format!("{} {ip} {port}", info.family)
    });
    Ok(words.collect::<Vec<_>>().join(" "))
}
