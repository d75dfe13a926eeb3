//! Transcripts as HTML: what hostile names and texts become, links, the chain of pages, anchors, the words of the
//! search, and the same bytes whatever the number of threads and interruptions.

use crate::harness::{Desk, chat, message, unzip};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pchat::select::words::each_word;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// All files below a folder, by their paths.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(at) = todo.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The pages of rooms, by name.
fn pages(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<&str, &str> {
    let is_page = |name: &str| {
        let number = name.rsplit('/').next().unwrap().strip_suffix(".html");
        name.matches('/').count() == 1 && number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
    };
    let found = files.iter().filter(|(name, _)| is_page(name));
    found.map(|(name, bytes)| (name.as_str(), text(bytes))).collect()
}

/// What stands between two texts, each time.
fn between<'a>(page: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    page.split(before).skip(1).map(|rest| rest.split(after).next().unwrap()).collect()
}

const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "</p></div></main><img src=x onerror=alert(1)>",
    "]]> <!-- --> &amp; &#0;",
    "\0\u{7}\u{1b}[31m\u{7f}\u{85}\u{fffe}\u{1ffff}",
    "\u{202e}evil",
    "http://evil.example\"onmouseover=alert(1) javascript:alert(1) data:text/html,x file:///etc/passwd",
    "\");alert(1);//\u{2028}\\",
    "<div id=\"e0\" class=\"m\">",
];

fn hostile() -> Desk {
    let desk = Desk::new();
    let mut events = Vec::new();
    for (at, said) in HOSTILE.iter().enumerate() {
        let mut event = message("<i>R&D</i>\u{202e}", at as i64 + 1, &format!("2020-01-01T10:0{at}:00Z"), "eve", said);
        event["user_name"] = json!(said);
        event["room_title"] = json!(HOSTILE[0]);
        event["category"] = json!("a\"b'<c>");
        events.push(event);
    }
    for (at, name) in ["a#b%20.png", "\u{202e}gpj.exe", "page.HTML", "../up.txt"].iter().enumerate() {
        events.push(json!({
            "room": "<i>R&D</i>\u{202e}", "pool": "pool", "user": "eve", "time": format!("2020-01-02T10:0{at}:00Z"),
            "kind": "upload", "text": "stored", "attachments": [{ "name": name, "data": STANDARD.encode(name) }],
        }));
    }
    events.push(json!({
        "room": "<i>R&D</i>\u{202e}", "pool": "pool", "user": "eve", "time": "2020-01-03T10:00:00Z", "kind": "topic",
        "text": "new", "ticket": "<k>", "rtf": r"{\rtf1 something else}",
    }));
    desk.lines("in.jsonl", &events);
    desk.run("import @in.jsonl --store @a.db").code(0);
    desk
}

