//! Cuts: where they lie, how long runs become, and who is present when they begin.

use pchat::formats::cut::{About, By, Cut, Cutter, Cutting, Most};
use pchat::model::ids::RoomKey;
use pchat::model::message::{Event, Kind, Persona};
use pchat::model::time::Ticks;
use pchat::model::unit::{RoomHint, Unit};
use pchat::model::zone::Zone;
use pchat::select::scope::{Scope, Selection};
use proptest::prelude::*;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

fn key(room: &str) -> RoomKey {
    RoomKey { pool: "p".to_owned(), uri: room.to_owned() }
}

/// A unit of `room`; each event is a time, a kind, a person with `/name` if it has one, and a text.
fn unit(room: &str, number: u32, events: &[(&str, Kind, &str, &str)]) -> Unit {
    let mut unit = Unit::new(Arc::new(key(room)), number);
    for (at, kind, who, body) in events {
        let (uri, name) = who.split_once('/').map_or((*who, None), |(uri, name)| (uri, Some(name.to_owned())));
        let persona = Persona { uri: uri.to_owned(), name, ..Persona::default() };
        let who = unit.people.iter().position(|known| *known == persona).unwrap_or_else(|| {
            unit.people.push(persona);
            unit.people.len() - 1
        });
        let event = Event::new(Ticks::parse(at).unwrap().0, *kind);
        unit.events.push(Event { who: who as u32, body: (*body).to_owned(), ..event });
    }
    unit
}

fn cutting(by: By, most: Most) -> Cutting {
    let names = [("a", "Alpha"), ("b", "Beta")].map(|(room, title)| {
        (
            key(room),
            Arc::new(RoomHint { title: Some(title.to_owned()), category: Some("C".to_owned()), ..RoomHint::default() }),
        )
    });
    Cutting { cut: Cut { by, most }, presence: true, keep: None, names: Arc::new(HashMap::from(names)) }
}

fn runs(told: Cutting, units: Vec<Unit>) -> Vec<(Unit, About)> {
    let mut runs = Vec::new();
    let mut take = |unit: Unit, about: About, weight: usize| {
        assert!(weight > 0);
        runs.push((unit, about));
        ControlFlow::Continue(())
    };
    let mut cutter = Cutter::new(told);
    for unit in units {
        let weight = unit.weight();
        assert!(cutter.feed(unit, weight, &mut take).is_continue());
    }
    assert!(cutter.end(&mut take).is_continue());
    runs
}

/// A run in one line: room, cut.part with a plus if it goes on, day, texts with who said them, who was present.
fn line((unit, about): &(Unit, About)) -> String {
    let person = |persona: &Persona| match &persona.name {
        Some(name) => format!("{}/{name}", persona.uri),
        None => persona.uri.clone(),
    };
    let said = unit.events.iter().map(|event| format!("{}{}", unit.people[event.who as usize].uri, event.body));
    format!(
        "{}{} {}.{}{} {} [{}] {}",
        unit.room.uri,
        unit.number,
        about.cut,
        about.part,
        if about.continues { "+" } else { "" },
        about.day.map_or("-".to_owned(), |day| day.to_string()),
        about.present.iter().map(|persona| person(persona)).collect::<Vec<_>>().join(","),
        said.collect::<Vec<_>>().join(" "),
    )
}

fn lines(told: Cutting, units: Vec<Unit>) -> Vec<String> {
    runs(told, units).iter().map(line).collect()
}

/// Two rooms over three days of Berlin; the second unit of the first room goes on within a day.
fn chat() -> Vec<Unit> {
    use Kind::{Chat, Join, Part};
    let first = [
        ("2020-03-01T10:00:00Z", Join, "x", "+"),
        ("2020-03-01T10:01:00Z", Chat, "x", "1"),
        ("2020-03-01T10:02:00Z", Join, "y/Ypsilon", "+"),
        ("2020-03-01T22:59:59Z", Chat, "y/Ypsilon", "2"),
        ("2020-03-01T23:00:00Z", Chat, "SIP:Y/Why", "3"),
    ];
    let second = [
        ("2020-03-02T09:00:00Z", Part, "sip:X", "-"),
        ("2020-03-02T09:01:00Z", Chat, "y/Why", "4"),
        ("2020-03-02T09:02:00Z", Chat, "z", "5"),
    ];
    let third = [("2020-03-04T09:02:00Z", Chat, "z", "6")];
    vec![unit("a", 1, &first), unit("a", 2, &second), unit("a", 3, &third), unit("b", 1, &third)]
}

