//! Texts that want to exhaust, confuse or crash the reader.

use super::super::{Content, read, values};
use super::{CRON_JOB, contents, document, documents, errors, list};

fn in_job(field: &str) -> String {
    format!("{CRON_JOB}          {field}\n")
}

/// Fields `x0`, `x1` and so on, each an anchor: the first with this value, the others with one made of an alias for the one
/// before.
fn levels(first: &str, count: usize, next: impl Fn(&str) -> String) -> String {
    let field = |level: usize| {
        let value = level.checked_sub(1).map_or_else(|| first.to_owned(), |before| next(&format!("*x{before}")));
        format!("x{level}: &x{level} {value}\n")
    };
    (0..count).map(field).collect::<Vec<_>>().concat()
}

#[test]
fn aliases_expand_to_a_bounded_number_of_nodes() {
    let bomb = levels("[a, a, a, a, a, a, a, a, a]", 12, |before| format!("[{}]", format!("{before}, ").repeat(9)));
    assert!(values(&document(bomb.as_str())).is_err());
    // Fields that nobody judges are not expanded.
    assert!(matches!(contents(&(bomb.clone() + CRON_JOB)).objects[0].content, Content::Workload(_)));
    let judged = contents(&(bomb.clone() + &in_job("affinity: *x11")));
    assert!(matches!(judged.objects[0].content, Content::Unreadable { .. }), "{judged:?}");
    assert!(!errors(&judged).is_empty());

    let merges = levels("{a: 1}", 30, |before| format!("{{<<: [{before}, {before}]}}"));
    assert!(errors(&contents(&merges))[0].contains("too many nodes"));
    let items = format!("{bomb}apiVersion: v1\nkind: List\nitems: *x11\n");
    assert!(!errors(&contents(&items)).is_empty());
}

#[test]
fn aliases_cannot_contain_themselves_or_nest_without_end() {
    assert!(errors(&contents("a: &a [*a]\n"))[0].contains("contains it"));
    let chain = levels("{a: 1}", 2_000, |before| format!("{{a: {before}}}"));
    assert!(values(&document(format!("{chain}y: *x1999\n"))).is_err());
    let judged = contents(&(chain + &in_job("affinity: *x1999")));
    assert!(matches!(judged.objects[0].content, Content::Unreadable { .. }));
    let merges = levels("{a: 1}", 2_000, |before| format!("{{<<: {before}}}"));
    assert!(!errors(&contents(&merges)).is_empty());
}

#[test]
fn nesting_has_a_limit() {
    for piece in ["[", "{a: ", "- ", "? ", "{\"a\":", "{\"a\":["] {
        let read = contents(&piece.repeat(1_000_000 / piece.len()));
        assert_eq!(errors(&read).len(), 1, "{piece}");
    }
    let steps = (0..5_000).map(|level| " ".repeat(level) + "a:\n").collect::<String>();
    assert_eq!(errors(&contents(&steps)).len(), 1);
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(200), "]".repeat(200));
    assert!(values(&document(deep)).is_ok());
}

#[test]
fn many_values_take_bounded_memory() {
    let values = "[".to_owned() + &"a,".repeat(3_000_000) + "]";
    assert!(errors(&contents(&values))[0].contains("split the document"));
    // Each of them an error of its own.
    let items = format!("{{\"kind\": \"List\", \"apiVersion\": \"v1\", \"items\": [{}1]}}", "1,".repeat(1_000_000));
    assert!(errors(&contents(&items)).len() <= 101);
    let keys = (0..100_000).map(|number| format!("k{number}: {number}\n")).collect::<Vec<_>>().concat();
    assert!(errors(&contents(&format!("kind: A\napiVersion: v1\n{keys}"))).is_empty());
}

#[test]
fn a_list_of_thousands_is_read() {
    let text = list(&vec![CRON_JOB; 3_000]);
    let read = contents(&text);
    assert_eq!(read.objects.len(), 3_000);
    assert_eq!(read.objects[2_999].position.line, 3 + 2_999 * 17);
    assert!(read.problems.is_empty());
}

#[test]
fn bytes_that_are_no_text_are_told_with_their_place() {
    let cases: [(&[u8], &str, u64, u64); 8] = [
        (b"a: 1\nb: \xff\n", "UTF-8", 2, 4),
        (b"\xff\xfea\0:\0", "UTF-16", 1, 1),
        (b"a: x\0y\n", "control character", 1, 5),
        (b"a: \x1b[31m\n", "control character", 1, 4),
        (b"a: 1\nb: \xc2\x85c\n", "line end", 2, 4),
        (b"a: 1\nb\xef\xbb\xbf: 2\n", "byte order mark", 2, 2),
        (b"a: 1\rb: 2\n", "carriage return", 1, 5),
        (b"a: \xef\xbf\xbf\n", "control character", 1, 4),
    ];
    for (text, message, line, column) in cases {
        let read = read(&document(text));
        let [problem] = read.problems.as_slice() else { panic!("{read:?}") };
        assert!(problem.message.contains(message), "{text:?}: {problem:?}");
        assert_eq!((problem.position.line, problem.position.column), (line, column), "{text:?}");
    }
    let marked = document([b"\xef\xbb\xbf", CRON_JOB.as_bytes()].concat());
    assert_eq!(read(&marked).objects.len(), 1);
}

#[test]
fn messages_are_harmless() {
    let kind = contents("kind: \"a\\e[31m\"\napiVersion: v1\n");
    assert!(!kind.skipped[0].contains('\u{1b}'), "{kind:?}");
    let reason = contents(&CRON_JOB.replace("image: busybox", "image: {\"\\e[31m\": 1}"));
    assert!(!format!("{reason:?}").contains('\u{1b}'));
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..300 {
        let mut text = CRON_JOB.as_bytes().to_vec();
        for _ in 0..3 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let at = usize::try_from(state >> 33).expect("31 bits") % text.len();
            text[at] = state.to_le_bytes()[0];
            text.truncate(text.len().min(at + 300));
        }
        for document in documents_or_errors(&text) {
            let contents = read(&document);
            let paths = ["spec.jobTemplate.spec", "metadata.name", ""];
            for object in &contents.objects {
                super::super::locate(&document, object.index, &paths);
            }
        }
    }
    assert_eq!(documents(CRON_JOB.as_bytes()).len(), 1);
}

fn documents_or_errors(text: &[u8]) -> Vec<super::super::Document> {
    super::super::Documents::new(text).filter_map(Result::ok).collect()
}
