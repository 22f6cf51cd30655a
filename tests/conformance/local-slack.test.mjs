// local-slack: the bot against an emulator of Slack that others wrote (npm local-slack-linux-x64), from the alert to the
// page. That emulator listens on every interface, so all of it runs in a network namespace of its own; where those are
// forbidden the test is skipped and says so. The bot knows nothing of whom it talks to.
// What local-slack 0.1.8 does otherwise than Slack, and the stories here allow for:
//   - metadata and client_msg_id are dropped, so a lost answer to a first post could not be found again: none gets lost here
//   - hello has no approximate_connection_time; no pings, no disconnect, no pacing; an envelope is never sent twice
//   - any token will do, trigger ids live long, users have no tz_offset: nothing here asserts those
// Usage: node tests/conformance/local-slack.test.mjs BUILD-FOLDER
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SELF = fileURLToPath(import.meta.url);
const TREE = path.resolve(path.dirname(SELF), '../..');
const BUILD = path.resolve(process.argv[2] ?? 'build');
const EMULATOR = path.join(TREE, 'node_modules/local-slack-linux-x64/bin/local-slack');
const SLACK = 'http://127.0.0.1:4800'; // in a namespace of our own every port is free
const DOOR = 'http://127.0.0.1:4820';
const CHANNEL = 'C0SECALRT';
const START_MS = 20_000;
const PATIENCE_MS = 10_000;
const STOP_MS = 5_000;

function skip(why) {
  console.log(`SKIP    ${why}\n0 passed, 0 failed, 1 skipped`);
  process.exit(0);
}

