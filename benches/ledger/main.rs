//! What it takes to know who made ten thousand CronJobs: time for each audit event, memory, and what is kept of it.
//!
//! `cargo bench --bench ledger -- [--count N] [--json]`
//!
//! Events are read from their text, as an API server sends them under the policy of `deploy/intake`. Half of the workloads are changed
//! once. Memory is the growth of the resident set (Linux only), with the text of the events freed.

use std::io::Write as _;
use std::time::Instant;

use cronwarden::identity::ledger::{PAGES, Seen, Sighting};
use cronwarden::identity::{Ledger, audit};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

// The one of the operator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Who deploys: an account for each of so many tenants.
const TENANTS: usize = 100;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let count = value("--count").map_or(Ok(10_000), |count| count.parse())?;
    let now: Timestamp = "2026-06-01T00:00:00Z".parse()?;

    let mut ledger = Ledger::default();
    ledger.begin(std::iter::empty(), now);
    let mut texts: Vec<String> = (0..count).map(|number| event(number, "create", 1)).collect();
    texts.extend((0..count).step_by(2).map(|number| event(number, "patch", 2)));
    let bytes: usize = texts.iter().map(String::len).sum();
    let before = resident();
    let start = Instant::now();
    let mut facts = 0;
    for text in &texts {
        for fact in audit::read(text.as_bytes()).facts {
            facts += 1;
            ledger.record(&fact, "", now);
            // The watch tells of it about as soon.
            let sighting = Sighting {
                generation: fact.version.generation.unwrap_or_default(),
                became: fact.version.resource_version,
                content: None,
            };
            let seen = Seen { sighting, created: fact.version.created, at: now, claim: None };
            ledger.observe(fact.version.uid.as_deref().unwrap_or_default(), &fact.object, &seen);
        }
    }
    let recorded = start.elapsed();
    let grown = resident().zip(before).map(|(after, before)| after.saturating_sub(before) / count);

    let start = Instant::now();
    let mut known = 0;
    for number in 0..count {
        let (uid, generation) = (uid(number), if number % 2 == 0 { 2 } else { 1 });
        let seen = Seen { sighting: Sighting { generation, ..Sighting::default() }, at: now, ..Seen::default() };
        known += usize::from(ledger.provenance(&uid, &seen, SignedDuration::ZERO, now).changer.is_some());
    }
    let asked = start.elapsed();
    if known != count || facts != texts.len() {
        return Err(format!("{known} of {count} workloads are attributed, by {facts} facts").into());
    }

    let start = Instant::now();
    let (mut kept, mut largest) = (0, 0);
    for number in 0..PAGES {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&ledger.page(number).to_json()?)?;
        let page = encoder.finish()?.len();
        kept += page;
        largest = largest.max(page);
    }
    let written = start.elapsed();

    let micros = |time: std::time::Duration, count: usize| time.as_secs_f64() * 1e6 / to_f64(count);
    let figures = json!({
        "workloads": count,
        "events": texts.len(),
        "eventBytes": bytes / texts.len(),
        "microsPerEvent": micros(recorded, texts.len()),
        "microsPerAttribution": micros(asked, count),
        "residentBytesPerWorkload": grown,
        "keptBytesPerWorkload": to_f64(kept) / to_f64(count),
        "largestPageBytes": largest,
        "microsPerPage": micros(written, usize::from(PAGES)),
    });
    let text = if arguments.iter().any(|argument| argument == "--json") {
        format!("{figures:#}\n")
    } else {
        let row = |what: &str, value: String| format!("{what:<46} {value:>12}\n");
        [
            row("workloads, and audit events about them", format!("{count} / {}", texts.len())),
            row(
                &format!("an event of {} B, read and recorded", bytes / texts.len()),
                format!("{:.1} µs", micros(recorded, texts.len())),
            ),
            row("who made a workload, asked", format!("{:.2} µs", micros(asked, count))),
            row("resident memory for each workload", grown.map_or("-".to_owned(), |grown| format!("{grown} B"))),
            row("kept for each workload, compressed", format!("{:.0} B", to_f64(kept) / to_f64(count))),
            row(&format!("the largest of {PAGES} pages"), format!("{largest} B")),
            row("one page, written as text and compressed", format!("{:.0} µs", micros(written, usize::from(PAGES)))),
        ]
        .concat()
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

fn to_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

fn uid(number: usize) -> String {
    format!("{number:08x}-5b1c-4d6e-9a53-{:012x}", number * 7919)
}

fn namespace(number: usize) -> String {
    format!("tenant-{}", number % TENANTS)
}

fn name(number: usize) -> String {
    format!("report-{number}")
}

/// A request of a tenant's account, with the object that came of it.
fn event(number: usize, verb: &str, generation: usize) -> String {
    let (namespace, name) = (namespace(number), name(number));
    let account = format!("system:serviceaccount:{namespace}:deployer");
    json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "stage": "ResponseComplete",
        "auditID": format!("{number:08x}-{generation:04x}-4000-8000-000000000000"),
        "requestURI": format!("/apis/batch/v1/namespaces/{namespace}/cronjobs/{name}?fieldManager=argocd-controller"),
        "verb": verb,
        "user": {
            "username": account,
            "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{namespace}"), "system:authenticated"],
            "extra": { "authentication.kubernetes.io/pod-name": [format!("deployer-{}", number % TENANTS)] },
        },
        "sourceIPs": ["10.1.2.3"], "userAgent": "argocd-application-controller/v3.1.0",
        "objectRef": { "resource": "cronjobs", "namespace": namespace, "name": name, "apiGroup": "batch", "apiVersion": "v1" },
        "responseStatus": { "code": 200 },
        "requestObject": { "spec": { "schedule": "0 2 * * *" } },
        "responseObject": {
            "kind": "CronJob", "apiVersion": "batch/v1",
            "metadata": {
                "name": name, "namespace": namespace, "uid": uid(number), "generation": generation,
                "resourceVersion": format!("{}", 1000 + number * 2 + generation), "creationTimestamp": "2026-06-01T00:00:00Z",
                "labels": { "app.kubernetes.io/name": name, "team": namespace },
            },
            "spec": { "schedule": "0 2 * * *", "jobTemplate": { "spec": { "template": { "spec": {
                "containers": [{ "name": "report", "image": "registry.example.com/reports/daily:v3.2", "args": ["--all"] }],
            } } } } },
        },
        "requestReceivedTimestamp": "2026-06-01T00:00:00.100000Z", "stageTimestamp": "2026-06-01T00:00:00.200000Z",
        "annotations": { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": format!("RBAC: allowed by RoleBinding \"deployer/{namespace}\" of Role \"deployer\" to ServiceAccount \"deployer/{namespace}\"") },
    })
    .to_string()
}

/// The resident set in bytes, where the system tells.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<usize>().ok()? * 1024)
}
