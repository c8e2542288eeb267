"use strict";

// A page in a room. It hears by WebSocket, or polls where that does not get
// through; when the connection is lost it comes back, asks for what came after
// the last message it has, and says again what was not confirmed. Whatever
// comes from others is shown as text.

const room = document.body.dataset.room;
const me = document.body.dataset.uid;
const at = id => document.getElementById(id);
const here = `${encodeURIComponent(room)}/${encodeURIComponent(me)}`;

const shortestPause = 500; // milliseconds, from here on
const longestPause = 15000;
const openingTime = 10000;
const silence = 25000;     // after which the server is asked whether it is there
const answerTime = 10000;
const pollingTime = 60000; // until a WebSocket is tried again
const retryTime = 5000;    // of what was not confirmed
const mostShown = 500;

let last = 0;     // number of the last message
let presence = 0; // version of the list of people
let socket = null;
const people = new Set();
const pending = new Map(); // by key: what is not yet known to be said

const sleep = time => new Promise(done => setTimeout(done, time));

// --- what is shown ----------------------------------------------------------

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function face(name) {
  let hue = 0;
  for (const each of name) hue = (hue * 31 + each.codePointAt(0)) % 360;
  const made = element("span", "face", name.slice(0, 2).toUpperCase());
  made.style.setProperty("--hue", hue);
  made.setAttribute("aria-hidden", "true");
  return made;
}

// The end stays in view for one who looks at it.
function change(list) {
  const view = at("scroll");
  const atEnd = view.scrollHeight - view.scrollTop - view.clientHeight < 80;
  list();
  const shown = at("messages");
  while (shown.childElementCount > mostShown) shown.firstChild.remove();
  if (atEnd) view.scrollTop = view.scrollHeight;
}

function bubble(from, text, time) {
  const made = element("li", "said");
  if (from === me) made.classList.add("mine");
  made.dataset.from = from;
  const head = element("div", "from");
  const moment = new Date(time);
  const clock = element("time", "", moment.toLocaleTimeString([], {
    hour: "2-digit", minute: "2-digit" }));
  clock.dateTime = moment.toISOString();
  head.append(element("b", "", from), clock);
  made.append(face(from), head, element("div", "text", text));
  return made;
}

function add(item) {
  const firstPending = at("messages").querySelector(".pending");
  const before = firstPending ? firstPending.previousElementSibling
                              : at("messages").lastElementChild;
  if (before && item.dataset.from && before.dataset.from === item.dataset.from)
    item.classList.add("again");
  at("messages").insertBefore(item, firstPending);
}

function remark(text) {
  change(() => add(element("li", "remark", text)));
}

function showMessage({ number, from, text, at: time }) {
  if (number <= last) return;
  if (last > 0 && number > last + 1)
    remark("what was said in between is not kept any more");
  last = number;
  change(() => add(bubble(from, text, time)));
}

function showPeople() {
  const names = [...people].sort();
  at("count").textContent = names.length;
  at("people").replaceChildren(...names.map(name => {
    const made = element("li");
    made.append(face(name), element("span", "", name));
    return made;
  }));
}

function showState(text, live) {
  at("state").textContent = text;
  at("state").classList.toggle("live", live);
}

let noticeTimer = 0;
function notice(text) {
  at("notice").textContent = text;
  at("notice").hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => { at("notice").hidden = true; }, 4000);
}

// --- what the server tells --------------------------------------------------

// One who reads too slowly is not told of everything, and asks again.
function presenceIs(version) {
  const missed = version !== presence + 1;
  presence = missed ? 0 : version;
  if (missed) socket?.close();
  showPeople();
}

const events = {
  message: showMessage,
  people(event) {
    people.clear();
    for (const each of event.people) people.add(each);
    presence = event.presence;
    showPeople();
  },
  joined(event) {
    people.add(event.who);
    presenceIs(event.presence);
    if (event.who !== me) remark(`${event.who} has joined`);
  },
  left(event) {
    people.delete(event.who);
    presenceIs(event.presence);
    remark(`${event.who} has left`);
  },
  said: event => confirmed(event.key),
  refused: event => refused(event.key, event.why),
  pong() {},
};

function hear(event) {
  if (Object.hasOwn(events, event.type)) events[event.type](event);
}

// --- what is said -----------------------------------------------------------

let keys = 0;
const page = Math.random().toString(36).slice(2);

function say(text) {
  const key = `${page}-${++keys}`;
  const shown = bubble(me, text, Date.now());
  shown.classList.add("pending");
  change(() => at("messages").append(shown));
  at("scroll").scrollTop = at("scroll").scrollHeight;
  pending.set(key, { text, shown, sentAt: 0 });
  send(key);
}

