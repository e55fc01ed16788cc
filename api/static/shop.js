// Makes pages more comfortable. Everything works without it.
"use strict";

// A form is sent once: its button shows that it works, and can't be pressed again until the page is another.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
});

// A page that the browser kept and shows again was not sent.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  }
});

// Times are shown as the visitor's own clock and language have them; what the server wrote stays in the markup.
globalThis.shownAt = (time) => {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) return;
  const isDay = !time.dateTime.includes("T");
  const style = isDay ? { dateStyle: "medium", timeZone: "UTC" } : { dateStyle: "medium", timeStyle: "short" };
  time.title = time.textContent;
  time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, style).format(at);
};
document.querySelectorAll("time[datetime]").forEach(globalThis.shownAt);

// Quantities get buttons for one less and one more.
for (const stepper of document.querySelectorAll(".stepper")) {
  const input = stepper.querySelector("input");
  const button = (sign, label, step) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = sign;
    made.setAttribute("aria-label", label);
    made.addEventListener("click", () => {
      step();
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
    return made;
  };
  stepper.prepend(button("−", stepper.dataset.less, () => input.stepDown()));
  stepper.append(button("+", stepper.dataset.more, () => input.stepUp()));
  stepper.classList.add("has-buttons");
}

// What is chosen in these forms is sent by itself, a moment after the last choice.
for (const form of document.querySelectorAll("form[data-send-on-change]")) {
  let waiting;
  form.addEventListener("change", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (form.reportValidity()) form.requestSubmit(); }, 600);
  });
}
