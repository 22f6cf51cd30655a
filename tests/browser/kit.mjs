// kit: what the browser tests stand on: the real sandbox and the real bot on free ports, Chromium, the bot's texts, and
// the tally. Used by the *.test.mjs files here. Everything lives in a folder of its own that goes away at the end.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync, createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const HERE = path.dirname(fileURLToPath(import.meta.url));
export const TREE = path.resolve(HERE, '../..');
const START_MS = 20_000;
const STOP_MS = 5_000;
const PATIENCE_MS = 10_000; // for anything the page should show
const AXE = readFileSync(path.join(TREE, 'node_modules/axe-core/axe.min.js'), 'utf8');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

export const DESK = { width: 1280, height: 860 };
export const PHONE = { width: 390, height: 844 };

// --- the bot's texts: what a test expects to read is what the texts say, with any value for {name} ---

const TEXTS = new Map(readFileSync(path.join(TREE, 'templates/texts/en.yaml'), 'utf8').split('\n')
  .map((line) => /^([\w-]+): "(.*)"$/.exec(line)).filter(Boolean).map(([, key, text]) => [key, text]));

export function says(key) {
  if (!TEXTS.has(key)) throw new Error(`templates/texts/en.yaml has no ${key}`);
  const parts = TEXTS.get(key).split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(parts.join('.+'));
}

// --- programs ---

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function start(program, args, log, env) {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const sink = createWriteStream(log);
  child.stderr.pipe(sink);
  child.ended = new Promise((resolve) => { child.once('error', resolve); child.once('exit', resolve); });
  child.on('error', () => {});
  return child;
}

function firstLine(child, what) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (piece) => {
      text += piece;
      if (text.includes('\n')) resolve(text.split('\n')[0]);
    });
    child.ended.then(() => reject(new Error(`${what} ended before it listened`)));
  });
}

