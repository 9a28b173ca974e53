//! A client's identity, from its certificate.

use std::fmt;

use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

/// A client's address and, if it has shown a valid certificate, the names in it and its SHA-256
/// fingerprint: `tls 127.0.0.1:40000 name=worker.test sha256=93ab…`.
pub(super) struct TlsPeer<'a, A> {
    address: A,
    certificate: Option<&'a CertificateDer<'a>>,
}

impl<'a, A> TlsPeer<'a, A> {
    pub(super) fn new(address: A, certificates: Option<&'a [CertificateDer<'a>]>) -> Self {
        Self {
            address,
            certificate: certificates.and_then(<[_]>::first),
        }
    }
}

impl<A: fmt::Display> fmt::Display for TlsPeer<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tls {}", self.address)?;
        let Some(certificate) = self.certificate else {
            return Ok(());
        };
        if let Ok(entity) = EndEntityCert::try_from(certificate) {
            for (at, name) in entity.valid_dns_names().enumerate() {
                write!(f, "{}{name}", if at == 0 { " name=" } else { "," })?;
            }
        }
        f.write_str(" sha256=")?;
        for byte in fingerprint(certificate).as_ref() {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// SHA-256 of the whole certificate, which distinguishes it from all others.
fn fingerprint(certificate: &[u8]) -> impl AsRef<[u8]> {
    let rustls::SupportedCipherSuite::Tls13(suite) = TLS13_AES_128_GCM_SHA256 else {
        unreachable!("a suite of TLS 1.3")
    };
    suite.common.hash_provider.hash(certificate)
}
