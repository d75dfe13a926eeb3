//! Certificates: who has signed them, for what, for how long. From the certificate that stamped to one that
//! is trusted. Nothing is trusted but what is handed in as trusted; revocation is not asked for.

use super::parts::{Broken, Parts};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::traits::PublicKeyParts;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::referenced::OwnedToRef;
use x509_cert::der::{Decode, Encode, Tag};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");

/// No chain is longer, the first and the last certificate included.
const LONGEST: usize = 8;
/// Keys that are shorter can be broken (bytes).
const SHORTEST_RSA: usize = 256;
/// Keys that are longer only cost time (bytes, with what stands around them).
const LONGEST_KEY: usize = 1100;

/// How something was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    /// The one of this name.
    pub(super) fn named(name: ObjectIdentifier) -> Option<Digest> {
        match name.to_string().as_str() {
            "2.16.840.1.101.3.4.2.1" => Some(Digest::Sha256),
            "2.16.840.1.101.3.4.2.2" => Some(Digest::Sha384),
            "2.16.840.1.101.3.4.2.3" => Some(Digest::Sha512),
            _ => None,
        }
    }

    /// The hash.
    pub(super) fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Digest::Sha256 => Sha256::digest(bytes).to_vec(),
            Digest::Sha384 => Sha384::digest(bytes).to_vec(),
            Digest::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }
}

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
        let algorithm = self.certificate.signature_algorithm();
        algorithm == inside.signature() && is_signed(issuer.key(), algorithm.oid, None, signed, bits).is_ok()
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

/// Has the owner of this key signed these bytes? `digest` is what stands beside an algorithm that names none.
pub(super) fn is_signed(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: ObjectIdentifier,
    digest: Option<Digest>,
    bytes: &[u8],
    signature: &[u8],
) -> Result<(), &'static str> {
    let (rsa, named) = match algorithm {
        RSA => (true, digest),
        RSA_SHA256 => (true, Some(Digest::Sha256)),
        RSA_SHA384 => (true, Some(Digest::Sha384)),
        RSA_SHA512 => (true, Some(Digest::Sha512)),
        ECDSA_SHA256 => (false, Some(Digest::Sha256)),
        ECDSA_SHA384 => (false, Some(Digest::Sha384)),
        ECDSA_SHA512 => (false, Some(Digest::Sha512)),
        _ => return Err("it is signed in a way that is not known here"),
    };
    let Some(named) = named else { return Err("it is signed in a way that is not known here") };
    if digest.is_some_and(|digest| digest != named) {
        return Err("it names two ways of hashing");
    }
    if key.subject_public_key.raw_bytes().len() > LONGEST_KEY {
        return Err("the key is too long");
    }
    let good = match rsa {
        true => {
            let key = rsa::PublicKey::try_from(key.owned_to_ref()).map_err(|_| "the key is not of this kind")?;
            if key.size() < SHORTEST_RSA {
                return Err("the key is shorter than 2048 bits");
            }
            match named {
                Digest::Sha256 => key.pkcs1v15_verify::<Sha256>(bytes, signature).is_ok(),
                Digest::Sha384 => key.pkcs1v15_verify::<Sha384>(bytes, signature).is_ok(),
                Digest::Sha512 => key.pkcs1v15_verify::<Sha512>(bytes, signature).is_ok(),
            }
        }
        false => is_on_curve(key, &named.of(bytes), signature)?,
    };
    if good { Ok(()) } else { Err("the signature is not of this content") }
}

/// The same for keys on the curve P-256.
fn is_on_curve(key: &SubjectPublicKeyInfoOwned, hash: &[u8], signature: &[u8]) -> Result<bool, &'static str> {
    let curve = key.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
    let point = key.subject_public_key.as_bytes();
    let (true, Some(P256), Some(point)) = (key.algorithm.oid == EC_KEY, curve, point) else {
        return Err("the key is not of this kind");
    };
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| "the key is not of this kind")?;
    let signature = two_numbers(signature).map_err(|Broken| "the signature is not of this content")?;
    let signature =
        p256::ecdsa::Signature::from_slice(&signature).map_err(|_| "the signature is not of this content")?;
    Ok(key.verify_prehash(hash, &signature).is_ok())
}

/// The two numbers of a signature, each of 32 bytes.
fn two_numbers(signature: &[u8]) -> Result<[u8; 64], Broken> {
    let mut parts = Parts::sequence(signature)?;
    let mut both = [0; 64];
    for half in both.chunks_exact_mut(32) {
        let number = parts.number()?;
        let start = half.len().checked_sub(number.len()).ok_or(Broken)?;
        half[start..].copy_from_slice(number);
    }
    parts.end()?;
    Ok(both)
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
