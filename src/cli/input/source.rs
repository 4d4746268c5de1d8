//! Where manifests are: the paths of the command line become files that can be read, and read again.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, FileTypeExt};
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

/// What Git keeps for itself, and refuses to have committed. The folders of other version control hold no manifests by themselves,
/// and one of their names could be committed to hide some.
const VERSION_CONTROL: &str = ".git";

/// The files that count in a folder. A file that is named counts whatever its name.
const EXTENSIONS: &[&str] = &["yaml", "yml", "json"];

/// The name by which standard input is given.
const STANDARD_INPUT: &str = "-";

/// A file of manifests.
#[derive(Debug)]
pub(in crate::cli) struct Source {
    /// The path as it is shown.
    pub(in crate::cli) name: String,
    /// Whether the file was named, rather than found in a folder.
    pub(in crate::cli) is_named: bool,
    content: Content,
}

#[derive(Debug)]
enum Content {
    File(PathBuf),
    /// What can be read only once, such as a pipe, kept in an unnamed temporary file.
    Kept(File),
}

impl Source {
    /// Opens it from the start.
    pub(in crate::cli) fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(match &self.content {
            Content::File(path) => Box::new(File::open(path)?),
            Content::Kept(file) => Box::new(FromStart { file, at: 0 }),
        })
    }

    /// Reads a part of it again.
    pub(in crate::cli) fn part(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        match &self.content {
            Content::File(path) => File::open(path)?.read_exact_at(&mut bytes, offset)?,
            Content::Kept(file) => file.read_exact_at(&mut bytes, offset)?,
        }
        Ok(bytes)
    }

    /// Its size in bytes.
    pub(in crate::cli) fn size(&self) -> u64 {
        let metadata = match &self.content {
            Content::File(path) => path.metadata(),
            Content::Kept(file) => file.metadata(),
        };
        metadata.map_or(0, |metadata| metadata.len())
    }
}

/// Reads a file from its start, wherever others read it.
struct FromStart<'a> {
    file: &'a File,
    at: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// The files that paths lead to, each once.
#[derive(Debug, Default)]
pub(in crate::cli) struct Sources {
    /// The files, in the order of the paths, those of a folder by name.
    pub(in crate::cli) files: Vec<Source>,
    /// What cannot be used, with why and how to mend it.
    pub(in crate::cli) problems: Vec<(String, String)>,
    seen: HashSet<PathBuf>,
    excluded: Vec<glob::Pattern>,
}

impl Sources {
    /// Everything that the paths lead to but what one of the patterns excludes.
    pub(in crate::cli) fn of(paths: &[String], excluded: &[glob::Pattern]) -> Self {
        let mut sources = Self { excluded: excluded.to_vec(), ..Self::default() };
        for path in paths {
            sources.add(path);
        }
        sources
    }

    fn add(&mut self, path: &str) {
        if path == STANDARD_INPUT {
            if !self.seen.insert(PathBuf::from(STANDARD_INPUT)) {
                return;
            }
            match keep(&mut io::stdin().lock()) {
                Ok(file) => {
                    self.files.push(Source { name: path.to_owned(), is_named: true, content: Content::Kept(file) });
                }
                Err(error) => self.problem(path, format!("cannot be read: {error}")),
            }
            return;
        }
        let is_pattern = path.contains(['*', '?', '[']) && !Path::new(path).exists();
        if !is_pattern {
            self.add_path(Path::new(path), true);
            return;
        }
        let matched = match glob::glob(path) {
            Ok(matched) => matched,
            Err(error) => return self.problem(path, format!("is not a valid pattern: {error}")),
        };
        let mut any = false;
        for found in matched {
            any = true;
            match found {
                Ok(found) => self.add_path(&found, false),
                Err(error) => self.problem(path, error.to_string()),
            }
        }
        if !any {
            self.problem(path, "matches no file: check the pattern".to_owned());
        }
    }

    fn add_path(&mut self, path: &Path, is_named: bool) {
        match path.metadata() {
            Err(error) => self.problem(&shown(path), format!("cannot be read: {error}")),
            Ok(metadata) if metadata.is_dir() => self.add_folder(path),
            Ok(metadata) if metadata.is_file() => self.add_file(path, is_named),
            // A pipe or a device can go on for ever. Only a pipe that was named is meant, such as what a shell makes of `<(…)`.
            Ok(metadata) if !(is_named && metadata.file_type().is_fifo()) => {
                self.problem(&shown(path), "is neither a file nor a folder: it is not read".to_owned());
            }
            Ok(_) => match File::open(path).and_then(|mut pipe| keep(&mut pipe)) {
                Ok(file) => self.files.push(Source { name: shown(path), is_named, content: Content::Kept(file) }),
                Err(error) => self.problem(&shown(path), format!("cannot be read: {error}")),
            },
        }
    }

    fn add_folder(&mut self, folder: &Path) {
        let is_wanted = |entry: &DirEntry| entry.depth() == 0 || entry.file_name() != VERSION_CONTROL;
        let mut any = false;
        for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter().filter_entry(is_wanted) {
            match entry {
                Ok(entry) if entry.file_type().is_file() && has_manifests(entry.path()) => {
                    any = true;
                    self.add_file(entry.path(), false);
                }
                Ok(_) => {}
                Err(error) => {
                    any = true;
                    let path = error.path().map_or_else(|| shown(folder), shown);
                    let reason = match (error.loop_ancestor(), error.io_error()) {
                        (Some(ancestor), _) => {
                            format!("is a symbolic link that leads back to {}: it is not followed", shown(ancestor))
                        }
                        (None, Some(error)) => format!("cannot be read: {error}"),
                        (None, None) => "cannot be read".to_owned(),
                    };
                    self.problem(&path, reason);
                }
            }
        }
        if !any {
            self.problem(&shown(folder), format!("has no files that end in .{}", EXTENSIONS.join(", .")));
        }
    }

    /// Adds a file, unless it came by another path already.
    fn add_file(&mut self, path: &Path, is_named: bool) {
        let name = shown(path);
        if !is_named && self.excluded.iter().any(|pattern| pattern.matches(&name)) {
            return;
        }
        let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if self.seen.insert(canonical) {
            self.files.push(Source { name, is_named, content: Content::File(path.to_owned()) });
        }
    }

    fn problem(&mut self, path: &str, reason: String) {
        self.problems.push((path.to_owned(), reason));
    }
}

/// The path as it is shown: without a leading `./` where it means the same without.
fn shown(path: &Path) -> String {
    let inside = path.strip_prefix(".").unwrap_or(path);
    let is_ambiguous = inside.as_os_str().is_empty() || inside == Path::new(STANDARD_INPUT);
    if is_ambiguous { path } else { inside }.display().to_string()
}

fn has_manifests(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

fn keep(input: &mut impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(input, &mut file)?;
    Ok(file)
}
