//! Certificates and keys from PEM files, for `tcp-server` and `tcp-client` with their feature `tls`.
//!
//! How the certificates are used is decided there. Both programs report errors in the same way: one
//! line that names the file and says what is wrong with it and what to do.

#![warn(missing_docs)]

use std::fmt;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A PEM file with certificates or a private key, and the command-line option that named it, for
/// error messages.
#[derive(Debug, Clone)]
pub struct PemFile {
    path: PathBuf,
    option: &'static str,
}

impl PemFile {
    /// Creates it from the file's path and the option that named the file, such as `--tls-cert`.
    /// Nothing is read yet.
    pub fn new(path: impl Into<PathBuf>, option: &'static str) -> Self {
        let path = path.into();
        Self { path, option }
    }

    /// Returns the file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads all certificates in the file, in their order. In the file that identifies a program,
    /// its own certificate comes first, then those of the intermediate authorities, up to an
    /// authority that the peer trusts.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not PEM, or contains no certificate.
    pub fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, PemError> {
        let certificates = CertificateDer::pem_file_iter(&self.path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| self.unread(&error, CERTIFICATE))?;
        match certificates.is_empty() {
            true => Err(self.unread(&pem::Error::NoItemsFound, CERTIFICATE)),
            false => Ok(certificates),
        }
    }

    /// Reads the first private key in the file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not PEM, or contains no unencrypted private key.
    pub fn private_key(&self) -> Result<PrivateKeyDer<'static>, PemError> {
        PrivateKeyDer::from_pem_file(&self.path).map_err(|error| self.unread(&error, KEY))
    }

    /// Reads the certificates in the file as those of authorities to be trusted: a peer is trusted
    /// if its certificate chains to one of them.
    ///
    /// # Errors
    ///
    /// Those of [`certificates`](Self::certificates), and an error if the content of one of them is
    /// not a certificate.
    pub fn authorities(&self) -> Result<RootCertStore, PemError> {
        let mut store = RootCertStore::empty();
        for certificate in self.certificates()? {
            store.add(certificate).map_err(|error| self.unfit(&error))?;
        }
        Ok(store)
    }

    /// Returns the error to report if this file's content cannot be used because of `error`.
    pub fn unfit(&self, error: &impl fmt::Display) -> PemError {
        let Self { path, option } = self;
        let path = path.display();
        PemError(format!("{path} cannot be used with {option}: {error}"))
    }

    /// Returns the error to report if the certificate in this file and the private key in the file
    /// `key` cannot be used together because of `error`.
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
                "{path} contains no {what}; use {option} to name a PEM file in which it begins with \
                 {begins}"
            ),
            other => format!(
                "{path} is not a complete PEM file: {other}; name another file with {option}, in which a \
                 {what} begins with {begins}"
            ),
        })
    }
}

/// What a file should contain.
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

/// The reason why a PEM file cannot be used: one line that names the file and says what is wrong
/// with it and what to do.
#[derive(Debug)]
pub struct PemError(String);

impl fmt::Display for PemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PemError {}
