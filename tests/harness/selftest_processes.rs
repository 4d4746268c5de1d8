//! Tests of what the harness promises about processes: they end as asked, and nothing outlives the test.
//!
//! Not part of the harness module. The test crate includes this file beside it.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;

use crate::harness::processes::{self, Daemon};
use crate::harness::{ControlPlane, ScratchDir, WORKLOAD_CONTROLLERS, eventually};

const NO_ENV: [(&str, &str); 0] = [];

#[tokio::test]
async fn daemons_end_in_the_way_they_are_asked_to() -> anyhow::Result<()> {
    let scratch = ScratchDir::new()?;
    let log = |name: &str| scratch.path().join(name);
    let ready = async |daemon: &Daemon| {
        eventually("the script is ready", Duration::from_secs(10), async || {
            if daemon.log().contains("ready") { Ok(()) } else { Err(daemon.log()) }
        })
        .await;
    };

    // In good order, with an exit status of its own.
    let script = r#"trap 'echo "bye $WHO"; exit 7' TERM; echo ready >&2; while :; do sleep 0.01; done"#;
    let mut polite = Daemon::spawn("/bin/sh", ["-c", script], [("WHO", "you")], log("polite.log"))?;
    ready(&polite).await;
    assert_eq!(polite.terminate(Duration::from_secs(10)).await?.code(), Some(7));
    assert_eq!(polite.log(), "ready\nbye you\n");

    // By the signal itself, which a shell in between would have turned into an exit code.
    let mut plain = Daemon::spawn("/bin/sh", ["-c", "echo ready; exec sleep 600"], NO_ENV, log("plain.log"))?;
    ready(&plain).await;
    assert_eq!(plain.terminate(Duration::from_secs(10)).await?.signal(), Some(15));
    assert_eq!(plain.kill()?.signal(), Some(15), "killing what has ended changes nothing");

    // Not at all.
    let script = "trap '' TERM; echo ready; while :; do sleep 0.01; done";
    let mut stubborn = Daemon::spawn("/bin/sh", ["-c", script], NO_ENV, log("stubborn.log"))?;
    ready(&stubborn).await;
    let error = format!("{:#}", stubborn.terminate(Duration::from_millis(200)).await.unwrap_err());
    assert!(error.contains("SIGTERM was not obeyed") && error.contains("ready"), "{error}");
    assert_eq!(stubborn.try_wait()?.and_then(|status| status.signal()), Some(9));

    let missing = Daemon::spawn("/no/such/program", [""; 0], NO_ENV, log("missing.log")).unwrap_err();
    assert!(missing.to_string().contains("no file /no/such/program"), "{missing}");
    Ok(())
}

#[test]
fn the_tail_of_a_log_is_short() -> anyhow::Result<()> {
    let scratch = ScratchDir::new()?;
    let log = scratch.path().join("log");
    std::fs::write(&log, (0..100_000).map(|line| line.to_string()).collect::<Vec<_>>().join("\n"))?;
    let tail = processes::tail(&log);
    assert_eq!(tail.lines().count(), 30);
    assert_eq!(tail.lines().last(), Some("  99999"));
    Ok(())
}

/// Not a test of its own: runs in a process that the tests below kill or let panic.
#[tokio::test]
#[ignore = "started by other tests"]
async fn victim() -> anyhow::Result<()> {
    let Some(report) = std::env::var_os("HARNESS_VICTIM_REPORT") else {
        return Ok(());
    };
    let cluster = ControlPlane::builder().controllers(WORKLOAD_CONTROLLERS).start().await?;
    let log = cluster.scratch_dir().join("daemon.log");
    let _daemon = Daemon::spawn("/bin/sh", ["-c", "exec sleep 600"], NO_ENV, log)?;
    // Written in one step, as the other process polls for it.
    let unfinished = Path::new(&report).with_extension("unfinished");
    std::fs::write(&unfinished, cluster.scratch_dir().as_os_str().as_encoded_bytes())?;
    std::fs::rename(&unfinished, &report)?;
    assert!(std::env::var_os("HARNESS_VICTIM_PANICS").is_none(), "as asked for");
    tokio::time::sleep(Duration::from_mins(10)).await;
    Ok(())
}

/// All running programs in whose arguments the directory occurs. A zombie has no arguments, so it does not count.
fn processes_mentioning(needle: &Path) -> std::io::Result<Vec<String>> {
    let ps = Command::new("ps").args(["-eo", "pid=,args="]).output()?;
    let text = String::from_utf8_lossy(&ps.stdout).into_owned();
    Ok(text.lines().filter(|line| line.contains(&*needle.to_string_lossy())).map(str::to_owned).collect())
}

async fn nothing_is_left_of_a_victim(panics: bool) -> anyhow::Result<()> {
    let scratch = ScratchDir::new()?;
    let report = scratch.path().join("report");
    let mut command = Command::new(std::env::current_exe()?);
    // The name of this module depends on the crate that includes it.
    let name = format!("{}::victim", module_path!().split_once("::").map_or("", |(_, path)| path));
    command.args(["--exact", &name, "--ignored", "--nocapture"]).env("HARNESS_VICTIM_REPORT", &report);
    if panics {
        command.env("HARNESS_VICTIM_PANICS", "1");
    }
    // The pipe only reaches its end once nobody, including grandchildren, holds the victim's standard output.
    let mut victim = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let directory = eventually("the victim runs", Duration::from_mins(2), async || {
        std::fs::read_to_string(&report).map(PathBuf::from).map_err(|error| error.to_string())
    })
    .await;
    if panics {
        assert_eq!(victim.wait()?.code(), Some(101));
    } else {
        let before = processes_mentioning(&directory)?;
        assert!(before.len() >= 3, "etcd, the API server and the controller manager: {before:#?}");
        victim.kill()?;
        victim.wait()?;
    }
    let mut output = victim.stdout.take().context("standard output is piped")?;
    tokio::time::timeout(
        Duration::from_secs(10),
        tokio::task::spawn_blocking(move || std::io::copy(&mut output, &mut std::io::sink())),
    )
    .await
    .context("something holds the victim's standard output open")???;
    eventually("nothing is left of the victim", Duration::from_secs(10), async || {
        let left = processes_mentioning(&directory).map_err(|error| error.to_string())?;
        if directory.exists() {
            Err(format!("{} is still there, and {left:#?}", directory.display()))
        } else if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{left:#?}"))
        }
    })
    .await;
    Ok(())
}

#[tokio::test]
async fn nothing_is_left_after_a_sigkill() -> anyhow::Result<()> {
    nothing_is_left_of_a_victim(false).await
}

#[tokio::test]
async fn nothing_is_left_after_a_panic() -> anyhow::Result<()> {
    nothing_is_left_of_a_victim(true).await
}
