//! What an export cannot do without: reading every row of a store and deflating every page, and nothing else.
//!
//! Pages come from an archive made of the same store and are inflated into memory before the clock starts, so this
//! needs as much memory as the pages have bytes. Prints one line of JSON.

use libdeflater::{CompressionLvl, Compressor};
use std::fs::File;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const USAGE: &str = "usage: bare STORE ARCHIVE [--threads N] [--level 0..12]";

type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Options {
    store: String,
    archive: String,
    threads: usize,
    level: i32,
}

/// The pages as text, and how large they are in the archive.
struct Pages {
    texts: Vec<Vec<u8>>,
    packed: u64,
}

fn main() -> ExitCode {
    let done = options(std::env::args().skip(1)).and_then(|options| measure(&options));
    match done.and_then(|line| Ok(writeln!(std::io::stdout(), "{line}")?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "bare: {error}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options, Failure> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut paths, mut threads, mut level) = (Vec::new(), threads, 3);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--threads" => threads = args.next().ok_or("--threads needs a value")?.parse()?,
            "--level" => level = args.next().ok_or("--level needs a value")?.parse()?,
            _ => paths.push(arg),
        }
    }
    let [store, archive] = <[String; 2]>::try_from(paths).map_err(|_| "a store and an archive are needed")?;
    if threads == 0 || level > 12 {
        return Err("at least one thread and a level from 0 to 12 are needed".into());
    }
    Ok(Options { store, archive, threads, level })
}

fn pages(archive: &str) -> Result<Pages, Failure> {
    let mut zip = zip::ZipArchive::new(File::open(archive)?)?;
    let mut pages = Pages { texts: Vec::new(), packed: 0 };
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index)?;
        let name = entry.name()?;
        if !name.contains("/data/rooms/") || !name.ends_with(".xml") {
            continue;
        }
        let mut text = Vec::with_capacity(usize::try_from(entry.size())?);
        entry.read_to_end(&mut text)?;
        pages.packed += entry.compressed_size();
        pages.texts.push(text);
    }
    if pages.texts.is_empty() { Err("the archive holds no pages of rooms".into()) } else { Ok(pages) }
}

/// Reads every row in the order of `id`; the sum keeps the work from being left out by the compiler.
fn read(store: &rusqlite::Connection) -> Result<(u64, u64), Failure> {
    let mut rows = 0;
    let mut bytes = 0;
    let mut statement = store.prepare("SELECT id, ticks, kind, chat, persona, body, rtf FROM event ORDER BY id")?;
    let mut cursor = statement.query([])?;
    while let Some(row) = cursor.next()? {
        rows += 1;
        for column in 0..7 {
            bytes += match row.get_ref(column)? {
                rusqlite::types::ValueRef::Text(text) | rusqlite::types::ValueRef::Blob(text) => text.len() as u64,
                rusqlite::types::ValueRef::Integer(number) => u64::from(number != 0),
                _ => 0,
            };
        }
    }
    Ok((rows, bytes))
}

fn measure(options: &Options) -> Result<String, Failure> {
    let pages = pages(&options.archive)?;
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let store = rusqlite::Connection::open_with_flags(&options.store, flags)?;
    let (next, packed) = (AtomicUsize::new(0), AtomicU64::new(0));
    let (texts, level) = (&pages.texts, CompressionLvl::new(options.level).map_err(|_| "there is no such level")?);
    let gate = Barrier::new(options.threads + 1);
    let deflate = || -> Result<Duration, Failure> {
        gate.wait();
        let start = Instant::now();
        let mut compressor = Compressor::new(level);
        while let Some(text) = texts.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut out = vec![0; compressor.deflate_compress_bound(text.len())];
            let length = compressor.deflate_compress(text, &mut out).map_err(|_| "a page was not deflated")?;
            packed.fetch_add(length as u64, Ordering::Relaxed);
        }
        Ok(start.elapsed())
    };
    let (found, read_time, workers, wall) = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..options.threads).map(|_| scope.spawn(deflate)).collect();
        gate.wait();
        let start = Instant::now();
        let found = read(&store);
        let read_time = start.elapsed();
        let workers: Vec<_> = workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        (found, read_time, workers, start.elapsed())
    });
    let (rows, row_bytes) = found?;
    let mut deflating = Duration::ZERO;
    for worker in workers {
        deflating = deflating.max(worker.map_err(|_| "a deflating thread stopped")??);
    }
    let page_bytes: usize = texts.iter().map(Vec::len).sum();
    Ok(format!(
        r#"{{"seconds":{:.4},"read_seconds":{:.4},"deflate_seconds":{:.4},"rows":{rows},"row_bytes":{row_bytes},"pages":{},"page_bytes":{page_bytes},"deflated_bytes":{},"archive_deflated_bytes":{},"threads":{},"level":{}}}"#,
        wall.as_secs_f64(),
        read_time.as_secs_f64(),
        deflating.as_secs_f64(),
        texts.len(),
        packed.into_inner(),
        pages.packed,
        options.threads,
        options.level
    ))
}
