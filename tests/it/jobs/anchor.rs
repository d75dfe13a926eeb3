//! Time stamps for checkpoints, with the real `openssl ts` and an authority that exists only here: what it
//! stamps is taken, and whatever is not quite that is refused and leaves nothing behind.

use crate::harness::{Desk, chat, content, installed, put};
use pchat::model::time::Ticks;
use pchat::store::sqlite::Sqlite;
use rusqlite::Connection;
use std::process::{Command, Output};

/// What the authorities of these tests are.
const CONFIG: &str = "
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
[middle]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign
[tsa]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[plain]
basicConstraints = CA:false
[loose]
extendedKeyUsage = timeStamping
[both]
extendedKeyUsage = critical, timeStamping, codeSigning
[stamp]
serial = stampserial
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500
clock_precision_digits = 3
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[old]
serial = stampserial
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha1
[ca]
database = index.txt
serial = caserial
new_certs_dir = .
default_md = sha256
policy = any
[any]
commonName = supplied
";

fn attempt(desk: &Desk, words: &[&str]) -> Output {
    let done = Command::new("openssl").args(words).current_dir(desk.path(".")).output();
    done.expect("openssl is needed for this test; .ci/run installs it")
}

#[track_caller]
fn openssl(desk: &Desk, line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let done = attempt(desk, &words);
    assert!(done.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&done.stderr));
}

const RSA: &str = "rsa -pkeyopt rsa_keygen_bits:2048";
const CURVE: &str = "ec -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:named_curve";
const LARGER_CURVE: &str = "ec -pkeyopt ec_paramgen_curve:P-384 -pkeyopt ec_param_enc:named_curve";
const LARGEST_CURVE: &str = "ec -pkeyopt ec_paramgen_curve:P-521 -pkeyopt ec_param_enc:named_curve";
const OTHER_CURVE: &str = "ec -pkeyopt ec_paramgen_curve:secp256k1 -pkeyopt ec_param_enc:named_curve";

/// A key and a certificate that signs itself.
fn root(desk: &Desk, name: &str, kind: &str) {
    openssl(desk, &format!("genpkey -algorithm {kind} -out {name}.key"));
    openssl(
        desk,
        &format!(
            "req -x509 -new -key {name}.key -subj /CN={name} -days 30 -sha256 -config conf -extensions root -out {name}.pem"
        ),
    );
}

/// A key and a certificate that another signs.
fn issue(desk: &Desk, name: &str, kind: &str, by: &str, extensions: &str, hash: &str) {
    openssl(desk, &format!("genpkey -algorithm {kind} -out {name}.key"));
    openssl(desk, &format!("req -new -key {name}.key -subj /CN={name} -config conf -out {name}.csr"));
    openssl(
        desk,
        &format!(
            "x509 -req -in {name}.csr -CA {by}.pem -CAkey {by}.key -set_serial {} -days 20 -{hash} -extfile conf -extensions {extensions} -out {name}.pem",
            100 + name.len()
        ),
    );
}

/// The clock that openssl reads, for a stamp must fit the times of the records.
#[allow(clippy::disallowed_methods)]
fn now() -> Ticks {
    Ticks::from_chrono(chrono::Utc::now()).unwrap()
}

/// A store with a request, and an authority that could reply.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.clock(&now().to_string());
    desk.write("conf", CONFIG);
    desk.write("stampserial", "01\n");
    root(&desk, "root", RSA);
    issue(&desk, "tsa", RSA, "root", "tsa", "sha256");
    desk.lines("1.jsonl", &chat(1, 3));
    desk.run("store new --store @s.db").code(0);
    desk.run("import @1.jsonl --store @s.db").code(0);
    desk.run("audit anchor --request @1.tsq --store @s.db").code(0).says("send it to a time-stamp authority");
    desk
}

