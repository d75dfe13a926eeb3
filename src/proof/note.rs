//! Signed notes (c2sp.org/signed-note) with Ed25519, the keys for them, and the checkpoint of a log
//! (c2sp.org/tlog-checkpoint) as the text of one. Keys are written as other tools for such notes write
//! them. Must not make keys out of nothing: random bytes are handed in.

use super::{base64, hash_of, malformed, number_of, tree::Hash};
use crate::error::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey as Secret, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;

/// The byte that stands for Ed25519 in front of keys.
const ED25519: u8 = 1;
/// More signatures than this no note of ours has.
const MOST_SIGNATURES: usize = 64;
const DASH: &str = "\u{2014} ";

/// Signs notes. Shown, it does not show the key.
pub struct SigningKey {
    name: String,
    secret: Secret,
}

/// Knows the signatures of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: VerifyingKey,
}

/// A note whose signatures of known keys are all good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What was signed.
    pub text: String,
    /// Which of the verifiers have signed it, by position.
    pub known: Vec<usize>,
    /// Names of keys that have signed it and are not known.
    pub unknown: Vec<String>,
}

/// What a log was at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log.
    pub origin: String,
    /// How many records it had.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

/// A name of a key or a log: no white space, no plus sign, not empty.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

fn key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let hash = Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(key.as_bytes()).finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

/// Name, key id, and the 32 bytes after the byte that stands for Ed25519.
fn parse(text: &str) -> Option<(&str, &str, [u8; 32])> {
    let mut parts = text.splitn(3, '+');
    let (name, id, key) = (parts.next()?, parts.next()?, STANDARD.decode(parts.next()?).ok()?);
    let (kind, bytes) = key.split_first()?;
    if *kind != ED25519 || !is_name(name) {
        return None;
    }
    Some((name, id, bytes.try_into().ok()?))
}

impl SigningKey {
    /// The key of this name that these random bytes make.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<SigningKey> {
        if !is_name(name) {
            return Err(malformed(format!("{name:?} is not a valid name of a key")));
        }
        Ok(SigningKey { name: name.to_owned(), secret: Secret::from_bytes(seed) })
    }

    /// Reads the text of a key file.
    pub fn parse(text: &str) -> Result<SigningKey> {
        let refused = || malformed("this is not the private key of a log");
        let inner = text.trim().strip_prefix("PRIVATE+KEY+").ok_or_else(refused)?;
        let (name, id, seed) = parse(inner).ok_or_else(refused)?;
        let key = SigningKey::new(name, &seed)?;
        if hex(key_id(name, &key.secret.verifying_key())) != id {
            return Err(malformed("the private key does not match its number"));
        }
        Ok(key)
    }

    /// The text of a key file.
    pub fn to_text(&self) -> String {
        let id = hex(key_id(&self.name, &self.secret.verifying_key()));
        let bytes = [&[ED25519][..], self.secret.as_bytes()].concat();
        format!("PRIVATE+KEY+{}+{id}+{}\n", self.name, base64(&bytes))
    }

    /// Who can check the signatures of this key.
    pub fn verifier(&self) -> Verifier {
        Verifier { name: self.name.clone(), key: self.secret.verifying_key() }
    }

    /// The name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same key under another name, which makes another number: for another kind of text, so that a note of one is
    /// none of the other.
    pub fn named(&self, name: &str) -> Result<SigningKey> {
        SigningKey::new(name, self.secret.as_bytes())
    }

    /// Signs a text, which ends with a line feed and has no other control characters. The same text gives the
    /// same note.
    pub fn sign(&self, text: &str) -> Result<String> {
        if !text.ends_with('\n') || text.contains(|c: char| c.is_control() && c != '\n') {
            return Err(malformed("this text cannot be signed: control characters, or no line end"));
        }
        let id = key_id(&self.name, &self.secret.verifying_key());
        let signature = [&id[..], &self.secret.sign(text.as_bytes()).to_bytes()].concat();
        Ok(format!("{text}\n{DASH}{} {}\n", self.name, base64(&signature)))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.name)
    }
}

impl Verifier {
    /// Reads a public key, `NAME+NUMBER+BASE64`.
    pub fn parse(text: &str) -> Result<Verifier> {
        let refused = || malformed(format!("{:?} is not a public key of a log", text.trim()));
        let (name, id, bytes) = parse(text.trim()).ok_or_else(refused)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| refused())?;
        if hex(key_id(name, &key)) != id {
            return Err(malformed("the public key does not match its number"));
        }
        Ok(Verifier { name: name.to_owned(), key })
    }

    /// The same key under another name.
    pub fn named(&self, name: &str) -> Result<Verifier> {
        if !is_name(name) {
            return Err(malformed(format!("{name:?} is not a valid name of a key")));
        }
        Ok(Verifier { name: name.to_owned(), key: self.key })
    }

    /// The name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&[ED25519][..], self.key.as_bytes()].concat();
        write!(f, "{}+{}+{}", self.name, hex(key_id(&self.name, &self.key)), base64(&bytes))
    }
}

