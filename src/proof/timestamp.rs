//! Time stamps (RFC 3161) for signed notes: the request, what an authority replies, and whether that holds:
//! the hash, the number of the request, the signature (RFC 5652) and the certificates. Takes hostile replies.
//! Must not know clocks or the network, and never says that something holds it has not checked.

mod chain;
mod parts;
mod signature;

use self::chain::Held;
use self::parts::{Broken, Parts, part, positive};
use self::signature::{Algorithm, Digest};
use super::malformed;
use super::tree::Hash;
use crate::error::{Error, Kind, Result};
use crate::model::time::Ticks;
use base64::Engine;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode, Tag};

/// No reply is larger.
pub const LARGEST: usize = 1 << 20;
/// More certificates than this no reply has.
const MOST_CERTIFICATES: usize = 32;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const STAMP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");

/// Version 1, and SHA-256 without what follows.
const VERSION: [u8; 3] = [2, 1, 1];
const SHA256: [u8; 15] = [48, 13, 6, 9, 96, 134, 72, 1, 101, 3, 4, 2, 1, 5, 0];

/// What an authority is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    imprint: Hash,
    nonce: Vec<u8>,
}

/// What an authority replied. Only its form is known to be right.
#[derive(Debug, Clone)]
pub struct Reply {
    stamp: Stamp,
    signed: Signed,
}

/// What was stamped.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    imprint: Vec<u8>,
    hashed: Option<Digest>,
    nonce: Option<Vec<u8>>,
    at: Ticks,
}

/// The signature around a stamp.
#[derive(Debug, Clone)]
struct Signed {
    content: Vec<u8>,
    certificates: Vec<Held>,
    signer: Signer,
    digest: Option<Digest>,
    attributes: Vec<u8>,
    algorithm: Algorithm,
    signature: Vec<u8>,
}

/// How a signature names the certificate of who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Signer {
    Number { issuer: Vec<u8>, number: Vec<u8> },
    Key(Vec<u8>),
}

/// The certificates that are trusted.
#[derive(Debug, Clone)]
pub struct Trusted(Vec<Held>);

/// The hash that is stamped.
fn imprint(note: &str) -> Hash {
    Sha256::digest(note.as_bytes()).into()
}

impl Request {
    /// Asks for a time stamp for this note. The number that the reply must repeat is made of random bytes.
    pub fn new(note: &str, random: &[u8; 32]) -> Request {
        // The highest bit is never set and the next one always: 8 bytes in every case, and a positive number.
        let mut nonce = random[..8].to_vec();
        nonce[0] = nonce[0] & 0x7F | 0x40;
        Request { imprint: imprint(note), nonce }
    }

    /// The request as an authority reads it. It asks for the certificates, too.
    pub fn to_bytes(&self) -> Vec<u8> {
        let hash = [&SHA256[..], &[4, 32], &self.imprint].concat();
        let hash = [&[48, hash.len() as u8][..], &hash].concat();
        let nonce = [&[2, self.nonce.len() as u8][..], &self.nonce].concat();
        let inside = [&VERSION[..], &hash, &nonce, &[1, 1, 0xFF]].concat();
        [&[48, inside.len() as u8][..], &inside].concat()
    }

    /// Reads a request that was made here.
    pub fn parse(bytes: &[u8]) -> Result<Request> {
        let read = || -> std::result::Result<Request, Broken> {
            let mut parts = Parts::sequence(bytes)?;
            parts.number()?;
            let mut hash = parts.inside(Tag::Sequence)?;
            let hashed = Digest::named(hash.algorithm()?);
            let imprint = hash.take(Tag::OctetString)?.try_into().map_err(|_| Broken)?;
            let request = Request { imprint, nonce: parts.number()?.to_vec() };
            if hashed == Some(Digest::Sha256) && request.to_bytes() == bytes { Ok(request) } else { Err(Broken) }
        };
        read().map_err(|Broken| malformed("this is not a request for a time stamp that was made here"))
    }

    /// Is it for this note?
    pub fn is_for(&self, note: &str) -> bool {
        self.imprint == imprint(note)
    }
}

