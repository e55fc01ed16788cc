//! Who comes behind the counter, and who does not.

use crate::admin_support::{COOKIE, PASSWORD, Staff, follow, invited, log_in, main_of};
use crate::browser::{Browser, value};
use crate::http_support::Shop;
use commands::staff::Role;

const PAGES: [(&str, [bool; 3]); 4] = [
    // Of owner, manager and clerk.
    ("/admin/", [true, true, true]),
    ("/admin/orders/", [true, true, true]),
    ("/admin/orders/orders.csv", [true, true, true]),
    ("/admin/staff/", [true, false, false]),
];

#[tokio::test]
async fn without_a_session_one_is_asked_to_log_in_and_led_back() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let pool = shop.db.pool().await;
    let (_, link) = invited(&pool, "ada@example.com", Role::Clerk).await;
    let ada = Browser::new(&instance);
    for (path, _) in PAGES {
        let asked = ada.get(&format!("{path}?paid=yes")).await.is(303);
        let next = path.replace('/', "%2F");
        assert_eq!(asked.header("location"), format!("/admin/login/?next={next}%3Fpaid%3Dyes"));
    }
    assert_eq!(ada.get("/admin").await.is(308).header("location"), "/admin/");
    let in_by_link = follow(&ada, &link, "Ada").await.is(303);
    assert_eq!(in_by_link.header("location"), "/admin/");
    assert!(main_of(&ada.get("/admin/").await.is(200)).contains("Good to see you, Ada"));
    follow_again(&ada, &link).await;

    let other = Browser::new(&instance);
    let page = other.get("/admin/login/?next=%2Fadmin%2Forders%2F%3Fpaid%3Dno").await.is(200);
    assert_eq!(value(&page, "next").as_deref(), Some("/admin/orders/?paid=no"));
    let inside = log_in(&other, "ADA@example.com", PASSWORD).await.is(303);
    assert_eq!(inside.header("location"), "/admin/orders/");
    let already = other.get("/admin/login/?next=%2Fadmin%2Forders%2F").await.is(303);
    assert_eq!(already.header("location"), "/admin/orders/");
}

async fn follow_again(browser: &Browser<'_>, link: &str) {
    let void = browser.get(link).await.is(404);
    assert!(main_of(&void).contains("no longer good"));
}

#[tokio::test]
async fn a_role_opens_what_the_table_of_permissions_says_and_nothing_else() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    for (index, role) in Role::ALL.into_iter().enumerate() {
        let staff = Staff::logged_in(&shop, &instance, role).await;
        for (path, allowed) in PAGES {
            let reply = staff.get(path).await;
            let expected = if allowed[index] { 200 } else { 403 };
            assert_eq!(reply.status.as_u16(), expected, "{role} {path}");
            if expected == 403 {
                assert!(main_of(&reply).contains("not for your role"), "{}", reply.text);
            }
        }
        let shown = staff.get("/admin/").await.is(200).text.contains("href=\"/admin/staff/\"");
        assert_eq!(shown, role == Role::Owner, "the navigation shows what is allowed");
        let refused =
            staff.post("/admin/staff/invite/", &[("email", "x@example.com"), ("name", "X"), ("role", "owner")]).await;
        assert_eq!(refused.status.as_u16() == 403, role != Role::Owner);
    }
}

#[tokio::test]
async fn who_is_wrong_learns_nothing_and_is_slowed_down() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let owner = Staff::logged_in(&shop, &instance, Role::Owner).await;
    let pool = shop.db.pool().await;
    invited(&pool, "invited@example.com", Role::Clerk).await;
    let (disabled, link) = invited(&pool, "disabled@example.com", Role::Clerk).await;
    follow(&Browser::new(&instance), &link, "Eve").await.is(303);
    owner.post(&format!("/admin/staff/{}/", disabled.id), &[("act", "disable")]).await.is(303);
    let stranger = Browser::new(&instance);
    let mut answers = Vec::new();
    for email in ["owner@example.com", "nobody@example.com", "invited@example.com", "disabled@example.com"] {
        let password = if email == "disabled@example.com" { PASSWORD } else { "darjeeling & fog" };
        let reply = log_in(&stranger, email, password).await.is(422);
        answers.push(main_of(&reply).replace(email, ""));
        assert!(stranger.cookie(COOKIE).is_none());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let mut last = 0;
    for _ in 0..9 {
        last = log_in(&stranger, "nobody@example.com", "darjeeling & fog").await.status.as_u16();
    }
    assert_eq!(last, 429);
    log_in(&stranger, "owner@example.com", PASSWORD).await.is(303);
}

