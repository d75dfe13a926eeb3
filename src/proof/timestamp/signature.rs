//! Is a signature of this content and of this key? RSA (PKCS #1 v1.5 and PSS) and ECDSA on P-256 and P-384, with SHA-2.
//! What is not named here is refused, and so is what an algorithm does not ask for.

use super::parts::{Broken, Parts, part};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::traits::PublicKeyParts;
use rsa::{Pss, PublicKey};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use x509_cert::der::Tag;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::referenced::OwnedToRef;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const MASK: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// Keys that are shorter can be broken (bytes).
const SHORTEST_RSA: usize = 256;
/// Keys that are longer only cost time (bytes, with what stands around them).
const LONGEST_KEY: usize = 1100;
/// No salt of PSS is longer than the longest key.
const LONGEST_SALT: usize = 512;

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

/// How something was signed: the name of the algorithm, and for PSS what it was used with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Algorithm {
    name: ObjectIdentifier,
    pss: Option<(Digest, usize)>,
}

impl Algorithm {
    /// Reads the identifier of an algorithm.
    pub(super) fn parse(bytes: &[u8]) -> Result<Algorithm, Broken> {
        let mut parts = Parts::sequence(bytes)?;
        let name = parts.name()?;
        if name == RSA_PSS {
            let pss = Some(salted(&mut parts)?);
            parts.end()?;
            return Ok(Algorithm { name, pss });
        }
        if parts.maybe(Tag::Null)?.is_some_and(|nothing| !nothing.is_empty()) {
            return Err(Broken);
        }
        parts.end()?;
        Ok(Algorithm { name, pss: None })
    }
}

/// What stands behind the name of PSS: one hash for both purposes, the length of the salt, and the one trailer there
/// is. Where one of the first two is not named SHA-1 is meant, which is not known here.
fn salted(parts: &mut Parts<'_>) -> Result<(Digest, usize), Broken> {
    let mut inside = parts.inside(Tag::Sequence)?;
    let mut hash = inside.inside(part(0))?;
    let digest = Digest::named(hash.algorithm()?).ok_or(Broken)?;
    hash.end()?;
    let mut mask = inside.inside(part(1))?;
    let mut by = mask.inside(Tag::Sequence)?;
    mask.end()?;
    if by.name()? != MASK || Digest::named(by.algorithm()?) != Some(digest) {
        return Err(Broken);
    }
    by.end()?;
    let length = match inside.maybe(part(2))? {
        None => 20,
        Some(length) => {
            let mut length = Parts::of(length)?;
            let bytes = length.number()?;
            length.end()?;
            bytes
                .iter()
                .try_fold(0, |sum: usize, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))
                .ok_or(Broken)?
        }
    };
    if let Some(trailer) = inside.maybe(part(3))? {
        let mut trailer = Parts::of(trailer)?;
        if trailer.number()? != [1] {
            return Err(Broken);
        }
        trailer.end()?;
    }
    inside.end()?;
    if length <= LONGEST_SALT { Ok((digest, length)) } else { Err(Broken) }
}

/// Has the owner of this key signed these bytes? `digest` is what stands beside an algorithm that names none.
pub(super) fn is_signed(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: Algorithm,
    digest: Option<Digest>,
    bytes: &[u8],
    signature: &[u8],
) -> Result<(), &'static str> {
    let (rsa, named) = match algorithm.name {
        RSA => (true, digest),
        RSA_PSS => (true, algorithm.pss.map(|(digest, _)| digest)),
        RSA_SHA256 => (true, Some(Digest::Sha256)),
        RSA_SHA384 => (true, Some(Digest::Sha384)),
        RSA_SHA512 => (true, Some(Digest::Sha512)),
        ECDSA_SHA256 => (false, Some(Digest::Sha256)),
        ECDSA_SHA384 => (false, Some(Digest::Sha384)),
        ECDSA_SHA512 => (false, Some(Digest::Sha512)),
        _ => return Err("it uses an unsupported signature algorithm"),
    };
    let Some(named) = named else { return Err("it uses an unsupported signature algorithm") };
    if digest.is_some_and(|digest| digest != named) {
        return Err("it names two ways of hashing");
    }
    if key.subject_public_key.raw_bytes().len() > LONGEST_KEY {
        return Err("the key is too long");
    }
    let good = match rsa {
        true => is_of_rsa(key, algorithm, named, bytes, signature)?,
        false => is_on_curve(key, &named.of(bytes), signature)?,
    };
    if good { Ok(()) } else { Err("the signature is not of this content") }
}

