//! Files and folders that only their owner can read: what pchat writes is history, keys, or says who talked to whom.
//! Every file that comes into being is made here, and so that it is never open to others, not even for a moment. What
//! is read is opened here as well: files alone, for a pipe or a device may wait for ever.

use crate::error::NoFile;
use std::fs::{DirBuilder, File, FileType, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::Path;

/// A file without its final name, which is gone unless it is given one.
pub type Draft = tempfile::NamedTempFile;
/// A folder that is gone with everything in it when the work is done.
pub type Scratch = tempfile::TempDir;

/// How a file is opened that may not be there yet.
fn owned() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Takes from others what they may do with a file that was there already.
fn close(file: File) -> Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let found = file.metadata()?;
        if found.is_file() && found.permissions().mode() & 0o077 != 0 {
            file.set_permissions(std::fs::Permissions::from_mode(found.permissions().mode() & 0o700))?;
        }
    }
    Ok(file)
}

/// What this is, when it is neither a file nor a folder nor a link.
pub fn special(kind: FileType) -> Option<&'static str> {
    if kind.is_file() || kind.is_dir() || kind.is_symlink() {
        return None;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kinds = [
            (kind.is_fifo(), "a pipe"),
            (kind.is_socket(), "a socket"),
            (kind.is_block_device() || kind.is_char_device(), "a device"),
        ];
        if let Some((_, name)) = kinds.into_iter().find(|(is, _)| *is) {
            return Some(name);
        }
    }
    Some("not a regular file")
}

/// A file to read. A pipe, a socket, a device or a folder is never opened.
pub fn open(path: &Path) -> Result<File> {
    let checked = |kind: FileType| match special(kind) {
        Some(name) => Err(Error::new(ErrorKind::InvalidInput, NoFile(name))),
        None if kind.is_dir() => Err(Error::new(ErrorKind::InvalidInput, NoFile("a folder"))),
        None => Ok(()),
    };
    checked(std::fs::metadata(path)?.file_type())?;
    let mut options = OpenOptions::new();
    options.read(true);
    // Should it have become a pipe meanwhile, opening it waits for nobody.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path)?;
    checked(file.metadata()?.file_type())?;
    Ok(file)
}

/// A new file, or an empty one where there was one.
pub fn create(path: &Path) -> Result<File> {
    close(owned().write(true).create(true).truncate(true).open(path)?)
}

/// A file to read and write, with what is in it, made if need be.
pub fn update(path: &Path) -> Result<File> {
    close(owned().read(true).write(true).create(true).truncate(false).open(path)?)
}

/// A file to add to. One that is there stays as open to others as it is, so that its reader can refuse it.
pub fn append(path: &Path) -> Result<File> {
    owned().read(true).append(true).create(true).open(path)
}

/// A new file with this content. Something that is no file, such as a terminal, is written to.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    create(path)?.write_all(bytes)
}

/// A copy of a file.
pub fn copy(from: &Path, to: &Path) -> Result<u64> {
    std::io::copy(&mut open(from)?, &mut create(to)?)
}

/// A folder with all that lead to it, as far as they are missing.
pub fn folder(path: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes a file certain, unless [`settle`] does that for all files of its folder at once: with many small files,
/// waiting for the disk after each takes nearly all of the time.
pub fn settle_soon(file: &File) -> Result<()> {
    if cfg!(target_os = "linux") { Ok(()) } else { file.sync_data() }
}

/// Makes everything certain that was written below this folder.
pub fn settle(folder: &File) -> Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(folder)?;
    #[cfg(not(target_os = "linux"))]
    folder.sync_all()?;
    Ok(())
}

/// A file that gets its name when it is complete, in the folder of that name.
pub fn draft(kind: &str, path: &Path) -> Result<Draft> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Such files are readable by their owner only, on every system.
    tempfile::Builder::new().prefix(&format!(".pchat-{kind}-")).suffix(".partial").tempfile_in(folder)
}

/// A file for as long as the work lasts.
pub fn temporary() -> Result<Draft> {
    tempfile::Builder::new().prefix("pchat-").tempfile()
}

/// The same without a name.
pub fn nameless() -> Result<File> {
    tempfile::tempfile()
}

/// A folder for as long as the work lasts: beside a file, or where such folders are.
pub fn scratch(kind: &str, beside: Option<&Path>) -> Result<Scratch> {
    let mut builder = tempfile::Builder::new();
    let name = format!(".pchat-{kind}-");
    builder.prefix(&name);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    match beside {
        None => builder.tempdir(),
        Some(path) => {
            builder.tempdir_in(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
        }
    }
}

/// The command that takes a file from others, if others can read or write it.
pub fn open_to_others(file: &File, path: &Path) -> Result<Option<String>> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let found = file.metadata()?;
        if found.is_file() && found.permissions().mode() & 0o077 != 0 {
            return Ok(Some(format!("chmod 600 {}", path.display())));
        }
    }
    let _ = (file, path);
    Ok(None)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn only_files_are_opened() {
        let scratch = scratch("test", None).unwrap();
        let (pipe, socket) = (scratch.path().join("pipe"), scratch.path().join("socket"));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let zero = Path::new("/dev/zero");
        for (path, name) in
            [(&*pipe, "a pipe"), (&*socket, "a socket"), (zero, "a device"), (scratch.path(), "a folder")]
        {
            let error = crate::error::Error::io(path.display(), open(path).unwrap_err());
            assert!(error.what().contains(name) && error.kind() == crate::error::Kind::Refused, "{error}");
        }
        write(&scratch.path().join("f"), b"x").unwrap();
        assert_eq!(open(&scratch.path().join("f")).unwrap().metadata().unwrap().len(), 1);
    }

    #[test]
    fn what_is_made_is_the_owners() {
        let scratch = scratch("test", None).unwrap();
        assert_eq!(mode(scratch.path()), 0o700);
        let at = |name: &str| scratch.path().join(name);
        folder(&at("a/b")).unwrap();
        write(&at("w"), b"x").unwrap();
        copy(&at("w"), &at("c")).unwrap();
        drop((create(&at("n")).unwrap(), update(&at("u")).unwrap(), append(&at("k")).unwrap()));
        draft("test", &at("d")).unwrap().persist(at("d")).unwrap();
        assert_eq!((mode(&at("a")), mode(&at("a/b"))), (0o700, 0o700));
        for name in ["w", "c", "n", "u", "k", "d"] {
            assert_eq!(mode(&at(name)), 0o600, "{name}");
        }
        // What was open to others is closed before anything is written into it; a key is refused instead.
        for name in ["w", "u", "k"] {
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        drop((create(&at("w")).unwrap(), update(&at("u")).unwrap()));
        assert_eq!((mode(&at("w")), mode(&at("u"))), (0o600, 0o600));
        let key = append(&at("k")).unwrap();
        assert!(open_to_others(&key, Path::new("k")).unwrap().is_some_and(|hint| hint == "chmod 600 k"));
        assert_eq!(open_to_others(&File::open(at("w")).unwrap(), Path::new("w")).unwrap(), None);
    }
}
