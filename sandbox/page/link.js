// link: the only file that talks to the sandbox. Control verbs, the shelf, and the live line that says "changed".
// Called by app.js, talk.js, dialogs.js and side.js; draws nothing.

export const ACK_MS = 3000; // Slack gives an app three seconds to acknowledge what a person did
const POLL_MS = 1000;
const LEDGER_MS = 120;

async function call(path, body) {
  const options = body === undefined ? {} : {
    method: 'POST', headers: { 'Content-Type': 'application/json; charset=utf-8' }, body: JSON.stringify(body),
  };
  const answer = await fetch(path, { cache: 'no-store', ...options });
  const text = await answer.text();
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`the sandbox answered ${answer.status} without JSON`);
  }
  return { status: answer.status, value };
}

// One control verb (docs/SANDBOX.md). Throws with a sentence when the sandbox says no.
export async function control(verb, args = {}) {
  const { value } = await call(`/_control/${verb}`, args);
  if (value.ok === false) throw new Error(value.error ?? 'the sandbox refused');
  return value;
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// What became of something a person did: waits until the bot acknowledged it. Gives the payload of the
// acknowledgement ({} if it had none) or throws with the reason a person can read.
export async function deliver(verb, args) {
  const started = performance.now();
  const { delivered, envelope_id: id } = await control(verb, args);
  if (!delivered) throw new Error('SecurityBot is not connected. Try again when it runs.');
  while (performance.now() - started < ACK_MS) {
    const { acks } = await control('ledger');
    const ack = acks.find((entry) => entry.envelope_id === id);
    if (ack) return ack.payload ?? {};
    await pause(LEDGER_MS);
  }
  throw new Error('SecurityBot did not answer in 3 seconds. Try again.');
}

// The alerts that lie ready: {files: [{name, title, source}], can_send}.
export async function shelf() {
  const { value } = await call('/_shelf');
  return value;
}

// Puts one of them to the bot's door, about `subject` (an e-mail) if the alert leaves that open. {good, words}: what
// the door answered.
export async function sendAlert(name, subject) {
  const { status, body } = await control('send', subject ? { name, subject } : { name });
  if (status === 202) return { good: true, words: 'Accepted: SecurityBot has it.' };
  if (status === 200) return { good: true, words: 'Known already: counted once more.' };
  return { good: false, words: `Refused (${status}): ${body?.detail ?? body?.title ?? 'no reason given'}` };
}

// The live line: `changed` is called after each change of the workspace, and once a second while the line is down.
export function watch(changed) {
  let poll = null;
  const dial = () => {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/_page`);
    socket.onopen = () => { clearInterval(poll); poll = null; changed(); };
    socket.onmessage = changed;
    socket.onclose = () => {
      poll ??= setInterval(changed, POLL_MS);
      setTimeout(dial, POLL_MS);
    };
  };
  dial();
}