impl Trusted {
    /// Reads all certificates in a text (PEM).
    pub fn parse(text: &str) -> Result<Trusted> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        const END: &str = "-----END CERTIFICATE-----";
        let mut found = Vec::new();
        for block in text.split(BEGIN).skip(1) {
            let inside = block.split_once(END).map(|(inside, _)| inside.split_whitespace().collect::<String>());
            let bytes = inside.and_then(|inside| base64::engine::general_purpose::STANDARD.decode(inside).ok());
            let held = bytes.and_then(|bytes| Held::parse(&bytes).ok());
            found.push(held.ok_or_else(|| malformed("a certificate in it cannot be read"))?);
        }
        if found.is_empty() {
            return Err(malformed("it contains no certificate").hint("certificates are given as PEM"));
        }
        Ok(Trusted(found))
    }
}

/// Why an authority did not stamp; the positions are those of RFC 3161.
fn reasons(bits: &[u8]) -> String {
    let names = [
        (0, "unknown algorithm"),
        (2, "bad request"),
        (5, "bad data format"),
        (14, "the authority has no time source"),
        (15, "unknown policy"),
        (16, "unknown extension"),
        (17, "more information than it has"),
        (25, "a failure of its system"),
    ];
    let set = |at: usize| bits.get(1 + at / 8).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0);
    let told: Vec<&str> = names.iter().filter(|(at, _)| set(*at)).map(|(_, name)| *name).collect();
    told.join(", ")
}

impl Reply {
    /// Reads a reply that grants a time stamp.
    pub fn parse(bytes: &[u8]) -> Result<Reply> {
        let broken = |Broken| malformed("this is not the reply of a time-stamp authority");
        if bytes.len() > LARGEST {
            return Err(Error::new(Kind::Refused, format!("a reply may have {LARGEST} bytes")));
        }
        let mut parts = Parts::sequence(bytes).map_err(broken)?;
        let mut status = parts.inside(Tag::Sequence).map_err(broken)?;
        let granted = status.number().map_err(broken)?;
        // 0 is granted, 1 is granted with other details than were asked for.
        if granted.len() > 1 || granted.first().is_some_and(|status| *status > 1) {
            status.maybe(Tag::Sequence).map_err(broken)?;
            let why = reasons(status.maybe(Tag::BitString).map_err(broken)?.unwrap_or_default());
            let mut what = "the authority has granted no time stamp".to_owned();
            if !why.is_empty() {
                let _ = write!(what, ": {why}");
            }
            return Err(Error::new(Kind::Refused, what).hint("send the request again, or to another authority"));
        }
        let signed = Signed::parse(parts.whole().map_err(broken)?.1).map_err(broken)?;
        parts.end().map_err(broken)?;
        let stamp = Stamp::parse(&signed.content).map_err(broken)?;
        Ok(Reply { stamp, signed })
    }

    /// The stamped time.
    pub fn at(&self) -> Ticks {
        self.stamp.at
    }

    /// Does it repeat the number of this request?
    pub fn repeats(&self, request: &Request) -> bool {
        self.stamp.nonce.as_ref() == Some(&request.nonce)
    }

    /// Is it about what this request is about?
    pub fn is_about(&self, request: &Request) -> bool {
        self.stamp.hashed == Some(Digest::Sha256) && self.stamp.imprint == request.imprint
    }

    /// Holds the signature and the certificates against those that are trusted. Until this has been done, everybody may
    /// have written the reply.
    pub fn verify(&self, trusted: &Trusted) -> Result<()> {
        let signed = &self.signed;
        let signer =
            signed.signer(&trusted.0).ok_or_else(|| malformed("the certificate of who signed the reply is missing"))?;
        signed.check_attributes(signer)?;
        signature::is_signed(signer.key(), signed.algorithm, signed.digest, &signed.attributes, &signed.signature)
            .map_err(|why| malformed(format!("the signature of the time stamp is invalid: {why}")))?;
        let at = u64::try_from(self.stamp.at.unix_millis().div_euclid(1000))
            .map_err(|_| malformed("the stamped time is before 1970"))?;
        chain::check(signer, &signed.certificates, &trusted.0, at).map_err(|why| {
            Error::new(Kind::Refused, why).hint("--ca names a file with the certificate of the authority you trust")
        })
    }
}

