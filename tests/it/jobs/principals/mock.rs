//! A directory that gives large groups in parts and refers to others, as a responder of a few lines that speaks just
//! enough LDAP (RFC 4511).

use crate::harness::Desk;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// What the responder does beyond its entries.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Plain,
    /// It refers to another directory.
    Refers,
    /// It never gives the rest of a group.
    Stops,
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut all = vec![tag];
    match content.len() {
        short @ 0..=127 => all.push(short as u8),
        long => {
            all.push(0x82);
            all.extend((long as u16).to_be_bytes());
        }
    }
    all.extend_from_slice(content);
    all
}

fn text(text: &str) -> Vec<u8> {
    tlv(4, text.as_bytes())
}

fn entry(dn: &str, attributes: &[(&str, &[&str])]) -> Vec<u8> {
    let one = |(name, values): &(&str, &[&str])| {
        let values: Vec<u8> = values.iter().flat_map(|value| text(value)).collect();
        tlv(0x30, &[text(name), tlv(0x31, &values)].concat())
    };
    let attributes: Vec<u8> = attributes.iter().flat_map(one).collect();
    tlv(0x64, &[text(dn), tlv(0x30, &attributes)].concat())
}

/// The result of an operation: success.
fn result(tag: u8) -> Vec<u8> {
    tlv(tag, &[tlv(0x0A, &[0]), text(""), text("")].concat())
}

/// The control that says that there are no more pages.
fn no_more() -> Vec<u8> {
    let value = tlv(4, &tlv(0x30, &[tlv(2, &[0]), text("")].concat()));
    tlv(0xA0, &tlv(0x30, &[text("1.2.840.113556.1.4.319"), value].concat()))
}

fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).ok()?;
    let mut long = vec![0; usize::from(if head[1] & 0x80 == 0 { 0 } else { head[1] & 0x7F })];
    stream.read_exact(&mut long).ok()?;
    let length = match long.is_empty() {
        true => head[1].into(),
        false => long.iter().fold(0, |length: usize, byte| length << 8 | usize::from(*byte)),
    };
    let mut content = vec![0; length];
    stream.read_exact(&mut content).ok()?;
    Some(content)
}

const GROUP: &str = "CN=G,DC=x";

fn entries(manner: Manner) -> Vec<Vec<u8>> {
    let class = |name: &'static str| ("objectClass", vec![name]);
    let user = |name: &str| {
        let address = format!("sip:{name}@x.example");
        let (class, list) = class("user");
        entry(
            &format!("CN={name},DC=x"),
            &[(class, &list), ("cn", &[name]), ("msRTCSIP-PrimaryUserAddress", &[&address])],
        )
    };
    let group =
        [("objectClass", ["group"].as_slice()), ("cn", &["G"]), ("member;range=0-1", &["CN=a,DC=x", "CN=b,DC=x"])];
    let mut all: Vec<Vec<u8>> = ["a", "b", "c", "d", "e"].into_iter().map(user).collect();
    all.insert(0, entry(GROUP, &group));
    if manner == Manner::Refers {
        all.push(tlv(0x73, &text("ldap://other.example/DC=other")));
        // What lies there is not here.
        all.remove(5);
    }
    all
}

fn serve(mut stream: TcpStream, manner: Manner) {
    while let Some(content) = message(&mut stream) {
        let id = content[..usize::from(content[1]) + 2].to_vec();
        let operation = content[id.len()];
        let asked = String::from_utf8_lossy(&content).into_owned();
        let answers: Vec<(Vec<u8>, Vec<u8>)> = match operation {
            0x60 => vec![(result(0x61), Vec::new())],
            0x63 => {
                let part = asked.split("member;range=").nth(1).and_then(|rest| rest.split('-').next());
                let found = match part {
                    Some("2") if manner == Manner::Stops => vec![entry(GROUP, &[])],
                    Some("2") => vec![entry(GROUP, &[("member;range=2-3", &["CN=c,DC=x", "CN=d,DC=x"])])],
                    Some("4") => vec![entry(GROUP, &[("member;range=4-*", &["CN=e,DC=x"])])],
                    Some(other) => panic!("nobody asks from {other}"),
                    None => entries(manner),
                };
                let done = (result(0x65), if part.is_none() { no_more() } else { Vec::new() });
                found.into_iter().map(|found| (found, Vec::new())).chain([done]).collect()
            }
            _ => return,
        };
        for (answer, controls) in answers {
            if stream.write_all(&tlv(0x30, &[id.clone(), answer, controls].concat())).is_err() {
                return;
            }
        }
    }
}

/// A responder, and the command that asks it.
fn ask(manner: Manner) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, manner)));
    format!("principal sync --ldap ldap://127.0.0.1:{port} --base DC=x --store @s.db")
}

#[test]
fn a_large_group_is_fetched_to_its_end() {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    desk.run(&ask(Manner::Stops)).code(13).says("only the first 2 values of member").says("nothing was changed");
    assert_eq!(desk.catalog("s.db").of("principal").count(), 0);
    desk.run(&ask(Manner::Plain)).code(0);
    let catalog = desk.catalog("s.db");
    let inside = |name: &str| {
        let is = |one: &&pchat::model::record::Record| one.get("Name").show() == name;
        catalog.of("principal").find(is).unwrap().get("Affiliations").show()
    };
    for name in ["a", "b", "c", "d", "e"] {
        assert_eq!(inside(name), GROUP, "{name}");
    }
}

#[test]
fn a_directory_that_refers_to_others_deletes_nobody() {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    desk.run(&ask(Manner::Plain)).code(0);
    let sync = format!("{} --missing-deleted", ask(Manner::Refers));
    desk.run(&sync)
        .code(0)
        .says("the directory gave 1 reference to other directories, which were not asked, so nobody");
    let gone = |one: &&pchat::model::record::Record| one.get("Disabled").show() == "2";
    assert_eq!(desk.catalog("s.db").of("principal").filter(gone).count(), 0);
}
