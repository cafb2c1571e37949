//! `balance doctor`.

use std::process::ExitCode;

use crate::bus::Bus;
use crate::config::{Config, ConnectMode, Secrets};
use crate::db::{self, Db};
use crate::error::Result;
use crate::outbound::embeddings::{Embedder, OpenAi};
use crate::outbound::keys::Keys;
use crate::secret::Vault;

/// Checks everything a server needs, one line each, and says what to do about what is wrong.
pub(super) async fn run(config: Config) -> Result<ExitCode> {
    let mut healthy = true;
    let mut tell = |name: &str, outcome: std::result::Result<String, String>| match outcome {
        Ok(detail) => println!("ok    {name:<12} {detail}"),
        Err(advice) => {
            healthy = false;
            println!("FAIL  {name:<12} {advice}");
        }
    };
    tell(
        "secrets",
        Secrets::load(&config).map(|_| "present and long enough".to_owned()),
    );
    tell("data folder", folder(&config));
    match Db::connect(&config.database_url(), 2, false).await {
        Err(error) => tell(
            "database",
            Err(format!(
                "cannot be opened; check DATABASE_URL and that it runs: {}",
                causes(&error)
            )),
        ),
        Ok(db) => {
            match db.ping().await {
                Ok(latency) => tell(
                    "database",
                    Ok(format!(
                        "{} answers in {:.1} ms",
                        db.mode(),
                        latency.as_secs_f64() * 1e3
                    )),
                ),
                Err(error) => tell(
                    "database",
                    Err(format!("does not answer: {}", causes(&error))),
                ),
            }
            match db::is_current(&db).await {
                Ok(true) => tell("migrations", Ok("every migration is applied".to_owned())),
                // SQLite is migrated when the server starts
                Ok(false) if !db.is_postgres() => tell(
                    "migrations",
                    Ok("will be applied at the first start".to_owned()),
                ),
                Ok(false) => tell(
                    "migrations",
                    Err("some are missing; run `balance migrate`".to_owned()),
                ),
                Err(error) => tell("migrations", Err(causes(&error))),
            }
            if let (Ok(secrets), Ok(true)) = (Secrets::load(&config), db::is_current(&db).await) {
                tell("sealed", sealed(&db, &secrets.vault()).await);
            }
            if db.is_postgres() {
                let checked = db::check_app_role(&db).await;
                tell(
                    "role",
                    checked
                        .map(|()| "is bound by row-level security".to_owned())
                        .map_err(|e| e.to_string()),
                );
            }
            match db.look_for_pgvector().await {
                Ok(true) => tell("vectors", Ok("searched by pgvector".to_owned())),
                Ok(false) if db.is_postgres() => tell(
                    "vectors",
                    Ok("searched in process; with pgvector 0.8 or newer, and `balance migrate` again, \
                        PostgreSQL does it"
                        .to_owned()),
                ),
                Ok(false) => tell("vectors", Ok("searched in process".to_owned())),
                Err(error) => tell("vectors", Err(causes(&error))),
            }
            db.close().await;
        }
    }
    if config.redis_url.is_some() {
        let mut config = config.clone();
        config.redis_connect_mode = ConnectMode::Always;
        let answered = async {
            let bus = Bus::connect(&config).await?;
            let latency = bus.ping().await;
            bus.close().await;
            latency
        };
        match tokio::time::timeout(std::time::Duration::from_secs(5), answered).await {
            Ok(Ok(latency)) => tell(
                "redis",
                Ok(format!("answers in {:.1} ms", latency.as_secs_f64() * 1e3)),
            ),
            Ok(Err(error)) => tell(
                "redis",
                Err(format!(
                    "check REDIS_URL and that it runs: {}",
                    causes(&error)
                )),
            ),
            Err(_) => tell(
                "redis",
                Err("did not answer in 5 s; check REDIS_URL and that it runs".to_owned()),
            ),
        }
    } else {
        tell(
            "redis",
            Ok("not configured: wake-ups stay in this process".to_owned()),
        );
    }
    let keys = Keys::read("OPENAI_API_KEY", config.openai_api_key.as_deref());
    let llm = match keys.map(|keys| keys.count()) {
        Some(1) => format!("{} at {}", config.llm_model, config.openai_base_url),
        Some(keys) => format!(
            "{} at {}, {keys} keys: take out those that were replaced",
            config.llm_model, config.openai_base_url
        ),
        None => "no OPENAI_API_KEY: the language-model tier is off".to_owned(),
    };
    tell("llm", Ok(llm));
    let embeddings = match OpenAi::configured(&config) {
        Some(service) => format!("{}, {} numbers each", service.model(), service.dimension()),
        None => "no EMBEDDING_MODEL: texts are compared by hashed n-grams alone".to_owned(),
    };
    tell("embeddings", Ok(embeddings));
    Ok(if healthy {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Which keys stored secrets hang on, and whether one of them can be given up.
async fn sealed(db: &Db, vault: &Vault) -> std::result::Result<String, String> {
    let census = db::census(db, vault).await.map_err(|e| causes(&e))?;
    let mut told = vec![format!("key {} seals", vault.current())];
    let mut lost = false;
    for ((table, key), values) in census {
        let role = match key {
            key if key == vault.current() => "",
            key if vault.knows(key) => {
                " (previous: keep it until `balance secrets rotate` is done)"
            }
            _ => " (MISSING: add it to DATA_KEY_PREVIOUS)",
        };
        lost |= !vault.knows(key);
        told.push(format!("{table}: {values} under {key}{role}"));
    }
    let told = told.join("; ");
    if lost { Err(told) } else { Ok(told) }
}

fn folder(config: &Config) -> std::result::Result<String, String> {
    let folder = &config.data_dir;
    let probe = folder.join(".writable");
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Ok(format!("{} can be written", folder.display())),
        Err(error) => Err(format!(
            "{} cannot be written: {error}; set DATA_DIR",
            folder.display()
        )),
    }
}

fn causes(error: &crate::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text += &format!(": {next}");
        cause = next.source();
    }
    text
}
