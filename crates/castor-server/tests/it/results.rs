//! Results by contest and place are what the forms say, added up from one form a table.

use crate::world::{Signed, World, connect, waiting};
use castor_domain::checks::FieldRef;
use castor_domain::form::{Copia, Corporacion, FieldPath};
use castor_domain::header::{Item, Source};
use castor_domain::reading::FormReading;
use castor_domain::review::{Act, Event, EventId, MACHINE, Moment, Recorded, Round};
use castor_domain::symbol::Symbol;
use castor_server::role::Role;
use castor_wire::sync::{Pushed, SyncEvent};
use serde_json::{Value, json};
use std::time::Duration;

/// A laptop that pushes by hand.
struct Laptop {
    client: uuid::Uuid,
    events: Vec<Pushed>,
    sent: usize,
}

/// A form that says of which table and copy it is; every candidate has three votes, the first two of them unsure.
fn reading(corporacion: Corporacion, place: [&str; 5], copia: Copia) -> FormReading {
    let mut form = castor_testkit::review::form();
    let header = &mut form.header;
    let source = Source::PrintedText;
    header.corporacion = Item::default();
    header.corporacion.add(source, corporacion, 0.99, 1);
    header.departamento.add(source, place[0].parse().unwrap(), 0.99, 1);
    header.municipio.add(source, place[1].parse().unwrap(), 0.99, 1);
    header.zona.add(source, place[2].parse().unwrap(), 0.99, 1);
    header.puesto.add(source, place[3].parse().unwrap(), 0.99, 1);
    header.mesa.add(source, place[4].parse().unwrap(), 0.99, 1);
    header.copia.add(source, copia, 0.99, 1);
    form
}

impl Laptop {
    fn new() -> Self {
        Self {
            client: uuid::Uuid::new_v4(),
            events: Vec::new(),
            sent: 0,
        }
    }

    fn writes(&mut self, form: u128, by: &str, event: Event) {
        let counter = self.events.len() as u64 + 1;
        let recorded = Recorded {
            id: EventId(uuid::Uuid::new_v4().as_u128()),
            at: Moment(1_767_000_000_000),
            by: by.to_owned(),
            event,
        };
        let event = SyncEvent::of(&format!("{form:064x}"), &recorded).unwrap();
        self.events.push(Pushed { counter, event });
    }

    fn imports(&mut self, form: u128, reading: FormReading) {
        let name = "acta.pdf".to_owned();
        self.writes(form, MACHINE, Event::Imported { name, demo: false });
        let (reading, model) = (Box::new(reading), "m1".to_owned());
        self.writes(form, MACHINE, Event::Read { reading, model });
    }

    fn says(&mut self, form: u128, candidate: u16, digits: [Symbol; 3]) {
        let field = FieldRef {
            page: 1,
            path: FieldPath::Candidato(candidate),
        };
        let round = Round::First;
        self.writes(
            form,
            "ana",
            Event::Act(Act::Cell {
                field,
                marks: digits,
                round,
            }),
        );
    }

    async fn pushes(&mut self, world: &World, who: &Signed) {
        let push = json!({ "protocol": 1, "client": self.client, "events": &self.events[self.sent..] });
        let answer = world.post("/api/sync/push", &who.access, push).await.data();
        for settled in answer["settled"].as_array().unwrap() {
            assert_eq!(settled["outcome"], "accepted", "{settled}");
        }
        self.sent = self.events.len();
    }
}

/// A number of a person, in marks.
fn marks(votes: u16) -> [Symbol; 3] {
    [100, 10, 1].map(|place| Symbol::Digit(u8::try_from(votes / place % 10).unwrap()))
}

