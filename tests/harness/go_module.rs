//! Go programs, built once from the published modules that a `go.mod` of this repository pins.
//!
//! `go.mod` and `go.sum` pin every line of code. The binaries go into a cache folder named after exactly that content. The
//! cache lies outside the checkout's own build folder, so cleaning that one does not cost another build.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::processes::{Daemon, say, tail};

/// A fresh build must not look stuck, and must not flood a CI log either.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(15);

/// A Go module that pins programs.
#[derive(Debug)]
pub struct GoModule {
    folder: PathBuf,
    /// The folder in the cache.
    name: &'static str,
    /// Where it is in the repository.
    path: &'static str,
    /// Version of the module that counts as that of the whole, such as `v1.36.3`.
    version: String,
    linker_flags: String,
    notice: Option<&'static str>,
    way_out: Option<&'static str>,
    goos: &'static str,
    goarch: &'static str,
    go_mod: String,
    go_sum: String,
}

impl GoModule {
    /// Reads the module in the folder `path` of this repository. Its binaries are kept in the folder `name` of the cache, by
    /// the version of the module `principal` that it requires.
    pub fn load(path: &'static str, name: &'static str, principal: &str) -> anyhow::Result<Self> {
        // The including crate may be any package of the workspace.
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .map(|folder| folder.join(path))
            .find(|folder| folder.join("go.mod").is_file())
            .with_context(|| format!("there is no {path}/go.mod in or above this package"))?;
        let go_mod = std::fs::read_to_string(folder.join("go.mod"))?;
        let go_sum = std::fs::read_to_string(folder.join("go.sum"))?;
        let version = required(&go_mod, principal)
            .with_context(|| format!("{path}/go.mod does not require {principal}"))?
            .to_owned();
        let goos = match std::env::consts::OS {
            "macos" => "darwin",
            other => other,
        };
        let goarch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let linker_flags = "-s -w".to_owned();
        let (notice, way_out) = (None, None);
        Ok(Self { folder, name, path, version, linker_flags, notice, way_out, goos, goarch, go_mod, go_sum })
    }

    /// Other flags for the linker than `-s -w`.
    pub fn with_linker_flags(self, linker_flags: String) -> Self {
        Self { linker_flags, ..self }
    }

    /// What people should know before the first build: how long it takes.
    pub fn with_notice(self, notice: &'static str) -> Self {
        Self { notice: Some(notice), ..self }
    }

    /// What to do where there is no Go, other than installing it.
    pub fn with_way_out(self, way_out: &'static str) -> Self {
        Self { way_out: Some(way_out), ..self }
    }

    /// The version of the principal module.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The version of any module that this one requires.
    pub fn version_of(&self, module: &str) -> Option<&str> {
        required(&self.go_mod, module)
    }

    /// The paths of these programs, each given by its name and its Go package: in `ready` if it is there, else in the cache.
    /// Those that are missing are built first. Safe to call from several processes at once: one builds, the others wait.
    pub fn find_or_build<const N: usize>(
        &self,
        ready: Option<&Path>,
        packages: [(&str, &str); N],
    ) -> anyhow::Result<[PathBuf; N]> {
        let cache = self.cache_folder()?;
        let find = |name: &str| {
            [ready, Some(&cache)].into_iter().flatten().map(|folder| folder.join(name)).find(|path| path.is_file())
        };
        if packages.iter().any(|(name, _)| find(name).is_none()) {
            std::fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
            let _lock = self.lock(&cache.join("lock"))?;
            // Only now is it certain that nobody else has just built them.
            let missing: Vec<_> = packages.into_iter().filter(|(name, _)| find(name).is_none()).collect();
            self.build(&missing, &cache)?;
        }
        let mut found = packages.map(|_| PathBuf::new());
        for (path, (name, _)) in found.iter_mut().zip(packages) {
            *path = find(name).with_context(|| format!("{name} has disappeared from {}", cache.display()))?;
        }
        Ok(found)
    }

    /// Named after everything that decides what comes out of a build, but for the Go release.
    fn cache_folder(&self) -> anyhow::Result<PathBuf> {
        let fingerprint = fnv1a(&[&self.go_mod, &self.go_sum, self.goos, self.goarch, &self.linker_flags]);
        Ok(cache_dir()?.join(self.name).join(format!("{}-{fingerprint:016x}", self.version)))
    }

