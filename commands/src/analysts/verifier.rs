//! What PostgreSQL keeps of a password (RFC 5802, RFC 7677). Made here, so that the password itself is neither sent nor
//! in the server's log of statements.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// As many as the server itself would take.
const ITERATIONS: u32 = 4_096;
const SALT_BYTES: usize = 16;

/// The verifier of a password of printable ASCII, which SASLprep leaves as it is.
pub(super) fn of(password: &str) -> Result<String, sqlx::Error> {
    with_salt(password, &rand::random::<[u8; SALT_BYTES]>())
}

fn with_salt(password: &str, salt: &[u8]) -> Result<String, sqlx::Error> {
    let salted = salted(password.as_bytes(), salt)?;
    let stored_key = Sha256::digest(mac(&salted, b"Client Key")?);
    let server_key = mac(&salted, b"Server Key")?;
    let [salt, stored_key, server_key] = [salt, &stored_key, &server_key].map(|bytes| STANDARD.encode(bytes));
    Ok(format!("SCRAM-SHA-256${ITERATIONS}:{salt}${stored_key}:{server_key}"))
}

/// PBKDF2 of one block.
fn salted(password: &[u8], salt: &[u8]) -> Result<[u8; 32], sqlx::Error> {
    let mut round = mac(password, &[salt, &1_u32.to_be_bytes()].concat())?;
    let mut sum = round;
    for _ in 1..ITERATIONS {
        round = mac(password, &round)?;
        sum.iter_mut().zip(round).for_each(|(sum, byte)| *sum ^= byte);
    }
    Ok(sum)
}

fn mac(key: &[u8], message: &[u8]) -> Result<[u8; 32], sqlx::Error> {
    // A key may have any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    mac.update(message);
    Ok(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_the_protocol_s_own_example_leads_to() {
        // RFC 7677, section 3: the server's signature there is made with this server key.
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = with_salt("pencil", &salt).unwrap();
        let (_, keys) = verifier.rsplit_once('$').unwrap();
        let server_key = STANDARD.decode(keys.split_once(':').unwrap().1).unwrap();
        let message = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                       s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = mac(&server_key, message.as_bytes()).unwrap();
        assert_eq!(STANDARD.encode(signature), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        assert!(verifier.starts_with("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"));
    }
}
