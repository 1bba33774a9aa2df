use std::path::Path;

use castor_domain::symbol::Symbol;
use castor_learn::mnist::{MnistPart, read_mnist};
use castor_learn::sample::{Origin, Sample, ScanType, read_samples, write_samples};
use castor_learn::seed::{Purpose, stream};
use proptest::prelude::*;

use crate::shapes::{picture, shape};

proptest! {
    #[test]
    fn samples_come_back_from_their_file_as_they_were(
        drawn in prop::collection::vec(
            (any::<u8>(), prop::option::of(0_usize..12), prop::option::of(any::<bool>()), 0_usize..3, 0_usize..3, ".{0,12}"),
            0..12,
        ),
    ) {
        let samples: Vec<Sample> = drawn
            .into_iter()
            .map(|(tone, class, flag, scan, origin, group)| Sample {
                image: picture(|x, y| tone.wrapping_add(u8::try_from(x * 3 + y).unwrap_or_default())),
                symbol: class.and_then(Symbol::from_class),
                cross: flag,
                overwritten: flag.map(|f| !f),
                group,
                scan: ScanType::ALL[scan],
                origin: Origin::ALL[origin],
            })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("boxes");
        write_samples(&path, &samples).unwrap();
        prop_assert_eq!(read_samples(&path).unwrap(), samples);
    }
}

#[test]
fn a_damaged_sample_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("boxes");
    let samples: Vec<Sample> = (0..3).map(|i| shape(&mut stream(1, Purpose::Pool, i))).collect();
    write_samples(&path, &samples).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for damaged in [&whole[..whole.len() - 1], &whole[..20], &whole[1..], &[]] {
        std::fs::write(&path, damaged).unwrap();
        let error = read_samples(&path).unwrap_err();
        assert_eq!(error.code(), "FORMAT");
        assert!(error.to_string().contains("boxes"));
    }
    assert_eq!(read_samples(&folder.path().join("none")).unwrap_err().code(), "FILE");
}

fn write_idx(path: &Path, header: &[u8], body: &[u8]) {
    let written = std::fs::write(path, [header, body].concat());
    assert!(written.is_ok(), "{written:?}");
}

#[test]
fn mnist_digits_are_read_from_their_two_files() {
    let folder = tempfile::tempdir().unwrap();
    let (images, labels) = (
        folder.path().join("t10k-images-idx3-ubyte"),
        folder.path().join("t10k-labels-idx1-ubyte"),
    );
    let pixels: Vec<u8> = (0..=250).cycle().take(2 * 784).collect();
    write_idx(&images, &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28], &pixels);
    write_idx(&labels, &[0, 0, 8, 1, 0, 0, 0, 2], &[7, 0]);
    let digits = read_mnist(folder.path(), MnistPart::Test).unwrap();
    assert_eq!(digits.len(), 2);
    assert_eq!((digits[0].digit, digits[1].digit), (7, 0));
    assert_eq!(digits[1].pixels, pixels[784..]);

    write_idx(&labels, &[0, 0, 8, 1, 0, 0, 0, 3], &[7, 0, 1]);
    assert_eq!(read_mnist(folder.path(), MnistPart::Test).unwrap_err().code(), "FORMAT");
    write_idx(&labels, &[0, 0, 8, 1, 0, 0, 0, 2], &[7, 10]);
    assert_eq!(read_mnist(folder.path(), MnistPart::Test).unwrap_err().code(), "FORMAT");
    assert_eq!(read_mnist(folder.path(), MnistPart::Train).unwrap_err().code(), "FILE");
}
