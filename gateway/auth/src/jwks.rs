//! The public keys of an issuer: a JSON Web Key Set (source: RFC 7517; for curves RFC 7518, 6.2, and RFC 8037, 2).
//!
//! What is not understood of a set is passed over, for issuers put in what they like. A key says what it may be used for; a token's word for how it is
//! signed counts only where the key is of that kind, so that no key is taken for another's.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use crate::jwt::{Algorithm, BadToken, Jwt};

/// The most keys of a set. Issuers have two or three, large ones a dozen.
const MOST_KEYS: usize = 64;
/// The most keys that one signature is tried with: those of one name, or all where a token names none.
const MOST_TRIES: usize = 4;
/// The bounds of the modulus of an RSA key, in bytes. Checking a signature by a longer one takes milliseconds.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=512;
/// And of its exponent: those in use have three bytes at most.
const EXPONENT: std::ops::RangeInclusive<usize> = 1..=4;

/// Keys that signatures are checked with.
#[derive(PartialEq, Eq)]
pub struct KeySet(Vec<Key>);

/// A public key.
#[derive(PartialEq, Eq)]
struct Key {
    id: Option<String>,
    /// How it may be used, if it says; all that its kind can otherwise.
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(PartialEq, Eq)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// A point, uncompressed.
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    r#use: Option<String>,
    #[serde(default)]
    key_ops: Option<Vec<String>>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a set; `None` if it is none. Keys that nothing can be checked with are left out.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let set: Set = serde_json::from_slice(text).ok()?;
        let keys = set.keys.into_iter().take(MOST_KEYS);
        let known = keys.filter_map(|key| Key::of(serde_json::from_value(key).ok()?));
        Some(Self(known.collect()))
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the issuer of these keys signed a token.
    ///
    /// # Errors
    /// The key that it names is not among them, or the signature is not by one of them.
    pub fn verify(&self, token: &Jwt) -> Result<(), BadToken> {
        let is_named = |key: &&Key| token.key_id.is_none() || key.id == token.key_id;
        let mut named = self.0.iter().filter(is_named).peekable();
        if named.peek().is_none() {
            return Err(BadToken::UnknownKey);
        }
        let mut fitting = named
            .filter(|key| key.fits(token.algorithm))
            .take(MOST_TRIES);
        if fitting.any(|key| key.signed(token)) {
            Ok(())
        } else {
            Err(BadToken::Signature)
        }
    }
}

impl Key {
    fn of(jwk: Jwk) -> Option<Self> {
        let is_for_signatures = jwk.r#use.as_deref().is_none_or(|usage| usage == "sig");
        let may_verify = jwk
            .key_ops
            .as_ref()
            .is_none_or(|all| all.iter().any(|one| one == "verify"));
        if !is_for_signatures || !may_verify {
            return None;
        }
        let algorithm = match &jwk.alg {
            None => None,
            // One that is for something else is not for this.
            Some(name) => Some(Algorithm::named(name)?),
        };
        let material = Material::of(&jwk)?;
        let key = Self {
            id: jwk.kid,
            algorithm,
            material,
        };
        key.algorithm
            .is_none_or(|algorithm| key.material.fits(algorithm))
            .then_some(key)
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        self.algorithm.is_none_or(|own| own == algorithm) && self.material.fits(algorithm)
    }

    fn signed(&self, token: &Jwt) -> bool {
        self.material
            .signed(token.algorithm, token.signed.as_bytes(), &token.signature)
    }
}

impl Material {
    fn of(jwk: &Jwk) -> Option<Self> {
        let part = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_ref()?).ok();
        match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => {
                let (n, e) = (number(part(&jwk.n)?), number(part(&jwk.e)?));
                let is_bounded = MODULUS.contains(&n.len()) && EXPONENT.contains(&e.len());
                is_bounded.then_some(Self::Rsa { n, e })
            }
            ("EC", Some("P-256")) => point(part(&jwk.x)?, part(&jwk.y)?, 32).map(Self::P256),
            ("EC", Some("P-384")) => point(part(&jwk.x)?, part(&jwk.y)?, 48).map(Self::P384),
            ("OKP", Some("Ed25519")) => part(&jwk.x).filter(|x| x.len() == 32).map(Self::Ed25519),
            _ => None,
        }
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm as A;
        match self {
            Self::Rsa { .. } => matches!(
                algorithm,
                A::Rs256 | A::Rs384 | A::Rs512 | A::Ps256 | A::Ps384 | A::Ps512
            ),
            Self::P256(_) => algorithm == A::Es256,
            Self::P384(_) => algorithm == A::Es384,
            Self::Ed25519(_) => algorithm == A::EdDsa,
        }
    }

    fn signed(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let by = |verification: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(verification, key)
                .verify(message, signature)
                .is_ok()
        };
        match self {
            Self::Rsa { n, e } => rsa(algorithm).is_some_and(|parameters| {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(parameters, message, signature).is_ok()
            }),
            Self::P256(point) => by(&ECDSA_P256_SHA256_FIXED, point),
            Self::P384(point) => by(&ECDSA_P384_SHA384_FIXED, point),
            Self::Ed25519(point) => by(&ED25519, point),
        }
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => return None,
    })
}

/// A number without the zeros in front of it, which some issuers write.
fn number(bytes: Vec<u8>) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.into_iter().skip(zeros).collect()
}

/// A point of a curve, uncompressed (source: SEC 1, 2.3.3).
fn point(x: Vec<u8>, y: Vec<u8>, length: usize) -> Option<Vec<u8>> {
    let whole = x.len() == length && y.len() == length;
    whole.then(|| [vec![4], x, y].concat())
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeySet").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests;
