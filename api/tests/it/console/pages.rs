//! The console's pages of mails and of dead letters.

use super::support::System;
use crate::goods::support::says;
use commands::staff::Role;
use serde_json::Value;

const MAILS: &str = "/ops/mails/";
const LETTERS: &str = "/ops/dead-letters/";

impl System {
    /// The newest order, as the API has it.
    async fn newest(&self) -> Value {
        self.goods.instance.get("/v1/orders?limit=1").await.is(200).json()["data"][0].clone()
    }
}

#[tokio::test]
async fn whether_a_mail_was_sent_is_told_by_number_by_id_and_by_address() {
    let system = System::open().await;
    let staff = system.goods.staff(Role::Manager).await;
    says(&staff.get("/ops/").await.is(200), &["href=\"/ops/mails/\"", "href=\"/ops/dead-letters/\""]);
    let asked = staff.get(MAILS).await.is(200);
    says(&asked, &["Was it mailed?", "name=\"of\"", "An order&#39;s number or id"]);
    assert!(!asked.text.contains("No mail is known"), "nothing was asked yet: {}", asked.text);

    let order = system.newest().await;
    let (id, number) = (order["id"].as_str().unwrap(), order["number"].to_string());
    let path = format!("{MAILS}?order={id}");
    for of in [number.as_str(), &format!("#{number}"), &format!("  {id} ")] {
        let told = staff.post(MAILS, &[("of", of)]).await.is(303);
        assert_eq!(told.header("location"), path, "{of}");
    }
    let moved = staff.get(&format!("{MAILS}?order={number}")).await.is(303);
    assert_eq!(moved.header("location"), path, "an address that a person wrote");
    let told = staff.get(&path).await.is(200);
    let item = "href=\"/ops/parked/2/\"";
    says(&told, &["order_mail · OrderPlaced", "parked", "mailbox unavailable", item, &format!("/admin/orders/{id}/")]);

    let told = staff.post(MAILS, &[("of", "ADA@example.com")]).await.is(200);
    says(&told, &["order_mail · OrderPlaced", item, "href=\"/ops/parked/1/\"", "value=\"ADA@example.com\""]);
    says(&staff.post(MAILS, &[("of", "zoe@example.com")]).await.is(200), &["No mail is known"]);
}

#[tokio::test]
async fn what_names_no_order_and_no_address_is_said_below_its_field() {
    let system = System::open().await;
    let staff = system.goods.staff(Role::Manager).await;
    for (of, says_so) in [
        ("tea", "This is no number or id of an order"),
        ("", "This is no number or id of an order"),
        ("#99999999", "No order of the list has the number 99999999."),
    ] {
        let refused = staff.post(MAILS, &[("of", of)]).await.is(422);
        says(&refused, &["id=\"of-error\"", says_so, "aria-invalid=\"true\""]);
    }
    says(&staff.post(MAILS, &[("of", "ada@")]).await.is(422), &["id=\"of-error\"", "value=\"ada@\""]);
    for (of, says_so) in
        [("tea", "This is no number or id"), ("99999999", "No order of the list has"), ("a@b.co", "This is no")]
    {
        says(&staff.get(&format!("{MAILS}?order={of}")).await.is(422), &["id=\"of-error\"", says_so]);
    }
    staff.get(&format!("{MAILS}?order={}", uuid::Uuid::now_v7())).await.is(404);
    staff.form(MAILS, &[("of", "ada@example.com")]).await.is(403);
}

#[tokio::test]
async fn in_a_process_without_kafka_the_page_of_dead_letters_says_so() {
    let system = System::open().await;
    let staff = system.goods.staff(Role::Manager).await;
    let page = staff.get(LETTERS).await.is(200);
    says(&page, &["Dead letters can&#39;t be read", "This process knows of no Kafka.", "KAFKA_BROKERS"]);
    staff.get(&format!("{LETTERS}?after=x")).await.is(400);
    for (path, with_slash) in [("/ops/dead-letters", LETTERS), ("/ops/mails", MAILS)] {
        assert_eq!(staff.get(path).await.is(308).header("location"), with_slash);
    }
}