const FIVE: Most = Most { events: 5, bytes: 1000, files: u64::MAX };

#[test]
fn days_of_rooms_follow_the_zone() {
    let berlin = Zone::parse(Some("Europe/Berlin")).unwrap();
    let days = [
        "a1 1.1 2020-03-01 [] x+ x1 y+ y2",
        "a2 2.1 2020-03-02 [x,y/Ypsilon] SIP:Y3 sip:X- y4 z5",
        "a3 3.1 2020-03-04 [y/Why] z6",
        "b1 1.1 2020-03-04 [] z6",
    ];
    assert_eq!(lines(cutting(By::RoomDays(berlin), FIVE), chat()), days);
    let utc = [
        "a1 1.1 2020-03-01 [] x+ x1 y+ y2 SIP:Y3",
        "a2 2.1 2020-03-02 [x,SIP:Y/Why] sip:X- y4 z5",
        "a3 3.1 2020-03-04 [y/Why] z6",
        "b1 1.1 2020-03-04 [] z6",
    ];
    assert_eq!(lines(cutting(By::RoomDays(Zone::UTC), FIVE), chat()), utc);
}

#[test]
fn a_day_or_a_room_that_is_too_long_goes_on_in_parts() {
    let two = Most { events: 2, bytes: 1000, files: u64::MAX };
    let berlin = Zone::parse(Some("Europe/Berlin")).unwrap();
    let days = [
        "a1 1.1+ 2020-03-01 [] x+ x1",
        "a2 1.2 2020-03-01 [x] y+ y2",
        "a3 2.1+ 2020-03-02 [x,y/Ypsilon] SIP:Y3 sip:X-",
        "a4 2.2 2020-03-02 [SIP:Y/Why] y4 z5",
        "a5 3.1 2020-03-04 [y/Why] z6",
        "b1 1.1 2020-03-04 [] z6",
    ];
    assert_eq!(lines(cutting(By::RoomDays(berlin), two), chat()), days);
    let rooms = ["a1 1.1+ - [] x+ x1 y+ y2 SIP:Y3", "a2 1.2 - [x,SIP:Y/Why] sip:X- y4 z5 z6", "b1 1.1 - [] z6"];
    assert_eq!(lines(cutting(By::Rooms, FIVE), chat()), rooms);
    let whole = ["a1 1.1 - [] x+ x1 y+ y2 SIP:Y3 sip:X- y4 z5 z6", "b1 1.1 - [] z6"];
    assert_eq!(lines(cutting(By::Rooms, Most::default()), chat()), whole);
}

#[test]
fn pages_are_those_of_the_store_or_as_long_as_they_may_be() {
    let store = [
        "a1 1.1 - [] x+ x1 y+ y2 SIP:Y3",
        "a2 2.1 - [x,SIP:Y/Why] sip:X- y4 z5",
        "a3 3.1 - [y/Why] z6",
        "b1 1.1 - [] z6",
    ];
    assert_eq!(lines(cutting(By::Pages, Most::default()), chat()), store);
    let six = ["a1 1.1 - [] x+ x1 y+ y2 SIP:Y3 sip:X-", "a2 2.1 - [SIP:Y/Why] y4 z5 z6", "b1 1.1 - [] z6"];
    assert_eq!(lines(cutting(By::Pages, Most { events: 6, bytes: 1000, files: u64::MAX }), chat()), six);
    // By bytes; a single event may have more.
    let bytes = ["a1 1.1 - [] zlonger than a page", "a2 2.1 - [] z1 z2", "a3 3.1 - [] z3"];
    let event = |body| ("2020-03-04T09:02:00Z", Kind::Chat, "z", body);
    let long = unit("a", 1, &[event("longer than a page"), event("1"), event("2"), event("3")]);
    assert_eq!(lines(cutting(By::Pages, Most { events: 6, bytes: 2, files: u64::MAX }), vec![long]), bytes);
}

