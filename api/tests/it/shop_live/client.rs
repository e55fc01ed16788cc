//! A browser's side of a socket.

use crate::http_support::{BOUND, Instance, Shop};
use commands::shop::links::LinkKey;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use uuid::Uuid;

/// A WebSocket of a page.
pub struct Socket(WebSocketStream<TcpStream>);

/// Where the order of this id is followed, as its page says.
pub async fn path(shop: &Shop, order: &str) -> String {
    let key = LinkKey::load(&shop.db.pool().await).await.unwrap();
    format!("/orders/{order}/live?key={}", key.sign(order.parse().unwrap()))
}

impl Socket {
    /// Opens a socket as a page of the shop does.
    pub async fn open(instance: &Instance, path: &str) -> Self {
        Self::at(instance.address, path).await
    }

    pub async fn at(address: SocketAddr, path: &str) -> Self {
        let origin = format!("http://{address}");
        let opened = Self::try_open(address, path, &[("origin", origin.as_str())]).await;
        opened.unwrap_or_else(|status| panic!("{path} answered {status}"))
    }

    /// The same, with headers of one's own; the status where there is no socket.
    pub async fn try_open(address: SocketAddr, path: &str, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let opening = async {
            let stream = TcpStream::connect(address).await.unwrap();
            client_async(request, stream).await
        };
        match timeout(BOUND, opening).await.expect("an answer in time") {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// The next that it is told.
    pub async fn next(&mut self) -> Value {
        loop {
            match self.frame().await {
                Some(Message::Text(text)) => return serde_json::from_str(text.as_str()).unwrap(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("{other:?} instead of news"),
            }
        }
    }

    /// The same, if it is of this type.
    pub async fn told(&mut self, of_type: &str) -> Value {
        let told = self.next().await;
        assert_eq!(told["type"], of_type, "{told}");
        told
    }

    /// The code that it is closed with; what is told before is passed over.
    pub async fn closed(&mut self) -> u16 {
        loop {
            match self.frame().await {
                Some(Message::Close(Some(frame))) => return frame.code.into(),
                Some(Message::Close(None)) | None => panic!("closed without a code"),
                Some(_) => {}
            }
        }
    }

    pub async fn send(&mut self, message: Message) {
        // Who was closed already need not take it.
        let _ = timeout(BOUND, self.0.send(message)).await.expect("it is taken in time");
    }

    /// Writes to staff; returns what makes the message this one.
    pub async fn write(&mut self, key: Uuid, text: &str) {
        let asked = json!({ "type": "message", "key": key, "text": text });
        self.send(Message::text(asked.to_string())).await;
    }

    async fn frame(&mut self) -> Option<Message> {
        let frame = timeout(BOUND, self.0.next()).await.expect("something in time");
        frame.map(|frame| frame.expect("a whole frame"))
    }
}
