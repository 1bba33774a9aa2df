//! Fills a data folder with many forms for measurements: `desk_fill FOLDER FORMS`.
//!
//! A few generated forms are read; their readings are appended again and again under other tables, through the same path
//! as every event of the desk. The forms carry the mark of generated ones and have no files.

use castor_app::open_reader;
use castor_domain::codes::MesaId;
use castor_domain::header::{Item, Source};
use castor_domain::reading::FormReading;
use castor_domain::review::{Act, Case, Event, EventId, Moment, Round};
use castor_store::{NewEvent, Store, sha256};
use castor_vision::input::{Document, Limits};
use std::error::Error;
use std::path::Path;

/// 2026-05-31, evening.
const START: i64 = 1_780_261_200_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, forms] = arguments.as_slice() else {
        return Err("desk_fill FOLDER FORMS".into());
    };
    let readings = readings()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(fill(Path::new(folder), forms.parse()?, &readings))
}

/// Readings of the forms that come with the program.
fn readings() -> Result<Vec<(FormReading, String)>, Box<dyn Error>> {
    let samples = tempfile::tempdir()?;
    castor_testkit::corpus::sample_forms(samples.path(), 1)?;
    let reader = open_reader(None)?;
    let mut readings = Vec::new();
    for entry in std::fs::read_dir(samples.path().join("forms"))? {
        let read = reader.read(&Document::open(&entry?.path(), &Limits::default())?)?;
        // Long lists would make the log larger than a real election's.
        if read.reading.fields.len() < 60 {
            readings.push((read.reading, reader.model_version().to_owned()));
        }
    }
    Ok(readings)
}

async fn fill(folder: &Path, forms: u32, readings: &[(FormReading, String)]) -> Result<(), Box<dyn Error>> {
    let store = Store::open(folder).await?;
    let mut id = 0u128;
    for (n, (reading, model)) in (0..forms).zip(readings.iter().cycle()) {
        let at = Moment(START + i64::from(n) * 40);
        let mut event = |event: Event| {
            id += 1;
            let by = if matches!(event, Event::Act(_)) {
                "ana"
            } else {
                "castor"
            };
            NewEvent {
                id: EventId(id),
                at,
                by: by.to_owned(),
                event,
            }
        };
        let mut reading = reading.clone();
        place(&mut reading, n)?;
        let imported = Event::Imported {
            name: format!("mesa-{n:06}.pdf"),
            demo: true,
        };
        let reading = Box::new(reading);
        let model = model.clone();
        let mut events = vec![event(imported), event(Event::Read { reading, model })];
        let case = Case::of(&events.iter().map(recorded).collect::<Vec<_>>())?;
        events.extend(acts(&case, n).into_iter().map(event));
        store.append(&sha256(&n.to_be_bytes()), &events).await?;
    }
    store.close().await;
    Ok(())
}

fn recorded(new: &NewEvent) -> castor_domain::review::Recorded {
    castor_domain::review::Recorded {
        id: new.id,
        at: new.at,
        by: new.by.clone(),
        event: new.event.clone(),
    }
}

/// Puts a form at the n-th table.
fn place(reading: &mut FormReading, n: u32) -> Result<(), Box<dyn Error>> {
    let mesa: MesaId = format!(
        "{:02}-{:03}-{:02}-{:02}-{:03}",
        n / 20_000 + 1,
        n / 500 % 40 + 1,
        n / 50 % 10 + 1,
        n / 25 % 2 + 1,
        n % 25 + 1
    )
    .parse()?;
    fn item<T: Clone + PartialEq>(value: T) -> Item<T> {
        let mut item = Item::default();
        item.add(Source::PrintedText, value, 0.99, 1);
        item
    }
    let header = &mut reading.header;
    header.departamento = item(mesa.departamento);
    header.municipio = item(mesa.municipio);
    header.zona = item(mesa.zona);
    header.puesto = item(mesa.puesto);
    header.mesa = item(mesa.mesa);
    Ok(())
}

/// What a person did with the n-th form: nothing with most, some of it or all of it with others.
fn acts(case: &Case, n: u32) -> Vec<Event> {
    let waiting: Vec<_> = case.waiting().collect();
    let said = match n % 10 {
        0 => waiting.len(),
        1 => waiting.len() / 2,
        2 => return vec![Event::Act(Act::Escalate("ilegible".to_owned()))],
        _ => 0,
    };
    let words = waiting.iter().take(said).filter_map(|field| {
        Some(Event::Act(Act::Cell {
            field: field.clone(),
            marks: case.machine(field)?.marks,
            round: Round::First,
        }))
    });
    let mut acts: Vec<Event> = words.collect();
    if said > 0 && said == waiting.len() {
        acts.push(Event::Act(Act::Complete));
    }
    acts
}
