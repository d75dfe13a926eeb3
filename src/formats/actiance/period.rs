//! Who was there in a period: everybody who came also leaves, and who says something was there.

use crate::model::ids::person_key;
use crate::model::message::{Event, Kind, Persona};
use crate::model::time::Ticks;
use std::collections::BTreeMap;

/// A period of a conversation.
pub(super) struct Period {
    pub(super) start: Ticks,
    /// Its last millisecond.
    pub(super) end: Ticks,
}

/// Somebody who is there, and when that began; more than once, if somebody came again without having left.
#[derive(Debug, Clone)]
pub(super) struct Stay<'a> {
    pub(super) persona: &'a Persona,
    pub(super) since: Vec<Ticks>,
}

/// Who came or left, and when, in order of time and address.
pub(super) type Moves<'a> = Vec<(Ticks, &'a Persona)>;

/// Who entered and who left. `here` is who is there when the period begins, and afterwards who stays.
pub(super) fn stays<'a>(
    period: &Period,
    events: &'a [Event],
    people: &'a [Persona],
    here: &mut BTreeMap<String, Stay<'a>>,
) -> (Moves<'a>, Moves<'a>) {
    let mut entered: Moves<'a> = Vec::new();
    let mut left: Moves<'a> = Vec::new();
    for stay in here.values() {
        entered.extend(stay.since.iter().map(|since| (*since, stay.persona)));
    }
    // People of whom nobody knows when they came were there all the time.
    let mut visitors: BTreeMap<String, &Persona> = BTreeMap::new();
    for event in events {
        let persona = &people[event.who as usize];
        let key = person_key(&persona.uri);
        match event.kind {
            Kind::Join => {
                entered.push((event.at, persona));
                here.entry(key).or_insert_with(|| Stay { persona, since: Vec::new() }).since.push(event.at);
            }
            Kind::Part => match here.get_mut(&key) {
                Some(stay) => {
                    left.push((event.at, persona));
                    stay.since.pop();
                    if stay.since.is_empty() {
                        here.remove(&key);
                    }
                }
                None if visitors.remove(&key).is_some() => left.push((event.at, persona)),
                None => {
                    entered.push((period.start, persona));
                    left.push((event.at, persona));
                }
            },
            _ if here.contains_key(&key) || visitors.contains_key(&key) => {}
            _ => {
                entered.push((period.start, persona));
                visitors.insert(key, persona);
            }
        }
    }
    for stay in here.values() {
        left.extend(stay.since.iter().map(|_| (period.end, stay.persona)));
    }
    left.extend(visitors.into_values().map(|persona| (period.end, persona)));
    for moves in [&mut entered, &mut left] {
        moves.sort_by(|a, b| (a.0, &a.1.uri).cmp(&(b.0, &b.1.uri)));
    }
    (entered, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn persona(uri: &str) -> Persona {
        Persona { uri: uri.to_owned(), ..Persona::default() }
    }

    #[test]
    fn everybody_who_comes_leaves() {
        let people = [persona("ann"), persona("bob"), persona("eve"), persona("dan")];
        let event = |at: i64, who: u32, kind: Kind| Event { who, ..Event::new(Ticks(at), kind) };
        let before = persona("zoe");
        let mut here = BTreeMap::from([("zoe".to_owned(), Stay { persona: &before, since: vec![Ticks(3)] })]);
        let events = [
            event(11, 0, Kind::Join),
            event(12, 0, Kind::Join),
            event(13, 1, Kind::Part),
            event(14, 2, Kind::Chat),
            event(15, 2, Kind::Chat),
            event(16, 0, Kind::Part),
            event(17, 3, Kind::Upload),
            event(18, 3, Kind::Part),
            event(19, 3, Kind::Join),
        ];
        let period = Period { start: Ticks(10), end: Ticks(99) };
        let (entered, left) = stays(&period, &events, &people, &mut here);
        let shown =
            |moves: &Moves<'_>| moves.iter().map(|(at, who)| format!("{}{}", who.uri, at.0)).collect::<Vec<_>>();
        assert_eq!(shown(&entered), ["zoe3", "bob10", "dan10", "eve10", "ann11", "ann12", "dan19"]);
        assert_eq!(shown(&left), ["bob13", "ann16", "dan18", "ann99", "dan99", "eve99", "zoe99"]);
        assert_eq!(here.keys().collect::<Vec<_>>(), ["ann", "dan", "zoe"]);
    }
}
