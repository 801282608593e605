//! Private keys in files: what OpenSSH and OpenSSL write, as long as no passphrase protects it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaKeyPair, RsaPublicKeyComponents,
};

use super::wire::{Reader, put, put_big, trim};

/// Wants an RSA signature with SHA-256 (`draft-ietf-sshm-ssh-agent`).
const RSA_SHA2_256: u32 = 2;
/// Wants an RSA signature with SHA-512.
const RSA_SHA2_512: u32 = 4;

/// A key that signs. `Debug` shows nothing of it.
pub(super) struct Key {
    kind: Kind,
    /// The public key as SSH writes it.
    pub public: Vec<u8>,
}

enum Kind {
    Ed25519(Ed25519KeyPair),
    Ecdsa(Curve, EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

#[derive(Debug, Clone, Copy)]
struct Curve {
    name: &'static str,
    algorithm: &'static EcdsaSigningAlgorithm,
    /// The object identifier, with tag and length.
    oid: &'static [u8],
}

const CURVES: [Curve; 2] = [
    Curve {
        name: "nistp256",
        algorithm: &ECDSA_P256_SHA256_FIXED_SIGNING,
        oid: &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
    },
    Curve {
        name: "nistp384",
        algorithm: &ECDSA_P384_SHA384_FIXED_SIGNING,
        oid: &[6, 5, 0x2b, 0x81, 4, 0, 0x22],
    },
];

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// Reads the text of a file. Errors say what is wrong and hold nothing of the text.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "it is no private key")?;
        let (label, body) = pem(text).ok_or("it is no private key")?;
        if body.contains("ENCRYPTED") || label == "ENCRYPTED PRIVATE KEY" {
            return Err(PROTECTED.into());
        }
        let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        let bytes = STANDARD.decode(body).map_err(|_| "its base64 is damaged")?;
        let kind = match label {
            "OPENSSH PRIVATE KEY" => openssh(&bytes)?,
            "RSA PRIVATE KEY" => Kind::Rsa(RsaKeyPair::from_der(&bytes).map_err(|e| e.to_string())?),
            "EC PRIVATE KEY" => sec1(&bytes)?,
            "PRIVATE KEY" => pkcs8(&bytes)?,
            other => return Err(format!("keys of the kind {other:?} are not known; {AGENT}")),
        };
        Ok(Self { public: kind.public(), kind })
    }

    /// Signs as an agent does; `None` for a way that isn't known.
    pub fn sign(&self, data: &[u8], flags: u32) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let random = SystemRandom::new();
        match &self.kind {
            Kind::Ed25519(key) => {
                put(&mut out, b"ssh-ed25519");
                put(&mut out, key.sign(data).as_ref());
            }
            Kind::Ecdsa(curve, key) => {
                let signature = key.sign(&random, data).ok()?;
                let (r, s) = signature.as_ref().split_at(signature.as_ref().len() / 2);
                let mut both = Vec::new();
                put_big(&mut both, r);
                put_big(&mut both, s);
                put(&mut out, format!("ecdsa-sha2-{}", curve.name).as_bytes());
                put(&mut out, &both);
            }
            Kind::Rsa(key) => {
                let (name, padding): (&[u8], &'static dyn ring::signature::RsaEncoding) = match flags {
                    f if f & RSA_SHA2_512 != 0 => (b"rsa-sha2-512", &RSA_PKCS1_SHA512),
                    f if f & RSA_SHA2_256 != 0 => (b"rsa-sha2-256", &RSA_PKCS1_SHA256),
                    // SHA-1, which no server takes any more.
                    _ => return None,
                };
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(padding, &random, data, &mut signature).ok()?;
                put(&mut out, name);
                put(&mut out, &signature);
            }
        }
        Some(out)
    }
}

const PROTECTED: &str = "a passphrase protects it: add it to an agent with `ssh-add` and forward that";
const AGENT: &str = "add it to an agent with `ssh-add` and forward that";