#[test]
fn what_is_hostile_becomes_text() {
    let desk = hostile();
    desk.run("export --store @a.db --out @out --format html").code(0);
    let all = files(&desk.path("out/data/html"));
    let known =
        ["a", "abbr", "base", "bdi", "body", "br", "button", "caption", "code", "dd", "details", "div", "dl", "dt"];
    let more =
        ["footer", "form", "h1", "h2", "head", "header", "html", "img", "input", "label", "li", "link", "main", "meta"];
    let rest = [
        "nav", "ol", "option", "p", "pre", "script", "section", "select", "small", "span", "strong", "style", "summary",
    ];
    let tables = ["table", "tbody", "td", "th", "thead", "time", "title", "tr", "!DOCTYPE"];
    let known: BTreeSet<&str> = [&known[..], &more, &rest, &tables].concat().into_iter().collect();
    let mut seen = 0;
    for (name, page) in all.iter().filter(|(name, _)| name.ends_with(".html")) {
        let page = text(page);
        assert!(!page.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{name}");
        let (head, body) = page.split_once("</head>").unwrap();
        assert!(head.contains("default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'self'"), "{name}");
        let scripts = page.matches("<script").count();
        assert_eq!(scripts, if name == "search.html" { 2 } else { 0 }, "{name}");
        for tag in body.split('<').skip(1) {
            let tag = tag.split('>').next().unwrap();
            let (word, attributes) = tag.split_once([' ', '\n']).unwrap_or((tag, ""));
            assert!(known.contains(word.trim_start_matches('/')), "{name}: <{tag}>");
            assert!(!attributes.starts_with("on") && !attributes.contains("\" on"), "{name}: <{tag}>");
        }
        for href in between(page, "href=\"", "\"").into_iter().chain(between(page, "src=\"", "\"")) {
            seen += 1;
            if let Some((scheme, _)) = href.split_once(':') {
                assert!(["http", "https", "mailto"].contains(&scheme), "{name}: {href}");
            }
        }
        for link in between(page, "<a href=\"http", ">") {
            assert!(link.ends_with(" rel=\"noopener noreferrer\""), "{name}: {link}");
        }
    }
    assert!(seen > 50);
    let (_, page) = pages(&all).into_iter().next().unwrap();
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("]]&gt; &lt;!-- --&gt; &amp;amp;"));
    assert!(page.contains("<span class=\"c\">U+0000</span>") && page.contains("<span class=\"c\">U+1FFFF</span>"));
    // Names say which characters would have turned the line.
    assert!(page.contains("<bdi title=\"eve\">[U+202E]evil</bdi>"));
    assert!(
        page.contains("In its RTF:</p><p dir=\"auto\">something else") && page.contains("{\"ticket\":\"&lt;k&gt;\"}")
    );
    // Files have names that every system holds, and links that lead to them.
    let kept: Vec<&str> =
        all.keys().filter_map(|name| name.strip_prefix("files/")?.split_once('/')).map(|(_, name)| name).collect();
    assert_eq!(
        kept.iter().copied().collect::<BTreeSet<_>>(),
        BTreeSet::from(["a#b%20.png", "_gpj.exe", "page.HTML.txt", "_up.txt"])
    );
    assert!(page.contains("/a%23b%2520.png\"><img src=\"../files/") && page.contains("[U+202E]gpj.exe"));
}

/// Number, time, person and text of an event, as results of the search show it.
type Shown = (u64, String, usize, String);

#[test]
fn scripts_of_the_search_hold_data_only() {
    let desk = hostile();
    desk.run("export --store @a.db --out @out --format html").code(0);
    let all = files(&desk.path("out/data/html"));
    let mut events = 0;
    for (name, script) in all.iter().filter(|(name, _)| name.ends_with(".js") && *name != "search/search.js") {
        for call in text(script).split("\n").filter(|line| line.starts_with("P(")) {
            let data = call.strip_prefix("P(").and_then(|call| call.strip_suffix(')')).unwrap();
            let data: (u32, u32, String) = serde_json::from_str(&format!("[{data}]")).unwrap();
            assert_eq!((data.0, data.1), (0, 1), "{name}");
        }
        if let Some(data) = text(script).strip_prefix("T(").and_then(|call| call.strip_suffix(");\n")) {
            let data = format!("[{}]", data.replace(",\n]", "\n]"));
            let (page, people, said): (String, Vec<String>, Vec<Shown>) = serde_json::from_str(&data).unwrap();
            assert_eq!(format!("{page}.js"), *name);
            assert!(said.iter().all(|event| event.2 < people.len()));
            assert!(HOSTILE.iter().all(|text| said.iter().any(|event| event.3 == *text)), "{said:?}");
            events += said.len();
        }
    }
    assert_eq!(events, 13);
}

/// A long room and a short one, of which the long one has five pages.
fn long() -> (Desk, Vec<(String, String)>) {
    let desk = Desk::new();
    let mut said = Vec::new();
    let mut events = Vec::new();
    for number in 0..460 {
        let at = format!("2020-01-{:02}T{:02}:{:02}:00Z", 1 + number / 100, number / 10 % 10 + 10, number % 10 * 3);
        let words = format!("word{} naïve{} 東{} shared", number % 7, number % 3, number);
        said.push(("Long".to_owned(), words.clone()));
        events.push(message("Long", number + 1, &at, ["ann", "bob"][number as usize / 4 % 2], &words));
    }
    events.push(message("Short", 1, "2020-02-01T10:00:00Z", "ann", "only one"));
    said.push(("Short".to_owned(), "only one".to_owned()));
    desk.lines("in.jsonl", &events);
    desk.run("import @in.jsonl --store @a.db").code(0);
    (desk, said)
}