/// What the server says, once it is up to date.
async fn totals(world: &World, who: &Signed, query: &str) -> Value {
    for _ in 0..4_000 {
        let said = world
            .get(&format!("/api/results/totals?{query}"), &who.access)
            .await
            .data();
        if said["behind"] == 0 {
            return said;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the results are never up to date");
}

fn option(totals: &Value, path: &str) -> [i64; 4] {
    let options = totals["options"].as_array().unwrap();
    let found = options.iter().find(|option| option["path"] == path);
    found.map_or([0; 4], |option| {
        ["votes", "validated", "tables", "unread"].map(|name| option[name].as_i64().unwrap())
    })
}

const NINE: [Symbol; 3] = [Symbol::Blank, Symbol::Blank, Symbol::Digit(9)];

#[tokio::test]
async fn one_form_a_table_counts_and_unread_cells_are_in_no_sum() {
    let world = World::new().await;
    let who = world.user(Role::Validator).await;
    let mut laptop = Laptop::new();
    let place = ["01", "001", "02", "03", "001"];
    laptop.imports(1, reading(Corporacion::Presidente, place, Copia::Transmision));
    laptop.pushes(&world, &who).await;
    let said = totals(&world, &who, "corporacion=PRESIDENTE").await;
    assert_eq!(said["tables"], json!({ "read": 1, "validated": 0 }));
    assert_eq!(option(&said, "candidato.3"), [3, 0, 1, 0]);
    assert_eq!(
        option(&said, "candidato.1"),
        [0, 0, 0, 1],
        "a cell that waits is in no sum"
    );

    // A copy of higher rank takes the place of the other, and a word of a person the place of the machine's.
    laptop.imports(2, reading(Corporacion::Presidente, place, Copia::Claveros));
    laptop.says(2, 1, NINE);
    laptop.says(2, 3, NINE);
    laptop.says(1, 3, [Symbol::Digit(1), Symbol::Digit(1), Symbol::Digit(1)]);
    laptop.pushes(&world, &who).await;
    let said = totals(&world, &who, "corporacion=PRESIDENTE").await;
    assert_eq!(said["tables"], json!({ "read": 1, "validated": 0 }));
    assert_eq!(option(&said, "candidato.1"), [9, 0, 1, 0]);
    assert_eq!(option(&said, "candidato.2"), [0, 0, 0, 1]);
    assert_eq!(option(&said, "candidato.3"), [9, 0, 1, 0]);

    // Validated, then set aside: then the other copy counts again.
    laptop.says(2, 2, NINE);
    laptop.writes(2, "ana", Event::Act(Act::Complete));
    laptop.pushes(&world, &who).await;
    let said = totals(&world, &who, "corporacion=PRESIDENTE").await;
    assert_eq!(said["tables"], json!({ "read": 1, "validated": 1 }));
    assert_eq!(option(&said, "candidato.2"), [9, 9, 1, 0]);
    laptop.writes(2, "ana", Event::Act(Act::Reject("otra elección".to_owned())));
    laptop.pushes(&world, &who).await;
    let said = totals(&world, &who, "corporacion=PRESIDENTE").await;
    assert_eq!(said["tables"], json!({ "read": 1, "validated": 0 }));
    assert_eq!(option(&said, "candidato.3"), [111, 0, 1, 0]);
}

#[tokio::test]
async fn results_are_added_up_by_place_as_far_as_rows_mean_the_same() {
    let world = World::new().await;
    let who = world.user(Role::Validator).await;
    let viewer = world.user(Role::Viewer).await;
    let mut laptop = Laptop::new();
    let tables = [
        ["01", "001", "02", "03", "001"],
        ["01", "001", "02", "03", "002"],
        ["01", "001", "02", "04", "001"],
        ["01", "002", "01", "01", "001"],
        ["05", "001", "01", "01", "001"],
    ];
    for (n, place) in tables.into_iter().enumerate() {
        let n = n as u128;
        laptop.imports(n * 2 + 1, reading(Corporacion::Presidente, place, Copia::Claveros));
        laptop.imports(n * 2 + 2, reading(Corporacion::Alcalde, place, Copia::Claveros));
    }
    let mut unplaced = castor_testkit::review::form();
    unplaced.header.corporacion = Item::default();
    laptop.imports(99, unplaced);
    laptop.pushes(&world, &who).await;

    let country = totals(&world, &viewer, "corporacion=PRESIDENTE&path=candidato.3").await;
    assert_eq!(
        (country["tables"]["read"].clone(), country["unplaced"].clone()),
        (json!(5), json!(1))
    );
    assert_eq!(option(&country, "candidato.3"), [15, 0, 5, 0]);
    let part = |code: &str, read: i64| json!({ "code": code, "read": read, "validated": 0, "votes": read * 3 });
    assert_eq!(country["parts"], json!([part("01", 4), part("05", 1)]));
    for (place, votes, parts) in [
        ("&departamento=01", 12, json!([part("001", 3), part("002", 1)])),
        ("&departamento=01&municipio=001", 9, json!([part("02", 3)])),
        (
            "&departamento=01&municipio=001&zona=02",
            9,
            json!([part("03", 2), part("04", 1)]),
        ),
        ("&departamento=01&municipio=001&zona=02&puesto=03", 6, json!([])),
    ] {
        let said = totals(
            &world,
            &viewer,
            &format!("corporacion=PRESIDENTE&path=candidato.3{place}"),
        )
        .await;
        assert_eq!(option(&said, "candidato.3"), [votes, 0, votes / 3, 0], "{place}");
        assert_eq!(said["parts"], parts, "{place}");
    }
    // The third candidate of one municipality's mayor is not that of another's.
    let mayors = totals(&world, &viewer, "corporacion=ALCALDE&path=candidato.3").await;
    assert_eq!(
        (mayors["options"].clone(), mayors["tables"]["read"].clone()),
        (json!([]), json!(5))
    );
    assert_eq!(mayors["parts"][0]["votes"], Value::Null);
    let mayor = totals(&world, &viewer, "corporacion=ALCALDE&departamento=01&municipio=001").await;
    assert_eq!(option(&mayor, "candidato.3"), [9, 0, 3, 0]);

    // A form that is read again as one of another table leaves the first.
    let read = Event::Read {
        reading: Box::new(reading(
            Corporacion::Presidente,
            ["05", "001", "01", "01", "002"],
            Copia::Claveros,
        )),
        model: "m2".to_owned(),
    };
    laptop.writes(1, MACHINE, read);
    laptop.pushes(&world, &who).await;
    let country = totals(&world, &viewer, "corporacion=PRESIDENTE&path=candidato.3").await;
    assert_eq!(country["parts"], json!([part("01", 3), part("05", 2)]));
}

#[tokio::test]
async fn what_is_no_contest_or_no_place_is_told() {
    let world = World::new().await;
    let viewer = world.user(Role::Viewer).await;
    for query in [
        "corporacion=REINA",
        "corporacion=PRESIDENTE&municipio=001",
        "corporacion=PRESIDENTE&departamento=01&zona=02",
        "corporacion=PRESIDENTE&departamento='",
        "corporacion=PRESIDENTE&departamento=0123",
        "corporacion=PRESIDENTE&path=alcalde",
        "departamento=01",
    ] {
        let answer = world.get(&format!("/api/results/totals?{query}"), &viewer.access).await;
        assert_eq!(answer.code(), "INVALID_REQUEST", "{query}");
    }
    let unknown = world
        .get("/api/results/totals?corporacion=SENADO", &viewer.access)
        .await
        .data();
    assert_eq!(
        (unknown["options"].clone(), unknown["parts"].clone()),
        (json!([]), json!([]))
    );
}

#[tokio::test]
async fn a_contest_is_known_by_the_originals_name_too() {
    let world = World::new().await;
    let viewer = world.user(Role::Viewer).await;
    for (former, ours) in [
        ("PRESIDENCIA", "PRESIDENTE"),
        ("GOBERNACION", "GOBERNADOR"),
        ("alcaldia", "ALCALDE"),
        ("SENADO", "SENADO"),
    ] {
        let asked = format!("/api/results/totals?corporacion={former}");
        let totals = world.get(&asked, &viewer.access).await.data();
        assert_eq!(totals["corporacion"], ours, "{former}");
    }
}

#[tokio::test]
async fn what_is_pushed_while_sums_are_made_is_neither_left_out_nor_counted_twice() {
    let world = World::new().await;
    let who = world.user(Role::Validator).await;
    let mut laptop = Laptop::new();
    let place = ["01", "001", "02", "03", "001"];
    laptop.imports(1, reading(Corporacion::Presidente, place, Copia::Claveros));
    laptop.pushes(&world, &who).await;
    totals(&world, &who, "corporacion=PRESIDENTE").await;

    // The sums are stopped in the middle of a batch, and the form changes again meanwhile.
    let mut watcher = connect(&world.database).await;
    let mut holder = connect(&world.database).await;
    let mut held = sqlx::Connection::begin(&mut holder).await.unwrap();
    sqlx::query("SELECT 1 FROM result_place FOR UPDATE")
        .execute(&mut *held)
        .await
        .unwrap();
    laptop.says(1, 3, marks(9));
    laptop.pushes(&world, &who).await;
    waiting(&mut watcher, 1).await;
    laptop.says(1, 3, marks(11));
    laptop.pushes(&world, &who).await;
    held.rollback().await.unwrap();
    let said = totals(&world, &who, "corporacion=PRESIDENTE").await;
    assert_eq!(option(&said, "candidato.3"), [11, 0, 1, 0]);
}
