//! `cronwarden certificates`

mod authority;
mod files;
mod manifests;

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::terminal::print;
use authority::Made;
use files::File;
use manifests::Place;

/// The longest time that certificates can be good for.
const MOST_DAYS: u16 = 3650;

/// What `cronwarden certificates` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Write the files into this folder, which is made if there is none.
    #[arg(long, value_name = "FOLDER")]
    output: PathBuf,
    /// Another name or IP address that the endpoint is reached by. Can be given several times; the names of the Service are always there.
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// Where API servers send audit events, such as 10.96.0.50:443.
    ///
    /// They run outside of the cluster's network and can seldom resolve the names of Services: give the cluster IP of the Service, or
    /// any address that leads to it. Without it, the name of the Service is used.
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// The namespace that Cronwarden runs in.
    #[arg(long, value_name = "NAME", default_value = "cronwarden")]
    namespace: String,
    /// The Service of the endpoint.
    #[arg(long, value_name = "NAME", default_value = "cronwarden")]
    service: String,
    /// How many days the certificates are good for.
    #[arg(long, value_name = "NUMBER", default_value_t = 730)]
    days: u16,
    /// Replace what is there. Senders have to be given the new files, too.
    #[arg(long)]
    force: bool,
}

pub(super) fn main(arguments: &Arguments) -> anyhow::Result<()> {
    ensure!(
        (1..=MOST_DAYS).contains(&arguments.days),
        "--days: certificates can be good for 1 to {MOST_DAYS} days, not for {}",
        arguments.days
    );
    let place = Place::new(&arguments.namespace, &arguments.service, arguments.address.as_deref())?;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let until = today.checked_add(i32::from(arguments.days).days()).context("--days: that is too far away")?;
    let made = Made::new(&place.names(&arguments.host)?, today, until)?;
    let files = contents(&made, &place)?;
    files::write(&arguments.output, &files, arguments.force)?;
    print(&advice(arguments, &place, &files, &until.to_string())?)
}

fn contents(made: &Made, place: &Place) -> anyhow::Result<Vec<File>> {
    Ok(vec![
        File::public("ca.crt", &made.authority, "the authority that signed both certificates; its key is gone"),
        File::public("tls.crt", &made.server.certificate, "the certificate of the endpoint"),
        File::secret("tls.key", &made.server.key, "its private key"),
        File::public("client.crt", &made.client.certificate, "the certificate of API servers"),
        File::secret("client.key", &made.client.key, "its private key"),
        File::secret("token", &made.token, "the token, for senders that cannot show a certificate"),
        File::secret("secret.yaml", &manifests::secret(made, place)?, "the Secret that the endpoint runs with"),
        File::secret(
            "audit-webhook.kubeconfig",
            &manifests::kubeconfig(made, place)?,
            "for --audit-webhook-config-file of API servers",
        ),
        File::secret(
            "validating-webhook.yaml",
            &manifests::validating_webhook(made, place)?,
            "for clusters whose API servers have no audit webhook",
        ),
        File::public("audit-policy.yaml", manifests::AUDIT_POLICY, "for --audit-policy-file of API servers"),
    ])
}

fn advice(arguments: &Arguments, place: &Place, files: &[File], until: &str) -> anyhow::Result<String> {
    let folder = arguments.output.display();
    let mut text = String::new();
    for file in files {
        writeln!(text, "{folder}/{}: {}", file.name, file.about)?;
    }
    writeln!(text, "\nThe certificates are good until {until}. Then run this command again with --force.")?;
    writeln!(text, "API servers send audit events to {}.", place.audit_url())?;
    if arguments.address.is_none() {
        writeln!(text, "If they cannot resolve that name, give the cluster IP of the Service with --address.")?;
    }
    Ok(text)
}