impl Stamp {
    fn parse(bytes: &[u8]) -> std::result::Result<Stamp, Broken> {
        let mut parts = Parts::sequence(bytes)?;
        if parts.number()? != [1] {
            return Err(Broken);
        }
        parts.name()?;
        let mut hash = parts.inside(Tag::Sequence)?;
        let hashed = Digest::named(hash.algorithm()?);
        let imprint = hash.take(Tag::OctetString)?.to_vec();
        hash.end()?;
        parts.take(Tag::Integer)?;
        let at = time(parts.take(Tag::GeneralizedTime)?).ok_or(Broken)?;
        parts.maybe(Tag::Sequence)?;
        parts.maybe(Tag::Boolean)?;
        let nonce = parts.maybe(Tag::Integer)?.map(positive).transpose()?.map(<[u8]>::to_vec);
        parts.maybe(part(0))?;
        let mut more = Parts::of(parts.maybe(part(1))?.unwrap_or_default())?;
        while !more.is_empty() {
            let mut extension = more.inside(Tag::Sequence)?;
            extension.name()?;
            // What must be understood is not.
            if extension.maybe(Tag::Boolean)?.is_some_and(|critical| critical != [0]) {
                return Err(Broken);
            }
        }
        parts.end()?;
        Ok(Stamp { imprint, hashed, nonce, at })
    }
}

/// `20260102030405.678Z`.
fn time(value: &[u8]) -> Option<Ticks> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii())?;
    let (day, rest) = text.split_at_checked(8)?;
    let (clock, rest) = rest.split_at_checked(6)?;
    let text =
        format!("{}-{}-{}T{}:{}:{}{rest}", &day[..4], &day[4..6], &day[6..], &clock[..2], &clock[2..4], &clock[4..]);
    Ticks::parse(&text).filter(|_| rest.ends_with('Z')).map(|(at, _)| at)
}

impl Signed {
    fn parse(bytes: &[u8]) -> std::result::Result<Signed, Broken> {
        let mut outer = Parts::sequence(bytes)?;
        if outer.name()? != SIGNED_DATA {
            return Err(Broken);
        }
        let mut parts = Parts::sequence(outer.take(part(0))?)?;
        outer.end()?;
        if parts.number()? != [3] {
            return Err(Broken);
        }
        let (mut hashes, mut digests) = (parts.inside(Tag::Set)?, Vec::new());
        while !hashes.is_empty() {
            digests.push(Digest::named(hashes.algorithm()?));
        }
        let mut inner = parts.inside(Tag::Sequence)?;
        if inner.name()? != STAMP {
            return Err(Broken);
        }
        let mut content = inner.inside(part(0))?;
        let bytes = content.take(Tag::OctetString)?.to_vec();
        content.end()?;
        inner.end()?;
        let certificates = parts.maybe(part(0))?.unwrap_or_default();
        let certificates = chain::certificates(certificates, MOST_CERTIFICATES)?;
        parts.maybe(part(1))?;
        let mut signers = parts.inside(Tag::Set)?;
        parts.end()?;
        // A time stamp has the signature of its authority and no other.
        let mut info = signers.inside(Tag::Sequence)?;
        signers.end()?;
        let version = info.number()?;
        let signer = match info.maybe(Tag::Sequence)? {
            Some(named) => {
                let mut named = Parts::of(named)?;
                let (_, issuer) = named.whole()?;
                let number = named.take(Tag::Integer)?.to_vec();
                named.end()?;
                Signer::Number { issuer: issuer.to_vec(), number }
            }
            None => Signer::Key(info.take(x509_cert::der::TagNumber(0).context_specific(false))?.to_vec()),
        };
        let digest = Digest::named(info.algorithm()?);
        let numbered = matches!(signer, Signer::Number { .. });
        if version != [if numbered { 1 } else { 3 }] || !digests.contains(&digest) {
            return Err(Broken);
        }
        let (tag, attributes) = info.whole()?;
        let mut attributes = attributes.to_vec();
        // They are signed as a set, and travel under another tag.
        match attributes.first_mut() {
            Some(first) if tag == part(0) => *first = 0x31,
            _ => return Err(Broken),
        }
        let algorithm = Algorithm::parse(info.whole()?.1)?;
        let signature = info.take(Tag::OctetString)?.to_vec();
        info.maybe(part(1))?;
        info.end()?;
        Ok(Signed { content: bytes, certificates, signer, digest, attributes, algorithm, signature })
    }

