//! Requests per second, through a broker and directly, alternating in one run.
//!
//! ```text
//! cargo run --release -p nats-worker --example throughput -- BROKER SUBJECT SERVER
//! ```
//!
//! Both echo 64 bytes, over one connection, with 1, 16 and 256 requests in flight. Run it on a
//! subject with one worker, and then on a subject with two.

use std::collections::HashMap;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::Context;
use async_nats::{Client, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use shared_proto::tutorial::Request;
use shared_proto::{HEADER_BYTES, LENGTH_BYTES, Message, PREAMBLE};

const BODY: [u8; 64] = [b'x'; 64];
const WINDOWS: [u32; 3] = [1, 16, 256];
const ROUNDS: usize = 9;
/// How long each of the two is measured in each round.
const SLICE: Duration = Duration::from_millis(250);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().context("give BROKER SUBJECT SERVER");
    let (broker, subject, server) = (argument()?, argument()?, argument()?);
    let client = async_nats::connect(&broker).await?;
    let inbox = client.new_inbox();
    let replies = client.subscribe(inbox.clone()).await?;
    let mut behind = Behind {
        client,
        subject,
        inbox,
        replies,
    };
    let mut direct = Direct::connect(&server)?;

    let mut rates: HashMap<_, Vec<f64>> = HashMap::new();
    for _ in 0..ROUNDS {
        for window in WINDOWS {
            let rate = behind.ask(window).await?;
            rates.entry(("broker", window)).or_default().push(rate);
            let rate = direct.ask(window)?;
            rates.entry(("direct", window)).or_default().push(rate);
        }
    }
    println!("window   direct/s   broker/s   direct : broker");
    for window in WINDOWS {
        let mut median = |way| {
            let rates = rates.entry((way, window)).or_default();
            rates.sort_by(f64::total_cmp);
            rates[rates.len() / 2]
        };
        let (direct, broker) = (median("direct"), median("broker"));
        println!(
            "{window:6}   {direct:8.0}   {broker:8.0}   {:15.1}",
            direct / broker
        );
    }
    Ok(())
}

/// Workers behind a broker.
struct Behind {
    client: Client,
    subject: String,
    inbox: String,
    replies: Subscriber,
}

impl Behind {
    async fn ask(&mut self, window: u32) -> anyhow::Result<f64> {
        let request = Request::Echo(&BODY);
        let payload = Bytes::from([&[request.kind()], &*request.body()].concat());
        let began = Instant::now();
        let (mut asked, mut answered) = (0_u32, 0_u32);
        loop {
            while asked < answered + window && began.elapsed() < SLICE {
                let (subject, inbox) = (self.subject.clone(), self.inbox.clone());
                let ask = self
                    .client
                    .publish_with_reply(subject, inbox, payload.clone());
                ask.await?;
                asked += 1;
            }
            if answered == asked {
                return Ok(f64::from(answered) / began.elapsed().as_secs_f64());
            }
            let reply = self.replies.next().await.context("the broker has gone")?;
            anyhow::ensure!(reply.payload.len() == payload.len(), "nobody answers");
            answered += 1;
        }
    }
}

/// A server, without a broker in between.
struct Direct {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

impl Direct {
    fn connect(address: &str) -> anyhow::Result<Self> {
        let mut writer = TcpStream::connect(address)?;
        writer.set_nodelay(true)?;
        writer.write_all(&PREAMBLE)?;
        let reader = BufReader::with_capacity(64 * 1024, writer.try_clone()?);
        Ok(Self { reader, writer })
    }

    fn ask(&mut self, window: u32) -> anyhow::Result<f64> {
        let mut frame = Vec::new();
        Request::Echo(&BODY).encode(&mut frame);
        let mut reply = [0; HEADER_BYTES + BODY.len()];
        let began = Instant::now();
        let (mut asked, mut answered) = (0_u32, 0_u32);
        loop {
            if began.elapsed() < SLICE {
                let more = answered + window - asked;
                self.writer.write_all(&frame.repeat(more as usize))?;
                asked += more;
            }
            if answered == asked {
                return Ok(f64::from(answered) / began.elapsed().as_secs_f64());
            }
            // One reply, and any that arrived with it.
            loop {
                self.reader.read_exact(&mut reply)?;
                anyhow::ensure!(reply[LENGTH_BYTES] == 0x82, "no echo");
                answered += 1;
                if self.reader.buffer().len() < reply.len() {
                    break;
                }
            }
        }
    }
}