/// Opens a note: its form is right, and every signature of a known key is good. Whether anybody known has
/// signed it at all is for the caller to ask.
pub fn open(note: &str, verifiers: &[Verifier]) -> Result<Opened> {
    let refused = || malformed("this is not a signed note");
    if note.contains(|c: char| c.is_control() && c != '\n') || !note.ends_with('\n') {
        return Err(refused());
    }
    let at = note.rfind("\n\n").ok_or_else(refused)?;
    let (text, signatures) = (&note[..=at], &note[at + 2..]);
    let mut opened = Opened { text: text.to_owned(), known: Vec::new(), unknown: Vec::new() };
    for (count, line) in signatures.lines().enumerate() {
        let (name, signature) = line.strip_prefix(DASH).and_then(|rest| rest.split_once(' ')).ok_or_else(refused)?;
        let signature = STANDARD.decode(signature).map_err(|_| refused())?;
        let (id, bytes) = signature.split_first_chunk::<4>().ok_or_else(refused)?;
        if !is_name(name) || bytes.is_empty() || count >= MOST_SIGNATURES {
            return Err(refused());
        }
        let known = verifiers.iter().position(|known| known.name == name && key_id(name, &known.key) == *id);
        let Some(known) = known else {
            opened.unknown.push(name.to_owned());
            continue;
        };
        let good = ed25519_dalek::Signature::from_slice(bytes)
            .and_then(|signature| verifiers[known].key.verify_strict(text.as_bytes(), &signature));
        if good.is_err() {
            return Err(malformed(format!("the signature of {name} does not match this text")));
        }
        if !opened.known.contains(&known) {
            opened.known.push(known);
        }
    }
    if opened.known.is_empty() && opened.unknown.is_empty() {
        return Err(refused());
    }
    Ok(opened)
}

/// The first signed checkpoint in a text that may hold other things before and after it.
pub fn find(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    for (at, _) in lines.iter().enumerate().filter(|(_, line)| line.starts_with(DASH)) {
        // Only the first line of signatures has an empty line before it.
        if at < 4 || !lines[at - 1].is_empty() {
            continue;
        }
        let end = lines[at..].iter().position(|line| !line.starts_with(DASH)).map_or(lines.len(), |more| at + more);
        // Lines between the root and the empty line belong to the checkpoint, though ours has none.
        for start in (at.saturating_sub(8)..=at - 4).rev() {
            let body: String = lines[start..at - 1].iter().map(|line| format!("{line}\n")).collect();
            if !body.contains("\n\n") && Checkpoint::parse(&body).is_ok() {
                let signatures: String = lines[at..end].iter().map(|line| format!("{line}\n")).collect();
                return Some(format!("{body}\n{signatures}"));
            }
        }
    }
    None
}