function confirmed(key) {
  pending.get(key)?.shown.remove();
  pending.delete(key);
}

const reasons = {
  "too fast": "Not so fast, please",
  "too long": "That is too long",
};

function refused(key, why) {
  const lost = pending.get(key);
  if (!lost) return;
  confirmed(key);
  notice(reasons[why] ?? "That could not be said");
  if (at("message").value === "") at("message").value = lost.text;
}

// The same key again is said once only.
function send(key) {
  const wish = pending.get(key);
  wish.sentAt = Date.now();
  if (socket?.readyState === WebSocket.OPEN)
    socket.send(JSON.stringify({ say: wish.text, key }));
  else
    post(key, wish.text);
}

async function post(key, message) {
  try {
    const answer = await fetch(`/put/${here}`, {
      method: "POST", body: new URLSearchParams({ message, key }) });
    if (answer.ok) confirmed(key);
    else if (answer.status === 429) refused(key, "too fast");
    else if (answer.status === 413) refused(key, "too long");
    else if (answer.status < 500) refused(key, "");
  } catch {
    // said again when there is a connection
  }
}

function sendPending(olderThan) {
  for (const [key, wish] of pending)
    if (Date.now() - wish.sentAt >= olderThan) send(key);
}

// --- how it gets here -------------------------------------------------------

// Until the connection is lost. Whether there was one.
function bySocket() {
  return new Promise(ended => {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const mine = new WebSocket(
      `${scheme}//${location.host}/ws/${here}?after=${last}`);
    let opened = false;
    let over = false;
    let patience = 0;
    const end = () => {
      if (over) return;
      over = true;
      clearTimeout(patience);
      window.removeEventListener("offline", end);
      if (socket === mine) socket = null;
      mine.close();
      ended(opened);
    };
    const expect = () => { patience = setTimeout(end, answerTime); };
    const heard = () => {
      clearTimeout(patience);
      patience = setTimeout(() => {
        mine.send('{"ping":true}');
        expect();
      }, silence);
    };
    patience = setTimeout(end, openingTime);
    window.addEventListener("offline", end);
    mine.onopen = () => {
      opened = true;
      socket = mine;
      showState("live", true);
      heard();
      sendPending(0);
    };
    mine.onmessage = message => {
      if (over) return;
      heard();
      JSON.parse(message.data).forEach(hear);
    };
    mine.onclose = mine.onerror = end;
  });
}

// Until that fails, or it is time to try a WebSocket again. Whether it worked.
async function byPolling() {
  const until = Date.now() + pollingTime;
  let worked = false;
  do {
    const about = new URLSearchParams({ room, after: last, presence });
    try {
      const answer = await fetch(`/poll/${encodeURIComponent(me)}?${about}`,
                                 { method: "POST" });
      if (!answer.ok) return worked;
      (await answer.json()).forEach(hear);
    } catch {
      return false;
    }
    if (!worked) sendPending(0);
    worked = true;
    showState("live, by polling", true);
  } while (Date.now() < until);
  return true;
}

async function stay() {
  let pause = shortestPause;
  let refusals = 0; // of WebSockets, one after the other
  for (;;) {
    const polls = refusals >= 2;
    const worked = await (polls ? byPolling() : bySocket());
    if (polls) refusals = worked ? 1 : 0;
    else refusals = worked ? 0 : refusals + 1;
    if (worked) pause = shortestPause;
    if (refusals > 0) continue; // the other way, at once
    showState("connection lost, trying again", false);
    await Promise.race([
      sleep(pause * (0.75 + Math.random() / 2)),
      new Promise(done =>
        window.addEventListener("online", done, { once: true })),
    ]);
    pause = Math.min(pause * 2, longestPause);
  }
}

// --- the page ---------------------------------------------------------------

function takeOverMessages() {
  const messages = [...at("messages").children].map(item => ({
    number: Number(item.dataset.number), at: Number(item.dataset.at),
    from: item.querySelector("b").textContent,
    text: item.querySelector("span").textContent }));
  at("messages").replaceChildren();
  messages.forEach(showMessage);
  at("scroll").scrollTop = at("scroll").scrollHeight;
}

at("form").addEventListener("submit", event => {
  event.preventDefault();
  const text = at("message").value.trim();
  at("message").value = "";
  at("message").focus();
  if (text) say(text);
});

at("who").addEventListener("click", () => {
  const open = document.body.classList.toggle("people-open");
  at("who").setAttribute("aria-expanded", open);
});

setInterval(() => sendPending(retryTime), retryTime);
takeOverMessages();
stay();
