//! Bodies that are not what they seem.

use std::io::Write;

use axum::body::Body;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream;
use tokio::time::{Duration, Instant};

use crate::cluster::intake::endpoint::body::{Encoding, decode, receive};
use crate::cluster::intake::endpoint::refusal::Refusal;

const LIMIT: usize = 64 << 10;

fn compressed(length: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b' '; length]).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_bomb_does_not_go_off() {
    let bomb = compressed(8 << 20);
    assert!(bomb.len() < LIMIT, "it looks harmless");
    assert_eq!(decode(bomb, Encoding::Gzip, LIMIT), Err(Refusal::Size));
    assert_eq!(decode(compressed(LIMIT), Encoding::Gzip, LIMIT).unwrap().len(), LIMIT);
    assert_eq!(decode(compressed(LIMIT + 1), Encoding::Gzip, LIMIT), Err(Refusal::Size));
    let two = [compressed(LIMIT), compressed(1)].concat();
    assert_eq!(decode(two, Encoding::Gzip, LIMIT), Err(Refusal::Size), "one after another");
}

#[test]
fn what_is_cut_off_cannot_be_read() {
    let mut cut = compressed(1000);
    cut.truncate(cut.len() - 4);
    assert_eq!(decode(cut, Encoding::Gzip, LIMIT), Err(Refusal::Unreadable));
}

#[tokio::test]
async fn the_limit_holds_for_bodies_that_do_not_say_how_long_they_are() {
    let body =
        |chunks: usize| Body::from_stream(stream::iter((0..chunks).map(|_| Ok::<_, std::io::Error>("0123456789"))));
    let deadline = Instant::now() + Duration::from_secs(30);
    assert_eq!(receive(body(10), 100, deadline).await.unwrap().len(), 100);
    assert_eq!(receive(body(usize::MAX), 100, deadline).await, Err(Refusal::Size), "though it never ends");
    let broken = Body::from_stream(stream::iter([Err::<&str, _>(std::io::Error::other("gone"))]));
    assert_eq!(receive(broken, 100, deadline).await, Err(Refusal::Slow));
}
