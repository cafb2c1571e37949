//! Who acts, for which tenant, inside which transaction: the one door to data.
//!
//! A `Ctx` is built once, at the edge: by a request, a socket event, a job, a webhook or a command. `read()` and
//! `begin()` yield transactions that carry the tenant; nothing else reaches the pools.

mod actor;
mod append;
mod canonical;
pub mod chain;
mod claim;
mod event;
mod job;
mod kept;
mod origin;
mod read;
mod standing;
mod tally;
mod tx;
mod witness;

use std::sync::{Arc, OnceLock};

pub use actor::Actor;
pub use canonical::canonical;
use chrono::{DateTime, NaiveDate, Utc};
pub use claim::{Claim, Claimed};
use entity::{JobId, SessionId, TenantId, UserId};
pub use event::{Event, Outcome, Posting};
pub use job::Job;
pub use kept::Kept;
pub use origin::Origin;
pub use read::Read;
pub use standing::{Proof, Standing, Standings};
use tokio::sync::Mutex;
pub use tx::Tx;
use uuid::Uuid;
pub use witness::Witness;

use crate::bus::{Bus, Wake};
use crate::clock::Clock;
use crate::config::{Config, Secrets};
use crate::db::{Db, Operation};
use crate::error::{Error, Result};
use crate::permission::{Permission, Permissions, Reach, Subject};
use crate::queue::{Progress, Told};
use crate::secret::Vault;
use crate::vectors::Vectors;

/// What every operation of a process shares.
pub struct Handles {
    /// The settings.
    pub config: Config,
    /// The keys.
    pub secrets: Secrets,
    /// Secrets at rest.
    pub vault: Vault,
    /// The database. Verbs use `ctx.read()` and `ctx.begin()` instead.
    pub db: Db,
    /// Wake-ups.
    pub bus: Bus,
    /// What is remembered of who may do what.
    pub standings: Standings,
    /// What the rooms above keep.
    pub kept: Kept,
    /// Time and ids.
    pub clock: Clock,
    /// Vectors of texts: who makes them, and the indexes of this process.
    pub vectors: Vectors,
}

impl Handles {
    /// Tells this process and the others that who may do what has changed in a tenant. A unit of work does so by itself
    /// when one of its events says so.
    pub fn access_changed(&self, tenant: TenantId) {
        self.standings.forget(tenant);
        self.bus.publish(vec![Wake::Access { tenant }]);
    }
}

/// One operation: who acts, for which tenant, with which permissions.
pub struct Ctx {
    handles: Arc<Handles>,
    actor: Actor,
    tenant: TenantId,
    permissions: Permissions,
    /// Made up when somebody asks for it first.
    request_id: OnceLock<Arc<str>>,
    source_agent: Option<Arc<str>>,
    expires_at: Option<DateTime<Utc>>,
    session: Option<SessionId>,
    suspended: bool,
    origin: Option<Arc<Origin>>,
    operation: Option<Arc<Operation>>,
    reading: Mutex<Option<Read>>,
    claims: Arc<claim::Claims>,
    /// Who notices that something depends on more than the tenant and the permissions: whatever tells more says so.
    witness: Option<Witness>,
}

impl Ctx {
    /// An operation of an actor in a tenant.
    pub fn new(
        handles: Arc<Handles>,
        actor: Actor,
        tenant: TenantId,
        permissions: Permissions,
    ) -> Self {
        Self {
            handles,
            actor,
            tenant,
            permissions,
            request_id: OnceLock::new(),
            source_agent: None,
            expires_at: None,
            session: None,
            suspended: false,
            origin: Origin::current(),
            operation: Operation::current(),
            reading: Mutex::new(None),
            claims: Arc::default(),
            witness: None,
        }
    }

    /// An operation of whoever has this standing.
    pub fn of(handles: Arc<Handles>, standing: &Standing) -> Self {
        Self {
            expires_at: standing.expires_at,
            session: standing.session,
            suspended: standing.suspended,
            ..Self::new(
                handles,
                standing.actor,
                standing.tenant,
                standing.permissions.clone(),
            )
        }
    }

    /// The system at work for a tenant: a job or a command.
    pub fn system(handles: Arc<Handles>, tenant: TenantId) -> Self {
        Self::new(handles, Actor::System, tenant, Permissions::all())
    }

    /// Names the request, for logs and errors.
    pub fn with_request_id(mut self, request_id: impl Into<Arc<str>>) -> Self {
        self.request_id = OnceLock::from(request_id.into());
        self
    }

    /// Says where the request came from; kept beside the events it causes.
    pub fn with_origin(mut self, origin: Arc<Origin>) -> Self {
        self.origin = (!origin.is_unknown()).then_some(origin);
        self
    }

    /// Where the request came from, if it came from outside.
    pub fn origin(&self) -> Option<&Origin> {
        self.tell_who();
        self.origin.as_deref()
    }

    /// Names the agent that acts, as events will tell; `balance` unless said otherwise.
    pub fn with_source_agent(mut self, source_agent: impl Into<Arc<str>>) -> Self {
        self.source_agent = Some(source_agent.into());
        self
    }