// Outside: the same again, in a namespace whose loopback is up.
if (process.argv[3] !== '--inside') {
  const into = ['-rn', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
  const probe = spawnSync('unshare', [...into, 'true'], { encoding: 'utf8' });
  if (probe.status !== 0) skip(`no network namespace here: ${(probe.stderr || String(probe.error ?? '')).trim()}`);
  const { status } = spawnSync('unshare', [...into, process.execPath, SELF, BUILD, '--inside'], { stdio: 'inherit' });
  process.exit(status ?? 70);
}

const state = mkdtempSync(path.join(tmpdir(), 'securitybot-conformance-'));
const token = randomBytes(16).toString('hex');
const keys = { MAC_KEY: randomBytes(32).toString('hex'), AUDIT_KEY: randomBytes(32).toString('hex') };
const children = [];
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function until(what, condition, patience = PATIENCE_MS) {
  for (const end = Date.now() + patience; Date.now() < end; await pause(30)) {
    const found = await condition();
    if (found) return found;
  }
  throw new Error(`waited in vain: ${what}`);
}

// --- programs ---

function start(program, args, log, env = process.env) {
  const child = spawn(program, args, { env, cwd: state, stdio: ['ignore', 'pipe', 'pipe'] });
  child.said = '';
  child.stdout.setEncoding('utf8').on('data', (piece) => { child.said += piece; });
  child.stderr.pipe(createWriteStream(path.join(state, log), { flags: 'a' }));
  child.ended = new Promise((resolve) => { child.once('error', resolve); child.once('exit', resolve); });
  child.on('error', () => {});
  children.push(child);
  return child;
}

async function stop(child) {
  child.kill();
  const hard = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await child.ended;
  clearTimeout(hard);
}

async function ask(url, body) {
  const answer = await fetch(url, body === undefined ? {} : {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  return answer.json();
}

const isThere = (url) => async () => (await fetch(url).catch(() => null))?.ok;

async function startSlack() {
  writeFileSync(path.join(state, 'slack.yaml'), `
workspace: { name: Duff, domain: duff, teamId: T0DUFF001 }
app: { appId: A0SECBOT1, botUserId: U0SECBOT1, botName: securitybot, botToken: xoxb-conformance,
       appToken: xapp-1-A0SECBOT1-1-conformance, mode: socket }
users:
  - { id: U0ALICE01, name: alice, real_name: Alice Archer, email: alice@duff.example, tz: Europe/Berlin }
  - { id: U0DANA001, name: dana, real_name: Dana Dial, email: dana@duff.example, tz: Europe/London }
channels:
  - { id: ${CHANNEL}, name: security-alerts, members: [U0DANA001, U0SECBOT1] }
`);
  start(EMULATOR, ['--config', path.join(state, 'slack.yaml'), '--port', '4800', '--base-host', '127.0.0.1'], 'slack.log');
  await until('local-slack listens', isThere(`${SLACK}/_control/state`), START_MS);
}

// The pager is the sandbox's; its Slack stays unused.
async function startPager() {
  const child = start(path.join(BUILD, 'sandbox'), ['--listen', '127.0.0.1:0'], 'pager.log');
  await until('the pager listens', () => child.said.includes('\n'), START_MS);
  return child.said.split('\n')[0].replace(/^sandbox /, '');
}

function configure(pager) {
  writeFileSync(path.join(state, 'securitybot.yaml'), `
listen: "127.0.0.1:4820"
database: securitybot.db
socket: securitybot.sock
playbooks: "${TREE}/playbooks"
connectors: "${TREE}/connectors"
slack: { channel: ${CHANNEL} }
sources:
  okta: {bearer: "\${secret:OKTA_TOKEN}"}
people: {domain: duff.example}
analysts: [U0DANA001]
pager: {connector: pagerduty, base_url: "${pager}pagerduty/v2"}
`);
}

async function startBot() {
  const { CREDENTIALS_DIRECTORY, NOTIFY_SOCKET, ...env } = process.env;
  const bot = start(path.join(BUILD, 'securitybot'), ['run', '--config', path.join(state, 'securitybot.yaml')], 'bot.log', {
    ...env, ...keys, SLACK_API_URL: `${SLACK}/api/`, SLACK_APP_TOKEN: 'xapp-1-A0SECBOT1-1-conformance',
    SLACK_BOT_TOKEN: 'xoxb-conformance', PAGERDUTY_ROUTING_KEY: 'R0SANDBOXR0SANDBOXR0SANDBOX00000', OKTA_TOKEN: token,
  });
  await until('the bot is ready', isThere(`${DOOR}/readyz`), START_MS);
  return bot;
}

// --- senders and people ---

const sample = JSON.parse(readFileSync(path.join(TREE, 'playbooks/samples/okta-admin-console.json'), 'utf8'));

// Okta's sample about Alice, as an event of its own.
async function alert(id) {
  const body = JSON.stringify(sample).replaceAll('homer.simpson@duff.example', 'alice@duff.example').replaceAll(sample.uuid, id);
  const answer = await fetch(`${DOOR}/v1/alerts/okta`, {
    method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body,
  });
  if (answer.status !== 202) throw new Error(`the alert was answered ${answer.status}`);
}

const text = (message) => JSON.stringify(message?.blocks ?? []) + (message?.text ?? '');
const messages = async (channel) => (await ask(`${SLACK}/_control/messages/${channel}`)).messages;
const log = async () => (await ask(`${SLACK}/_control/log`)).log;

async function direct() {
  const { channels } = await ask(`${SLACK}/_control/state`);
  return channels.find((channel) => channel.is_im && channel.members.includes('U0ALICE01'))?.id;
}

const inDirect = async (words) => {
  const channel = await direct();
  return channel ? (await messages(channel)).filter((message) => text(message).includes(words)) : [];
};
const inChannel = async (words) => (await messages(CHANNEL)).filter((message) => text(message).includes(words));

function buttonsOf(message) {
  const block = message.blocks.find(({ type }) => type === 'actions');
  return (block?.elements ?? []).map((element) => ({ ...element, block_id: block.block_id }));
}

async function press(message, action) {
  const button = buttonsOf(message).find(({ action_id }) => action_id === action);
  if (!button) throw new Error(`no button ${action}`);
  const { ok } = await ask(`${SLACK}/_control/interact`, {
    channel: await direct(), messageTs: message.ts, user: 'U0ALICE01', action: button,
  });
  if (!ok) throw new Error('local-slack did not take the click');
}

// Modals can be filled in over the page's own socket only.
async function fillIn(values) {
  const page = new WebSocket(`${SLACK.replace('http', 'ws')}/ui`);
  await new Promise((resolve, reject) => { page.onopen = resolve; page.onerror = reject; });
  page.send(JSON.stringify({ t: 'view_submit', user: 'U0ALICE01', values }));
  await pause(300);
  page.close();
}

// --- stories ---

let passed = 0;
let failed = 0;
let pager = '';
let bot = null;

async function story(name, run) {
  try {
    await run();
    passed++;
    console.log(`ok      ${name}`);
  } catch (trouble) {
    failed++;
    console.log(`FAILED  ${name}\n        ${trouble?.message ?? trouble}`);
  }
}

function holds(is, what) {
  if (!is) throw new Error(`not so: ${what}`);
}

const incidents = async () => (await ask(`${pager}_control/state`, { only: 'incidents' })).incidents;
const question = (sb) => until(`the question of ${sb}`, async () => (await inDirect(`Case ${sb}.`))[0]);

async function saidNo() {
  await alert('conformance-no');
  const asked = await question('SB-1');
  holds(buttonsOf(asked).some(({ action_id }) => action_id === 'yes'), 'the question has two buttons');
  holds((await inChannel('SB-1')).length === 1, 'the card stands in the channel');
  await press(asked, 'no');
  const paged = await until('the pager rings', async () => (await incidents()).find((one) => one.details.case === 'SB-1'));
  holds(paged.details.reason === 'answered-no', 'the page says why');
  await until('the message says that somebody was paged', async () => (await inDirect('was paged at')).length === 1);
  const [after] = await inDirect('Case SB-1.');
  holds(after.ts === asked.ts && buttonsOf(after).length === 0, 'the same message changed, and its buttons are gone');
  await until('the modal', async () => (await log()).some(({ summary }) => summary === 'views.open'));
  await fillIn({ note: { text: { type: 'plain_text_input', value: 'I was asleep at that time' } } });
  await until('the card quotes the note', async () => (await inChannel('I was asleep at that time')).length > 0);
}

async function saidYes() {
  await alert('conformance-yes');
  const asked = await question('SB-2');
  await press(asked, 'yes');
  await until('the message says what was answered', async () => text((await inDirect('Case SB-2.'))[0]).includes('You answered: Yes'));
  holds((await incidents()).length === 1, 'a yes pages nobody');
}

async function survived() {
  await alert('conformance-death');
  const asked = await question('SB-3');
  bot.kill('SIGKILL');
  await bot.ended;
  bot = await startBot();
  await press(asked, 'no');
  await until('the pager rings', async () => (await incidents()).find((one) => one.details.case === 'SB-3'));
  await until('the message changes', async () => text((await inDirect('Case SB-3.'))[0]).includes('was paged at'));
  holds((await inDirect('Case SB-3.')).length === 1, 'the question stands once');
}

async function typed() {
  const before = (await messages(CHANNEL)).length;
  await ask(`${SLACK}/_control/command`, { channel: CHANNEL, user: 'U0DANA001', command: '/securitybot', text: 'show SB-1' });
  const shown = await until('the command is answered', async () => (await messages(CHANNEL))[before]);
  holds(text(shown).includes('SB-1'), 'it shows the case');
}

// Its log has a line of its own, "METHOD -> ERROR", for what it refused; an unknown method it only answers.
async function nothingRefused() {
  const entries = await log();
  const refused = entries.filter(({ summary }) => summary.includes(' -> ')).map(({ summary }) => summary);
  holds(refused.length === 0, `nothing was refused: ${refused.join(', ')}`);
  const calls = entries.filter(({ direction, kind }) => direction === 'from_bot' && kind === 'web_api');
  const methods = [...new Set(calls.map(({ summary }) => summary))];
  holds(methods.includes('chat.postMessage'), 'its log tells the methods');
  for (const method of methods) {
    const { error } = await ask(`${SLACK}/api/${method}`, {});
    holds(error !== 'unknown_method', `it knows ${method}`);
  }
  const envelopes = entries.filter(({ summary }) => summary.startsWith('envelope ')).length;
  const acks = entries.filter(({ kind }) => kind === 'ack').length;
  holds(envelopes > 0 && acks >= envelopes, `each envelope is acknowledged: ${acks} of ${envelopes}`);
}

try {
  await startSlack();
  pager = await startPager();
  configure(pager);
  bot = await startBot();
  await story('a no by button: asked, paged, rewritten, noted', saidNo);
  await story('a yes by button: recorded, and nobody is paged', saidYes);
  await story('a question outlives kill -9 of the bot', survived);
  await story('a slash command is answered', typed);
  await story('local-slack refused nothing, and each envelope was acknowledged', nothingRefused);
} catch (trouble) {
  failed++;
  console.log(`FAILED  ${trouble?.message ?? trouble}`);
} finally {
  for (const child of children.reverse()) await stop(child);
  if (failed) console.log(readFileSync(path.join(state, 'bot.log'), 'utf8').split('\n').slice(-20).join('\n'));
  rmSync(state, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
