//! Exports on their way out: read as fast as they are taken, and visibly cut when they cannot go on.

use std::time::Duration;

use balance::ctx::Ctx;
use entity::record::Status;
use entity::{RecordId, record};
use sea_orm::{ConnectionTrait, Database};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{Client, Tenant, TestApp, World};

/// More than what the sockets of both ends hold.
const ROWS: usize = 16_000;

#[tokio::test(flavor = "multi_thread")]
async fn an_export_waits_for_its_reader_and_is_cut_when_it_fails() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    fill(&app, &tenant).await;
    let owner = tenant.owner();

    // whole, it ends as chunked bodies end
    let mut reader = open(&owner).await;
    let mut whole = Vec::new();
    reader.read_to_end(&mut whole).await.unwrap();
    assert!(whole.ends_with(b"\r\n0\r\n\r\n"));
    assert_eq!(lines(&whole), ROWS);

    // somebody reads the beginning, and then no more
    let mut slow = open(&owner).await;
    let mut begun = vec![0; 4_096];
    slow.read_exact(&mut begun).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // meanwhile the rest becomes unreadable: an export that had read ahead would not notice
    let database = Database::connect(&app.owner_database_url()).await.unwrap();
    let schema = if World::is_production() { "core." } else { "" };
    let rename = format!("ALTER TABLE {schema}record RENAME TO record_away");
    database.execute_unprepared(&rename).await.unwrap();
    let mut rest = begun;
    // however the connection ends, it does not look like the end of a file
    drop(slow.read_to_end(&mut rest).await);
    let (got, clean) = (lines(&rest), rest.ends_with(b"\r\n0\r\n\r\n"));
    assert!(
        (1..ROWS).contains(&got) && !clean,
        "{got} lines, a clean end: {clean}"
    );

    let back = format!("ALTER TABLE {schema}record_away RENAME TO record");
    database.execute_unprepared(&back).await.unwrap();
    drop(database);
    app.finish().await;
}

/// Lines of records in an answer.
fn lines(answer: &[u8]) -> usize {
    String::from_utf8_lossy(answer).matches(",EUR,").count()
}

/// Asks for the export over a connection of its own, whose buffer is small.
async fn open(owner: &Client) -> TcpStream {
    let address = owner.url("");
    let address = address.trim_start_matches("http://");
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    let mut stream = socket.connect(address.parse().unwrap()).await.unwrap();
    let token = owner.token.as_deref().unwrap();
    let request = format!(
        "GET /api/v1/exports/records.csv HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn fill(app: &TestApp, tenant: &Tenant) {
    let ctx = Ctx::system(app.app().handles.clone(), tenant.local_id());
    let note = "long enough to fill the buffers of the machine ".repeat(20);
    let row = |number: usize| {
        let id: RecordId = ctx.id();
        record::Model {
            tenant_id: ctx.tenant(),
            id,
            source_id: id.0,
            external_id: number.to_string(),
            account_id: None,
            connection_id: None,
            import_id: None,
            occurred_on: "2026-01-31".parse().unwrap(),
            amount: -1_250_000,
            currency: "EUR".to_owned(),
            description: "Something".to_owned(),
            merchant_key: "something".to_owned(),
            text_key: None,
            raw: "{}".to_owned(),
            status: Status::Approved,
            category_id: None,
            project: None,
            note: Some(note.clone()),
            tags: None,
            decision_id: None,
            error: None,
            metadata: None,
            created_by: None,
            created_at: ctx.now(),
            updated_at: ctx.now(),
            automatic: false,
            deleted_at: None,
        }
    };
    let tx = ctx.begin().await.unwrap();
    for from in (0..ROWS).step_by(1_000) {
        let rows = (from..from + 1_000).map(row).collect();
        tx.insert_all(rows).await.unwrap();
    }
    tx.commit().await.unwrap();
}
