//! One broker process and its directory.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use nix::sys::signal::Signal;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::jvm::{self, Setup};
use crate::ports::free_port;
use crate::process::{self, Directory, Service};
use crate::tls::Certificates;

/// How long a start may take: 2.5 s alone on the machine, more beside a build, more after a crash.
const START_BOUND: Duration = Duration::from_secs(90);

/// How long one question to the broker may take while it starts.
const METADATA_BOUND: Duration = Duration::from_secs(2);

/// How often other ports are tried when one of those chosen was taken meanwhile.
const PORTS_TRIED: usize = 5;

const USER: &str = "orders";

/// Enough for what tests send.
const LIGHT_BROKER: Setup = Setup::Light(512);

/// A running broker (KRaft, one node) on 127.0.0.1. Handles are cheap clones; it stops when the last one goes.
///
/// Topics are not created by asking for them. There are two listeners: one in clear, and one with TLS and SASL.
#[derive(Clone, Debug)]
pub struct KafkaBroker {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    // Dropped in this order: the broker first, then its directory.
    service: Mutex<Option<Service>>,
    directory: Directory,
    setup: Setup,
    ports: Ports,
    password: String,
    certificates: Certificates,
}

#[derive(Debug, Clone)]
struct Ports {
    plain: u16,
    secure: u16,
    controller: u16,
    detours: Vec<Detour>,
}

/// A listener in clear whose clients are told another port than its own.
#[derive(Debug, Clone, Copy)]
struct Detour {
    port: u16,
    advertised: u16,
}

/// How a client proves who it is on the listener with TLS.
#[derive(Debug, Clone, Copy)]
pub enum Mechanism {
    /// The password itself, inside TLS.
    Plain,
    /// Challenge and response (RFC 5802).
    ScramSha512,
}

impl Mechanism {
    /// The name that SASL and librdkafka have for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl KafkaBroker {
    /// The broker that all tests of this process share, started by whoever asks first.
    ///
    /// # Panics
    /// When it can't be started; with its log, or with what to install.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<KafkaBroker> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A broker of one's own, for tests that kill it, or that need a topic's well-known name to themselves.
    ///
    /// # Panics
    /// When it can't be started; with its log, or with what to install.
    pub fn start() -> Self {
        Self::start_with_detours(&[])
    }

    /// A broker of one's own that is also reached through proxies: a client goes where the broker says that it is, so
    /// for each of these ports of 127.0.0.1 there is a listener that says it is there. The proxy leads to
    /// [`detour_port`](Self::detour_port).
    ///
    /// # Panics
    /// When it can't be started; with its log, or with what to install.
    pub fn start_with_detours(advertised: &[u16]) -> Self {
        Self::start_set_up(LIGHT_BROKER, advertised)
    }

    /// A broker of one's own in a Java machine with the heap, the compilers and the collector that Kafka's own scripts
    /// give it, for measuring. The others are light: up quickly, and no match for a load.
    ///
    /// # Panics
    /// When it can't be started; with its log, or with what to install.
    pub fn start_as_shipped() -> Self {
        Self::start_set_up(Setup::AsShipped, &[])
    }

    fn start_set_up(setup: Setup, advertised: &[u16]) -> Self {
        let directory = Directory::new("kafka", None);
        let password = format!("{:032x}", rand::random::<u128>());
        let certificates = Certificates::make(directory.path());
        for _ in 0..PORTS_TRIED {
            let detours = advertised.iter().map(|advertised| Detour { port: free_port(), advertised: *advertised });
            let detours = detours.collect();
            let ports = Ports { plain: free_port(), secure: free_port(), controller: free_port(), detours };
            configure(&directory, &ports, &password, &certificates);
            format(&directory, &password);
            let mut service = launch(&directory, setup);
            if service.wait_until(START_BOUND, || is_ready(ports.plain)) {
                let service = Mutex::new(Some(service));
                return Self { inner: Arc::new(Inner { service, directory, setup, ports, password, certificates }) };
            }
            let log = service.log_tail();
            assert!(log.contains("Address already in use"), "Kafka ended at its start; its log ends:\n{log}");
            fs::remove_dir_all(directory.join("data")).expect("the directory can be emptied");
        }
        panic!("Kafka found one of its ports taken {PORTS_TRIED} times, one after the other")
    }