fn stamp(desk: &Desk, request: &str, signer: &str, more: &str, out: &str) {
    openssl(
        desk,
        &format!(
            "ts -reply -config conf -section stamp -queryfile {request} -signer {signer}.pem -inkey {signer}.key -sha256 {more} -out {out}"
        ),
    );
}

/// The columns of the table, in the order of sizes: was asked, was answered.
fn kept(desk: &Desk) -> Vec<(i64, bool, bool)> {
    let db = Connection::open(desk.path("s.db")).unwrap();
    let mut rows =
        db.prepare("SELECT size, request IS NOT NULL, reply IS NOT NULL FROM checkpoint ORDER BY size").unwrap();
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap().map(Result::unwrap).collect()
}

fn reply(desk: &Desk, file: &str, ca: &str) -> crate::harness::Run {
    desk.run(&format!("audit anchor --reply @{file} --ca @{ca} --store @s.db"))
}

/// It is refused with this text, and nothing is kept.
#[track_caller]
fn refused(desk: &Desk, file: &str, ca: &str, why: &str) {
    let (before, log) = (kept(desk), desk.audit("s.db").len());
    let run = reply(desk, file, ca).says(why);
    assert!(matches!(run.code, 13 | 15), "{run:?}");
    // What is broken is an error; what is whole, and not what it should be, is a refusal on record.
    assert_eq!((kept(desk), desk.audit("s.db").len()), (before, log + usize::from(run.code == 15)));
}

#[test]
fn what_an_authority_stamped_is_kept_and_shown() {
    if !installed("openssl") {
        return;
    }
    let desk = desk();
    assert_eq!(kept(&desk), [(2, true, false)]);
    // The same request as long as nothing has been done, and never over a file that is there.
    desk.run("audit anchor --request @again.tsq --store @s.db").code(0);
    assert_eq!(desk.read("1.tsq"), desk.read("again.tsq"));
    desk.run("audit anchor --request @1.tsq --store @s.db").code(15).says("already exists");
    stamp(&desk, "1.tsq", "tsa", "", "1.tsr");
    reply(&desk, "1.tsr", "root.pem").code(0);
    assert_eq!(kept(&desk), [(2, true, true)]);
    let log = desk.audit("s.db");
    let record = log.last().unwrap();
    assert_eq!((record["action"].as_str(), record["details"]["records"].as_str()), (Some("audit anchor"), Some("2")));
    assert!(record["details"]["stamped"].as_str().unwrap().starts_with("20"), "{record}");
    refused(&desk, "1.tsr", "root.pem", "already anchored");
    // openssl says the same of the note that was stamped.
    let db = Connection::open(desk.path("s.db")).unwrap();
    desk.write("note", db.query_row("SELECT note FROM checkpoint", [], |row| row.get::<_, String>(0)).unwrap());
    openssl(&desk, "ts -verify -data note -in 1.tsr -CAfile root.pem");
    openssl(&desk, "ts -verify -queryfile 1.tsq -in 1.tsr -CAfile root.pem");
    // The signature counts only where it has been checked.
    let at = record["details"]["stamped"].as_str().unwrap();
    let run = desk.run("audit verify --store @s.db").code(0).says("--ca checks their signatures");
    assert!(run.out.contains(&format!("records 1 to 2: {at}, its signature not checked")), "{}", run.out);
    assert!(
        run.out.contains("Anchored              none") && run.out.contains("Signed, not anchored  records 1 to 2"),
        "{}",
        run.out
    );
    let run = desk.run("audit verify --store @s.db --ca @root.pem").code(0);
    assert!(run.out.contains("Anchored              records 1 to 2\n"), "{}", run.out);
    assert!(
        run.out.contains(&format!("time stamp of {at}")) && run.out.contains("Neither               records 3 to 4"),
        "{}",
        run.out
    );
    // A second checkpoint has its own.
    desk.run("audit anchor --request @2.tsq --store @s.db").code(0);
    stamp(&desk, "2.tsq", "tsa", "", "2.tsr");
    refused(&desk, "1.tsr", "root.pem", "already anchored");
    reply(&desk, "2.tsr", "root.pem").code(0);
    assert_eq!(kept(&desk), [(2, true, true), (4, true, true)]);
    let run = desk.run("audit verify --store @s.db --ca @root.pem").code(0);
    assert!(
        run.out.contains("Anchored              records 1 to 4\n") && run.out.contains("records 1 to 2: "),
        "{}",
        run.out
    );
}

