//! Certificates: who has signed them, for what, for how long. From the certificate that stamped to one that
//! is trusted. Nothing is trusted but what is handed in as trusted; revocation is not asked for.

use super::parts::{Broken, Parts};
use super::signature::{Algorithm, is_signed};
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode, Tag};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");

/// No chain is longer, the first and the last certificate included.
const LONGEST: usize = 8;
/// A certificate and the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    pub(super) certificate: Certificate,
}

impl Held {
    /// Reads a certificate.
    pub(super) fn parse(bytes: &[u8]) -> Result<Held, Broken> {
        Ok(Held { bytes: bytes.to_vec(), certificate: Certificate::from_der(bytes)? })
    }

    pub(super) fn key(&self) -> &SubjectPublicKeyInfoOwned {
        self.certificate.tbs_certificate().subject_public_key_info()
    }

    /// Issuer and number, as others name it.
    pub(super) fn issuer_and_number(&self) -> Result<(Vec<u8>, &[u8]), Broken> {
        let inside = self.certificate.tbs_certificate();
        Ok((inside.issuer().to_der()?, inside.serial_number().as_bytes()))
    }

    fn is_issued_by(&self, issuer: &Held) -> bool {
        let inside = self.certificate.tbs_certificate();
        if inside.issuer() != issuer.certificate.tbs_certificate().subject() {
            return false;
        }
        let (Some(bits), Ok(signed)) = (self.certificate.signature().as_bytes(), self.signed_part()) else {
            return false;
        };
        let named = self.certificate.signature_algorithm();
        let algorithm = named.to_der().map_err(Broken::from).and_then(|named| Algorithm::parse(&named));
        let Ok(algorithm) = algorithm else { return false };
        named == inside.signature() && is_signed(issuer.key(), algorithm, None, signed, bits).is_ok()
    }

    /// The bytes that its issuer has signed.
    fn signed_part(&self) -> Result<&[u8], Broken> {
        Ok(Parts::sequence(&self.bytes)?.whole()?.1)
    }

    /// Was it valid at this time (seconds since 1970)?
    fn is_valid_at(&self, at: u64) -> bool {
        let validity = self.certificate.tbs_certificate().validity();
        let (from, to) = (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration());
        (from.as_secs()..=to.as_secs()).contains(&at)
    }

    /// Does it ask for nothing that is not understood here?
    fn is_understood(&self) -> bool {
        let known = [KEY_USAGE, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE];
        let mut asked = self.certificate.tbs_certificate().extensions().into_iter().flatten();
        asked.all(|asked| !asked.critical || known.contains(&asked.extn_id))
    }

    /// May it stand above so many certificates of others?
    fn may_issue(&self, below: usize) -> bool {
        let inside = self.certificate.tbs_certificate();
        let limits = inside.get_extension::<BasicConstraints>();
        let usage = inside.get_extension::<KeyUsage>();
        let (Ok(Some((_, limits))), Ok(usage)) = (limits, usage) else { return false };
        limits.ca
            && limits.path_len_constraint.is_none_or(|most| below <= usize::from(most))
            && usage.is_none_or(|(_, usage)| usage.key_cert_sign())
    }

    /// May it stamp, and do nothing else?
    fn may_stamp(&self) -> bool {
        let inside = self.certificate.tbs_certificate();
        let purposes = inside.get_extension::<ExtendedKeyUsage>();
        let usage = inside.get_extension::<KeyUsage>();
        let (Ok(Some((true, purposes))), Ok(usage)) = (purposes, usage) else { return false };
        purposes.0 == [TIME_STAMPING]
            && usage.is_none_or(|(_, usage)| usage.digital_signature() || usage.non_repudiation())
    }
}

/// May the owner of this certificate stamp, at this time, for those who trust these? `others` may stand between.
pub(super) fn check(signer: &Held, others: &[Held], trusted: &[Held], at: u64) -> Result<(), &'static str> {
    if !signer.may_stamp() {
        return Err("the certificate of the authority is not made for time stamps alone (extended key usage)");
    }
    if !signer.is_valid_at(at) {
        return Err("the certificate of the authority was not valid at the stamped time");
    }
    if !signer.is_understood() {
        return Err("the certificate of the authority asks for something that is not understood");
    }
    // Every certificate between is looked at once, so that many of one name cost no more than their number.
    let mut used = vec![false; others.len()];
    let mut expired = false;
    let mut paths = vec![(signer, 0)];
    while let Some((last, below)) = paths.pop() {
        if trusted.contains(last) {
            return Ok(());
        }
        for issuer in trusted.iter().filter(|issuer| last.is_issued_by(issuer)) {
            let valid = issuer.is_valid_at(at);
            if valid && issuer.may_issue(below) && issuer.is_understood() {
                return Ok(());
            }
            expired |= !valid;
        }
        if below + 2 >= LONGEST {
            continue;
        }
        for (other, used) in others.iter().zip(&mut used) {
            if *used || !last.is_issued_by(other) {
                continue;
            }
            *used = true;
            let valid = other.is_valid_at(at);
            expired |= !valid;
            if valid && other.may_issue(below) && other.is_understood() {
                paths.push((other, below + 1));
            }
        }
    }
    match expired {
        true => Err("a certificate above that of the authority was not valid at the stamped time"),
        false => Err("the certificate of the authority leads to none of the certificates that are trusted"),
    }
}

/// The certificates in a reply: whole values, of which those that cannot be read as certificates are passed over.
pub(super) fn certificates(value: &[u8], most: usize) -> Result<Vec<Held>, Broken> {
    let (mut parts, mut found) = (Parts::of(value)?, Vec::new());
    while !parts.is_empty() {
        let (tag, bytes) = parts.whole()?;
        if tag == Tag::Sequence
            && let Ok(held) = Held::parse(bytes)
        {
            found.push(held);
        }
        if found.len() > most {
            return Err(Broken);
        }
    }
    Ok(found)
}
