// Follows an order while its page is open. Without it, loading the page again shows the same.
"use strict";

(() => {
  const root = document.querySelector("[data-live]");
  if (!root || !("WebSocket" in window)) return;
  const list = root.querySelector("[data-messages]");
  const form = root.querySelector("[data-message-form]");
  const status = root.querySelector("[data-live-status]");
  // Pauses grow from one second to a minute, each cut at random, so that not all come again at once.
  const FIRST_PAUSE_MS = 1000;
  const LONGEST_PAUSE_MS = 60000;
  // A server that is there says something within this time: it asks every 25 seconds, which pages do not see.
  const CONNECT_AT_MOST_MS = 15000;
  // Closed for a reason that coming again does not mend: what we sent, or who we are.
  const FINAL = [1008, 1009, 4001];

  const address = new URL(root.dataset.live, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  let socket = null;
  let pause = FIRST_PAUSE_MS;
  let waiting = null;
  let over = false;
  let pending = null;

  const text = (what) => root.getAttribute(`data-says-${what}`) || "";
  const say = (words) => { if (status && status.textContent !== words) status.textContent = words; };
  const open = () => socket !== null && socket.readyState === WebSocket.OPEN;

  const done = (step) => {
    const shown = document.querySelector(`li[data-step="${step}"]`);
    if (!shown || shown.classList.contains("done")) return;
    shown.classList.add("done");
    shown.removeAttribute("aria-current");
    say(shown.textContent.trim());
  };
  const when = (what, is) => {
    for (const part of root.querySelectorAll(`[data-when="${what}"]`)) part.hidden = !is;
  };
  const mail = (state) => {
    when("troubled", state === "troubled");
    if (state === "sent") done("mailed");
  };

  const element = (name, style, words) => {
    const made = document.createElement(name);
    if (style) made.className = style;
    if (words) made.textContent = words;
    return made;
  };
  const add = (message) => {
    if (!list || list.querySelector(`[data-message="${message.id}"]`)) return;
    const item = element("li", `message from-${message.from}`);
    item.dataset.message = message.id;
    const head = element("p", "message-head");
    const time = element("time", "", `${message.sent_at.slice(0, 16).replace("T", " ")} UTC`);
    time.dateTime = message.sent_at;
    if (globalThis.shownAt) globalThis.shownAt(time);
    head.append(element("span", "message-who", text(message.from)), " ", time);
    item.append(head, element("p", "message-text", message.text));
    list.append(item);
  };

  const settled = (key, words) => {
    if (!pending || pending.key !== key) return false;
    pending = null;
    form.removeAttribute("aria-busy");
    say(words);
    return true;
  };
  const told = {
    state: (frame) => {
      if (frame.paid) done("paid");
      mail(frame.mail);
      when("needs_review", frame.needs_review);
      frame.messages.forEach(add);
    },
    step: (frame) => done(frame.step),
    needs_review: () => when("needs_review", true),
    mail: (frame) => mail(frame.mail),
    message: (frame) => add(frame.message),
    accepted: (frame) => {
      const typed = form.elements.text;
      const sent = pending;
      // What was typed meanwhile stays.
      if (settled(frame.key, text("sent")) && typed.value === sent.text) typed.value = "";
    },
    refused: (frame) => settled(frame.key, text(frame.why) || text("failed")),
  };

  const send = () => {
    if (pending && open()) socket.send(JSON.stringify({ type: "message", key: pending.key, text: pending.text }));
  };
  const again = () => {
    if (over || waiting !== null) return;
    waiting = setTimeout(connect, pause / 2 + Math.random() * pause / 2);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  };

  function connect() {
    waiting = null;
    if (over || socket !== null) return;
    const mine = new WebSocket(address);
    const late = setTimeout(() => mine.close(), CONNECT_AT_MOST_MS);
    socket = mine;
    mine.addEventListener("open", () => {
      clearTimeout(late);
      say(text("connected"));
      // Written before the connection was lost, and not answered: kept once, however often it is sent.
      send();
    });
    mine.addEventListener("message", (event) => {
      const frame = JSON.parse(event.data);
      // Only one that lives counts as one that was had.
      pause = FIRST_PAUSE_MS;
      if (frame.at) address.searchParams.set("after", frame.at);
      const take = told[frame.type];
      if (take) take(frame);
    });
    mine.addEventListener("close", (event) => {
      clearTimeout(late);
      if (socket === mine) socket = null;
      over = over || FINAL.includes(event.code);
      say(text(over ? "over" : "lost"));
      again();
    });
  }

  if (form) {
    form.addEventListener("submit", (event) => {
      // Without a connection the form is sent as forms are.
      if (!open() || over) return;
      event.preventDefault();
      event.stopPropagation();
      if (pending) return;
      pending = { key: crypto.randomUUID ? crypto.randomUUID() : form.elements.form.value, text: form.elements.text.value };
      form.setAttribute("aria-busy", "true");
      send();
    });
  }

  // A page that is looked at again comes again at once.
  const wake = () => {
    if (document.visibilityState !== "visible" || socket !== null || over) return;
    clearTimeout(waiting);
    pause = FIRST_PAUSE_MS;
    connect();
  };
  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", wake);
  window.addEventListener("pageshow", wake);
  window.addEventListener("pagehide", () => { if (socket !== null) socket.close(1000); });
  connect();
})();