#[test]
fn authorities_with_other_keys_hashes_and_certificates_between() {
    if !installed("openssl") {
        return;
    }
    let desk = desk();
    root(&desk, "curve", CURVE);
    issue(&desk, "middle", RSA, "root", "middle", "sha384");
    issue(&desk, "below", CURVE, "middle", "tsa", "sha512");
    issue(&desk, "beside", RSA, "curve", "tsa", "sha256");
    let both = [desk.read("curve.pem"), b"\nand\n".to_vec(), desk.read("root.pem")].concat();
    desk.write("both.pem", both);
    let ways = [
        ("tsa", "-section old", "root.pem"),
        ("tsa", "-sha512", "root.pem"),
        ("tsa", "-sha384", "both.pem"),
        ("below", "-chain middle.pem", "both.pem"),
        ("beside", "", "curve.pem"),
        ("tsa", "", "tsa.pem"),
    ];
    for (number, (signer, more, ca)) in ways.into_iter().enumerate() {
        let (request, answer) = (format!("w{number}.tsq"), format!("w{number}.tsr"));
        desk.run(&format!("audit anchor --request @{request} --store @s.db")).code(0);
        stamp(&desk, &request, signer, more, &answer);
        if signer == "below" {
            refused(&desk, &answer, "curve.pem", "leads to none");
            stamp(&desk, &request, signer, "", "short.tsr");
            refused(&desk, "short.tsr", "root.pem", "leads to none");
        }
        reply(&desk, &answer, ca).code(0);
    }
    // The last but one is of the other root: each stamp needs its own.
    desk.write("all.pem", [desk.read("both.pem"), desk.read("tsa.pem")].concat());
    desk.run("audit verify --store @s.db --ca @all.pem").code(0);
    desk.run("audit verify --store @s.db --ca @root.pem").code(13).says("bad time stamp: checkpoint 8: ");
}

#[test]
fn certificates_that_are_not_for_this_are_refused() {
    if !installed("openssl") {
        return;
    }
    let desk = desk();
    openssl(
        &desk,
        "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -set_serial 103 -days 20 -sha256 -extfile conf -extensions tsa -out fresh.pem",
    );
    stamp(&desk, "1.tsq", "tsa", "", "1.tsr");
    root(&desk, "other", RSA);
    refused(&desk, "1.tsr", "other.pem", "leads to none of the certificates that are trusted");
    // The same name is not the same authority.
    openssl(
        &desk,
        "req -x509 -new -key other.key -subj /CN=root -days 30 -sha256 -config conf -extensions root -out twin.pem",
    );
    refused(&desk, "1.tsr", "twin.pem", "leads to none");
    refused(&desk, "1.tsr", "1.tsq", "it contains no certificate");
    // openssl does not stamp with these, so the stamp gets a signature that was made by other means, and is good.
    for extensions in ["plain", "loose", "both"] {
        openssl(
            &desk,
            &format!(
                "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -set_serial 103 -days 20 -sha256 -extfile conf -extensions {extensions} -out {extensions}.pem"
            ),
        );
        let made = cms(&desk, extensions, "1.tsr", "");
        refused(&desk, &made, "root.pem", "not made for time stamps alone");
    }
    desk.write("index.txt", "");
    desk.write("caserial", "55\n");
    openssl(
        &desk,
        "ca -batch -config conf -name ca -in tsa.csr -cert root.pem -keyfile root.key -startdate 20200101000000Z -enddate 20210101000000Z -extfile conf -extensions tsa -notext -out expired.pem",
    );
    let made = cms(&desk, "expired", "1.tsr", "");
    refused(&desk, &made, "root.pem", "not valid at the stamped time");
    // A good one made the same way is taken: what was refused was refused for its certificate.
    let made = cms(&desk, "fresh", "1.tsr", "");
    reply(&desk, &made, "root.pem").code(0);
}

