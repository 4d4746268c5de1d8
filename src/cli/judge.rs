//! Judging many workloads at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use jiff::Timestamp;

use super::declared::Declared;
use super::input::{Candidate, Input, Origin, joined};
use crate::assess::{Assessment, assess, unreadable};
use crate::finding::fingerprint;
use crate::report::{Judged, Spot};
use crate::workload::Workload;

/// How many workloads a thread takes at a time.
const BATCH: usize = 64;

/// Judges workloads from files on as many threads as there are processors, in their order. With excerpts, what deviates is shown
/// as it is written.
pub(super) fn judge(
    input: &Input,
    workloads: &[Candidate],
    declared: &Declared,
    now: Timestamp,
    with_excerpts: bool,
) -> Vec<Judged> {
    let batches: Vec<&[Candidate]> = batches(workloads);
    let judged = in_parallel(batches.len(), |number| {
        let batch = batches.get(number).copied().unwrap_or_default();
        let mut judged: Vec<Judged> = batch.iter().map(|found| one(input, found, declared, now)).collect();
        place(input, batch, &mut judged, with_excerpts);
        judged
    });
    judged.into_iter().flatten().collect()
}

/// Cuts the list into batches. All objects of one document come into one batch: the document is read again as a whole to place what
/// deviates.
fn batches(workloads: &[Candidate]) -> Vec<&[Candidate]> {
    let mut batches = Vec::new();
    let mut rest = workloads;
    while !rest.is_empty() {
        let last = rest.get(BATCH - 1).or(rest.last());
        let end = last.map_or(rest.len(), |last| {
            let beyond = rest.iter().skip(BATCH).take_while(|found| found.origin.is_beside(&last.origin)).count();
            rest.len().min(BATCH + beyond)
        });
        let (batch, others) = rest.split_at(end);
        batches.push(batch);
        rest = others;
    }
    batches
}

/// Does so many pieces of work on as many threads as there are processors, and returns the results in order.
fn in_parallel<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return done;
            }
            done.push((number, work(number)));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(count);
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        workers.into_iter().flat_map(joined).collect()
    });
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

fn one(input: &Input, found: &Candidate, declared: &Declared, now: Timestamp) -> Judged {
    let (key, packed) = &found.object;
    let workload = packed.clone().and_then(|packed| packed.unpack());
    let assessment = match &workload {
        Ok(workload) => assess(workload, &declared.inventory, declared.labels(&key.namespace), now),
        Err(reason) => unreadable(reason),
    };
    let workload = workload.ok();
    let (fingerprint, template_hash) = evidence(&assessment, workload.as_ref());
    Judged {
        key: key.clone(),
        source: input.source(&found.origin),
        assessment,
        fingerprint,
        template_hash,
        workload: None,
        deviations: Vec::new(),
        risks: Vec::new(),
    }
}

/// Nobody asks for the hashes of what is approved, and making them takes longer than the judgement.
fn evidence(assessment: &Assessment, workload: Option<&Workload>) -> (String, Option<String>) {
    if assessment.is_approved() {
        return (String::new(), None);
    }
    (fingerprint(assessment, workload), workload.map(Workload::template_hash))
}

/// Finds the places of what is not approved. A file that changed in the meantime has none.
fn place(input: &Input, batch: &[Candidate], judged: &mut [Judged], with_excerpts: bool) {
    let mut wanted: Vec<(&Origin, &mut Judged)> = batch
        .iter()
        .map(|found| &found.origin)
        .zip(judged)
        .filter(|(_, judged)| !judged.assessment.is_approved())
        .collect();
    for document in wanted.chunk_by_mut(|(a, _), (b, _)| a.is_beside(b)) {
        let Some(origin) = document.first().map(|(origin, _)| *origin) else { continue };
        let paths: Vec<_> = document.iter().map(|(origin, judged)| (origin.index, paths(&judged.assessment))).collect();
        let Ok(spots) = input.spots(origin, &paths, with_excerpts) else { continue };
        for ((_, judged), spots) in document.iter_mut().zip(spots) {
            let mut spots = spots.into_iter();
            judged.workload = spots.next();
            judged.deviations = spots.by_ref().take(judged.assessment.deviations.len()).collect::<Vec<Spot>>();
            judged.risks = spots.collect();
        }
    }
}

/// The paths to place: the workload itself, its deviations, its risks.
fn paths(assessment: &Assessment) -> Vec<&str> {
    let deviations = assessment.deviations.iter().map(|deviation| deviation.path.as_str());
    let risks = assessment.risks.iter().map(|risk| risk.path.as_str());
    std::iter::once("").chain(deviations).chain(risks).collect()
}
