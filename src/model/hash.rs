//! SHA-256 values: as text, back from text, and of what a reader gives.

use sha2::{Digest, Sha256};

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = Vec::with_capacity(2 * bytes.len());
    bytes.iter().for_each(|byte| text.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]));
    // What is ASCII is UTF-8.
    String::from_utf8(text).unwrap_or_default()
}

/// Reads 64 hexadecimal digits, of either case.
pub fn parse(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (slot, pair) in out.iter_mut().zip(text.as_bytes().chunks(2)) {
        *slot = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(out)
}

/// Reads 64 hexadecimal digits in lower case, as archives have them.
pub fn written(text: &str) -> Option<[u8; 32]> {
    parse(text).filter(|hash| hex(hash) == text)
}

/// What stands for a text where there are very many: two that differ have never been seen to share one.
pub fn short(text: &str) -> u128 {
    Sha256::digest(text.as_bytes()).first_chunk().map_or(0, |bytes| u128::from_le_bytes(*bytes))
}

/// Reads everything and gives its SHA-256 and its length.
pub fn of_reader(from: &mut dyn std::io::Read) -> std::io::Result<([u8; 32], u64)> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok((hash.finalize().into(), size)),
            Ok(n) => {
                hash.update(&buffer[..n]);
                size += n as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_and_back() {
        let hash: [u8; 32] = std::array::from_fn(|n| n as u8 * 7);
        assert_eq!(super::parse(&super::hex(&hash)), Some(hash));
        assert_eq!(super::parse(&"g".repeat(64)), None);
    }
}
