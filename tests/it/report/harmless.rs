//! Whatever is in manifests, file names and approvals: no credential and no control character comes out.

use cronwarden::api::finding::{Link, LinkKind};
use cronwarden::lineage::{Basis, Origin, Traced};
use cronwarden::report::explain::{self, Lineage, Subject};
use cronwarden::report::{Excerpt, Level, Problem, Report, Source, Style, json, sarif, table, yaml};

use super::explain::{explanation, finding};
use super::lineage::runs;
use super::sample::{now, report};

/// Stands in every secret of the sample.
const MARK: &str = "Tr0ub4dor";
/// A terminal escape, an override of the direction, a line break, and a C1 control.
const HOSTILE: &str = "a\u{1b}]0;x\u{7}\u{202e}b\r\nc\u{9b}2J";

fn styles() -> [Style; 3] {
    let style = Style { colour: false, width: None, excerpts: true, quiet: false };
    [style, Style { width: Some(0), ..style }, Style { quiet: true, ..style }]
}

fn every_form(report: &Report) -> Vec<String> {
    let mut all: Vec<String> = styles().iter().map(|style| table(report, style)).collect();
    all.extend([json(report), yaml(report), sarif(report, "1.2.3")]);
    all
}

fn assert_harmless(text: &str) {
    let bad = text.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
    assert_eq!(bad, None, "{text:?}");
}

#[test]
fn excerpts_show_no_secrets() {
    let report = report();
    let texts = report.judged.iter().flat_map(|judged| &judged.deviations).filter_map(|spot| spot.excerpt.as_ref());
    assert!(texts.filter(|excerpt| excerpt.text.contains(MARK)).count() > 3, "there is nothing to hide");
    for text in every_form(&report) {
        let line = text.lines().find(|line| line.contains(MARK));
        assert_eq!(line, None, "a secret is shown in\n{text}");
    }
}

/// Wherever a place points: at a whole container, at the whole document, into the middle of a secret.
#[test]
fn no_place_makes_an_excerpt_show_a_secret() {
    let mut report = report();
    for judged in &mut report.judged {
        for spot in &mut judged.deviations {
            let Some(excerpt) = &mut spot.excerpt else { continue };
            excerpt.highlight = 0..excerpt.text.len();
        }
    }
    let style = styles()[0];
    assert!(!table(&report, &style).contains(MARK));
    let mut only = Report { judged: vec![report.judged[1].clone()], ..Report::default() };
    only.judged[0].assessment.deviations.truncate(1);
    only.judged[0].assessment.risks.clear();
    let text = report.judged[1].workload.as_ref().and_then(|spot| spot.excerpt.clone()).expect("an excerpt").text;
    for start in (0..text.len()).step_by(3) {
        for length in [7, 40, 400] {
            let excerpt = Excerpt { first_line: 1, text: text.clone(), highlight: start..start + length };
            only.judged[0].deviations[0].excerpt = Some(excerpt);
            let shown = table(&only, &style);
            // A part of a secret is one too.
            assert!(!shown.contains("0ub4"), "{start}+{length}:\n{shown}");
        }
    }
}

#[test]
fn hostile_names_are_escaped() {
    let mut report = report();
    for judged in &mut report.judged {
        judged.source = Source::of(HOSTILE);
        judged.key.name = HOSTILE.to_owned();
        judged.key.namespace = HOSTILE.to_owned();
        let assessment = &mut judged.assessment;
        for deviation in &mut assessment.deviations {
            deviation.approval = Some(HOSTILE.to_owned());
            deviation.expected = HOSTILE.to_owned();
            deviation.path = HOSTILE.to_owned();
        }
        for approval in &mut assessment.approvals {
            approval.name = HOSTILE.to_owned();
        }
        for unknown in &mut assessment.unknown {
            (unknown.approval, unknown.expected) = (HOSTILE.to_owned(), HOSTILE.to_owned());
        }
    }
    report.problems.push(Problem {
        source: Source::of(HOSTILE),
        position: None,
        level: Level::Error,
        message: HOSTILE.to_owned(),
        excerpt: Some(Excerpt { first_line: 1, text: HOSTILE.to_owned(), highlight: 0..HOSTILE.len() }),
    });
    report.summary.skipped.insert(HOSTILE.to_owned(), 1);
    for text in every_form(&report) {
        assert_harmless(&text);
        assert!(text.contains("u{202e}"), "{text}");
    }
}

#[test]
fn hostile_explanations_are_escaped() {
    let mut explanation = explanation();
    for approval in &mut explanation.approvals {
        approval.name = HOSTILE.to_owned();
        approval.problems.push(HOSTILE.to_owned());
        for mismatch in &mut approval.mismatches {
            mismatch.observed = HOSTILE.to_owned();
        }
        for check in &mut approval.checks {
            (check.expected, check.observed, check.path) = (HOSTILE.into(), HOSTILE.into(), HOSTILE.into());
        }
    }
    let judged = &report().judged[1];
    let source = Source::of(HOSTILE);
    let mut finding = finding();
    finding.metadata.name = Some(HOSTILE.to_owned());
    let status = finding.status.as_mut().expect("a status");
    for actor in status.creator.iter_mut().map(|creator| &mut **creator).chain([&mut status.actor]) {
        actor.shown = HOSTILE.to_owned();
        (actor.verb, actor.audit_id) = (Some(HOSTILE.to_owned()), Some(HOSTILE.to_owned()));
        actor.deployment_path = Some(HOSTILE.to_owned());
    }
    let mut runs = runs();
    for run in &mut runs {
        run.key.name = HOSTILE.to_owned();
        for image in &mut run.images {
            (image.image, image.digest) = (HOSTILE.to_owned(), HOSTILE.to_owned());
        }
    }
    let by = Some(HOSTILE.to_owned());
    let origin = Origin::Squatting { cron_job: HOSTILE.to_owned(), due: now(), by };
    let traced = Traced { origin, basis: Basis::Marks };
    let links = [Link { kind: LinkKind::Digest, name: HOSTILE.to_owned(), rests_on: HOSTILE.to_owned() }];
    let lineage = Lineage { traced: &traced, links: &links, more_pods: 1, cron_job: Some(&judged.assessment) };
    let (key, ticks) = (&judged.key, &[HOSTILE.to_owned()]);
    let subject = Subject {
        key,
        source: &source,
        position: None,
        ticks,
        finding: Some(&finding),
        lineage: Some(lineage),
        runs: &runs,
    };
    assert_harmless(&explain::text(&subject, &explanation, &Style::default()));
    assert_harmless(&explain::json(&subject, &explanation));
}