    /// The certificate of who signed.
    fn signer<'a>(&'a self, trusted: &'a [Held]) -> Option<&'a Held> {
        self.certificates.iter().chain(trusted).find(|held| match &self.signer {
            Signer::Number { issuer, number } => held.issuer_and_number().is_ok_and(|(name, own)| {
                positive(number) == positive(own) && canonical(issuer).as_ref() == Some(&name)
            }),
            Signer::Key(key) => {
                let asked = held.certificate.tbs_certificate().extensions().into_iter().flatten();
                let mut own = asked.filter(|asked| asked.extn_id == KEY_IDENTIFIER);
                own.any(|own| {
                    let mut value = Parts::of(own.extn_value.as_bytes());
                    value.as_mut().is_ok_and(|value| value.take(Tag::OctetString).is_ok_and(|value| value == key))
                })
            }
        })
    }

    /// The value of an attribute, which stands there once.
    fn attribute(&self, name: ObjectIdentifier) -> std::result::Result<Option<&[u8]>, Broken> {
        let mut attributes = Parts::of(&self.attributes)?.inside(Tag::Set)?;
        let mut found = None;
        while !attributes.is_empty() {
            let mut attribute = attributes.inside(Tag::Sequence)?;
            if attribute.name()? == name {
                let mut values = attribute.inside(Tag::Set)?;
                let value = values.whole()?.1;
                values.end()?;
                if found.replace(value).is_some() {
                    return Err(Broken);
                }
            }
        }
        Ok(found)
    }

    /// What was signed: this content, as a time stamp, with this certificate.
    fn check_attributes(&self, signer: &Held) -> Result<()> {
        let broken = |Broken| malformed("what the authority signed cannot be read");
        let digest = self.digest.ok_or_else(|| malformed("the time stamp uses an unsupported hash algorithm"))?;
        let kind = self.attribute(CONTENT_TYPE).map_err(broken)?;
        if kind.map(ObjectIdentifier::from_der) != Some(Ok(STAMP)) {
            return Err(malformed("what the authority signed is not a time stamp"));
        }
        let hash = self.attribute(MESSAGE_DIGEST).map_err(broken)?.unwrap_or_default();
        if Parts::of(hash).and_then(|mut hash| hash.take(Tag::OctetString)) != Ok(&digest.of(&self.content)) {
            return Err(malformed("the content of the time stamp is not what the authority signed"));
        }
        if !self.names(signer).map_err(broken)? {
            return Err(malformed("the time stamp was signed with another certificate than it names"));
        }
        Ok(())
    }

    /// Does the signed part name this certificate by its hash, as RFC 3161 asks?
    fn names(&self, signer: &Held) -> std::result::Result<bool, Broken> {
        let first = |value| -> std::result::Result<Parts<'_>, Broken> {
            Parts::sequence(value)?.inside(Tag::Sequence)?.inside(Tag::Sequence)
        };
        if let Some(value) = self.attribute(SIGNING_CERTIFICATE_2)? {
            let mut id = first(value)?;
            // SHA-256 is what is meant where none is named; a sequence that comes first names one.
            let named = id.maybe(Tag::Sequence)?;
            let digest = match named {
                Some(named) => Digest::named(Parts::of(named)?.name()?).ok_or(Broken)?,
                None => Digest::Sha256,
            };
            return Ok(id.take(Tag::OctetString)? == digest.of(&signer.bytes));
        }
        let Some(value) = self.attribute(SIGNING_CERTIFICATE)? else { return Ok(false) };
        Ok(first(value)?.take(Tag::OctetString)? == &sha1::Sha1::digest(&signer.bytes)[..])
    }
}

/// A name as it is written when it is written anew, so that two can be compared.
fn canonical(name: &[u8]) -> Option<Vec<u8>> {
    x509_cert::name::Name::from_der(name).ok()?.to_der().ok()
}