const OTHER_KIND: &str = "the key is not of this kind";

fn is_of_rsa(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: Algorithm,
    named: Digest,
    bytes: &[u8],
    signature: &[u8],
) -> Result<bool, &'static str> {
    // A key that was made for PSS signs nothing else.
    if key.algorithm.oid == RSA_PSS && algorithm.pss.is_none() {
        return Err(OTHER_KIND);
    }
    let key = PublicKey::try_from(key.owned_to_ref()).map_err(|_| OTHER_KIND)?;
    if key.size() < SHORTEST_RSA {
        return Err("the key is shorter than 2048 bits");
    }
    let Some((_, salt)) = algorithm.pss else {
        return Ok(match named {
            Digest::Sha256 => key.pkcs1v15_verify::<Sha256>(bytes, signature).is_ok(),
            Digest::Sha384 => key.pkcs1v15_verify::<Sha384>(bytes, signature).is_ok(),
            Digest::Sha512 => key.pkcs1v15_verify::<Sha512>(bytes, signature).is_ok(),
        });
    };
    let hash = named.of(bytes);
    Ok(match named {
        Digest::Sha256 => key.verify(Pss::<Sha256>::new_with_salt(salt), &hash, signature).is_ok(),
        Digest::Sha384 => key.verify(Pss::<Sha384>::new_with_salt(salt), &hash, signature).is_ok(),
        Digest::Sha512 => key.verify(Pss::<Sha512>::new_with_salt(salt), &hash, signature).is_ok(),
    })
}

/// The same for keys on the curves P-256, P-384 and P-521.
fn is_on_curve(key: &SubjectPublicKeyInfoOwned, hash: &[u8], signature: &[u8]) -> Result<bool, &'static str> {
    const OTHER: &str = "the signature is not of this content";
    let curve = key.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
    let point = key.subject_public_key.as_bytes().filter(|_| key.algorithm.oid == EC_KEY).ok_or(OTHER_KIND)?;
    // The crates have a type for each curve and no trait that leads from a point to an answer.
    macro_rules! signed_on {
        ($($curve:ident)::+, $length:literal) => {{
            let key = $($curve)::+::VerifyingKey::from_sec1_bytes(point).map_err(|_| OTHER_KIND)?;
            let both = two_numbers::<$length>(signature).map_err(|Broken| OTHER)?;
            let signature = $($curve)::+::Signature::from_slice(&both.concat()).map_err(|_| OTHER)?;
            Ok(key.verify_prehash(&at_least::<$length>(hash), &signature).is_ok())
        }};
    }
    match curve {
        Some(P256) => signed_on!(p256::ecdsa, 32),
        Some(P384) => signed_on!(p384::ecdsa, 48),
        Some(P521) => signed_on!(p521::ecdsa, 66),
        _ => Err(OTHER_KIND),
    }
}

/// A hash as the number it is, with zeros before it where the crates ask for half the length of the field.
fn at_least<const LENGTH: usize>(hash: &[u8]) -> Vec<u8> {
    let mut number = vec![0; LENGTH.div_ceil(2).saturating_sub(hash.len())];
    number.extend_from_slice(hash);
    number
}

/// The two numbers of a signature, each of so many bytes.
fn two_numbers<const LENGTH: usize>(signature: &[u8]) -> Result<[[u8; LENGTH]; 2], Broken> {
    let mut parts = Parts::sequence(signature)?;
    let mut both = [[0; LENGTH]; 2];
    for half in &mut both {
        let number = parts.number()?;
        let start = half.len().checked_sub(number.len()).ok_or(Broken)?;
        half[start..].copy_from_slice(number);
    }
    parts.end()?;
    Ok(both)
}