    /// What a client without TLS connects to (`bootstrap.servers`); the same after a restart.
    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.inner.ports.plain)
    }

    /// Where the proxy of a detour leads to, by its place among those that the broker was started with.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn detour_port(&self, place: usize) -> u16 {
        self.inner.ports.detours[place].port
    }

    /// What a client with TLS and SASL connects to.
    pub fn secure_brokers(&self) -> String {
        format!("localhost:{}", self.inner.ports.secure)
    }

    /// What such a client needs besides, as librdkafka names it.
    pub fn secure_settings(&self, mechanism: Mechanism) -> Vec<(&'static str, String)> {
        vec![
            ("security.protocol", "SASL_SSL".to_owned()),
            ("sasl.mechanism", mechanism.name().to_owned()),
            ("sasl.username", USER.to_owned()),
            ("sasl.password", self.inner.password.clone()),
            ("ssl.ca.location", self.inner.certificates.authority().display().to_string()),
        ]
    }

    /// The broker's process id.
    ///
    /// # Panics
    /// When it is stopped.
    pub fn pid(&self) -> u32 {
        self.service().as_ref().expect("the broker is not running").pid()
    }

    /// Kills it (SIGKILL), as a crash would.
    pub fn kill(&self) {
        self.end(Signal::SIGKILL);
    }

    /// Stops it in order (SIGTERM).
    pub fn stop(&self) {
        self.end(Signal::SIGTERM);
    }

    /// Starts it again after [`kill`](Self::kill) or [`stop`](Self::stop), with the same data and ports.
    ///
    /// # Panics
    /// When it is running, or does not come up.
    pub fn restart(&self) {
        let mut running = self.service();
        assert!(running.is_none(), "the broker is running");
        let mut service = launch(&self.inner.directory, self.inner.setup);
        let ready = service.wait_until(START_BOUND, || is_ready(self.inner.ports.plain));
        assert!(ready, "Kafka did not start again; its log ends:\n{}", service.log_tail());
        *running = Some(service);
    }

    /// Stops its clock (SIGSTOP): it keeps its connections and answers nothing, until [`thaw`](Self::thaw).
    pub fn freeze(&self) {
        self.service().as_ref().expect("the broker is not running").signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.service().as_ref().expect("the broker is not running").signal(Signal::SIGCONT);
    }

    fn end(&self, signal: Signal) {
        self.service().take().expect("the broker is not running").stop(signal);
    }

    fn service(&self) -> MutexGuard<'_, Option<Service>> {
        self.inner.service.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One node that is broker and controller. Its internal topics have one replica and few partitions, which makes the
/// first transaction and a group's first member quick. A killed broker is let in again once its old session has run
/// out.
fn configure(directory: &Directory, ports: &Ports, password: &str, certificates: &Certificates) {
    let Ports { plain, secure, controller, detours } = ports;
    let each = |text: &dyn Fn(usize, &Detour) -> String| -> String {
        detours.iter().enumerate().map(|(place, detour)| text(place, detour)).collect()
    };
    let listening = each(&|place, detour| format!(",DETOUR{place}://127.0.0.1:{}", detour.port));
    let advertised = each(&|place, detour| format!(",DETOUR{place}://127.0.0.1:{}", detour.advertised));
    let in_clear = each(&|place, _| format!(",DETOUR{place}:PLAINTEXT"));
    let data = directory.join("data");
    let settings = format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{secure},CONTROLLER://127.0.0.1:{controller}{listening}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SASL_SSL://localhost:{secure}{advertised}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL{in_clear}
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}=\"{password}\";
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
",
        data = data.display(),
        keystore = certificates.certificate_and_key().display(),
    );
    fs::write(settings_file(directory), settings).expect("the directory can be written");
}

/// Writes the cluster's identity and its user into the empty data directory.
fn format(directory: &Directory, password: &str) {
    // Sixteen bytes in base64url; hexadecimal digits are such, and the last one must end in zero bits.
    let cluster_id = format!("{:021x}A", rand::random::<u128>() >> 44);
    let mut command = jvm::command(Setup::Light(128), "kafka.tools.StorageTool");
    command
        .args(["format", "--cluster-id", &cluster_id, "--config"])
        .arg(settings_file(directory))
        .args(["--add-scram", &format!("SCRAM-SHA-512=[name={USER},password={password}]")])
        .current_dir(directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = process::spawn(command).and_then(std::process::Child::wait_with_output).expect("java can be started");
    assert!(
        output.status.success(),
        "Kafka's storage could not be formatted:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn launch(directory: &Directory, setup: Setup) -> Service {
    let mut command = jvm::command(setup, "kafka.Kafka");
    command.arg(settings_file(directory)).current_dir(directory.path());
    Service::spawn("Kafka", command, directory.join("server.log"))
}

fn settings_file(directory: &Directory) -> std::path::PathBuf {
    Path::new(directory.path()).join("server.properties")
}

/// Whether it accepts connections and knows itself as part of the cluster.
fn is_ready(port: u16) -> bool {
    if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        return false;
    }
    let client: Result<BaseConsumer, _> =
        ClientConfig::new().set("bootstrap.servers", format!("127.0.0.1:{port}")).create();
    client
        .and_then(|client| client.fetch_metadata(None, METADATA_BOUND))
        .is_ok_and(|metadata| metadata.brokers().len() == 1)
}
