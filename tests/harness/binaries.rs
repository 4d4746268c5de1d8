//! Finding the control plane's binaries, or building them once from their published source.
//!
//! They are looked for in the folder `KUBEBUILDER_ASSETS`, as everywhere in the ecosystem. Those not found there are built
//! with Go from the module `tests/controlplane`, whose `go.mod` and `go.sum` pin every line of code, into a cache folder
//! named after exactly that content. The cache lies outside the checkout's own build folder, so cleaning that one does
//! not cost another build.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::processes::{Daemon, say, tail};

/// Name of each binary and the Go package it is built from. The smallest comes first: what is wrong with the set-up shows
/// early.
const PACKAGES: [(&str, &str); 4] = [
    ("etcd", "go.etcd.io/etcd/server/v3"),
    ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
    ("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
    ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
];

/// A fresh build must not look stuck, and must not flood a CI log either.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(15);

/// Paths of the four binaries.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// The data store.
    pub etcd: PathBuf,
    /// The API server.
    pub kube_apiserver: PathBuf,
    /// The controller manager.
    pub kube_controller_manager: PathBuf,
    /// The command line client.
    pub kubectl: PathBuf,
}

impl Binaries {
    /// Finds the binaries, building first what is missing. Safe to call from several processes at once: one builds, the
    /// others wait.
    pub async fn find_or_build() -> anyhow::Result<Self> {
        // A build takes minutes, and so does waiting for the lock of another one.
        tokio::task::spawn_blocking(Self::find_or_build_blocking).await?
    }

    /// The same for callers without an async runtime.
    pub fn find_or_build_blocking() -> anyhow::Result<Self> {
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let module = GoModule::load()?;
        let cache = module.cache_folder()?;
        let find = |name: &str| {
            [assets.as_ref(), Some(&cache)]
                .into_iter()
                .flatten()
                .map(|folder| folder.join(name))
                .find(|path| path.is_file())
        };
        if PACKAGES.iter().any(|(name, _)| find(name).is_none()) {
            std::fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
            let _lock = lock(&cache.join("lock"))?;
            // Only now is it certain that nobody else has just built them.
            let missing: Vec<_> = PACKAGES.into_iter().filter(|(name, _)| find(name).is_none()).collect();
            module.build(&missing, &cache)?;
        }
        let find = |name| find(name).with_context(|| format!("{name} has disappeared from {}", cache.display()));
        Ok(Self {
            etcd: find("etcd")?,
            kube_apiserver: find("kube-apiserver")?,
            kube_controller_manager: find("kube-controller-manager")?,
            kubectl: find("kubectl")?,
        })
    }
}

/// Where the harness keeps what is worth keeping between runs.
pub fn cache_dir() -> anyhow::Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("CRONWARDEN_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|base| base.join("cronwarden")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/cronwarden")))
        .context("set CRONWARDEN_CACHE to a folder for the built control plane: neither XDG_CACHE_HOME nor HOME is set")
}

/// The Go module that pins the control plane.
struct GoModule {
    folder: PathBuf,
    /// Version of Kubernetes, such as `v1.36.3`.
    version: String,
    goos: &'static str,
    goarch: &'static str,
    /// Hash of everything that decides what comes out of a build, but for the Go release.
    fingerprint: u64,
}

impl GoModule {
    fn load() -> anyhow::Result<Self> {
        // The including crate may be any package of the workspace.
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .map(|folder| folder.join("tests/controlplane"))
            .find(|folder| folder.join("go.mod").is_file())
            .context("there is no tests/controlplane/go.mod in or above this package")?;
        let go_mod = std::fs::read_to_string(folder.join("go.mod"))?;
        let go_sum = std::fs::read_to_string(folder.join("go.sum"))?;
        let version = go_mod
            .lines()
            .filter_map(|line| line.trim().trim_start_matches("require ").strip_prefix("k8s.io/kubernetes "))
            .find_map(|rest| rest.split_whitespace().next())
            .context("tests/controlplane/go.mod does not require k8s.io/kubernetes")?
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
        let fingerprint = fnv1a(&[&go_mod, &go_sum, goos, goarch, &ldflags(&version)?]);
        Ok(Self { folder, version, goos, goarch, fingerprint })
    }

    fn cache_folder(&self) -> anyhow::Result<PathBuf> {
        Ok(cache_dir()?.join("controlplane").join(format!("{}-{:016x}", self.version, self.fingerprint)))
    }

    fn build(&self, missing: &[(&str, &str)], cache: &Path) -> anyhow::Result<()> {
        if missing.is_empty() {
            return Ok(());
        }
        let go = std::process::Command::new("go").arg("version").current_dir(&self.folder).output().with_context(|| {
            let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
            format!(
                "cannot run `go`, which is needed to build {}: install Go 1.26 or later, or set KUBEBUILDER_ASSETS to a \
                 folder with etcd, kube-apiserver, kube-controller-manager and kubectl",
                names.join(", ")
            )
        })?;
        anyhow::ensure!(go.status.success(), "`go version` failed:\n{}", String::from_utf8_lossy(&go.stderr));
        let go = String::from_utf8_lossy(&go.stdout);
        say(&format!(
            "building {} control plane binaries of Kubernetes {} with {}; on 2 cores all four take about 5 minutes plus the \
             download of their source, the first time only; they are kept in {}",
            missing.len(),
            self.version,
            go.trim().trim_start_matches("go version "),
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
        let mut go = Daemon::spawn(
            "go",
            [
                "build",
                "-C",
                &self.folder.to_string_lossy(),
                "-trimpath",
                "-ldflags",
                &ldflags(&self.version)?,
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
}

/// Without the version, clients meet a `v0.0.0-master` server and kubectl cannot parse that.
fn ldflags(version: &str) -> anyhow::Result<String> {
    let mut parts = version.trim_start_matches('v').split('.');
    let (Some(major), Some(minor)) = (parts.next(), parts.next()) else {
        anyhow::bail!("{version} is not a version of Kubernetes");
    };
    let package = "k8s.io/component-base/version";
    Ok(format!("-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"))
}

/// Takes an exclusive lock, which the kernel gives back however this process ends.
fn lock(path: &Path) -> anyhow::Result<File> {
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
                "another process is building the control plane; waiting for it, {} so far",
                minutes(start.elapsed())
            ));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// FNV-1a, as the standard library promises no hash that stays the same from one release to the next.
fn fnv1a(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn minutes(elapsed: Duration) -> String {
    format!("{}:{:02} min", elapsed.as_secs() / 60, elapsed.as_secs() % 60)
}
