//! How fast one thread judges, and what a workload and an approval take in memory, at inventories of different sizes.
//!
//! `cargo bench --bench judge -- [--json]`
//!
//! A judgement is what the operator does for each change: unpack the workload, find the approvals that select it, compare.
//! Memory is the growth of the process's resident set (Linux only), so it holds what the allocator adds. Each size is measured
//! in a process of its own, as memory that was freed before would be used again and not show. Time is that of the processor,
//! where the system tells it: what else the machine does counts as little as possible.

mod inventory;

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use cronwarden::assess::assess;
use cronwarden::inventory::{Inventory, Labels};
use cronwarden::workload::{Packed, Workload, WorkloadKind};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

// The one of the operator.
#[cfg(feature = "operator")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SIZES: [usize; 3] = [10, 1_000, 100_000];

/// How many different workloads are judged at each size.
const WORKLOADS: usize = 20_000;

/// How often the whole set is judged. The fastest round counts: the others were held up by something else.
const ROUNDS: usize = 9;

/// A few kilobytes cannot be told from noise.
const FEWEST_FOR_MEMORY: usize = 1_000;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    approvals: usize,
    judgement_seconds: f64,
    judgements_per_second: f64,
    /// Without unpacking.
    assessment_seconds: f64,
    approved: usize,
    deviating: usize,
    unapproved: usize,
    packed_bytes: usize,
    json_bytes: usize,
    resident_bytes_per_workload: Option<usize>,
    resident_bytes_per_approval: Option<usize>,
}

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = match arguments.as_slice() {
        [option, size] if option == "--size" => serde_json::to_string(&measure(size.parse()?)?)?,
        arguments => {
            let rows = SIZES.into_iter().map(in_a_process_of_its_own).collect::<Outcome<Vec<Row>>>()?;
            if arguments.iter().any(|argument| argument == "--json") { as_json(&rows) } else { as_table(&rows) }
        }
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

fn in_a_process_of_its_own(approvals: usize) -> Outcome<Row> {
    eprintln!("judging with {approvals} approvals …");
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.args(["--size", &approvals.to_string()]).stderr(Stdio::inherit()).output()?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn measure(approvals: usize) -> Outcome<Row> {
    let before = resident();
    let mut inventory = Inventory::default();
    for number in 0..approvals {
        inventory.insert(inventory::approval(number)?);
    }
    let resident_bytes_per_approval = growth(before, approvals);

    let before = resident();
    let mut json_bytes = 0;
    let mut workloads = Vec::with_capacity(WORKLOADS);
    for number in 0..WORKLOADS {
        let text = inventory::workload(number, approvals);
        json_bytes += text.len();
        workloads.push(Packed::pack(&Workload::from_json(WorkloadKind::CronJob, &text)?)?);
    }
    let resident_bytes_per_workload = growth(before, WORKLOADS);

    let now: Timestamp = "2026-06-01T00:00:00Z".parse()?;
    let namespace: Labels = inventory::namespace_labels();
    let judgement_seconds = fastest(|| {
        for packed in &workloads {
            black_box(assess(&packed.unpack()?, &inventory, &namespace, now));
        }
        Ok(())
    })?;
    let unpacked = workloads.iter().map(Packed::unpack).collect::<Result<Vec<_>, _>>()?;
    let assessment_seconds = fastest(|| {
        for workload in &unpacked {
            black_box(assess(workload, &inventory, &namespace, now));
        }
        Ok(())
    })?;
    let assessments: Vec<_> = unpacked.iter().map(|w| assess(w, &inventory, &namespace, now)).collect();
    let unapproved = assessments.iter().filter(|assessment| assessment.approvals.is_empty()).count();
    let approved = assessments.iter().filter(|assessment| assessment.is_approved()).count();
    Ok(Row {
        approvals,
        judgement_seconds,
        judgements_per_second: 1.0 / judgement_seconds,
        assessment_seconds,
        approved,
        deviating: WORKLOADS - approved - unapproved,
        unapproved,
        packed_bytes: workloads.iter().map(Packed::size).sum::<usize>() / WORKLOADS,
        json_bytes: json_bytes / WORKLOADS,
        resident_bytes_per_workload,
        resident_bytes_per_approval,
    })
}

/// The seconds for one workload, in the fastest round.
fn fastest(mut round: impl FnMut() -> Outcome<()>) -> Outcome<f64> {
    let mut fastest = f64::INFINITY;
    for _ in 0..ROUNDS {
        let (wall, processor) = (Instant::now(), processor_seconds());
        round()?;
        let took = processor.and_then(|before| Some(processor_seconds()? - before));
        let took = took.unwrap_or_else(|| wall.elapsed().as_secs_f64());
        fastest = fastest.min(took / f64::from(u32::try_from(WORKLOADS)?));
    }
    Ok(fastest)
}

/// How long this thread has run on a processor so far.
fn processor_seconds() -> Option<f64> {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(statistics.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

/// The resident set in bytes, where the system tells.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<usize>().ok()? * 1024)
}

fn growth(before: Option<usize>, count: usize) -> Option<usize> {
    let grown = resident()?.saturating_sub(before?);
    (count >= FEWEST_FOR_MEMORY).then_some(grown / count)
}

fn ratio(rows: &[Row]) -> Option<f64> {
    Some(rows.last()?.judgement_seconds / rows.first()?.judgement_seconds)
}

fn as_table(rows: &[Row]) -> String {
    let micros = |seconds: f64| format!("{:.1} µs", seconds * 1e6);
    let bytes = |bytes: Option<usize>| bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{bytes} B"));
    let line = |cells: [&str; 7]| {
        let [approvals, judgement, rate, assessment, mix, workload, approval] = cells;
        format!(
            "{approvals:>9}  {judgement:>11}  {rate:>12}  {assessment:>14}  {mix:>29}  {workload:>14}  {approval:>15}\n"
        )
    };
    let mut text = line([
        "approvals",
        "a judgement",
        "judgements/s",
        "without unpack",
        "approved/deviating/unapproved",
        "RSS a workload",
        "RSS an approval",
    ]);
    for row in rows {
        text.push_str(&line([
            &row.approvals.to_string(),
            &micros(row.judgement_seconds),
            &format!("{:.0}", row.judgements_per_second),
            &micros(row.assessment_seconds),
            &format!("{}/{}/{}", row.approved, row.deviating, row.unapproved),
            &bytes(row.resident_bytes_per_workload),
            &bytes(row.resident_bytes_per_approval),
        ]));
    }
    if let (Some(ratio), [first, .., last]) = (ratio(rows), rows) {
        let _ = writeln!(text, "\ntime at {} approvals over time at {}: {ratio:.2}", last.approvals, first.approvals);
        let _ = writeln!(text, "a workload of {} B of JSON takes {} B packed", last.json_bytes, last.packed_bytes);
    }
    text
}

fn as_json(rows: &[Row]) -> String {
    format!("{:#}\n", json!({ "sizes": rows, "ratio": ratio(rows) }))
}
