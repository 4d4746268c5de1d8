//! Free loopback ports that stay free.
//!
//! Asking the system for port 0 and handing the number to a program leaves a gap in which anybody can take it. Three
//! things close it almost completely: the ports lie below the range that systems use for outgoing connections, a locked
//! file for each port keeps other control planes off it (also while the API server is stopped and its port is unused),
//! and the caller starts again with other ports should a stranger be quicker all the same.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context;

const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// A loopback port that no other control plane will pick for as long as this value lives.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// Unlocked by the kernel when closed, so nothing stale can be left behind.
    _lock: File,
}

impl Port {
    /// Reserves a port on which nothing listens at this moment.
    pub fn reserve() -> anyhow::Result<Self> {
        let locks = super::go_module::cache_dir()?.join("ports");
        std::fs::create_dir_all(&locks).with_context(|| format!("cannot make {}", locks.display()))?;
        // The hasher's random seed is all the randomness that the standard library offers, and enough.
        let start = u16::try_from(RandomState::new().hash_one(0) % u64::from(COUNT))?;
        for step in 0..COUNT {
            let number = FIRST + (start + step) % COUNT;
            let path = locks.join(number.to_string());
            let lock = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .with_context(|| format!("cannot open {}", path.display()))?;
            if lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { number, _lock: lock });
            }
        }
        anyhow::bail!("no free loopback port between {FIRST} and {}", FIRST + COUNT - 1)
    }

    /// The port number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// `https://127.0.0.1:<port>`.
    pub fn https(&self) -> String {
        format!("https://127.0.0.1:{}", self.number)
    }

    /// `http://127.0.0.1:<port>`.
    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.number)
    }
}
