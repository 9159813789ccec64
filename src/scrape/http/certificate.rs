//! Why no secure connection came about, in words: the library's are those of its own types.

use std::error::Error;

use rustls::{AlertDescription, CertificateError, Error as Tls, PeerIncompatible};

/// What is wrong with TLS anywhere in a chain of causes, and what to do; `None` where something else is, or words are lacking.
pub fn in_words(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if let Some(tls) = inner.downcast_ref::<Tls>().or_else(|| inside(inner)) {
            return words(tls);
        }
        cause = inner.source();
    }
    None
}

/// What an input or output error wraps is none of its causes.
fn inside<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Tls> {
    let mut wrapped = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    while let Some(inner) = wrapped.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        wrapped = inner;
    }
    wrapped.downcast_ref::<Tls>()
}

fn words(error: &Tls) -> Option<String> {
    use CertificateError as C;
    use PeerIncompatible as P;
    let text = match error {
        Tls::InvalidCertificate(C::UnknownIssuer) => {
            "its certificate is signed by an authority that is not trusted here; name that authority's certificate as ca_file"
        }
        Tls::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. }) => {
            "its certificate is for other names than that of the host in the address"
        }
        Tls::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => "its certificate has expired",
        Tls::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => {
            "its certificate is not valid yet; look at the clocks of both machines"
        }
        Tls::InvalidCertificate(C::Revoked) => "its certificate was revoked",
        Tls::InvalidCertificate(C::BadSignature) => "the signature of its certificate is wrong",
        Tls::InvalidMessage(_) => "it does not speak TLS; is its address http:// and not https://?",
        Tls::AlertReceived(AlertDescription::CertificateRequired) => "it asks for a client's certificate",
        Tls::AlertReceived(AlertDescription::UnknownCA | AlertDescription::BadCertificate) => {
            "it does not accept the client's certificate"
        }
        Tls::AlertReceived(AlertDescription::ProtocolVersion)
        | Tls::PeerIncompatible(
            P::ServerDoesNotSupportTls12Or13 | P::ServerTlsVersionIsDisabledByOurConfig,
        ) => "it speaks no version of TLS that is safe: 1.2 or 1.3 is needed",
        Tls::AlertReceived(AlertDescription::HandshakeFailure) | Tls::PeerIncompatible(_) => {
            "it offers no way of encrypting that is safe, or asks for a client's certificate that it was not given"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_is_wrong_is_found_however_deep_and_has_words_of_its_own() {
        let tls = || Tls::InvalidCertificate(CertificateError::UnknownIssuer);
        let wrapped = || io::Error::new(io::ErrorKind::InvalidData, tls());
        let deep = io::Error::other(wrapped());
        for error in [&tls() as &(dyn Error + 'static), &wrapped(), &deep] {
            let text = in_words(error).unwrap();
            assert!(text.contains("not trusted here") && text.contains("ca_file"), "{text}");
        }
        let ciphers = in_words(&Tls::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon)).unwrap();
        assert!(!ciphers.contains("no version of TLS"), "{ciphers}");
        let old = in_words(&Tls::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13)).unwrap();
        assert!(old.contains("no version of TLS"), "{old}");
        assert_eq!(in_words(&io::Error::other("refused")), None);
        assert_eq!(in_words(&Tls::HandshakeNotComplete), None, "the library's own words are left");
    }
}