async function until(what, condition) {
  const end = Date.now() + START_MS;
  while (Date.now() < end) {
    if (await condition().catch(() => false)) return;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  throw new Error(`waited in vain: ${what}`);
}

// The same configuration as `make run`, with the browser test's playbook beside the others.
function configure(state, sandbox, listen) {
  cpSync(path.join(TREE, 'playbooks'), path.join(state, 'playbooks'), { recursive: true });
  cpSync(path.join(HERE, 'playbooks'), path.join(state, 'playbooks'), { recursive: true });
  const text = readFileSync(path.join(TREE, 'deploy/sandbox.yaml'), 'utf8').replaceAll('@TREE@/playbooks', `${state}/playbooks`)
    .replaceAll('@TREE@', TREE).replaceAll('@SANDBOX@', sandbox).replaceAll('@STATE@', state).replaceAll('@LISTEN@', listen);
  writeFileSync(path.join(state, 'securitybot.yaml'), text);
}

// Starts everything. `build` is the folder of the two programs.
export async function open(build) {
  const state = mkdtempSync(path.join(tmpdir(), 'securitybot-browser-'));
  const token = randomBytes(16).toString('hex');
  writeFileSync(path.join(state, 'token'), token, { mode: 0o600 });
  const listen = `127.0.0.1:${await freePort()}`;
  const children = [];
  let browser = null;

  async function close() {
    await browser?.close();
    for (const child of children.reverse()) { // the bot first: it says goodbye to Slack
      child.kill();
      const hard = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await child.ended;
      clearTimeout(hard);
    }
    rmSync(state, { recursive: true, force: true });
  }

  const log = () => readFileSync(path.join(state, 'bot.log'), 'utf8').split('\n').slice(-20).join('\n');

  try {
    const sandbox = start(path.join(build, 'sandbox'), ['--listen', '127.0.0.1:0', '--bot', `http://${listen}`,
      '--bot-token-file', path.join(state, 'token'), '--shelf', path.join(HERE, 'shelf')], path.join(state, 'sandbox.log'), process.env);
    children.push(sandbox);
    const url = (await firstLine(sandbox, 'the sandbox')).replace(/^sandbox /, '');
    configure(state, url.replace(/\/$/, ''), listen);
    const { CREDENTIALS_DIRECTORY, NOTIFY_SOCKET, ...env } = process.env;
    const bot = start(path.join(build, 'securitybot'), ['run', '--config', path.join(state, 'securitybot.yaml')], path.join(state, 'bot.log'), {
      ...env, SLACK_API_URL: `${url}api/`, SLACK_APP_TOKEN: 'xapp-1-A0SANDBOX-1-secret', SLACK_BOT_TOKEN: 'xoxb-T0SANDBOX-secret',
      PAGERDUTY_ROUTING_KEY: 'R0SANDBOXR0SANDBOXR0SANDBOX00000',
      PAGERDUTY_EU_ROUTING_KEY: 'R0SANDBOXEUR0SANDBOXEUR0SANDBOX0', SANDBOX_SOURCE_TOKEN: token,
      MAC_KEY: randomBytes(32).toString('hex'), AUDIT_KEY: randomBytes(32).toString('hex'),
    });
    children.push(bot);
    let over = false;
    bot.ended.then(() => { over = true; });
    const control = async (verb, args = {}) => {
      const answer = await fetch(`${url}_control/${verb}`, { method: 'POST', body: JSON.stringify(args) });
      return answer.json();
    };
    await until('the bot connects', async () => {
      if (over) throw new Error('the bot ended');
      return (await control('state')).sockets.some((socket) => socket.up) && (await fetch(`http://${listen}/readyz`)).ok;
    }).catch((trouble) => {
      throw new Error(`${trouble.message}\n${log()}`);
    });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    return { url, control, browser, close, log };
  } catch (trouble) {
    await close();
    throw trouble;
  }
}

// --- one visitor of the page ---

export class Visitor {
  static async come(desk, size, options = {}) {
    const context = await desk.browser.newContext({ viewport: size, bypassCSP: true, reducedMotion: 'reduce', ...options });
    const page = await context.newPage();
    const visitor = new Visitor(desk, page, size === PHONE);
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('console', (message) => { if (message.type() === 'error') visitor.errors.push(message.text()); });
    page.on('pageerror', (error) => visitor.errors.push(String(error)));
    await page.goto(desk.url);
    await page.locator('#people [role=radio]').first().waitFor({ state: 'attached' });
    return visitor;
  }

  constructor(desk, page, phone) {
    Object.assign(this, { desk, page, phone, errors: [] });
    this.messages = page.locator('#messages');
    this.pager = page.locator('#pager');
    this.dialog = page.locator('dialog[open]');
  }

  // On a phone one pane shows at a time.
  async pane(name) {
    if (this.phone) await this.page.locator(`#bar [data-pane=${name}]`).click();
  }

  async be(name) {
    await this.pane('rail');
    await this.page.locator('#people').getByRole('radio', { name }).click();
    await this.page.locator('#directs button').click();
  }

  async openChannel(name) {
    await this.pane('rail');
    await this.page.locator('#channels').getByRole('button', { name }).click();
  }

  // Sends an alert of the shelf and waits until the bot's door took it.
  async send(title, about = '') {
    await this.pane('side');
    await this.page.getByLabel('About').selectOption(about);
    const card = this.page.locator('#shelf li', { hasText: title });
    await card.getByRole('button', { name: 'Send' }).click();
    await card.locator('.answer.good').waitFor();
    await this.pane('talk');
  }

  read(text) { return this.messages.getByText(text).last().waitFor(); }

  press(name) { return this.messages.getByRole('button', { name }).last().click(); }

  async axe(where) {
    await this.page.evaluate(AXE);
    const { violations } = await this.page.evaluate('axe.run(document, { resultTypes: ["violations"] })');
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`);
    if (found.length) throw new Error(`axe, ${where}: ${found.join('\n')}`);
  }

  async shoot(name) {
    const folder = path.resolve(TREE, process.env.SCREENSHOTS ?? 'build/screenshots');
    mkdirSync(folder, { recursive: true });
    await this.page.mouse.move(0, 0);
    await this.page.screenshot({ path: path.join(folder, `${name}.png`), animations: 'disabled', caret: 'hide' });
  }

  async leave() {
    await this.page.context().close();
    if (this.errors.length) throw new Error(`the browser's console: ${this.errors.join('\n')}`);
  }
}

// --- the tally ---

export class Tally {
  passed = 0;

  failed = 0;

  async story(name, run) {
    const begun = Date.now();
    try {
      await run();
      this.passed++;
      console.log(`ok      ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
    } catch (trouble) {
      this.failed++;
      console.log(`FAILED  ${name}\n        ${String(trouble?.message ?? trouble).split('\n').slice(0, 14).join('\n        ')}`);
    }
  }

  end() {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    process.exitCode = this.failed ? 1 : 0;
  }
}
