// How far an import is, asked every second; once it has ended, the page is read again and says what it did.
"use strict";
(() => {
  const shown = document.querySelector("[data-import]");
  if (!shown) return;
  const stage = shown.querySelector("[data-stage]");
  const bar = shown.querySelector("progress");
  const done = shown.querySelector("[data-done]");

  function show(asked) {
    const { stage: name, done: so_far, of } = asked.progress;
    const said = stage.dataset[name || "waiting"];
    if (stage.textContent !== said) stage.textContent = said; // said once, not every second, to who listens
    if (of) {
      bar.max = of;
      bar.value = so_far;
    } else {
      bar.removeAttribute("value");
    }
    done.textContent = of ? `${so_far} / ${of}` : so_far || "";
  }

  async function look() {
    try {
      const answer = await fetch(shown.dataset.import, { headers: { Accept: "application/json" } });
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
        location.reload(); // signed out, or forgotten meanwhile
        return;
      }
      if (answer.ok) {
        const asked = await answer.json();
        if (asked.state === "done" || asked.state === "failed") {
          location.reload();
          return;
        }
        show(asked);
      }
    } catch {
      // No connection: the import goes on without us, and we ask again.
    }
    setTimeout(look, 1000);
  }

  setTimeout(look, 1000);
})();