/// A reply around the stamp in another reply, signed by hand with this certificate and the key of the authority.
fn cms(desk: &Desk, certificate: &str, from: &str, how: &str) -> String {
    openssl(desk, &format!("ts -reply -in {from} -token_out -out token.der"));
    openssl(desk, "cms -verify -noverify -inform DER -in token.der -out content.der");
    openssl(
        desk,
        &format!(
            "cms -sign -binary -nodetach -cades -md sha256 -econtent_type 1.2.840.113549.1.9.16.1.4 -in content.der -signer {certificate}.pem -inkey tsa.key {how} -outform DER -out {certificate}.cms"
        ),
    );
    let token = desk.read(&format!("{certificate}.cms"));
    let length = u16::try_from(token.len() + 5).unwrap().to_be_bytes();
    let name = format!("{certificate}.tsr");
    desk.write(&name, [&[0x30, 0x82, length[0], length[1], 0x30, 3, 2, 1, 0][..], &token].concat());
    name
}

#[test]
fn replies_to_something_else_are_refused() {
    if !installed("openssl") {
        return;
    }
    let desk = desk();
    let request = desk.read("1.tsq");
    // Version, then the hash: its 32 bytes begin after 24 others; the number of the request follows.
    let flip = |at: usize, name: &str| {
        let mut bent = request.clone();
        bent[at] ^= 1;
        desk.write(name, bent);
        stamp(&desk, name, "tsa", "", "bent.tsr");
    };
    flip(30, "hash.tsq");
    refused(&desk, "bent.tsr", "root.pem", "another hash");
    flip(62, "nonce.tsq");
    refused(&desk, "bent.tsr", "root.pem", "another nonce");
    desk.write("letter", "something else");
    openssl(&desk, "ts -query -data letter -sha256 -cert -out letter.tsq");
    stamp(&desk, "letter.tsq", "tsa", "", "letter.tsr");
    refused(&desk, "letter.tsr", "root.pem", "does not belong to a request of this store");
    openssl(&desk, "ts -query -data letter -sha1 -cert -out weak.tsq");
    stamp(&desk, "weak.tsq", "tsa", "", "weak.tsr");
    refused(&desk, "weak.tsr", "root.pem", "has granted no time stamp: unknown algorithm");
    refused(&desk, "1.tsq", "root.pem", "not the reply");
    desk.write("large.tsr", vec![0x30; (1 << 20) + 1]);
    refused(&desk, "large.tsr", "root.pem", "name the right file");
    // A request that somebody bent in the store.
    stamp(&desk, "hash.tsq", "tsa", "", "bent.tsr");
    let db = Connection::open(desk.path("s.db")).unwrap();
    db.execute("UPDATE checkpoint SET request = ?1", [desk.read("hash.tsq")]).unwrap();
    drop(db);
    refused(&desk, "bent.tsr", "root.pem", "for another checkpoint");
    desk.run("audit anchor --store @s.db").code(2);
    desk.run("audit anchor --reply @bent.tsr --store @s.db").code(2);
    desk.run("audit anchor --request @x --reply @bent.tsr --ca @root.pem --store @s.db").code(2);
}