    fn build(&self, missing: &[(&str, &str)], cache: &Path) -> anyhow::Result<()> {
        if missing.is_empty() {
            return Ok(());
        }
        let names = missing.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let go = std::process::Command::new("go").arg("version").current_dir(&self.folder).output();
        let go = go.with_context(|| {
            let way_out = self.way_out.map(|text| format!(", {text}")).unwrap_or_default();
            format!("cannot run `go`, which is needed to build {names}: install Go 1.26 or later{way_out}")
        })?;
        anyhow::ensure!(go.status.success(), "`go version` failed:\n{}", String::from_utf8_lossy(&go.stderr));
        let go = String::from_utf8_lossy(&go.stdout);
        say(&format!(
            "building {names}, which {} pins, with {}; {}the first time only; kept in {}",
            self.path,
            go.trim().trim_start_matches("go version "),
            self.notice.map(|notice| format!("{notice}, ")).unwrap_or_default(),
            cache.display()
        ));
        let start = Instant::now();
        for (number, (name, package)) in missing.iter().enumerate() {
            let what = format!("{name} ({} of {})", number + 1, missing.len());
            self.build_one(name, package, cache, &what, start)
                .with_context(|| format!("cannot build {name} from {package}"))?;
        }
        say(&format!("built all after {}", minutes(start.elapsed())));
        Ok(())
    }

    fn build_one(&self, name: &str, package: &str, cache: &Path, what: &str, start: Instant) -> anyhow::Result<()> {
        say(&format!("building {what}"));
        let log = cache.join(format!("{name}.log"));
        File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        // Nobody takes a file of this name for the binary. It only gets its name once it is complete.
        let unfinished = cache.join(format!("{name}.{}.unfinished", std::process::id()));
        // It takes minutes, and whoever waits for it has other things to do.
        let mut go = Daemon::spawn(
            "nice",
            [
                "-n",
                "19",
                "go",
                "build",
                "-C",
                &self.folder.to_string_lossy(),
                "-trimpath",
                "-ldflags",
                &self.linker_flags,
                "-o",
                &unfinished.to_string_lossy(),
                package,
            ],
            // Given outright, as settings for other builds of the caller must not leak into this one.
            [("CGO_ENABLED", "0"), ("GOOS", self.goos), ("GOARCH", self.goarch), ("GOWORK", "off")],
            &log,
        )?;
        let mut reported = Instant::now();
        let status = loop {
            if let Some(status) = go.try_wait()? {
                break status;
            }
            if reported.elapsed() >= PROGRESS_INTERVAL {
                reported = Instant::now();
                say(&format!("still building {what}, {} in all so far", minutes(start.elapsed())));
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        if !status.success() {
            let _ = std::fs::remove_file(&unfinished);
            anyhow::bail!("go build ended with {status}:\n{}", tail(&log));
        }
        std::fs::rename(&unfinished, cache.join(name))?;
        std::fs::remove_file(&log)?;
        Ok(())
    }

    /// Takes an exclusive lock, which the kernel gives back however this process ends.
    fn lock(&self, path: &Path) -> anyhow::Result<File> {
        let file = File::create(path).with_context(|| format!("cannot open {}", path.display()))?;
        let mut next_report = Instant::now();
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(std::fs::TryLockError::Error(error)) => {
                    return Err(error).context(format!("cannot lock {}", path.display()));
                }
                Err(std::fs::TryLockError::WouldBlock) => {}
            }
            if Instant::now() >= next_report {
                next_report += PROGRESS_INTERVAL;
                say(&format!(
                    "another process is building what {} pins; waiting for it, {} so far",
                    self.path,
                    minutes(start.elapsed())
                ));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// Where the harness keeps what is worth keeping between runs.
pub fn cache_dir() -> anyhow::Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("CRONWARDEN_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|base| base.join("cronwarden")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/cronwarden")))
        .context("set CRONWARDEN_CACHE to a folder for what is built: neither XDG_CACHE_HOME nor HOME is set")
}

/// The version of `module` that a `go.mod` requires.
fn required<'a>(go_mod: &'a str, module: &str) -> Option<&'a str> {
    go_mod.lines().find_map(|line| {
        let mut words = line.trim().trim_start_matches("require ").split_whitespace();
        (words.next() == Some(module)).then(|| words.next()).flatten().filter(|version| version.starts_with('v'))
    })
}

/// FNV-1a, as the standard library promises no hash that stays the same from one release to the next.
fn fnv1a(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn minutes(elapsed: Duration) -> String {
    format!("{}:{:02} min", elapsed.as_secs() / 60, elapsed.as_secs() % 60)
}
