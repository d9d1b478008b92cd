// The form of an ad: a preview, the progress of sending, and what was typed kept while the tab lives.
// Without this file the form does the same by itself, less visibly.
(() => {
  "use strict";
  const MOST = 10 * 1024 * 1024; // bytes of a picture
  const TAKEN = ["image/jpeg", "image/png", "image/webp", "image/gif"];
  const SIDE = 640; // pixels of a preview

  const draftOf = (form) => `besedka.ad ${new URL(form.action).pathname}`;
  const texts = (form) => [...form.querySelectorAll("[id^=field-]")];

  /** Storage may be forbidden; then nothing is kept. */
  const kept = (act) => {
    try {
      return act(window.sessionStorage);
    } catch {
      return null;
    }
  };

  const remember = (form) => {
    const said = Object.fromEntries(texts(form).map((field) => [field.name, field.value]));
    kept((storage) => storage.setItem(draftOf(form), JSON.stringify({ said, seen: form.elements.seen.value })));
  };

  /** What was typed before a sign-in ran out, or a reload; only into the form of the same state of the ad. */
  const bringBack = (form) => {
    const draft = JSON.parse(kept((storage) => storage.getItem(draftOf(form))) ?? "null");
    if (!draft || draft.seen !== form.elements.seen.value || document.querySelector("[role=alert]")) return;
    let differs = false;
    for (const field of texts(form)) {
      const said = draft.said[field.name];
      if (typeof said !== "string" || said === field.value) continue;
      field.value = said;
      differs = true;
    }
    if (differs) say(form, form.dataset.back);
  };

  const say = (form, words, bad = false) => {
    const line = form.querySelector("[data-progress]");
    line.hidden = !words;
    line.classList.toggle("bad", bad);
    line.querySelector("progress").hidden = true;
    line.querySelector("[role=status]").textContent = words;
  };

  const size = (bytes) => {
    const unit = bytes < 1024 * 1024 ? "kilobyte" : "megabyte";
    const amount = bytes / (unit === "kilobyte" ? 1024 : 1024 * 1024);
    const shown = { style: "unit", unit, maximumFractionDigits: unit === "kilobyte" ? 0 : 1 };
    return new Intl.NumberFormat(document.documentElement.lang, shown).format(amount);
  };

  const preview = async (form, input) => {
    const [file] = input.files;
    const hint = form.querySelector("[data-picked]");
    form.querySelectorAll("#photo-notes .bad").forEach((old) => old.remove());
    if (!file) return;
    const refuse = (words) => {
      const bad = document.createElement("span");
      bad.className = "bad";
      bad.textContent = words;
      hint.before(bad);
      input.value = "";
    };
    if (file.size > MOST) return refuse(form.dataset.large);
    if (!TAKEN.includes(file.type)) return refuse(form.dataset.noPicture);
    let picture;
    try {
      picture = await createImageBitmap(file);
    } catch {
      return refuse(form.dataset.noPicture);
    }
    if (input.files[0] !== file) return; // another one was picked meanwhile
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", file.name);
    form.querySelector("[data-preview]").replaceChildren(canvas);
    hint.textContent = `${file.name}, ${size(file.size)}`;
    const without = form.elements.no_picture;
    if (without) without.checked = false;
  };

  /** The same page with what the server says of the form; whoever reads with their ears is led to it. */
  const replace = (page) => {
    const answer = new DOMParser().parseFromString(page, "text/html").querySelector("main");
    if (!answer) return false;
    document.querySelector("main").replaceWith(document.importNode(answer, true));
    const form = begin();
    const first = form?.querySelector("[aria-invalid]") ?? document.querySelector("main [role=alert]");
    first?.focus();
    return form !== null;
  };

  const send = (form) => {
    const button = form.querySelector("[type=submit]");
    const line = form.querySelector("[data-progress]");
    const bar = line.querySelector("progress");
    const request = new XMLHttpRequest();
    const failed = () => {
      button.disabled = false;
      say(form, form.dataset.offline, true);
    };
    say(form, form.dataset.sending);
    button.disabled = true;
    bar.hidden = false;
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total;
    };
    request.upload.onload = () => {
      bar.removeAttribute("value"); // from here on nobody knows how long it takes
      line.querySelector("[role=status]").textContent = form.dataset.reading;
    };
    request.onerror = request.ontimeout = failed;
    request.onload = () => {
      const arrived = new URL(request.responseURL || form.action);
      if (arrived.pathname !== new URL(form.action).pathname) {
        if (!arrived.pathname.startsWith("/auth/")) kept((storage) => storage.removeItem(draftOf(form)));
        window.location.assign(arrived);
      } else if (request.status >= 500 || !replace(request.responseText)) failed();
    };
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "text/html");
    request.send(new FormData(form));
  };

  const begin = () => {
    const form = document.querySelector("form.ad-form");
    if (!form) return null;
    form.addEventListener("input", () => remember(form));
    form.elements.image.addEventListener("change", (event) => preview(form, event.target));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form);
    });
    for (const take of form.querySelectorAll("[data-take]")) {
      take.hidden = false;
      take.addEventListener("click", () => {
        const field = form.elements[take.dataset.take];
        const theirs = form.querySelector(`[data-theirs="${take.dataset.take}"]`).dataset.value;
        field.value = theirs;
        field.focus();
        remember(form);
      });
    }
    bringBack(form);
    return form;
  };

  begin();
})();
