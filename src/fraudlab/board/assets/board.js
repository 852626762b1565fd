"use strict";

// An open page: new rounds are drawn where they stand, and a list that has changed is fetched again. The pages are
// complete without it.
const live = document.getElementById("live");
const state = document.getElementById("state");
const button = document.getElementById("compare");
let version = null;

function ticked() {
  return [...document.querySelectorAll('#runs input[name="run"]:checked')].map((box) => box.value);
}

function count() {
  const now = document.getElementById("compare");
  if (!now) return;
  const many = ticked().length;
  now.disabled = many < 2 || many > 20;
  now.textContent = many > 20 ? "At most 20 can be compared" : many ? `Compare the ${many} ticked` : "Compare the ticked";
}

async function fetchAgain() {
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const kept = new Set(ticked());
  for (const part of ["#runs", "header"]) {
    const [old, fresh] = [document.querySelector(part), page.querySelector(part)];
    if (old && fresh) old.replaceWith(fresh);
    else if (fresh) document.querySelector("main").append(fresh);
    else if (old && part === "#runs") old.remove();
  }
  for (const box of document.querySelectorAll('#runs input[name="run"]')) box.checked = kept.has(box.value) && !box.disabled;
  count();
}

function listen(address) {
  const source = new EventSource(address);
  source.addEventListener("open", () => (state.textContent = "live"));
  source.addEventListener("error", () => (state.textContent = "The board does not answer."));
  // figures are made by the board itself, of escaped texts
  source.addEventListener("live", (event) => {
    live.innerHTML = event.data;
  });
  source.addEventListener("changed", (event) => {
    if (version !== null && version !== event.data) {
      if (document.getElementById("runs") || address === "/events") fetchAgain();
      else location.reload();
    }
    version = event.data;
  });
}

document.addEventListener("change", count);
if (button) count();
if (document.body.dataset.events) listen(document.body.dataset.events);
