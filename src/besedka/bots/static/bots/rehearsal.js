// The rehearsal of a scenario: each act goes to the server with where the walk stands, and comes back with what it says.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const stage = document.querySelector(".besedka-rehearsal");
  if (!stage) return;
  const lines = stage.querySelector(".besedka-lines");
  const say = stage.querySelector(".besedka-say");
  const returned = stage.querySelector(".besedka-returned");
  const answered = stage.querySelector(".besedka-answered");
  const timeIsUp = stage.querySelector("[data-happens=timed_out]");
  const token = say.querySelector("[name=csrfmiddlewaretoken]").value;
  let state = null;
  let busy = false;

  function show(kind, text, choices = []) {
    const line = document.createElement("div");
    line.className = `besedka-line ${kind}`;
    line.textContent = text;
    lines.append(line);
    if (choices.length) {
      const buttons = document.createElement("div");
      buttons.className = "besedka-choices";
      for (const choice of choices) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = choice;
        button.addEventListener("click", () => speak(choice));
        buttons.append(button);
      }
      lines.append(buttons);
    }
    lines.scrollTop = lines.scrollHeight;
  }

  function mark(way, here) {
    for (const step of document.querySelectorAll(".scenario .here")) step.classList.remove("here");
    for (const { step } of way) document.querySelector(`.scenario [data-step="${step}"]`)?.classList.add("passed");
    if (here) document.querySelector(`.scenario [data-step="${here}"]`)?.classList.add("here");
  }

  function tell(outcome) {
    for (const { kind, text, choices, reason } of outcome.says) {
      if (kind === "said") show("said", text, choices);
      else if (kind === "handoff") {
        if (text) show("said", text);
        show("note", `${stage.dataset.handoff} (${reason})`);
      } else show("note", text ? `${stage.dataset[kind]} ${text}` : stage.dataset[kind]);
    }
    mark(outcome.way, outcome.here);
    say.hidden = outcome.waits === "call" || outcome.waits === "model";
    returned.hidden = outcome.waits !== "call";
    answered.hidden = outcome.waits !== "model";
    timeIsUp.hidden = outcome.waits !== "time";
  }

  async function act(happens, more = {}) {
    if (busy) return;
    busy = true;
    try {
      const response = await fetch(stage.dataset.url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": token },
        body: JSON.stringify({ happens, state, ...more }),
      });
      const outcome = await response.json();
      if (!response.ok) throw new Error(outcome.detail);
      state = outcome.state;
      tell(outcome);
    } catch (error) {
      show("failed", `${stage.dataset.failed} ${error.message}`);
    } finally {
      busy = false;
    }
  }

  function begin() {
    state = null;
    lines.replaceChildren();
    for (const step of document.querySelectorAll(".scenario .passed, .scenario .here")) step.classList.remove("passed", "here");
    return act("started");
  }

  function speak(text) {
    show("you", text);
    return act("said", { text });
  }

  say.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = say.elements.text.value.trim();
    if (!text) return;
    say.elements.text.value = "";
    if (state === null) begin();
    else speak(text);
  });
  returned.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.submitter?.dataset.happens === "failed") return act("failed");
    let body;
    try {
      body = JSON.parse(returned.elements.body.value || "null");
    } catch (error) {
      return show("failed", `${stage.dataset.failed} ${error.message}`);
    }
    return act("returned", { body });
  });
  answered.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = answered.elements.text.value;
    answered.elements.text.value = "";
    return act("answered", { text });
  });
  timeIsUp.addEventListener("click", () => act("timed_out"));
  stage.querySelector("[data-happens=started]").addEventListener("click", begin);
  begin();
});
