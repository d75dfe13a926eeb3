//! Makes a history of any size as JSON Lines on standard output, for measuring. The same options give the same bytes.
//!
//! `cargo run --release --example generate -- --messages 2000000 --shape few --seed 1 > history.jsonl`
//!
//! Two shapes: `few` is 200 rooms of which one has 44 % of all messages; `many` is 15,000 rooms without such a one,
//! most of which hold fewer than 100 events.
//! Must not need anything but the standard library, and must not look at the clock.

mod dice;
mod people;
mod room;
mod text;

use room::{END, Room, START, Tally, World};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

const USAGE: &str =
    "usage: generate --messages N [--shape few|many] [--rooms R] [--seed 1] [--one-room-share SHARE] [--interleave]";

struct Options {
    messages: u64,
    rooms: u64,
    seed: u64,
    one_room_share: f64,
    interleave: bool,
}

fn main() -> ExitCode {
    let mut stderr = std::io::stderr();
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(what) => {
            let _ = writeln!(stderr, "generate: {what}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match generate(&options) {
        Ok(tally) => {
            let mean = tally.body_bytes as f64 / tally.messages.max(1) as f64;
            let _ = writeln!(
                stderr,
                "{} messages, {} other events, {:.1} bytes of text a message",
                tally.messages, tally.others, mean
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(stderr, "generate: standard output: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    fn value<T: std::str::FromStr>(name: &str, text: Option<String>) -> Result<T, String> {
        let text = text.ok_or_else(|| format!("{name} needs a value"))?;
        text.parse().map_err(|_| format!("{name} cannot be {text}"))
    }
    let (few, many) = ((200, 0.44), (15_000, 0.0));
    let (mut shape, mut rooms, mut share) = (few, None, None);
    let mut options = Options { messages: 0, rooms: 0, seed: 1, one_room_share: 0.0, interleave: false };
    while let Some(name) = args.next() {
        match name.as_str() {
            "--messages" => options.messages = value(&name, args.next())?,
            "--shape" => {
                shape = match args.next().as_deref() {
                    Some("few") => few,
                    Some("many") => many,
                    _ => return Err("--shape is few or many".to_owned()),
                }
            }
            "--rooms" => rooms = Some(value(&name, args.next())?),
            "--seed" => options.seed = value(&name, args.next())?,
            "--one-room-share" => share = Some(value(&name, args.next())?),
            "--interleave" => options.interleave = true,
            _ => return Err(format!("unknown option {name}")),
        }
    }
    (options.rooms, options.one_room_share) = (rooms.unwrap_or(shape.0), share.unwrap_or(shape.1));
    if options.rooms == 0 || options.messages < options.rooms {
        return Err("there must be at least one room, and one message for each room".to_owned());
    }
    if !(0.0..=1.0).contains(&options.one_room_share) {
        return Err("--one-room-share must lie between 0 and 1".to_owned());
    }
    Ok(options)
}

/// How many messages each room holds: the first has its share, the others follow Zipf's law, none is empty.
fn sizes(options: &Options) -> Vec<u64> {
    let others = options.rooms - 1;
    if others == 0 {
        return vec![options.messages];
    }
    let spare = options.messages - options.rooms;
    let first = (options.messages as f64 * options.one_room_share).round() as u64;
    let first = first.saturating_sub(1).min(spare);
    let rest = spare - first;
    let total: f64 = (1..=others).map(|rank| 1.0 / rank as f64).sum();
    let mut sizes = vec![first + 1];
    sizes.extend((1..=others).map(|rank| 1 + (rest as f64 / rank as f64 / total) as u64));
    // What rounding left over goes to the second room.
    let left: u64 = options.messages - sizes.iter().sum::<u64>();
    sizes[1] += left;
    sizes
}

fn generate(options: &Options) -> std::io::Result<Tally> {
    let count = (options.messages / 500).clamp(300, 2_000) as usize;
    let world =
        World { texts: text::Texts::new(options.seed), people: people::people(options.seed, count, START, END) };
    let mut rooms: Vec<Room<'_>> = sizes(options)
        .into_iter()
        .enumerate()
        .map(|(number, messages)| Room::new(&world, options.seed, number as u64, messages))
        .collect();
    let mut tally = Tally::default();
    let mut out = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    let mut line = Vec::with_capacity(1 << 13);
    if options.interleave {
        let times = rooms.iter_mut().enumerate();
        let mut next: BinaryHeap<_> = times.filter_map(|(n, room)| Some(Reverse((room.next_time()?, n)))).collect();
        while let Some(Reverse((_, number))) = next.pop() {
            line.clear();
            rooms[number].write(&mut line, &mut tally);
            out.write_all(&line)?;
            next.extend(rooms[number].next_time().map(|time| Reverse((time, number))));
        }
    } else {
        for room in &mut rooms {
            while room.next_time().is_some() {
                line.clear();
                room.write(&mut line, &mut tally);
                out.write_all(&line)?;
            }
        }
    }
    out.flush()?;
    Ok(tally)
}