#[test]
fn no_bit_of_a_reply_can_be_flipped() {
    if !installed("openssl") {
        return;
    }
    let desk = desk();
    stamp(&desk, "1.tsq", "tsa", "", "1.tsr");
    let good = desk.read("1.tsr");
    let before = content(&desk.path("s.db"));
    // But one: granted as asked, or granted with other details than were asked for, which are then looked at.
    assert_eq!(good[4..9], [0x30, 3, 2, 1, 0]);
    let places = (0..good.len()).filter(|at| *at != 8);
    let mut taken = Vec::new();
    for at in places {
        let mut bent = good.clone();
        bent[at] ^= 1 << (at % 8);
        desk.write("bent.tsr", &bent);
        let run = reply(&desk, "bent.tsr", "root.pem");
        match run.code {
            13 | 15 => {}
            _ => taken.push((at, run)),
        }
    }
    assert!(taken.is_empty(), "{taken:?}");
    assert_eq!(content(&desk.path("s.db")), before);
    for cut in (0..good.len()).step_by(61) {
        desk.write("cut.tsr", &good[..cut]);
        refused(&desk, "cut.tsr", "root.pem", "");
    }
    desk.write("more.tsr", [&good[..], &[0]].concat());
    refused(&desk, "more.tsr", "root.pem", "not the reply");
    reply(&desk, "1.tsr", "root.pem").code(0);
}

#[test]
fn what_is_done_to_a_kept_stamp_is_found() {
    if !installed("openssl") {
        return;
    }
    let desk = desk();
    stamp(&desk, "1.tsq", "tsa", "", "1.tsr");
    reply(&desk, "1.tsr", "root.pem").code(0);
    put(&mut Sqlite::open(&desk.path("s.db")).unwrap(), &[]).unwrap();
    desk.run("audit anchor --request @2.tsq --store @s.db").code(0);
    desk.copy("s.db", "good.db");
    let bad = |sql: &str, alone: u8| {
        desk.copy("good.db", "s.db");
        desk.damage("s.db", sql);
        desk.run("audit verify --store @s.db").code(alone);
        desk.run("audit verify --store @s.db --ca @root.pem").code(13).says("not intact: bad time stamp\n");
    };
    bad("UPDATE checkpoint SET reply = (SELECT reply FROM checkpoint WHERE size = 2)", 13);
    bad("UPDATE checkpoint SET reply = x'3000' WHERE size = 2", 13);
    bad("UPDATE checkpoint SET request = NULL", 13);
    // A time that somebody wrote anew looks right until its signature is asked for.
    let db = Connection::open(desk.path("good.db")).unwrap();
    let mut bytes: Vec<u8> = db.query_row("SELECT reply FROM checkpoint WHERE size = 2", [], |row| row.get(0)).unwrap();
    drop(db);
    let at = bytes.windows(4).position(|four| four[0] == 0x18 && four[2..] == *b"20").unwrap();
    bytes[at + 4] = b'0';
    bytes[at + 5] = b'1';
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    // The record that speaks of it has another time.
    bad(&format!("UPDATE checkpoint SET reply = x'{hex}' WHERE size = 2"), 13);
    // A stamp that was taken out is missed.
    bad("UPDATE checkpoint SET reply = NULL WHERE size = 2", 13);
    bad("DELETE FROM checkpoint WHERE size = 2", 13);
    desk.run("audit verify --store @s.db").code(13).says("no such stamp is kept");
    // With another authority nothing is anchored, and that is said.
    desk.copy("good.db", "s.db");
    root(&desk, "other", RSA);
    desk.run("audit verify --store @s.db --ca @other.pem").code(13).says("leads to none");
}