#[tokio::test]
async fn a_log_in_has_a_secret_of_its_own_and_ends_with_it() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let owner = Staff::logged_in(&shop, &instance, Role::Owner).await;
    let first = owner.browser.cookie(COOKIE).unwrap();
    let planted = Browser::new(&instance);
    planted.set_cookie(COOKIE, &"A".repeat(43));
    log_in(&planted, "owner@example.com", PASSWORD).await.is(303);
    let second = planted.cookie(COOKIE).unwrap();
    assert!(second != first && second != "A".repeat(43));
    log_in(&planted, "owner@example.com", PASSWORD).await.is(303);
    let stale = Browser::new(&instance);
    stale.set_cookie(COOKIE, &second);
    stale.get("/admin/").await.is(303);

    owner.post("/admin/logout/", &[]).await.is(303);
    let gone = Browser::new(&instance);
    gone.set_cookie(COOKIE, &first);
    gone.get("/admin/").await.is(303);
    // A shopper's cookie is none here.
    let shopper = Browser::new(&instance);
    shopper.add("TEA", 1).await;
    shopper.set_cookie(COOKIE, &shopper.cookie("__Host-orders").unwrap());
    shopper.get("/admin/").await.is(303);
}

#[tokio::test]
async fn what_no_page_of_ours_made_is_refused() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let owner = Staff::logged_in(&shop, &instance, Role::Owner).await;
    let csrf = owner.csrf().await;
    let fields = [("email", "x@example.com"), ("name", "X"), ("role", "clerk"), ("how", "show")];
    owner.browser.post("/admin/staff/invite/", &fields).await.is(403);
    owner.browser.post("/admin/staff/invite/", &[fields.as_slice(), &[("csrf", "A")]].concat()).await.is(403);
    let whole = [fields.as_slice(), &[("csrf", csrf.as_str())]].concat();
    let foreign = owner.browser.form("/admin/staff/invite/", &whole).header("origin", "http://evil.test");
    foreign.await.is(403);
    let login = [("email", "owner@example.com"), ("password", PASSWORD)];
    Browser::new(&instance).form("/admin/login/", &login).header("origin", "http://evil.test").await.is(403);
    owner.browser.post("/admin/staff/invite/", &whole).await.is(200);
}

#[tokio::test]
async fn an_owner_invites_changes_and_disables() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let owner = Staff::logged_in(&shop, &instance, Role::Owner).await;
    let invite = |how: &'static str| [("email", "bob@example.com"), ("name", "Bob"), ("role", "clerk"), ("how", how)];
    let shown = owner.post("/admin/staff/invite/", &invite("show")).await.is(200);
    let (_, rest) = shown.text.split_once(&format!("http://{}/admin/password/", instance.address)).expect("a link");
    let link = format!("/admin/password/{}", rest.split_once('"').unwrap().0);
    let taken = owner.post("/admin/staff/invite/", &invite("show")).await.is(422);
    assert!(main_of(&taken).contains("an account of this address already"));
    let bob = Browser::new(&instance);
    follow(&bob, &link, "Bob <i>Tea</i>").await.is(303);
    assert!(owner.get("/admin/staff/").await.text.contains("Bob &#60;i&#62;Tea&#60;/i&#62;"));
    bob.get("/admin/staff/").await.is(403);

    let pool = shop.db.pool().await;
    let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM staff_accounts WHERE email_key = 'bob@example.com'")
        .fetch_one(&pool)
        .await
        .unwrap();
    let one = format!("/admin/staff/{id}/");
    owner.post(&one, &[("act", "role"), ("role", "owner")]).await.is(303);
    bob.get("/admin/staff/").await.is(200);
    owner.post(&one, &[("act", "disable")]).await.is(303);
    assert!(main_of(&owner.get("/admin/staff/").await).contains("bob@example.com is let in no longer"));
    bob.get("/admin/").await.is(303);
    log_in(&Browser::new(&instance), "bob@example.com", PASSWORD).await.is(422);
    owner.post(&format!("/admin/staff/{}/", owner.account.id), &[("act", "disable")]).await.is(303);
    assert!(main_of(&owner.get("/admin/staff/").await).contains("the last owner who can log in"));
    owner.post(&one, &[("act", "enable")]).await.is(303);
    owner.post(&one, &[("act", "link"), ("how", "mail")]).await.is(303);
    let jobs: i64 = sqlx::query_scalar("SELECT count(*) FROM scheduled_jobs WHERE task = 'staff_mail'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(jobs, 1);
    owner.post("/admin/staff/none/", &[("act", "disable")]).await.is(404);
    owner.post(&one, &[("act", "promote")]).await.is(400);
}