    /// Until when the actor's proof holds; what lasts longer, like a socket, must end then.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.tell_who();
        self.expires_at
    }

    /// The same actor at a new operation: nothing read before is held.
    pub fn again(&self) -> Self {
        Self {
            handles: Arc::clone(&self.handles),
            actor: self.actor,
            tenant: self.tenant,
            permissions: self.permissions.clone(),
            request_id: OnceLock::from(Arc::clone(self.name())),
            source_agent: self.source_agent.clone(),
            expires_at: self.expires_at,
            session: self.session,
            suspended: self.suspended,
            origin: self.origin.clone(),
            operation: Operation::current(),
            reading: Mutex::new(None),
            claims: Arc::default(),
            witness: self.witness.clone(),
        }
    }

    /// The same operation before a witness, who notices when it asks who acts.
    pub fn before(mut self, witness: Witness) -> Self {
        self.witness = Some(witness);
        self
    }

    fn tell_who(&self) {
        if let Some(witness) = &self.witness {
            witness.note();
        }
    }

    /// What the process shares.
    pub fn handles(&self) -> &Arc<Handles> {
        &self.handles
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.handles.config
    }

    /// Who acts.
    pub fn actor(&self) -> Actor {
        self.tell_who();
        self.actor
    }

    /// The person who acts, if it is one.
    pub fn user(&self) -> Option<UserId> {
        self.tell_who();
        match self.actor {
            Actor::User(user) => Some(user),
            _ => None,
        }
    }

    /// The sign-in by which they act, if it is one.
    pub fn session(&self) -> Option<SessionId> {
        self.tell_who();
        self.session
    }

    /// Whether the tenant is suspended, which leaves little of what they may do.
    pub fn is_suspended(&self) -> bool {
        self.tell_who();
        self.suspended
    }

    /// The person who acts; a program is refused.
    pub fn person(&self) -> Result<UserId> {
        self.tell_who();
        match self.actor {
            Actor::User(user) => Ok(user),
            Actor::Service(_) => Err(Error::PersonNeeded),
            Actor::System | Actor::Connection(_) => {
                Err(Error::Unauthenticated("nobody is signed in"))
            }
        }
    }

    /// For which tenant.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// With which permissions.
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// The name of the request.
    pub fn request_id(&self) -> &str {
        self.tell_who();
        self.name()
    }

    fn name(&self) -> &Arc<str> {
        let name = || self.handles.clock.id::<Uuid>().to_string().into();
        self.request_id.get_or_init(name)
    }

    /// The agent that acts, as events tell.
    pub fn source_agent(&self) -> &str {
        self.tell_who();
        self.source_agent.as_deref().unwrap_or("balance")
    }

    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        self.handles.clock.now()
    }

    /// Today, in UTC.
    pub fn today(&self) -> NaiveDate {
        self.handles.clock.today()
    }

    /// A new id.
    pub fn id<T: From<Uuid>>(&self) -> T {
        self.handles.clock.id()
    }

    /// Refuses an actor who may not.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.permissions.contains(permission) {
            Ok(())
        } else if self.suspended {
            Err(Error::Suspended)
        } else {
            Err(Error::Forbidden(permission))
        }
    }

    /// Refuses an actor who may not do this to a record with these properties.
    pub fn require_on(&self, permission: Permission, subject: &Subject<'_>) -> Result<()> {
        self.require(permission)?;
        if self.reach(permission).covers(subject) {
            Ok(())
        } else {
            Err(Error::OutOfReach(permission))
        }
    }

    /// Which records the actor reaches with a permission: what lists, sums and streams are narrowed to.
    pub fn reach(&self, permission: Permission) -> Reach {
        // who acts is part of it where something is limited only
        let who = self.permissions.is_limited().then(|| self.user());
        self.permissions.reach(permission, who.flatten())
    }

    /// Refuses an actor who may not, or who may for some records only.
    pub fn require_on_all(&self, permission: Permission) -> Result<()> {
        self.require(permission)?;
        if self.reach(permission).is_everything() {
            Ok(())
        } else {
            Err(Error::OutOfReach(permission))
        }
    }

    /// The reading transaction of this operation: opened at the first call, shared by the following ones.
    pub async fn read(&self) -> Result<Read> {
        let mut reading = self.reading.lock().await;
        if let Some(read) = &*reading {
            return Ok(read.clone());
        }
        let tx = self.handles.db.begin_read(Some(self.tenant));
        let read = Read::new(self.within(tx).await?, self.tenant);
        *reading = Some(read.clone());
        Ok(read)
    }

    /// A reading transaction of its own that sees one moment throughout.
    pub async fn snapshot(&self) -> Result<Read> {
        let tx = self.handles.db.begin_snapshot(Some(self.tenant));
        Ok(Read::new(self.within(tx).await?, self.tenant))
    }

    /// Closes the shared reading transaction, so that later reads see what was committed since.
    pub async fn refresh(&self) {
        self.reading.lock().await.take();
    }

    /// Opens a unit of work. The shared reading transaction is closed first: none is held while a write waits.
    pub async fn begin(&self) -> Result<Tx<'_>> {
        self.refresh().await;
        let tx = self.handles.db.begin(Some(self.tenant));
        let tx = self.within(tx).await?;
        let claimed = self.claims.take(&tx, self.now()).await?;
        Ok(Tx::new(self, tx, claimed))
    }

    /// Says how far a job is that this operation is working on, to whoever looks meanwhile.
    pub fn tell_progress(&self, job: JobId, done: u64, total: u64) {
        let told = self.handles.kept.of::<Told>();
        told.tell(&self.handles.bus, job, Progress { done, total });
    }

    /// Does what belongs to the operation also where a task of its own does it, as a loader has.
    async fn within<F: Future>(&self, work: F) -> F::Output {
        Operation::resume(self.operation.as_ref(), work).await
    }

    /// Puts the next unit of work under an idempotency key: its effect and the key are stored together, or neither.
    pub fn claim(&self, claim: Claim) {
        self.claims.put(claim);
    }

    /// What became of the key since [`claim`](Self::claim).
    pub fn claimed(&self) -> Claimed {
        self.claims.end()
    }

    /// Works under the idempotency key of another operation, for one that ends in another tenant than it was asked in.
    pub fn with_claim_of(mut self, asked: &Self) -> Self {
        self.claims = Arc::clone(&asked.claims);
        self
    }
}