#[test]
fn keys_on_a_larger_curve_and_rsa_with_a_salt() {
    if !installed("openssl") {
        return;
    }
    let desk = desk();
    root(&desk, "large", LARGER_CURVE);
    issue(&desk, "stamper", LARGER_CURVE, "large", "tsa", "sha384");
    stamp(&desk, "1.tsq", "stamper", "", "1.tsr");
    refused(&desk, "1.tsr", "root.pem", "leads to none");
    reply(&desk, "1.tsr", "large.pem").code(0);
    // RSA-PSS in the stamp and in the certificate above it, with two hashes and lengths of salt.
    for (number, how, good) in [
        (2, "-keyopt rsa_padding_mode:pss", true),
        (3, "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:20", true),
        (4, "-md sha512 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:max", true),
        (5, "-keyopt rsa_padding_mode:pss -keyopt rsa_mgf1_md:sha1", false),
    ] {
        openssl(
            &desk,
            "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -set_serial 103 -days 20 -sha256 -sigopt rsa_padding_mode:pss -extfile conf -extensions tsa -out fresh.pem",
        );
        let request = format!("p{number}.tsq");
        desk.run(&format!("audit anchor --request @{request} --store @s.db")).code(0);
        stamp(&desk, &request, "tsa", "", "plain.tsr");
        let made = cms(&desk, "fresh", "plain.tsr", how);
        let whole = desk.read(&made);
        let mut bent = whole.clone();
        let last = bent.len() - 1;
        bent[last] ^= 1;
        desk.write("bent.tsr", bent);
        match good {
            true => {
                refused(&desk, "bent.tsr", "root.pem", "not of this content");
                reply(&desk, &made, "root.pem").code(0);
            }
            false => refused(&desk, &made, "root.pem", "not the reply"),
        }
    }
    desk.write("both.pem", [desk.read("root.pem"), desk.read("large.pem")].concat());
    desk.run("audit verify --store @s.db --ca @both.pem").code(0);
    root(&desk, "largest", LARGEST_CURVE);
    issue(&desk, "fourth", LARGEST_CURVE, "largest", "tsa", "sha512");
    desk.run("audit anchor --request @l.tsq --store @s.db").code(0);
    stamp(&desk, "l.tsq", "fourth", "", "l.tsr");
    reply(&desk, "l.tsr", "largest.pem").code(0);
    // A curve that is not known is said to be so.
    root(&desk, "larger", OTHER_CURVE);
    issue(&desk, "unknown", OTHER_CURVE, "larger", "tsa", "sha512");
    desk.run("audit anchor --request @u.tsq --store @s.db").code(0);
    stamp(&desk, "u.tsq", "unknown", "", "u.tsr");
    refused(&desk, "u.tsr", "larger.pem", "not of this kind");
}

#[test]
fn a_stamp_that_contradicts_the_times_of_the_records_is_said() {
    if !installed("openssl") {
        return;
    }
    let desk = Desk::new();
    desk.write("conf", CONFIG);
    desk.write("stampserial", "01\n");
    root(&desk, "root", RSA);
    issue(&desk, "tsa", RSA, "root", "tsa", "sha256");
    // The records say they were written years from now.
    desk.clock("2090-01-01T00:00:00Z");
    desk.run("store new --store @s.db").code(0);
    desk.run("audit anchor --request @1.tsq --store @s.db").code(0);
    stamp(&desk, "1.tsq", "tsa", "", "1.tsr");
    refused(&desk, "1.tsr", "root.pem", "says it was written later, at 2090-01-01T00:00:00Z");
    // The clock of this computer is years behind.
    desk.clock(&now().to_string());
    desk.run("store new --store @t.db").code(0);
    desk.run("audit anchor --request @2.tsq --store @t.db").code(0);
    stamp(&desk, "2.tsq", "tsa", "", "2.tsr");
    desk.clock("2001-01-01T00:00:00Z");
    let late = desk.run("audit anchor --reply @2.tsr --ca @root.pem --store @t.db").code(15);
    late.says("the clock here shows 2001-01-01T00:00:00Z");
    // Somebody put it there all the same.
    let bytes: String = desk.read("1.tsr").iter().map(|byte| format!("{byte:02x}")).collect();
    desk.damage("s.db", &format!("UPDATE checkpoint SET reply = x'{bytes}'"));
    for trusted in ["", " --ca @root.pem"] {
        let run = desk.run(&format!("audit verify --store @s.db{trusted}")).code(13);
        run.says("bad time stamp").says("says it was written later");
    }
}