#[test]
fn pages_form_a_chain_and_every_event_stands_on_one_of_them_once() {
    let (desk, _) = long();
    let said = desk.run("export --store @a.db --out @out --format html,jsonl --page-events 100").code(0);
    assert!(said.out.contains("HTML: 461 events in 6 files"), "{}", said.out);
    let all = files(&desk.path("out/data/html"));
    let pages = pages(&all);
    assert_eq!(pages.len(), 6);
    let mut anchors = BTreeMap::<(&str, &str), u32>::new();
    let mut rooms = BTreeMap::<&str, Vec<&str>>::new();
    for (name, page) in &pages {
        let (folder, _) = name.split_once('/').unwrap();
        rooms.entry(folder).or_default().push(name);
        for id in between(page, "<div id=\"", "\"") {
            *anchors.entry((folder, id)).or_default() += 1;
        }
    }
    assert_eq!(anchors.len(), 461);
    assert!(anchors.values().all(|times| *times == 1));
    for (folder, names) in rooms {
        for (at, name) in names.iter().enumerate() {
            let beside = |word: &str| {
                between(pages[name], "<a href=\"", ">")
                    .into_iter()
                    .filter(|link| link.ends_with(&format!("\" rel=\"{word}\"")))
                    .map(|link| format!("{folder}/{}", link.split('"').next().unwrap()))
                    .collect::<BTreeSet<_>>()
            };
            let wanted = |at: Option<usize>| {
                at.and_then(|at| names.get(at)).map(|name| (*name).to_owned()).into_iter().collect::<BTreeSet<_>>()
            };
            assert_eq!(beside("prev"), wanted(at.checked_sub(1)), "{name}");
            assert_eq!(beside("next"), wanted(Some(at + 1)), "{name}");
            assert_eq!(pages[name].contains("<span>First page</span>"), at == 0, "{name}");
            assert_eq!(pages[name].contains("<span>Last page</span>"), at + 1 == names.len(), "{name}");
        }
        let style = text(&all[&format!("{folder}/room.css")]);
        assert_eq!(style, format!(".of::after{{content:\" of {}\"}}\n", names.len()));
    }
    // Whatever leads to an event leads to one that is there.
    for name in ["index.html", "months-2020.html", "people.html"] {
        for link in between(text(&all[name]), "href=\"", "\"") {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            assert!(all.contains_key(path), "{name}: {link}");
            assert!(anchor.is_empty() || text(&all[path]).contains(&format!("id=\"{anchor}\"")), "{name}: {link}");
        }
    }
    assert_eq!(between(pages[*pages.keys().next().unwrap()], "<p class=\"w\">", "</p>").len(), 50);
}

#[test]
fn the_search_finds_every_word_where_it_stands() {
    let (desk, said) = long();
    desk.run("export --store @a.db --out @out --format html --page-events 100").code(0);
    let all = files(&desk.path("out/data/html"));
    let list = text(&all["search/rooms.js"]).strip_prefix("R(").and_then(|list| list.strip_suffix(");\n")).unwrap();
    let (rooms, shards): (Vec<(String, String)>, Vec<String>) = serde_json::from_str(&format!("[{list}]")).unwrap();
    let mut found: HashMap<String, BTreeSet<(String, u64)>> = HashMap::new();
    for shard in &shards {
        for line in text(&all[&format!("search/{shard}.js")]).lines() {
            let data = line.strip_prefix("P(").and_then(|line| line.strip_suffix(')')).unwrap();
            let (room, page, words): (usize, u64, String) = serde_json::from_str(&format!("[{data}]")).unwrap();
            for entry in words.split(';').skip(1) {
                let (word, places) = entry.split_once('=').unwrap();
                let mut at = 0;
                for step in places.split(',') {
                    at += u64::from_str_radix(step, 36).unwrap();
                    let event = (rooms[room].1.clone(), (page - 1) * 100 + at);
                    assert!(found.entry(word.to_owned()).or_default().insert(event), "{word} stands twice");
                }
            }
        }
    }
    let mut wanted: HashMap<String, BTreeSet<(String, u64)>> = HashMap::new();
    let mut numbers = HashMap::<&str, u64>::new();
    for (room, text) in &said {
        let number = numbers.entry(room).or_default();
        each_word(text, &mut |word| {
            wanted.entry(word.to_owned()).or_default().insert((room.clone(), *number));
        });
        *number += 1;
    }
    assert_eq!(found, wanted);
    assert!(wanted.len() > 400);
}

