//! The people of the made-up company: addresses, display names, and a new name for some of them.
//!
//! Every part is ready to be put into a line of JSON; no name holds a character that needs escaping.

use crate::dice::Dice;

const FIRST: [&str; 40] = [
    "Kazuto", "Anna", "David", "Mei", "Omar", "Priya", "Lars", "Sofia", "Tom", "Ingrid", "Pedro", "Yuki", "Elena",
    "Marc", "Fatima", "Jonas", "Chloé", "Björn", "Zoë", "Igor", "Nadia", "Paul", "Grace", "Hugo", "Li", "Amir", "Beth",
    "Carlos", "Dina", "Erik", "Farah", "Georg", "Hana", "Ivan", "Jane", "Kofi", "Lucía", "Mina", "Noah", "Olga",
];
const LAST: [&str; 50] = [
    "Miyamoto",
    "Weiler",
    "Campbell",
    "Zhang",
    "Haddad",
    "Nair",
    "Lindqvist",
    "Rossi",
    "Baker",
    "Solberg",
    "Alvarez",
    "Tanaka",
    "Petrova",
    "Dubois",
    "Rahman",
    "Keller",
    "Martin",
    "Ström",
    "Novak",
    "Ivanov",
    "Saleh",
    "Walker",
    "Okafor",
    "Silva",
    "Chen",
    "Farouk",
    "Hughes",
    "Mendes",
    "Cohen",
    "Berg",
    "Khan",
    "Schmidt",
    "Sato",
    "Kovač",
    "Doe",
    "Mensah",
    "Ortega",
    "Park",
    "Reed",
    "Popov",
    "Ahmed",
    "Bauer",
    "Costa",
    "Eriksen",
    "Fischer",
    "Gupta",
    "Hansen",
    "Jones",
    "Klein",
    "Müller",
];
const ELSEWHERE: [&str; 8] =
    ["李伟", "王芳", "佐藤 健", "鈴木 花子", "محمد علي", "Ольга Смирнова", "Γιώργος Παπάς", "अनिल शर्मा"];

/// Somebody who takes part in rooms.
pub(crate) struct Person {
    /// `,"user":"sip:…","user_name":"…"`
    before: String,
    /// The same with the new name, and the instant from which it holds.
    after: Option<(i64, String)>,
}

impl Person {
    /// What a line says of this person at this time.
    pub(crate) fn at(&self, ticks: i64) -> &str {
        match &self.after {
            Some((since, text)) if ticks >= *since => text,
            _ => &self.before,
        }
    }
}

/// `count` people; every fiftieth gets a new name somewhere between `start` and `end`.
pub(crate) fn people(seed: u64, count: usize, start: i64, end: i64) -> Vec<Person> {
    let mut dice = Dice::new(seed, 0x9e09);
    (0..count)
        .map(|number| {
            let (first, last) = (dice.pick(&FIRST), dice.pick(&LAST));
            let user: String = format!("{first}.{last}").to_lowercase().chars().filter(char::is_ascii).collect();
            let name = if dice.chance(0.03) { dice.pick(&ELSEWHERE).to_owned() } else { format!("{first} {last}") };
            let part = |name: &str| format!(r#","user":"sip:{user}{number}@litwareinc.com","user_name":"{name}""#);
            let middle = start + ((end - start) as f64 * (0.3 + 0.4 * dice.unit())) as i64;
            let after = (number % 50 == 7).then(|| (middle, part(&format!("{first} {}", dice.pick(&LAST)))));
            Person { before: part(&name), after }
        })
        .collect()
}