#[test]
fn what_is_left_out_still_tells_who_is_present() {
    let from = Ticks::parse("2020-03-02T09:00:30Z").unwrap().0;
    let keep = Selection::of(Scope { from, people: Some(["z".to_owned()].into()), ..Scope::all() });
    let told = Cutting { keep: Some(keep), ..cutting(By::Pages, Most::default()) };
    assert_eq!(lines(told, chat()), ["a1 1.1 - [y/Why] z5 z6", "b1 1.1 - [] z6"]);
}

#[test]
fn runs_name_their_room() {
    let runs = runs(cutting(By::Rooms, FIVE), chat());
    let names: Vec<_> = runs.iter().map(|(_, about)| about.names.title.as_deref().unwrap()).collect();
    assert_eq!(names, ["Alpha", "Alpha", "Beta"]);
    assert!(runs.iter().all(|(unit, about)| unit.room == about.room && about.names.category.as_deref() == Some("C")));
}

#[test]
fn a_break_is_passed_on() {
    for by in [By::Pages, By::Rooms, By::RoomDays(Zone::UTC)] {
        let mut cutter = Cutter::new(cutting(by, Most { events: 1, bytes: 1, files: u64::MAX }));
        let mut taken = 0;
        let flow = cutter.feed(chat().remove(0), 1, &mut |_, _, _| {
            taken += 1;
            ControlFlow::Break(())
        });
        assert!(flow.is_break() && taken == 1);
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_and_no_run_is_too_long(
        gaps in proptest::collection::vec((0i64..40 * 36_000_000_000, 0usize..4, 0usize..30, any::<bool>()), 1..120),
        pages in 1usize..9,
        events in 1usize..9,
        bytes in 1usize..60,
        by in prop_oneof![Just(By::Pages), Just(By::Rooms), Just(By::RoomDays(Zone::parse(Some("America/St_Johns")).unwrap()))],
    ) {
        let mut at = Ticks::parse("2010-11-06T00:00:00Z").unwrap().0.0;
        let mut units: Vec<Unit> = Vec::new();
        for (gap, who, length, new) in gaps {
            at += gap;
            let text = Ticks(at).to_string();
            let one = unit("a", 0, &[(&text, Kind::Chat, ["a", "b", "c", "d"][who], &"x".repeat(length))]);
            if new && units.len() < pages || units.is_empty() {
                units.push(Unit::new(Arc::new(key(["a", "b"][units.len() % 2])), 1));
                units.last_mut().unwrap().room = Arc::new(key(&format!("r{}", units.len() / 3)));
            }
            let last = units.last_mut().unwrap();
            let who = last.people.iter().position(|known| *known == one.people[0]).unwrap_or_else(|| {
                last.people.push(one.people[0].clone());
                last.people.len() - 1
            });
            last.events.push(Event { who: who as u32, ..one.events[0].clone() });
        }
        let told = |unit: &Unit| -> Vec<(String, String, Ticks, usize)> {
            unit.events.iter().map(|event| {
                (unit.room.uri.clone(), unit.people[event.who as usize].uri.clone(), event.at, event.body.len())
            }).collect()
        };
        let all: Vec<_> = units.iter().flat_map(told).collect();
        let most = Most { events, bytes, files: u64::MAX };
        let made = runs(cutting(by, most), units);
        prop_assert_eq!(made.iter().flat_map(|(unit, _)| told(unit)).collect::<Vec<_>>(), all);
        for (index, (unit, about)) in made.iter().enumerate() {
            let said: usize = unit.events.iter().map(|event| event.body.len()).sum();
            prop_assert!(!unit.events.is_empty() && unit.events.len() <= events);
            prop_assert!(unit.events.len() == 1 || said <= bytes);
            let next = made.get(index + 1).map(|(_, next)| next).filter(|next| next.room == about.room);
            match next {
                Some(next) if about.continues => prop_assert_eq!((next.cut, next.part), (about.cut, about.part + 1)),
                Some(next) => prop_assert_eq!((next.cut, next.part), (about.cut + 1, 1)),
                None => prop_assert!(!about.continues),
            }
            if let By::RoomDays(zone) = by {
                prop_assert!(unit.events.iter().all(|event| Some(zone.day(event.at).date) == about.day));
                prop_assert!(next.is_none_or(|next| about.continues == (next.day == about.day)));
            }
        }
    }
}