#[test]
fn threads_and_containers_do_not_show() {
    let desk = hostile();
    for (threads, out) in [(1, "one.zip"), (8, "two.zip")] {
        desk.run(&format!(
            "export --store @a.db --out @{out} --format html --no-checkpoint --threads {threads} --page-events 3"
        ))
        .code(0);
    }
    let one = unzip(&desk.path("one.zip"));
    assert_eq!(one, unzip(&desk.path("two.zip")));
    desk.run("export --store @a.db --out @out --format html --no-checkpoint --page-events 3").code(0);
    assert_eq!(one, files(&desk.path("out")));
    // In volumes there is the same, and all of it is read again.
    let parts = "export --store @a.db --out @v.zip --format html --no-checkpoint --page-events 3 --volume-size 30kB";
    let said = desk.run(parts).code(0);
    assert!(said.out.contains("Read again") && desk.path("v.002.zip").exists(), "{}", said.out);
    let volumes = (1..).map_while(|number| {
        let path = desk.path(&format!("v.{number:03}.zip"));
        path.exists().then(|| unzip(&path))
    });
    let data = |files: BTreeMap<String, Vec<u8>>| files.into_iter().filter(|(name, _)| name.starts_with("data/"));
    let parts: BTreeMap<_, _> = volumes.flat_map(data).collect();
    assert_eq!(parts, data(one).collect());
}

#[test]
fn an_interrupted_transcript_is_gone_on_with_to_the_same_bytes() {
    let desk = Desk::new();
    let mut events = chat(40, 150);
    events.push(message("zz", 1, "2020-01-01T10:00:00Z", "ann", &"a long one ".repeat(20_000)));
    desk.lines("in.jsonl", &events);
    desk.run("import @in.jsonl --store @s.db").code(0);
    for out in ["x.zip", "x"] {
        let export = |folder: &str| {
            format!("export --store s.db --out {folder}/{out} --format html --resume-every 8KiB --no-checkpoint")
        };
        for folder in ["whole", "at"] {
            std::fs::create_dir_all(desk.path(folder)).unwrap();
        }
        let run = |command: &str| {
            let shell = std::process::Command::new("sh").args(["-c", command]).current_dir(desk.path("")).output();
            shell.unwrap().status.code()
        };
        let pchat = env!("CARGO_BIN_EXE_pchat");
        assert_eq!(run(&format!("'{pchat}' {}", export("whole"))), Some(0));
        // Files that may not grow: in a folder the large one comes last, the zip is larger than its rooms.
        let limit = 200;
        assert_eq!(run(&format!("trap '' XFSZ; ulimit -f {limit}; '{pchat}' {}", export("at"))), Some(20), "{out}");
        assert!(desk.path(&format!("at/{out}.resume")).exists(), "{out}");
        assert_eq!(run(&format!("'{pchat}' {}", export("at"))), Some(0));
        match out {
            "x" => assert_eq!(files(&desk.path("at/x")), files(&desk.path("whole/x"))),
            _ => assert!(desk.read("at/x.zip") == desk.read("whole/x.zip")),
        }
    }
}

#[test]
fn pages_need_a_transcript_and_zones_are_those_that_were_asked_for() {
    let (desk, _) = long();
    desk.run("export --store @a.db --out @x --page-events 10").code(2).says("--page-events applies to transcripts");
    desk.run("export --store @a.db --out @x --format html --page-events 0").code(2);
    desk.run("export --store @a.db --out @x --format html --level User").code(2).says("HTML holds history");
    desk.run("export --store @a.db --out @x --format html --with-settings").code(2);
    desk.run("export --store @a.db --out @x --format html,html --timezone Asia/Tokyo --room Short").code(0);
    let all = files(&desk.path("x/data/html"));
    let (_, page) = pages(&all).into_iter().next().unwrap();
    assert!(
        page.contains("<time title=\"2020-02-01T10:00:00Z\">19:00:00</time>") && page.contains("times in Asia/Tokyo")
    );
    assert!(files(&desk.path("x/data")).keys().all(|name| name.starts_with("html/")), "no settings beside it");
}