impl Kind {
    fn public(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Ed25519(key) => {
                put(&mut out, b"ssh-ed25519");
                put(&mut out, key.public_key().as_ref());
            }
            Self::Ecdsa(curve, key) => {
                put(&mut out, format!("ecdsa-sha2-{}", curve.name).as_bytes());
                put(&mut out, curve.name.as_bytes());
                put(&mut out, key.public_key().as_ref());
            }
            Self::Rsa(key) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(key.public());
                put(&mut out, b"ssh-rsa");
                put_big(&mut out, &public.e);
                put_big(&mut out, &public.n);
            }
        }
        out
    }
}

/// The label and what is between the lines with it.
fn pem(text: &str) -> Option<(&str, &str)> {
    let start = text.find("-----BEGIN ")? + "-----BEGIN ".len();
    let (label, rest) = text[start..].split_once("-----")?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    Some((label, body))
}

fn ecdsa(curve: Curve, private: &[u8], public: &[u8]) -> Result<Kind, String> {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_private_key_and_public_key(curve.algorithm, private, public, &random);
    Ok(Kind::Ecdsa(curve, key.map_err(|e| e.to_string())?))
}

/// `openssh-key-v1` (OpenSSH, `PROTOCOL.key`) with one key.
fn openssh(bytes: &[u8]) -> Result<Kind, String> {
    let damaged = "it is damaged";
    let mut file = Reader(bytes.strip_prefix(b"openssh-key-v1\0").ok_or(damaged)?);
    let cipher = file.string().ok_or(damaged)?;
    let _derivation = (file.string().ok_or(damaged)?, file.string().ok_or(damaged)?);
    if cipher != b"none" {
        return Err(PROTECTED.into());
    }
    if file.number() != Some(1) {
        return Err("it doesn't hold one key".into());
    }
    file.string().ok_or(damaged)?;
    let mut key = Reader(file.string().ok_or(damaged)?);
    if key.number().ok_or(damaged)? != key.number().ok_or(damaged)? {
        return Err(damaged.into());
    }
    let name = key.string().ok_or(damaged)?;
    let ecdsa_curve = CURVES.iter().find(|c| name == format!("ecdsa-sha2-{}", c.name).as_bytes());
    match (name, ecdsa_curve) {
        (b"ssh-ed25519", _) => {
            let public = key.string().ok_or(damaged)?;
            let private = key.string().and_then(|both| both.get(..32)).ok_or(damaged)?;
            let key = Ed25519KeyPair::from_seed_and_public_key(private, public).map_err(|e| e.to_string())?;
            Ok(Kind::Ed25519(key))
        }
        (b"ssh-rsa", _) => openssh_rsa(&mut key).ok_or(damaged)?,
        (_, Some(curve)) => {
            key.string().ok_or(damaged)?;
            let public = key.string().ok_or(damaged)?;
            let private = key.big().ok_or(damaged)?;
            let length = (public.len().saturating_sub(1)) / 2;
            let mut padded = vec![0; length.saturating_sub(private.len())];
            padded.extend_from_slice(private);
            ecdsa(*curve, &padded, public)
        }
        (other, None) => {
            Err(format!("keys of the kind {:?} are not known; {AGENT}", String::from_utf8_lossy(other)))
        }
    }
}

fn openssh_rsa(key: &mut Reader<'_>) -> Option<Result<Kind, String>> {
    let (n, e, d) = (key.big()?, key.big()?, key.big()?);
    let (inverse, p, q) = (key.big()?, key.big()?, key.big()?);
    let components = KeyPairComponents {
        public_key: PublicKeyComponents { n, e },
        d,
        p,
        q,
        dP: &remainder(d, &less_one(p)?),
        dQ: &remainder(d, &less_one(q)?),
        qInv: inverse,
    };
    Some(RsaKeyPair::from_components(&components).map(Kind::Rsa).map_err(|e| e.to_string()))
}

