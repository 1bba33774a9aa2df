//! Writes synthetic forms: the demonstration set, or a corpus of N forms, or single pages as PNG.
//!
//! `cargo run --release -p castor-testkit --example synthetic_forms -- sample DIR`
//! `cargo run --release -p castor-testkit --example synthetic_forms -- corpus DIR SEED N`
//! `cargo run --release -p castor-testkit --example synthetic_forms -- pages DIR SEED`

use std::path::Path;

use castor_testkit::corpus::{sample_forms, write_corpus};
use castor_testkit::form::{Family, Form, Options};
use castor_testkit::scan::Scan;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let options = Options::default();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["sample", dir] => {
            sample_forms(Path::new(dir), 1)?;
        }
        ["corpus", dir, seed, n] => {
            write_corpus(Path::new(dir), seed.parse()?, n.parse()?, &options)?;
        }
        ["pages", dir, seed] => {
            std::fs::create_dir_all(dir)?;
            let scans = [
                ("dropout", Scan::drop_out()),
                ("colour", Scan::colour_300()),
                ("phone", Scan::phone(500)),
            ];
            for family in Family::ALL {
                let form = Form::sample(seed.parse()?, family, &options)?;
                for page in 1..=form.pages() {
                    for (name, scan) in scans {
                        let path = Path::new(dir).join(format!("{}-{page}-{name}.png", family.slug()));
                        form.render(page, scan)?.save(path)?;
                    }
                }
            }
        }
        _ => return Err("usage: synthetic_forms sample DIR | corpus DIR SEED N | pages DIR SEED".into()),
    }
    Ok(())
}
