//! What every command of the program promises.

use crate::support::{Process, TestApp};

#[tokio::test]
async fn a_command_ends_quietly_when_nobody_reads_on() {
    let app = TestApp::start().await;
    for arguments in [&["schema"][..], &["openapi"], &["tenant", "list"]] {
        assert_eq!(Process::unread(&app, arguments).await, "", "{arguments:?}");
    }
    app.finish().await;
}