/// An odd number less one; `None` for an even one, which is no prime.
fn less_one(number: &[u8]) -> Option<Vec<u8>> {
    let mut number = number.to_vec();
    let last = number.last_mut().filter(|b| **b % 2 == 1)?;
    *last -= 1;
    Some(number)
}

/// What is left of a number after division, bit by bit; big-endian. A number by zero is zero.
fn remainder(number: &[u8], by: &[u8]) -> Vec<u8> {
    let by = trim(by);
    // One byte more than the divisor, for what doubling adds.
    let mut left = vec![0; by.len() + 1];
    if by.is_empty() {
        return Vec::new();
    }
    let wide: Vec<u8> = [&[0], by].concat();
    for bit in number.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)) {
        let mut carry = bit;
        for byte in left.iter_mut().rev() {
            let top = *byte >> 7;
            *byte = *byte << 1 | carry;
            carry = top;
        }
        if left >= wide {
            let mut borrow = false;
            for (byte, minus) in left.iter_mut().zip(&wide).rev() {
                let (less, first) = byte.overflowing_sub(*minus);
                let (less, second) = less.overflowing_sub(u8::from(borrow));
                (*byte, borrow) = (less, first || second);
            }
        }
    }
    trim(&left).to_vec()
}

fn pkcs8(bytes: &[u8]) -> Result<Kind, String> {
    if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes) {
        return Ok(Kind::Ed25519(key));
    }
    if let Some(key) = ecdsa_pkcs8(bytes) {
        return Ok(key);
    }
    match RsaKeyPair::from_pkcs8(bytes) {
        Ok(key) => Ok(Kind::Rsa(key)),
        Err(e) => Err(format!("{e}; {AGENT}")),
    }
}

fn ecdsa_pkcs8(bytes: &[u8]) -> Option<Kind> {
    let random = SystemRandom::new();
    CURVES.into_iter().find_map(|curve| {
        let key = EcdsaKeyPair::from_pkcs8(curve.algorithm, bytes, &random).ok()?;
        Some(Kind::Ecdsa(curve, key))
    })
}

/// An elliptic key as OpenSSL writes it (RFC 5915): the inner part of PKCS#8.
fn sec1(bytes: &[u8]) -> Result<Kind, String> {
    const EC_PUBLIC_KEY: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    let wrapped =
        CURVES.iter().filter(|c| bytes.windows(c.oid.len()).any(|w| w == c.oid)).find_map(|curve| {
            let algorithm = der(0x30, &[EC_PUBLIC_KEY, curve.oid].concat());
            let inner = [&[2, 1, 0], &algorithm[..], &der(4, bytes)].concat();
            ecdsa_pkcs8(&der(0x30, &inner))
        });
    wrapped.ok_or_else(|| format!("its curve is not known; {AGENT}"))
}

/// A value of DER with its tag and length.
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match value.len() {
        short @ ..0x80 => out.push(short as u8),
        long => {
            let length = long.to_be_bytes();
            let length = trim(&length);
            out.push(0x80 | length.len() as u8);
            out.extend_from_slice(length);
        }
    }
    out.extend_from_slice(value);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_are_those_of_division() {
        for number in [0u64, 1, 255, 256, 65_537, u64::MAX, 0x1234_5678_9abc_def0] {
            for by in [1u64, 2, 3, 255, 256, 257, 65_535, 1 << 40, u64::MAX] {
                let got = remainder(&number.to_be_bytes(), &by.to_be_bytes());
                assert_eq!(got, trim(&(number % by).to_be_bytes()), "{number} {by}");
            }
        }
    }

    #[test]
    fn what_is_no_key_is_told_without_its_text() {
        for text in [
            "",
            "geheim",
            "-----BEGIN OPENSSH PRIVATE KEY-----\ngeheim\n",
            "-----BEGIN OPENSSH PRIVATE KEY-----\n!\n-----END OPENSSH PRIVATE KEY-----",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
            "-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----",
        ] {
            let error = Key::parse(text.as_bytes()).unwrap_err();
            assert!(!error.contains("geheim"), "{error}");
        }
    }
}