impl Checkpoint {
    /// Reads the text of a checkpoint. Further lines, which others may add, are passed over.
    pub fn parse(text: &str) -> Result<Checkpoint> {
        let refused = || malformed("this is not the checkpoint of a log");
        let mut lines = text.lines();
        let (origin, size, root) = (lines.next(), lines.next(), lines.next());
        let origin = origin.filter(|origin| is_name(origin)).ok_or_else(refused)?.to_owned();
        let size = size.and_then(number_of).ok_or_else(refused)?;
        let root = root.and_then(hash_of).ok_or_else(refused)?;
        if !text.ends_with('\n') || lines.any(str::is_empty) {
            return Err(refused());
        }
        Ok(Checkpoint { origin, size, root })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, base64(&self.root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, n: u8) -> SigningKey {
        SigningKey::new(name, &[n; 32]).unwrap()
    }

    /// The key and the note of the documentation of golang.org/x/mod/sumdb/note.
    #[test]
    fn a_note_of_another_program() {
        let verifier = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let note = "If you think cryptography is the answer to your problem,\n\
            then you don't know what your problem is.\n\n\
            \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let known = [Verifier::parse(verifier).unwrap()];
        assert_eq!(known[0].to_string(), verifier);
        let opened = open(note, &known).unwrap();
        assert!(opened.text.starts_with("If you") && opened.text.ends_with("is.\n"));
        assert_eq!((opened.known, opened.unknown.len()), (vec![0], 0));
        assert!(open(&note.replace("answer", "anwser"), &known).is_err());
        let secret = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n";
        let key = SigningKey::parse(secret).unwrap();
        assert_eq!((key.to_text().as_str(), key.verifier()), (secret, known[0].clone()));
        assert_eq!(key.sign(&opened.text).unwrap(), note);
    }

    #[test]
    fn known_and_unknown_keys() {
        let (a, b) = (key("pchat/a", 1), key("pchat/b", 2));
        let text = Checkpoint { origin: "pchat/a".into(), size: 12, root: [9; 32] }.to_string();
        let note = a.sign(&text).unwrap();
        assert_eq!(note, a.sign(&text).unwrap());
        let both = format!("{note}{}", b.sign(&text).unwrap().rsplit_once("\n\n").unwrap().1);
        let (va, vb) = (a.verifier(), b.verifier());
        assert_eq!(open(&both, &[vb.clone(), va.clone()]).unwrap().known, [1, 0]);
        let opened = open(&both, std::slice::from_ref(&vb)).unwrap();
        assert_eq!((opened.known, opened.unknown), (vec![0], vec!["pchat/a".to_owned()]));
        // The same name with another key is another key.
        let other = key("pchat/a", 3).verifier();
        assert_eq!(open(&note, &[other]).unwrap().unknown.len(), 1);
        // A known key with a bad signature is never passed over.
        assert!(open(&both.replace("\n12\n", "\n13\n"), &[vb]).is_err());
        let many: String = (10..26).map(|n| key("w", n).sign(&text).unwrap()[text.len() + 1..].to_owned()).collect();
        assert_eq!(open(&format!("{note}{many}"), &[va]).unwrap().unknown.len(), 16);
    }

    #[test]
    fn what_is_no_note() {
        let key = key("k", 1);
        let note = key.sign("text\n").unwrap();
        let known = [key.verifier()];
        let unsigned = ["", "text\n", "text\n\n", "text\n\nsigned\n", "\n\n"];
        let bent = [
            note.trim_end().to_owned(),
            note.replace('\n', "\r\n"),
            note.replace(DASH, "- "),
            format!("{note}\n"),
            format!("{note}more\n"),
            note.replace(" k ", " "),
            note.replace(" k ", " k+k "),
            note.replace(&note[note.len() - 9..], "\n"),
        ];
        for text in unsigned.map(str::to_owned).iter().chain(&bent) {
            assert!(open(text, &known).is_err(), "{text:?}");
        }
        assert!(key.sign("no end").is_err() && key.sign("a\tb\n").is_err());
        for name in ["", "a b", "a+b", "a\n"] {
            assert!(SigningKey::new(name, &[0; 32]).is_err());
        }
        let text = key.verifier().to_string();
        for (from, to) in [("k+", "j+"), ("+", "-"), ("+AY", "+A"), ("+A", "+B")] {
            assert!(Verifier::parse(&text.replacen(from, to, 1)).is_err(), "{from}");
        }
        assert!(SigningKey::parse(&key.to_text().replace("KEY", "key")).is_err());
        assert!(SigningKey::parse(&text).is_err());
        assert_eq!(format!("{key:?}"), "SigningKey(k)");
    }

    #[test]
    fn checkpoints() {
        let checkpoint = Checkpoint { origin: "pchat/0f".into(), size: 0, root: [3; 32] };
        let text = checkpoint.to_string();
        assert_eq!(Checkpoint::parse(&text).unwrap(), checkpoint);
        assert_eq!(Checkpoint::parse(&format!("{text}more of others\n")).unwrap(), checkpoint);
        for (from, to) in
            [("\n0\n", "\n00\n"), ("\n0\n", "\n-1\n"), ("\n0\n", "\n+1\n"), ("\n0\n", "\n\n"), ("AwM", "A")]
        {
            assert!(Checkpoint::parse(&text.replacen(from, to, 1)).is_err(), "{to:?}");
        }
        assert!(Checkpoint::parse("").is_err() && Checkpoint::parse(text.trim_end()).is_err());
    }

    #[test]
    fn a_checkpoint_is_found_in_a_letter() {
        let key = key("pchat/0f", 1);
        let text = Checkpoint { origin: "pchat/0f".into(), size: 7, root: [3; 32] }.to_string();
        let note = key.sign(&text).unwrap();
        assert_eq!(find(&note).as_deref(), Some(&*note));
        let letter = format!("Dear auditor,\n\nhere it is:\n{note}\nYours,\n\n{DASH}somebody\n");
        assert_eq!(find(&letter).as_deref(), Some(&*note));
        assert_eq!(find(&letter.replace('\n', "\r\n")).as_deref(), Some(&*note));
        assert_eq!(find("nothing\n\nhere\n"), None);
        assert_eq!(find(&format!("{DASH}\n")), None);
    }
}
