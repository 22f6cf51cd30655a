// side: the right pane: the shelf of alerts, the pager, and what went over the wire. Called by app.js only.
import { h, byId, sync } from './dom.js';
import { link } from './marks.js';
import { clock, clockSeconds, fullMoment } from './times.js';
import { shelf, sendAlert } from './link.js';

const WIRE_SHOWN = 200;
const shelved = { files: null, canSend: true, trouble: '', answers: new Map() }; // answers: name → {busy} | {good, words}

async function fillShelf(app) {
  try {
    const { files, can_send: canSend } = await shelf();
    Object.assign(shelved, { files, canSend, trouble: '' });
  } catch {
    shelved.trouble = 'The shelf could not be read. Load the page again.';
  }
  app.render();
}

async function send(app, file) {
  if (shelved.answers.get(file.name)?.busy) return;
  shelved.answers.set(file.name, { busy: true, words: 'Sending…' });
  app.render();
  try {
    shelved.answers.set(file.name, await sendAlert(file.name, byId('about').value));
  } catch (trouble) {
    shelved.answers.set(file.name, { good: false, words: `Not sent: ${trouble.message}` });
  }
  app.render();
}

function shelfRow(app, file) {
  const answer = shelved.answers.get(file.name);
  const tone = !answer || answer.busy ? '' : answer.good ? ' good' : ' bad';
  return h('li', { class: 'card' },
    h('div', { class: 'card-head' },
      h('div', {}, h('p', { class: 'card-title', id: `alert-${file.name}` }, file.title || file.name), h('p', { class: 'hint' }, `from ${file.source}`)),
      h('button', {
        type: 'button', class: 'button', 'data-focus': 'send', 'aria-disabled': answer?.busy ? 'true' : null,
        'aria-describedby': `alert-${file.name}`, onclick: () => send(app, file),
      }, 'Send')),
    h('p', { class: `answer${tone}`, role: 'status' }, answer?.words ?? ''));
}

function shelfEmpty() {
  if (shelved.trouble) return shelved.trouble;
  if (!shelved.files) return 'Looking…';
  if (!shelved.canSend) return 'The sandbox does not know where SecurityBot listens. Start it with --bot URL.';
  return 'The shelf is empty. Start the sandbox with --shelf DIR, a folder of alerts.';
}

function drawShelf(app) {
  const files = shelved.canSend && shelved.files?.length ? shelved.files : [{ name: ' ', none: shelfEmpty() }];
  sync(byId('shelf'), files, (file) => file.name, (file) => [file, shelved.answers.get(file.name)],
    (file) => (file.none ? h('li', { class: 'empty' }, file.none) : shelfRow(app, file)));
  const subjects = [{ email: '', real_name: 'whom the alert names' }, ...app.people()];
  sync(byId('about'), subjects, (person) => `about ${person.email}`, (person) => person,
    (person) => h('option', { value: person.email }, person.real_name));
}

const words = (value) => (value !== null && typeof value === 'object' ? JSON.stringify(value) : String(value));

function incidentRow(app, incident) {
  const details = Object.entries(incident.details ?? {});
  return h('li', { class: `card incident ${incident.status}` },
    h('p', { class: 'chips' }, h('span', { class: `chip status-${incident.status}` }, incident.status),
      incident.pager === 'pagerduty' ? null : h('span', { class: 'chip' }, `by ${incident.pager}`),
      h('span', { class: `chip severity-${incident.severity}` }, `severity ${incident.severity}`),
      h('time', { class: 'hint', title: fullMoment(incident.first_ms, app.look.zone) }, clock(incident.first_ms, app.look.zone))),
    h('p', { class: 'card-title' }, incident.summary),
    incident.triggers > 1 ? h('p', { class: 'hint' }, `triggered ${incident.triggers} times`) : null,
    (incident.links ?? []).map((item) => h('p', {}, link(item.href ?? '', item.text || item.href || ''))),
    details.length ? h('details', {}, h('summary', {}, 'What the on-call reads'), h('dl', {}, details.map(([name, value]) =>
      [h('dt', {}, name), h('dd', {}, words(value))]))) : null);
}

function drawPager(app) {
  const all = [...app.state.incidents].sort((a, b) => b.last_ms - a.last_ms);
  const open = all.filter((incident) => incident.status !== 'resolved').length;
  byId('pager-count').textContent = open ? String(open) : '';
  byId('bar-side').textContent = open ? String(open) : '';
  sync(byId('pager'), all.length ? all : [{ none: true }], (incident) => `${incident.pager} ${incident.number} ${incident.key}`,
    (incident) => [incident, app.look.zone], (incident) => (incident.none
      ? h('li', { class: 'empty' }, 'Nobody has been paged. A “no”, silence, or an answer without proof can end here.')
      : incidentRow(app, incident)));
}

function drawWire(app) {
  const lines = app.state.wire ?? [];
  byId('wire-count').textContent = lines.length ? `${lines.length} lines` : '';
  if (!byId('wire').open) return;
  sync(byId('wire-list'), lines.slice(-WIRE_SHOWN).reverse(), (line) => line.seq, (line) => line.seq, (line) =>
    h('li', {}, h('time', {}, clockSeconds(line.at_ms, app.look.zone)), ' ', h('strong', {}, line.what), ' ', h('span', {}, words(line.detail ?? ''))));
}

export function drawSide(app) {
  drawShelf(app);
  drawPager(app);
  drawWire(app);
}

export function startSide(app) {
  byId('wire').addEventListener('toggle', () => app.render());
  fillShelf(app);
}
