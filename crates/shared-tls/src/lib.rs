//! Certificates and keys from PEM files, for `tcp-server` and `tcp-client` with their feature `tls`.
//!
//! Each of the two decides how to use them. They report errors the same way: anything wrong with a
//! file is one line that says what, where, and what to do.

#![warn(missing_docs)]

use std::fmt;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A file of certificates or keys, and the option that names it.
#[derive(Debug, Clone)]
pub struct PemFile {
    path: PathBuf,
    option: &'static str,
}

impl PemFile {
    /// The file that was given with this option, such as `--tls-cert`.
    pub fn new(path: impl Into<PathBuf>, option: &'static str) -> Self {
        let path = path.into();
        Self { path, option }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All certificates in it, in their order: the program's own first, then those of the
    /// authorities between it and one that the peer trusts.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not PEM, or holds no certificate.
    pub fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, PemError> {
        let certificates = CertificateDer::pem_file_iter(&self.path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| self.unread(&error, CERTIFICATE))?;
        match certificates.is_empty() {
            true => Err(self.unread(&pem::Error::NoItemsFound, CERTIFICATE)),
            false => Ok(certificates),
        }
    }

    /// The first private key in it.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not PEM, or holds no unencrypted key.
    pub fn private_key(&self) -> Result<PrivateKeyDer<'static>, PemError> {
        PrivateKeyDer::from_pem_file(&self.path).map_err(|error| self.unread(&error, KEY))
    }

    /// The authorities whose certificates are in it: peers that they vouch for are trusted.
    ///
    /// # Errors
    ///
    /// As [`certificates`](Self::certificates), and if the content of one is not a certificate.
    pub fn authorities(&self) -> Result<RootCertStore, PemError> {
        let mut store = RootCertStore::empty();
        for certificate in self.certificates()? {
            store.add(certificate).map_err(|error| self.unfit(&error))?;
        }
        Ok(store)
    }

    /// Returns the error for a file whose content cannot be used.
    pub fn unfit(&self, error: &impl fmt::Display) -> PemError {
        let Self { path, option } = self;
        let path = path.display();
        PemError(format!("{path} cannot be used with {option}: {error}"))
    }

    /// Why the certificate in this file and the key in that one cannot be used together.
    #[must_use]
    pub fn unfit_with(&self, key: &PemFile, error: &rustls::Error) -> PemError {
        if !matches!(error, rustls::Error::InconsistentKeys(_)) {
            return match error {
                rustls::Error::General(_) => key.unfit(error),
                _ => self.unfit(error),
            };
        }
        let (cert, key) = (self, key);
        PemError(format!(
            "the key in {} does not belong to the first certificate in {}; name that \
             certificate's key with {}",
            key.path.display(),
            cert.path.display(),
            key.option,
        ))
    }

    fn unread(&self, error: &pem::Error, wanted: Wanted) -> PemError {
        let Self { path, option } = self;
        let path = path.display();
        let Wanted { what, begins } = wanted;
        PemError(match error {
            pem::Error::Io(error) => {
                format!(
                    "cannot read the {what} in {path}: {error}; name another file with {option}"
                )
            }
            pem::Error::NoItemsFound => format!(
                "{path} holds no {what}; name a PEM file with {option}, in which one begins with \
                 {begins}"
            ),
            other => format!(
                "{path} is not a complete PEM file: {other}; name another file with {option}, in which a \
                 {what} begins with {begins}"
            ),
        })
    }
}

/// What to look for in a file.
#[derive(Clone, Copy)]
struct Wanted {
    what: &'static str,
    begins: &'static str,
}

const CERTIFICATE: Wanted = Wanted {
    what: "certificate",
    begins: "-----BEGIN CERTIFICATE-----",
};

const KEY: Wanted = Wanted {
    what: "private key that is not encrypted",
    begins: "-----BEGIN PRIVATE KEY-----",
};

/// What is wrong with a file, where, and what to do, in one line.
#[derive(Debug)]
pub struct PemError(String);

impl fmt::Display for PemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PemError {}
