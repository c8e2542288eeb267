"use strict";

// Run by chat_web_browser_test. Pages reach the server through a gate, which
// can cut their connections, or let no WebSocket through.

const assert = require("node:assert");
const { spawn } = require("node:child_process");
const net = require("node:net");
const path = require("node:path");
const { chromium } = require("playwright-core");

const server = process.argv[2];
const patience = 30000; // milliseconds for anything that must happen
const desktop = { width: 1040, height: 700 };
const phone = { width: 390, height: 760 };

class Gate {
  connections = new Set();
  isOpen = true;
  letsSocketsThrough = true;
  sockets = 0; // WebSockets asked for

  async start(port) {
    this.listening = net.createServer(page => this.pass(page, port));
    await new Promise(done => this.listening.listen(0, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${this.listening.address().port}`;
  }

  pass(page, port) {
    if (!this.isOpen) return page.destroy();
    const far = net.connect(port, "127.0.0.1");
    this.connections.add(page);
    const end = () => {
      this.connections.delete(page);
      page.destroy();
      far.destroy();
    };
    for (const each of [page, far]) each.on("error", end).on("close", end);
    page.on("data", bytes => {
      if (bytes.toString("latin1").startsWith("GET /ws/")) {
        ++this.sockets;
        if (!this.letsSocketsThrough) return end();
      }
      far.write(bytes);
    });
    far.on("data", bytes => page.write(bytes));
  }

  cut() {
    this.isOpen = false;
    for (const each of this.connections) each.destroy();
  }

  close() {
    this.cut();
    this.listening.close();
  }
}

async function startServer(...options) {
  const started = spawn(server, options, {
    stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise(done =>
    started.stdout.once("data", bytes => done(bytes.toString())));
  started.port = Number(line.match(/:(\d+)\/\n$/)[1]);
  return started;
}

async function stopServer(started) {
  started.kill("SIGTERM");
  const code = await new Promise(done => started.once("exit", done));
  assert.strictEqual(code, 0);
}

// --- one test ---------------------------------------------------------------

let browser;
let gate;
let contexts = [];

async function open(target, options = {}) {
  const context = await browser.newContext({ viewport: desktop, ...options });
  context.setDefaultTimeout(patience);
  contexts.push(context);
  const page = await context.newPage();
  page.problems = [];
  page.on("pageerror", error => page.problems.push(String(error)));
  page.on("console", message => {
    if (/Content Security Policy|violates/.test(message.text()))
      page.problems.push(message.text());
  });
  page.on("dialog", dialog => {
    page.problems.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.goto(gate.url + target);
  return page;
}

const live = page => page.waitForSelector("#state.live");
const lost = page => page.waitForSelector("#state:not(.live)");
const texts = page =>
  page.$$eval(".said:not(.pending) .text", all => all.map(e => e.textContent));

async function say(page, text) {
  await page.fill("#message", text);
  await page.press("#message", "Enter");
}

// Until the page shows exactly these.
async function shows(page, ...expected) {
  const wanted = JSON.stringify(expected);
  await page.waitForFunction(all => JSON.stringify(
    [...document.querySelectorAll(".said:not(.pending) .text")]
      .map(e => e.textContent)) === all, wanted).catch(async () => {
    assert.deepStrictEqual(await texts(page), expected);
  });
}

const isHere = (page, ...names) => page.waitForFunction(all => JSON.stringify(
  [...document.querySelectorAll("#people li > :last-child")]
    .map(e => e.textContent)) === all, JSON.stringify(names));

const tests = {
  async "two browsers talk, from the first page on"() {
    const alice = await open("/");
    await alice.fill("input[name=uid]", "alice");
    await alice.press("input[name=uid]", "Enter");
    await alice.click("text=topic1");
    await live(alice);
    assert.strictEqual(new URL(alice.url()).pathname, "/topic1/alice");
    const bob = await open("/topic1/bob");
    await isHere(alice, "alice", "bob");
    await isHere(bob, "alice", "bob");
    await say(alice, "hello bob");
    await shows(bob, "hello bob");
    await say(bob, "hello alice");
    for (const page of [alice, bob])
      await shows(page, "hello bob", "hello alice");
    await bob.context().close();
    await isHere(alice, "alice");
    return [alice];
  },

  async "what is said before one came is shown to the newcomer"() {
    const alice = await open("/topic1/alice");
    await live(alice);
    await say(alice, "1");
    await say(alice, "2");
    await shows(alice, "1", "2");
    const bob = await open("/topic1/bob");
    await shows(bob, "1", "2");
    await live(bob);
    await shows(bob, "1", "2");
    return [alice, bob];
  },

  async "one loses the connection and comes back; nothing is lost or doubled"() {
    const alice = await open("/topic1/alice");
    const far = gate;
    gate = new Gate();
    await gate.start(far.port);
    const bob = await open("/topic1/bob");
    const cut = gate;
    gate = far;
    for (const page of [alice, bob]) await live(page);
    await say(alice, "before");
    await shows(bob, "before");
    cut.cut();
    await lost(bob);
    await say(alice, "meanwhile");
    await say(bob, "from afar");
    await shows(alice, "before", "meanwhile");
    cut.isOpen = true;
    await live(bob);
    for (const page of [alice, bob])
      await shows(page, "before", "meanwhile", "from afar");
    await say(alice, "after");
    await shows(bob, "before", "meanwhile", "from afar", "after");
    await bob.waitForSelector(".pending", { state: "detached" });
    await bob.context().close();
    cut.close();
    return [alice, bob];
  },

  async "where no WebSocket gets through, pages poll"() {
    gate.letsSocketsThrough = false;
    const alice = await open("/topic1/alice");
    const bob = await open("/topic1/bob");
    for (const page of [alice, bob]) {
      await live(page);
      assert.strictEqual(await page.textContent("#state"), "live, by polling");
    }
    await isHere(alice, "alice", "bob");
    for (const text of ["1", "2", "3"]) {
      await say(alice, text);
      await say(bob, text + "b");
      await bob.waitForFunction(
        n => document.querySelectorAll(".said:not(.pending)").length === n,
        2 * Number(text));
    }
    const heard = await texts(bob);
    assert.deepStrictEqual([...heard].sort(), ["1", "1b", "2", "2b", "3", "3b"]);
    await shows(alice, ...heard);
    assert(gate.sockets >= 4);
    return [alice, bob];
  },

  async "script and markup are shown as text"() {
    const alice = await open("/topic1/alice");
    const bob = await open("/topic1/bob");
    for (const page of [alice, bob]) await live(page);
    const evil = [
      "<script>alert(1)</script>",
      "<img src=x onerror=alert(2)>",
      "\"><svg onload=alert(3)> &amp; ' `${alert(4)}`",
      "javascript:alert(5) {{uid}}",
    ];
    for (const text of evil) await say(alice, text);
    for (const page of [alice, bob]) await shows(page, ...evil);
    const carol = await open("/topic1/carol"); // from the server's HTML
    await shows(carol, ...evil);
    for (const page of [alice, bob, carol]) {
      assert.strictEqual(await page.$$eval(
        "main script, main img, main svg", all => all.length), 0);
    }
    return [alice, bob, carol];
  },

  async "who talks too fast is told so and keeps the text"() {
    const alice = await open("/topic1/alice");
    await live(alice);
    for (let n = 0; n < 30 && !await alice.isVisible("#notice"); ++n)
      await say(alice, `${n}`);
    await alice.waitForSelector("#notice:visible");
    assert.match(await alice.textContent("#notice"), /fast/);
    assert.notStrictEqual(await alice.inputValue("#message"), "");
    return [alice];
  },

  async "a phone has it all in reach"() {
    const ann = await open("/topic1/ann", {
      viewport: phone, isMobile: true, hasTouch: true });
    await live(ann);
    for (let n = 0; n < 9; ++n) await say(ann, `${n} ` + "words ".repeat(20));
    await ann.waitForFunction(() =>
      document.querySelectorAll(".said:not(.pending)").length === 9);
    const sizes = await ann.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      high: document.documentElement.scrollHeight,
      form: document.querySelector("#form").getBoundingClientRect().bottom,
      last: document.querySelector("#messages").lastElementChild
        .getBoundingClientRect().bottom,
      scroll: document.querySelector("#scroll").getBoundingClientRect().bottom,
    }));
    assert(sizes.wide <= phone.width, JSON.stringify(sizes));
    assert(sizes.high <= phone.height, JSON.stringify(sizes));
    assert(sizes.form <= phone.height, JSON.stringify(sizes));
    assert(sizes.last <= sizes.scroll, JSON.stringify(sizes));
    assert(!await ann.isVisible("#people"));
    await ann.tap("#who");
    assert(await ann.isVisible("#people"));
    return [ann];
  },

  async "pictures are taken"() {
    const names = ["maria", "jonas", "li-wei"];
    const pages = [];
    for (const name of names) {
      pages.push(await open(`/topic1/${name}`));
      await live(pages.at(-1));
    }
    const ann = await open("/topic1/ann", {
      viewport: phone, isMobile: true, hasTouch: true, deviceScaleFactor: 2 });
    await live(ann);
    const [maria, jonas, liWei] = pages;
    const talk = [
      [maria, "Good morning! Is everybody in?"],
      [jonas, "Morning. I was on the train and lost the network twice"],
      [jonas, "came back by itself, nothing missing"],
      [liWei, "My company's proxy eats WebSockets, so I am polling. " +
              "I would not have noticed"],
      [maria, "Then the four of us are four actors, and this room is a fifth"],
      [ann, "And what about <script>alert('boo')</script>?"],
      [liWei, "That is just something you said"],
    ];
    for (let n = 0; n < talk.length; ++n) {
      await say(talk[n][0], talk[n][1]);
      for (const page of [maria, ann])
        await shows(page, ...talk.slice(0, n + 1).map(each => each[1]));
    }
    await maria.focus("#message");
    for (const [page, name] of [[maria, "desktop"], [ann, "phone"]]) {
      const file = path.resolve(`${name}.png`);
      await page.screenshot({ path: file });
      console.log(`  ${file}`);
    }
    await maria.emulateMedia({ colorScheme: "dark" });
    await maria.screenshot({ path: "dark.png" });
    return [...pages, ann];
  },
};

async function run(name) {
  const started = await startServer("--grace", "1");
  gate = new Gate();
  gate.port = started.port;
  await gate.start(started.port);
  contexts = [];
  try {
    const pages = await tests[name]();
    for (const page of pages) assert.deepStrictEqual(page.problems, []);
  } finally {
    for (const each of contexts) await each.close();
    gate.close();
    await stopServer(started);
  }
}

async function main() {
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  let failed = 0;
  for (const name of Object.keys(tests)) {
    try {
      await run(name);
      console.log(`ok: ${name}`);
    } catch (error) {
      ++failed;
      console.log(`FAILED: ${name}\n${error.stack}`);
    }
  }
  await browser.close();
  process.exit(failed ? 1 : 0);
}

main();
