//! Seeks that are done in steps.

use std::cell::Cell;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::rc::Rc;

use mms_asf::KeyFrameSearch;

use super::*;

/// A file that counts the packets that are read from it.
struct Counted {
    file: Cursor<Vec<u8>>,
    packets: Rc<Cell<usize>>,
}

impl Read for Counted {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let packet = usize::from(bytes.len() == SIZE as usize);
        self.packets.set(self.packets.get() + packet);
        self.file.read(bytes)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// The point, the number of steps and the most packets that one of them read.
fn in_steps(file: &[u8], millis: u64, stream: u8, budget: u32) -> (SeekPoint, usize, usize) {
    let read = Rc::new(Cell::new(0));
    let counted = Counted { file: Cursor::new(file.to_vec()), packets: Rc::clone(&read) };
    let mut reader = FileReader::open(counted).unwrap();
    let mut search = KeyFrameSearch::new(Duration::from_millis(millis), stream);
    let (mut steps, mut most) = (0, 0);
    loop {
        let (before, mut left) = (read.get(), budget);
        let point = search.step(&mut reader, &mut left).unwrap();
        let count = read.get() - before;
        assert_eq!(budget.saturating_sub(u32::try_from(count).unwrap()), left);
        (steps, most) = (steps + 1, most.max(count));
        if let Some(point) = point {
            assert_eq!(search.step(&mut reader, &mut 1).unwrap(), Some(point));
            return (point, steps, most);
        }
        assert_eq!(left, 0);
        assert!(steps < 10_000);
    }
}

#[test]
fn a_stream_without_packets_is_searched_for_in_steps() {
    // A declared stream of which nothing is in 3,000 packets.
    let shown: Vec<Shown> = (0..3_000).map(|number| (0x82, 3_000 + number * 100)).collect();
    let file = file(&packets(&shown), &[]);
    let (point, steps, most) = in_steps(&file, 300_000, 1, 64);
    assert_eq!((point.packet, point.time), (0, None));
    assert!((3_000 / 64..3_000 / 64 + 5).contains(&steps), "{steps}");
    // Bisection over 3,000 packets is not interrupted.
    assert!(most < 64 + 12, "{most}");
    // One that is there costs little.
    let (point, steps, _) = in_steps(&file, 150_000, 2, 64);
    assert_eq!((point.packet, steps), (1_500, 1));
}

#[test]
fn a_step_without_packets_reads_none() {
    let file = file(&example(), &[]);
    let mut reader = open(file);
    let mut search = KeyFrameSearch::new(Duration::from_secs(2), 1);
    for _ in 0..3 {
        assert_eq!(search.step(&mut reader, &mut 0).unwrap(), None);
    }
    assert_eq!(search.step(&mut reader, &mut 100).unwrap().unwrap().packet, 3);
}

proptest! {
    #[test]
    fn steps_find_the_same(
        shown in shown(),
        entries in prop::collection::vec(0..70_u32, 0..40),
        right in any::<bool>(),
        millis in 0..30_000_u64,
        budget in 1..20_u32,
    ) {
        let packets = packets(&shown);
        let objects = if right {
            built(&packets, Duration::from_millis(u64::from(shown.last().unwrap().1) + 1))
        } else {
            vec![simple(&entries)]
        };
        let file = file(&packets, &objects);
        for stream in [1, 2] {
            let whole = open(file.clone()).seek(Duration::from_millis(millis), stream).unwrap();
            let (point, _, most) = in_steps(&file, millis, stream, budget);
            prop_assert_eq!(point, whole);
            prop_assert!(most <= budget as usize + 7, "{}", most);
        }
    }
}
