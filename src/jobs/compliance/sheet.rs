//! A stylesheet that runs over the XML of a run, in `xsltproc` as a process of its own: without network, without
//! writing, without an environment, for a limited time. What a stylesheet could use to read other files is refused.

use super::alarm::ended;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::formats::compliance::write::is_page;
use crate::model::receipt::FileFact;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Where the program may be.
const PLACES: [&str; 4] =
    ["/usr/bin/xsltproc", "/usr/local/bin/xsltproc", "/bin/xsltproc", "/opt/homebrew/bin/xsltproc"];
/// So long may it take for a file.
const LIMIT: Duration = Duration::from_secs(600);
/// What no stylesheet may have, and why.
const FORBIDDEN: [(&str, &str); 8] = [
    ("<import", "imports another stylesheet"),
    ("<include", "includes another stylesheet"),
    ("document(", "reads other files"),
    ("<!doctype", "has a document type"),
    ("<!entity", "declares entities"),
    (":import", "imports another stylesheet"),
    (":include", "includes another stylesheet"),
    ("exsl:document", "writes other files"),
];

/// Refuses a stylesheet that could reach beyond its input.
pub fn check(sheet: &str) -> Result<()> {
    let refused = |why: &str| {
        Error::new(Kind::Refused, format!("the stylesheet in CustomConfiguration {why}"))
            .hint("pchat compliance set --custom-configuration \"$(cat SHEET.xsl)\" gives another; '' stands for none")
    };
    let folded = sheet.to_ascii_lowercase();
    // White space may stand before a bracket, and between a function and its name.
    let dense: String = folded.chars().filter(|c| !c.is_whitespace()).collect();
    if let Some((_, why)) = FORBIDDEN.iter().find(|(what, _)| dense.contains(what)) {
        return Err(refused(why));
    }
    // In another encoding the letters would be others than are read here.
    let head = dense.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")).map_or("", |(head, _)| head);
    let known = ["encoding=\"utf-8\"", "encoding='utf-8'", "encoding=\"us-ascii\"", "encoding='us-ascii'"];
    if head.contains("encoding") && !known.iter().any(|known| head.contains(known)) {
        return Err(refused("says that it is in another encoding than UTF-8"));
    }
    // Characters written as references could spell any of it.
    if dense.contains("&#") {
        let allowed = ["&#9;", "&#10;", "&#13;", "&#x9;", "&#xa;", "&#xd;", "&#32;", "&#x20;", "&#160;", "&#xa0;"];
        let all = dense.match_indices("&#").all(|(at, _)| allowed.iter().any(|one| dense[at..].starts_with(one)));
        if !all {
            return Err(refused("writes characters as references other than white space"));
        }
    }
    if !dense.contains("stylesheet") && !dense.contains("transform") {
        return Err(refused("has no stylesheet element"));
    }
    Ok(())
}

/// The program.
pub(super) fn program() -> Result<PathBuf> {
    PLACES.iter().map(PathBuf::from).find(|path| path.is_file()).ok_or_else(|| {
        Error::new(Kind::NotFound, "xsltproc is not installed, and the settings have a stylesheet")
            .hint("install it (Debian: apt-get install xsltproc), or set --custom-configuration ''")
    })
}

/// Transforms every page of a run; what comes out lies beside it, with `.transformed` for `.xml`.
pub(super) fn transform(cx: &Context<'_>, sheet: &str, partial: &Path, facts: &[FileFact]) -> Result<Vec<FileFact>> {
    check(sheet)?;
    let program = program()?;
    let scratch = files::scratch("sheet", None).map_err(|e| Error::io("a temporary folder", e))?;
    let (xslt, errors) = (scratch.path().join("sheet.xsl"), scratch.path().join("errors"));
    files::write(&xslt, sheet.as_bytes()).map_err(|e| Error::io(xslt.display(), e))?;
    let mut made = Vec::new();
    for fact in facts.iter().filter(|fact| is_page(&fact.name)) {
        let name = format!("{}.transformed", fact.name.trim_end_matches(".xml"));
        let (from, to) = (partial.join(&fact.name), partial.join(&name));
        let told = |e| Error::io(program.display(), e);
        let out = files::create(&to).map_err(|e| Error::io(to.display(), e))?;
        let log = files::create(&errors).map_err(|e| Error::io(errors.display(), e))?;
        let from = std::path::absolute(&from).map_err(|e| Error::io(from.display(), e))?;
        let mut child = Command::new(&program)
            .args(["--nonet", "--nowrite", "--nomkdir", "--novalid"])
            .arg(&xslt)
            .arg(&from)
            .current_dir(scratch.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(log)
            .spawn()
            .map_err(told)?;
        match ended(&mut child, LIMIT, cx.watch).map_err(told)? {
            Some(status) if status.success() => {}
            Some(status) => {
                let mut said = String::new();
                let read = files::open(&errors).and_then(|file| file.take(4096).read_to_string(&mut said));
                // What it says names the place in the stylesheet; it may also hold text, so only the first line of
                // what concerns the sheet is passed on.
                let line = said.lines().find(|line| line.contains("sheet.xsl")).filter(|_| read.is_ok());
                let line = line.map(|line| line.replace(&xslt.display().to_string(), "the stylesheet"));
                let what = format!("xsltproc ended with {status} for {}", fact.name);
                let error = Error::new(Kind::Refused, what).hint("try the stylesheet on that file by hand");
                return Err(match line {
                    Some(line) => error.detail(line),
                    None => error,
                });
            }
            None if cx.watch.cancelled() => return Err(Error::new(Kind::Cancelled, "stopped")),
            None => {
                return Err(Error::new(Kind::Refused, format!("xsltproc took more than {} s", LIMIT.as_secs()))
                    .hint("simplify the stylesheet"));
            }
        }
        files::open(&to).and_then(|file| file.sync_data()).map_err(|e| Error::io(to.display(), e))?;
        let (sum, size) = super::folder::sum(&to).map_err(|e| Error::io(to.display(), e))?;
        made.push(FileFact { name, size, sha256: Some(sum) });
    }
    Ok(made)
}
