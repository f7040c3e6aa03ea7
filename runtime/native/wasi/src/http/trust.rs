//! Whom TLS believes.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// A client's configuration with these roots alone, as PEM. Certificates that cannot be read are passed over, as everywhere:
/// a system's bundle has some that are older than the rules.
pub fn trust(roots: &[u8]) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(CertificateDer::pem_slice_iter(roots).filter_map(std::result::Result::ok));
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let mut config = builder.with_safe_default_protocol_versions()?.with_root_certificates(store).with_no_client_auth();
    // Functions of a tenant share this: what one talked to is not told to the next.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}
